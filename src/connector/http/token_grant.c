/* OAuth 2 token grants: a refresh token, an authorization code, a ready-made assertion, one that
 * the server signs, the client itself, or a user's password is sent to the token endpoint for
 * tokens.
 *
 * The first three are one-time credentials, so a grant goes through the grant journal: the attempt
 * is begun there (for a code durably, before it is sent), then the request is sent, then the tokens
 * are saved durably, and only then are they used. A process that dies in between leaves a note from
 * which the next attempt resumes, or which says that the code must count as spent. A refresh token
 * that the vendor may replace is treated like a code until it is sent; when its answer is lost, the
 * vendor's policy says what to do (token_renewal.c). Each attempt ends in exactly one of: void (the
 * credential is unused), saved, lost (its outcome is unknown).
 *
 * What a grant cannot bring does not hide an earlier verdict: when the vendor refused an access
 * token and the grant that should have renewed it fails on this side, the refusal stays the verdict
 * and the grant's fault becomes a note to it. */
#include "connector/http/consent.h"
#include "connector/http/internal.h"

#include "auth/oauth2.h"
#include "base/clock.h"
#include "wire/errors.h"

#include <assert.h>

/* The attempt at one grant. Tokens are used only after it ended, which for a one-time credential
 * means that the journal has them. */
enum grant_attempt {
    ATTEMPT_PLANNED,
    ATTEMPT_SENT,     /* the vendor may have the credential */
    ATTEMPT_RECEIVED, /* tokens came, and are not durable yet */
    ATTEMPT_ENDED,    /* void, saved or lost */
};

struct grant_plan {
    enum grant_attempt attempt; /* set by attempt_move alone */
    enum connector_grant grant;
    struct oauth2_request request;
    struct str secret; /* what is used up */
    struct str token_url;
    struct oauth_app app;
    bool with_app;
    bool durable; /* see token_grant_intent */
};

static void attempt_move(struct grant_plan *plan, enum grant_attempt next)
{
    assert(next == plan->attempt + 1U || (next == ATTEMPT_ENDED && plan->attempt == ATTEMPT_SENT));
    plan->attempt = next;
}

enum connector_grant vendor_next_grant(const struct vendor_connection *connection)
{
    if (!connection->auth || !connection->auth->oauth2)
        return 0;
    static const enum connector_grant order[] = {
        GRANT_REFRESH, GRANT_CODE, GRANT_JWT_BEARER, GRANT_ASSERTION_KEY, GRANT_CLIENT_CREDENTIALS,
        GRANT_PASSWORD};
    struct oauth2_material material = connection->material;
    material.refresh_token = connection->tokens.refresh_token;
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        if (!(connection->tried & order[i]) &&
            oauth2_suffices(connection->auth->oauth2, &material, order[i]))
            return order[i];
    }
    return 0;
}

/* A client or a user may authenticate any number of times, and a key signs as many assertions:
 * nothing is used up. */
static bool is_one_time(enum connector_grant grant)
{
    return grant == GRANT_REFRESH || grant == GRANT_CODE || grant == GRANT_JWT_BEARER;
}

static bool works_once(const struct vendor_connection *connection, enum connector_grant grant)
{
    return grant == GRANT_CODE ||
           (grant == GRANT_REFRESH && vendor_policy(connection)->rotation != ROTATION_NEVER);
}

static enum verdict_kind kind_of_app_error(int code)
{
    switch (code) {
    case ERR_INTERNAL:
    case ERR_UNAVAILABLE:
        return VERDICT_INTERNAL;
    case ERR_THROTTLING:
        return VERDICT_THROTTLED;
    case ERR_CONNECTOR_SERVER:
        return VERDICT_UNREACHABLE;
    default:
        return VERDICT_MISCONFIGURED;
    }
}

static bool conclude_away(struct vendor_connection *connection, enum verdict_step step,
                          const struct error *error)
{
    vendor_fail(connection, VERDICT_INTERNAL, step, str_from(error->message), NULL);
    connection->verdict.transient = error->code == ERR_UNAVAILABLE || error->code == ERR_THROTTLING;
    return false;
}

/* When an access token was rejected before, that stays the verdict: the missing app is only why it
 * could not be renewed. When the app is not missing but the store away, nothing is decided yet. */
