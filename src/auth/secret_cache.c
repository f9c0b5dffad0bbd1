/* A call in progress is a flight: it belongs to the caller that makes it and to those that wait for
 * its end, and is freed by the last of them. */
#include "auth/secret_cache.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "vault/secret.h"
#include "work/cpu_slots.h"
#include "work/keyed_share.h"

#include <stdlib.h>

struct kept_secret {
    struct arena arena; /* of key, account, and text where it is not locked */
    struct str key;     /* absent: the place is free */
    struct str account;
    struct str text;
    struct secret *locked; /* what `text` points into; NULL: the arena */
    int64_t read_ms;       /* when its reading began */
    uint64_t number;       /* of all that were kept, in order */
};

struct flight {
    struct flight *next;
    struct arena arena; /* of key and text */
    struct str key;
    struct str text;
    struct share_key *account; /* until it has landed */
    int64_t begun_ms;
    int users;
    bool done, good;
    struct error error;
};

struct secret_cache {
    const struct secret_cache_kind *kind;
    pthread_mutex_t lock;
    pthread_cond_t landed;
    struct kept_secret *entries; /* kind->entries of them */
    uint64_t kept;               /* so many were, with those that are gone */
    size_t bytes;                /* of all texts */
    struct flight *flights;
    struct keyed_share accounts; /* of flights */
};

enum { READINGS_SECRET, READINGS_DATA_KEY, READINGS_COUNT };
static const char *const limit_names[] = {"secret-readings", "data-keys"};

const struct metric metric_secret_readings_throttled = {
    "headgate_throttled_total",
    .labels = {{"limit", READINGS_COUNT, limit_names, NULL}},
    METRIC_SERIES(READINGS_COUNT),
};

const struct secret_cache_kind secret_cache_texts = {
    .what = "secret",
    .kept_ms = SECRET_KEPT_MS,
    .entries = 256,
    .bytes_max = 2 * 1024 * 1024,
    .limit = READINGS_SECRET,
};

/* 32 bytes each, in pieces of 64: a quarter of the locked memory (vault/secret.c). */
const struct secret_cache_kind secret_cache_data_keys = {
    .what = "data key",
    .kept_ms = DATA_KEY_KEPT_MS,
    .entries = DATA_KEYS_KEPT,
    .account_entries = DATA_KEYS_KEPT_ACCOUNT,
    .bytes_max = 64 * 1024,
    .is_locked = true,
    .limit = READINGS_DATA_KEY,
};

struct secret_cache *secret_cache_new(const struct secret_cache_kind *kind)
{
    struct secret_cache *cache = xcalloc(1, sizeof(*cache));
    cache->kind = kind;
    cache->entries = xcalloc(kind->entries, sizeof(*cache->entries));
    cache->accounts.size = SECRET_CACHE_CALLS_MAX;
    pthread_mutex_init(&cache->lock, NULL);
    cond_init_timed(&cache->landed);
    return cache;
}

static void forget(struct secret_cache *cache, struct kept_secret *entry)
{
    cache->bytes -= entry->text.len;
    secret_free(entry->locked);
    arena_done(&entry->arena); /* wipes it */
    *entry = (struct kept_secret){0};
}

void secret_cache_free(struct secret_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->kind->entries; i++)
        forget(cache, &cache->entries[i]);
    share_done(&cache->accounts);
    pthread_cond_destroy(&cache->landed);
    pthread_mutex_destroy(&cache->lock);
    free(cache->entries);
    free(cache);
}

/* --- what is kept; under the lock --- */

static struct kept_secret *find(struct secret_cache *cache, struct str key)
{
    for (size_t i = 0; i < cache->kind->entries; i++) {
        if (cache->entries[i].key.data && str_eq(cache->entries[i].key, key))
            return &cache->entries[i];
    }
    return NULL;
}

/* What has ended goes with the next look-up of any secret. */
static void forget_old(struct secret_cache *cache, int64_t now_ms)
{
    for (size_t i = 0; i < cache->kind->entries; i++) {
        struct kept_secret *entry = &cache->entries[i];
        if (entry->key.data && entry->read_ms + cache->kind->kept_ms <= now_ms)
            forget(cache, entry);
    }
}

/* Of one account; of all: STR_NULL. */
static struct kept_secret *oldest(struct secret_cache *cache, struct str account)
{
    struct kept_secret *found = NULL;
    for (size_t i = 0; i < cache->kind->entries; i++) {
        struct kept_secret *entry = &cache->entries[i];
        if (entry->key.data && (!account.data || str_eq(entry->account, account)) &&
            (!found || entry->number < found->number))
            found = entry;
    }
    return found;
}

static size_t count_of(struct secret_cache *cache, struct str account)
{
    size_t count = 0;
    for (size_t i = 0; i < cache->kind->entries; i++)
        count += cache->entries[i].key.data && str_eq(cache->entries[i].account, account);
    return count;
}

static struct kept_secret *free_place(struct secret_cache *cache)
{
    for (size_t i = 0; i < cache->kind->entries; i++) {
        if (!cache->entries[i].key.data)
            return &cache->entries[i];
    }
    return NULL;
}

