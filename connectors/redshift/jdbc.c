/* Signing in to the database that a JDBC URL names, over PostgreSQL's protocol. */
#include "redshift.h"

enum { SIGN_IN_TRIES_MAX = 3 };

#define HINT_ADDRESS                                                                               \
    "Check the host and the port in databaseUrl, and that the database takes connections from "    \
    "this server."

/* NULL: the usual one for the outcome. */
static const char *hint_of(const struct postgres_response *response)
{
    if (response->result == POSTGRES_NO_TLS)
        return "Let it take TLS. Only where the way there can be trusted, ssl=false in databaseUrl "
               "does without.";
    bool elsewhere = response->result == POSTGRES_STRANGER || response->outcome == CLIENT_RESOLVE ||
                     response->outcome == CLIENT_CONNECT || response->outcome == CLIENT_TOO_LARGE;
    return elsewhere ? HINT_ADDRESS : NULL;
}

static bool fail_unanswered(struct vendor_connection *connection,
                            const struct postgres_response *response)
{
    struct client_response http = {
        .outcome = response->outcome, .connected = response->connected, .detail = response->detail};
    return vendor_fail_transport(connection, STEP_API, &http, hint_of(response));
}

static bool conclude(struct vendor_connection *connection, const struct postgres_response *response)
{
    switch (response->result) {
    case POSTGRES_ACCEPTED:
        return vendor_accept(connection, STEP_API);
    case POSTGRES_REFUSED:
        return redshift_fail(connection, response->sqlstate, response->message);
    case POSTGRES_UNKNOWN_METHOD:
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API,
                           STR("the database asks for the password in a way that is not known "
                               "here"),
                           "The user's password is stored as SHA-256. Set it as MD5 (ALTER USER), "
                           "or use the Data API.");
    case POSTGRES_NO_TLS:
    case POSTGRES_STRANGER:
    case POSTGRES_FAILED:
        break;
    }
    return fail_unanswered(connection, response);
}

/* Only a throttled sign-in is repeated: a wrong password is never sent twice. */
static bool may_try_again(const struct vendor_connection *connection, int tries)
{
    return vendor_verdict(connection).kind == VERDICT_THROTTLED && tries < SIGN_IN_TRIES_MAX &&
           vendor_has_time(connection, CALL_THROTTLED_PAUSE_MS);
}

bool redshift_verify_jdbc(struct vendor_connection *connection)
{
    const struct vendor_connection_config *config = vendor_config(connection);
    const struct redshift_target *own = config->target->custom;
    const struct value *credentials = config->target->credentials;
    struct postgres_response response;
    if (own->fault)
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           str_from(own->fault->message), NULL);
    struct postgres_request request = {
        .host = own->url.host,
        .port = own->url.port,
        .database = own->url.database,
        .user = value_text(credentials, "username"),
        .password = value_text(credentials, "password"),
        .tls = own->url.tls,
        .deadline_ms = config->deadline_ms,
    };
    for (int tries = 1;; tries++) {
        postgres_sign_in(config->target->env->client, config->arena, &request, &response);
        if (conclude(connection, &response))
            return true;
        if (!may_try_again(connection, tries))
            return false;
        vendor_pause(connection, CALL_THROTTLED_PAUSE_MS);
    }
}
