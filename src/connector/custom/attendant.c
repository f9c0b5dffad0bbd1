/* One thread looks after all processes of a runner: what their keepers report, what they write, and
 * how long they may take for what they are at. It alone closes and frees a process. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "connector/custom/local_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TURN_MS = 500, /* time limits are looked at this often */
    END_MS = 5 * 1000,
    STOP_MS = 8 * 1000, /* for all processes, when the runner is freed */
    FILES_A_PROCESS = 2,
    OUTPUT_TURNS_MAX = 64, /* of what an ended process has left in its pipe */
};

void attendant_wake(struct local_runner *runner)
{
    ssize_t written = write(runner->wake[1], "w", 1);
    (void)written; /* a full pipe wakes it as well */
}

/* --- reports --- */

static void on_started(struct process *process, const struct keeper_report *report)
{
    char why[128];
    process->pid = report->pid;
    if (report->event == KEEPER_STARTED || process->why)
        return;
    snprintf(why, sizeof(why), "could not be started: %s: %s", report->step,
             strerror(report->code));
    process->why = xstrdup(why);
    log_error("Function %s: its process %s",
              process->group->function ? process->group->function->name : "(removed)", why);
}

/* What is left in the pipe is logged first, so that the log is in order. */
static void on_end(struct process *process, const struct keeper_report *report)
{
    struct local_runner *runner = process->runner;
    for (int i = 0; i < OUTPUT_TURNS_MAX && process_output_read(process); i++) {
        struct pollfd more = {process->output, POLLIN, 0};
        if (poll(&more, 1, 0) <= 0)
            break;
    }
    process_output_end(process);
    pthread_mutex_lock(&runner->lock);
    list_remove(&runner->processes, &process->link);
    pool_ended(process, report);
    runtime_api_close(process);
    list_append(&runner->dead, &process->link);
    pthread_mutex_unlock(&runner->lock);
}

/* True while it lives. */
static bool read_report(struct process *process)
{
    struct keeper_report report;
    ssize_t size = recv(process->life, &report, sizeof(report), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (size == (ssize_t)sizeof(report) && report.event != KEEPER_ENDED) {
        pthread_mutex_lock(&process->runner->lock);
        on_started(process, &report);
        pthread_mutex_unlock(&process->runner->lock);
        return true;
    }
    on_end(process, size == (ssize_t)sizeof(report) ? &report : NULL);
    return false;
}

/* --- time limits --- */

static void check(struct process *process, int64_t now_ms)
{
    int64_t for_ms = now_ms - process->since_ms;
    const struct local_runner_config *config = &process->runner->config;
    switch (process->state) {
    case PROCESS_STARTING:
        if (for_ms >= LOCAL_START_MS && !config->no_time_limits)
            process_end(process, KEEPER_KILL, "did not ask for a call in 60 s after its start");
        break;
    case PROCESS_IDLE:
        if (for_ms >= config->idle_ms || process->stale)
            process_end(process, KEEPER_TERMINATE, NULL);
        break;
    case PROCESS_RETURNING:
        if (for_ms >= LOCAL_RETURN_MS && !config->no_time_limits)
            process_end(process, KEEPER_KILL, "did not ask for a call in 30 s after its answer");
        break;
    case PROCESS_ENDING:
        if (for_ms >= END_MS)
            process_end(process, KEEPER_KILL, NULL);
        break;
    case PROCESS_BUSY: /* its call has a deadline, which the caller waits for */
        break;
    }
}

static void check_all(struct local_runner *runner)
{
    int64_t now_ms = clock_mono_ms();
    for (list_each(struct process, each, &runner->processes, link))
        check(each, now_ms);
    pool_serve(runner);
}

/* --- the loop --- */

/* What the attendant waits for. No process is freed but by itself, so these stay as they are while
 * it looks at them. */
struct process_watch {
    struct pollfd *files; /* the pipe that wakes it, then FILES_A_PROCESS each */
    struct process **processes;
    size_t count;
};

/* A process whose output was closed is asked for its life alone: poll ignores a negative file. */
static void look(struct local_runner *runner, struct process_watch *watch)
{
    watch->count = 0;
    watch->files[0] = (struct pollfd){runner->wake[0], POLLIN, 0};
    for (list_each(struct process, each, &runner->processes, link)) {
        struct pollfd *files = &watch->files[1 + FILES_A_PROCESS * watch->count];
        files[0] = (struct pollfd){each->life, POLLIN, 0};
        files[1] = (struct pollfd){each->output, POLLIN, 0};
        watch->processes[watch->count++] = each;
    }
}

static void drain_wake(const struct local_runner *runner)
{
    char bytes[64];
    while (read(runner->wake[0], bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
        continue;
}

static void close_output(struct process *process)
{
    close(process->output);
    process->output = -1;
}

static void turn(struct local_runner *runner, struct process_watch *watch)
{
    if (poll(watch->files, 1 + FILES_A_PROCESS * watch->count, TURN_MS) <= 0)
        return;
    if (watch->files[0].revents)
        drain_wake(runner);
    for (size_t i = 0; i < watch->count; i++) {
        const struct pollfd *files = &watch->files[1 + FILES_A_PROCESS * i];
        if (files[1].revents && !process_output_read(watch->processes[i]))
            close_output(watch->processes[i]);
        if (files[0].revents)
            read_report(watch->processes[i]);
    }
}

static void free_dead(struct local_runner *runner)
{
    struct list dead = {0};
    struct process *process;
    pthread_mutex_lock(&runner->lock);
    list_move(&dead, &runner->dead);
    pthread_mutex_unlock(&runner->lock);
    while ((process = list_item(list_take_first(&dead), struct process, link)))
        process_free(process);
}

void *attendant_run(void *argument)
{
    struct local_runner *runner = argument;
    size_t most = runner->config.processes_max;
    struct process_watch watch = {.files =
                                      xcalloc(1 + FILES_A_PROCESS * most, sizeof(struct pollfd)),
                                  .processes = xcalloc(most, sizeof(struct process *))};
    int64_t check_ms = 0, stop_ms = 0;
    bool more = true;
    pthread_setname_np(pthread_self(), "functions");
    while (more) {
        pthread_mutex_lock(&runner->lock);
        if (clock_mono_ms() >= check_ms) {
            check_all(runner);
            check_ms = clock_mono_ms() + TURN_MS;
        }
        look(runner, &watch);
        if (runner->stopping && stop_ms == 0)
            stop_ms = clock_mono_ms() + STOP_MS;
        more = !runner->stopping || (watch.count > 0 && clock_mono_ms() < stop_ms);
        pthread_mutex_unlock(&runner->lock);
        if (more)
            turn(runner, &watch);
        free_dead(runner);
    }
    free(watch.files);
    free(watch.processes);
    return NULL;
}
