/* OAuth 2 token grants: a refresh token, an authorization code, an assertion, or the client itself
 * is sent to the token endpoint for tokens.
 *
 * The first three are one-time credentials, so a grant goes through the grant journal: the attempt
 * is begun there (for a code durably, before it is sent), then the request is sent, then the tokens
 * are saved durably, and only then are they used. A process that dies in between leaves a note from
 * which the next attempt resumes, or which says that the code must count as spent. Each attempt
 * ends in exactly one of: void (the credential is unused), saved, lost (its outcome is unknown).
 *
 * What a grant cannot bring does not hide an earlier verdict: when the vendor refused an access
 * token and the grant that should have renewed it fails on this side, the refusal stays the verdict
 * and the grant's fault becomes a note to it. */
#include "connector/http/internal.h"

#include "auth/oauth2.h"
#include "base/clock.h"
#include "wire/json_pointer.h"

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
    static const enum connector_grant order[] = {GRANT_REFRESH, GRANT_CODE, GRANT_JWT_BEARER,
                                                 GRANT_CLIENT_CREDENTIALS, GRANT_PASSWORD};
    struct oauth2_material material = connection->material;
    material.refresh_token = connection->tokens.refresh_token;
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        if (!(connection->tried & order[i]) &&
            oauth2_suffices(connection->auth->oauth2, &material, order[i]))
            return order[i];
    }
    return 0;
}

/* A client or a user may authenticate any number of times: nothing is used up. */
static bool is_one_time(enum connector_grant grant)
{
    return grant != GRANT_CLIENT_CREDENTIALS && grant != GRANT_PASSWORD;
}

static void plan_request(const struct vendor_connection *connection, struct grant_plan *plan)
{
    const struct oauth2_material *material = &connection->material;
    struct str scope = str_from(connection->auth->oauth2->scope);
    switch (plan->grant) {
    case GRANT_REFRESH:
        plan->secret = connection->tokens.refresh_token;
        oauth2_refresh(&plan->request, plan->secret);
        return;
    case GRANT_CODE:
        plan->secret = material->code;
        oauth2_code(&plan->request, plan->secret, material->redirect_uri);
        oauth2_add(&plan->request, "scope", scope);
        return;
    case GRANT_JWT_BEARER:
        plan->secret = material->assertion;
        oauth2_jwt_bearer(&plan->request, plan->secret);
        return;
    case GRANT_CLIENT_CREDENTIALS:
        oauth2_client_credentials(&plan->request);
        oauth2_add(&plan->request, "scope", scope);
        return;
    case GRANT_PASSWORD:
        oauth2_password(&plan->request, material->username, material->password);
        return;
    }
}

static void add_params(const struct vendor_connection *connection, struct grant_plan *plan)
{
    const struct value *params = connection->material.params;
    for (size_t i = 0; params && i < params->count; i++) {
        if (!str_eq(params->names[i], STR("assertion")))
            oauth2_add(&plan->request, arena_cstr(connection->arena, params->names[i]),
                       params->items[i]->text);
    }
}

static enum verdict_kind kind_of_app_error(enum err code)
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

static bool find_app(struct vendor_connection *connection, struct grant_plan *plan)
{
    const struct target *target = connection->target;
    struct error error = {0};
    plan->with_app = plan->grant != GRANT_JWT_BEARER; /* an assertion names its app itself */
    if (!plan->with_app)
        return true;
    if (connection->auth->oauth2->client == CLIENT_IN_CREDENTIALS) {
        plan->app =
            (struct oauth_app){connection->material.client_id, connection->material.client_secret};
        plan->with_app = plan->app.client_id.len > 0;
        return true;
    }
    bool found = target->env->apps
                     ? oauth_app_for(target->env->apps, target->connector->type,
                                     connection->material.client_arn, connection->deadline_ms,
                                     connection->arena, &plan->app, &error)
                     : fail(&error, ERR_NOT_FOUND, "No OAuth app is set up for this connector.");
    if (!found)
        return app_is_missing(connection, &error);
    redact_add(&connection->redaction, plan->app.client_secret);
    return true;
}

static bool make_plan(struct vendor_connection *connection, enum connector_grant grant,
                      struct grant_plan *plan)
{
    const struct target *target = connection->target;
    struct error error = {0};
    *plan = (struct grant_plan){.grant = grant};
    plan_request(connection, plan);
    add_params(connection, plan);
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
    if (!tokens->instance_url.data || endpoint_is_trusted(target, tokens->instance_url, &url))
        return;
    tokens->instance_url = STR_NULL;
    connection->note =
        STR("The token endpoint named an instance_url outside of the vendor's domains; "
            "nothing was sent there.");
}

