/* Signing keys by access key and scope, in small sets of which the entry unused for longest goes.
 */
#include "wire/sigv4_internal.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "vault/crypto.h"

#include <stdlib.h>
#include <string.h>

enum {
    CACHE_SETS = 16, /* a power of two */
    CACHE_WAYS = 4,
    CACHE_ENTRIES = CACHE_SETS * CACHE_WAYS,
    CACHE_NAME_MAX = 192, /* bytes; longer names are not cached */
    CACHE_DATE_LEN = 8,
};

struct cache_name {
    char text[CACHE_NAME_MAX]; /* "access key id/date/region/service" */
    size_t len;                /* 0: the entry is free */
};

struct cache_entry {
    struct cache_name name;
    char date[CACHE_DATE_LEN];
    uint64_t used; /* the cache's tick when it was last found */
};

/* The part that is secret, in locked memory. */
struct cache_key {
    unsigned char secret_hash[SHA256_SIZE]; /* of the secret that the key was derived from */
    unsigned char key[SHA256_SIZE];
};

struct sigv4_key_cache {
    struct cache_entry entries[CACHE_ENTRIES];
    struct cache_key *keys; /* one for each entry */
    uint64_t tick;
};

struct sigv4_key_cache *sigv4_key_cache_new(void)
{
    struct sigv4_key_cache *cache = xcalloc(1, sizeof(*cache));
    cache->keys = secret_alloc(CACHE_ENTRIES * sizeof(*cache->keys));
    return cache;
}

void sigv4_key_cache_free(struct sigv4_key_cache *cache)
{
    if (!cache)
        return;
    secret_dealloc(cache->keys, CACHE_ENTRIES * sizeof(*cache->keys));
    free(cache);
}

static bool name_of(const struct sigv4_authorization *authorization, struct cache_name *ret_name)
{
    const struct sigv4_scope *scope = &authorization->scope;
    const struct str parts[] = {authorization->access_key_id, scope->date, scope->region,
                                scope->service};
    size_t len = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (parts[i].len + 1 > CACHE_NAME_MAX - len)
            return false;
        memcpy(ret_name->text + len, parts[i].data, parts[i].len);
        len += parts[i].len;
        ret_name->text[len++] = '/'; /* no part holds one: '/' is what they were split at */
    }
    ret_name->len = len;
    return true;
}

static size_t first_of_set(const struct cache_name *name)
{
    return hash_text((struct str){name->text, name->len}) % CACHE_SETS * CACHE_WAYS;
}

static struct cache_entry *find(struct sigv4_key_cache *cache, const struct cache_name *name)
{
    size_t first = first_of_set(name);
    for (size_t i = first; i < first + CACHE_WAYS; i++) {
        struct cache_entry *entry = &cache->entries[i];
        if (entry->name.len == name->len && memcmp(entry->name.text, name->text, name->len) == 0)
            return entry;
    }
    return NULL;
}

bool sigv4_cache_get(struct sigv4_key_cache *cache, const struct sigv4_authorization *authorization,
                     struct str secret, unsigned char out[SHA256_SIZE])
{
    struct cache_name name;
    unsigned char hash[SHA256_SIZE];
    struct cache_entry *entry = cache && name_of(authorization, &name) ? find(cache, &name) : NULL;
    if (!entry)
        return false;
    const struct cache_key *key = &cache->keys[entry - cache->entries];
    crypto_sha256(secret, hash);
    bool same = secret_bytes_eq((struct str){(const char *)hash, sizeof(hash)},
                                (struct str){(const char *)key->secret_hash, sizeof(hash)});
    explicit_bzero(hash, sizeof(hash));
    if (!same)
        return false;
    entry->used = ++cache->tick;
    memcpy(out, key->key, SHA256_SIZE);
    return true;
}

static void forget(struct sigv4_key_cache *cache, struct cache_entry *entry)
{
    explicit_bzero(&cache->keys[entry - cache->entries], sizeof(*cache->keys));
    *entry = (struct cache_entry){.used = 0};
}

/* Keys of days gone by sign nothing any more. */
static void forget_before(struct sigv4_key_cache *cache, struct str date)
{
    for (size_t i = 0; i < CACHE_ENTRIES; i++) {
        struct cache_entry *entry = &cache->entries[i];
        if (entry->name.len > 0 && memcmp(entry->date, date.data, CACHE_DATE_LEN) < 0)
            forget(cache, entry);
    }
}

static struct cache_entry *oldest_of_set(struct sigv4_key_cache *cache,
                                         const struct cache_name *name)
{
    struct cache_entry *set = &cache->entries[first_of_set(name)], *oldest = set;
    for (size_t i = 1; i < CACHE_WAYS; i++) {
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    return oldest;
}

void sigv4_cache_put(struct sigv4_key_cache *cache, const struct sigv4_authorization *authorization,
                     struct str secret, const unsigned char key[SHA256_SIZE])
{
    struct cache_name name;
    struct str date = authorization->scope.date;
    if (!cache || date.len != CACHE_DATE_LEN || !name_of(authorization, &name))
        return;
    forget_before(cache, date);
    struct cache_entry *entry = find(cache, &name);
    if (!entry)
        entry = oldest_of_set(cache, &name);
    forget(cache, entry);
    entry->name = name;
    entry->used = ++cache->tick;
    memcpy(entry->date, date.data, CACHE_DATE_LEN);
    struct cache_key *slot = &cache->keys[entry - cache->entries];
    crypto_sha256(secret, slot->secret_hash);
    memcpy(slot->key, key, SHA256_SIZE);
}
