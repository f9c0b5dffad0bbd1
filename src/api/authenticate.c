/* Opened secrets are kept for a while, so that most requests cost no decryption. */
#include "api/authenticate.h"

#include "api/aws_services.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "store/access_keys.h"
#include "vault/seal.h"

#include <stdlib.h>
#include <string.h>

struct kept_key {
    char id[129];     /* the model's AWS access key ids are 16 to 128 characters */
    char account[13]; /* 12 digits */
    struct secret *secret;
    int64_t checked_ms; /* monotonic; when the store was last asked */
    struct str sealed;  /* as in the store, on the heap: tells whether the key was replaced */
};

struct authenticator {
    struct sigv4_key_cache *signing_keys;
    struct kept_key kept[AUTHENTICATOR_KEYS_KEPT];
};

struct authenticator *authenticator_new(void)
{
    struct authenticator *authenticator = xcalloc(1, sizeof(*authenticator));
    authenticator->signing_keys = sigv4_key_cache_new();
    return authenticator;
}

static void forget(struct kept_key *kept)
{
    secret_free(kept->secret);
    free((char *)kept->sealed.data);
    *kept = (struct kept_key){0};
}

void authenticator_free(struct authenticator *authenticator)
{
    if (!authenticator)
        return;
    for (size_t i = 0; i < AUTHENTICATOR_KEYS_KEPT; i++)
        forget(&authenticator->kept[i]);
    sigv4_key_cache_free(authenticator->signing_keys);
    free(authenticator);
}

struct seal_binding access_key_binding(struct str account, struct str id)
{
    return (struct seal_binding){
        .purpose = STR("access-key"), .account = account, .region = STR(""), .name = id};
}

static bool keep(struct api_request *request, struct kept_key *kept, const struct access_key *key)
{
    struct seal_binding binding = access_key_binding(key->account, key->id);
    struct str plain;
    if (!seal_open(request->service->config.keyring, &binding, key->sealed_secret, request->arena,
                   &plain, &request->error))
        return false;
    forget(kept);
    memcpy(kept->id, key->id.data, key->id.len);
    memcpy(kept->account, key->account.data, key->account.len);
    kept->secret = secret_new(plain);
    char *sealed = xmalloc(key->sealed_secret.len);
    memcpy(sealed, key->sealed_secret.data, key->sealed_secret.len);
    kept->sealed = (struct str){sealed, key->sealed_secret.len};
    return true;
}

/* From the store; where that would wait, what a worker fetched from it. */
static bool read_key(struct api_request *request, struct str id, struct access_key *ret_key,
                     bool *ret_found)
{
    if (request->reader)
        return access_key_find(request->reader, request->arena, id, ret_key, ret_found,
                               &request->error);
    request->key_is_wanted = !request->key.fetched;
    request->key.wanted = arena_copy(request->arena, id);
    *ret_key = request->key.row;
    *ret_found = request->key.found;
    return request->key.fetched;
}

void authenticator_fetch(struct api_request *request)
{
    struct store *store = request->service->config.store;
    struct store_reader *reader;
    request->key_is_wanted = false;
    request->error = (struct error){0};
    if (!store_reader_take(store, &reader, &request->error))
        return;
    request->key.fetched = access_key_find(reader, request->arena, request->key.wanted,
                                           &request->key.row, &request->key.found, &request->error);
    store_reader_put(store, reader);
}

/* Asks the store. False leaves the slot empty: unknown key, or request->error is set. */
static bool refresh(struct api_request *request, struct kept_key *kept, struct str id)
{
    struct access_key key = {0};
    bool found = false;
    if (id.len >= sizeof(kept->id) || !read_key(request, id, &key, &found))
        return false;
    if (!found || key.account.len >= sizeof(kept->account)) {
        if (str_eq(str_from(kept->id), id))
            forget(kept);
        return false;
    }
    bool same = str_eq(str_from(kept->id), id) && str_eq(kept->sealed, key.sealed_secret);
    if (!same && !keep(request, kept, &key))
        return false;
    kept->checked_ms = clock_mono_ms();
    return true;
}

struct key_lookup {
    struct authenticator *authenticator;
    struct api_request *request;
};

static const struct secret *find_key(void *context, struct str id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    struct key_lookup *lookup = context;
    struct kept_key *kept = &lookup->authenticator->kept[hash_text(id) % AUTHENTICATOR_KEYS_KEPT];
    bool fresh = kept->secret && str_eq(str_from(kept->id), id) &&
                 clock_mono_ms() - kept->checked_ms < AUTHENTICATOR_RECHECK_MS;
    (void)error; /* the same as the request's */
    if (!fresh && !refresh(lookup->request, kept, id))
        return NULL;
    *ret_account = arena_copy(arena, str_from(kept->account));
    return kept->secret;
}

static struct sigv4_request as_signed(const struct http_exchange *exchange)
{
    struct sigv4_request signed_request = {
        .method = exchange->head.method,
        .path = exchange->head.target,
        .query = STR(""),
        .headers = exchange->head.headers,
        .header_count = exchange->head.header_count,
        .body = exchange->body,
    };
    str_cut(exchange->head.target, '?', &signed_request.path, &signed_request.query);
    return signed_request;
}

bool authenticator_verify(struct authenticator *authenticator, struct api_request *request)
{
    struct sigv4_request signed_request = as_signed(request->exchange);
    struct key_lookup lookup = {authenticator, request};
    struct sigv4_keys keys = {find_key, &lookup};
    return sigv4_verify(&signed_request, &aws_service_names, clock_wall_ms(), &keys,
                        authenticator->signing_keys, request->arena, &request->caller,
                        &request->error);
}
