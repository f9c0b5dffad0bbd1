/* The cache, the circuit breakers and the identity around the calls to AWS KMS. */
#include "auth/data_keys.h"

#include "auth/kms.h"
#include "auth/secret_cache.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"
#include "vault/crypto.h"
#include "wire/errors.h"
#include "work/host_breaker.h"

#include <stdlib.h>
#include <string.h>

enum { ARN_SHOWN_MAX = 256 }; /* bytes of a key's ARN in a message */

struct data_keys {
    struct data_keys_config config;
    struct secret_cache *unwrapped;
    struct aws_role_cache *roles;
    struct host_breakers *breakers; /* by account and key */
};

struct data_keys *data_keys_new(const struct data_keys_config *config)
{
    struct data_keys *keys = xcalloc(1, sizeof(*keys));
    keys->config = *config;
    keys->unwrapped = secret_cache_new(&secret_cache_data_keys);
    keys->roles = aws_role_cache_new();
    keys->breakers = host_breakers_new();
    return keys;
}

void data_keys_free(struct data_keys *keys)
{
    if (!keys)
        return;
    secret_cache_free(keys->unwrapped);
    aws_role_cache_free(keys->roles);
    host_breakers_free(keys->breakers);
    free(keys);
}

/* --- a call --- */

struct data_key_call {
    struct data_keys *keys;
    const struct data_key_owner *owner;
    struct kms_question question;
    struct aws_role role;
    struct aws_access access;
};

static bool is_set_up(const struct data_keys *keys, struct error *error)
{
    return keys->config.aws.aws->secret_access_key ||
           fail(error, ERR_UNAVAILABLE,
                "this server has no access to AWS. Its operator gives it AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY in the environment");
}

/* A key, or an endpoint for one, that does not answer keeps no other account's key from being used.
 */
static struct str breaker_key(const struct data_key_owner *owner, struct arena *arena)
{
    return arena_printf(arena, "%.*s %.*s", STR_ARG(owner->account), STR_ARG(owner->arn));
}

static bool prepare(struct data_key_call *call, struct arena *arena, struct error *error)
{
    struct data_keys *keys = call->keys;
    const struct data_key_owner *owner = call->owner;
    call->question = (struct kms_question){
        .arn = owner->arn,
        .region = owner->region,
        .account = owner->account,
        .profile_arn = owner->profile_arn,
        .deadline_ms = clock_mono_ms() + DATA_KEY_TIME_MS,
    };
    if (!host_breaker_allows(keys->breakers, breaker_key(owner, arena), clock_mono_ms()))
        return fail(error, ERR_CONNECTOR_SERVER,
                    "AWS KMS did not answer the last calls. It is called again from time to time "
                    "until it does");
    return aws_account_access(&keys->config.aws, keys->roles, owner->account, owner->region,
                              call->question.deadline_ms, arena, &call->role, &call->access, error);
}

/* Any word of AWS KMS is an answer, also a refusal. */
static void conclude(struct data_key_call *call, bool good, const struct error *error,
                     struct arena *arena)
{
    struct data_keys *keys = call->keys;
    const struct aws_account_config *aws = &keys->config.aws;
    bool stopping = !good && error->code == ERR_UNAVAILABLE;
    if (!stopping)
        host_breaker_note(keys->breakers, breaker_key(call->owner, arena),
                          good || error->code != ERR_CONNECTOR_SERVER, clock_mono_ms());
    if (!good && call->role.secret_access_key && error->code == ERR_ACCESS_DENIED)
        aws_role_forget(keys->roles, aws_account_role(arena, aws->role_arn, call->owner->account));
    aws_role_done(&call->role);
}

struct unwrapping {
    struct data_key_call call;
    struct str wrapped;
};

static bool unwrap(void *context, struct arena *arena, struct str *ret_bytes, struct error *error)
{
    struct unwrapping *unwrapping = context;
    struct data_key_call *call = &unwrapping->call;
    if (!prepare(call, arena, error))
        return false;
    bool good = kms_decrypt(&call->access, call->keys->config.url, &call->question,
                            unwrapping->wrapped, arena, ret_bytes, error);
    conclude(call, good, error, arena);
    return good;
}

