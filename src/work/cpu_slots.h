/* CPU slots limit how many threads of a pool run at once (M:N admission).
 *
 * Thousands of threads may have a request in hand, since most of a request is waiting: for a
 * vendor, for a commit. If all of them ran when their waits end together, event loops would compete
 * with them for the processor. So a thread holds a slot while it is runnable, and releases it
 * around every blocking wait. There are about as many slots as cores.
 *
 * The thread that ends another one's wait also gets it a slot: it hands over a free one, or queues
 * the request for one, and the waiting thread wakes up only when it has its slot. That saves a wake
 * that would only lead to another sleep. Requests that return from a wait are served before those
 * with work that has not begun, since they hold more and are nearer to their end.
 *
 * Deadlock rule: a thread that holds a slot must not block on a thread that needs one, and no lock
 * may be held at slot_acquire(). */
#pragma once

#include "base/list.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu_slots;

/* One for each core that the process may use; 2 at least, so that a thread that waits for a page of
 * a file does not hold all of them. */
int cpu_slots_for_cores(void);

struct cpu_slots *cpu_slots_new(size_t count); /* 1 at least */
void cpu_slots_free(struct cpu_slots *slots);  /* when all are free */

/* A request for a slot. Queued until `granted` is called, by the thread that had the slot before,
 * with no lock of these slots held; from then on it belongs to its owner again. */
struct slot_request {
    struct list_link link;
    void (*granted)(struct slot_request *request);
};

/* True: a slot was free and is the owner's; `granted` is not called. False: the request is queued,
 * behind earlier ones and behind all that return from a wait. */
bool cpu_slots_take(struct cpu_slots *slots, struct slot_request *request);
/* Passes the caller's slot to the owner of the request that is returned: the caller calls its
 * `granted`, or does what that would do. NULL: no request waits, the slot is free. */
struct slot_request *cpu_slots_pass(struct cpu_slots *slots);

/* The calling thread holds one of these slots: its waits release it from now on. NULL: the thread
 * has none. */
void cpu_slots_use(struct cpu_slots *slots);

/* One wait for another thread; lives on the waiting thread's stack. */
struct slot_wait {
    sem_t over;
    struct cpu_slots *slots; /* of the waiting thread; NULL: it has none */
    atomic_int state;
    struct slot_request request;
};

void slot_wait_init(struct slot_wait *wait);
/* Releases the slot, blocks until slot_wait_end was called, and has a slot again on return. */
void slot_wait(struct slot_wait *wait);
/* The same for `wait_ms` at most. False: it has not ended, and can be waited for again. */
bool slot_wait_for(struct slot_wait *wait, int64_t wait_ms);
void slot_wait_done(struct slot_wait *wait);
/* Once, by any thread. Does not block, and touches nothing of the wait once its owner may
 * continue. */
void slot_wait_end(struct slot_wait *wait);

/* Around a wait of any other kind. slot_acquire() blocks: hold no lock. */
void slot_release(void);
void slot_acquire(void);

/* Sleeps without the slot. `is_to_end` is asked each SLOT_NAP_MS, with the slot; NULL: never.
 * False: it said so, and the rest was not slept. */
enum { SLOT_NAP_MS = 100 };
bool slot_nap(int64_t duration_ms, bool (*is_to_end)(void *context), void *context);
