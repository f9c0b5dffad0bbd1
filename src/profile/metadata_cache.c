/* A map by key, a list from the least to the most recently used entry, and the bytes of each
 * account. Entries are few: each holds at least ENTRY_BYTES of the bound. */
#include "profile/metadata_cache.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/timed.h"
#include "work/cpu_slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_BYTES = 4 * 1024 }; /* counted for an entry beside its texts */

static const char *const results[] = {"hit", "miss"};

const struct metric metric_metadata = {
    "headgate_metadata_lookups_total",
    "Look-ups of entities and their fields in the cache, by result.",
    .labels = {{"result", 2, results, NULL}},
    METRIC_SERIES(2),
};

struct cache_account {
    struct map_link link;
    size_t bytes, entries;
    char name[];
};

struct cached_metadata {
    struct map_link link;
    struct list_link age; /* while it has metadata */
    struct cache_account *account;
    struct metadata *metadata; /* NULL: a thread is getting it */
    int64_t until_ms;          /* on clock_mono_ms() */
    size_t bytes;
    char key[];
};

struct metadata_cache {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* an entry was put or given up */
    struct map entries, accounts;
    struct list by_age; /* the least recently used first */
    size_t bytes;
};

/* --- what is kept --- */

struct metadata *metadata_new(void)
{
    struct metadata *metadata = xcalloc(1, sizeof(*metadata));
    metadata->arena.kind = ARENA_PLAIN;
    metadata->users = 1;
    return metadata;
}

static void release(struct metadata *metadata)
{
    assert(metadata->users > 0);
    if (--metadata->users > 0)
        return;
    arena_done(&metadata->arena);
    free(metadata);
}

void metadata_release(struct metadata_cache *cache, struct metadata *metadata)
{
    if (!metadata)
        return;
    pthread_mutex_lock(&cache->lock);
    release(metadata);
    pthread_mutex_unlock(&cache->lock);
}

/* --- entries; the lock is held --- */

static struct cache_account *account_of(struct metadata_cache *cache, struct str name)
{
    struct cache_account *account =
        (struct cache_account *)(void *)map_find(&cache->accounts, name);
    if (account)
        return account;
    account = xcalloc(1, sizeof(*account) + name.len + 1);
    memcpy(account->name, name.data, name.len);
    account->link.name = (struct str){account->name, name.len};
    map_add(&cache->accounts, &account->link);
    return account;
}

static void leave_account(struct metadata_cache *cache, struct cached_metadata *entry)
{
    struct cache_account *account = entry->account;
    account->bytes -= entry->bytes;
    cache->bytes -= entry->bytes;
    if (--account->entries > 0)
        return;
    map_remove(&cache->accounts, &account->link);
    free(account);
}

static void drop(struct metadata_cache *cache, struct cached_metadata *entry)
{
    map_remove(&cache->entries, &entry->link);
    if (entry->metadata) {
        list_remove(&cache->by_age, &entry->age);
        leave_account(cache, entry);
        release(entry->metadata);
    }
    free(entry);
}

static struct cached_metadata *find(struct metadata_cache *cache, struct str key)
{
    return (struct cached_metadata *)(void *)map_find(&cache->entries, key);
}

static void add_empty(struct metadata_cache *cache, struct str key)
{
    struct cached_metadata *entry = xcalloc(1, sizeof(*entry) + key.len + 1);
    memcpy(entry->key, key.data, key.len);
    entry->link.name = (struct str){entry->key, key.len};
    map_add(&cache->entries, &entry->link);
}

/* The oldest entry of an account (NULL: of any) but one. */
static struct cached_metadata *oldest(struct metadata_cache *cache,
                                      const struct cache_account *account,
                                      const struct cached_metadata *but)
{
    for (list_each(struct cached_metadata, entry, &cache->by_age, age)) {
        if (entry != but && (!account || entry->account == account))
            return entry;
    }
    return NULL;
}

static void make_room(struct metadata_cache *cache, const struct cached_metadata *for_entry)
{
    const struct cache_account *account = for_entry->account;
    struct cached_metadata *old;
    while (account->bytes > METADATA_CACHE_ACCOUNT_MAX && (old = oldest(cache, account, for_entry)))
        drop(cache, old);
    while (cache->bytes > METADATA_CACHE_MAX && (old = oldest(cache, NULL, for_entry)))
        drop(cache, old);
}