static bool app_is_missing(struct vendor_connection *connection, const struct error *error)
{
    if (error->code == ERR_UNAVAILABLE)
        return conclude_away(connection, STEP_APP, error);
    if (connection->verdict.kind != VERDICT_REJECTED)
        return vendor_fail(connection, kind_of_app_error(error->code), STEP_APP,
                           str_from(error->message),
                           "The operator of this server sets up OAuth apps; an own app is named "
                           "by clientCredentialsArn.");
    connection->note = arena_printf(connection->arena, "It cannot be renewed: %s", error->message);
    return false;
}

bool vendor_find_app(struct vendor_connection *connection, struct oauth_app *ret_app)
{
    const struct target *target = connection->target;
    struct error error = {0};
    *ret_app =
        (struct oauth_app){connection->material.client_id, connection->material.client_secret};
    if (connection->auth->oauth2->client == CLIENT_IN_CREDENTIALS)
        return true;
    if (!endpoint_is_fixed(target->http->token))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_APP,
                           STR("The token URL comes from the profile's properties, and the app's "
                               "client secret is sent only to the vendor's own hosts."),
                           "Provide an access token.");
    int64_t begun_us = clock_mono_us();
    bool found = target->env->apps
                     ? oauth_app_for(target->env->apps, target->connector->type,
                                     connection->material.client_arn, connection->deadline_ms,
                                     connection->arena, ret_app, &error)
                     : fail(&error, ERR_NOT_FOUND, "No OAuth app is set up for this connector.");
    vendor_note_time(connection, STEP_APP, clock_mono_us() - begun_us);
    if (!found)
        return app_is_missing(connection, &error);
    redact_add(&connection->redaction, ret_app->client_secret);
    return true;
}

/* An assertion names its app itself. */
static bool find_app(struct vendor_connection *connection, struct grant_plan *plan)
{
    bool is_named = plan->grant == GRANT_JWT_BEARER || plan->grant == GRANT_ASSERTION_KEY;
    if (is_named)
        return true;
    bool found = vendor_find_app(connection, &plan->app);
    bool is_app = connection->auth->oauth2->client == CLIENT_APP;
    plan->with_app = found && (is_app || plan->app.client_id.len > 0);
    return found;
}

static bool make_plan(struct vendor_connection *connection, enum connector_grant grant,
                      struct grant_plan *plan)
{
    const struct target *target = connection->target;
    struct error error = {0};
    *plan = (struct grant_plan){.grant = grant, .durable = works_once(connection, grant)};
    if (!vendor_grant_request(connection, grant, &plan->request, &plan->secret))
        return false;
    plan->token_url = target->http->token_url;
    if (!endpoint_use(target->http->token, &error))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_TOKEN, str_from(error.message),
                           NULL);
    return find_app(connection, plan);
}

static void adopt(struct vendor_connection *connection, const struct oauth_tokens *tokens)
{
    connection->tokens = *tokens;
    connection->granted = true;
    redact_add(&connection->redaction, tokens->access_token);
    redact_add(&connection->redaction, tokens->refresh_token);
}

/* An instance_url that leads somewhere else than the vendor's is dropped, and said so in the hint
 * if what follows fails. */
static void drop_stray_instance(struct vendor_connection *connection, struct oauth_tokens *tokens)
{
    const struct target *target = connection->target;
    struct url url;
    if (connection->auth->oauth2->api_elsewhere)
        tokens->instance_url = STR_NULL;
    if (!tokens->instance_url.data || target_trusts(target, tokens->instance_url, &url))
        return;
    tokens->instance_url = STR_NULL;
    connection->note =
        STR("The token endpoint named an instance_url outside of the vendor's domains; "
            "nothing was sent there.");
}

/* A code must not be used more than once (RFC 6749, 4.1.2), and whether it was is not known when it
 * was on its way and no answer came, or one of success that cannot be read. A gateway's 502 or 504
 * may hide that the vendor has replaced a refresh token. */
static enum token_grant_end end_without_tokens(const struct vendor_connection *connection,
                                               const struct vendor_response *response)
{
    const struct client_response *http = &response->http;
    if (http->outcome != CLIENT_OK)
        return http->sent ? TOKEN_GRANT_LOST : TOKEN_GRANT_VOID;
    bool success = http->status >= 200 && http->status < 300;
    if (http->status >= 500 && connection->grant == GRANT_REFRESH)
        return TOKEN_GRANT_LOST;
    bool is_clear = response->json && connection->verdict.kind != VERDICT_UNREACHABLE;
    return success && !is_clear ? TOKEN_GRANT_LOST : TOKEN_GRANT_VOID;
}

