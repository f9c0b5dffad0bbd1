/* Calls to vendors: one thread owns every outbound connection and TLS session (libcurl's multi
 * interface on a libuv loop); a worker posts a transfer and waits. One door out: every address is
 * checked by net/egress when it is connected to, save those of the operator's private routes; no
 * redirect is ever followed. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "net/egress.h"
#include "net/http1/parser.h"
#include "net/private_routes.h"

#include <stdbool.h>
#include <stdint.h>

struct client;

enum {
    CLIENT_URL_MAX = 8 * 1024,      /* bytes */
    CLIENT_BODY_MAX = 1024 * 1024,  /* bytes of an answer's body */
    CLIENT_HEADERS_MAX = 64 * 1024, /* bytes of an answer's headers, trailers and interim answers */
    CLIENT_HEADER_COUNT_MAX = 200,
    CLIENT_CONNECT_TIMEOUT_MS = 10 * 1000, /* look-up, connection and TLS handshake together */
    CLIENT_CONNECTIONS_KEPT = 128,         /* open and unused, over all hosts */
    CLIENT_IDLE_MAX_S = 30,                /* a connection unused for longer is not used again */
    CLIENT_CONNECTION_AGE_MAX_S = 300,     /* nor an older one, so that a moved host is noticed */
    CLIENT_DNS_CACHE_S = 30, /* older look-ups are forgotten after each call, which bounds them */
    CLIENT_CA_MAX = 1024 * 1024, /* bytes of certificates in PEM */
};

struct client_config {
    const struct egress *egress; /* outlives the client */
    struct str ca_pem; /* certificates to trust instead of the system's; STR_NULL: the system's */
    /* In sandbox mode: every connection goes to 127.0.0.1 at one of these ports, whatever the host
     * and its port; host name, SNI and Host header stay as asked, no name is looked up, and
     * `egress` is not asked: that address is the only one. The first two 0: not in sandbox mode. */
    int sandbox_tls_port;
    int sandbox_plain_port;
    int sandbox_postgres_port; /* for a connection in a database protocol */
};

/* ERR_VALIDATION when ca_pem holds no certificate. Thread and libcurl start with the first call, so
 * that a server that calls nobody stays small; libcurl.so.4 is loaded then too, and without it
 * every call ends in CLIENT_BROKEN that says so. */
bool client_start(const struct client_config *config, struct client **ret_client,
                  struct error *error);
/* Waiting callers get CLIENT_STOPPED, and so does every call from now on. Ends the thread. */
void client_stop(struct client *client);
void client_free(struct client *client); /* stops it first; no call may be under way */

/* What is sent: "METHOD path HTTP/1.1", Host, User-Agent, an Accept of anything unless a header
 * says otherwise, the headers in order, Content-Length. A body may go with any method but HEAD;
 * POST, PUT and PATCH have one always, of 0 bytes if need be. No Content-Type that was not asked
 * for. */
struct client_request {
    struct str method; /* "GET", "POST", … */
    struct str url;    /* absolute, http or https */
    /* Beyond Host, Content-Length, Transfer-Encoding, Connection and Expect, which are refused; a
     * User-Agent replaces our own. Nothing in them, nor the body, is left in memory that libcurl
     * has used; the caller's arena holds a copy of the headers and the URL. */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    int64_t deadline_ms; /* on clock_mono_ms(); the whole exchange ends by then */
    /* The operator's private way there, which he vouches for: the egress policy is not asked, only
     * addresses that hand out a machine's own credentials stay closed. In sandbox mode the sandbox
     * stands at its end too. NULL: the public way. Connections of the two are never shared. */
    const struct private_route *route;
    bool fresh; /* over a connection of its own: one that was kept may be closed just now by the
                   peer, and then nobody knows whether he read the request */
};

/* How far a call came. Only CLIENT_OK has an answer to read. */
enum client_outcome {
    CLIENT_OK,        /* a complete answer of any status */
    CLIENT_BAD_URL,   /* not absolute, not http(s), userinfo in it; or method or headers unfit */
    CLIENT_RESOLVE,   /* no address for the host name */
    CLIENT_REFUSED,   /* the egress policy does not let us go there */
    CLIENT_CONNECT,   /* nobody answered */
    CLIENT_TLS,       /* handshake or certificate */
    CLIENT_TIMEOUT,   /* the deadline passed; `connected` says where */
    CLIENT_BROKEN,    /* ended mid-answer, or not HTTP */
    CLIENT_TOO_LARGE, /* past CLIENT_BODY_MAX or CLIENT_HEADERS_MAX */
    CLIENT_STOPPED,   /* the server is stopping */
};

struct client_response {
    enum client_outcome outcome;
    int status;
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    bool connected; /* a connection was there before it failed */
    bool sent;      /* the request was begun to be sent: the peer may have it, or part of it */
    bool reused;    /* an earlier connection was used again */
    /* A clause for outcome != CLIENT_OK, without a full stop; once a call was tried it begins with
     * the URL's host and port: "acme.example:8443 does not take connections: Connection refused".
     * It never holds the URL's path or query, a header, or words of the peer. */
    const char *detail;
};

/* Waits until the answer is there; safe from any number of threads. Memory of the answer is the
 * arena's, which nobody else may use meanwhile. The answer's header names and values are as the
 * peer sent them, any byte but line breaks; trailers are dropped, content codings are left as they
 * are.
 *
 * Only GET and HEAD are sent a second time when a kept connection turns out to be dead; what
 * changes something is never repeated here, since the peer may have seen it. */
void client_call(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response);

/* First header of that name, case-insensitive; NULL when absent. */
const struct str *client_header(const struct client_response *response, struct str name);
