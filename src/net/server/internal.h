/* What the server's files share. A connection, its exchange and all they own belong to one loop and
 * are touched on its thread only; what crosses threads is named as such. */
#pragma once

#include "base/list.h"
#include "net/http1/parser.h"
#include "net/server/server.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

enum {
    BUFFER_SIZE = 4096,           /* bytes; a usual request or answer fits */
    BUFFERS_KEPT_MAX = 64,        /* a loop, for the next requests */
    ARENA_KEPT_MAX = 32 * 1024,   /* bytes that a request used of its arena */
    EXCHANGES_KEPT_MAX = 64,      /* a loop */
    TURN_US = 200,                /* of a loop for what does not come from a socket */
    SCRATCH_SIZE = 64 * 1024,     /* bytes; what a loop reads TLS records and discards into */
    OUT_SOFT_MAX = 64 * 1024,     /* bytes of answers that wait before the next one is made */
    PIPELINED_MAX = BUFFER_SIZE,  /* bytes read ahead while a request is being handled */
    LINGER_TIMEOUT_MS = 2 * 1000, /* for a refused client to read why */
    LINGER_BYTES_MAX = 4 * 1024 * 1024,
    STOP_DRAIN_MS = 10,      /* what had reached the kernel before the stop is still answered */
    STOP_HANDOVER_MS = 1000, /* for the next request of an idle connection, see server_stop */
    STOP_CUT_MS = 1000,      /* for loops to obey ORDER_CUT */
    LOOPS_MAX = 256,
    LISTEN_BACKLOG = 1024,
    OVER_LIMIT_MAX = 256, /* connections past the limit that are answered 429 and not just closed */
    DATE_SIZE = 32,
};

/* --- memory: memory.c --- */

/* Bytes of a connection, in a buffer that comes from the loop's pool as long as it is small. */
struct buffer {
    char *data;
    size_t len;
    size_t cap;       /* 0: no buffer */
    bool is_reserved; /* an account's reservation counts it */
};

struct exchange {
    struct http_exchange public;        /* first, so that one pointer is both */
    struct http_connection *connection; /* NULL when the client has gone */
    struct buffer raw;                  /* the request as it came; head and body are slices of it */
    struct exchange *next;              /* in the pool */
};

/* Those that are no usual buffer are counted over all loops (server->large_bytes) and against
 * server->memory. */
void buffer_reserve(struct server_loop *loop, struct buffer *buffer, size_t extra);
void buffer_add(struct server_loop *loop, struct buffer *buffer, struct str bytes);
void buffer_release(struct server_loop *loop, struct buffer *buffer); /* wipes; gives it back */
struct exchange *exchange_take(struct server_loop *loop);
void exchange_release(struct exchange *exchange); /* wipes */
void pools_free(struct server_loop *loop);

/* --- time limits: deadlines.c --- */

enum deadline {
    DEADLINE_NONE,
    DEADLINE_FIRST, /* idle, and no valid signature was seen on it */
    DEADLINE_IDLE,
    DEADLINE_HEAD, /* also of a TLS handshake */
    DEADLINE_BODY,
    DEADLINE_WRITE,
    DEADLINE_LINGER,
    DEADLINE_KINDS,
};

/* Puts a connection under a limit that starts now, in place of the one it is under. */
void deadline_set(struct http_connection *connection, enum deadline kind);
void deadlines_note_due(struct server_loop *loop, int64_t due_ms); /* wake up by then */

/* --- connections --- */

enum connection_state {
    CONNECTION_HANDSHAKE, /* of TLS */
    CONNECTION_IDLE,      /* between requests */
    CONNECTION_HEAD,      /* a part of a head is there */
    CONNECTION_BODY,      /* the head is there, the body is not */
    CONNECTION_HANDLING,  /* the handler has the request; more may come in meanwhile */
    CONNECTION_LINGER,    /* the last answer is on its way; what comes in is discarded */
    CONNECTION_CLOSED,    /* freed when libuv lets go of it */
};