/* What an answer leaves out stays as it was. */
static void complete(struct vendor_connection *connection, const struct grant_plan *plan,
                     struct oauth_tokens *tokens)
{
    if (plan->grant == GRANT_REFRESH && !tokens->refresh_token.data)
        tokens->refresh_token = plan->secret; /* not rotated: the old one stays good */
    bool is_same = str_eq(tokens->refresh_token, connection->tokens.refresh_token);
    if (is_same && tokens->refresh_expires_at_ms == 0)
        tokens->refresh_expires_at_ms = connection->tokens.refresh_expires_at_ms;
    if (plan->grant == GRANT_REFRESH && !tokens->instance_url.data)
        tokens->instance_url = connection->tokens.instance_url;
    if (plan->grant == GRANT_REFRESH && !tokens->account.data)
        tokens->account = connection->tokens.account;
    drop_stray_instance(connection, tokens);
}

static bool ask_for_tokens(struct vendor_connection *connection, struct grant_plan *plan,
                           struct oauth_tokens *ret_tokens, enum token_grant_end *ret_end)
{
    struct arena *arena = connection->arena;
    const struct connector_oauth2 *oauth2 = connection->auth->oauth2;
    unsigned style = (oauth2->json ? OAUTH2_JSON : OAUTH2_FORM) | (oauth2->get ? OAUTH2_GET : 0) |
                     (oauth2->basic ? OAUTH2_BASIC : 0) | (oauth2->basic_is_user ? OAUTH2_USER : 0);
    struct client_request request;
    struct vendor_response response = {0};
    struct error error = {0};
    oauth2_build(arena, &plan->request, plan->token_url, plan->with_app ? &plan->app : NULL, style,
                 &request);
    request.fresh = plan->durable;
    connection->grant = plan->grant == GRANT_ASSERTION_KEY ? GRANT_JWT_BEARER : plan->grant;
    bool repeatable = plan->grant == GRANT_CLIENT_CREDENTIALS;
    int64_t sent_at_ms = clock_wall_ms(); /* a life is counted from here, which is never too long */
    attempt_move(plan, ATTEMPT_SENT);
    connection->of_attempt = plan->durable && plan->grant == GRANT_REFRESH;
    bool sent = vendor_send(connection, STEP_TOKEN, NULL, &request, repeatable, &response);
    connection->of_attempt = false;
    /* Lost until they are saved. */
    *ret_end = sent ? TOKEN_GRANT_LOST : end_without_tokens(connection, &response);
    if (!sent)
        return false;
    const struct value *holder = oauth2_holder(response.json, oauth2->tokens_at);
    if (!oauth2_read_tokens(holder, sent_at_ms, ret_tokens, &error))
        return vendor_fail_status(connection, VERDICT_UNREACHABLE, STEP_TOKEN, response.http.status,
                                  str_from(error.message), NULL);
    ret_tokens->account = consent_account(arena, response.json, consent_account_in_tokens(oauth2));
    tokens_copy(arena, ret_tokens);  /* the response lives until the next call */
    arena_done(&connection->answer); /* not held while the tokens are saved */
    complete(connection, plan, ret_tokens);
    attempt_move(plan, ATTEMPT_RECEIVED);
    return true;
}

static bool grant_and_save(struct vendor_connection *connection, struct grant_plan *plan)
{
    const struct token_grant_journal *journal = connection->config->journal;
    struct error error = {0};
    struct oauth_tokens tokens;
    enum token_grant_end end;
    bool got = ask_for_tokens(connection, plan, &tokens, &end);
    bool saved = got && journal->save(journal->context, &tokens, &error);
    end = saved ? TOKEN_GRANT_SAVED : end;
    assert(end != TOKEN_GRANT_SAVED || plan->attempt == ATTEMPT_RECEIVED);
    journal->end(journal->context, end);
    attempt_move(plan, ATTEMPT_ENDED);
    if (end == TOKEN_GRANT_LOST && plan->grant == GRANT_CODE)
        connection->note = STR("Get a new code for it: this one may have been used.");
    if (got && !saved)
        conclude_away(connection, STEP_TOKEN, &error);
    connection->verdict.in_doubt =
        !saved && end == TOKEN_GRANT_LOST && plan->grant == GRANT_REFRESH && plan->durable;
    if (!saved)
        return false;
    adopt(connection, &tokens);
    return true;
}

