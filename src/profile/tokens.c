/* Loading, sealing and replacing a profile's OAuth tokens. */
#include "profile/tokens.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "connector/http/http_connector.h"
#include "profile/replaced_tokens.h"
#include "profile/seal.h"
#include "vault/seal.h"
#include "wire/restjson.h"

#include <string.h>

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

void tokens_digest(const struct profile_context *context, struct str refresh_token,
                   unsigned char out[TOKENS_DIGEST_SIZE])
{
    struct str parts[] = {STR("refresh-token"), refresh_token};
    keyed_hash(context->service_secret, parts, 2, out);
}

bool profile_gives_tokens(const struct connector *connector)
{
    const struct http_connector *http = connector->http;
    for (size_t i = 0; http && i < http->auth.count; i++) {
        if (http->auth.rows[i].oauth2)
            return true;
    }
    return false;
}

static bool read_tokens(const struct profile_key *key, struct str plain, int64_t version,
                        struct arena *arena, struct profile_tokens *ret_tokens, struct error *error)
{
    struct value *value;
    if (!json_parse(plain, arena, &value))
        return fail(error, ERR_INTERNAL, "The OAuth tokens of profile %.*s cannot be read.",
                    STR_ARG(key->name));
    tokens_from_value(value, &ret_tokens->tokens);
    ret_tokens->replaced = value_text(value, "replaced");
    ret_tokens->version = version;
    return true;
}

bool profile_tokens_open(const struct profile_context *context, const struct profile_key *key,
                         const struct oauth_tokens_row *row, struct arena *arena,
                         struct profile_tokens *ret_tokens, struct error *error)
{
    struct seal_binding binding = profile_tokens_binding(key, row, arena);
    const struct data_key *data_key;
    struct str plain;
    if (!envelope_open(context, key, &binding, row->sealed, arena, &plain, &data_key, error))
        return false;
    ret_tokens->has_data_key = data_key;
    return read_tokens(key, plain, row->version, arena, ret_tokens, error);
}

bool profile_tokens_outline(const struct keyring *keyring, const struct profile_key *key,
                            const struct oauth_tokens_row *row, struct arena *arena,
                            struct profile_tokens *ret_tokens, struct error *error)
{
    struct seal_binding binding = profile_tokens_binding(key, row, arena);
    struct str plain;
    return envelope_outline(keyring, &binding, row->sealed, arena, &plain, error) &&
           read_tokens(key, plain, row->version, arena, ret_tokens, error);
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
    bool found = false;
    *ret_tokens = (struct profile_tokens){0};
    if (!profile_gives_tokens(connector))
        return true;
    if (!find_row(context->store, profile, arena, &row, &found, error))
        return false;
    if (found)
        ret_tokens->version = row.version;
    return !found || row.credentials_version != profile->credentials_version ||
           profile_tokens_open(context, &profile->key, &row, arena, ret_tokens, error);
}

static struct str text_of(const struct oauth_tokens *tokens, struct str replaced,
                          struct arena *arena)
{
    struct buf text = buf_in(arena, SEALED_PLAIN_MAX);
    struct value *value = tokens_to_value(arena, tokens);
    if (value->count > 0) /* of a profile without tokens nothing is remembered */
        value_put_text(arena, value, "replaced", replaced);
    value_encode(&text, value);
    return text.overflow ? STR_NULL : buf_str(&text);
}

static struct str add_replaced(struct arena *arena, struct str list, const unsigned char *digest,
                               const unsigned char *live)
{
    bool is_replaced = digest && memcmp(digest, live, TOKENS_DIGEST_SIZE) != 0;
    return is_replaced ? replaced_tokens_add(arena, list, digest) : list;
}

/* The list as it is going to be: with what was sent, and with what was stored, where the vendor
 * gave another refresh token for it. */
static struct str replaced_after(const struct profile_context *context,
                                 const struct profile_tokens_question *question,
                                 struct arena *arena)
{
    const struct profile_tokens *before = question->before;
    struct str list = before ? before->replaced : question->replaced;
    unsigned char live[TOKENS_DIGEST_SIZE], stored[TOKENS_DIGEST_SIZE];
    if (!context->service_secret || question->tokens->refresh_token.len == 0)
        return list;
    tokens_digest(context, question->tokens->refresh_token, live);
    if (before && before->tokens.refresh_token.len > 0) {
        tokens_digest(context, before->tokens.refresh_token, stored);
        list = add_replaced(arena, list, stored, live);
    }
    return add_replaced(arena, list, question->spent, live);
}

static bool seal(const struct profile_context *context,
                 const struct profile_tokens_question *question, struct str plain,
                 struct arena *arena, struct oauth_tokens_row *row, struct error *error)
{
    struct seal_binding binding = profile_tokens_binding(&question->profile->key, row, arena);
    return envelope_seal(context->keyring, question->data_key, &binding, plain, arena, &row->sealed,
                         error);
}

/* Of new credentials whatever is there goes; a profile that is new, or whose vendor gives no
 * tokens, has nothing, which costs the deletion of no row. Tokens that are kept with the previous
 * credentials stand in the same row, which stays for them, with no tokens of its own: those that
 * were there before, if the profile keeps its previous credentials in this change. */
