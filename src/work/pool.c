/* The pool grows while every thread is busy and shrinks when they are idle. The thread that became
 * idle last gets the next job, so that the idle time of the others runs out. A job gets its share
 * of account and host first, then a CPU slot, and only then a thread; so a burst starts its threads
 * one after the other, from threads of the pool. */
#include "work/pool.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/timed.h"
#include "work/cpu_slots.h"
#include "work/host_share.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

struct worker {
    struct pool *workers;
    struct list_link link; /* while it is idle */
    pthread_cond_t wanted;
    bool called; /* it is not idle any more: it has a slot, and a job is ready for it */
};

/* A job that has a slot. */
struct admitted {
    struct slot_request request; /* first, so that one pointer is both */
    struct pool *workers;
    struct list_link link;
    struct share_task job;
};

struct pool {
    struct pool_config config;
    struct cpu_slots *slots;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct host_share *share;
    struct list ready;    /* have a slot, and a thread was called for each */
    struct list deferred; /* have no slot: there was no thread; the next that is done takes them */
    struct list idle;     /* the newest first */
    int count;            /* threads */
    bool stopping;
    bool has_last;  /* a thread has ended and was not joined */
    pthread_t last; /* that one: the next to end, or pool_free, joins it */
};

struct pool *pool_new(const struct pool_config *config)
{
    struct pool *workers = xcalloc(1, sizeof(*workers));
    int computing = config->computing > 0 ? config->computing : config->max_threads;
    workers->config = *config;
    if (workers->config.idle_ms == 0)
        workers->config.idle_ms = POOL_IDLE_MS;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->ended, NULL);
    workers->slots = cpu_slots_new((size_t)computing);
    workers->share = host_share_new(&(struct host_share_config){
        .slots = (size_t)config->max_threads,
        .queue_max = config->queue_max,
        .host_max = config->host_max,
        .account_max = config->account_max,
        .account_queue_max = config->account_queue_max,
        .by_answers = config->by_answers,
        .host_limit = config->host_limit,
        .host_limit_context = config->host_limit_context,
    });
    return workers;
}

/* --- threads; all of it under the lock --- */

void pool_compute_begin(struct pool *workers)
{
    cpu_slots_use(workers ? workers->slots : NULL);
    slot_acquire();
}

void pool_compute_end(void)
{
    slot_release();
    cpu_slots_use(NULL);
}

static void *work(void *argument);

static void worker_free(struct worker *worker)
{
    pthread_cond_destroy(&worker->wanted);
    free(worker);
}

static void idle_push(struct worker *worker)
{
    worker->called = false;
    list_prepend(&worker->workers->idle, &worker->link);
}

/* It is idle from the start. */
static bool start_thread(struct pool *workers)
{
    struct worker *worker = xcalloc(1, sizeof(*worker));
    pthread_attr_t attributes;
    pthread_t thread;
    worker->workers = workers;
    cond_init_timed(&worker->wanted);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, POOL_STACK_SIZE);
    bool started = pthread_create(&thread, &attributes, work, worker) == 0;
    pthread_attr_destroy(&attributes);
    if (!started) {
        worker_free(worker);
        return false;
    }
    idle_push(worker);
    workers->count++;
    assert(workers->count <= workers->config.max_threads);
    return true;
}

static bool call_newest(struct pool *workers)
{
    struct worker *worker = list_item(list_take_first(&workers->idle), struct worker, link);
    if (!worker)
        return false;
    assert(!worker->called);
    worker->called = true;
    pthread_cond_signal(&worker->wanted);
    return true;
}

/* False when there was no job for so long that the thread should end. */
static bool wait_to_be_called(struct worker *worker)
{
    struct pool *workers = worker->workers;
    int64_t until_ms = clock_mono_ms() + workers->config.idle_ms;
    bool over = false;
    while (!worker->called && !workers->stopping && !over) {
        if (workers->count <= POOL_KEPT)
            pthread_cond_wait(&worker->wanted, &workers->lock);
        else
            over = !cond_wait_until(&worker->wanted, &workers->lock, until_ms) &&
                   workers->count > POOL_KEPT;
    }
    if (!worker->called)
        list_remove(&workers->idle, &worker->link);
    return worker->called;
}

/* --- jobs; all of it under the lock --- */

static struct admitted *take_first(struct list *jobs)
{
    return list_item(list_take_first(jobs), struct admitted, link);
}

/* A thread for a job that has a slot. False when there is none: then the slot is left over. */
static bool serve(struct pool *workers, struct admitted *admitted)
{
    bool may_start = workers->count < workers->config.max_threads;
    if (!workers->idle.first && !(may_start && start_thread(workers))) {
        list_append(&workers->deferred, &admitted->link);
        return false;
    }
    list_append(&workers->ready, &admitted->link);
    return call_newest(workers);
}

static void on_slot(struct slot_request *request);

/* Hands a free CPU slot to the next request that can use it. If `ret_admitted` is given, the caller
 * takes the first waiting job itself. */
static void pass_slot(struct pool *workers, struct admitted **ret_admitted)
{
    struct slot_request *request;
    bool used = false;
    while (!used && (request = cpu_slots_pass(workers->slots))) {
        used = true;
        if (request->granted != on_slot)
            request->granted(request);
        else if (ret_admitted)
            *ret_admitted = (struct admitted *)request;
        else
            used = serve(workers, (struct admitted *)request);
    }
}