/* What an earlier try got may have expired since. A refresh token may then be used once again,
 * unless the vendor replaced it: then its successor is used instead, as the vendor may revoke
 * everything when it is shown a replaced one (RFC 9700, 4.14.2). */
static bool resume(struct vendor_connection *connection, struct grant_plan *plan,
                   struct oauth_tokens *tokens)
{
    if (plan->grant != GRANT_REFRESH) {
        adopt(connection, tokens);
        return true;
    }
    complete(connection, plan, tokens); /* those that the escrow had are as the vendor sent them */
    bool is_replaced = tokens->refresh_token.data && !str_eq(tokens->refresh_token, plan->secret);
    if (connection->resumed > 0 && !is_replaced)
        return grant_and_save(connection, plan);
    if (connection->resumed == GRANT_RESUMES_MAX)
        return vendor_fail(connection, VERDICT_REJECTED, STEP_TOKEN, STR_NULL,
                           "The vendor has replaced this refresh token several times since it was "
                           "given. Get a new one.");
    connection->resumed++;
    connection->tried &= ~(unsigned)GRANT_REFRESH;
    adopt(connection, tokens);
    return true;
}

static bool grant_freely(struct vendor_connection *connection, struct grant_plan *plan)
{
    struct oauth_tokens tokens;
    enum token_grant_end end;
    bool got = ask_for_tokens(connection, plan, &tokens, &end);
    attempt_move(plan, ATTEMPT_ENDED);
    if (!got)
        return false;
    adopt(connection, &tokens);
    return true;
}

/* As above: what was rejected before stays the verdict, with the vendor's own message. */
static bool code_cannot_help(struct vendor_connection *connection, const char *hint,
                             struct str note)
{
    if (connection->verdict.kind != VERDICT_REJECTED)
        return vendor_fail(connection, VERDICT_REJECTED, STEP_TOKEN, STR_NULL, hint);
    connection->note = note;
    return false;
}

static bool code_is_spent(struct vendor_connection *connection)
{
    return code_cannot_help(
        connection, "The code was exchanged for tokens before, and works only once. Get a new one.",
        STR("The code in the credentials cannot help: it was exchanged for tokens before, and "
            "works only once."));
}

static bool code_may_be_spent(struct vendor_connection *connection)
{
    return code_cannot_help(
        connection,
        "Exchanging the code for tokens was begun before and cut off: its outcome is not known, "
        "and a code works only once. Get a new one.",
        STR("The code in the credentials cannot help: exchanging it was begun before and cut off, "
            "its outcome is not known, and it works only once."));
}

static bool wait_for_other(struct vendor_connection *connection)
{
    vendor_fail(connection, VERDICT_INTERNAL, STEP_TOKEN, STR_NULL,
                "Another request is exchanging the same credential. Try again.");
    connection->verdict.transient = true;
    return false;
}

/* What came of a refresh token is not known, and cannot be found out now. When an access token was
 * rejected before, that stays the verdict. */
static bool wait_for_certainty(struct vendor_connection *connection)
{
    vendor_fail(connection, VERDICT_INTERNAL, STEP_TOKEN, STR_NULL,
                "The vendor's answer to a renewal was lost, or the database was restored from a "
                "backup, so the refresh token may have been replaced. It is not sent again while "
                "the access token still works, since the "
                "vendor may revoke both.");
    connection->verdict.transient = connection->verdict.in_doubt = true;
    return false;
}

static bool refresh_token_is_spent(struct vendor_connection *connection)
{
    vendor_fail(connection, VERDICT_REJECTED, STEP_TOKEN, STR_NULL,
                "The vendor has replaced the refresh token, and its answer with the new one was "
                "lost, or the database was restored from a backup. Authorize again.");
    connection->verdict.causes = CAUSE_GRANT;
    connection->verdict.in_doubt = true;
    return false;
}