static void replace_all(const struct profile_tokens_question *question, bool any,
                        struct profile_tokens_change *ret_change)
{
    const struct profile *profile = question->profile;
    bool is_new = profile->version == profile->created_at_ms * 1000;
    bool has_none = is_new || (question->connector && !profile_gives_tokens(question->connector));
    if (any || question->keeps_older || (!has_none && profile->previous_until_ms != 0))
        ret_change->what = TOKENS_PUT;
    else
        ret_change->what = has_none ? TOKENS_KEEP : TOKENS_DROP;
    ret_change->keep_older = question->keeps_older;
    ret_change->row.version = profile->version;
}

/* Later than the one that was seen, and another than any that a request puts there meanwhile. */
static int64_t later_version(int64_t version)
{
    int64_t now = clock_wall_ms() * 1000 + random_u32() % 1000;
    return now > version ? now : version + 1;
}

static void replace_known(const struct profile_tokens_question *question, bool any,
                          struct profile_tokens_change *ret_change)
{
    int64_t version = question->before->version;
    bool keeps_row = any || (version != 0 && question->profile->previous_until_ms != 0);
    ret_change->what = keeps_row ? TOKENS_PUT : version != 0 ? TOKENS_DROP : TOKENS_KEEP;
    ret_change->expected_version = version;
    ret_change->row.version = version != 0 ? later_version(version) : question->profile->version;
}

static struct str digest_of(const struct profile_context *context, struct str refresh_token,
                            struct arena *arena)
{
    unsigned char digest[TOKENS_DIGEST_SIZE];
    if (!refresh_token.data || !context->service_secret)
        return STR_NULL;
    tokens_digest(context, refresh_token, digest);
    return arena_copy(arena, (struct str){(const char *)digest, sizeof(digest)});
}

static struct str spent_of(const struct profile_tokens_question *question)
{
    return question->spent ? (struct str){(const char *)question->spent, TOKENS_DIGEST_SIZE}
                           : STR_NULL;
}

static void plan_follow(const struct profile_context *context,
                        const struct profile_tokens_question *question, struct arena *arena,
                        struct profile_tokens_change *ret_change)
{
    bool is_new = question->profile->version == question->profile->created_at_ms * 1000;
    if (!question->target)
        return;
    token_follow_plan(question->target, question->tokens, &ret_change->follow);
    token_follow_report(context, question->target, question->profile, question->tokens, arena,
                        &ret_change->follow);
    if (is_new && ret_change->follow.what == FOLLOW_DROP)
        ret_change->follow.what = FOLLOW_NOT; /* which costs no deletion of nothing */
}

/* As they are, and encrypted under a data key or not as they shall be. */
static bool is_there(const struct profile_tokens_question *question, struct str text,
                     struct arena *arena)
{
    const struct profile_tokens *before = question->before;
    return before && str_eq(text, text_of(&before->tokens, before->replaced, arena)) &&
           (before->has_data_key == (question->data_key != NULL) || str_eq(text, STR("{}")));
}

bool profile_tokens_plan(const struct profile_context *context,
                         const struct profile_tokens_question *question, struct arena *arena,
                         struct profile_tokens_change *ret_change, struct error *error)
{
    const struct profile_tokens *before = question->before;
    struct str text = text_of(question->tokens, replaced_after(context, question, arena), arena);
    bool any = !str_eq(text, STR("{}"));
    *ret_change = (struct profile_tokens_change){.what = TOKENS_KEEP};
    if (!text.data)
        return fail(error, ERR_INTERNAL, "The vendor's OAuth tokens are too large to keep.");
    if (is_there(question, text, arena))
        return true;
    if (before)
        replace_known(question, any, ret_change);
    else
        replace_all(question, any, ret_change);
    plan_follow(context, question, arena, ret_change);
    if (ret_change->what != TOKENS_PUT)
        return true;
    ret_change->row.credentials_version = question->profile->credentials_version;
    ret_change->row.expires_at_ms = question->tokens->expires_at_ms;
    ret_change->row.refresh_digest = digest_of(context, question->tokens->refresh_token, arena);
    ret_change->spent = spent_of(question);
    return seal(context, question, text, arena, &ret_change->row, error);
}

bool profile_tokens_find_owner(struct db *db, const struct profile *profile, struct arena *arena,
                               enum profile_tokens_owner *ret_owner, struct error *error)
{
    struct profile_secret_row row;
    int64_t version = profile->credentials_version;
    if (!profile_read_secret(db, profile->key, arena, &row, error))
        return false;
    bool exists = row.arn.data && str_eq(row.arn, profile->credentials_arn);
    *ret_owner = TOKENS_OWNER_GONE;
    if (exists && row.credentials_version == version)
        *ret_owner = TOKENS_OWNER_HERE;
    else if (exists && row.previous_version == version)
        *ret_owner = TOKENS_OWNER_PREVIOUS;
    return true;
}

static bool apply_row(struct db *db, const struct profile_key *key,
                      const struct profile_tokens_change *change, struct error *error)
{
    switch (change->what) {
    case TOKENS_KEEP:
        return true;
    case TOKENS_PUT:
        return oauth_tokens_put(db, *key, &change->row, change->expected_version, change->spent,
                                change->keep_older, error);
    case TOKENS_DROP:
        return oauth_tokens_delete(db, *key, error);
    }
    return true;
}

bool profile_tokens_apply(struct db *db, const struct profile_key *key,
                          const struct profile_tokens_change *change, struct error *error)
{
    return apply_row(db, key, change, error) &&
           token_follow_apply(db, *key, &change->follow, error);
}
