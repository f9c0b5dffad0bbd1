/* The HTTP server: event loops, one a core, that share a port; connections; requests in, answers
 * out. A handler runs on its connection's loop and must not wait; it answers at once or later. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/str.h"
#include "net/egress.h"
#include "net/http1/parser.h"
#include "work/memory_limit.h"

#include <stdbool.h>
#include <stdint.h>

struct server;
struct server_loop;

/* The server answers by itself what is not a request (400, 408, 413, 414, 417, 421, 431, 505) and,
 * with 429, what is past its limits; http_refuse_hook writes these answers. Requests of one
 * connection are handed to the handler one after the other.
 *
 * One request and its answer. Lives in the connection until answered; when the client goes away
 * earlier, it lives until the thread that deferred it has answered, and the answer is dropped. */
struct http_exchange {
    struct http_head head; /* slices live as long as the exchange */
    struct str body;       /* decoded, at most body_max bytes */
    struct arena arena;    /* the request's memory; wiped after the answer was written */
    struct server_loop *loop;
    bool over_tls;
    struct str tls_server_name; /* SNI, or STR_NULL */
    void *user;                 /* the handler's own */
};

struct http_response {
    int status;
    const struct http_header
        *headers; /* Content-Length, Date and Connection are the server's own */
    size_t header_count;
    struct str body; /* copied before http_respond returns; to HEAD its length alone is used */
    /* Reserved for the body until the client has taken it; http_respond takes it over. NULL: the
     * body counts for no account. Its meter has no arena any more. */
    struct memory_reservation *memory;
};

typedef void http_handler(void *context, struct http_exchange *exchange);

/* A request that the server refuses by itself. */
struct http_refusal {
    int status;
    const char *message; /* a sentence in ASCII that tells nothing of the request's content */
};

/* Sets headers and body of the answer to a refused request, in the form that the server's clients
 * read; memory comes from `arena`. On the connection's loop; must not wait. The status stays. */
typedef void http_refuse_hook(void *context, const struct http_refusal *refusal,
                              struct arena *arena, struct http_response *ret_response);

struct server_config {
    const char *host; /* a literal IPv4 or IPv6 address */
    int port;         /* 0: the system picks one, see server_port */
    /* Listening sockets that a service manager holds too, instead of host and port: connections
     * that were not accepted yet outlive this server, and wait for the next one. Each loop takes a
     * copy of one; there are at least as many loops as sockets. Needed until server_start returns.
     */
    const int *inherited;
    int inherited_count;
    int loops; /* how many threads; 0: one a core */
    http_handler *handler;
    http_refuse_hook *refuse;  /* NULL: the message as plain text */
    void *handler_context;     /* for the handler, the refuse hook and the hooks below */
    const char *tls_cert_path; /* PEM chain; NULL: plain HTTP */
    const char *tls_key_path;
    /* For a stand-in that speaks for any host: called at each handshake on the loop's thread with
     * the SNI name ("" when there is none), as the client sent it; returns an SSL_CTX that holds
     * its certificate and key, or NULL to refuse. The caller keeps it as long as the server lives;
     * protocol versions and ciphers are the server's. Used instead of the paths. */
    void *(*tls_context_for)(void *context, const char *server_name);
    void *tls_context_for_context;
    size_t body_max; /* bytes; 0: HTTP_BODY_MAX */
    /* Over all loops; 0: 10,240. Past it a connection is answered 429 and closed; far past it, it
     * is closed at once. */
    size_t connections_max;
    /* A client's address may hold as many connections as it leaves free, or is answered 429; one
     * without a valid signature (http_client_is_known) that waits for a request, longest of all, is
     * closed when there is no room for a newer one. */
    bool shares_connections;
    const struct egress *shared_addresses; /* without a share: its list; NULL: none; not copied */
    /* Buffers larger than a usual request's count against it, over all connections. While they hold
     * more than it has left, such a request is answered 429. NULL: 256 MiB of its own. */
    struct memory_limit *memory;
    int64_t head_timeout_ms;  /* 0: 10 s. First byte to last byte of a head, then 408 and close;
                               * likewise a TLS handshake, then close */
    int64_t body_timeout_ms;  /* 0: 30 s. End of head to end of body, then 408 and close */
    int64_t idle_timeout_ms;  /* 0: 75 s. Before the first and between requests */
    int64_t first_timeout_ms; /* 0: 5 s. The same without a valid signature, with shares */
    int64_t write_timeout_ms; /* 0: 30 s. A client that does not take its answer is reset */
    /* Optional hooks on each loop's thread: each time before it waits for events (the end of an
     * iteration, to close what was opened for it), and once at its end. */
    void (*on_iteration)(void *context, struct server_loop *loop);
    void (*on_loop_end)(void *context, struct server_loop *loop);
};

