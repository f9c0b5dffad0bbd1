/* Tokens as a value that can be sealed, and back. */
#include "auth/oauth_tokens.h"

static void put_ms(struct arena *arena, struct value *value, const char *name, int64_t ms)
{
    if (ms != 0)
        value_put_raw(arena, value, name, arena_printf(arena, "%lld", (long long)ms));
}

struct value *tokens_to_value(struct arena *arena, const struct oauth_tokens *tokens)
{
    struct value *value = value_structure(arena);
    value_put_text(arena, value, "accessToken", tokens->access_token);
    value_put_text(arena, value, "refreshToken", tokens->refresh_token);
    value_put_text(arena, value, "instanceUrl", tokens->instance_url);
    value_put_text(arena, value, "tokenType", tokens->token_type);
    value_put_text(arena, value, "scope", tokens->scope);
    value_put_text(arena, value, "account", tokens->account);
    put_ms(arena, value, "expiresAtMs", tokens->expires_at_ms);
    put_ms(arena, value, "obtainedAtMs", tokens->obtained_at_ms);
    put_ms(arena, value, "refreshExpiresAtMs", tokens->refresh_expires_at_ms);
    return value;
}

void tokens_from_value(const struct value *value, struct oauth_tokens *ret_tokens)
{
    *ret_tokens = (struct oauth_tokens){
        .access_token = value_text(value, "accessToken"),
        .refresh_token = value_text(value, "refreshToken"),
        .instance_url = value_text(value, "instanceUrl"),
        .token_type = value_text(value, "tokenType"),
        .scope = value_text(value, "scope"),
        .account = value_text(value, "account"),
        .expires_at_ms = value_integer(value, "expiresAtMs", 0),
        .obtained_at_ms = value_integer(value, "obtainedAtMs", 0),
        .refresh_expires_at_ms = value_integer(value, "refreshExpiresAtMs", 0),
    };
}

static struct str kept(struct arena *arena, struct str text)
{
    return text.data ? arena_copy(arena, text) : STR_NULL;
}

void tokens_copy(struct arena *arena, struct oauth_tokens *tokens)
{
    tokens->access_token = kept(arena, tokens->access_token);
    tokens->refresh_token = kept(arena, tokens->refresh_token);
    tokens->instance_url = kept(arena, tokens->instance_url);
    tokens->token_type = kept(arena, tokens->token_type);
    tokens->scope = kept(arena, tokens->scope);
    tokens->account = kept(arena, tokens->account);
}
