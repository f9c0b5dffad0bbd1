/* Which of curl's sockets the loop watches. A connection that lies unused stays watched, so that
 * using it again costs no system call; it is forgotten when curl closes it.
 *
 * What a connection receives is bounded here: curl hands over headers and body, but not what is
 * around them (extensions of chunks, TLS), which a peer can send without end. The kernel counts all
 * bytes. It is asked after every few reads, so that a usual call, which has fewer, costs nothing.
 */
#include "net/client/internal.h"

#include "base/alloc.h"

#include "net/tcp_received.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READS_BETWEEN_LOOKS = 8 };

struct watch {
    uv_poll_t poll;
    struct client *client;
    curl_socket_t fd;
    bool polls;                /* `poll` is initialized */
    bool is_used;              /* curl waits for it */
    bool rests;                /* it lies unused, and is counted in client->resting */
    int events;                /* libuv's, that it is watched for */
    bool was_used;             /* by an earlier transfer */
    struct transfer *transfer; /* that its bytes are counted for; NULL: none */
    unsigned reads;            /* of that transfer */
    int64_t received_before;   /* bytes, until it began; about, on a connection that was used */
};

/* --- what is received --- */

static void count_for(struct watch *watch, struct transfer *transfer)
{
    if (transfer->watch)
        return;
    transfer->watch = watch;
    watch->transfer = transfer;
    watch->reads = 0;
    watch->received_before = watch->was_used ? -1 : 0;
    watch->was_used = true;
}

static void stop_counting(struct watch *watch)
{
    if (watch->transfer)
        watch->transfer->watch = NULL;
    watch->transfer = NULL;
}

void client_socket_let_go(struct transfer *transfer)
{
    if (transfer->watch)
        stop_counting(transfer->watch);
}

/* Bytes that curl has read. */
static int64_t bytes_read(const struct watch *watch)
{
    int unread = 0;
    if (ioctl(watch->fd, FIONREAD, &unread) != 0)
        unread = 0;
    return tcp_received(watch->fd) - unread;
}

/* Of a body that is streamed, at most half is chunks' framing. */
static int64_t most_to_receive(const struct transfer *transfer)
{
    uint64_t body = transfer->request->sink ? 2 * transfer->streamed + CLIENT_RING_SIZE
                                            : (uint64_t)transfer->body.limit;
    return (int64_t)body + CLIENT_HEADERS_MAX + CLIENT_RECEIVED_EXTRA_MAX;
}

static void refuse_more(struct transfer *transfer)
{
    transfer->own_outcome = CLIENT_TOO_LARGE;
    transfer->own_words = "@: response exceeds the size limit";
}

static bool has_received_too_much(struct watch *watch)
{
    int64_t received = bytes_read(watch);
    if (watch->received_before < 0)
        watch->received_before = received;
    return received - watch->received_before > most_to_receive(watch->transfer);
}

static bool receives_too_much(struct watch *watch)
{
    return watch->transfer && ++watch->reads % READS_BETWEEN_LOOKS == 0 &&
           has_received_too_much(watch);
}

/* curl reads on, without a look at other sockets, as long as a chunked body has more. */
int client_socket_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                           curl_off_t up)
{
    struct transfer *transfer = user;
    (void)down_total, (void)down, (void)up_total, (void)up;
    if (!transfer->watch || !has_received_too_much(transfer->watch))
        return 0;
    refuse_more(transfer);
    return 1;
}

/* --- watching --- */

static struct watch *watch_new(struct client *client, curl_socket_t fd)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));
    watch->client = client;
    watch->fd = fd;
    watch->poll.data = watch;
    return watch;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void watch_free(struct watch *watch)
{
    stop_counting(watch);
    if (watch->polls)
        uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
    else
        free(watch);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int ready = status < 0 ? CURL_CSELECT_ERR : 0;
    ready |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    ready |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    if (status < 0) /* libuv has stopped by itself */
        watch->events = 0;
    if (watch->is_used && receives_too_much(watch)) {
        struct transfer *transfer = watch->transfer;
        refuse_more(transfer);
        client_loop_end(watch->client, transfer, CURLE_ABORTED_BY_CALLBACK);
        return;
    }
    if (watch->is_used) {
        client_loop_drive(watch->client, watch->fd, ready);
        return;
    }
    /* The vendor closed an unused connection, which curl finds out when it wants to use it. */
    uv_poll_stop(poll);
    watch->events = 0;
}