/* Binds and starts the threads; on return the port answers. The config is copied. Fails with
 * ERR_VALIDATION (address, certificate, key) or ERR_UNAVAILABLE (the port is taken, say). Threads
 * of the server take no signals. */
_must_use_ bool server_start(const struct server_config *config, struct server **ret_server,
                             struct error *error);
int server_port(const struct server *server);
const char *server_host(const struct server *server); /* its address as text */

extern const struct metric metric_connections_throttled; /* of servers with shares_connections */
extern const struct metric metric_connections_evicted;

struct server_counts {
    size_t connections_open;
    size_t large_bytes; /* in buffers larger than a usual request's, for no account */
    uint64_t refused;   /* what the server answered by itself because it was no request */
};
struct server_counts server_counts(const struct server *server);

/* Whether a certificate chain and its key can be served, before anything is started.
 * ERR_VALIDATION says which file is wrong and why. */
_must_use_ bool server_check_tls(const char *cert_path, const char *key_path, struct error *error);

/* Reads certificate and key again; open connections keep what they have. A bad file changes
 * nothing. Safe from any thread. */
_must_use_ bool server_reload_tls(struct server *server, struct error *error);

/* Refuses new connections, closes idle ones, answers what was accepted (with Connection: close),
 * then ends the threads. With inherited sockets it accepts no more at once, and leaves connections
 * that are idle a moment in which their next request is still answered, so that clients that keep
 * sending see Connection: close and never a broken connection. True if
 * all ended within `limit_ms`. False if not: connections were cut, and delays of http_post end at
 * once, but a loop runs until every deferred exchange was answered. Not from a loop's
 * thread. */
bool server_stop(struct server *server, int64_t limit_ms);

/* Stops with a limit of 0 if that was not done, waits for the threads, hence for every deferred
 * exchange, and frees. So stop the threads that hold exchanges between server_stop and server_free.
 * NULL is fine. */
void server_free(struct server *server);

/* Answers. On the exchange's own loop only, once. The exchange is gone afterwards, and what the
 * response pointed to is not needed any more. Statuses are 200 to 999; control characters in
 * headers become spaces; answers to HEAD, 204 and 304 are sent without a body. */
void http_respond(struct http_exchange *exchange, const struct http_response *response);

/* Frees and wipes the body, which a handler no longer needs once it has read it: a request that
 * waits then takes no memory for its bytes. The head stays. On the exchange's own loop only. */
void http_release_body(struct http_exchange *exchange);

/* The client's address and port, "127.0.0.1:4711" or "[::1]:4711", in the exchange's arena; "?"
 * when its connection is gone. On the exchange's own loop only. */
struct str http_client_address(struct http_exchange *exchange);
/* The same without port and brackets. */
struct str http_client_host(struct http_exchange *exchange);

/* A valid signature was seen: the connection keeps its place among shares_connections. On the
 * exchange's own loop only. */
void http_client_is_known(struct http_exchange *exchange);

/* Writes bytes as they are (inside TLS if it is TLS), then resets the connection: for a stand-in
 * that misbehaves. */
void http_respond_broken(struct http_exchange *exchange, struct str bytes);

/* Runs `answer(argument)` on the exchange's loop, after at least `delay_ms`. This is how another
 * thread (or a stand-in that is slow on purpose) answers: the only call that is allowed from other
 * threads is this one with delay_ms 0, and it must be that thread's last touch of the exchange.
 * Never waits, and never calls `answer` itself. */
void http_post(struct http_exchange *exchange, int64_t delay_ms, void (*answer)(void *argument),
               void *argument);

/* Runs `go_on(argument)` on the exchange's loop, where this is called, after what has come in over
 * other connections: for what takes long enough that others should not wait for it. */
void http_defer(struct http_exchange *exchange, void (*go_on)(void *argument), void *argument);

/* A place for the handler's per-loop state (a read connection of the store, say). */
void **server_loop_slot(struct server_loop *loop);
int server_loop_index(const struct server_loop *loop);
