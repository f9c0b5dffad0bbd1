/* A few roles in an array under a lock; what is handed out is a copy, since another thread may
 * replace the kept one meanwhile. */
#include "auth/aws_role_cache.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct kept_role {
    char arn[AWS_ROLE_ARN_MAX + 1]; /* "": the place is free */
    struct secret *id, *secret_access_key, *session_token;
    int64_t assumed_ms; /* on clock_mono_ms() */
};

struct aws_role_cache {
    pthread_mutex_t lock;
    struct kept_role roles[AWS_ROLES_KEPT];
};

struct aws_role_cache *aws_role_cache_new(void)
{
    struct aws_role_cache *cache = xcalloc(1, sizeof(*cache));
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

static void forget(struct kept_role *kept)
{
    secret_free(kept->id);
    secret_free(kept->secret_access_key);
    secret_free(kept->session_token);
    *kept = (struct kept_role){0};
}

void aws_role_cache_free(struct aws_role_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < AWS_ROLES_KEPT; i++)
        forget(&cache->roles[i]);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Under the lock. NULL: it is not kept. */
static struct kept_role *find(struct aws_role_cache *cache, struct str arn)
{
    for (size_t i = 0; i < AWS_ROLES_KEPT; i++) {
        if (arn.len > 0 && str_eq(str_from(cache->roles[i].arn), arn))
            return &cache->roles[i];
    }
    return NULL;
}

static bool take(struct aws_role_cache *cache, struct str arn, struct arena *arena,
                 struct aws_role *ret_role)
{
    int64_t oldest_ms = clock_mono_ms() - 1000LL * AWS_ROLE_S + AWS_ROLE_SPARE_MS;
    pthread_mutex_lock(&cache->lock);
    const struct kept_role *kept = find(cache, arn);
    bool found = kept && kept->assumed_ms > oldest_ms;
    if (found)
        *ret_role = (struct aws_role){
            .access_key_id = arena_copy(arena, secret_reveal(kept->id)),
            .secret_access_key = secret_new(secret_reveal(kept->secret_access_key)),
            .session_token = secret_new(secret_reveal(kept->session_token)),
        };
    pthread_mutex_unlock(&cache->lock);
    return found;
}

/* Under the lock. */
static struct kept_role *place_for(struct aws_role_cache *cache, struct str arn)
{
    struct kept_role *place = find(cache, arn);
    for (size_t i = 0; !place && i < AWS_ROLES_KEPT; i++) {
        if (!cache->roles[i].id)
            place = &cache->roles[i];
    }
    if (place)
        return place;
    place = &cache->roles[0];
    for (size_t i = 1; i < AWS_ROLES_KEPT; i++) {
        if (cache->roles[i].assumed_ms < place->assumed_ms)
            place = &cache->roles[i];
    }
    return place;
}

static void keep(struct aws_role_cache *cache, struct str arn, int64_t assumed_ms,
                 const struct aws_role *role)
{
    pthread_mutex_lock(&cache->lock);
    struct kept_role *place = place_for(cache, arn);
    forget(place);
    memcpy(place->arn, arn.data, arn.len);
    place->id = secret_new(role->access_key_id);
    place->secret_access_key = secret_new(secret_reveal(role->secret_access_key));
    place->session_token = secret_new(secret_reveal(role->session_token));
    place->assumed_ms = assumed_ms;
    pthread_mutex_unlock(&cache->lock);
}

bool aws_role_get(struct aws_role_cache *cache, const struct aws_access *access, struct str url,
                  struct str region, struct str role_arn, int64_t deadline_ms, struct arena *arena,
                  struct aws_role *ret_role, struct error *error)
{
    int64_t now_ms = clock_mono_ms();
    if (take(cache, role_arn, arena, ret_role))
        return true;
    if (!aws_role_assume(access, url, region, role_arn, deadline_ms, arena, ret_role, error))
        return false;
    if (role_arn.len <= AWS_ROLE_ARN_MAX)
        keep(cache, role_arn, now_ms, ret_role);
    return true;
}

void aws_role_forget(struct aws_role_cache *cache, struct str role_arn)
{
    pthread_mutex_lock(&cache->lock);
    struct kept_role *kept = find(cache, role_arn);
    if (kept)
        forget(kept);
    pthread_mutex_unlock(&cache->lock);
}
