/* The sealed document is {"credentials": {…}}. Before tokens had a table of their own it was
 * {"credentials": {…}, "tokens": {…}}. */
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

static void add_credentials(struct buf *plain, const struct value *credentials)
{
    buf_add(plain, STR("{\"credentials\":"));
    value_encode(plain, credentials);
}

bool profile_seal(const struct keyring *keyring, const struct profile *profile,
                  const struct value *credentials, struct arena *arena, struct str *ret_sealed,
                  struct error *error)
{
    struct buf plain = buf_in(arena, SEALED_PLAIN_MAX);
    add_credentials(&plain, credentials);
    buf_add_char(&plain, '}');
    if (plain.overflow)
        return fail(error, ERR_INTERNAL, "The credentials are too large to keep.");
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
                    struct arena *arena, const struct value **ret_credentials,
                    struct oauth_tokens *ret_tokens, struct error *error)
{
    struct str plain;
    struct value *document;
    if (!open_document(keyring, profile, arena, &plain, error))
        return false;
    if (!json_parse(plain, arena, &document) || !value_get(document, "credentials"))
        return fail_to_read(profile, error);
    *ret_credentials = value_get(document, "credentials");
    if (ret_tokens)
        tokens_from_value(value_get(document, "tokens"), ret_tokens);
    return true;
}

/* Equal credentials are equal texts (wire/value.h). What has such a beginning is a whole object and
 * the end of the document, or the name after it, so it cannot be the beginning of other
 * credentials. */
bool profile_unseal_same(const struct keyring *keyring, const struct profile *profile,
                         const struct value *credentials, struct arena *arena, bool *ret_same,
                         struct error *error)
{
    struct buf wanted = buf_in(arena, SEALED_PLAIN_MAX);
    struct str plain;
    add_credentials(&wanted, credentials);
    if (!open_document(keyring, profile, arena, &plain, error))
        return false;
    *ret_same = !wanted.overflow && plain.len > wanted.len &&
                (plain.data[wanted.len] == '}' || plain.data[wanted.len] == ',') &&
                secret_bytes_eq((struct str){plain.data, wanted.len}, buf_str(&wanted));
    return true;
}
