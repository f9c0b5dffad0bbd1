/* One conversation through libpq, which is driven step by step so that no wait passes the deadline
 * (PostgreSQL's manual, PQconnectStartParams and PQconnectPoll). */
#include "base/clock.h"
#include "connectors/redshift/postgres_internal.h"
#include "net/client/internal.h"
#include "net/tcp_received.h"
#include "work/cpu_slots.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    WAIT_SLICE_MS = 200, /* how often a wait looks whether the server is stopping */
};

/* Where nothing is: libpq takes defaults from the home directory for what is not named. */
#define NOWHERE "/dev/null/none"

static const char *const sslmodes[] = {
    [POSTGRES_TLS_FULL] = "verify-full",
    [POSTGRES_TLS_CA] = "verify-ca",
    [POSTGRES_TLS_ANY] = "require",
    [POSTGRES_TLS_OFF] = "disable",
};

void postgres_fail(struct postgres_session *session, enum client_outcome outcome,
                   const char *clause)
{
    struct postgres_response *response = session->response;
    response->result = POSTGRES_FAILED;
    response->outcome = outcome;
    response->connected = session->status > CONNECTION_STARTED || session->status == CONNECTION_OK;
    response->detail = arena_printf(session->arena, "%s %s", session->authority, clause).data;
}

static bool start(struct postgres_session *session)
{
    const struct postgres_request *request = session->request;
    struct libpq_parameters parameters = {0};
    char port[8];
    bool verifies = request->tls == POSTGRES_TLS_FULL || request->tls == POSTGRES_TLS_CA;
    snprintf(port, sizeof(port), "%d", session->port);
    libpq_add(&parameters, "host", arena_cstr(session->arena, request->host));
    libpq_add(&parameters, "hostaddr", session->address);
    libpq_add(&parameters, "port", port);
    libpq_add(&parameters, "dbname", arena_cstr(session->arena, request->database));
    libpq_add(&parameters, "user", arena_cstr(session->arena, request->user));
    libpq_add(&parameters, "password", arena_cstr(session->arena, request->password));
    libpq_add(&parameters, "sslmode", sslmodes[request->tls]);
    /* A file that is there would be looked at even for "require". */
    libpq_add(&parameters, "sslrootcert",
              verifies && session->ca_path ? session->ca_path : NOWHERE);
    libpq_add(&parameters, "sslcert", NOWHERE);
    libpq_add(&parameters, "sslkey", NOWHERE);
    libpq_add(&parameters, "sslcrl", NOWHERE);
    libpq_add(&parameters, "passfile", NOWHERE);
    libpq_add(&parameters, "gssencmode", "disable");
    libpq_add(&parameters, "client_encoding", "UTF8");
    libpq_add(&parameters, "application_name", "headgate");
    session->connection = libpq.connectStartParams(parameters.names, parameters.values, 0);
    return session->connection;
}

static bool is_stopping(struct client *client)
{
    pthread_mutex_lock(&client->lock);
    bool stopping = client->stopping;
    pthread_mutex_unlock(&client->lock);
    return stopping;
}

/* False when the answer is set. */
static bool is_within_limit(struct postgres_session *session)
{
    if (tcp_received(libpq.socket(session->connection)) <= POSTGRES_BYTES_MAX)
        return true;
    postgres_fail(session, CLIENT_TOO_LARGE, "answers with more than is read");
    return false;
}

/* False when the answer is set. */
static bool await(struct postgres_session *session, short events, int64_t until_ms)
{
    struct pollfd fd = {.fd = libpq.socket(session->connection), .events = events};
    int ready = 0;
    while (ready == 0) {
        int64_t left_ms = until_ms - clock_mono_ms();
        if (left_ms <= 0) {
            postgres_fail(session, CLIENT_TIMEOUT, "did not answer within the time limit");
            return false;
        }
        slot_release();
        ready = poll(&fd, 1, left_ms < WAIT_SLICE_MS ? (int)left_ms : WAIT_SLICE_MS);
        slot_acquire();
        if (is_stopping(session->client)) {
            postgres_fail(session, CLIENT_STOPPED, "was left: the server is stopping");
            return false;
        }
    }
    return is_within_limit(session);
}

