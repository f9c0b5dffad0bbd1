/* The life of a connection: open, renew, close.
 *
 *              open                      call refused (401)
 *     NEW ─────────────▶ READY ────────────────────────────▶ STALE
 *      │  no usable token  ▲            a grant is left         │
 *      └───────────────▶ STALE ◀────────────────────────────────┘
 *                          │ renew: tokens of the next grant ─▶ READY
 *                          └ no grant is left, or it failed ──▶ FAILED
 *
 * OAuth is the only method that can be renewed: a grant at a time, in the order refresh token,
 * code, assertion, client credentials, password. A login session is opened once and never repeated,
 * since vendors lock out a user after a few wrong passwords. Keys, Basic and signatures need no
 * opening. */
#include "connector/http/internal.h"

#include "auth/api_key.h"
#include "base/clock.h"
#include "connector/http/vendor_message.h"
#include "wire/json_pointer.h"

#include <assert.h>

/* --- OAuth --- */

static void take_tokens_in_hand(struct vendor_connection *connection)
{
    const struct oauth_tokens *stored = connection->config->stored;
    struct oauth_tokens *tokens = &connection->tokens;
    connection->material = connection->target->http->material;
    redact_add(&connection->redaction, connection->material.assertion); /* perhaps a property */
    if (stored)
        *tokens = *stored;
    if (!tokens->access_token.data)
        tokens->access_token = connection->material.access_token;
    if (!tokens->refresh_token.data)
        tokens->refresh_token = connection->material.refresh_token;
    redact_add(&connection->redaction, tokens->access_token);
    redact_add(&connection->redaction, tokens->refresh_token);
    if (oauth2_grants(connection->auth->oauth2, &connection->material,
                      connection->config->withheld))
        connection->note = connection->config->withheld_note;
}

/* An access token is tried although it expired, or does not prove the credentials, when there is no
 * grant for another one: the vendor decides. */
static bool has_usable_token(const struct vendor_connection *connection)
{
    const struct oauth_tokens *tokens = &connection->tokens;
    bool expired = tokens->expires_at_ms != 0 && tokens->expires_at_ms <= clock_wall_ms();
    bool is_of_use = !expired && !connection->config->renews;
    return tokens->access_token.len > 0 && (is_of_use || !vendor_next_grant(connection));
}

static bool open_oauth2(struct vendor_connection *connection)
{
    take_tokens_in_hand(connection);
    bool usable = has_usable_token(connection);
    vendor_move(connection, usable ? VENDOR_READY : VENDOR_STALE);
    return usable || vendor_renew(connection);
}

static bool take_next_grant(struct vendor_connection *connection)
{
    enum connector_grant grant = vendor_next_grant(connection);
    if (grant == 0)
        return vendor_fail(
            connection, VERDICT_REJECTED, STEP_NONE, STR_NULL,
            "The credentials contain neither a token nor anything to exchange for one.");
    return vendor_take_grant(connection, grant);
}

bool vendor_renew(struct vendor_connection *connection)
{
    assert(connection->state == VENDOR_READY || connection->state == VENDOR_STALE);
    if (connection->state == VENDOR_READY)
        vendor_move(connection, VENDOR_STALE);
    bool renewed = take_next_grant(connection);
    while (!renewed && connection->verdict.kind == VERDICT_REJECTED &&
           vendor_next_grant(connection))
        renewed = take_next_grant(connection);
    vendor_move(connection, renewed ? VENDOR_READY : VENDOR_FAILED);
    return renewed;
}

/* --- sessions --- */

static bool keep_session(struct vendor_connection *connection,
                         const struct vendor_response *response)
{
    struct arena *arena = connection->arena;
    struct str token = pointer_text(arena, response->json, connection->auth->session->token);
    if (token.len == 0 || token.len > SESSION_TOKEN_MAX || !auth_key_is_sendable(token))
        return vendor_fail_status(connection, VERDICT_UNREACHABLE, STEP_TOKEN,
                                  response->http.status, STR_NULL,
                                  "The response contains no usable session.");
    struct value *session = value_structure(arena);
    token = arena_copy(arena, token);
    value_put_text(arena, session, "token", token);
    redact_add(&connection->redaction, token);
    connection->scope.session = session;
    return true;
}