static bool generate(struct data_keys *keys, const struct data_key_owner *owner,
                     struct arena *arena, struct data_key *ret_key, struct error *error)
{
    struct data_key_call call = {.keys = keys, .owner = owner};
    if (!prepare(&call, arena, error))
        return false;
    bool good = kms_generate(&call.access, keys->config.url, &call.question, arena, ret_key, error);
    conclude(&call, good, error, arena);
    return good;
}

/* --- the cache --- */

static struct str cache_key(const struct data_key_owner *owner, struct str wrapped,
                            struct arena *arena)
{
    unsigned char hash[CRYPTO_HASH_SIZE];
    char hex[2 * CRYPTO_HASH_SIZE + 1];
    crypto_sha256(wrapped, hash);
    encode_hex(hash, sizeof(hash), hex);
    return arena_printf(arena, "%.*s\n%.*s\n%s", STR_ARG(owner->profile_arn), STR_ARG(owner->arn),
                        hex);
}

static bool look_up(struct data_keys *keys, const struct data_key_owner *owner, struct str wrapped,
                    struct arena *arena, struct str *ret_bytes, struct error *error)
{
    struct unwrapping unwrapping = {.call = {.keys = keys, .owner = owner}, .wrapped = wrapped};
    const struct secret_question question = {
        .account = owner->account,
        .key = cache_key(owner, wrapped, arena),
        .deadline_ms = clock_mono_ms() + DATA_KEY_TIME_MS,
        .read = unwrap,
        .context = &unwrapping,
    };
    return secret_cache_get(keys->unwrapped, &question, arena, ret_bytes, error);
}

/* --- what callers see --- */

static bool fail_key(const struct data_key_owner *owner, const struct error *why,
                     struct error *error)
{
    struct str shown = utf8_cut(owner->arn, ARN_SHOWN_MAX);
    struct str clause = str_from(why->message);
    if (str_ends(clause, STR(".")))
        clause.len--;
    return fail(error, why->code == ERR_NOT_FOUND ? ERR_ACCESS_DENIED : why->code,
                "The AWS KMS key %.*s cannot be used: %.*s.", STR_ARG(shown), STR_ARG(clause));
}

bool data_keys_unwrap(struct data_keys *keys, const struct data_key_owner *owner,
                      struct str wrapped, struct arena *arena, struct data_key *ret_key,
                      struct error *error)
{
    struct error why = {0};
    struct str bytes;
    if (!keys) {
        fail(&why, ERR_UNAVAILABLE, "this server was started without --kms-url");
        return fail_key(owner, &why, error);
    }
    if (!is_set_up(keys, &why) || !look_up(keys, owner, wrapped, arena, &bytes, &why))
        return fail_key(owner, &why, error);
    *ret_key = (struct data_key){.wrapped = wrapped, .arn = owner->arn};
    memcpy(ret_key->bytes, bytes.data, DATA_KEY_SIZE);
    return true;
}

bool data_keys_make(struct data_keys *keys, const struct data_key_owner *owner, struct arena *arena,
                    struct data_key *ret_key, struct error *error)
{
    struct error why = {0};
    struct data_key unwrapped;
    struct data_key_owner made = *owner; /* by the key that an alias stands for */
    if (!kms_check_arn(owner->arn, owner->account, owner->region, error))
        return false;
    if (!is_set_up(keys, &why) || !generate(keys, owner, arena, ret_key, &why))
        return fail_key(owner, &why, error);
    made.arn = ret_key->arn;
    if (!data_keys_unwrap(keys, &made, ret_key->wrapped, arena, &unwrapped, error))
        return false;
    bool same = secret_bytes_eq((struct str){(const char *)unwrapped.bytes, DATA_KEY_SIZE},
                                (struct str){(const char *)ret_key->bytes, DATA_KEY_SIZE});
    explicit_bzero(&unwrapped, sizeof(unwrapped));
    if (same)
        return true;
    data_keys_forget(keys, &made, ret_key->wrapped);
    fail(&why, ERR_CONNECTOR_SERVER, "what AWS KMS unwraps is not what it wrapped");
    return fail_key(owner, &why, error);
}

void data_keys_forget(struct data_keys *keys, const struct data_key_owner *owner,
                      struct str wrapped)
{
    struct arena scratch = {0};
    if (keys)
        secret_cache_forget(keys->unwrapped, cache_key(owner, wrapped, &scratch));
    arena_done(&scratch);
}
