/* Verification as a state machine: probe with what is in hand, renew it when it is not accepted any
 * more, probe again, until the vendor has spoken or nothing is left to try. */
#include "connector/http/verify.h"

#include "base/clock.h"
#include "connector/http/connection.h"

enum phase {
    PHASE_PROBE, /* show what is in hand */
    PHASE_RENEW, /* get tokens by the next grant */
    PHASE_END,   /* the verdict stands */
};

/* False: the verdict says why. */
static bool start(struct connection *connection, const struct verification *v)
{
    struct error error = {0};
    connection_init(connection, v);
    if (!scope_make(v->connector, v->properties, v->credentials, v->arena, &connection->scope,
                    &error))
        return connection_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                               str_from(error.message), NULL);
    connection->auth = auth_choose(v->arena, v->connector, &connection->scope);
    if (!connection->auth)
        return connection_fail(connection, VERDICT_REJECTED, STEP_NONE, STR_NULL,
                               "The credentials hold nothing to authenticate with.");
    if (!connection->auth->oauth2)
        return true;
    connection->material = oauth2_material(v->arena, connection->auth->oauth2, &connection->scope);
    redact_add(&connection->redaction,
               connection->material.assertion); /* it may stand in the properties */
    if (v->stored)
        connection->tokens = *v->stored;
    if (!connection->tokens.access_token.data)
        connection->tokens.access_token = connection->material.access_token;
    if (!connection->tokens.refresh_token.data)
        connection->tokens.refresh_token = connection->material.refresh_token;
    redact_add(&connection->redaction, connection->tokens.access_token);
    redact_add(&connection->redaction, connection->tokens.refresh_token);
    return true;
}

/* Whether it is still good is the vendor's to say, unless its time is over and there is another. */
static enum phase first_phase(const struct connection *connection)
{
    bool expired = connection->tokens.expires_at_ms != 0 &&
                   connection->tokens.expires_at_ms <= clock_wall_ms();
    if (connection->tokens.access_token.len > 0 && (!expired || !connection_next_grant(connection)))
        return PHASE_PROBE;
    return PHASE_RENEW;
}

static enum phase after_probe(struct connection *connection)
{
    if (verify_probe(connection) || !connection->renewable || !connection_next_grant(connection))
        return PHASE_END;
    return PHASE_RENEW;
}

static enum phase after_renew(struct connection *connection)
{
    enum connector_grant grant = connection_next_grant(connection);
    if (grant == 0) {
        connection_fail(
            connection, VERDICT_REJECTED, STEP_NONE, STR_NULL,
            "The credentials hold neither a token nor what could be exchanged for one.");
        return PHASE_END;
    }
    if (connection_take_grant(connection, grant))
        return PHASE_PROBE;
    bool other_may_work =
        connection->verdict.kind == VERDICT_REJECTED && connection_next_grant(connection);
    return other_may_work ? PHASE_RENEW : PHASE_END;
}

/* Ends, since each renewal uses up one of the few grants (a refresh at most twice). */
static void drive(struct connection *connection)
{
    enum phase phase = first_phase(connection);
    while (phase != PHASE_END)
        phase = phase == PHASE_PROBE ? after_probe(connection) : after_renew(connection);
}

static bool finish(struct connection *connection, struct verdict *ret_verdict,
                   struct oauth_tokens *ret_tokens)
{
    const struct verification *v = connection->v;
    bool accepted = connection->verdict.kind == VERDICT_ACCEPTED;
    if (!accepted && connection->note.data)
        connection->verdict.hint =
            connection->verdict.hint.data
                ? arena_printf(v->arena, "%.*s %.*s", STR_ARG(connection->verdict.hint),
                               STR_ARG(connection->note))
                : connection->note;
    *ret_verdict = connection->verdict;
    *ret_tokens = connection->granted ? connection->tokens
                  : v->stored         ? *v->stored
                                      : (struct oauth_tokens){0};
    return accepted;
}

static bool http_verify(const struct verification *v, struct verdict *ret_verdict,
                        struct oauth_tokens *ret_tokens)
{
    struct connection connection;
    if (!start(&connection, v))
        return finish(&connection, ret_verdict, ret_tokens);
    if (connection.auth->oauth2)
        drive(&connection);
    else if (connection.auth->session)
        verify_session(&connection);
    else
        verify_probe(&connection);
    return finish(&connection, ret_verdict, ret_tokens);
}

const struct connector_ops http_ops = {.verify = http_verify};

bool connector_verify(const struct verification *v, struct verdict *ret_verdict,
                      struct oauth_tokens *ret_tokens)
{
    return v->connector->ops->verify(v, ret_verdict, ret_tokens);
}