static bool is_as_asked(struct vendor_connection *connection,
                        const struct vendor_response *response)
{
    const struct connector_session *session = connection->auth->session;
    const char *hint = session->wrong
                           ? session->wrong(&connection->scope, response->json, connection->arena)
                           : NULL;
    return !hint || vendor_fail_status(connection, VERDICT_REJECTED, STEP_TOKEN,
                                       response->http.status, STR_NULL, hint);
}

static bool open_session(struct vendor_connection *connection)
{
    struct vendor_response response;
    bool good = vendor_request(connection, STEP_TOKEN, &connection->auth->session->login, false,
                               &response) &&
                keep_session(connection, &response) && is_as_asked(connection, &response);
    vendor_move(connection, good ? VENDOR_READY : VENDOR_FAILED);
    return good;
}

/* A vendor ends a forgotten session by itself some time later, so a failure to end it is ignored;
 * but frequent verifications must not pile sessions up. */
static void end_session(struct vendor_connection *connection)
{
    struct verdict verdict = connection->verdict;
    struct vendor_response ignored;
    connection->deadline_ms = clock_mono_ms() + SESSION_END_MS;
    connection->is_ending = true;
    vendor_request(connection, STEP_API, &connection->auth->session->end, false, &ignored);
    connection->verdict = verdict;
}

/* --- the life --- */

static bool fail_open(struct vendor_connection *connection, enum verdict_kind kind,
                      struct str message, const char *hint)
{
    vendor_fail(connection, kind, STEP_NONE, message, hint);
    vendor_move(connection, VENDOR_FAILED);
    return false;
}

bool vendor_open(struct vendor_connection *connection)
{
    const struct target *target = connection->target;
    assert(connection->state == VENDOR_NEW);
    if (target->fault)
        return fail_open(connection, VERDICT_MISCONFIGURED, str_from(target->fault->message), NULL);
    connection->auth = target->http->auth;
    connection->scope = target->http->scope;
    if (!connection->auth)
        return fail_open(connection, VERDICT_REJECTED, STR_NULL,
                         "The credentials contain nothing to authenticate with.");
    if (connection->auth->oauth2)
        return open_oauth2(connection);
    if (connection->auth->session)
        return open_session(connection);
    vendor_move(connection, VENDOR_READY);
    return true;
}

void vendor_close(struct vendor_connection *connection)
{
    if (connection->state == VENDOR_CLOSED)
        return;
    if (connection->scope.session)
        end_session(connection);
    connection->scope.session = NULL;
    if (connection->end_reading)
        connection->end_reading(connection);
    arena_done(&connection->answer);
    vendor_move(connection, VENDOR_CLOSED);
}

void **vendor_writing(struct vendor_connection *connection)
{
    return &connection->writing;
}

struct str vendor_clean(const struct vendor_connection *connection, struct arena *arena,
                        struct str words)
{
    return vendor_message_clean_in(arena, &connection->redaction, words);
}

struct arena *vendor_set_arena(struct vendor_connection *connection, struct arena *arena)
{
    struct arena *before = connection->arena;
    connection->arena = arena;
    return before;
}

void vendor_keep_verdict(struct vendor_connection *connection)
{
    struct verdict *verdict = &connection->verdict;
    struct arena *arena = connection->config->arena;
    if (verdict->message.data)
        verdict->message = arena_copy(arena, verdict->message);
    if (verdict->hint.data)
        verdict->hint = arena_copy(arena, verdict->hint);
}

bool vendor_is_renewed(const struct vendor_connection *connection)
{
    return connection->granted;
}

struct oauth_tokens vendor_tokens(const struct vendor_connection *connection)
{
    const struct oauth_tokens *stored = connection->config->stored;
    if (connection->granted)
        return connection->tokens;
    return stored ? *stored : (struct oauth_tokens){0};
}
