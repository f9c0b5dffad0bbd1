/* The outbound HTTP client. One thread owns every outbound connection and TLS session (libcurl's
 * multi interface on a libuv loop); a caller posts a transfer and waits for it.
 *
 * A body is either in memory (CLIENT_BODY_MAX bytes of a response, or the call's own limit) or
 * streamed: a request's body is pulled from a client_source and a response's body is pushed to a
 * client_sink, through one ring buffer of fixed size for each direction. A full ring pauses reading
 * from the peer, an empty one pauses sending, so a slow source or sink slows the peer down and
 * memory stays flat whatever the size. Sources, sinks and the decoding of compressed responses run
 * on the caller's thread and never hold up another transfer.
 *
 * Every address is checked by net/egress when it is connected to, except those of the operator's
 * private routes and of the operator's proxy; no redirect is followed. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/str.h"
#include "net/client/proxy.h"
#include "net/client/trust.h"
#include "net/egress.h"
#include "net/http1/parser.h"
#include "net/private_routes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct client;

extern const struct metric metric_client_calls; /* by connection: new, reused, none */

enum {
    CLIENT_URL_MAX = 16 * 1024,    /* bytes */
    CLIENT_BODY_MAX = 1024 * 1024, /* bytes of a response's body in memory, decoded, unless the call
                                      has a limit of its own */
    CLIENT_RING_SIZE = 256 * 1024, /* bytes on their way, for each direction that is streamed */
    CLIENT_HEADERS_MAX = 64 * 1024, /* bytes of a response's headers, trailers, interim responses */
    CLIENT_HEADER_COUNT_MAX = 200,
    /* Bytes that a call may receive beyond headers and body: TLS, chunks' sizes and extensions. */
    CLIENT_RECEIVED_EXTRA_MAX = 64 * 1024,
    /* Decoded bytes for each byte received, once more than CLIENT_BODY_MAX were decoded: JSON
     * compresses 5 to 20 times, a decompression bomb 1,000 times. */
    CLIENT_DECODED_RATIO_MAX = 100,
    CLIENT_CONNECT_TIMEOUT_MS = 10 * 1000, /* look-up, connection and TLS handshake together */
    CLIENT_CONNECTIONS_KEPT = 128,         /* open and unused, over all hosts */
    CLIENT_IDLE_MAX_S = 30,                /* a connection unused for longer is not used again */
    CLIENT_CONNECTION_AGE_MAX_S = 300,     /* nor an older one, so that a moved host is noticed */
    CLIENT_WATCH_MS = 1000,
    CLIENT_DNS_CACHE_S = 30, /* older look-ups are forgotten after each call, which bounds them */
};

struct client_config {
    const struct egress *egress; /* outlives the client */
    struct trust_config trust;   /* which certificates are trusted */
    /* Calls over https go through it, except over private routes, in sandbox mode, and to hosts in
     * `proxy_exceptions` (see proxy_excepts). Of the egress policy then counts what the URL's host
     * shows (egress_allows_host), as the proxy resolves its name; the proxy's own address may be
     * any but one that hands out credentials. NULL: no proxy. Both outlive the client. */
    const struct proxy *proxy;
    struct str proxy_exceptions;
    /* In sandbox mode: every connection goes to 127.0.0.1 at one of these ports, whatever the host
     * and its port; host name, SNI and Host header stay as asked, no name is looked up, and
     * `egress` is not asked: that address is the only one. The first two 0: not in sandbox mode. */
    int sandbox_tls_port;
    int sandbox_plain_port;
    int sandbox_postgres_port; /* for a connection in a database protocol */
    long connect_timeout_ms;   /* 0: CLIENT_CONNECT_TIMEOUT_MS */
};

/* ERR_VALIDATION when a file of certificates cannot be read, see trust_open. Thread and libcurl
 * start with the first call, so that a server that makes no calls stays small; libcurl.so.4 is
 * loaded then too, and without it every call ends in CLIENT_BROKEN that says so. */
_must_use_ bool client_start(const struct client_config *config, struct client **ret_client,
                             struct error *error);
/* Waiting callers get CLIENT_STOPPED, and so does every later call. Ends the thread. */
void client_stop(struct client *client);
void client_free(struct client *client); /* stops it first; no call may be under way */

struct client_response;

/* A request body that is not in memory. Runs on the caller's thread and may wait; the deadline does
 * not interrupt it, but once it returns the call ends. It must not use the call's arena. */
struct client_source {
    /* Puts 1 to `size` bytes into `out` and returns how many; 0: the end; -1: the call is to be
     * aborted. Called until it returns 0, or gave `length` bytes, or the call ends. */
    ssize_t (*pull)(void *context, char *out, size_t size);
    void *context;
    int64_t length; /* bytes in all; -1: unknown, so the body is sent chunked (RFC 9112, 7.1) */
};

/* Takes a response's body. Runs on the caller's thread and may wait, with the same rules as a
 * source. */
struct client_sink {
    /* Status and headers, before the first byte of the body. False: abort. NULL: not wanted. */
    bool (*head)(void *context, const struct client_response *response);
    /* The next bytes, decoded. False: abort. An incomplete body is known as such only by the
     * outcome of the call. */
    bool (*push)(void *context, struct str bytes);
    void *context;
    int64_t size_max; /* decoded bytes; more end the call with CLIENT_TOO_LARGE. 0: no limit */
};

/* Asked on the caller's thread while a call is under way, about each CLIENT_WATCH_MS, but not while
 * a source or a sink has the thread. False: the call ends with CLIENT_ABORTED. It may wait. */
