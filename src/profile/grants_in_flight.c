/* How many grants are under way: a counter, and a wait until it is 0. */
#include "profile/grant_journal.h"

#include "base/alloc.h"
#include "base/timed.h"

#include <pthread.h>
#include <stdlib.h>

struct grants_in_flight {
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    int count;
};

struct grants_in_flight *grants_in_flight_new(void)
{
    struct grants_in_flight *grants = xcalloc(1, sizeof(*grants));
    pthread_mutex_init(&grants->mutex, NULL);
    cond_init_timed(&grants->ended);
    return grants;
}

void grants_in_flight_free(struct grants_in_flight *grants)
{
    pthread_cond_destroy(&grants->ended);
    pthread_mutex_destroy(&grants->mutex);
    free(grants);
}

void grants_in_flight_begin(struct grants_in_flight *grants)
{
    pthread_mutex_lock(&grants->mutex);
    grants->count++;
    pthread_mutex_unlock(&grants->mutex);
}

void grants_in_flight_end(struct grants_in_flight *grants)
{
    pthread_mutex_lock(&grants->mutex);
    grants->count--;
    pthread_cond_broadcast(&grants->ended);
    pthread_mutex_unlock(&grants->mutex);
}

bool grants_in_flight_wait(struct grants_in_flight *grants, int64_t until_ms)
{
    pthread_mutex_lock(&grants->mutex);
    while (grants->count > 0 && cond_wait_until(&grants->ended, &grants->mutex, until_ms))
        continue;
    bool none = grants->count == 0;
    pthread_mutex_unlock(&grants->mutex);
    return none;
}