static bool watch_for(struct watch *watch, int events)
{
    if (!watch->polls && uv_poll_init_socket(&watch->client->loop, &watch->poll, watch->fd) != 0)
        return false;
    watch->polls = true;
    if (watch->events == events)
        return true;
    watch->events = events;
    return uv_poll_start(&watch->poll, events, on_ready) == 0;
}

/* Those that were opened here are closed here too; others, such as curl's own for look-ups, are not
 * heard of again. */
static struct watch *kept(const struct client *client, curl_socket_t fd)
{
    return (size_t)fd < client->watch_room ? client->watches[fd] : NULL;
}

static void set_rests(struct watch *watch, bool rests)
{
    watch->client->resting -= watch->rests;
    watch->client->resting += rests;
    watch->rests = rests;
}

static void forget(struct client *client, curl_socket_t fd)
{
    struct watch *watch = kept(client, fd);
    if (!watch)
        return;
    set_rests(watch, false);
    client->watches[fd] = NULL;
    watch_free(watch);
}

void client_socket_opened(struct client *client, curl_socket_t fd)
{
    if ((size_t)fd >= client->watch_room) {
        size_t room = ((size_t)fd + 1) * 2;
        client->watches = xrealloc(client->watches, room * sizeof(struct watch *));
        memset(client->watches + client->watch_room, 0,
               (room - client->watch_room) * sizeof(struct watch *));
        client->watch_room = room;
    }
    forget(client, fd); /* of a socket whose end curl did not tell */
    client->watches[fd] = watch_new(client, fd);
}

int client_socket_close(void *user, curl_socket_t fd)
{
    forget(user, fd);
    return close(fd);
}

void client_sockets_end(struct client *client)
{
    for (size_t fd = 0; fd < client->watch_room; fd++)
        forget(client, (curl_socket_t)fd);
}

/* Whether the socket is that of a connection which was made. libcurl 7.88 closes one that was not
 * (the time limit passed, or another address was quicker) without a word, before it stops watching
 * it; to watch that descriptor on would end in libuv's abort(). */
static bool is_connected(CURL *easy, curl_socket_t fd)
{
    struct transfer *transfer = NULL;
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    libcurl.easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    if (transfer && transfer->sent == 0)
        return false;
    return (transfer && transfer->opened <= 1) ||
           getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

static void start_counting(CURL *easy, struct watch *watch)
{
    struct transfer *transfer = NULL;
    libcurl.easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    if (transfer)
        count_for(watch, transfer);
}

static void rest(struct client *client, struct watch *watch, bool connected)
{
    libcurl.multi_assign(client->multi, watch->fd, NULL);
    watch->is_used = false;
    stop_counting(watch);
    if (watch != kept(client, watch->fd)) {
        watch_free(watch);
        return;
    }
    if (!connected) { /* forgotten when its number is used again, if not before */
        uv_poll_stop(&watch->poll);
        watch->events = 0;
        return;
    }
    set_rests(watch, true);
    watch_for(watch, UV_READABLE);
}

int client_socket_watch(CURL *easy, curl_socket_t fd, int what, void *user, void *assigned)
{
    struct client *client = user;
    struct watch *watch = assigned;
    if (what == CURL_POLL_REMOVE) {
        if (watch)
            rest(client, watch, is_connected(easy, fd));
        return 0;
    }
    if (!watch) {
        watch = kept(client, fd);
        if (!watch)
            watch = watch_new(client, fd);
        libcurl.multi_assign(client->multi, fd, watch);
    }
    watch->is_used = true;
    set_rests(watch, false);
    if (!watch->transfer && watch == kept(client, fd))
        start_counting(easy, watch);
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return watch_for(watch, events) ? 0 : -1;
}
