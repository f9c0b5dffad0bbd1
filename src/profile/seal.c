/* The sealed document is {"credentials": {…}}, with "seed": "…" behind them where tokens begin with
 * a reference. In form 1, before tokens had a table of their own,
 * it was {"credentials": {…}, "tokens": {…}}. */
#include "profile/seal.h"

#include "vault/crypto.h"
#include "vault/seal.h"
#include "wire/restjson.h"

/* The credentials' version is among them: it ties the OAuth tokens to the row that they may be used
 * with. */
static struct str numbers_of(const struct profile *profile, struct arena *arena)
{
    const int64_t numbers[] = {profile->credentials_version, profile->created_at_ms,
                               profile->updated_at_ms};
    unsigned char *bytes = arena_alloc(arena, 8 * sizeof(numbers) / sizeof(*numbers));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        crypto_put_u64(bytes + 8 * i, (uint64_t)numbers[i]);
    return (struct str){(const char *)bytes, 8 * sizeof(numbers) / sizeof(*numbers)};
}

struct seal_binding profile_seal_binding(const struct profile *profile, struct arena *arena)
{
    return (struct seal_binding){
        .purpose = STR("profile-credentials"),
        .account = profile->key.account,
        .region = profile->key.region,
        .name = profile->key.name,
        .version = profile->version,
        .context = {profile->connector_type, profile->connector_label, profile->connection_mode,
                    profile->properties, profile->kms_arn, profile->credentials_arn,
                    numbers_of(profile, arena)},
        .context_count = 7,
    };
}

static void add_credentials(struct buf *plain, const struct value *credentials, struct str seed)
{
    buf_add(plain, STR("{\"credentials\":"));
    value_encode(plain, credentials);
    if (seed.data)
        buf_printf(plain, ",\"seed\":\"%.*s\"", STR_ARG(seed));
}

bool profile_seal(const struct keyring *keyring, const struct profile *profile,
                  const struct profile_sealed *what, struct arena *arena, struct str *ret_sealed,
                  struct error *error)
{
    struct buf plain = buf_in(arena, SEALED_PLAIN_MAX);
    add_credentials(&plain, what->credentials, what->seed);
    buf_add_char(&plain, '}');
    if (plain.overflow)
        return fail(error, ERR_INTERNAL, "The credentials are too large to keep.");
    struct seal_binding binding = profile_seal_binding(profile, arena);
    return envelope_seal(keyring, what->data_key, &binding, buf_str(&plain), arena, ret_sealed,
                         error);
}

bool profile_seal_again(const struct keyring *keyring, const struct profile *before,
                        const struct profile *after, struct arena *arena, struct str *ret_sealed,
                        struct error *error)
{
    struct seal_binding old = profile_seal_binding(before, arena);
    struct seal_binding fresh = profile_seal_binding(after, arena);
    struct str plain;
    return seal_open(keyring, &old, before->sealed_credentials, arena, &plain, error) &&
           seal_close(keyring, &fresh, plain, arena, ret_sealed, error);
}

static bool read_document(const struct profile *profile, struct str plain, struct arena *arena,
                          const struct value **ret_document, struct error *error)
{
    struct value *document;
    if (!json_parse(plain, arena, &document) || !value_get(document, "credentials"))
        return fail(error, ERR_INTERNAL,
                    "The sealed credentials of profile %.*s opened, but cannot be read.",
                    STR_ARG(profile->key.name));
    *ret_document = document;
    return true;
}

bool profile_unseal(const struct profile_context *context, const struct profile *profile,
                    struct arena *arena, struct profile_sealed *ret_what, struct error *error)
{
    struct seal_binding binding = profile_seal_binding(profile, arena);
    struct str plain;
    const struct value *document = NULL;
    *ret_what = (struct profile_sealed){0};
    if (!envelope_open(context, &profile->key, &binding, profile->sealed_credentials, arena, &plain,
                       &ret_what->data_key, error) ||
        !read_document(profile, plain, arena, &document, error))
        return false;
    ret_what->credentials = value_get(document, "credentials");
    ret_what->seed = value_text(document, "seed");
    return true;
}

bool profile_unseal_outline(const struct keyring *keyring, const struct profile *profile,
                            struct arena *arena, const struct value **ret_credentials,
                            struct error *error)
{
    struct seal_binding binding = profile_seal_binding(profile, arena);
    struct str plain;
    const struct value *document = NULL;
    if (!envelope_outline(keyring, &binding, profile->sealed_credentials, arena, &plain, error) ||
        !read_document(profile, plain, arena, &document, error))
        return false;
    *ret_credentials = value_get(document, "credentials");
    return true;
}

bool profile_wrapped_key(const struct keyring *keyring, const struct profile *profile,
                         struct arena *arena, struct str *ret_arn, struct str *ret_wrapped,
                         struct error *error)
{
    struct seal_binding binding = profile_seal_binding(profile, arena);
    struct str plain;
    if (!seal_open(keyring, &binding, profile->sealed_credentials, arena, &plain, error))
        return false;
    if (!envelope_wrapped_key(plain, arena, ret_arn, ret_wrapped))
        *ret_arn = STR_NULL;
    return true;
}

bool profile_unseal_old(const struct keyring *keyring, const struct profile *profile,
                        struct arena *arena, const struct value **ret_credentials,
                        struct oauth_tokens *ret_tokens, struct error *error)
{
    struct seal_binding binding = profile_seal_binding(profile, arena);
    struct str plain;
    const struct value *document = NULL;
    if (!seal_open_old(keyring, &binding, profile->sealed_credentials, arena, &plain, error) ||
        !read_document(profile, plain, arena, &document, error))
        return false;
    *ret_credentials = value_get(document, "credentials");
    tokens_from_value(value_get(document, "tokens"), ret_tokens);
    return true;
}

/* Equal credentials are equal texts (wire/value.h). What has such a beginning is a whole object and
 * the end of the document, so it cannot be the beginning of other credentials. */
bool profile_unseal_same(const struct profile_context *context, const struct profile *profile,
                         const struct value *credentials, struct str seed, struct arena *arena,
                         bool *ret_same, const struct data_key **ret_data_key, struct error *error)
{
    struct seal_binding binding = profile_seal_binding(profile, arena);
    struct buf wanted = buf_in(arena, SEALED_PLAIN_MAX);
    struct str plain;
    add_credentials(&wanted, credentials, seed);
    if (!envelope_open(context, &profile->key, &binding, profile->sealed_credentials, arena, &plain,
                       ret_data_key, error))
        return false;
    *ret_same = !wanted.overflow && plain.len > wanted.len && plain.data[wanted.len] == '}' &&
                secret_bytes_eq((struct str){plain.data, wanted.len}, buf_str(&wanted));
    return true;
}
