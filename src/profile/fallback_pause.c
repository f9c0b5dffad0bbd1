/* A table in which each profile has one place, by the hash of its key and credentials. */
#include "profile/fallback_pause.h"

#include "base/clock.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdio.h>

enum { TEXT_MAX = 1024 }; /* what is behind this of a long key is left out */

static struct {
    pthread_mutex_t lock;
    struct pause {
        uint64_t hash;
        int64_t until_ms; /* monotonic clock */
    } pauses[FALLBACK_PAUSES_MAX];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* An update that gives the same credentials again has the vendor accept them; both ends of a
 * rollback differ in the hash of their credentials. */
static uint64_t hash_of(const struct profile *profile)
{
    char text[TEXT_MAX];
    int len = snprintf(text, sizeof(text), "%lld %lld %.*s\n%.*s\n%.*s",
                       (long long)profile->credentials_version,
                       (long long)profile->credentials_hash, STR_ARG(profile->key.account),
                       STR_ARG(profile->key.region), STR_ARG(profile->key.name));
    size_t size = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    return hash_text((struct str){text, size});
}

void fallback_pause(const struct profile *profile)
{
    uint64_t hash = hash_of(profile);
    pthread_mutex_lock(&table.lock);
    table.pauses[hash % FALLBACK_PAUSES_MAX] =
        (struct pause){hash, clock_mono_ms() + FALLBACK_PAUSE_MS};
    pthread_mutex_unlock(&table.lock);
}

bool fallback_is_paused(const struct profile *profile)
{
    uint64_t hash = hash_of(profile);
    pthread_mutex_lock(&table.lock);
    struct pause pause = table.pauses[hash % FALLBACK_PAUSES_MAX];
    pthread_mutex_unlock(&table.lock);
    return pause.hash == hash && clock_mono_ms() < pause.until_ms;
}
