/* A pool that grows while every thread is busy and shrinks when they are idle. Who became idle last
 * gets the next job, so that the others' time runs out. */
#include "service/workers.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "service/lanes.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

/* A thread that waits for a job; on its own stack. */
struct idle {
    struct idle *older, *newer;
    pthread_cond_t wanted;
    bool called; /* it is not in the list any more */
};

struct ready {
    struct ready *next;
    struct job job;
};

struct workers {
    struct workers_config config;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct lanes *lanes;
    struct ready *ready, *last_ready; /* jobs that have a place and no thread yet */
    struct idle *newest;
    int count; /* threads */
    bool stopping;
    bool has_last;  /* a thread has ended, and nobody has joined it */
    pthread_t last; /* that one: the next to end, or workers_free, joins it */
};

struct workers *workers_new(const struct workers_config *config)
{
    struct workers *workers = xcalloc(1, sizeof(*workers));
    workers->config = *config;
    if (workers->config.idle_ms == 0)
        workers->config.idle_ms = WORKERS_IDLE_MS;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->ended, NULL);
    workers->lanes = lanes_new(&(struct lanes_config){
        .places = (size_t)config->max_threads,
        .queue_max = config->queue_max,
        .host_max = config->host_max,
    });
    return workers;
}

/* --- idle threads; all of it under the lock --- */

static void idle_init(struct idle *idle)
{
    *idle = (struct idle){0};
    cond_init_timed(&idle->wanted);
}

static void idle_push(struct workers *workers, struct idle *idle)
{
    idle->called = false;
    idle->newer = NULL;
    idle->older = workers->newest;
    if (idle->older)
        idle->older->newer = idle;
    workers->newest = idle;
}

static void idle_remove(struct workers *workers, struct idle *idle)
{
    if (idle->newer)
        idle->newer->older = idle->older;
    else
        workers->newest = idle->older;
    if (idle->older)
        idle->older->newer = idle->newer;
}

static bool call_newest(struct workers *workers)
{
    struct idle *idle = workers->newest;
    if (!idle)
        return false;
    idle_remove(workers, idle);
    idle->called = true;
    pthread_cond_signal(&idle->wanted);
    return true;
}

/* False when nobody has called for so long that the thread should end. */
static bool wait_to_be_called(struct workers *workers, struct idle *idle)
{
    int64_t until_ms = clock_mono_ms() + workers->config.idle_ms;
    bool over = false;
    idle_push(workers, idle);
    while (!idle->called && !workers->stopping && !over) {
        if (workers->count <= WORKERS_KEPT)
            pthread_cond_wait(&idle->wanted, &workers->lock);
        else
            over = !cond_wait_until(&idle->wanted, &workers->lock, until_ms) &&
                   workers->count > WORKERS_KEPT;
    }
    if (!idle->called)
        idle_remove(workers, idle);
    return idle->called || workers->stopping;
}

/* --- jobs; all of it under the lock --- */

static void *work(void *argument);

static bool start_thread(struct workers *workers)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WORKERS_STACK_SIZE);
    bool started = pthread_create(&thread, &attributes, work, workers) == 0;
    pthread_attr_destroy(&attributes);
    workers->count += started;
    return started;
}

static void add_ready(struct workers *workers, struct job job)
{
    struct ready *ready = xcalloc(1, sizeof(*ready));
    ready->job = job;
    if (workers->ready)
        workers->last_ready->next = ready;
    else
        workers->ready = ready;
    workers->last_ready = ready;
}

/* Gives a place to all that may have one, and calls a thread for all but `own` of them, for which
 * there is one. Where no thread can be started, the next that is done takes them. */
static void give_places(struct workers *workers, size_t own)
{
    struct job job;
    while (lanes_next(workers->lanes, &job)) {
        add_ready(workers, job);
        if (own > 0)
            own--;
        else if (!call_newest(workers) && !workers->stopping &&
                 workers->count < workers->config.max_threads)
            start_thread(workers);
    }
}

static bool take(struct workers *workers, struct idle *idle, struct job *ret_job)
{
    while (!workers->ready) {
        if (workers->stopping || !wait_to_be_called(workers, idle))
            return false;
    }
    struct ready *ready = workers->ready;
    workers->ready = ready->next;
    *ret_job = ready->job;
    free(ready);
    return true;
}

/* A burst leaves memory behind in pieces; when its threads have gone, it goes back to the system.
 */
static void end_thread(struct workers *workers)
{
    pthread_t previous = workers->last;
    bool has_previous = workers->has_last;
    workers->last = pthread_self();
    workers->has_last = true;
    bool shrunk = --workers->count == WORKERS_KEPT && !workers->stopping;
    pthread_cond_signal(&workers->ended);
    pthread_mutex_unlock(&workers->lock);
    if (has_previous)
        pthread_join(previous, NULL);
    if (shrunk)
        malloc_trim(0);
}

static void *work(void *argument)
{
    struct workers *workers = argument;
    struct idle idle;
    struct job job;
    pthread_setname_np(pthread_self(), "worker");
    idle_init(&idle);
    pthread_mutex_lock(&workers->lock);
    while (take(workers, &idle, &job)) {
        pthread_mutex_unlock(&workers->lock);
        job.run(job.argument);
        pthread_mutex_lock(&workers->lock);
        lanes_leave(workers->lanes, &job);
        give_places(workers, workers->ready ? 0 : 1);
    }
    pthread_cond_destroy(&idle.wanted);
    end_thread(workers);
    return NULL;
}

static bool fail_for_room(enum lanes_room room, struct error *error)
{
    if (room == LANES_HOST_FULL)
        return fail(error, ERR_THROTTLING,
                    "Rate exceeded: as many changes as may wait for this vendor are waiting.");
    return fail(error, ERR_THROTTLING, "Rate exceeded");
}

bool workers_post(struct workers *workers, struct str hosts, void (*run)(void *argument),
                  void *argument, struct error *error)
{
    enum lanes_room room = LANES_FULL;
    pthread_mutex_lock(&workers->lock);
    bool first = workers->count == 0 && !workers->stopping && start_thread(workers);
    if (workers->count > 0 && !workers->stopping)
        room = lanes_enter(workers->lanes, hosts, (struct job){.run = run, .argument = argument});
    if (room == LANES_ROOM)
        give_places(workers, first ? 1 : 0);
    pthread_mutex_unlock(&workers->lock);
    return room == LANES_ROOM || fail_for_room(room, error);
}

struct workers_counts workers_counts(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct lanes_counts lanes = lanes_counts(workers->lanes);
    struct workers_counts counts = {
        .threads = workers->count,
        .busy = (int)lanes.in_hand,
        .queued = lanes.queued,
        .held = lanes.held,
    };
    pthread_mutex_unlock(&workers->lock);
    return counts;
}

void workers_free(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    for (struct idle *idle = workers->newest; idle; idle = idle->older)
        pthread_cond_signal(&idle->wanted);
    while (workers->count > 0)
        pthread_cond_wait(&workers->ended, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
    if (workers->has_last)
        pthread_join(workers->last, NULL);
    lanes_free(workers->lanes);
    pthread_cond_destroy(&workers->ended);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}
