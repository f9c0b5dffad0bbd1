/* Loading, sealing and replacing a profile's OAuth tokens. */
#include "profile/tokens.h"

#include "base/buf.h"
#include "connector/http/http_connector.h"
#include "profile/seal.h"
#include "wire/restjson.h"

struct seal_binding profile_tokens_binding(const struct profile_key *key,
                                           const struct oauth_tokens_row *row, struct arena *arena)
{
    return (struct seal_binding){
        .purpose = arena_printf(arena, "oauth-tokens:%lld", (long long)row->credentials_version),
        .account = key->account,
        .region = key->region,
        .name = key->name,
        .version = row->version,
    };
}

static bool gives_tokens(const struct connector *connector)
{
    const struct http_connector *http = connector->http;
    for (size_t i = 0; http && i < http->auth.count; i++) {
        if (http->auth.rows[i].oauth2)
            return true;
    }
    return false;
}

static bool find_row(struct store *store, const struct profile *profile, struct arena *arena,
                     struct oauth_tokens_row *ret_row, bool *ret_found, struct error *error)
{
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = oauth_tokens_find(reader, arena, profile->key, ret_row, ret_found, error);
    store_point_reader_put(store, reader);
    return ok;
}

bool profile_tokens_load(const struct profile_context *context, const struct connector *connector,
                         const struct profile *profile, struct arena *arena,
                         struct profile_tokens *ret_tokens, struct error *error)
{
    struct oauth_tokens_row row;
    struct str plain;
    struct value *value;
    bool found = false;
    *ret_tokens = (struct profile_tokens){0};
    if (!gives_tokens(connector))
        return true;
    if (!find_row(context->store, profile, arena, &row, &found, error))
        return false;
    if (found)
        ret_tokens->version = row.version;
    if (!found || row.credentials_version != profile->credentials_version)
        return true;
    struct seal_binding binding = profile_tokens_binding(&profile->key, &row, arena);
    if (!seal_open(context->keyring, &binding, row.sealed, arena, &plain, error))
        return false;
    if (!json_parse(plain, arena, &value))
        return fail(error, ERR_INTERNAL, "The OAuth tokens of profile %.*s cannot be read.",
                    STR_ARG(profile->key.name));
    tokens_from_value(value, &ret_tokens->tokens);
    return true;
}

static struct str text_of(const struct oauth_tokens *tokens, struct arena *arena)
{
    struct buf text = buf_in(arena, SEALED_PLAIN_MAX);
    value_encode(&text, tokens_to_value(arena, tokens));
    return text.overflow ? STR_NULL : buf_str(&text);
}

static bool seal(const struct profile_context *context, const struct profile_key *key,
                 struct str plain, struct arena *arena, struct oauth_tokens_row *row,
                 struct error *error)
{
    struct seal_binding binding = profile_tokens_binding(key, row, arena);
    return seal_close(context->keyring, &binding, plain, arena, &row->sealed, error);
}

/* Of new credentials whatever is there goes; a profile that is new has nothing, which costs the
 * deletion of no row. */
static void replace_all(const struct profile_tokens_question *question, bool any,
                        struct profile_tokens_change *ret_change)
{
    const struct profile *profile = question->profile;
    bool is_new = profile->version == profile->created_at_ms * 1000;
    ret_change->what = any ? TOKENS_PUT : is_new ? TOKENS_KEEP : TOKENS_DROP;
    ret_change->row.version = profile->version;
}

static void replace_known(const struct profile_tokens_question *question, bool any,
                          struct profile_tokens_change *ret_change)
{
    int64_t version = question->before->version;
    ret_change->what = any ? TOKENS_PUT : version != 0 ? TOKENS_DROP : TOKENS_KEEP;
    ret_change->expected_version = version;
    ret_change->row.version = version != 0 ? version + 1 : question->profile->version;
}

bool profile_tokens_plan(const struct profile_context *context,
                         const struct profile_tokens_question *question, struct arena *arena,
                         struct profile_tokens_change *ret_change, struct error *error)
{
    struct str text = text_of(question->tokens, arena);
    bool any = !str_eq(text, STR("{}"));
    *ret_change = (struct profile_tokens_change){.what = TOKENS_KEEP};
    if (!text.data)
        return fail(error, ERR_INTERNAL, "The vendor's OAuth tokens are too large to keep.");
    if (question->before && str_eq(text, text_of(&question->before->tokens, arena)))
        return true;
    if (question->before)
        replace_known(question, any, ret_change);
    else
        replace_all(question, any, ret_change);
    if (ret_change->what != TOKENS_PUT)
        return true;
    ret_change->row.credentials_version = question->profile->credentials_version;
    ret_change->row.expires_at_ms = question->tokens->expires_at_ms;
    return seal(context, &question->profile->key, text, arena, &ret_change->row, error);
}

bool profile_tokens_apply(struct db *db, const struct profile_key *key,
                          const struct profile_tokens_change *change, struct error *error)
{
    switch (change->what) {
    case TOKENS_KEEP:
        return true;
    case TOKENS_PUT:
        return oauth_tokens_put(db, *key, &change->row, change->expected_version, error);
    case TOKENS_DROP:
        return oauth_tokens_delete(db, *key, error);
    }
    return true;
}
