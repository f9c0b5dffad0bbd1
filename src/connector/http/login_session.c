/* Sessions: a login, the calls that prove the credentials, and the end of the session. */
#include "connector/http/connection.h"

#include "auth/api_key.h"
#include "base/clock.h"
#include "wire/json_pointer.h"

static bool keep_token(struct connection *connection, const struct vendor_response *response)
{
    struct arena *arena = connection->v->arena;
    struct str token = pointer_text(arena, response->json, connection->auth->session->token);
    if (token.len == 0 || token.len > SESSION_TOKEN_MAX || !auth_key_is_sendable(token)) {
        int status = connection->verdict.status;
        connection_fail(connection, VERDICT_UNREACHABLE, STEP_TOKEN, STR_NULL,
                        "The answer has no session that could be used.");
        connection->verdict.status = status;
        return false;
    }
    struct value *session = value_structure(arena);
    value_put_text(arena, session, "token", token);
    redact_add(&connection->redaction, token);
    connection->scope.session = session;
    return true;
}

static bool is_as_asked(struct connection *connection, const struct vendor_response *response)
{
    const struct connector_session *session = connection->auth->session;
    const char *hint =
        session->wrong ? session->wrong(&connection->scope, response->json, connection->v->arena)
                       : NULL;
    int status = connection->verdict.status;
    if (!hint)
        return true;
    connection_fail(connection, VERDICT_REJECTED, STEP_TOKEN, STR_NULL, hint);
    connection->verdict.status = status;
    return false;
}

static bool log_in(struct connection *connection, const struct url *base)
{
    const struct connector_session *session = connection->auth->session;
    struct vendor_response response;
    return connection_call(connection, STEP_TOKEN, base, &session->login, false, &response) &&
           keep_token(connection, &response) && is_as_asked(connection, &response);
}

/* The verdict is there already and stays. A vendor ends a forgotten session by itself some time
 * later, so an answer is not needed; but who verifies often must not pile them up. */
static void log_out(struct connection *connection, const struct url *base)
{
    struct verdict verdict = connection->verdict;
    struct vendor_response ignored;
    connection->deadline_ms = clock_mono_ms() + SESSION_END_MS;
    connection_call(connection, STEP_API, base, &connection->auth->session->end, false, &ignored);
    connection->verdict = verdict;
}

void verify_session(struct connection *connection)
{
    const struct verification *v = connection->v;
    struct endpoint endpoint;
    struct error error = {0};
    if (!endpoint_api(v->env, v->connector, &connection->scope, &connection->tokens, v->arena,
                      &endpoint, &error)) {
        connection_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE, str_from(error.message),
                        NULL);
        return;
    }
    if (log_in(connection, &endpoint.url))
        verify_probe(connection);
    if (connection->scope.session)
        log_out(connection, &endpoint.url);
}
