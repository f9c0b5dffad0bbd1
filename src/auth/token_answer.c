/* Reading the answers of token endpoints. */
#include "auth/api_key.h"
#include "auth/oauth2.h"
#include "wire/errors.h"
#include "wire/json_pointer.h"

const struct value *oauth2_holder(const struct value *json, const char *at)
{
    const struct value *inner = at && json ? pointer_find(json, at) : NULL;
    return inner && inner->kind == VALUE_STRUCTURE && value_get(inner, "access_token") ? inner
                                                                                       : json;
}

static bool read_text(const struct value *json, const char *name, struct str *ret_text,
                      struct error *error)
{
    struct str text = value_text(json, name);
    if (text.len > OAUTH2_TOKEN_MAX)
        return fail(error, ERR_CONNECTOR_SERVER, "The answer's %s is longer than %d bytes.", name,
                    OAUTH2_TOKEN_MAX);
    if (!auth_key_is_sendable(text))
        return fail(error, ERR_CONNECTOR_SERVER, "The answer's %s has control characters.", name);
    *ret_text = text.len > 0 ? text : STR_NULL;
    return true;
}

/* Seconds; 0 when not said. */
static int64_t read_life(const struct value *json, const char *name)
{
    const struct value *life = value_get(json, name);
    unsigned long long seconds = 0;
    if (!life)
        return 0;
    if (life->kind == VALUE_INTEGER && life->integer > 0)
        seconds = (unsigned long long)life->integer;
    else if (life->kind == VALUE_DOUBLE && life->real >= 1 && life->real < OAUTH2_LIFE_MAX_S)
        seconds = (unsigned long long)life->real;
    else if (life->kind == VALUE_STRING)
        str_to_u64(life->text, INT64_MAX, &seconds);
    return seconds < OAUTH2_LIFE_MAX_S ? (int64_t)seconds : OAUTH2_LIFE_MAX_S;
}

bool oauth2_read_tokens(const struct value *json, int64_t now_ms, struct oauth_tokens *ret_tokens,
                        struct error *error)
{
    struct oauth_tokens tokens = {.obtained_at_ms = now_ms};
    if (!json || json->kind != VALUE_STRUCTURE)
        return fail(error, ERR_CONNECTOR_SERVER, "The answer is not a JSON object.");
    if (!read_text(json, "access_token", &tokens.access_token, error) ||
        !read_text(json, "refresh_token", &tokens.refresh_token, error) ||
        !read_text(json, "instance_url", &tokens.instance_url, error) ||
        !read_text(json, "token_type", &tokens.token_type, error) ||
        !read_text(json, "scope", &tokens.scope, error))
        return false;
    if (!tokens.access_token.data)
        return fail(error, ERR_CONNECTOR_SERVER, "The answer has no access_token.");
    int64_t life_s = read_life(json, "expires_in");
    int64_t refresh_life_s = read_life(json, "refresh_token_expires_in"); /* not RFC 6749's */
    tokens.expires_at_ms = life_s > 0 ? now_ms + life_s * 1000 : 0;
    tokens.refresh_expires_at_ms = refresh_life_s > 0 ? now_ms + refresh_life_s * 1000 : 0;
    *ret_tokens = tokens;
    return true;
}