struct client_watch {
    bool (*goes_on)(void *context);
    void *context;
};

/* Sent are "METHOD path HTTP/1.1", Host, User-Agent, Accept (anything, unless a header says
 * otherwise), Accept-Encoding, the headers in order, and Content-Length. Any method but HEAD may
 * carry a body; POST, PUT and PATCH always have one, if only of 0 bytes. There is no Content-Type
 * but the caller's. */
struct client_request {
    struct str method; /* "GET", "POST", … */
    struct str url;    /* absolute, http or https */
    /* Host, Content-Length, Transfer-Encoding, Connection and Expect are refused; a User-Agent or
     * an Accept-Encoding replaces our own. Nothing in them, nor the body, is left in memory that
     * libcurl has used; the caller's arena holds a copy of the headers and the URL. */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    const struct client_source *source; /* the body instead of `body`; NULL: `body` */
    const struct client_sink *sink;     /* NULL: the response's body is collected in memory */
    int64_t deadline_ms;                /* on clock_mono_ms(); the whole call ends by then */
    /* The operator's private route to the host: the egress policy is not asked, only addresses that
     * hand out a machine's own credentials stay closed. In sandbox mode the sandbox stands at its
     * end too. NULL: the public route. The two never share a connection. */
    const struct private_route *route;
    bool fresh; /* over a new connection: the peer may be closing a kept one just now, and then it
                   is unknown whether it read the request */
    bool opened_only; /* over http, only addresses that the egress list names are connected to */
    /* What the caller makes of a response in memory takes so many times its body's bytes of the
     * arena. Room for that is asked for as the body comes, so that a response which was taken in
     * can be read, too. */
    unsigned copies;
    bool keeps_coding; /* no content coding is asked for, and none is decoded */
    size_t body_max;   /* bytes of a response in memory, decoded; 0: CLIENT_BODY_MAX */
    const struct client_watch *watch; /* NULL: the call is not given up */
};

/* How far a call came. Only CLIENT_OK has a response to read. */
enum client_outcome {
    CLIENT_OK,        /* a complete response of any status */
    CLIENT_BAD_URL,   /* not absolute, not http(s), userinfo in it; or method or headers unfit */
    CLIENT_RESOLVE,   /* no address for the host name */
    CLIENT_BUSY,      /* its account has as many look-ups of host names as it may */
    CLIENT_REFUSED,   /* the egress policy does not let us go there */
    CLIENT_CONNECT,   /* no connection */
    CLIENT_PROXY,     /* the operator's proxy did not answer, or refused to connect to the host */
    CLIENT_TLS,       /* handshake or certificate */
    CLIENT_TIMEOUT,   /* the deadline passed; `connected` says where */
    CLIENT_BROKEN,    /* ended mid-response, not HTTP, or in a content coding that is not known */
    CLIENT_TOO_LARGE, /* past the limit of the body, CLIENT_HEADERS_MAX, CLIENT_RECEIVED_EXTRA_MAX,
                         size_max or the decoded ratio */
    CLIENT_NO_MEMORY, /* the arena had no room for the response, see arena_has_room */
    CLIENT_ABORTED,   /* the caller's own source, sink or watch ended it */
    CLIENT_STOPPED,   /* the server is stopping */
};

/* Where the time of a call went, in microseconds; 0: it did not come to that. What failed has the
 * time until it failed. */
struct client_times {
    int64_t resolve_us;  /* none over a connection that was kept */
    int64_t connect_us;  /* likewise */
    int64_t tls_us;      /* likewise */
    int64_t exchange_us; /* request and response */
};

struct client_response {
    enum client_outcome outcome;
    int status;
    const struct http_header *headers;
    size_t header_count;
    struct str body; /* STR_NULL with a sink */
    bool connected;  /* a connection was there before it failed */
    bool sent;       /* sending the request began: the peer may have it, or part of it */
    bool reused;     /* an earlier connection was used again */
    /* A clause for outcome != CLIENT_OK, without a full stop; once a call was tried it names the
     * URL's host and port: "timed out waiting for acme.example:8443". It never holds the URL's path
     * or query, a header, or text of the peer. */
    const char *detail;
    struct client_times times;
};

/* Waits until the response is complete; safe from any number of threads. Memory of the response is
 * the arena's, which must not be used by another thread meanwhile, nor another of its meter. Header
 * names and values are as the peer sent them, any byte but line breaks; trailers are dropped. A
 * body in gzip or deflate, which are what Accept-Encoding asks for, is decoded; Content-Encoding
 * and Content-Length still tell of the body as it was sent.
 *
 * Only GET and HEAD without a source are sent a second time when a kept connection turns out to be
 * dead; what changes something is never repeated here, since the peer may have seen it. */
void client_call(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response);
/* Counts a call in metric_client_calls that another process made for this one. */
void client_count(const struct client_response *response);
/* What takes its place where calls are made otherwise. */
typedef void client_call_fn(struct client *client, struct arena *arena,
                            const struct client_request *request,
                            struct client_response *ret_response);

/* Whether the operator opened a URL's host for calls in clear: the egress list names every address
 * that it has. In sandbox mode any host is. Waits for the look-up of a name, until the deadline on
 * clock_mono_ms() at most. ret_busy: it is unknown, as the account has its share of
 * look-ups. */
bool client_opens(const struct client *client, struct str account, struct str host,
                  int64_t deadline_ms, bool *ret_busy);

/* First header of that name, case-insensitive; NULL when absent. */
const struct str *client_header(const struct client_response *response, struct str name);
