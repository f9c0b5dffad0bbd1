/* Claims on client tokens: which request works on which token now.
 *
 * Claims are in a hash table in memory, with a mutex and a condition variable for each bucket.
 * Where nodes share a PostgreSQL database, a claim is also an advisory lock that the other nodes
 * see; it ends with this node's session. A request claims its token first and looks for a stored
 * answer only then, so that no answer can be committed in between. A second request with the same
 * token waits for the claim. Its parameters are compared once the first request is known to do the
 * work; until then the first one itself may find a stored answer. */
#include "store/core/idempotency_claims.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/timed.h"
#include "store/core/internal.h"
#include "store/pg/advisory_locks.h"
#include "work/cpu_slots.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLAIM_BUCKETS = 64,
    SHARE_NAP_US = 30 * 1000, /* between tries to lock a token that another node holds */
};

struct claim_bucket {
    pthread_mutex_t mutex;
    pthread_cond_t released; /* a claim of this bucket was released, or became a working one */
    struct list claims;
};

struct idempotency_claims {
    struct claim_bucket buckets[CLAIM_BUCKETS];
};

struct idempotency_claim {
    struct claim_bucket *bucket;
    struct list_link link;
    unsigned char hash[REQUEST_HASH_SIZE];
    bool shared;             /* held as an advisory lock too */
    bool working;            /* no stored answer was found: the hash may be compared */
    struct client_token key; /* points into `text` */
    char text[];
};

struct idempotency_claims *idempotency_claims_new(void)
{
    struct idempotency_claims *claims = xcalloc(1, sizeof(*claims));
    for (size_t i = 0; i < CLAIM_BUCKETS; i++) {
        pthread_mutex_init(&claims->buckets[i].mutex, NULL);
        cond_init_timed(&claims->buckets[i].released);
    }
    return claims;
}

void idempotency_claims_free(struct idempotency_claims *claims)
{
    if (!claims)
        return;
    for (size_t i = 0; i < CLAIM_BUCKETS; i++) {
        pthread_mutex_destroy(&claims->buckets[i].mutex);
        pthread_cond_destroy(&claims->buckets[i].released);
    }
    free(claims);
}

static struct claim_bucket *bucket_of(struct idempotency_claims *claims,
                                      const struct client_token *key)
{
    return &claims->buckets[hash_text(key->token) % CLAIM_BUCKETS];
}

static bool keys_equal(const struct client_token *a, const struct client_token *b)
{
    return str_eq(a->token, b->token) && str_eq(a->operation, b->operation) &&
           str_eq(a->account, b->account) && str_eq(a->region, b->region);
}

static struct idempotency_claim *find(const struct claim_bucket *bucket,
                                      const struct client_token *key)
{
    for (list_each(struct idempotency_claim, claim, &bucket->claims, link)) {
        if (keys_equal(&claim->key, key))
            return claim;
    }
    return NULL;
}

static struct str put(char **at, struct str text)
{
    struct str copy = {memcpy(*at, text.data ? text.data : "", text.len), text.len};
    *at += text.len;
    return copy;
}

static struct idempotency_claim *claim_new(struct claim_bucket *bucket,
                                           const struct client_token *key,
                                           const unsigned char hash[REQUEST_HASH_SIZE])
{
    size_t size = key->account.len + key->region.len + key->operation.len + key->token.len;
    struct idempotency_claim *claim = xcalloc(1, sizeof(*claim) + size);
    char *at = claim->text;
    claim->bucket = bucket;
    memcpy(claim->hash, hash, REQUEST_HASH_SIZE);
    claim->key = (struct client_token){
        put(&at, key->account),
        put(&at, key->region),
        put(&at, key->operation),
        put(&at, key->token),
    };
    assert(at == claim->text + size);
    list_append(&bucket->claims, &claim->link);
    return claim;
}

/* Adds a claim to the table; waits, without the CPU slot, while another one has the token. Called
 * with the bucket's mutex held. */
static enum client_token_state occupy(struct claim_bucket *bucket, const struct client_token *key,
                                      const unsigned char hash[REQUEST_HASH_SIZE], int64_t until_ms,
                                      struct idempotency_claim **ret_claim, bool *ret_left_slot)
{
    const struct idempotency_claim *other;
    *ret_left_slot = false;
    while ((other = find(bucket, key)) != NULL) {
        if (other->working && memcmp(other->hash, hash, REQUEST_HASH_SIZE) != 0)
            return CLIENT_TOKEN_CONFLICT;
        if (clock_mono_ms() >= until_ms)
            return CLIENT_TOKEN_BUSY;
        if (!*ret_left_slot)
            slot_release();
        *ret_left_slot = true;
        cond_wait_until(&bucket->released, &bucket->mutex, until_ms);
    }
    *ret_claim = claim_new(bucket, key, hash);
    return CLIENT_TOKEN_CLAIMED;
}

