/* Credentials are structures of the API's model, with structures of an authentication's own in
 * them; a secret is flat, as no key of two authentications means two things. */
#include "connector/custom/secret_text.h"

#include "base/buf.h"

/* Of the app, of the grant, or no credential. */
static const char *const left_out[] = {
    "authenticationType", "clientId",        "clientSecret", "clientCredentialsArn",
    "oAuthRequest",       "oAuth2GrantType", "jwtToken",
};

static bool is_left_out(struct str name)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++) {
        if (str_eq(name, str_from(left_out[i])))
            return true;
    }
    return false;
}

/* `chosen` by the connector: none of its names is left out. */
static void add_members(struct arena *arena, struct value *secret, const struct value *from,
                        bool chosen)
{
    for (size_t i = 0; from && i < from->count; i++) {
        const struct value *item = from->items[i];
        const char *name = arena_cstr(arena, from->names[i]);
        if (!chosen && is_left_out(from->names[i]))
            continue;
        if (item->kind == VALUE_STRUCTURE || item->kind == VALUE_MAP)
            add_members(arena, secret, item, item->kind == VALUE_MAP);
        else if (item->kind == VALUE_STRING && !value_get(secret, name))
            value_put_text(arena, secret, name, item->text);
    }
}

struct str secret_text(struct arena *arena, const struct value *credentials,
                       const struct oauth_tokens *tokens)
{
    struct value *secret = value_structure(arena);
    struct buf text = buf_in(arena, SECRET_TEXT_MAX);
    if (tokens) {
        value_put_text(arena, secret, "accessToken", tokens->access_token);
        value_put_text(arena, secret, "refreshToken", tokens->refresh_token);
    }
    add_members(arena, secret, credentials, false);
    value_encode(&text, secret);
    return text.overflow ? STR_NULL : buf_str(&text);
}