/* Warnings would be printed to our standard error. */
static void drop_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

/* The deadline bounds the turns: each waits for the socket. */
static bool sign_in(struct postgres_session *session)
{
    PostgresPollingStatusType polling = PGRES_POLLING_WRITING;
    session->status = CONNECTION_STARTED;
    libpq.setNoticeProcessor(session->connection, drop_notice, NULL);
    libpq.setErrorVerbosity(session->connection, PQERRORS_VERBOSE);
    if (libpq.status(session->connection) == CONNECTION_BAD)
        polling = PGRES_POLLING_FAILED;
    while (polling != PGRES_POLLING_OK && polling != PGRES_POLLING_FAILED) {
        session->status = libpq.status(session->connection);
        bool standing =
            session->status > CONNECTION_MADE && session->status != CONNECTION_SSL_STARTUP;
        if (!await(session, polling == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                   standing ? session->request->deadline_ms : session->connect_end_ms))
            return false;
        polling = libpq.connectPoll(session->connection);
    }
    if (polling == PGRES_POLLING_FAILED) {
        postgres_classify(session, libpq.errorMessage(session->connection));
        return false;
    }
    session->status = CONNECTION_OK;
    return true;
}

/* Sends what is left and reads until a result is whole. */
static bool await_result(struct postgres_session *session)
{
    int64_t until_ms = session->request->deadline_ms;
    int unsent = libpq.flush(session->connection);
    while (unsent > 0 || (unsent == 0 && libpq.isBusy(session->connection))) {
        if (!await(session, (short)(POLLIN | (unsent ? POLLOUT : 0)), until_ms))
            return false;
        if (!libpq.consumeInput(session->connection))
            unsent = -1;
        else if (unsent > 0)
            unsent = libpq.flush(session->connection);
    }
    if (unsent == 0)
        return is_within_limit(session); /* libpq may have read past it in one go */
    postgres_fail(session, CLIENT_BROKEN, "ended the conversation");
    return false;
}

static void read_result(struct postgres_session *session, const struct pg_result *result)
{
    struct postgres_response *response = session->response;
    const char *sqlstate = libpq.resultErrorField(result, PG_DIAG_SQLSTATE);
    if (libpq.resultStatus(result) == PGRES_TUPLES_OK && libpq.ntuples(result) == 1 &&
        libpq.nfields(result) == 1 && strcmp(libpq.getvalue(result, 0, 0), "1") == 0) {
        response->result = POSTGRES_ACCEPTED;
    } else if (sqlstate) {
        response->result = POSTGRES_REFUSED;
        response->sqlstate = postgres_message(session, sqlstate);
        response->message =
            postgres_message(session, libpq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    } else {
        postgres_fail(session, CLIENT_BROKEN, "does not answer SELECT 1 with 1");
    }
}

static void prove(struct postgres_session *session)
{
    if (libpq.setnonblocking(session->connection, 1) != 0 ||
        !libpq.sendQuery(session->connection, "SELECT 1")) {
        postgres_fail(session, CLIENT_BROKEN, "ended the conversation");
        return;
    }
    if (!await_result(session))
        return;
    struct pg_result *result = libpq.getResult(session->connection);
    if (result)
        read_result(session, result);
    else
        postgres_fail(session, CLIENT_BROKEN, "does not answer SELECT 1");
    libpq.clear(result);
}

void postgres_converse(struct postgres_session *session)
{
    session->status = CONNECTION_STARTED;
    if (!start(session))
        postgres_fail(session, CLIENT_BROKEN, "was not called: libpq has no memory left");
    else if (sign_in(session))
        prove(session);
    libpq.finish(session->connection);
}