/* From a thread of the pool that has begun to wait. */
static void on_slot(struct slot_request *request)
{
    struct admitted *admitted = (struct admitted *)request;
    struct pool *workers = admitted->workers;
    pthread_mutex_lock(&workers->lock);
    if (!serve(workers, admitted))
        pass_slot(workers, NULL);
    pthread_mutex_unlock(&workers->lock);
}

/* Admits every job whose account and host have a share left; those for which there is a CPU slot
 * begin at once.
 */
static void admit_jobs(struct pool *workers)
{
    struct share_task job;
    while (host_share_next(workers->share, &job)) {
        struct admitted *admitted = xcalloc(1, sizeof(*admitted));
        *admitted = (struct admitted){.request.granted = on_slot, .workers = workers, .job = job};
        if (cpu_slots_take(workers->slots, &admitted->request) && !serve(workers, admitted))
            pass_slot(workers, NULL);
    }
}

/* The next job of a thread that has done one and still has its CPU slot. Threads in the middle of a
 * job that wait for a slot are served before jobs that have not begun. */
static struct admitted *next_of_slot(struct pool *workers)
{
    struct admitted *admitted = take_first(&workers->deferred);
    if (!admitted)
        pass_slot(workers, &admitted);
    return admitted;
}

static void run(struct pool *workers, struct admitted *admitted)
{
    struct share_task job = admitted->job;
    free(admitted);
    pthread_mutex_unlock(&workers->lock);
    job.run(job.argument);
    pthread_mutex_lock(&workers->lock);
    host_share_leave(workers->share, &job);
    admit_jobs(workers);
}

/* A burst leaves memory behind in pieces; when its threads have gone, it goes back to the system.
 */
static void end_thread(struct pool *workers)
{
    pthread_t previous = workers->last;
    bool has_previous = workers->has_last;
    workers->last = pthread_self();
    workers->has_last = true;
    assert(workers->count > 0);
    bool shrunk = --workers->count == POOL_KEPT && !workers->stopping;
    pthread_cond_signal(&workers->ended);
    pthread_mutex_unlock(&workers->lock);
    if (has_previous)
        pthread_join(previous, NULL);
    if (shrunk)
        malloc_trim(0);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct pool *workers = worker->workers;
    pthread_setname_np(pthread_self(), "worker");
    cpu_slots_use(workers->slots);
    pthread_mutex_lock(&workers->lock);
    while (wait_to_be_called(worker)) {
        struct admitted *admitted = take_first(&workers->ready);
        for (; admitted; admitted = next_of_slot(workers))
            run(workers, admitted);
        idle_push(worker);
    }
    worker_free(worker);
    end_thread(workers);
    return NULL;
}

static bool fail_for_room(enum host_share_room room, bool starved, struct error *error)
{
    if (starved)
        return fail(error, ERR_THROTTLING,
                    "Rate exceeded: the system has no thread left for this request. Try again in a "
                    "while.");
    if (room == HOST_SHARE_HOST_FULL)
        return fail(error, ERR_THROTTLING,
                    "Rate exceeded: as many changes as may wait for this vendor are waiting.");
    if (room == HOST_SHARE_ACCOUNT_FULL)
        return fail(error, ERR_THROTTLING,
                    "Rate exceeded: as many requests of one account as may wait are waiting.");
    return fail(error, ERR_THROTTLING, "Rate exceeded");
}

bool pool_post(struct pool *workers, struct str name, void (*job)(void *argument), void *argument,
               enum host_share_room *ret_room, struct error *error)
{
    enum host_share_room room = HOST_SHARE_FULL;
    pthread_mutex_lock(&workers->lock);
    bool starved = !workers->stopping && workers->count == 0 && !start_thread(workers);
    if (!workers->stopping && !starved)
        room = host_share_enter(workers->share, name,
                                (struct share_task){.run = job, .argument = argument});
    if (room == HOST_SHARE_ROOM)
        admit_jobs(workers);
    pthread_mutex_unlock(&workers->lock);
    if (ret_room)
        *ret_room = room;
    return room == HOST_SHARE_ROOM || fail_for_room(room, starved, error);
}

void pool_admit(struct pool *workers)
{
    pthread_mutex_lock(&workers->lock);
    admit_jobs(workers);
    pthread_mutex_unlock(&workers->lock);
}

void pool_note(struct pool *workers, struct str name, bool answered)
{
    pthread_mutex_lock(&workers->lock);
    host_share_note(workers->share, name, answered);
    pthread_mutex_unlock(&workers->lock);
}

struct pool_counts pool_counts(struct pool *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct host_share_counts share = host_share_counts(workers->share);
    struct pool_counts counts = {
        .threads = workers->count,
        .busy = (int)share.in_hand,
        .queued = share.queued,
        .held = share.held,
    };
    pthread_mutex_unlock(&workers->lock);
    return counts;
}

void pool_free(struct pool *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    for (list_each(struct worker, idle, &workers->idle, link))
        pthread_cond_signal(&idle->wanted);
    while (workers->count > 0)
        pthread_cond_wait(&workers->ended, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
    if (workers->has_last)
        pthread_join(workers->last, NULL);
    host_share_free(workers->share);
    cpu_slots_free(workers->slots);
    pthread_cond_destroy(&workers->ended);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}
