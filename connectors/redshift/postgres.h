/* What signing in to a database that speaks PostgreSQL's protocol needs, and what comes of it. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "connectors/redshift/sql_rows.h"
#include "net/client/client.h"

#include <stdint.h>

enum {
    POSTGRES_BYTES_MAX = 256 * 1024,      /* that a server may send in one conversation, about */
    POSTGRES_ROWS_MAX = 16 * 1024 * 1024, /* the same when a query's rows are wanted */
    POSTGRES_TEXT_MAX = 2048,             /* bytes of a name, a user or a password */
    POSTGRES_MESSAGE_MAX = 4096,          /* bytes of a server's error message; the rest is cut */
};

enum postgres_tls {
    POSTGRES_TLS_FULL, /* a trusted certificate for this host */
    POSTGRES_TLS_CA,   /* a trusted certificate for any */
    POSTGRES_TLS_ANY,  /* encrypted, to whomever */
    POSTGRES_TLS_OFF,
};

struct postgres_request {
    struct str account; /* AWS account, whose share of look-ups counts */
    struct str host;    /* a name, or an address without brackets */
    int port;
    struct str database;
    struct str user;
    struct str password;
    enum postgres_tls tls;
    struct sql_rows *rows; /* what is asked for; NULL: SELECT 1, which proves the sign-in */
    int64_t deadline_ms;   /* on clock_mono_ms() */
    const struct client_watch *watch; /* NULL: it is not given up */
};

enum postgres_result {
    POSTGRES_ACCEPTED,       /* signed in, and the query was answered */
    POSTGRES_REFUSED,        /* the server's `sqlstate` and `message` say why */
    POSTGRES_UNKNOWN_METHOD, /* the server requires an authentication that is not known here */
    POSTGRES_COSTLY,         /* the server asks for more SCRAM iterations than are computed */
    POSTGRES_WEAK,     /* an unverified server asks for too few, which would give a hash of the
                          password that is cheap to guess from */
    POSTGRES_FAILED,   /* `outcome` and `detail` say why, as for the next two */
    POSTGRES_NO_TLS,   /* required, but the server has none */
    POSTGRES_STRANGER, /* another protocol is spoken there */
};

struct postgres_response {
    enum postgres_result result;
    struct str sqlstate; /* five characters; STR_NULL when the server gave none */
    struct str message;  /* the server's message, which may be any bytes */
    bool unsure; /* of POSTGRES_REFUSED: SCRAM, and the password may be stored in another form */
    int method;  /* of POSTGRES_UNKNOWN_METHOD: what AuthenticationRequest has */
    /* As in struct client_response: CLIENT_OK only with the first five. */
    enum client_outcome outcome;
    bool connected;
    const char *detail; /* unless the first three; it begins with host and port */
};