/* --- the cache --- */

struct metadata_cache *metadata_cache_new(void)
{
    struct metadata_cache *cache = xcalloc(1, sizeof(*cache));
    pthread_mutex_init(&cache->lock, NULL);
    cond_init_timed(&cache->changed);
    return cache;
}

void metadata_cache_free(struct metadata_cache *cache)
{
    struct cached_metadata *entry;
    if (!cache)
        return;
    while ((entry = list_first(&cache->by_age, struct cached_metadata, age)))
        drop(cache, entry);
    assert(cache->entries.count == 0);
    map_done(&cache->entries);
    map_done(&cache->accounts);
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct metadata *use(struct metadata_cache *cache, struct cached_metadata *entry)
{
    list_remove(&cache->by_age, &entry->age);
    list_append(&cache->by_age, &entry->age);
    entry->metadata->users++;
    return entry->metadata;
}

/* With the lock held. */
static struct metadata *take(struct metadata_cache *cache, struct str key, int64_t deadline_ms,
                             bool *ret_late)
{
    struct cached_metadata *entry = find(cache, key);
    *ret_late = false;
    while (entry && !entry->metadata && !*ret_late) {
        *ret_late = !cond_wait_until(&cache->changed, &cache->lock, deadline_ms);
        entry = find(cache, key);
    }
    if (entry && entry->metadata && entry->until_ms <= clock_mono_ms()) {
        drop(cache, entry);
        entry = NULL;
    }
    if (entry && entry->metadata) {
        *ret_late = false;
        return use(cache, entry);
    }
    if (!entry && !*ret_late)
        add_empty(cache, key);
    return NULL;
}

struct metadata *metadata_cache_take(struct metadata_cache *cache, struct str key,
                                     int64_t deadline_ms, bool *ret_late)
{
    slot_release();
    pthread_mutex_lock(&cache->lock);
    struct metadata *metadata = take(cache, key, deadline_ms, ret_late);
    pthread_mutex_unlock(&cache->lock);
    slot_acquire();
    metrics_count(&metric_metadata, metadata ? 0 : 1, 0);
    return metadata;
}

void metadata_cache_put(struct metadata_cache *cache, struct str account, struct str key,
                        struct metadata *metadata)
{
    pthread_mutex_lock(&cache->lock);
    struct cached_metadata *entry = find(cache, key);
    assert(entry && !entry->metadata);
    entry->account = account_of(cache, account);
    entry->metadata = metadata;
    entry->bytes = ENTRY_BYTES + key.len + metadata->arena.used;
    entry->until_ms = clock_mono_ms() + (metadata->kept_ms ? metadata->kept_ms : METADATA_KEPT_MS);
    entry->account->bytes += entry->bytes;
    entry->account->entries++;
    cache->bytes += entry->bytes;
    metadata->users++;
    list_append(&cache->by_age, &entry->age);
    make_room(cache, entry);
    pthread_cond_broadcast(&cache->changed);
    pthread_mutex_unlock(&cache->lock);
}

void metadata_cache_miss(struct metadata_cache *cache, struct str key)
{
    pthread_mutex_lock(&cache->lock);
    struct cached_metadata *entry = find(cache, key);
    assert(entry && !entry->metadata);
    drop(cache, entry);
    pthread_cond_broadcast(&cache->changed);
    pthread_mutex_unlock(&cache->lock);
}

void metadata_cache_drop(struct metadata_cache *cache, struct str prefix)
{
    pthread_mutex_lock(&cache->lock);
    struct list_link *next, *link = cache->by_age.first;
    for (; link; link = next) {
        struct cached_metadata *entry = list_item(link, struct cached_metadata, age);
        next = link->next;
        if (str_starts(entry->link.name, prefix))
            drop(cache, entry);
    }
    pthread_mutex_unlock(&cache->lock);
}

size_t metadata_cache_bytes(struct metadata_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    size_t bytes = cache->bytes;
    pthread_mutex_unlock(&cache->lock);
    return bytes;
}
