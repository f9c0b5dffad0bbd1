/* Putting a code into credentials, and judging what came for it. */
#include "profile/consent_use.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/url.h"
#include "connector/http/target.h"
#include "profile/envelope.h"
#include "profile/receivers.h"
#include "profile/seal.h"
#include "wire/errors.h"
#include "wire/restjson.h"

#include <string.h>

enum { CREDENTIALS_MAX = 256 * 1024 };

static bool is_replaced(struct str member)
{
    static const struct str names[] = {STR("accessToken"), STR("refreshToken"), STR("jwtToken"),
                                       STR("oAuthRequest"), STR("oAuth2GrantType")};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eq(member, names[i]))
            return true;
    }
    return false;
}

static void copy_rest(struct arena *arena, const struct value *from, struct value *to,
                      struct str but)
{
    for (size_t i = 0; from && i < from->count; i++) {
        if (!is_replaced(from->names[i]) && !str_eq(from->names[i], but))
            value_put(arena, to, arena_cstr(arena, from->names[i]), from->items[i]);
    }
}

/* "credentials.oauth2" is the member "oauth2" of the credentials, "credentials" they themselves. */
static struct str inner_member(const struct connector_oauth2 *oauth2)
{
    struct str whole = STR_NULL, member = STR_NULL;
    return str_cut(str_from(oauth2->members), '.', &whole, &member) ? member : STR_NULL;
}

static struct value *with_code(const struct profile_change *change,
                               const struct connector_oauth2 *oauth2, const struct value *given)
{
    const struct consent_use *use = change->consent;
    struct arena *arena = change->arena;
    struct value *credentials = value_structure(arena), *request = value_structure(arena);
    struct value *holder = credentials;
    struct str inner = inner_member(oauth2);
    copy_rest(arena, given, credentials, inner);
    if (inner.data) {
        holder = value_structure(arena);
        value_put(arena, credentials, arena_cstr(arena, inner), holder);
        copy_rest(arena, value_get(given, arena_cstr(arena, inner)), holder, STR_NULL);
    }
    value_put_text(arena, request, "authCode", use->code);
    value_put_text(arena, request, "redirectUri", use->wish.redirect_uri);
    value_put(arena, holder, "oAuthRequest", request);
    if (oauth2->grant_type && strncmp(oauth2->grant_type, "credentials.", 12) == 0)
        value_put_text(arena, holder, "oAuth2GrantType", STR("AUTHORIZATION_CODE"));
    return credentials;
}

/* Decoded again by the model: the order of members decides whether credentials are the same. */
static bool in_order(struct profile_change *change, const struct value *credentials,
                     const struct value **ret_credentials)
{
    const struct shape *all = shape_by_name(STR("ConnectorProfileCredentials"));
    const struct shape_member *member = shape_find_member(all, change->connector->key);
    struct buf text = buf_in(change->arena, CREDENTIALS_MAX);
    struct value *decoded;
    value_encode(&text, credentials);
    if (text.overflow)
        return fail(change->error, ERR_VALIDATION, "The credentials are too long.");
    if (!restjson_decode_stored(&api_shapes[member->shape], buf_str(&text), change->arena, &decoded,
                                change->error))
        return false;
    *ret_credentials = decoded;
    return true;
}

struct str consent_callback_path(const struct connector *connector, struct arena *arena)
{
    struct buf path = buf_in(arena, URL_MAX);
    buf_printf(&path, "/connect/callback/%.*s", STR_ARG(connector->type));
    if (connector->label.len > 0) {
        buf_add_char(&path, '/');
        encode_percent(&path, connector->label, "");
    }
    return buf_str(&path);
}

static bool put_code(struct profile_change *change, const struct value *given,
                     const struct value **ret_credentials)
{
    const struct connector_auth *auth = consent_auth(change->connector);
    if (!auth)
        return fail(change->error, ERR_VALIDATION,
                    "%.*s has no page on which a person authorizes. Give the credentials in the "
                    "request.",
                    STR_ARG(connector_name(change->connector, change->arena)));
    struct consent_use *use = change->consent;
    if (use->is_start)
        use->wish.redirect_uri =
            arena_printf(change->arena, "%.*s%.*s", STR_ARG(use->public_url),
                         STR_ARG(consent_callback_path(change->connector, change->arena)));
    return in_order(change, with_code(change, auth->oauth2, given), ret_credentials);
}

bool consent_use_given(struct profile_change *change)
{
    return put_code(change, change->config.credentials, &change->config.credentials);
}

