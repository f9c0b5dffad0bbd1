/* Signing in to a database that speaks PostgreSQL's protocol, through the same one door as every
 * call (net/client/client.h): its egress policy, its sandbox mode, its certificates. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "net/client/client.h"

#include <stdint.h>

enum {
    POSTGRES_BYTES_MAX = 256 * 1024, /* that a server may send in one conversation, about */
    POSTGRES_TEXT_MAX = 2048,        /* bytes of a name, a user or a password */
    POSTGRES_MESSAGE_MAX = 4096,     /* bytes of a server's message; the rest is cut */
};

enum postgres_tls {
    POSTGRES_TLS_FULL, /* a trusted certificate for this host */
    POSTGRES_TLS_CA,   /* a trusted certificate for any */
    POSTGRES_TLS_ANY,  /* encrypted, to whomever */
    POSTGRES_TLS_OFF,
};

struct postgres_request {
    struct str host; /* a name, or an address without brackets */
    int port;
    struct str database;
    struct str user;
    struct str password;
    enum postgres_tls tls;
    int64_t deadline_ms; /* on clock_mono_ms() */
};

enum postgres_result {
    POSTGRES_ACCEPTED,       /* signed in, and SELECT 1 was answered with 1 */
    POSTGRES_REFUSED,        /* the server's `sqlstate` and `message` say why */
    POSTGRES_UNKNOWN_METHOD, /* the server requires an authentication that libpq does not know */
    POSTGRES_FAILED,         /* `outcome` and `detail` say why, as for the next two */
    POSTGRES_NO_TLS,         /* required, but the server has none */
    POSTGRES_STRANGER,       /* another protocol is spoken there */
};

struct postgres_response {
    enum postgres_result result;
    struct str sqlstate; /* five characters; STR_NULL when the server gave none */
    struct str message;  /* the server's message, which may be any bytes */
    /* As in struct client_response: CLIENT_OK only with the first three. */
    enum client_outcome outcome;
    bool connected;
    const char *detail;
};

/* Connects to one address after the other until one takes the connection, signs in, proves it with
 * SELECT 1, and closes. Waits; never on an event loop. libpq.so.5 is loaded at the first call;
 * without it every call ends in CLIENT_BROKEN that says so. Trusted are the
 * client's certificates (net/client/trust.h). It goes through no HTTP proxy. */
void postgres_sign_in(struct client *client, struct arena *arena,
                      const struct postgres_request *request,
                      struct postgres_response *ret_response);
