/* How many threads of a kind compute at once. Thousands may have work in hand, since most of it is
 * waiting; if all that stopped waiting ran, whoever else wants the processor would wait behind
 * them. So a thread has a seat while it computes. It leaves the seat for every wait, and sits down
 * again before it goes on: whoever ends its wait hands it a seat, or a place in the queue for one,
 * and it wakes up when it has got it. Nobody with a seat may wait for another one who needs a seat.
 */
#pragma once

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct seats;

/* One for each core that the process may use; 2 at least, so that one thread which waits for a page
 * of a file is not all. */
int seats_for_cores(void);

struct seats *seats_new(size_t count); /* 1 at least */
void seats_free(struct seats *seats);  /* when all are free */

/* Somebody who wants a seat. In the queue until `granted` is called, by the thread that had the
 * seat before, with no lock of these seats held; the claim is its owner's again from then on. */
struct seat_claim {
    struct seat_claim *next;
    void (*granted)(struct seat_claim *claim);
};

/* True: the claim's owner has a seat at once, and `granted` is not called. False: it is in the
 * queue, behind all that came before it and all that return from a wait, since these hold more and
 * are nearer to their end. */
bool seats_take(struct seats *seats, struct seat_claim *claim);
/* A seat goes from the caller to the owner of the claim that is returned, whose `granted` the
 * caller calls, or does what it would do; NULL: nobody wants it, so it is free. */
struct seat_claim *seats_pass(struct seats *seats);

/* From now on the calling thread's waits leave a seat of these, which it has; NULL: it has none,
 * and they leave nothing. */
void seats_sit(struct seats *seats);

/* One wait for another thread; on the waiting one's stack. */
struct pause {
    sem_t over;
    struct seats *seats; /* of the waiting thread; NULL: it has none */
    atomic_int state;
    struct seat_claim claim;
};

void pause_init(struct pause *pause);
void pause_wait(struct pause *pause); /* until pause_end was called, and there is a seat again */
void pause_done(struct pause *pause);
/* Once, by any thread. Does not wait, and touches nothing of the pause when its owner may go on. */
void pause_end(struct pause *pause);

/* Around a wait of any other kind. No lock may be held at seat_return, which waits for others. */
void seat_leave(void);
void seat_return(void);
