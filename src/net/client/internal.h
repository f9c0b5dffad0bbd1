/* What the files of the client share: the client, and one call on its way through it. */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "net/client/client.h"
#include "net/client/coding.h"
#include "work/cpu_slots.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

/* Where curl connects to instead of the host that was asked for; a list of one. */
struct client_route {
    char text[32]; /* "::127.0.0.1:PORT" */
    struct curl_slist entry;
    int port; /* 0: the sandbox has none for this scheme */
};

struct client {
    const struct egress *egress;
    struct egress *inside; /* for private routes: all that no entry of a list can open by itself */
    struct trust trust;
    const struct proxy *proxy; /* NULL: none */
    long connect_timeout_ms;
    struct str proxy_exceptions;
    bool sandbox;
    struct client_route tls_route;
    struct client_route plain_route;
    int postgres_port; /* of the sandbox's database; 0: it has none */

    pthread_mutex_t lock; /* guards what follows, up to the loop's own */
    bool running;         /* the thread exists */
    bool stopping;        /* never unset */
    struct list posted;   /* transfers that the loop has not seen yet, oldest first */
    atomic_int waking;    /* callers between the lock and the wake-up of the loop */
    atomic_int given_up;  /* transfers that the loop is to end, and has not looked for */

    pthread_t thread; /* the rest is touched by this thread only, once it runs */
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t timer;
    CURLM *multi;
    CURLSH *share;       /* TLS sessions, so that a new connection costs half a handshake */
    struct list active;  /* transfers in the multi handle */
    struct list streams; /* those of them that have a stream */
    size_t active_count;
    size_t resting;         /* connections that lie unused */
    size_t keeping;         /* transfers whose connection is going to */
    struct watch **watches; /* by the descriptor of a connection's socket */
    size_t watch_room;
};

struct transfer;
struct watch;

/* A bounded queue of bytes between two threads; `data` is NULL where none is needed. */
struct ring {
    char *data; /* CLIENT_RING_SIZE bytes */
    size_t start, len;
};

/* Why a call ends that its watch ended. */
extern const char client_given_up[];

/* How a response's body goes on to its sink. */
struct delivery {
    const struct client_sink *sink;
    enum coding coding;
    struct decoder *decoder;     /* NULL until the first byte of a coded body */
    uint64_t received, given;    /* bytes, before and after decoding */
    enum client_outcome outcome; /* why it ended; CLIENT_OK: it did not */
    const char *words;
};

/* What a transfer with a source or a sink has more; on the stack of its caller. */
struct stream {
    pthread_mutex_t lock;  /* guards what follows */
    struct ring received;  /* for the sink */
    struct ring pulled;    /* from the source */
    bool head_is_there;    /* status and headers are complete */
    bool receiving_paused; /* libcurl waits for room in `received` */
    bool sending_paused;   /* libcurl waits for bytes in `pulled` */
    bool resumes;          /* libcurl is to try again */
    bool source_ended;
    bool aborted;              /* the caller wants the call to end */
    bool ended;                /* the client's thread is done with the transfer */
    bool failed;               /* and it did not succeed */
    struct slot_wait wait;     /* the caller's, while there is no task for it */
    struct slot_wait *waiting; /* that one while it lasts, else NULL */

    bool head_given; /* from here on the caller's thread only */
    int64_t pulled_bytes;
    struct delivery delivery;

    struct arena arena; /* from here on the client's thread only, until `ended` */
};

/* Where a transfer is on its way; moved by transfer_move alone. */
enum transfer_state {
    TRANSFER_NEW,    /* its caller's */
    TRANSFER_POSTED, /* in `posted`: the loop has not seen it */
    TRANSFER_ACTIVE, /* in the multi handle */
    TRANSFER_ENDED,  /* its caller's again */
};

/* Lives on the stack of its caller, who touches nothing of it between client_loop_run's start and
 * end. In between, it and the caller's arena (with a stream, the stream's) are the loop's. */
struct transfer {
    struct client *client;
    struct arena *arena;
    const struct client_request *request;
    struct stream *stream; /* NULL: both bodies are in memory */
    struct str authority;  /* of the URL: host and port */
    bool tls;              /* the URL is https */
    bool proxied;          /* it goes through the client's proxy */
    CURL *easy;
    enum transfer_state state;
    struct list_link link;        /* in `posted`, then in `active` */
    struct list_link stream_link; /* in `streams` */
    struct slot_wait done;        /* without a stream */
    CURLcode code;                /* how it ended */
    bool stopped;
    atomic_bool given_up; /* by its caller */

    /* What curl's callbacks saw. */
    struct arena *loop_arena; /* for headers and body */
    int opened;               /* addresses that a connection was tried to */
    int refused;              /* addresses that the policy refused */
    bool internal;            /* one was tried that only the operator's list opens */
    int secured;              /* connections whose TLS handshake began */
    int sent;                 /* how often the request was about to be sent */
    bool kept_was_dead; /* a second time would have been on a new connection, and was not done */
    size_t header_bytes;
    int status;
    bool head_ended;
    bool keeps;                      /* counted in client->keeping */
    enum client_outcome own_outcome; /* why a callback ended it; CLIENT_OK: it did not */
    const char *own_words;           /* '@' stands for the host */
    struct http_header *headers;
    size_t header_count;
    size_t header_room;
    struct buf body;   /* without a sink */
    uint64_t streamed; /* bytes of body that the stream took */
    struct watch
        *watch; /* sockets.c's: of the connection whose bytes are counted; NULL: none yet */
    char curl_words[CURL_ERROR_SIZE];
};

