/* The courier's side: one thread a call. It writes to a log only while the server lives, whose
 * standard error it shares. */
#include "escrow/courier.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/fd_pass.h"
#include "base/log.h"
#include "base/timed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ORDER_MS = 10 * 1000, /* for a whole order to come */
    REPLY_MS = 10 * 1000, /* for a response to be taken; it is in its slot already */
    END_EXTRA_MS = 5 * 1000,
    THREAD_STACK_SIZE = 512 * 1024,
    EXIT_UNFIT = 1,
};

static struct {
    const struct courier_config *config;
    struct client *client; /* NULL before the first call */
    int writer_fd;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t ended;
    int calls;
    int64_t latest_ms; /* of all deadlines */
} courier = {.writer_fd = -1, .mutex = PTHREAD_MUTEX_INITIALIZER};

/* --- pieces of messages --- */

static bool wait_for(int fd, short events, int64_t until_ms)
{
    struct pollfd watched = {.fd = fd, .events = events};
    for (;;) {
        int64_t left_ms = until_ms - clock_mono_ms();
        int ready = poll(&watched, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0)
            return true;
        if (ready == 0)
            errno = ETIMEDOUT;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

bool courier_write(int fd, const void *bytes, size_t size, int64_t until_ms)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put > 0) {
            at += put;
            size -= (size_t)put;
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(fd, POLLOUT, until_ms)) {
            return false;
        }
    }
    return true;
}

bool courier_read(int fd, void *bytes, size_t size, int64_t until_ms)
{
    char *at = bytes;
    while (size > 0) {
        ssize_t got = recv(fd, at, size, MSG_DONTWAIT);
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        } else if (got == 0) {
            errno = ECONNRESET;
            return false;
        } else if ((errno != EAGAIN && errno != EINTR) || !wait_for(fd, POLLIN, until_ms)) {
            return false;
        }
    }
    return true;
}

/* --- a call --- */

static void note_begin(int64_t deadline_ms)
{
    pthread_mutex_lock(&courier.mutex);
    if (deadline_ms > courier.latest_ms)
        courier.latest_ms = deadline_ms;
    pthread_mutex_unlock(&courier.mutex);
}

static bool read_order(int fd, struct arena *arena, struct escrow_order *ret_order)
{
    uint64_t size;
    int64_t until_ms = clock_mono_ms() + ORDER_MS;
    if (!courier_read(fd, &size, sizeof(size), until_ms) || size > ESCROW_REQUEST_MAX)
        return false;
    char *message = arena_alloc(arena, (size_t)size + 1);
    return courier_read(fd, message, (size_t)size, until_ms) &&
           escrow_take_order(arena, (struct str){message, (size_t)size}, ret_order);
}

/* False: the server cannot know that the call begins, and makes it itself when the socket ends.
 * EPIPE: the server does not wait any more, since it has ended, is interrupted, or the deadline has
 * passed; it makes no such call then. */
static bool say_begun(int fd)
{
    char begun = COURIER_BEGUN;
    return courier_write(fd, &begun, 1, clock_mono_ms() + REPLY_MS) || errno == EPIPE;
}

static void write_reply(int fd, struct arena *arena, const struct escrow_reply *reply)
{
    struct buf message = buf_in(arena, ESCROW_RESPONSE_MAX);
    escrow_put_reply(&message, reply);
    uint64_t size = message.len;
    int64_t until_ms = clock_mono_ms() + REPLY_MS;
    if (!message.overflow && courier_write(fd, &size, sizeof(size), until_ms))
        ignore_failure(courier_write(fd, message.data, message.len, until_ms)); /* it is gone */
}

static void make_call(int fd)
{
    struct arena arena = {0};
    struct escrow_order order;
    struct escrow_reply reply = {.is_kept = true};
    if (read_order(fd, &arena, &order) && say_begun(fd)) {
        note_begin(order.request.deadline_ms);
        fault_point("courier:ordered");
        client_call(courier.client, &arena, &order.request, &reply.response);
        fault_point("courier:answered");
        if (escrow_is_kept(&reply.response))
            reply.is_kept =
                escrow_slot_answer(courier.writer_fd, order.slot, &order.key, reply.response.body);
        fault_point("courier:kept");
        write_reply(fd, &arena, &reply);
    }
    explicit_bzero(&order, sizeof(order));
    arena_done(&arena);
}

static void *call_main(void *argument)
{
    int fd = (int)(intptr_t)argument;
    make_call(fd);
    close(fd);
    pthread_mutex_lock(&courier.mutex);
    courier.calls--;
    pthread_cond_broadcast(&courier.ended);
    pthread_mutex_unlock(&courier.mutex);
    return NULL;
}

/* The call's socket is closed when it cannot be begun, which says that nothing was sent. */
static void begin_call(int fd)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_mutex_lock(&courier.mutex);
    courier.calls++;
    pthread_mutex_unlock(&courier.mutex);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_SIZE);
    int rc = pthread_create(&thread, &attributes, call_main, (void *)(intptr_t)fd);
    pthread_attr_destroy(&attributes);
    if (rc == 0)
        return;
    log_warn("The process that renews tokens has no thread for a call (%s): the server makes it "
             "itself.",
             strerror(rc));
    close(fd);
    pthread_mutex_lock(&courier.mutex);
    courier.calls--;
    pthread_mutex_unlock(&courier.mutex);
}

/* --- the process --- */

static void to_null(int fd)
{
    _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0)
        dup2(null, fd);
    else
        close(fd);
}

/* *ret_fd is -1 where a message brings none. False: the server is gone. */
static bool receive(int socket, char *ret_kind, int *ret_fd)
{
    return fd_pass_receive(socket, ret_kind, 1, ret_fd, 1) == 1;
}

static void prepare(void)
{
    struct error error = {0};
    if (courier.client)
        return;
    if (courier.config->make_client(courier.config->context, &courier.client, &error) &&
        courier.config->lock_down(courier.config->context, &error))
        return;
    log_error("The process that renews tokens for the server cannot start: %s", error.message);
    _exit(EXIT_UNFIT);
}

/* A call that is stuck past its deadline ends with the process. */
static void wait_for_calls(void)
{
    pthread_mutex_lock(&courier.mutex);
    while (courier.calls > 0) {
        int64_t now_ms = clock_mono_ms();
        int64_t until_ms = courier.latest_ms > now_ms ? courier.latest_ms : now_ms;
        if (!cond_wait_until(&courier.ended, &courier.mutex, until_ms + END_EXTRA_MS) &&
            clock_mono_ms() >= courier.latest_ms + END_EXTRA_MS)
            break;
    }
    pthread_mutex_unlock(&courier.mutex);
}

_Noreturn void courier_run(int socket, const struct courier_config *config)
{
    char kind = COURIER_READY;
    int fd;
    prctl(PR_SET_NAME, "courier");
    fd_close_others(socket);
    if (send(socket, &kind, 1, MSG_NOSIGNAL) != 1)
        _exit(EXIT_UNFIT);
    to_null(STDIN_FILENO);
    to_null(STDOUT_FILENO);
    courier.config = config;
    cond_init_timed(&courier.ended);
    while (receive(socket, &kind, &fd)) {
        if (kind == COURIER_WRITER && fd >= 0) {
            close_fd(&courier.writer_fd);
            courier.writer_fd = fd;
        } else if (kind == COURIER_CALL && fd >= 0) {
            prepare();
            begin_call(fd);
        } else {
            close_fd(&fd);
        }
    }
    to_null(STDERR_FILENO);
    wait_for_calls();
    _exit(0);
}
