/* A count, and whoever waits for it to be 0. */
#include "profile/grants_in_flight.h"

#include "base/alloc.h"
#include "base/timed.h"

#include <pthread.h>
#include <stdlib.h>

struct codes {
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    int count;
};

struct codes *codes_new(void)
{
    struct codes *codes = xcalloc(1, sizeof(*codes));
    pthread_mutex_init(&codes->mutex, NULL);
    cond_init_timed(&codes->ended);
    return codes;
}

void codes_free(struct codes *codes)
{
    pthread_cond_destroy(&codes->ended);
    pthread_mutex_destroy(&codes->mutex);
    free(codes);
}

void codes_begin(struct codes *codes)
{
    pthread_mutex_lock(&codes->mutex);
    codes->count++;
    pthread_mutex_unlock(&codes->mutex);
}

void codes_end(struct codes *codes)
{
    pthread_mutex_lock(&codes->mutex);
    codes->count--;
    pthread_cond_broadcast(&codes->ended);
    pthread_mutex_unlock(&codes->mutex);
}

bool codes_wait(struct codes *codes, int64_t until_ms)
{
    pthread_mutex_lock(&codes->mutex);
    while (codes->count > 0 && cond_wait_until(&codes->ended, &codes->mutex, until_ms))
        continue;
    bool none = codes->count == 0;
    pthread_mutex_unlock(&codes->mutex);
    return none;
}