/* For functions with a `transfer` and a `CURLcode *rc`: an option that libcurl does not take must
 * not go unnoticed. */
#define SET(option, value)                                                                         \
    do {                                                                                           \
        CURLcode set_rc = libcurl.easy_setopt(transfer->easy, option, value);                      \
        if (set_rc != CURLE_OK)                                                                    \
            *rc = set_rc;                                                                          \
    } while (0)

/* --- request.c --- */

/* False when the request cannot be sent: *ret_response says why. */
bool transfer_prepare(struct transfer *transfer, struct client_response *ret_response);

/* The URL's host, an IPv6 address in its brackets, and the port that is connected to. */
struct str transfer_host(const struct transfer *transfer, int *ret_port);

/* --- response.c --- */

void transfer_set_callbacks(struct transfer *transfer, CURLcode *rc);
/* Status and headers, in the caller's arena. */
void transfer_copy_head(struct transfer *transfer, struct client_response *ret_response);

/* --- outcome.c --- */

void transfer_judge(struct transfer *transfer, struct client_response *ret_response);

/* --- loop.c --- */

/* Hands the transfer over and waits until it has ended. The first one starts the thread. */
void client_loop_run(struct client *client, struct transfer *transfer);
void client_loop_wake(struct client *client); /* for streams_go_on; from any thread */
void client_loop_stop(struct client *client); /* for good; joins */
/* curl's multi_socket_action, and what comes of it. On the loop's thread, as is the next. */
void client_loop_drive(struct client *client, curl_socket_t fd, int events);
void client_loop_end(struct client *client, struct transfer *transfer, CURLcode code);

/* --- delivery.c: on the caller's thread --- */

/* Always false. '@' in the words stands for the host. */
bool delivery_fail(struct delivery *delivery, enum client_outcome outcome, const char *words);
void delivery_init(struct delivery *delivery, const struct client_request *request,
                   const struct client_sink *sink, const struct http_header *headers, size_t count);
void delivery_done(struct delivery *delivery);
/* False: the outcome says why. */
bool delivery_take(struct delivery *delivery, struct str bytes);
bool delivery_finish(struct delivery *delivery); /* after the last bytes: is the body complete? */
/* Decodes a body in memory. Sets the transfer's own_outcome when that fails. */
void delivery_decode(struct transfer *transfer);

/* --- stream.c --- */

void stream_init(struct stream *stream, const struct client_request *request);
void stream_done(struct stream *stream);
/* Runs source and sink until the transfer, which was posted, has ended. */
void stream_run(struct transfer *transfer);
/* On the client's thread: the head is complete; bytes for the sink; bytes from the source; the
 * transfer has ended; resumes and ends streams as their callers ask. The second and third return
 * what libcurl's callbacks return. */
void stream_head(struct stream *stream);
size_t stream_receive(struct stream *stream, struct str bytes);
size_t stream_send(struct stream *stream, char *out, size_t size);
void stream_end(struct stream *stream, bool succeeded);
void streams_go_on(struct client *client);

/* --- sockets.c: on the loop's thread --- */

/* The transfer has ended: what its connection receives is not counted for it any more. */
void client_socket_let_go(struct transfer *transfer);
/* CURLOPT_XFERINFOFUNCTION, with the transfer. */
int client_socket_progress(void *transfer, curl_off_t down_total, curl_off_t down,
                           curl_off_t up_total, curl_off_t up);

void client_socket_opened(struct client *client, curl_socket_t fd);
void client_sockets_end(struct client *client); /* when curl has closed them all */
/* CURLOPT_CLOSESOCKETFUNCTION and CURLMOPT_SOCKETFUNCTION, with the client. */
int client_socket_close(void *client, curl_socket_t fd);
int client_socket_watch(CURL *easy, curl_socket_t fd, int what, void *client, void *assigned);

/* --- curl.c --- */

/* What is used of libcurl, by its name there without "curl_". */
#define LIBCURL_FUNCTIONS(F)                                                                       \
    F(global_init_mem)                                                                             \
    F(easy_init)                                                                                   \
    F(easy_setopt)                                                                                 \
    F(easy_getinfo)                                                                                \
    F(easy_pause)                                                                                  \
    F(easy_cleanup)                                                                                \
    F(multi_init)                                                                                  \
    F(multi_setopt)                                                                                \
    F(multi_add_handle)                                                                            \
    F(multi_remove_handle)                                                                         \
    F(multi_socket_action)                                                                         \
    F(multi_info_read)                                                                             \
    F(multi_assign)                                                                                \
    F(multi_cleanup)                                                                               \
    F(share_init)                                                                                  \
    F(share_setopt)                                                                                \
    F(share_cleanup)

#define LIBCURL_MEMBER(name) __typeof__(curl_##name) *(name);
struct libcurl {
    LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
};
extern struct libcurl libcurl;

/* Once for the process, from any thread. False when libcurl is not there or too old. */
bool libcurl_load(void);
