/* Sessions: a login, the calls that prove the credentials, and the end of the session. */
#include "connector/http/connection.h"

#include "auth/api_key.h"
#include "base/clock.h"
#include "wire/json_pointer.h"

static bool keep_token(struct run *run, const struct answer *answer)
{
    struct arena *arena = run->v->arena;
    struct str token = pointer_text(arena, answer->json, run->way->session->token);
    if (token.len == 0 || token.len > SESSION_TOKEN_MAX || !auth_key_is_sendable(token)) {
        int status = run->verdict.status;
        run_conclude(run, VERDICT_UNREACHABLE, STEP_TOKEN, STR_NULL,
                     "The answer has no session that could be used.");
        run->verdict.status = status;
        return false;
    }
    struct value *session = value_structure(arena);
    value_put_text(arena, session, "token", token);
    redact_add(&run->redaction, token);
    run->scope.session = session;
    return true;
}

static bool is_as_asked(struct run *run, const struct answer *answer)
{
    const struct connector_session *session = run->way->session;
    const char *hint =
        session->wrong ? session->wrong(&run->scope, answer->json, run->v->arena) : NULL;
    int status = run->verdict.status;
    if (!hint)
        return true;
    run_conclude(run, VERDICT_REJECTED, STEP_TOKEN, STR_NULL, hint);
    run->verdict.status = status;
    return false;
}

static bool log_in(struct run *run, const struct url *base)
{
    const struct connector_session *session = run->way->session;
    struct answer answer;
    return run_request(run, STEP_TOKEN, base, &session->login, false, &answer) &&
           keep_token(run, &answer) && is_as_asked(run, &answer);
}

/* The verdict is there already and stays. A vendor ends a forgotten session by itself some time
 * later, so an answer is not needed; but who verifies often must not pile them up. */
static void log_out(struct run *run, const struct url *base)
{
    struct verdict verdict = run->verdict;
    struct answer ignored;
    run->deadline_ms = clock_mono_ms() + SESSION_END_MS;
    run_request(run, STEP_API, base, &run->way->session->end, false, &ignored);
    run->verdict = verdict;
}

void run_session(struct run *run)
{
    const struct verification *v = run->v;
    struct endpoint endpoint;
    struct error error = {0};
    if (!endpoint_api(v->env, v->connector, &run->scope, &run->tokens, v->arena, &endpoint,
                      &error)) {
        run_conclude(run, VERDICT_MISCONFIGURED, STEP_NONE, str_from(error.message), NULL);
        return;
    }
    if (log_in(run, &endpoint.url))
        run_probe(run);
    if (run->scope.session)
        log_out(run, &endpoint.url);
}