static const struct value *holder_of_tokens(const struct vendor_connection *connection,
                                            const struct value *json)
{
    const char *at = connection->auth->oauth2->tokens_at;
    const struct value *inner = at && json ? pointer_find(json, at) : NULL;
    return inner && inner->kind == VALUE_STRUCTURE && value_get(inner, "access_token") ? inner
                                                                                       : json;
}

/* A code must not be used more than once (RFC 6749, 4.1.2), and whether it was is not known when it
 * was on its way and no answer came, or one of success that cannot be read. */
static enum token_grant_end end_without_tokens(const struct vendor_connection *connection,
                                               const struct vendor_response *response)
{
    const struct client_response *http = &response->http;
    if (http->outcome != CLIENT_OK)
        return http->sent ? TOKEN_GRANT_LOST : TOKEN_GRANT_VOID;
    bool success = http->status >= 200 && http->status < 300;
    bool is_clear = response->json && connection->verdict.kind != VERDICT_UNREACHABLE;
    return success && !is_clear ? TOKEN_GRANT_LOST : TOKEN_GRANT_VOID;
}

static bool ask_for_tokens(struct vendor_connection *connection, struct grant_plan *plan,
                           struct oauth_tokens *ret_tokens, enum token_grant_end *ret_end)
{
    struct arena *arena = connection->arena;
    const struct connector_oauth2 *oauth2 = connection->auth->oauth2;
    unsigned style = (oauth2->json ? OAUTH2_JSON : OAUTH2_FORM) |
                     (oauth2->basic ? OAUTH2_BASIC : 0) | (oauth2->basic_is_user ? OAUTH2_USER : 0);
    struct client_request request;
    struct vendor_response response = {0};
    struct error error = {0};
    oauth2_build(arena, &plan->request, plan->token_url, plan->with_app ? &plan->app : NULL, style,
                 &request);
    request.fresh = plan->grant == GRANT_CODE;
    connection->grant = plan->grant;
    bool repeatable = plan->grant == GRANT_CLIENT_CREDENTIALS;
    attempt_move(plan, ATTEMPT_SENT);
    if (!vendor_send(connection, STEP_TOKEN, NULL, &request, repeatable, &response)) {
        *ret_end = end_without_tokens(connection, &response);
        return false;
    }
    *ret_end = TOKEN_GRANT_LOST; /* until they are saved */
    const struct value *holder = holder_of_tokens(connection, response.json);
    if (!oauth2_read_tokens(holder, clock_wall_ms(), ret_tokens, &error))
        return vendor_fail_status(connection, VERDICT_UNREACHABLE, STEP_TOKEN, response.http.status,
                                  str_from(error.message), NULL);
    if (plan->grant == GRANT_REFRESH && !ret_tokens->refresh_token.data)
        ret_tokens->refresh_token = plan->secret; /* not rotated: the old one stays good */
    if (plan->grant == GRANT_REFRESH && !ret_tokens->instance_url.data)
        ret_tokens->instance_url = connection->tokens.instance_url;
    drop_stray_instance(connection, ret_tokens);
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
    if (saved)
        end = TOKEN_GRANT_SAVED;
    assert(end != TOKEN_GRANT_SAVED || plan->attempt == ATTEMPT_RECEIVED);
    journal->end(journal->context, end);
    attempt_move(plan, ATTEMPT_ENDED);
    if (end == TOKEN_GRANT_LOST && plan->grant == GRANT_CODE)
        connection->note = STR("Get a new code for it: this one may have been used.");
    if (!got)
        return false;
    if (!saved)
        return conclude_away(connection, STEP_TOKEN, &error);
    adopt(connection, &tokens);
    return true;
}

/* What an earlier try got may have expired since. A refresh token may then be used once again. */
static bool resume(struct vendor_connection *connection, struct grant_plan *plan,
                   const struct oauth_tokens *tokens)
{
    if (plan->grant != GRANT_REFRESH) {
        adopt(connection, tokens);
        return true;
    }
    if (connection->resumed)
        return grant_and_save(connection, plan);
    connection->resumed = true;
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

static struct str grant_name(const struct grant_plan *plan)
{
    return plan->request.params[0].value; /* grant_type */
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
    switch (journal->begin(journal->context, grant_name(&plan), plan.token_url, plan.secret,
                           connection->arena, &earlier, &error)) {
    case GRANT_JOURNAL_NEW:
        return grant_and_save(connection, &plan);
    case GRANT_JOURNAL_RESUME:
        return resume(connection, &plan, &earlier);
    case GRANT_JOURNAL_USED:
        return code_is_spent(connection);
    case GRANT_JOURNAL_LOST:
        return code_may_be_spent(connection);
    case GRANT_JOURNAL_BUSY:
        return wait_for_other(connection);
    case GRANT_JOURNAL_FAILED:
        break;
    }
    return conclude_away(connection, STEP_TOKEN, &error);
}
