/* Opened secrets are kept for a while, so that most requests cost no decryption. */
#include "api/authenticate.h"

#include "api/access_key_set.h"
#include "api/access_limits.h"
#include "api/aws_services.h"
#include "api/generation_floor.h"
#include "api/regions.h"
#include "api/session_token.h"
#include "auth/function_session.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "store/access_keys.h"
#include "vault/seal.h"
#include "wire/errors.h"

#include <stdlib.h>
#include <string.h>

struct kept_key {
    char id[ACCESS_KEY_ID_SIZE];
    char account[13]; /* 12 digits */
    struct secret *secret;
    int64_t checked_ms;    /* monotonic; when the store was last asked */
    struct str sealed;     /* as in the store, on the heap: tells whether the key was replaced */
    int64_t version;       /* that it opened with */
    struct str limits;     /* on the heap; STR_NULL: none */
    int64_t expires_at_ms; /* of the limits; 0: never */
    int64_t used_ms;       /* wall clock; the last use that the store knows of, or gets */
};

struct authenticator {
    struct sigv4_key_cache *signing_keys;
    struct str region;       /* the last one that was found; most requests have the same */
    int64_t generation;      /* what a valid key's version is, as sealed_state says */
    struct str sealed_state; /* as it was last read, on the heap; STR_NULL: never */
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
    free((char *)kept->limits.data);
    *kept = (struct kept_key){0};
}

void authenticator_free(struct authenticator *authenticator)
{
    if (!authenticator)
        return;
    for (size_t i = 0; i < AUTHENTICATOR_KEYS_KEPT; i++)
        forget(&authenticator->kept[i]);
    sigv4_key_cache_free(authenticator->signing_keys);
    free((char *)authenticator->sealed_state.data);
    free(authenticator);
}

static struct str on_heap(struct str bytes)
{
    char *copy = xmalloc(bytes.len + 1);
    memcpy(copy, bytes.data, bytes.len);
    return (struct str){copy, bytes.len};
}

/* Opens the state only when it has changed. Another loop may have seen a later generation. */
static bool read_state(struct authenticator *authenticator, struct api_request *request,
                       struct str sealed)
{
    const struct service_config *config = &request->service->config;
    struct access_key_state state = {.generation = authenticator->generation};
    bool is_known = authenticator->sealed_state.data && str_eq(authenticator->sealed_state, sealed);
    if (!is_known &&
        !access_key_state_open(config->keyring, sealed, request->arena, &state, &request->error))
        return false;
    if (!generation_floor_admit(config->key_generations, state.generation, &request->error))
        return false;
    if (is_known)
        return true;
    free((char *)authenticator->sealed_state.data);
    authenticator->sealed_state = on_heap(sealed);
    authenticator->generation = state.generation;
    return true;
}

