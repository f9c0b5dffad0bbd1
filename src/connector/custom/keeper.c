/* One launch from its start to its end: a loop over the server's orders, the end of children, and
 * the time that SIGTERM leaves them. */
#include "connector/custom/keeper.h"

#include "base/clock.h"
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
    SCRATCH_PATH_SIZE = 256,
    VARIABLE_SIZE = SCRATCH_PATH_SIZE + 16,
    SCRATCH_DEPTH_MAX = 64, /* directories in one another that are removed */
    END_TURN_MS = 10,       /* between two looks at what is left of a launch */
    END_MS = 5 * 1000,      /* for all of them */
    STAT_SIZE = 512,
};

struct keeper {
    int life;    /* -1: the server has closed it */
    int signals; /* of ended children */
    pid_t leader;
    int64_t kill_ms; /* when SIGTERM's grace is over; 0: none was sent */
    bool ended;      /* the leader has, with `status` */
    int status;
    char scratch[SCRATCH_PATH_SIZE];
    char variables[2][VARIABLE_SIZE];
};

static void report(const struct keeper *keeper, struct keeper_report message)
{
    if (keeper->life >= 0)
        send(keeper->life, &message, sizeof(message), MSG_NOSIGNAL);
}

/* --- ending processes --- */

/* The parent of a process, from /proc/PID/stat: "PID (NAME) STATE PARENT", where NAME may hold any
 * character. 0: the process is gone, or waits to be reaped. */
static pid_t live_parent_of(const char *pid)
{
    char path[64], text[STAT_SIZE];
    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (size <= 0)
        return 0;
    text[size] = '\0';
    const char *end = strrchr(text, ')');
    bool is_whole = end && strlen(end) > strlen(") S ");
    return is_whole && end[2] != 'Z' ? (pid_t)strtol(end + strlen(") S "), NULL, 10) : 0;
}

static void kill_listed(DIR *processes)
{
    struct dirent *entry;
    while ((entry = readdir(processes))) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            live_parent_of(entry->d_name) == getpid())
            kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
    }
}

bool kill_children(void)
{
    pid_t child;
    while ((child = waitpid(-1, NULL, WNOHANG)) > 0)
        continue;
    if (child < 0)
        return false;
    DIR *processes = opendir("/proc");
    if (processes) {
        kill_listed(processes);
        closedir(processes);
    }
    return true;
}

static void signal_group(const struct keeper *keeper, int number)
{
    if (keeper->ended)
        return;
    kill(-keeper->leader, number);
    kill(keeper->leader, number); /* it may not have its group yet */
}

/* Killing a process makes its children ours, so there may be several turns. */
static void end_descendants(void)
{
    int64_t until_ms = clock_mono_ms() + END_MS;
    while (kill_children() && clock_mono_ms() < until_ms)
        clock_nap_us(END_TURN_MS * 1000);
}

/* --- the loop --- */

/* The leader is killed with its group before it is reaped: until then its number is not given to
 * another process. */
static void on_child(struct keeper *keeper)
{
    struct signalfd_siginfo unused;
    siginfo_t ended = {0};
    while (read(keeper->signals, &unused, sizeof(unused)) > 0)
        continue;
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid > 0) {
        if (ended.si_pid == keeper->leader) {
            signal_group(keeper, SIGKILL);
            waitpid(keeper->leader, &keeper->status, 0);
            keeper->ended = true;
        } else {
            waitpid(ended.si_pid, NULL, 0);
        }
        ended.si_pid = 0;
    }
}

static void on_order(struct keeper *keeper)
{
    char order = KEEPER_KILL;
    if (recv(keeper->life, &order, 1, 0) != 1) {
        order = KEEPER_KILL;
        close(keeper->life);
        keeper->life = -1;
    }
    if (order == KEEPER_TERMINATE && keeper->kill_ms == 0)
        keeper->kill_ms = clock_mono_ms() + KEEPER_GRACE_MS;
    signal_group(keeper, order == KEEPER_TERMINATE ? SIGTERM : SIGKILL);
}

