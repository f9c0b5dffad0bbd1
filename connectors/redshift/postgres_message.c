/* What libpq tells when a connection does not come about is one text: the server's own error with
 * its SQLSTATE (libpq was asked to be verbose), or libpq's own message, which is English unless a
 * locale is set. */
#include "connectors/redshift/postgres_internal.h"
#include "net/client/internal.h"

#include <ctype.h>
#include <string.h>

struct postgres_row {
    const char *text;
    enum postgres_result result;
    enum client_outcome outcome;
    const char *clause;
};

#define NOT_POSTGRES "does not speak PostgreSQL's protocol"

enum { ROW_UNTRUSTED = 1 };

static const struct postgres_row rows[] = {
    {"does not support SSL", POSTGRES_NO_TLS, CLIENT_TLS, "offers no TLS"},
    [ROW_UNTRUSTED] = {"certificate verify failed", POSTGRES_FAILED, CLIENT_TLS,
                       "shows a certificate that is not trusted here"},
    {"does not match host name", POSTGRES_FAILED, CLIENT_TLS,
     "shows a certificate for another host name"},
    {"host name from server certificate", POSTGRES_FAILED, CLIENT_TLS,
     "shows a certificate without a host name"},
    {"root certificate file", POSTGRES_FAILED, CLIENT_TLS,
     "was not asked for its certificate: this system's trusted certificates were not found"},
    {"response to SSL negotiation", POSTGRES_STRANGER, CLIENT_BROKEN, NOT_POSTGRES},
    {"expected authentication request", POSTGRES_STRANGER, CLIENT_BROKEN, NOT_POSTGRES},
    {"Connection refused", POSTGRES_FAILED, CLIENT_CONNECT,
     "does not take connections: Connection refused"},
    {"No route to host", POSTGRES_FAILED, CLIENT_CONNECT,
     "does not take connections: No route to host"},
    {"Network is unreachable", POSTGRES_FAILED, CLIENT_CONNECT,
     "does not take connections: Network is unreachable"},
};

struct str postgres_message(struct postgres_session *session, const char *text)
{
    size_t len = text ? strnlen(text, POSTGRES_MESSAGE_MAX) : 0;
    const char *end = text ? memchr(text, '\n', len) : NULL;
    return arena_copy(session->arena, (struct str){text, end ? (size_t)(end - text) : len});
}

static bool is_sqlstate(const char *text)
{
    for (size_t i = 0; i < 5; i++) {
        if (!isupper((unsigned char)text[i]) && !isdigit((unsigned char)text[i]))
            return false;
    }
    return text[5] == ':' && text[6] == ' ';
}

/* "…FATAL:  28P01: password authentication failed for user "x"\nLOCATION: …"; a server older than
 * SQLSTATEs says "FATAL:  no such user". The severity may be in the server's language. */
static bool read_refusal(struct postgres_session *session, const char *text)
{
    struct postgres_response *response = session->response;
    const char *at = strstr(text, ":  ");
    if (!at)
        return false;
    at += 3;
    if (strnlen(at, 7) == 7 && is_sqlstate(at)) {
        response->sqlstate = arena_copy(session->arena, (struct str){at, 5});
        at += 7;
    } else if (!strstr(text, "FATAL:  ")) {
        return false;
    }
    response->result = POSTGRES_REFUSED;
    response->message = postgres_message(session, at);
    return true;
}

static void classify_by_status(struct postgres_session *session)
{
    if (session->status <= CONNECTION_STARTED)
        postgres_fail(session, CLIENT_CONNECT, "does not take connections");
    else if (session->status == CONNECTION_SSL_STARTUP)
        postgres_fail(session, CLIENT_TLS, "does not complete the TLS handshake");
    else
        postgres_fail(session, CLIENT_BROKEN, "ended the conversation");
}

/* No trusted authority has signed the certificate: it matters which are trusted. */
static const char *clause_of(const struct postgres_session *session, const struct postgres_row *row)
{
    const char *origin = session->client ? session->client->trust.origin : NULL;
    if (row != &rows[ROW_UNTRUSTED] || !origin)
        return row->clause;
    return arena_printf(session->arena,
                        "%s (trusted are the authorities in %s; the operator can add one with "
                        "--vendor-ca)",
                        row->clause, origin)
        .data;
}

void postgres_classify(struct postgres_session *session, const char *text)
{
    bool signing_in = session->status > CONNECTION_MADE;
    if (signing_in && read_refusal(session, text))
        return;
    if (strstr(text, "authentication method") || strstr(text, "SASL authentication mechanism")) {
        session->response->result = POSTGRES_UNKNOWN_METHOD;
        return;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strstr(text, rows[i].text)) {
            postgres_fail(session, rows[i].outcome, clause_of(session, &rows[i]));
            session->response->result = rows[i].result;
            return;
        }
    }
    classify_by_status(session);
}
