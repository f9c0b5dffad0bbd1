/* A keyring printed by a command: run with nothing of ours but PATH, HOME and standard error,
 * within limits of time and size, and killed with all its children when it passes them. */
#include "vault/keyring_text.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOME_MAX = 1024 };

struct child {
    pid_t pid;  /* also its process group; 0 when none runs */
    int output; /* our end of the pipe */
    int exited; /* a pidfd: readable when the child has ended */
};

/* Whatever of the command still runs has lost its purpose. */
static void child_done(struct child *child)
{
    close_fd(&child->output);
    close_fd(&child->exited);
    if (child->pid <= 0)
        return;
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
}

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int output)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int bad = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    bad |= posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
    bad |= posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
    bad |= posix_spawnattr_setpgroup(attributes, 0);
    bad |= posix_spawnattr_setsigmask(attributes, &none);
    bad |= posix_spawnattr_setsigdefault(attributes, &all);
    bad |= posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    return bad;
}

/* Answers an error number, 0 when the command runs. */
static int spawn(const char *command, int output, pid_t *ret_pid)
{
    char shell[] = "sh", option[] = "-c", path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    char home[HOME_MAX];
    char *script = xstrdup(command); /* posix_spawn wants what it may write to */
    const char *own_home = getenv("HOME");
    snprintf(home, sizeof(home), "HOME=%s", own_home ? own_home : "/");
    char *arguments[] = {shell, option, script, NULL};
    char *environment[] = {path, home, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    (void)posix_spawn_file_actions_init(&files); /* these two cannot fail in glibc */
    (void)posix_spawnattr_init(&attributes);
    int failed = prepare(&files, &attributes, output);
    if (!failed)
        failed = posix_spawn(ret_pid, "/bin/sh", &files, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    free(script);
    return failed;
}

static bool start(const char *command, struct child *child, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(error, ERR_INTERNAL, "The keyring command cannot be started: %m.");
    child->output = ends[0];
    _cleanup_close_ int theirs = ends[1];
    int failed = spawn(command, theirs, &child->pid);
    if (failed) {
        errno = failed;
        child->pid = 0;
        return fail(error, ERR_INTERNAL, "The keyring command cannot be started: %m.");
    }
    child->exited = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->exited < 0)
        return fail(error, ERR_INTERNAL, "The keyring command cannot be watched: %m.");
    return true;
}

static bool wait_readable(int fd, int64_t deadline_ms, struct error *error)
{
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        int ready = left_ms > 0 ? poll(&watched, 1, (int)left_ms) : 0;
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return fail(error, ERR_INTERNAL, "The keyring command cannot be watched: %m.");
        if (ready == 0)
            return fail(error, ERR_INTERNAL,
                        "The keyring command did not end in time (%d seconds).",
                        KEYRING_COMMAND_MS / 1000);
    }
}

static bool read_output(struct child *child, int64_t deadline_ms, char *text, size_t *ret_size,
                        struct error *error)
{
    size_t size = 0;
    while (size <= KEYRING_TEXT_MAX) {
        if (!wait_readable(child->output, deadline_ms, error))
            return false;
        ssize_t got = read(child->output, text + size, KEYRING_TEXT_MAX + 1 - size);
        if (got < 0 && errno != EINTR)
            return fail(error, ERR_INTERNAL, "The keyring command's output cannot be read: %m.");
        if (got == 0) {
            *ret_size = size;
            return true;
        }
        size += got > 0 ? (size_t)got : 0;
    }
    return fail(error, ERR_INTERNAL, "The keyring command printed more than %d bytes.",
                KEYRING_TEXT_MAX);
}

static bool check_end(struct child *child, int64_t deadline_ms, struct error *error)
{
    int status = 0;
    if (!wait_readable(child->exited, deadline_ms, error))
        return false;
    if (waitpid(child->pid, &status, 0) != child->pid)
        return fail(error, ERR_INTERNAL, "The keyring command's end was not told.");
    child->pid = 0;
    if (WIFSIGNALED(status))
        return fail(error, ERR_INTERNAL, "The keyring command was ended by signal %d.",
                    WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return fail(error, ERR_INTERNAL,
                    "The keyring command ended with status %d; what it printed as error is above.",
                    WEXITSTATUS(status));
    return true;
}

bool keyring_read_command(const char *command, int limit_ms, char *text, size_t *ret_size,
                          struct error *error)
{
    _cleanup_(child_done) struct child child = {.output = -1, .exited = -1};
    int64_t deadline_ms = clock_mono_ms() + limit_ms;
    return start(command, &child, error) &&
           read_output(&child, deadline_ms, text, ret_size, error) &&
           check_end(&child, deadline_ms, error);
}