static void keep(struct keeper *keeper)
{
    while (!keeper->ended) {
        struct pollfd files[] = {{keeper->signals, POLLIN, 0}, {keeper->life, POLLIN, 0}};
        int64_t left_ms = keeper->kill_ms > 0 ? keeper->kill_ms - clock_mono_ms() : -1;
        if (keeper->kill_ms > 0 && left_ms <= 0) {
            signal_group(keeper, SIGKILL);
            left_ms = END_MS;
        }
        if (poll(files, 2, (int)left_ms) < 0 && errno != EINTR)
            return;
        if (files[0].revents)
            on_child(keeper);
        if (files[1].revents && keeper->life >= 0)
            on_order(keeper);
    }
}

/* --- start and end --- */

/* A directory of its own for each process, as in Lambda, where /tmp is the function's own. */
static bool make_scratch(struct keeper *keeper, struct launch_received *launch)
{
    const char *parent = getenv("TMPDIR");
    snprintf(keeper->scratch, sizeof(keeper->scratch), "%.200s/headgate-function-XXXXXX",
             parent && *parent == '/' ? parent : "/tmp");
    if (!mkdtemp(keeper->scratch))
        return false;
    launch->scratch = keeper->scratch;
    const char *const names[] = {"TMPDIR", "HOME"};
    for (int i = 0; i < 2; i++) {
        snprintf(keeper->variables[i], VARIABLE_SIZE, "%s=%s", names[i], keeper->scratch);
        launch->variables[launch->variable_count++] = keeper->variables[i];
    }
    return true;
}

/* By descriptors: a link that another process puts there meanwhile leads nowhere. What cannot be
 * removed stays, and the directory with it. */
static void remove_all(int parent, const char *name, int depth)
{
    struct dirent *entry;
    int fd = fd_open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    while (directory && (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(fd, entry->d_name, 0) != 0 && depth < SCRATCH_DEPTH_MAX)
            remove_all(fd, entry->d_name, depth + 1);
    }
    if (directory)
        closedir(directory);
    else
        close_fd(&fd);
    unlinkat(parent, name, AT_REMOVEDIR);
}

static void remove_scratch(const struct keeper *keeper)
{
    remove_all(AT_FDCWD, keeper->scratch, 0);
}

/* The pipe is closed by a successful start of the program; before that it takes the reason. */
static void await_start(const struct keeper *keeper, int failure)
{
    struct keeper_report message = {.event = KEEPER_NOT_STARTED};
    ssize_t size;
    do
        size = read(failure, &message, sizeof(message));
    while (size < 0 && errno == EINTR);
    message.event = size == (ssize_t)sizeof(message) ? KEEPER_NOT_STARTED : KEEPER_STARTED;
    message.pid = keeper->leader;
    report(keeper, message);
}

static _Noreturn void give_up(const struct keeper *keeper, const char *step)
{
    struct keeper_report message = {.event = KEEPER_NOT_STARTED, .code = errno};
    snprintf(message.step, sizeof(message.step), "%s", step);
    report(keeper, message);
    if (keeper->scratch[0])
        remove_scratch(keeper);
    _exit(0);
}

static void start_leader(struct keeper *keeper, const struct launch_received *launch, int output)
{
    int failure[2];
    if (pipe2(failure, O_CLOEXEC) != 0)
        give_up(keeper, "pipe");
    pid_t self = getpid();
    keeper->leader = fork();
    if (keeper->leader < 0)
        give_up(keeper, "fork");
    if (keeper->leader == 0) {
        struct keeper_report message = {0};
        const char *step = leader_become(launch, output, self);
        message.code = errno;
        snprintf(message.step, sizeof(message.step), "%s", step);
        ssize_t written = write(failure[1], &message, sizeof(message));
        _exit(written < 0 ? 126 : 127);
    }
    close(failure[1]);
    close(output);
    await_start(keeper, failure[0]);
    close(failure[0]);
}

_Noreturn void keeper_run(struct launch_received *launch, int life, int output)
{
    struct keeper keeper = {.life = life};
    sigset_t children;
    prctl(PR_SET_NAME, "keeper");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    keeper.signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (keeper.signals < 0 || !make_scratch(&keeper, launch))
        give_up(&keeper, "a directory for temporary files");
    start_leader(&keeper, launch, output);
    keep(&keeper);
    end_descendants();
    report(&keeper, (struct keeper_report){
                        .event = KEEPER_ENDED, .pid = keeper.leader, .code = keeper.status});
    remove_scratch(&keeper);
    _exit(0);
}
