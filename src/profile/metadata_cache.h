/* What vendors said about their entities, kept for a while. An entry is immutable and counted by
 * its users, so that it can be read without a lock while others replace it. The cache is bounded in
 * bytes, for each account and in all; what was not used for the longest time is removed first.
 * Requests for the same missing answer are coalesced: one calls the vendor, and all of them get its
 * answer. */
#pragma once

#include "base/arena.h"
#include "base/metrics.h"
#include "base/str.h"
#include "connector/entities.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    METADATA_CACHE_MAX = 64 * 1024 * 1024,         /* bytes of all entries */
    METADATA_CACHE_ACCOUNT_MAX = 16 * 1024 * 1024, /* of one account's */
    /* As the service refreshes hourly, unless a connector says how long. */
    METADATA_KEPT_MS = 60 * 60 * 1000,
};

extern const struct metric metric_metadata; /* by result: hit, miss */

struct metadata {
    struct arena arena;
    struct entity_list list; /* sorted; of a list of entities */
    struct str fields;       /* of an entity: connectorEntityFields, a list in JSON */
    int64_t kept_ms;         /* 0: METADATA_KEPT_MS */
    long users;              /* the cache's */
};

struct metadata *metadata_new(void); /* with one user */

struct metadata_cache; /* thread-safe */

struct metadata_cache *metadata_cache_new(void);
void metadata_cache_free(struct metadata_cache *cache); /* nothing of it may be in use */

/* What is cached under a key; call metadata_release. NULL: it is not there, and the caller is the
 * one to get it and to end with metadata_cache_put or metadata_cache_miss, unless *ret_late:
 * another thread was asking until deadline_ms, on clock_mono_ms(). Waits, with no CPU slot held. */
struct metadata *metadata_cache_take(struct metadata_cache *cache, struct str key,
                                     int64_t deadline_ms, bool *ret_late);
/* The caller stays a user of what it puts. */
void metadata_cache_put(struct metadata_cache *cache, struct str account, struct str key,
                        struct metadata *metadata);
void metadata_cache_miss(struct metadata_cache *cache, struct str key);
/* Forgets the entries whose keys begin with `prefix`. */
void metadata_cache_drop(struct metadata_cache *cache, struct str prefix);

void metadata_release(struct metadata_cache *cache, struct metadata *metadata); /* NULL: nothing */

size_t metadata_cache_bytes(struct metadata_cache *cache); /* of all entries */