struct http_connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct server_loop *loop;
    struct list_link link;       /* among the loop's */
    enum connection_state state; /* moved by connection_move alone */

    enum deadline deadline;
    int64_t deadline_ms; /* on uv_now */
    struct list_link deadline_link;

    struct buffer in;                     /* what came in and is not handed to an exchange */
    struct buffer out;                    /* made, and not written */
    struct buffer writing;                /* in libuv's hands; cap 0: nothing is */
    size_t discarded;                     /* bytes thrown away in CONNECTION_LINGER */
    struct memory_reservation out_memory; /* of the last large answer, until it is written */

    struct exchange *exchange;  /* in CONNECTION_BODY and CONNECTION_HANDLING */
    size_t head_size;           /* bytes of `in` that were parsed as head */
    size_t head_seen;           /* bytes of `in` that a head was sought in */
    struct http1_chunks chunks; /* of a chunked body */
    size_t decoded;             /* bytes of body after the head, when chunked */

    struct peer *peer; /* admission.c's, as the next four: under its mutex; NULL: has no place */
    struct list_link stranger_link, peer_link;
    bool is_listed;  /* it is a stranger that waits for a request */
    bool is_evicted; /* it is in loop->evicted */

    SSL *tls;          /* NULL: plain */
    struct str tls_in; /* ciphertext of the current read */

    bool is_stranger;  /* has a place, and no valid signature was seen on it */
    bool ends;         /* it has lost its place: closed after this answer */
    bool over_limit;   /* there is no place for it: answered 429 and closed */
    bool over_share;   /* since its address has its share */
    bool reading;      /* libuv reads */
    bool advancing;    /* connection_advance is on the stack */
    bool continued;    /* 100 Continue was sent for this request */
    bool eof;          /* the client has said that no more comes */
    bool reset;        /* ends with RST after what is written */
    bool discard_more; /* a refused client may be sending still: read it before closing */
    bool shut;         /* our side is shut down */
};

void connection_accept(struct server_loop *loop);
/* The one place that moves a connection's state; asserts that there is such a transition. */
void connection_move(struct http_connection *connection, enum connection_state to);
void connection_close(
    struct http_connection *connection); /* at once; the exchange lives on if deferred */
void connection_abort(struct http_connection *connection); /* the same, with RST */
void connection_expired(struct http_connection *connection, enum deadline kind);

/* Takes every step that is possible now: parse, hand over, write, read on, close. */
void connection_advance(struct http_connection *connection);

/* The last answer was made: nothing more is taken from the client. */
void connection_finish(struct http_connection *connection);

/* Makes requests of what came in (input.c). False when nothing more can be done now. */
bool input_step(struct http_connection *connection);
/* Room for `extra` bytes at the end of `in`. */
void input_reserve(struct http_connection *connection, size_t extra);

/* Answers with a refusal and begins to close (response.c). */
void connection_refuse(struct http_connection *connection, int status, const char *message);
void response_continue(struct http_connection *connection);

/* --- writing: output.c --- */
void output_flush(struct http_connection *connection); /* may close the connection */
bool output_is_done(const struct http_connection *connection);

/* --- TLS: tls.c --- */
_must_use_ bool tls_open(struct server *server,
                         struct error *error);       /* reads the files, or sets the hook up */
bool tls_attach(struct http_connection *connection); /* false: this connection cannot be */
void tls_receive(struct http_connection *connection,
                 struct str ciphertext); /* to `in`, or eof, or closes */
void tls_send(struct http_connection *connection, struct str plain); /* to `out` */
void tls_send_end(struct http_connection *connection);
struct str tls_server_name(const struct http_connection *connection); /* STR_NULL: none */

/* --- admission.c --- */

struct admission *admission_new(size_t connections_max);
void admission_free(struct admission *admission); /* NULL is fine */
/* A place for a connection that was accepted; false: there is none. It is a stranger's that waits
 * for a request, until admission_busy, and again after admission_idle. */
bool admission_enter(struct http_connection *connection);
void admission_busy(struct http_connection *connection);  /* its request is there */
void admission_idle(struct http_connection *connection);  /* it was answered */
void admission_leave(struct http_connection *connection); /* once, whether it had a place or not */
/* The next one that must be closed for another; NULL: there is none. On the loop's thread. */
struct http_connection *admission_evicted(struct server_loop *loop);

/* --- task_queue.c --- */