/* The name of the other profile is that of a request where no change has stored the successor. */
static bool refresh_token_is_anothers(struct vendor_connection *connection,
                                      const struct token_grant_intent *intent)
{
    const char *unless = str_eq(connection->target->connector->type, CUSTOM_CONNECTOR)
                             ? " If this vendor accepts a replaced token, set --token-policy "
                               "CustomConnector=reuse:refused."
                             : "";
    struct str hint =
        intent->is_unstored
            ? arena_printf(connection->arena,
                           "A request or dry run for the connector profile %.*s got the successor "
                           "of this refresh token, and has not stored it. Send the refresh token "
                           "for that profile, or authorize for this profile by itself.%s",
                           STR_ARG(intent->used_by), unless)
            : arena_printf(connection->arena,
                           "The connector profile %.*s used the same refresh token, and the vendor "
                           "has replaced it then. It is not sent again, since that could end the "
                           "access of that profile. Authorize for this profile by itself.%s",
                           STR_ARG(intent->used_by), unless);
    vendor_fail(connection, VERDICT_REJECTED, STEP_TOKEN, STR_NULL, hint.data);
    connection->verdict.causes = CAUSE_GRANT;
    return false;
}

static struct str grant_name(const struct grant_plan *plan)
{
    return plan->request.params[0].value; /* grant_type */
}

/* `intent` is what the journal was asked before, and said LOST to. */
static bool take_lost_refresh(struct vendor_connection *connection, struct grant_plan *plan,
                              struct token_grant_intent *intent)
{
    const struct token_grant_journal *journal = connection->config->journal;
    const struct lost_refresh lost = {
        .refresh_token = plan->secret,
        .token_url = plan->token_url,
        .app = plan->with_app ? &plan->app : NULL,
        .attempted_at_ms = intent->attempted_at_ms,
    };
    struct oauth_tokens earlier = {0};
    struct error error = {0};
    switch (vendor_judge_lost(connection, &lost)) {
    case LOST_WAIT:
        return wait_for_certainty(connection);
    case LOST_SPENT:
        return refresh_token_is_spent(connection);
    case LOST_SEND_AGAIN:
        break;
    }
    intent->again = true;
    switch (journal->begin(journal->context, intent, connection->arena, &earlier, &error)) {
    case GRANT_JOURNAL_NEW:
        return grant_and_save(connection, plan);
    case GRANT_JOURNAL_RESUME:
        return resume(connection, plan, &earlier);
    case GRANT_JOURNAL_FAILED:
        return conclude_away(connection, STEP_TOKEN, &error);
    default:
        return wait_for_other(connection);
    }
}

bool vendor_take_grant(struct vendor_connection *connection, enum connector_grant grant)
{
    const struct token_grant_journal *journal = connection->config->journal;
    struct grant_plan plan;
    struct oauth_tokens earlier = {0};
    struct error error = {0};
    connection->tried |= grant;
    if (!make_plan(connection, grant, &plan))
        return false;
    if (!is_one_time(grant))
        return grant_freely(connection, &plan);
    struct token_grant_intent intent = {
        .grant = grant_name(&plan),
        .token_url = plan.token_url,
        .secret = plan.secret,
        .durable = plan.durable,
        .is_given = str_eq(plan.secret, connection->material.refresh_token),
        .is_strict = plan.durable && grant == GRANT_REFRESH &&
                     vendor_policy(connection)->reuse == REUSE_PUNISHED,
        .tokens_at = connection->auth->oauth2->tokens_at,
    };
    switch (journal->begin(journal->context, &intent, connection->arena, &earlier, &error)) {
    case GRANT_JOURNAL_NEW:
        return grant_and_save(connection, &plan);
    case GRANT_JOURNAL_RESUME:
        return resume(connection, &plan, &earlier);
    case GRANT_JOURNAL_USED:
        return code_is_spent(connection);
    case GRANT_JOURNAL_LOST:
        return grant == GRANT_REFRESH ? take_lost_refresh(connection, &plan, &intent)
                                      : code_may_be_spent(connection);
    case GRANT_JOURNAL_REPLACED:
        return refresh_token_is_anothers(connection, &intent);
    case GRANT_JOURNAL_BUSY:
        return wait_for_other(connection);
    case GRANT_JOURNAL_FAILED:
        break;
    }
    return conclude_away(connection, STEP_TOKEN, &error);
}
