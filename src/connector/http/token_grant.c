/* Turning one-time credentials into tokens: remembered before they are used. */
#include "connector/http/connection.h"

#include "auth/oauth2.h"
#include "base/clock.h"
#include "connector/http/target.h"
#include "wire/json_pointer.h"

struct exchange_plan {
    enum connector_grant grant;
    struct oauth2_request request;
    struct str secret; /* what is used up */
    struct str token_url;
    struct oauth_app app;
    bool with_app;
};

enum connector_grant run_next_grant(const struct run *run)
{
    static const enum connector_grant order[] = {GRANT_REFRESH, GRANT_CODE, GRANT_JWT_BEARER,
                                                 GRANT_CLIENT_CREDENTIALS, GRANT_PASSWORD};
    struct oauth2_material material = run->material;
    material.refresh_token = run->tokens.refresh_token;
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        if (!(run->tried & order[i]) && oauth2_suffices(run->way->oauth2, &material, order[i]))
            return order[i];
    }
    return 0;
}

/* Nothing is used up when a client or a user shows who it is: it may be done any number of times.
 */
static bool is_one_time(enum connector_grant grant)
{
    return grant != GRANT_CLIENT_CREDENTIALS && grant != GRANT_PASSWORD;
}

static void plan_request(const struct run *run, struct exchange_plan *plan)
{
    const struct oauth2_material *material = &run->material;
    struct str scope = str_from(run->way->oauth2->scope);
    switch (plan->grant) {
    case GRANT_REFRESH:
        plan->secret = run->tokens.refresh_token;
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

static void add_params(const struct run *run, struct exchange_plan *plan)
{
    const struct value *params = run->material.params;
    for (size_t i = 0; params && i < params->count; i++) {
        if (!str_eq(params->names[i], STR("assertion")))
            oauth2_add(&plan->request, arena_cstr(run->v->arena, params->names[i]),
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

static bool conclude_away(struct run *run, enum verdict_step step, const struct error *error)
{
    run_conclude(run, VERDICT_INTERNAL, step, str_from(error->message), NULL);
    run->verdict.passes = error->code == ERR_UNAVAILABLE || error->code == ERR_THROTTLING;
    return false;
}

/* When an access token was rejected before, that stays the verdict: the missing app is only why it
 * could not be renewed. When the app is not missing but the store away, nothing is decided yet. */
static bool app_is_missing(struct run *run, const struct error *error)
{
    if (error->code == ERR_UNAVAILABLE)
        return conclude_away(run, STEP_APP, error);
    if (run->verdict.kind != VERDICT_REJECTED)
        return run_conclude(run, kind_of_app_error(error->code), STEP_APP, str_from(error->message),
                            "The operator of this server sets up OAuth apps; an own app is named "
                            "by clientCredentialsArn.");
    run->note = arena_printf(run->v->arena, "It cannot be renewed: %s", error->message);
    return false;
}

static bool find_app(struct run *run, struct exchange_plan *plan)
{
    const struct verification *v = run->v;
    struct error error = {0};
    plan->with_app = plan->grant != GRANT_JWT_BEARER; /* an assertion names its app itself */
    if (!plan->with_app)
        return true;
    if (run->way->oauth2->client == CLIENT_IN_CREDENTIALS) {
        plan->app = (struct oauth_app){run->material.client_id, run->material.client_secret};
        plan->with_app = plan->app.client_id.len > 0;
        return true;
    }
    bool found = v->env->apps
                     ? oauth_app_for(v->env->apps, v->connector->type, run->material.client_arn,
                                     v->deadline_ms, v->arena, &plan->app, &error)
                     : fail(&error, ERR_NOT_FOUND, "No OAuth app is set up for this connector.");
    if (!found)
        return app_is_missing(run, &error);
    redact_add(&run->redaction, plan->app.client_secret);
    return true;
}

static bool make_plan(struct run *run, enum connector_grant grant, struct exchange_plan *plan)
{
    const struct verification *v = run->v;
    struct error error = {0};
    *plan = (struct exchange_plan){.grant = grant};
    plan_request(run, plan);
    add_params(run, plan);
    if (!endpoint_token_url(v->env, v->connector, run->way->oauth2, &run->scope, v->arena,
                            &plan->token_url, &error))
        return run_conclude(run, VERDICT_MISCONFIGURED, STEP_TOKEN, str_from(error.message), NULL);
    return find_app(run, plan);
}

static void adopt(struct run *run, const struct tokens *tokens)
{
    run->tokens = *tokens;
    run->exchanged = true;
    redact_add(&run->redaction, tokens->access_token);
    redact_add(&run->redaction, tokens->refresh_token);
}

/* An instance_url that leads somewhere else than the vendor's is dropped, and said so in the hint
 * if what follows fails. */
static void drop_stray_instance(struct run *run, struct tokens *tokens)
{
    const struct verification *v = run->v;
    struct url url;
    if (run->way->oauth2->api_elsewhere)
        tokens->instance_url = STR_NULL;
    if (!tokens->instance_url.data || endpoint_is_trusted(v->env, v->connector, &run->scope,
                                                          tokens->instance_url, v->arena, &url))
        return;
    tokens->instance_url = STR_NULL;
    run->note = STR("The token endpoint named an instance_url outside of the vendor's domains; "
                    "nothing was sent there.");
}

static const struct value *holder_of_tokens(const struct run *run, const struct value *json)
{
    const char *at = run->way->oauth2->tokens_at;
    const struct value *inner = at && json ? pointer_find(json, at) : NULL;
    return inner && inner->kind == VALUE_STRUCTURE && value_get(inner, "access_token") ? inner
                                                                                       : json;
}

/* A code must not be used more than once (RFC 6749, 4.1.2), and whether it was is not known when it
 * was on its way and no answer came, or one of success that cannot be read. */
static enum token_grant_end end_without_tokens(const struct run *run, const struct answer *answer)
{
    const struct client_response *response = &answer->response;
    if (response->outcome != CLIENT_OK)
        return response->sent ? TOKEN_GRANT_LOST : TOKEN_GRANT_VOID;
    bool success = response->status >= 200 && response->status < 300;
    bool is_clear = answer->json && run->verdict.kind != VERDICT_UNREACHABLE;
    return success && !is_clear ? TOKEN_GRANT_LOST : TOKEN_GRANT_VOID;
}

static bool ask_for_tokens(struct run *run, struct exchange_plan *plan, struct tokens *ret_tokens,
                           enum token_grant_end *ret_end)
{
    struct arena *arena = run->v->arena;
    const struct connector_oauth2 *oauth2 = run->way->oauth2;
    unsigned style = (oauth2->json ? OAUTH2_JSON : OAUTH2_FORM) |
                     (oauth2->basic ? OAUTH2_BASIC : 0) | (oauth2->basic_is_user ? OAUTH2_USER : 0);
    struct client_request request;
    struct answer answer = {0};
    struct error error = {0};
    oauth2_build(arena, &plan->request, plan->token_url, plan->with_app ? &plan->app : NULL, style,
                 &request);
    request.fresh = plan->grant == GRANT_CODE;
    bool repeatable = plan->grant == GRANT_CLIENT_CREDENTIALS;
    if (!run_call(run, STEP_TOKEN, NULL, &request, repeatable, &answer)) {
        *ret_end = end_without_tokens(run, &answer);
        return false;
    }
    *ret_end = TOKEN_GRANT_LOST; /* until somebody saves them */
    const struct value *holder = holder_of_tokens(run, answer.json);
    if (!oauth2_read_tokens(holder, clock_wall_ms(), ret_tokens, &error)) {
        run_conclude(run, VERDICT_UNREACHABLE, STEP_TOKEN, str_from(error.message), NULL);
        run->verdict.status = answer.response.status;
        return false;
    }
    if (plan->grant == GRANT_REFRESH && !ret_tokens->refresh_token.data)
        ret_tokens->refresh_token = plan->secret; /* not rotated: the old one stays good */
    if (plan->grant == GRANT_REFRESH && !ret_tokens->instance_url.data)
        ret_tokens->instance_url = run->tokens.instance_url;
    drop_stray_instance(run, ret_tokens);
    return true;
}

static bool exchange_and_save(struct run *run, struct exchange_plan *plan)
{
    const struct token_grant_journal *journal = run->v->journal;
    struct error error = {0};
    struct tokens tokens;
    enum token_grant_end end;
    bool got = ask_for_tokens(run, plan, &tokens, &end);
    bool saved = got && journal->save(journal->context, &tokens, &error);
    if (saved)
        end = TOKEN_GRANT_SAVED;
    journal->end(journal->context, end);
    if (end == TOKEN_GRANT_LOST && plan->grant == GRANT_CODE)
        run->note = STR("Get a new code for it: this one may have been used.");
    if (!got)
        return false;
    if (!saved)
        return conclude_away(run, STEP_TOKEN, &error);
    adopt(run, &tokens);
    return true;
}

/* What an earlier try got may have expired since. A refresh token may then be used once again. */
static bool resume(struct run *run, struct exchange_plan *plan, const struct tokens *tokens)
{
    if (plan->grant != GRANT_REFRESH) {
        adopt(run, tokens);
        return true;
    }
    if (run->resumed)
        return exchange_and_save(run, plan);
    run->resumed = true;
    run->tried &= ~(unsigned)GRANT_REFRESH;
    adopt(run, tokens);
    return true;
}

static bool exchange_freely(struct run *run, struct exchange_plan *plan)
{
    struct tokens tokens;
    enum token_grant_end end;
    if (!ask_for_tokens(run, plan, &tokens, &end))
        return false;
    adopt(run, &tokens);
    return true;
}

/* As above: what was rejected before stays the verdict, with the vendor's own words. */
static bool code_cannot_help(struct run *run, const char *hint, struct str note)
{
    if (run->verdict.kind != VERDICT_REJECTED)
        return run_conclude(run, VERDICT_REJECTED, STEP_TOKEN, STR_NULL, hint);
    run->note = note;
    return false;
}

static bool code_is_spent(struct run *run)
{
    return code_cannot_help(
        run, "The code was exchanged for tokens before, and works only once. Get a new one.",
        STR("The code in the credentials cannot help: it was exchanged for tokens before, and "
            "works only once."));
}

static bool code_may_be_spent(struct run *run)
{
    return code_cannot_help(
        run,
        "Exchanging the code for tokens was begun before and cut off: its outcome is not known, "
        "and a code works only once. Get a new one.",
        STR("The code in the credentials cannot help: exchanging it was begun before and cut off, "
            "its outcome is not known, and it works only once."));
}

static bool wait_for_other(struct run *run)
{
    run_conclude(run, VERDICT_INTERNAL, STEP_TOKEN, STR_NULL,
                 "Another request is exchanging the same credential. Try again.");
    run->verdict.passes = true;
    return false;
}

static struct str grant_name(const struct exchange_plan *plan)
{
    return plan->request.params[0].value; /* grant_type */
}

bool run_exchange(struct run *run, enum connector_grant grant)
{
    const struct verification *v = run->v;
    struct exchange_plan plan;
    struct tokens earlier = {0};
    struct error error = {0};
    run->tried |= grant;
    if (!make_plan(run, grant, &plan))
        return false;
    if (!is_one_time(grant))
        return exchange_freely(run, &plan);
    switch (v->journal->begin(v->journal->context, grant_name(&plan), plan.token_url, plan.secret,
                              v->arena, &earlier, &error)) {
    case JOURNAL_NEW:
        return exchange_and_save(run, &plan);
    case JOURNAL_RESUME:
        return resume(run, &plan, &earlier);
    case JOURNAL_USED:
        return code_is_spent(run);
    case JOURNAL_LOST:
        return code_may_be_spent(run);
    case JOURNAL_BUSY:
        return wait_for_other(run);
    case JOURNAL_FAILED:
        break;
    }
    return conclude_away(run, STEP_TOKEN, &error);
}
