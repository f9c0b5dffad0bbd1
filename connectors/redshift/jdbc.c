/* Signing in to the database that a JDBC URL names, over PostgreSQL's protocol. */
#include "jdbc_url.h"
#include "redshift.h"

#include "base/clock.h"
#include "connector/http/classify.h"

enum { SIGN_IN_TRIES_MAX = 3 };

#define HINT_ADDRESS                                                                               \
    "Check the host and the port in databaseUrl, and that the database takes connections from "    \
    "this server."

static const char *hint_of(const struct postgres_response *response, const char *usual)
{
    if (response->result == POSTGRES_NO_TLS)
        return "Let it take TLS. Only where the way there can be trusted, ssl=false in databaseUrl "
               "does without.";
    bool elsewhere = response->result == POSTGRES_STRANGER || response->outcome == CLIENT_RESOLVE ||
                     response->outcome == CLIENT_CONNECT || response->outcome == CLIENT_TOO_LARGE;
    return elsewhere ? HINT_ADDRESS : usual;
}

static bool conclude_failed(struct connection *connection, const struct postgres_response *response)
{
    const struct verification *v = connection->v;
    struct vendor_response http = {.http = {.outcome = response->outcome,
                                            .connected = response->connected,
                                            .detail = response->detail}};
    struct classification classification = classify(v->arena, v->connector, STEP_API, NULL, &http);
    return connection_fail(connection, classification.kind, classification.step,
                           str_from(response->detail), hint_of(response, classification.hint));
}

static bool conclude(struct connection *connection, const struct postgres_response *response)
{
    switch (response->result) {
    case POSTGRES_ACCEPTED:
        connection->verdict = (struct verdict){.kind = VERDICT_ACCEPTED, .step = STEP_API};
        return true;
    case POSTGRES_REFUSED:
        return redshift_conclude(connection, response->sqlstate, response->message);
    case POSTGRES_UNKNOWN_METHOD:
        return connection_fail(
            connection, VERDICT_MISCONFIGURED, STEP_API,
            STR("the database asks for the password in a way that is not known "
                "here"),
            "The user's password is stored as SHA-256. Set it as MD5 (ALTER USER), "
            "or use the Data API.");
    case POSTGRES_NO_TLS:
    case POSTGRES_STRANGER:
    case POSTGRES_FAILED:
        break;
    }
    return conclude_failed(connection, response);
}

/* Only who was let in to no purpose may try again: a wrong password is never shown twice. */
static bool may_try_again(const struct connection *connection, int tries)
{
    return connection->verdict.kind == VERDICT_THROTTLED && tries < SIGN_IN_TRIES_MAX &&
           CALL_THROTTLED_PAUSE_MS < connection->deadline_ms - clock_mono_ms() - CALL_ROOM_MS;
}

bool redshift_verify_jdbc(struct connection *connection)
{
    const struct verification *v = connection->v;
    struct postgres_response response;
    struct jdbc_url url;
    struct error error = {0};
    if (!jdbc_url_parse(v->arena, value_text(v->properties, "databaseUrl"), &url, &error))
        return connection_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                               str_from(error.message), NULL);
    struct postgres_request request = {
        .host = url.host,
        .port = url.port,
        .database = url.database,
        .user = value_text(v->credentials, "username"),
        .password = value_text(v->credentials, "password"),
        .tls = url.tls,
        .deadline_ms = connection->deadline_ms,
    };
    for (int tries = 1;; tries++) {
        postgres_sign_in(v->env->client, v->arena, &request, &response);
        if (conclude(connection, &response))
            return true;
        if (!may_try_again(connection, tries))
            return false;
        connection_pause(connection, CALL_THROTTLED_PAUSE_MS);
    }
}

struct str redshift_database_receiver(const struct value *properties, struct arena *arena)
{
    struct jdbc_url url;
    if (!jdbc_url_parse(arena, value_text(properties, "databaseUrl"), &url, NULL))
        return STR("nowhere:");
    return arena_printf(arena, "postgresql://%.*s:%d?tls=%d", STR_ARG(url.host), url.port,
                        (int)url.tls);
}