bool consent_use_stored(struct profile_change *change, const struct profile *current)
{
    struct profile_sealed stored;
    const struct value *credentials;
    if (!profile_same_receivers(change, current))
        return fail(change->error, ERR_VALIDATION,
                    "The new connectorProfileProperties send the credentials to another address "
                    "than before. Give connectorProfileCredentials with this change.");
    if (!profile_unseal(change->context, current, change->arena, &stored, change->error) ||
        !put_code(change, stored.credentials, &credentials))
        return false;
    change->data_key = stored.data_key;
    return profile_change_use_credentials(change, credentials) &&
           change->connector->ops->check(&change->target, change->error);
}

bool consent_use_is_current(struct profile_change *change, const struct profile *current)
{
    const struct consent_use *use = change->consent;
    return use->is_start || use->version == current->version ||
           fail(change->error, ERR_CONFLICT,
                "Connector Profile with name %.*s was changed after the link was made.",
                STR_ARG(current->key.name));
}

bool consent_use_load_former(struct profile_change *change, const struct profile *current)
{
    struct error why = {0};
    if (change->consent->is_start)
        return true;
    bool loaded = profile_tokens_load(change->context, change->connector, current, change->arena,
                                      &change->stored, &why);
    change->has_tokens_row = change->stored.version != 0;
    return loaded || !envelope_key_is_away(&why) ||
           fail(change->error, why.code, "%s", why.message);
}

bool consent_use_start(struct profile_change *change)
{
    struct consent_use *use = change->consent;
    if (change->is_private)
        return fail(change->error, ERR_VALIDATION,
                    "A person cannot authorize for connectionMode Private: the vendor is asked "
                    "later, over the private route. Give the code in the request.");
    if (!consent_place(&change->target, &use->wish, &use->place, change->error))
        return false;
    const struct http_target *http = change->target.http;
    return oauth2_suffices(http->auth->oauth2, &http->material, GRANT_CODE) ||
           fail(change->error, ERR_VALIDATION,
                "The profile's oAuth2GrantType is not AUTHORIZATION_CODE, so no code can be "
                "exchanged for it.");
}

/* --- afterwards --- */

static bool refuse(struct profile_change *change, const char *fault, struct str words)
{
    change->consent->fault = fault;
    change->consent->words = words;
    return fail(change->error, ERR_CONNECTOR_AUTHENTICATION, "%.*s", STR_ARG(words));
}

/* RFC 6749, 5.1: without a scope in the answer it is the one that was asked for. */
static bool check_scope(struct profile_change *change)
{
    const struct oauth_tokens *tokens = &change->tokens;
    if (tokens->scope.len == 0)
        return true;
    struct str missing = consent_missing_scopes(change->arena, change->consent->scope,
                                                tokens->scope, tokens->refresh_token.len > 0);
    return missing.len == 0 ||
           refuse(change, CONSENT_FEWER_SCOPES,
                  arena_printf(change->arena, "Not granted: %.*s", STR_ARG(missing)));
}

/* What cannot be read any more says nothing, and a new authorization is how that is mended. */
static bool check_account(struct profile_change *change)
{
    struct str before = change->stored.tokens.account, now = change->tokens.account;
    if (change->consent->any_account || before.len == 0 ||
        consent_same_account(change->target.http->auth->oauth2, before, now))
        return true;
    return refuse(change, CONSENT_WRONG_ACCOUNT,
                  now.len > 0 ? arena_printf(change->arena,
                                             "The profile's account: %.*s. This one: "
                                             "%.*s.",
                                             STR_ARG(before), STR_ARG(now))
                              : STR("The vendor did not say which account this is."));
}

/* A vendor may give one for the first authorization of a person alone: Google does. Where the
 * access token has no end that is known, it may need none. */
static bool check_refresh_token(struct profile_change *change)
{
    const struct oauth_tokens *before = &change->stored.tokens, *now = &change->tokens;
    if (before->refresh_token.len == 0 || now->refresh_token.len > 0 || now->expires_at_ms == 0)
        return true;
    int64_t minutes = (now->expires_at_ms - clock_wall_ms()) / 60000;
    return refuse(change, CONSENT_NO_REFRESH_TOKEN,
                  arena_printf(change->arena,
                               "Only an access token came, which ends in %lld minutes.",
                               (long long)(minutes > 0 ? minutes : 0)));
}

bool consent_use_check(struct profile_change *change)
{
    return check_scope(change) && check_account(change) && check_refresh_token(change);
}