static void keep(struct secret_cache *cache, const struct flight *flight)
{
    struct kept_secret *place = find(cache, flight->key);
    if (place && place->read_ms > flight->begun_ms)
        return;
    if (place)
        forget(cache, place);
    const struct secret_cache_kind *kind = cache->kind;
    struct str account = flight->account->link.name;
    if (kind->account_entries > 0 && count_of(cache, account) >= kind->account_entries)
        forget(cache, oldest(cache, account));
    while (cache->bytes + flight->text.len > kind->bytes_max && (place = oldest(cache, STR_NULL)))
        forget(cache, place);
    place = free_place(cache);
    if (!place) {
        place = oldest(cache, STR_NULL);
        forget(cache, place);
    }
    place->key = arena_copy(&place->arena, flight->key);
    place->account = arena_copy(&place->arena, account);
    place->locked = kind->is_locked ? secret_new(flight->text) : NULL;
    place->text =
        place->locked ? secret_reveal(place->locked) : arena_copy(&place->arena, flight->text);
    place->read_ms = flight->begun_ms;
    place->number = cache->kept++;
    cache->bytes += place->text.len;
}

/* --- flights; under the lock --- */

static struct flight *find_flight(struct secret_cache *cache, struct str key, int64_t not_before_ms)
{
    for (struct flight *flight = cache->flights; flight; flight = flight->next) {
        if (flight->begun_ms >= not_before_ms && str_eq(flight->key, key))
            return flight;
    }
    return NULL;
}

/* NULL: the account has its share of flights. */
static struct flight *start(struct secret_cache *cache, const struct secret_question *question)
{
    struct share_key *account = share_take(&cache->accounts, question->account);
    if (!account)
        return NULL;
    struct flight *flight = xcalloc(1, sizeof(*flight));
    flight->account = account;
    flight->key = arena_copy(&flight->arena, question->key);
    flight->begun_ms = clock_mono_ms();
    flight->users = 1;
    flight->next = cache->flights;
    cache->flights = flight;
    return flight;
}

static void leave(struct flight *flight)
{
    if (--flight->users > 0)
        return;
    arena_done(&flight->arena);
    free(flight);
}

static void land(struct secret_cache *cache, struct flight *flight)
{
    struct flight **link = &cache->flights;
    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
    if (flight->good)
        keep(cache, flight);
    share_give(&cache->accounts, flight->account);
    flight->done = true;
    pthread_cond_broadcast(&cache->landed);
}

static bool take(const struct flight *flight, struct arena *arena, struct str *ret_text,
                 struct error *error)
{
    if (flight->good)
        *ret_text = arena_copy(arena, flight->text);
    else
        *error = flight->error;
    return flight->good;
}

/* Without its CPU slot: the caller that reads needs one to return, and may find none free. */
static bool wait_for(struct secret_cache *cache, struct flight *flight, int64_t deadline_ms,
                     struct arena *arena, struct str *ret_text, struct error *error)
{
    bool good;
    flight->users++;
    pthread_mutex_unlock(&cache->lock);
    slot_release();
    pthread_mutex_lock(&cache->lock);
    while (!flight->done && cond_wait_until(&cache->landed, &cache->lock, deadline_ms))
        continue;
    pthread_mutex_unlock(&cache->lock);
    slot_acquire();
    pthread_mutex_lock(&cache->lock);
    if (flight->done)
        good = take(flight, arena, ret_text, error);
    else
        good = fail(error, ERR_THROTTLING,
                    "another request was still reading the %s when the time limit ended",
                    cache->kind->what);
    leave(flight);
    return good;
}

static bool fly(struct secret_cache *cache, const struct secret_question *question,
                struct arena *arena, struct str *ret_text, struct error *error)
{
    struct flight *flight = start(cache, question);
    if (!flight) {
        metrics_count(&metric_secret_readings_throttled, (size_t)cache->kind->limit, 0);
        return fail(error, ERR_THROTTLING,
                    "the account has its share of the %d %ss that are read at the same time, "
                    "try again later",
                    SECRET_CACHE_CALLS_MAX, cache->kind->what);
    }
    pthread_mutex_unlock(&cache->lock);
    flight->good = question->read(question->context, &flight->arena, &flight->text, &flight->error);
    pthread_mutex_lock(&cache->lock);
    land(cache, flight);
    bool good = take(flight, arena, ret_text, error);
    leave(flight);
    return good;
}

static bool get(struct secret_cache *cache, const struct secret_question *question,
                struct arena *arena, struct str *ret_text, struct error *error)
{
    forget_old(cache, clock_mono_ms());
    const struct kept_secret *kept = find(cache, question->key);
    if (kept && kept->read_ms >= question->not_before_ms) {
        *ret_text = arena_copy(arena, kept->text);
        return true;
    }
    struct flight *flight = find_flight(cache, question->key, question->not_before_ms);
    if (flight)
        return wait_for(cache, flight, question->deadline_ms, arena, ret_text, error);
    return fly(cache, question, arena, ret_text, error);
}

bool secret_cache_get(struct secret_cache *cache, const struct secret_question *question,
                      struct arena *arena, struct str *ret_text, struct error *error)
{
    struct error own = {0}; /* `error` may be NULL */
    pthread_mutex_lock(&cache->lock);
    bool good = get(cache, question, arena, ret_text, &own);
    pthread_mutex_unlock(&cache->lock);
    if (!good && error)
        *error = own;
    return good;
}

void secret_cache_forget(struct secret_cache *cache, struct str key)
{
    pthread_mutex_lock(&cache->lock);
    struct kept_secret *kept = find(cache, key);
    if (kept)
        forget(cache, kept);
    pthread_mutex_unlock(&cache->lock);
}
