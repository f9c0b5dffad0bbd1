/* How many threads of a kind compute at once. Thousands may have work in hand, since most of it is
 * waiting; if all that stopped waiting ran, whoever else wants the processor would wait behind
 * them. So a thread has a slot while it computes. It leaves the slot for every wait, and sits down
 * again before it goes on: whoever ends its wait hands it a slot, or a place in the queue for one,
 * and it wakes up when it has got it. Nobody with a slot may wait for another one who needs a slot.
 */
#pragma once

#include "base/list.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct cpu_slots;

/* One for each core that the process may use; 2 at least, so that one thread which waits for a page
 * of a file is not all. */
int cpu_slots_for_cores(void);

struct cpu_slots *cpu_slots_new(size_t count); /* 1 at least */
void cpu_slots_free(struct cpu_slots *slots);  /* when all are free */

/* Somebody who wants a slot. In the queue until `granted` is called, by the thread that had the
 * slot before, with no lock of these slots held; the claim is its owner's again from then on. */
struct slot_request {
    struct list_link link;
    void (*granted)(struct slot_request *claim);
};

/* True: the claim's owner has a slot at once, and `granted` is not called. False: it is in the
 * queue, behind all that came before it and all that return from a wait, since these hold more and
 * are nearer to their end. */
bool cpu_slots_take(struct cpu_slots *slots, struct slot_request *claim);
/* A slot goes from the caller to the owner of the claim that is returned, whose `granted` the
 * caller calls, or does what it would do; NULL: nobody wants it, so it is free. */
struct slot_request *cpu_slots_pass(struct cpu_slots *slots);

/* From now on the calling thread's waits leave a slot of these, which it has; NULL: it has none,
 * and they leave nothing. */
void cpu_slots_use(struct cpu_slots *slots);

/* One wait for another thread; on the waiting one's stack. */
struct slot_wait {
    sem_t over;
    struct cpu_slots *slots; /* of the waiting thread; NULL: it has none */
    atomic_int state;
    struct slot_request claim;
};

void slot_wait_init(struct slot_wait *wait);
void slot_wait(
    struct slot_wait *wait); /* until slot_wait_end was called, and there is a slot again */
void slot_wait_done(struct slot_wait *wait);
/* Once, by any thread. Does not wait, and touches nothing of the wait when its owner may go on. */
void slot_wait_end(struct slot_wait *wait);

/* Around a wait of any other kind. No lock may be held at slot_acquire, which waits for others. */
void slot_release(void);
void slot_acquire(void);
