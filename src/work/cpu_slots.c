/* Two queues behind one lock that is held for a few instructions. While slots are free no system
 * call is made but the one that wakes a waiting thread. */
#include "work/cpu_slots.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/int64.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

struct cpu_slots {
    pthread_mutex_t lock;
    size_t free;
    struct list returning; /* from a wait */
    struct list coming;    /* with work that has not begun */
};

static _Thread_local struct cpu_slots *mine;

int cpu_slots_for_cores(void)
{
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 0;
    return count > 2 ? count : 2;
}

struct cpu_slots *cpu_slots_new(size_t count)
{
    struct cpu_slots *slots = xcalloc(1, sizeof(*slots));
    pthread_mutex_init(&slots->lock, NULL);
    slots->free = count;
    return slots;
}

void cpu_slots_free(struct cpu_slots *slots)
{
    assert(!slots->returning.first);
    pthread_mutex_destroy(&slots->lock);
    free(slots);
}

static struct slot_request *take_first(struct list *queue)
{
    return list_item(list_take_first(queue), struct slot_request, link);
}

static bool take_or_queue(struct cpu_slots *slots, struct list *queue, struct slot_request *request)
{
    pthread_mutex_lock(&slots->lock);
    bool taken = slots->free > 0;
    if (taken)
        slots->free--;
    else
        list_append(queue, &request->link);
    pthread_mutex_unlock(&slots->lock);
    return taken;
}

bool cpu_slots_take(struct cpu_slots *slots, struct slot_request *request)
{
    return take_or_queue(slots, &slots->coming, request);
}

struct slot_request *cpu_slots_pass(struct cpu_slots *slots)
{
    pthread_mutex_lock(&slots->lock);
    struct slot_request *request = take_first(&slots->returning);
    if (!request)
        request = take_first(&slots->coming);
    if (!request)
        slots->free++;
    pthread_mutex_unlock(&slots->lock);
    return request;
}

static void release(struct cpu_slots *slots)
{
    struct slot_request *request = cpu_slots_pass(slots);
    if (request)
        request->granted(request);
}

void cpu_slots_use(struct cpu_slots *slots)
{
    mine = slots;
}

/* --- waits --- */

enum { COMPUTING, WAITING, ENDED }; /* the states of a wait */

static void wake(struct slot_request *request)
{
    struct slot_wait *wait =
        (struct slot_wait *)((char *)request - offsetof(struct slot_wait, request));
    sem_post(&wait->over);
}

void slot_wait_init(struct slot_wait *wait)
{
    *wait = (struct slot_wait){.slots = mine, .request.granted = wake};
    sem_init(&wait->over, 0, 0);
}

void slot_wait_done(struct slot_wait *wait)
{
    sem_destroy(&wait->over);
}

static void await(struct slot_wait *wait)
{
    while (sem_wait(&wait->over) < 0)
        ; /* a signal came between */
}

/* A wait that ended before it began keeps the slot. */
void slot_wait(struct slot_wait *wait)
{
    int expected = COMPUTING;
    if (!atomic_compare_exchange_strong(&wait->state, &expected, WAITING))
        return;
    if (wait->slots)
        release(wait->slots);
    await(wait);
}

/* As sem_wait, until then. The thread sanitizer does not know sem_clockwait, so the call that it
 * knows says what the wait has seen. */
static bool await_until(struct slot_wait *wait, const struct timespec *until)
{
    int rc;
    do {
        rc = sem_clockwait(&wait->over, CLOCK_MONOTONIC, until);
    } while (rc < 0 && errno == EINTR);
#ifdef __SANITIZE_THREAD__
    if (rc == 0)
        __tsan_acquire(&wait->over);
#endif
    return rc == 0;
}

/* The state decides when both come together: the end of the wait, which brings a slot, or that of
 * the time, after which the slot is asked for anew. */
bool slot_wait_for(struct slot_wait *wait, int64_t wait_ms)
{
    struct timespec until;
    int expected = COMPUTING;
    if (!atomic_compare_exchange_strong(&wait->state, &expected, WAITING))
        return true;
    if (wait->slots)
        release(wait->slots);
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + wait_ms % 1000 * 1000000;
    until.tv_sec += wait_ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    if (await_until(wait, &until))
        return true;
    expected = WAITING;
    if (!atomic_compare_exchange_strong(&wait->state, &expected, COMPUTING)) {
        await(wait);
        return true;
    }
    slot_acquire();
    return false;
}

void slot_wait_end(struct slot_wait *wait)
{
    struct cpu_slots *slots = wait->slots; /* its owner may continue after the exchange */
    int before = atomic_exchange(&wait->state, ENDED);
    assert(before != ENDED); /* a wait ends once */
    if (before != WAITING)
        return;
    if (!slots || take_or_queue(slots, &slots->returning, &wait->request))
        wake(&wait->request);
}

void slot_release(void)
{
    if (mine)
        release(mine);
}

void slot_acquire(void)
{
    struct slot_wait wait;
    if (!mine)
        return;
    slot_wait_init(&wait);
    if (!take_or_queue(mine, &mine->returning, &wait.request))
        await(&wait);
    slot_wait_done(&wait);
}

bool slot_nap(int64_t duration_ms, bool (*is_to_end)(void *context), void *context)
{
    int64_t until_ms = clock_mono_ms() + duration_ms;
    for (int64_t left_ms = duration_ms; left_ms > 0; left_ms = until_ms - clock_mono_ms()) {
        if (is_to_end && is_to_end(context))
            return false;
        slot_release();
        clock_nap_us(1000 * i64_min(SLOT_NAP_MS, left_ms));
        slot_acquire();
    }
    return true;
}
