/* The server's side: each call has a socket of its own, whose other end goes to the courier. */
#include "escrow/courier.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/fd_pass.h"
#include "base/list.h"
#include "work/cpu_slots.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

enum {
    HANDOVER_S = 2,            /* for the courier to take a message */
    READY_S = 30,              /* for a new one to run */
    REPLY_EXTRA_MS = 2 * 1000, /* after a call's deadline, for its response */
    STOP_MS = 2 * 1000,
    STOP_NAP_US = 1000,
};

struct courier {
    int socket;
    pid_t pid;
    pthread_mutex_t mutex; /* guards what follows */
    struct list calls;     /* that are waited for */
    bool interrupted;
};

struct courier_wait {
    struct list_link link;
    int fd;
};

bool courier_start(const struct courier_config *config, struct courier **ret_courier,
                   struct error *error)
{
    static const struct timeval handover = {.tv_sec = HANDOVER_S};
    static const struct timeval ready = {.tv_sec = READY_S};
    int ends[2];
    char kind;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(error, ERR_UNAVAILABLE, "No socket for the process that renews tokens: %s.",
                    strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        courier_run(ends[1], config);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return fail(error, ERR_UNAVAILABLE, "No process that renews tokens: %s.", strerror(errno));
    }
    ignore_failure(/* a courier that hangs then holds up its callers */
                   setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &handover, sizeof(handover)) == 0 &&
                   setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &ready, sizeof(ready)) == 0);
    if (recv(ends[0], &kind, 1, 0) != 1) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(ends[0]);
        return fail(error, ERR_UNAVAILABLE, "The process that renews tokens did not start.");
    }
    *ret_courier = xcalloc(1, sizeof(**ret_courier));
    **ret_courier =
        (struct courier){.socket = ends[0], .pid = pid, .mutex = PTHREAD_MUTEX_INITIALIZER};
    return true;
}

static bool send_fd(struct courier *courier, char kind, int fd)
{
    return fd_pass_send(courier->socket, (struct str){&kind, 1}, &fd, 1, 0);
}

bool courier_give_writer(struct courier *courier, int writer_fd)
{
    return send_fd(courier, COURIER_WRITER, writer_fd);
}

/* --- a call --- */

/* False: nothing is sent, since the courier has no whole order. */
static bool hand_over(struct courier *courier, int own, int other, const struct escrow_order *order)
{
    _cleanup_(buf_done) struct buf message = buf_on_heap(ESCROW_REQUEST_MAX);
    escrow_put_order(&message, order);
    uint64_t size = message.len;
    int64_t until_ms = order->request.deadline_ms;
    return !message.overflow && send_fd(courier, COURIER_CALL, other) &&
           courier_write(own, &size, sizeof(size), until_ms) &&
           courier_write(own, message.data, message.len, until_ms);
}

/* Whether the courier says that it begins. *ret_gone: it closed the socket instead, or has ended.
 */
static bool read_begun(int fd, const struct client_request *request, bool *ret_gone)
{
    char begun;
    bool read = courier_read(fd, &begun, 1, request->deadline_ms + REPLY_EXTRA_MS);
    *ret_gone = !read && errno == ECONNRESET;
    return read && begun == COURIER_BEGUN;
}

/* What is made of the response takes room, too: see client_request.copies. */
static bool read_reply(int fd, const struct client_request *request, struct arena *arena,
                       struct escrow_reply *ret_reply)
{
    uint64_t size;
    int64_t until_ms = request->deadline_ms + REPLY_EXTRA_MS;
    if (!courier_read(fd, &size, sizeof(size), until_ms) || size > ESCROW_RESPONSE_MAX)
        return false;
    if (!arena_has_room(arena, (size_t)size * (1 + request->copies))) {
        ret_reply->response.outcome = CLIENT_NO_MEMORY;
        ret_reply->response.detail = "no memory is left for the response";
        return false;
    }
    char *message = arena_alloc(arena, (size_t)size + 1);
    struct escrow_reply reply = {0};
    if (!courier_read(fd, message, (size_t)size, until_ms) ||
        !escrow_take_reply(arena, (struct str){message, (size_t)size}, &reply))
        return false;
    *ret_reply = reply;
    return true;
}

/* False: the courier is interrupted. */
static bool begin_wait(struct courier *courier, struct courier_wait *wait)
{
    pthread_mutex_lock(&courier->mutex);
    bool waits = !courier->interrupted;
    if (waits)
        list_append(&courier->calls, &wait->link);
    pthread_mutex_unlock(&courier->mutex);
    return waits;
}

/* Whether it was interrupted. */
static bool end_wait(struct courier *courier, struct courier_wait *wait)
{
    pthread_mutex_lock(&courier->mutex);
    bool interrupted = courier->interrupted;
    list_remove(&courier->calls, &wait->link);
    pthread_mutex_unlock(&courier->mutex);
    return interrupted;
}

static enum courier_end wait_for_end(struct courier *courier, int fd,
                                     const struct client_request *request, struct arena *arena,
                                     struct escrow_reply *ret_reply)
{
    static const struct escrow_reply stopped = {
        .response = {.outcome = CLIENT_STOPPED, .sent = true, .detail = "the server is stopping"}};
    struct courier_wait wait = {.fd = fd};
    bool gone = false;
    *ret_reply = stopped;
    if (!begin_wait(courier, &wait))
        return COURIER_UNKNOWN;
    ret_reply->response.outcome = CLIENT_BROKEN;
    ret_reply->response.detail = "the process that renews tokens ended, or did not answer";
    bool read = read_begun(fd, request, &gone) && read_reply(fd, request, arena, ret_reply);
    bool interrupted = end_wait(courier, &wait); /* which ends the socket on this side */
    if (interrupted && !read)
        *ret_reply = stopped;
    if (gone && !interrupted)
        return COURIER_GONE;
    return read ? COURIER_ANSWERED : COURIER_UNKNOWN;
}

enum courier_end courier_call(struct courier *courier, const struct escrow_order *order,
                              struct arena *arena, struct escrow_reply *ret_reply)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return COURIER_GONE;
    _cleanup_close_ int own = ends[0], other = ends[1];
    slot_release();
    bool taken = hand_over(courier, own, other, order);
    close_fd(&other);
    enum courier_end end =
        taken ? wait_for_end(courier, own, &order->request, arena, ret_reply) : COURIER_GONE;
    slot_acquire();
    if (end == COURIER_ANSWERED)
        client_count(&ret_reply->response);
    return end;
}

/* --- the end --- */

void courier_interrupt(struct courier *courier)
{
    pthread_mutex_lock(&courier->mutex);
    courier->interrupted = true;
    for (struct list_link *link = courier->calls.first; link; link = link->next)
        shutdown(((struct courier_wait *)link)->fd, SHUT_RDWR);
    pthread_mutex_unlock(&courier->mutex);
}

void courier_free(struct courier *courier)
{
    if (!courier)
        return;
    int64_t until_ms = clock_mono_ms() + STOP_MS;
    close(courier->socket);
    while (waitpid(courier->pid, NULL, WNOHANG) == 0 && clock_mono_ms() < until_ms)
        clock_nap_us(STOP_NAP_US);
    pthread_mutex_destroy(&courier->mutex);
    free(courier);
}
