/* Two queues behind one lock that is held for a few instructions. While seats are free no system
 * call is made but the one that wakes a waiting thread. */
#include "work/cpu_slots.h"

#include "base/alloc.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

struct queue {
    struct seat_claim *first, *last;
};

struct seats {
    pthread_mutex_t lock;
    size_t free;
    struct queue returning; /* from a wait */
    struct queue coming;    /* with work that has not begun */
};

static _Thread_local struct seats *mine;

int seats_for_cores(void)
{
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 0;
    return count > 2 ? count : 2;
}

struct seats *seats_new(size_t count)
{
    struct seats *seats = xcalloc(1, sizeof(*seats));
    pthread_mutex_init(&seats->lock, NULL);
    seats->free = count;
    return seats;
}

void seats_free(struct seats *seats)
{
    pthread_mutex_destroy(&seats->lock);
    free(seats);
}

static void add(struct queue *queue, struct seat_claim *claim)
{
    claim->next = NULL;
    if (queue->first)
        queue->last->next = claim;
    else
        queue->first = claim;
    queue->last = claim;
}

static struct seat_claim *take_first(struct queue *queue)
{
    struct seat_claim *claim = queue->first;
    if (claim)
        queue->first = claim->next;
    return claim;
}

static bool take_or_queue(struct seats *seats, struct queue *queue, struct seat_claim *claim)
{
    pthread_mutex_lock(&seats->lock);
    bool taken = seats->free > 0;
    if (taken)
        seats->free--;
    else
        add(queue, claim);
    pthread_mutex_unlock(&seats->lock);
    return taken;
}

bool seats_take(struct seats *seats, struct seat_claim *claim)
{
    return take_or_queue(seats, &seats->coming, claim);
}

struct seat_claim *seats_pass(struct seats *seats)
{
    pthread_mutex_lock(&seats->lock);
    struct seat_claim *claim = take_first(&seats->returning);
    if (!claim)
        claim = take_first(&seats->coming);
    if (!claim)
        seats->free++;
    pthread_mutex_unlock(&seats->lock);
    return claim;
}

static void leave(struct seats *seats)
{
    struct seat_claim *claim = seats_pass(seats);
    if (claim)
        claim->granted(claim);
}

void seats_sit(struct seats *seats)
{
    mine = seats;
}

/* --- waits --- */

enum { COMPUTING, WAITING, ENDED }; /* the states of a pause */

static void wake(struct seat_claim *claim)
{
    struct pause *pause = (struct pause *)((char *)claim - offsetof(struct pause, claim));
    sem_post(&pause->over);
}

void pause_init(struct pause *pause)
{
    *pause = (struct pause){.seats = mine, .claim.granted = wake};
    sem_init(&pause->over, 0, 0);
}

void pause_done(struct pause *pause)
{
    sem_destroy(&pause->over);
}

static void await(struct pause *pause)
{
    while (sem_wait(&pause->over) < 0)
        ; /* a signal came between */
}

/* A wait that ended before it began keeps the seat. */
void pause_wait(struct pause *pause)
{
    int expected = COMPUTING;
    if (!atomic_compare_exchange_strong(&pause->state, &expected, WAITING))
        return;
    if (pause->seats)
        leave(pause->seats);
    await(pause);
}

void pause_end(struct pause *pause)
{
    struct seats *seats = pause->seats; /* after the exchange its owner may go on */
    if (atomic_exchange(&pause->state, ENDED) != WAITING)
        return;
    if (!seats || take_or_queue(seats, &seats->returning, &pause->claim))
        wake(&pause->claim);
}

void seat_leave(void)
{
    if (mine)
        leave(mine);
}

void seat_return(void)
{
    struct pause pause;
    if (!mine)
        return;
    pause_init(&pause);
    if (!take_or_queue(mine, &mine->returning, &pause.claim))
        await(&pause);
    pause_done(&pause);
}
