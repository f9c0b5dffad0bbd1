/* Signing in to the database that a JDBC URL names, over PostgreSQL's protocol. */
#include "redshift.h"

#include "connectors/redshift/postgres_sign_in.h"
#include "wire/pg_message.h"

enum { SIGN_IN_TRIES_MAX = 3 };

#define HINT_ADDRESS                                                                               \
    "Check the host and the port in databaseUrl, and that the database takes connections from "    \
    "this server."
#define HINT_METHOD                                                                                \
    "Let this user sign in with a password (scram-sha-256 or md5 in the database's pg_hba.conf)."

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

/* What the server may require instead of a password (PostgreSQL's manual, AuthenticationRequest).
 */
static bool fail_method(struct vendor_connection *connection, int method)
{
    static const struct {
        int method; /* 0: any other */
        const char *message, *hint;
    } rows[] = {
        {PG_AUTH_SHA256, "the database asks for the password in a way that is not known here",
         "The user's password is stored as SHA-256. Set it as MD5 (ALTER USER), or use the Data "
         "API."},
        {PG_AUTH_GSS, "the database requires GSSAPI (Kerberos) instead of a password", HINT_METHOD},
        {PG_AUTH_SSPI, "the database requires SSPI (Kerberos) instead of a password", HINT_METHOD},
        {0, "the database requires an authentication method that is not known here", HINT_METHOD},
    };
    size_t i = 0;
    while (rows[i].method != 0 && rows[i].method != method)
        i++;
    return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API, str_from(rows[i].message),
                       rows[i].hint);
}

static bool fail_unanswered(struct vendor_connection *connection,
                            const struct postgres_response *response)
{
    struct client_response http = {
        .outcome = response->outcome, .connected = response->connected, .detail = response->detail};
    return vendor_fail_transport(connection, STEP_API, &http, hint_of(response));
}

/* A refusal that is about the password may be about its form. */
static bool fail_refused(struct vendor_connection *connection,
                         const struct postgres_response *response)
{
    redshift_fail(connection, response->sqlstate, response->message);
    if (vendor_verdict(connection).kind == VERDICT_REJECTED && response->unsure)
        vendor_fail(
            connection, VERDICT_REJECTED, STEP_API, response->message,
            "Check username and password. If they are right, set a password of letters that "
            "are in Latin-1: PostgreSQL stores some others in another form (SASLprep).");
    return false;
}

static bool conclude(struct vendor_connection *connection, const struct postgres_response *response)
{
    switch (response->result) {
    case POSTGRES_ACCEPTED:
        return vendor_accept(connection, STEP_API);
    case POSTGRES_REFUSED:
        return fail_refused(connection, response);
    case POSTGRES_UNKNOWN_METHOD:
        return fail_method(connection, response->method);
    case POSTGRES_COSTLY:
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API, str_from(response->detail),
                           "Lower scram_iterations in the database, then set the user's password "
                           "again.");
    case POSTGRES_WEAK:
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_API, str_from(response->detail),
                           "Have the certificate verified (sslmode=verify-full in databaseUrl), or "
                           "raise scram_iterations in the database, then set the user's password "
                           "again.");
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

static bool sign_in(struct vendor_connection *connection, struct sql_rows *rows)
{
    const struct vendor_connection_config *config = vendor_config(connection);
    const struct redshift_target *own = config->target->custom;
    const struct value *credentials = config->target->credentials;
    struct postgres_response response;
    if (own->fault)
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE,
                           str_from(own->fault->message), NULL);
    struct postgres_request request = {
        .account = config->target->account,
        .host = own->url.host,
        .port = own->url.port,
        .database = own->url.database,
        .user = value_text(credentials, "username"),
        .password = value_text(credentials, "password"),
        .tls = own->url.tls,
        .rows = rows,
        .deadline_ms = vendor_deadline_ms(connection),
        .watch = vendor_watch(connection),
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

bool redshift_verify_jdbc(struct vendor_connection *connection)
{
    return sign_in(connection, NULL);
}

bool redshift_query_jdbc(struct vendor_connection *connection, struct sql_rows *rows)
{
    return sign_in(connection, rows);
}