bool client_token_look_up(struct store *store, struct arena *arena, const struct client_token *key,
                          const unsigned char hash[REQUEST_HASH_SIZE],
                          enum client_token_state *ret_state, struct str *ret_answer,
                          struct error *error)
{
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = client_token_find(reader, arena, key, hash, ret_state, ret_answer, error);
    store_point_reader_put(store, reader);
    return ok;
}

/* The advisory lock's key. */
static int64_t name_of(const struct client_token *key)
{
    const struct str parts[] = {key->account, key->region, key->operation, key->token};
    unsigned char hash[EVP_MAX_MD_SIZE];
    int64_t name;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (size_t i = 0; ok && i < sizeof(parts) / sizeof(*parts); i++) {
        ok = EVP_DigestUpdate(context, &parts[i].len, sizeof(parts[i].len)) &&
             EVP_DigestUpdate(context, parts[i].data, parts[i].len);
    }
    if (!ok || !EVP_DigestFinal_ex(context, hash, NULL))
        out_of_memory(sizeof(hash));
    EVP_MD_CTX_free(context);
    memcpy(&name, hash, sizeof(name));
    return name;
}

/* Takes the advisory lock; waits while another node holds it. */
static bool share(struct store *store, struct idempotency_claim *claim, int64_t until_ms,
                  enum client_token_state *ret_state, struct error *error)
{
    if (!store->locks)
        return true;
    int64_t name = name_of(&claim->key);
    while (advisory_locks_try(store->locks, name, &claim->shared, error)) {
        if (claim->shared)
            return true;
        if (clock_mono_ms() >= until_ms) {
            *ret_state = CLIENT_TOKEN_BUSY;
            return true;
        }
        slot_release();
        clock_nap_us(SHARE_NAP_US);
        slot_acquire();
    }
    return false;
}

static void set_working(struct idempotency_claim *claim)
{
    pthread_mutex_lock(&claim->bucket->mutex);
    assert(!claim->working);
    claim->working = true;
    pthread_cond_broadcast(&claim->bucket->released);
    pthread_mutex_unlock(&claim->bucket->mutex);
}

bool client_token_claim(struct store *store, struct arena *arena, const struct client_token *key,
                        const unsigned char hash[REQUEST_HASH_SIZE], int64_t wait_ms,
                        enum client_token_state *ret_state, struct idempotency_claim **ret_claim,
                        struct str *ret_answer, struct error *error)
{
    struct idempotency_claim *claim = NULL;
    struct claim_bucket *bucket = bucket_of(store->claims, key);
    int64_t until_ms = clock_mono_ms() + wait_ms;
    bool left_slot;
    pthread_mutex_lock(&bucket->mutex);
    *ret_state = occupy(bucket, key, hash, until_ms, &claim, &left_slot);
    pthread_mutex_unlock(&bucket->mutex);
    if (left_slot)
        slot_acquire();
    *ret_claim = NULL;
    if (*ret_state != CLIENT_TOKEN_CLAIMED)
        return true;
    bool ok = share(store, claim, until_ms, ret_state, error);
    if (ok && *ret_state == CLIENT_TOKEN_CLAIMED)
        ok = client_token_look_up(store, arena, &claim->key, claim->hash, ret_state, ret_answer,
                                  error);
    if (!ok || *ret_state != CLIENT_TOKEN_CLAIMED) {
        client_token_release(store, claim);
        return ok;
    }
    set_working(claim);
    *ret_claim = claim;
    return true;
}

void client_token_release(struct store *store, struct idempotency_claim *claim)
{
    if (!claim)
        return;
    if (claim->shared)
        advisory_locks_release(store->locks, name_of(&claim->key));
    struct claim_bucket *bucket = claim->bucket;
    pthread_mutex_lock(&bucket->mutex);
    list_remove(&bucket->claims, &claim->link);
    pthread_cond_broadcast(&bucket->released);
    pthread_mutex_unlock(&bucket->mutex);
    free(claim);
}
