/* The sealed document is {"credentials": {…}, "tokens": {…}}. */
#include "profile/seal.h"

#include "vault/seal.h"
#include "wire/restjson.h"

struct seal_binding profile_seal_binding(const struct profile *profile)
{
    return (struct seal_binding){
        .purpose = STR("profile-credentials"),
        .account = profile->key.account,
        .region = profile->key.region,
        .name = profile->key.name,
        .version = profile->version,
    };
}

/* As far as it depends on the credentials alone. */
static void add_credentials(struct buf *plain, const struct value *credentials)
{
    buf_add(plain, STR("{\"credentials\":"));
    value_encode(plain, credentials);
    buf_add(plain, STR(",\"tokens\":"));
}

bool profile_seal(const struct keyring *keyring, const struct profile *profile,
                  const struct value *credentials, const struct oauth_tokens *tokens,
                  struct arena *arena, struct str *ret_sealed, struct error *error)
{
    struct buf plain = buf_in(arena, SEALED_PLAIN_MAX);
    add_credentials(&plain, credentials);
    value_encode(&plain, tokens_to_value(arena, tokens));
    buf_add_char(&plain, '}');
    if (plain.overflow)
        return fail(error, ERR_INTERNAL, "Credentials and tokens together are too large to keep.");
    struct seal_binding binding = profile_seal_binding(profile);
    return seal_close(keyring, &binding, buf_str(&plain), arena, ret_sealed, error);
}

static bool open_document(const struct keyring *keyring, const struct profile *profile,
                          struct arena *arena, struct str *ret_plain, struct error *error)
{
    struct seal_binding binding = profile_seal_binding(profile);
    return seal_open(keyring, &binding, profile->sealed_credentials, arena, ret_plain, error);
}

static bool fail_to_read(const struct profile *profile, struct error *error)
{
    return fail(error, ERR_INTERNAL,
                "The sealed credentials of profile %.*s opened, but cannot be read.",
                STR_ARG(profile->key.name));
}

bool profile_unseal(const struct keyring *keyring, const struct profile *profile,
                    struct arena *arena, struct profile_secrets *ret_secrets, struct error *error)
{
    struct str plain;
    struct value *document;
    if (!open_document(keyring, profile, arena, &plain, error))
        return false;
    if (!json_parse(plain, arena, &document) || !value_get(document, "credentials"))
        return fail_to_read(profile, error);
    *ret_secrets = (struct profile_secrets){.credentials = value_get(document, "credentials")};
    tokens_from_value(value_get(document, "tokens"), &ret_secrets->tokens);
    return true;
}

/* Equal credentials are equal texts (wire/value.h). What has such a beginning is a whole object and
 * the name after it, so it cannot be the beginning of other credentials. */
bool profile_unseal_same(const struct keyring *keyring, const struct profile *profile,
                         const struct value *credentials, struct arena *arena, bool *ret_same,
                         struct oauth_tokens *ret_tokens, struct error *error)
{
    struct buf wanted = buf_in(arena, SEALED_PLAIN_MAX);
    struct str plain;
    struct value *tokens;
    add_credentials(&wanted, credentials);
    if (!open_document(keyring, profile, arena, &plain, error))
        return false;
    *ret_same = !wanted.overflow && plain.len > wanted.len &&
                secret_bytes_eq((struct str){plain.data, wanted.len}, buf_str(&wanted));
    if (!*ret_same)
        return true;
    struct str rest = {plain.data + wanted.len,
                       plain.len - wanted.len - 1}; /* without the last } */
    if (!json_parse(rest, arena, &tokens))
        return fail_to_read(profile, error);
    tokens_from_value(tokens, ret_tokens);
    return true;
}