static bool keep(struct api_request *request, struct kept_key *kept, const struct access_key *key)
{
    struct seal_binding binding = access_key_binding(key);
    struct access_limits limits;
    struct str plain;
    if (!seal_open(request->service->config.keyring, &binding, key->sealed_secret, request->arena,
                   &plain, &request->error) ||
        !access_limits_read(key->limits, request->arena, &limits, &request->error))
        return false;
    forget(kept);
    memcpy(kept->id, key->id.data, key->id.len);
    memcpy(kept->account, key->account.data, key->account.len);
    kept->secret = secret_new(plain);
    kept->sealed = on_heap(key->sealed_secret);
    kept->version = key->version;
    kept->limits = key->limits.len > 0 ? on_heap(key->limits) : STR_NULL;
    kept->expires_at_ms = limits.expires_at_ms;
    kept->used_ms = key->last_used_ms;
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

/* Asks the store. False leaves the slot empty: unknown key, or request->error is set. A key of an
 * earlier generation was deleted or replaced, and its row put back: it counts as unknown. */
static bool refresh(struct authenticator *authenticator, struct api_request *request,
                    struct kept_key *kept, struct str id)
{
    struct access_key key = {0};
    bool found = false;
    if (id.len >= sizeof(kept->id) || !read_key(request, id, &key, &found))
        return false;
    if (found && !read_state(authenticator, request, key.sealed_state)) {
        forget(kept);
        return false;
    }
    if (!found || key.version != authenticator->generation ||
        key.account.len >= sizeof(kept->account)) {
        if (str_eq(str_from(kept->id), id))
            forget(kept);
        return false;
    }
    bool same = str_eq(str_from(kept->id), id) && kept->version == key.version &&
                str_eq(kept->sealed, key.sealed_secret);
    if (!same && !keep(request, kept, &key))
        return false;
    kept->checked_ms = clock_mono_ms();
    return true;
}

struct key_lookup {
    struct authenticator *authenticator;
    struct api_request *request;
    struct kept_key *found;           /* of a session: the access key that it descends from */
    struct session_token *session;    /* NULL: none */
    struct secret *session_secret;    /* of this request alone */
    struct function_caller *function; /* NULL: no connector's process */
};

static bool is_expired(const struct kept_key *kept, struct error *error)
{
    char when[CLOCK_TEXT_SIZE];
    if (kept->expires_at_ms == 0 || clock_wall_ms() < kept->expires_at_ms)
        return false;
    clock_text(kept->expires_at_ms, when);
    fail(error, ERR_EXPIRED_TOKEN,
         "The security token included in the request is expired: the access key %s was valid until "
         "%s. The operator can create another with headgate access-key create.",
         kept->id, when);
    return true;
}

static const struct secret *find_key(void *context, struct str id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    struct key_lookup *lookup = context;
    struct kept_key *kept = &lookup->authenticator->kept[hash_text(id) % AUTHENTICATOR_KEYS_KEPT];
    bool fresh = kept->secret && str_eq(str_from(kept->id), id) &&
                 clock_mono_ms() - kept->checked_ms < AUTHENTICATOR_RECHECK_MS;
    if (!fresh && !refresh(lookup->authenticator, lookup->request, kept, id)) {
        if (lookup->request->error.code != ERR_NONE)
            *error = lookup->request->error;
        return NULL;
    }
    if (is_expired(kept, error))
        return NULL;
    lookup->found = kept;
    lookup->request->limits = arena_copy(arena, kept->limits);
    *ret_account = arena_copy(arena, str_from(kept->account));
    return kept->secret;
}

/* --- sessions --- */

/* The access key must be there, and be the one that the session was made with. */
static bool check_parent(struct key_lookup *lookup, struct error *error)
{
    const struct session_token *session = lookup->session;
    char mark[SESSION_MARK_SIZE];
    bool good = lookup->found != NULL;
    if (good) {
        session_mark(lookup->found->secret, mark);
        good = secret_bytes_eq(session->mark, str_from(mark));
    }
    return good || fail(error, ERR_UNRECOGNIZED_CLIENT,
                        "The security token included in the request is invalid: the access key "
                        "%.*s, which the session was made with, was deleted or replaced.",
                        STR_ARG(session->parent_id));
}

static const struct secret *find_function(struct key_lookup *lookup, struct str id,
                                          struct str token, struct arena *arena,
                                          struct str *ret_account)
{
    struct function_sessions *sessions = lookup->request->service->config.function_sessions;
    lookup->function = arena_new(arena, struct function_caller);
    if (sessions)
        lookup->session_secret =
            function_session_find(sessions, id, token, arena, lookup->function);
    *ret_account = lookup->function->account;
    return lookup->session_secret;
}

static const struct secret *find_session(void *context, struct str id, struct str token,
                                         struct arena *arena, struct str *ret_account,
                                         struct error *error)
{
    struct key_lookup *lookup = context;
    const struct service_config *config = &lookup->request->service->config;
    if (function_token_is_ours(token))
        return find_function(lookup, id, token, arena, ret_account);
    if (!session_token_is_ours(token))
        return NULL;
    lookup->session = arena_new(arena, struct session_token);
    if (!session_open(config->keyring, id, token, arena, lookup->session, error) ||
        (!find_key(context, lookup->session->parent_id, arena, ret_account, error) &&
         error->code != ERR_NONE) ||
        !check_parent(lookup, error))
        return NULL;
    lookup->session_secret = secret_new(lookup->session->secret);
    return lookup->session_secret;
}

/* For STS, whose operations make sessions. */
static void note_parent(struct api_request *request, const struct key_lookup *lookup)
{
    const struct kept_key *kept = lookup->found;
    struct session_parent *parent = arena_new(request->arena, struct session_parent);
    char *mark = arena_alloc(request->arena, SESSION_MARK_SIZE);
    session_mark(kept->secret, mark);
    *parent = (struct session_parent){
        .access_key_id = arena_copy(request->arena, str_from(kept->id)),
        .mark = str_from(mark),
        .policies = lookup->session ? lookup->session->policies : STR(""),
        .end_ms = lookup->session ? lookup->session->end_ms : kept->expires_at_ms,
    };
    request->parent = parent;
}

/* --- when a key was last used --- */

struct noted_use {
    struct store_write write;
    char id[ACCESS_KEY_ID_SIZE];
    int64_t at_ms;
};

static bool apply_use(struct db *db, void *argument, struct error *error)
{
    const struct noted_use *use = argument;
    return access_key_note_use(db, str_from(use->id), use->at_ms, error);
}

static void free_use(struct store_write *write)
{
    free(write->argument);
}

/* Once an hour and key, without making the request wait: a use that is not written down is noted
 * with a later one. */
static void note_use(struct api_request *request, struct kept_key *kept)
{
    int64_t now_ms = clock_wall_ms();
    struct error ignored;
    if (now_ms - kept->used_ms < ACCESS_KEY_USE_MS)
        return;
    struct noted_use *use = xcalloc(1, sizeof(*use));
    kept->used_ms = use->at_ms = now_ms;
    memcpy(use->id, kept->id, sizeof(use->id));
    use->write = (struct store_write){.apply = apply_use, .argument = use, .done = free_use};
    if (!store_post(request->service->config.store, &use->write, &ignored))
        free_use(&use->write);
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

/* A quota or a rate that an account has in each region must not be beaten by made-up ones. */
static bool check_region(struct authenticator *authenticator, struct api_request *request)
{
    struct str region = request->caller.region;
    if (str_eq(authenticator->region, region))
        return true;
    struct str found = region_find(&request->service->config.regions, region);
    if (!found.data)
        return fail(&request->error, ERR_INVALID_SIGNATURE,
                    "Credential should be scoped to a valid region. %.*s is not a region of AWS; "
                    "the operator of this server can add it (--regions).",
                    STR_ARG(region));
    authenticator->region = found;
    return true;
}

bool authenticator_verify(struct authenticator *authenticator, struct api_request *request)
{
    struct sigv4_request signed_request = as_signed(request->exchange);
    struct key_lookup lookup = {.authenticator = authenticator, .request = request};
    const struct sigv4_keys keys = {find_key, &lookup, find_session};
    bool good = sigv4_verify(&signed_request, &aws_service_names, clock_wall_ms(), &keys,
                             authenticator->signing_keys, request->arena, &request->caller,
                             &request->error);
    secret_free(lookup.session_secret);
    if (!good || !check_region(authenticator, request))
        return false;
    request->session = lookup.session;
    request->function = lookup.function;
    if (lookup.function)
        return true;
    if (str_eq(request->caller.service, STR("sts")))
        note_parent(request, &lookup);
    note_use(request, lookup.found);
    return true;
}