struct task {
    struct list_link link;
    int64_t due_ms; /* on uv_now */
    void (*answer)(void *argument);
    void *argument;
};

void task_queue_drain(struct server_loop *loop);             /* what other threads have posted */
void task_queue_run_due(struct server_loop *loop, bool all); /* `all`: delays end now */

/* --- loops: loop.c --- */

/* Orders to a loop; each includes the one before. */
enum loop_order {
    ORDER_RUN,
    ORDER_STOP, /* take nothing new, end what there is */
    ORDER_CUT,  /* end connections where they are */
};

struct server_loop {
    struct server *server;
    int index;
    pthread_t thread;
    bool started;
    uv_loop_t uv;
    uv_tcp_t listener;
    uv_async_t wake;
    uv_timer_t timer; /* the earliest deadline or task */
    uv_timer_t drain; /* STOP_DRAIN_MS */
    uv_prepare_t prepare;
    uv_idle_t more;      /* active while `answers` or `deferred` has something */
    struct list answers; /* from other threads */
    struct list deferred;
    int64_t timer_due_ms; /* 0: not running */
    /* Connections by the kind of their limit. All limits of a kind are equally long, so each list
     * is in the order in which they run out. */
    struct list deadlines[DEADLINE_KINDS];
    struct list delayed; /* ordered by due_ms */
    struct list connections;
    struct list evicted;   /* under the mutex of admission.c */
    size_t exchange_count; /* with a handler, or being received */
    struct kept_buffer *kept_pieces;
    size_t kept_piece_count;
    struct exchange *kept_exchanges;
    size_t kept_exchange_count;
    char *scratch; /* SCRATCH_SIZE bytes */
    time_t date_at;
    char date[DATE_SIZE];
    void *slot;
    bool stop_begun;       /* ORDER_STOP was seen */
    bool drained;          /* STOP_DRAIN_MS or STOP_HANDOVER_MS after that: nothing new is taken */
    bool cut;              /* ORDER_CUT was obeyed */
    bool ending;           /* all handles are being closed */
    bool settled;          /* counted in server->settled */
    pthread_mutex_t mutex; /* guards all below, which any thread may touch */
    struct list posted;
    enum loop_order order;
    bool closed; /* `wake` cannot be sent to any more */
};

struct server {
    struct server_config config; /* with defaults filled in and strings of its own */
    int port;
    int loop_count;
    struct server_loop **loops;
    atomic_size_t connection_count;
    _Atomic uint64_t refused_count;
    struct memory_limit *memory;
    bool own_memory;           /* it was made for this server alone */
    atomic_size_t large_bytes; /* in buffers larger than a buffer, but for reserved ones */
    atomic_bool stopping;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    int ended;                   /* loops whose thread has nothing left to do */
    int settled;                 /* loops that have ended or have obeyed ORDER_CUT */
    SSL_CTX *tls;                /* NULL: plain HTTP */
    struct admission *admission; /* NULL: connections are counted only */
};

/* Takes the socket over. After a failure `ret_loop` may be set, and is freed with the server. */
_must_use_ bool loop_new(struct server *server, int index, int listener,
                         struct server_loop **ret_loop, struct error *error);
_must_use_ bool loop_start(struct server_loop *loop, struct error *error);
void loop_give_order(struct server_loop *loop, enum loop_order order); /* from any thread */
void loop_wake(struct server_loop *loop);                              /* the same */
void loop_free(struct server_loop *loop);                              /* joins its thread */
void loop_end_if_done(struct server_loop *loop); /* after a connection or an exchange ended */
int64_t loop_now_ms(const struct server_loop *loop);

/* --- listening sockets: listen.c --- */
enum listen_share {
    LISTEN_ALONE,
    LISTEN_SHARED_FIRST, /* fails when somebody else listens on that port */
    LISTEN_SHARED,
};
/* A copy of a socket that listens already, and where: text that the caller frees. */
_must_use_ bool listen_adopt(int inherited, int *ret_socket, int *ret_port, char **ret_host,
                             struct error *error);
_must_use_ bool listen_open(const char *host, int port, enum listen_share share, int *ret_socket,
                            int *ret_port, struct error *error);
