/* One lock and one condition for both directions: there are only two threads. */
#include "work/side_thread.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "work/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct side_thread {
    pthread_t thread;
    bool has_thread; /* the owner's */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*work)(void *context); /* NULL: nothing is under way */
    void *context;
    bool stopping;
};

struct side_thread *side_thread_new(void)
{
    struct side_thread *side = xcalloc(1, sizeof(*side));
    pthread_mutex_init(&side->lock, NULL);
    cond_init_timed(&side->changed);
    return side;
}

static void *serve(void *argument)
{
    struct side_thread *side = argument;
    pthread_setname_np(pthread_self(), "page ahead");
    pthread_mutex_lock(&side->lock);
    while (!side->stopping || side->work) {
        if (!side->work) {
            pthread_cond_wait(&side->changed, &side->lock);
            continue;
        }
        pthread_mutex_unlock(&side->lock);
        side->work(side->context);
        pthread_mutex_lock(&side->lock);
        side->work = NULL;
        pthread_cond_broadcast(&side->changed);
    }
    pthread_mutex_unlock(&side->lock);
    return NULL;
}

static bool start(struct side_thread *side)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, POOL_STACK_SIZE);
    side->has_thread = pthread_create(&side->thread, &attributes, serve, side) == 0;
    pthread_attr_destroy(&attributes);
    return side->has_thread;
}

bool side_thread_begin(struct side_thread *side, void (*work)(void *context), void *context)
{
    if (!side->has_thread && !start(side))
        return false;
    pthread_mutex_lock(&side->lock);
    side->work = work;
    side->context = context;
    pthread_cond_broadcast(&side->changed);
    pthread_mutex_unlock(&side->lock);
    return true;
}

bool side_thread_wait(struct side_thread *side, int64_t most_ms)
{
    int64_t until_ms = clock_mono_ms() + most_ms;
    pthread_mutex_lock(&side->lock);
    while (side->work && cond_wait_until(&side->changed, &side->lock, until_ms))
        continue;
    bool ended = !side->work;
    pthread_mutex_unlock(&side->lock);
    return ended;
}

void side_thread_free(struct side_thread *side)
{
    if (!side)
        return;
    pthread_mutex_lock(&side->lock);
    side->stopping = true;
    pthread_cond_broadcast(&side->changed);
    pthread_mutex_unlock(&side->lock);
    if (side->has_thread)
        pthread_join(side->thread, NULL);
    pthread_cond_destroy(&side->changed);
    pthread_mutex_destroy(&side->lock);
    free(side);
}
