/* A session's text has one line a member, and a line for each policy behind them. */
#include "api/session_token.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "vault/seal.h"
#include "wire/errors.h"

#include <string.h>

static const struct str TOKEN_PREFIX = STR("HGST.");
static const struct str FORM = STR("1"); /* the first line */

enum { TEXT_MAX = SESSION_POLICIES_MAX + 1024 }; /* bytes */

static struct seal_binding binding_of(struct str id)
{
    return (struct seal_binding){.purpose = STR("session"), .name = id};
}

void session_mark(const struct secret *secret, char out[SESSION_MARK_SIZE])
{
    static const struct str part = STR("session parent");
    unsigned char hash[KEYED_HASH_SIZE];
    keyed_hash(secret, &part, 1, hash);
    encode_hex(hash, sizeof(hash), out);
}

/* --- opening --- */

bool session_token_is_ours(struct str token)
{
    return str_starts(token, TOKEN_PREFIX);
}

/* The last line has no end. */
static struct str take_line(struct str *text)
{
    struct str line = *text, rest = STR("");
    (void)str_cut(*text, '\n', &line, &rest);
    *text = rest;
    return line;
}

bool session_next_policy(struct str *policies, struct str *ret_policy)
{
    if (policies->len == 0)
        return false;
    *ret_policy = take_line(policies);
    return true;
}

static bool read_text(struct str text, struct session_token *ret_session)
{
    unsigned long long end_s;
    if (!str_eq(take_line(&text), FORM))
        return false;
    ret_session->parent_id = take_line(&text);
    ret_session->secret = take_line(&text);
    ret_session->mark = take_line(&text);
    if (!str_to_u64(take_line(&text), INT64_MAX / 1000, &end_s))
        return false;
    ret_session->end_ms = 1000 * (int64_t)end_s;
    ret_session->role = take_line(&text);
    ret_session->name = take_line(&text);
    ret_session->policies = text;
    return true;
}

static bool unseal(const struct keyring *keyring, struct str id, struct str token,
                   struct arena *arena, struct session_token *ret_session)
{
    struct seal_binding binding = binding_of(id);
    struct error ignored = {0};
    struct str sealed, text;
    if (token.len > SESSION_TOKEN_MAX || !session_token_is_ours(token))
        return false;
    struct str encoded = {token.data + TOKEN_PREFIX.len, token.len - TOKEN_PREFIX.len};
    return decode_base64(arena, encoded, &sealed) &&
           seal_open(keyring, &binding, sealed, arena, &text, &ignored) &&
           read_text(text, ret_session);
}

bool session_open(const struct keyring *keyring, struct str id, struct str token,
                  struct arena *arena, struct session_token *ret_session, struct error *error)
{
    char when[CLOCK_TEXT_SIZE];
    if (!unseal(keyring, id, token, arena, ret_session))
        return fail(error, ERR_UNRECOGNIZED_CLIENT,
                    "The security token included in the request is invalid.");
    if (clock_wall_ms() < ret_session->end_ms)
        return true;
    clock_text(ret_session->end_ms, when);
    return fail(error, ERR_EXPIRED_TOKEN,
                "The security token included in the request is expired: the session was valid "
                "until %s.",
                when);
}

/* --- making --- */

bool session_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alnum(name.data[i]) && !memchr("_+=,.@-", name.data[i], 7))
            return false;
    }
    return name.len > 0 && name.len <= SESSION_NAME_MAX;
}

/* A raw line end in JSON is a blank between two tokens, never a part of a string. */
static bool add_policy(struct buf *text, struct str policy, struct arena *arena,
                       struct error *error)
{
    const struct policy *read;
    if (policy.len > SESSION_POLICY_MAX)
        return fail(error, ERR_VALIDATION, "A session's policy has at most %d bytes; this has %zu.",
                    SESSION_POLICY_MAX, policy.len);
    if (!policy_read(policy, arena, &read, error))
        return false;
    for (size_t i = 0; i < policy.len; i++) {
        char c = policy.data[i];
        buf_add_char(text, c == '\n' || c == '\r' ? ' ' : c);
    }
    return true;
}

static bool add_policies(struct buf *text, struct str inherited, struct str policy,
                         struct arena *arena, struct error *error)
{
    if (inherited.len + policy.len >= SESSION_POLICIES_MAX)
        return fail(error, ERR_VALIDATION,
                    "The policies of this session and of those that it descends from have more "
                    "than %d bytes.",
                    SESSION_POLICIES_MAX);
    buf_add(text, inherited);
    if (policy.len == 0)
        return true;
    if (inherited.len > 0)
        buf_add_char(text, '\n');
    return add_policy(text, policy, arena, error);
}

static int64_t end_of(const struct session_parent *parent, int64_t duration_s)
{
    int64_t end_s = clock_wall_ms() / 1000 + duration_s, parent_s = parent->end_ms / 1000;
    return 1000 * (parent_s != 0 && parent_s < end_s ? parent_s : end_s);
}

static void make_pair(struct session_credentials *credentials)
{
    memcpy(credentials->access_key_id, "ASIA", 4);
    random_text(RANDOM_ID_LETTERS, credentials->access_key_id + 4, SESSION_ID_SIZE - 5);
    random_text(RANDOM_SECRET_LETTERS, credentials->secret, SESSION_SECRET_SIZE - 1);
}

bool session_make(const struct keyring *keyring, const struct session_parent *parent,
                  const struct session_wish *wish, struct arena *arena,
                  struct session_credentials *ret_credentials, struct error *error)
{
    struct buf text = buf_in(arena, TEXT_MAX);
    struct str sealed;
    make_pair(ret_credentials);
    ret_credentials->end_ms = end_of(parent, wish->duration_s);
    buf_printf(&text, "%s\n%.*s\n%s\n", FORM.data, STR_ARG(parent->access_key_id),
               ret_credentials->secret);
    buf_printf(&text, "%.*s\n%lld\n", STR_ARG(parent->mark),
               (long long)(ret_credentials->end_ms / 1000));
    buf_printf(&text, "%.*s\n%.*s\n", STR_ARG(wish->role), STR_ARG(wish->name));
    if (!add_policies(&text, parent->policies, wish->policy, arena, error))
        return false;
    if (text.overflow)
        return fail(error, ERR_INTERNAL, "A session's text has more than %d bytes.", TEXT_MAX);
    struct seal_binding binding = binding_of(str_from(ret_credentials->access_key_id));
    if (!seal_close(keyring, &binding, buf_str(&text), arena, &sealed, error))
        return false;
    ret_credentials->token =
        arena_printf(arena, "%s%.*s", TOKEN_PREFIX.data, STR_ARG(encode_base64(arena, sealed)));
    return true;
}
