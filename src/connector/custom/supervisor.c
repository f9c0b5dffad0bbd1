/* The server's side of the supervisor, and the supervisor's loop: a message that describes a
 * launch, with two descriptors, becomes a keeper. */
#include "connector/custom/supervisor.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/fd_pass.h"
#include "connector/custom/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
    SUPERVISOR_STOP_MS = 5 * 1000, /* for its keepers; then it is killed */
    KEEPERS_END_MS = 3 * 1000,
    STOP_NAP_US = 2000,
    EXIT_LOST = 1,
};

struct supervisor {
    int socket;
    pid_t pid;
};

/* What stands before the texts in a message: the command, the directory, then the variables. */
struct launch_head {
    size_t memory_max;
    size_t variable_count;
};

/* Its descriptors: LIFE, OUTPUT. */
enum { LAUNCH_FILES = 2 };

/* --- in the supervisor --- */

static char *take_text(char **at, const char *end)
{
    char *text = *at;
    char *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
    if (!nul)
        _exit(EXIT_LOST); /* the server made this message: it is not the one that we know */
    *at = nul + 1;
    return text;
}

static void read_launch(char *message, size_t size, struct launch_received *ret_launch)
{
    struct launch_head head;
    char *at = message + sizeof(head);
    if (size < sizeof(head))
        _exit(EXIT_LOST);
    memcpy(&head, message, sizeof(head));
    *ret_launch = (struct launch_received){.memory_max = head.memory_max,
                                           .command = take_text(&at, message + size),
                                           .directory = take_text(&at, message + size)};
    if (head.variable_count > LAUNCH_VARIABLES_MAX)
        _exit(EXIT_LOST);
    while (ret_launch->variable_count < head.variable_count)
        ret_launch->variables[ret_launch->variable_count++] = take_text(&at, message + size);
}

/* False: the server has closed its end, or is gone. */
static bool receive(int socket, char *message, size_t *ret_size, int files[LAUNCH_FILES])
{
    ssize_t size = fd_pass_receive(socket, message, sizeof(struct launch_head) + LAUNCH_TEXT_MAX,
                                   files, LAUNCH_FILES);
    *ret_size = size > 0 ? (size_t)size : 0;
    return size > 0 && files[0] >= 0;
}

/* The life socket's end that the server reads says that there is no keeper: it is closed. */
static void launch_one(int socket, const struct supervisor_config *config, char *message,
                       size_t size, int life, int output)
{
    struct launch_received launch;
    pid_t child = fork();
    if (child == 0) {
        close(socket);
        read_launch(message, size, &launch);
        launch.isolation = config->isolation;
        launch.hidden = config->hidden;
        launch.hidden_count = config->hidden_count;
        keeper_run(&launch, life, output);
    }
    close(life);
    close(output);
    explicit_bzero(message, size); /* the environment holds credentials */
}

static void reap(int signal_number)
{
    int saved = errno;
    (void)signal_number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    errno = saved;
}

/* Keepers end their processes by themselves when the server is gone. What is left after that
 * belonged to a keeper that was killed. */
static void end_all(void)
{
    int64_t until_ms = clock_mono_ms() + KEEPERS_END_MS;
    bool left = true;
    while (left) {
        left = clock_mono_ms() < until_ms ? waitpid(-1, NULL, WNOHANG) >= 0 : kill_children();
        clock_nap_us(STOP_NAP_US);
    }
}

/* Signals that a terminal or a service manager sends to all processes stay blocked, as the server
 * has set them: processes end when the server says so. */
static _Noreturn void supervise(int socket, const struct supervisor_config *config)
{
    struct sigaction action = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP | SA_RESTART};
    char *message = xmalloc(sizeof(struct launch_head) + LAUNCH_TEXT_MAX);
    int files[LAUNCH_FILES];
    size_t size;
    prctl(PR_SET_NAME, "supervisor");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigaction(SIGCHLD, &action, NULL);
    while (receive(socket, message, &size, files))
        launch_one(socket, config, message, size, files[0], files[1]);
    signal(SIGCHLD, SIG_DFL);
    end_all();
    _exit(0);
}

/* --- in the server --- */

bool supervisor_start(const struct supervisor_config *config, struct supervisor **ret_supervisor,
                      struct error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(error, ERR_UNAVAILABLE, "No socket for the supervisor of local connectors: %s.",
                    strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        supervise(ends[1], config);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return fail(error, ERR_UNAVAILABLE,
                    "No process for the supervisor of local connectors: %s.", strerror(errno));
    }
    *ret_supervisor = xcalloc(1, sizeof(**ret_supervisor));
    **ret_supervisor = (struct supervisor){.socket = ends[0], .pid = pid};
    return true;
}

static void add_text(struct buf *out, const char *text)
{
    buf_add(out, (struct str){text, strlen(text) + 1});
}

static struct buf launch_message(const struct launch *launch)
{
    struct launch_head head = {launch->memory_max, launch->variable_count};
    struct buf message = buf_on_heap(sizeof(head) + LAUNCH_TEXT_MAX);
    buf_add(&message, (struct str){(const char *)&head, sizeof(head)});
    add_text(&message, launch->command);
    add_text(&message, launch->directory);
    for (size_t i = 0; i < launch->variable_count; i++)
        add_text(&message, launch->variables[i]);
    message.overflow |= launch->variable_count > LAUNCH_VARIABLES_MAX;
    return message;
}

bool supervisor_launch(struct supervisor *supervisor, const struct launch *launch, int *ret_life,
                       int *ret_output, struct error *error)
{
    _cleanup_(buf_done) struct buf message = launch_message(launch);
    int life[2], output[2];
    if (message.overflow)
        return fail(error, ERR_VALIDATION, "Its command and environment are longer than %d bytes.",
                    LAUNCH_TEXT_MAX);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, life) != 0)
        return fail(error, ERR_UNAVAILABLE, "No socket for its process: %s.", strerror(errno));
    _cleanup_close_ int keeper_life = life[1], own_life = life[0];
    if (pipe2(output, O_CLOEXEC) != 0 || fcntl(output[0], F_SETFL, O_NONBLOCK) != 0)
        return fail(error, ERR_UNAVAILABLE, "No pipe for its output: %s.", strerror(errno));
    _cleanup_close_ int keeper_output = output[1], own_output = output[0];
    if (!fd_pass_send(supervisor->socket, buf_str(&message), (int[]){keeper_life, keeper_output},
                      LAUNCH_FILES, MSG_DONTWAIT))
        return errno == EAGAIN
                   ? fail(error, ERR_THROTTLING, "Too many processes are being started.")
                   : fail(error, ERR_UNAVAILABLE,
                          "The supervisor of local connectors has ended (%s); start the server "
                          "again.",
                          strerror(errno));
    *ret_life = fd_take(&own_life);
    *ret_output = fd_take(&own_output);
    return true;
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (!supervisor)
        return;
    int64_t until_ms = clock_mono_ms() + SUPERVISOR_STOP_MS;
    close(supervisor->socket);
    while (waitpid(supervisor->pid, NULL, WNOHANG) == 0) {
        if (clock_mono_ms() >= until_ms)
            kill(supervisor->pid, SIGKILL);
        clock_nap_us(STOP_NAP_US);
    }
    free(supervisor);
}
