/* A byte asks for the keyring; the answer is a head and then as many bytes as it says: the
 * keyring's text, or why there is none. Both ends are of this program and this version. */
#include "vault/keyring_helper.h"

#include "base/fd.h"
#include "vault/keyring_text.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ANSWER_MS = KEYRING_COMMAND_MS + 5000, /* for the helper's own work besides the command's */
};

struct answer_head {
    int code; /* ERR_NONE: a keyring follows */
    uint32_t size;
};

static struct {
    pthread_mutex_t mutex; /* one request at a time */
    int fd;                /* our end of the socket; -1: there is no helper */
    pid_t pid;
} helper = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static bool write_whole(int fd, const void *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = send(fd, bytes, size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes = (const char *)bytes + put;
        size -= (size_t)put;
    }
    return true;
}

/* `limit_ms` for each piece; -1: any time. */
static bool read_whole(int fd, void *bytes, size_t size, int limit_ms)
{
    while (size > 0) {
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        int ready = poll(&watched, 1, limit_ms);
        ssize_t got = ready > 0 ? recv(fd, bytes, size, 0) : -1;
        if ((ready < 0 || got < 0) && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes = (char *)bytes + got;
        size -= (size_t)got;
    }
    return true;
}

/* --- the helper's side --- */

static bool answer(int fd, const char *command)
{
    struct error error = {0};
    char *text = secret_alloc(KEYRING_TEXT_MAX + 1);
    size_t size = 0;
    bool good = keyring_read_command(command, KEYRING_COMMAND_MS, text, &size, &error);
    const char *bytes = good ? text : error.message;
    struct answer_head head = {.code = good ? ERR_NONE : error.code,
                               .size = (uint32_t)(good ? size : strlen(error.message))};
    bool sent = write_whole(fd, &head, sizeof(head)) && write_whole(fd, bytes, head.size);
    secret_dealloc(text, KEYRING_TEXT_MAX + 1);
    return sent;
}

static _Noreturn void serve(int fd, const char *command)
{
    char request;
    prctl(PR_SET_NAME, "headgate-keys");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (read_whole(fd, &request, 1, -1) && answer(fd, command))
        continue;
    _exit(0);
}

/* --- the server's side --- */

bool keyring_helper_start(const char *command, struct error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(error, ERR_UNAVAILABLE,
                    "The process for the keyring command cannot be started: %m.");
    pid_t pid = fork();
    if (pid == 0) {
        fd_close_others(ends[1]);
        serve(ends[1], command);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return fail(error, ERR_UNAVAILABLE,
                    "The process for the keyring command cannot be started: %m.");
    }
    helper.fd = ends[0];
    helper.pid = pid;
    return true;
}

void keyring_helper_stop(void)
{
    if (helper.fd < 0)
        return;
    close_fd(&helper.fd);
    kill(helper.pid, SIGKILL); /* it may be waiting for a command */
    while (waitpid(helper.pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

bool keyring_helper_is_there(void)
{
    return helper.fd >= 0;
}

static bool take_answer(char *text, size_t *ret_size, struct error *error)
{
    static const char gone[] = "The process that runs the keyring command is gone: start the "
                               "server again.";
    struct answer_head head;
    if (!write_whole(helper.fd, "k", 1) || !read_whole(helper.fd, &head, sizeof(head), ANSWER_MS) ||
        head.size > KEYRING_TEXT_MAX || !read_whole(helper.fd, text, head.size, ANSWER_MS)) {
        shutdown(helper.fd, SHUT_RDWR); /* the next request must not read this one's late answer */
        return fail(error, ERR_UNAVAILABLE, gone);
    }
    text[head.size] = '\0';
    *ret_size = head.size;
    return head.code == ERR_NONE || fail(error, head.code, "%s", text);
}

bool keyring_helper_read(char *text, size_t *ret_size, struct error *error)
{
    pthread_mutex_lock(&helper.mutex);
    bool ok = take_answer(text, ret_size, error);
    pthread_mutex_unlock(&helper.mutex);
    return ok;
}
