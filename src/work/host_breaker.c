/* A cell for a hash of a key: a host that answers leaves it. */
#include "work/host_breaker.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>

struct cell {
    uint64_t hash; /* of the key; 0: the cell is free */
    int failures;
    int64_t probe_at_ms;
};

struct host_breakers {
    pthread_mutex_t lock;
    struct cell cells[HOST_BREAKER_CELLS];
};

struct host_breakers *host_breakers_new(void)
{
    struct host_breakers *breakers = xcalloc(1, sizeof(*breakers));
    pthread_mutex_init(&breakers->lock, NULL);
    return breakers;
}

void host_breakers_free(struct host_breakers *breakers)
{
    pthread_mutex_destroy(&breakers->lock);
    free(breakers);
}

bool host_breaker_allows(struct host_breakers *breakers, struct str key, int64_t now_ms)
{
    uint64_t hash = hash_text(key) | 1;
    struct cell *cell = &breakers->cells[hash / 2 % HOST_BREAKER_CELLS];
    pthread_mutex_lock(&breakers->lock);
    bool is_open = cell->hash == hash && cell->failures >= HOST_BREAKER_FAILURES;
    bool allows = !is_open || cell->probe_at_ms <= now_ms;
    if (is_open && allows)
        cell->probe_at_ms = now_ms + HOST_BREAKER_PROBE_MS;
    pthread_mutex_unlock(&breakers->lock);
    return allows;
}

void host_breaker_note(struct host_breakers *breakers, struct str key, bool answered,
                       int64_t now_ms)
{
    uint64_t hash = hash_text(key) | 1;
    struct cell *cell = &breakers->cells[hash / 2 % HOST_BREAKER_CELLS];
    pthread_mutex_lock(&breakers->lock);
    if (answered && cell->hash == hash)
        *cell = (struct cell){0};
    if (!answered && cell->hash != hash)
        *cell = (struct cell){.hash = hash};
    if (!answered && ++cell->failures == HOST_BREAKER_FAILURES)
        cell->probe_at_ms = now_ms + HOST_BREAKER_PROBE_MS;
    pthread_mutex_unlock(&breakers->lock);
}
