/* The sealed document is {"credentials": {…}, "tokens": {…}}. */
#include "service/profile_seal.h"

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

bool profile_seal(const struct service *service, const struct profile *profile,
                  const struct value *credentials, const struct tokens *tokens, struct arena *arena,
                  struct str *ret_sealed, struct error *error)
{
    struct buf plain = buf_in(arena, SEALED_PLAIN_MAX);
    buf_add(&plain, STR("{\"credentials\":"));
    value_encode(&plain, credentials);
    buf_add(&plain, STR(",\"tokens\":"));
    value_encode(&plain, tokens_to_value(arena, tokens));
    buf_add_char(&plain, '}');
    if (plain.overflow)
        return fail(error, ERR_INTERNAL, "Credentials and tokens together are too large to keep.");
    struct seal_binding binding = profile_seal_binding(profile);
    return seal_close(service->config.keyring, &binding, buf_str(&plain), arena, ret_sealed, error);
}

bool profile_unseal(const struct service *service, const struct profile *profile,
                    struct arena *arena, struct profile_secrets *ret_secrets, struct error *error)
{
    struct seal_binding binding = profile_seal_binding(profile);
    struct str plain;
    struct value *document;
    if (!seal_open(service->config.keyring, &binding, profile->sealed_credentials, arena, &plain,
                   error))
        return false;
    if (!json_parse(plain, arena, &document) || !value_get(document, "credentials"))
        return fail(error, ERR_INTERNAL,
                    "The sealed credentials of profile %.*s opened, but cannot be read.",
                    STR_ARG(profile->key.name));
    *ret_secrets = (struct profile_secrets){.credentials = value_get(document, "credentials")};
    tokens_from_value(value_get(document, "tokens"), &ret_secrets->tokens);
    return true;
}
