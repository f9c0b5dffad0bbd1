/* Secrets that were read from a service, for a short time: many readers of one secret ask once, and
 * concurrent readers share a call. What is kept is bounded in time, number and bytes, and wiped
 * when it goes. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/str.h"

#include <stdint.h>

enum {
    SECRET_CACHE_CALLS_MAX = 64, /* at the same time; shared by accounts (work/keyed_share.h) */
};

/* What a cache keeps, of which kind. */
struct secret_cache_kind {
    const char *what; /* in messages: "secret" */
    int64_t kept_ms;
    size_t entries;
    size_t account_entries; /* of one account; 0: any number */
    size_t bytes_max;       /* of all texts */
    bool is_locked;         /* texts are kept in locked memory: for short ones (vault/secret.h) */
    int limit;              /* its row of metric_secret_readings_throttled */
};

/* Texts of AWS Secrets Manager, and data keys that AWS KMS unwrapped. */
extern const struct secret_cache_kind secret_cache_texts;
extern const struct secret_cache_kind secret_cache_data_keys;
enum {
    SECRET_KEPT_MS = 60 * 1000,
    DATA_KEY_KEPT_MS = 5 * 60 * 1000,
    DATA_KEYS_KEPT = 1024,
    DATA_KEYS_KEPT_ACCOUNT = 256, /* of one account */
};

/* Thread-safe. */
struct secret_cache;
struct secret_cache *secret_cache_new(const struct secret_cache_kind *kind);
void secret_cache_free(struct secret_cache *cache); /* no reader may be left; NULL is fine */

/* Reads the secret; the text is in the arena. */
typedef bool secret_cache_read_fn(void *context, struct arena *arena, struct str *ret_text,
                                  struct error *error);

struct secret_question {
    struct str account; /* whose share a call takes */
    struct str key;
    int64_t not_before_ms; /* of clock_mono_ms(): what was read earlier is not good enough */
    int64_t deadline_ms;
    secret_cache_read_fn *read;
    void *context;
};

extern const struct metric metric_secret_readings_throttled; /* by the shares of accounts */

/* The text under a key that was read no longer ago than the kind says, and not before
 * `not_before_ms`; else what `read` says, whose failure is not kept but is that of all who wait for
 * it. ERR_THROTTLING when the account has its share of calls, or the deadline passed while another
 * caller read it. Waits without its CPU slot; the caller holds no lock. */
_must_use_ bool secret_cache_get(struct secret_cache *cache, const struct secret_question *question,
                                 struct arena *arena, struct str *ret_text, struct error *error);

/* What is kept under the key is wrong: the next reader reads it anew. */
void secret_cache_forget(struct secret_cache *cache, struct str key);
