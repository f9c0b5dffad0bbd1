/* Calls to vendors: one thread owns every outbound connection and TLS session (libcurl's multi
 * interface on a libuv loop); a worker posts a transfer and waits. One door out: every address is
 * checked by net/egress when it is connected to; no redirect is ever followed. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"
#include "net/egress.h"
#include "net/http1.h"

#include <stdbool.h>
#include <stdint.h>

struct client;

enum {
    CLIENT_BODY_MAX = 1024 * 1024, /* bytes of an answer's body */
    CLIENT_HEADERS_MAX = 64 * 1024,
    CLIENT_CONNECT_TIMEOUT_MS = 10 * 1000,
};

struct client_config {
    const struct egress *egress;
    struct str ca_pem; /* PEM certificates to trust instead of the system's; STR_NULL: the system's */
    /* In sandbox mode: every connection goes to 127.0.0.1 at one of these ports, whatever the
     * host; host name, SNI and Host header stay as asked. 0: not in sandbox mode. */
    int sandbox_tls_port;
    int sandbox_plain_port;
};

bool client_start(const struct client_config *config, struct client **ret_client,
                  struct error *error);
void client_stop(struct client *client); /* waiting callers get CLIENT_STOPPED; joins and frees */

struct client_request {
    struct str method; /* "GET", "POST", … */
    struct str url;    /* absolute, http or https */
    const struct http_header *headers; /* beyond Host, Content-Length and User-Agent */
    size_t header_count;
    struct str body;
    int64_t deadline_ms; /* on clock_mono_ms(); the whole exchange ends by then */
};

/* How far a call came. Only CLIENT_OK has an answer to read. */
enum client_outcome {
    CLIENT_OK,        /* a complete answer of any status */
    CLIENT_BAD_URL,   /* not absolute, not http(s), userinfo in it */
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
    bool connected;     /* a connection was there before it failed */
    bool reused;        /* an earlier connection was used again */
    const char *detail; /* in words, for outcome != CLIENT_OK; never holds the URL's query */
};

/* Waits until the answer is there. Memory of the answer is the arena's. */
void client_call(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response);

/* First header of that name, case-insensitive; NULL when absent. */
const struct str *client_header(const struct client_response *response, struct str name);
