/* A pool that grows while every thread is busy and keeps what it has. */
#include "service/workers.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
    void (*run)(void *argument);
    void *argument;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    struct job *queue; /* a ring */
    size_t capacity;   /* of jobs in all, those in hand included */
    int busy;          /* threads that have a job in hand */
    size_t first;      /* oldest job */
    size_t queued;
    int idle; /* threads that wait for a job */
    int count;
    int max;
    bool stopping;
    pthread_t threads[]; /* max of them, count in use */
};

struct workers *workers_new(int max_threads, size_t queue_max)
{
    struct workers *workers =
        xcalloc(1, sizeof(*workers) + (size_t)max_threads * sizeof(workers->threads[0]));
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wanted, NULL);
    workers->max = max_threads;
    workers->capacity = queue_max + (size_t)max_threads;
    workers->queue = xcalloc(workers->capacity, sizeof(workers->queue[0]));
    return workers;
}

static bool take(struct workers *workers, bool had_one, struct job *ret_job)
{
    pthread_mutex_lock(&workers->lock);
    workers->busy -= had_one;
    workers->idle++;
    while (workers->queued == 0 && !workers->stopping)
        pthread_cond_wait(&workers->wanted, &workers->lock);
    workers->idle--;
    bool got = workers->queued > 0;
    if (got) {
        *ret_job = workers->queue[workers->first];
        workers->first = (workers->first + 1) % workers->capacity;
        workers->queued--;
        workers->busy++;
    }
    pthread_mutex_unlock(&workers->lock);
    return got;
}

static void *work(void *argument)
{
    struct workers *workers = argument;
    pthread_setname_np(pthread_self(), "worker");
    struct job job;
    for (bool had_one = false; take(workers, had_one, &job); had_one = true)
        job.run(job.argument);
    return NULL;
}

static bool start_thread(struct workers *workers)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, WORKERS_STACK_SIZE);
    bool started =
        pthread_create(&workers->threads[workers->count], &attributes, work, workers) == 0;
    pthread_attr_destroy(&attributes);
    workers->count += started;
    return started;
}

bool workers_post(struct workers *workers, void (*run)(void *argument), void *argument)
{
    pthread_mutex_lock(&workers->lock);
    bool taken = workers->queued + (size_t)workers->busy < workers->capacity && !workers->stopping;
    if (taken && workers->queued >= (size_t)workers->idle && workers->count < workers->max)
        taken = start_thread(workers) || workers->count > 0;
    if (taken) {
        size_t at = (workers->first + workers->queued) % workers->capacity;
        workers->queue[at] = (struct job){run, argument};
        workers->queued++;
        pthread_cond_signal(&workers->wanted);
    }
    pthread_mutex_unlock(&workers->lock);
    return taken;
}

struct workers_counts workers_counts(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct workers_counts counts = {
        .threads = workers->count,
        .busy = workers->busy,
        .queued = workers->queued,
    };
    pthread_mutex_unlock(&workers->lock);
    return counts;
}

void workers_free(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->wanted);
    pthread_mutex_unlock(&workers->lock);
    for (int i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->wanted);
    pthread_mutex_destroy(&workers->lock);
    free(workers->queue);
    free(workers);
}
