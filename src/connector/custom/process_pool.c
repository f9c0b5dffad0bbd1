/* Which process has which call: a call takes the process that was idle last, or waits until one is
 * ready; processes are started for calls that wait, within the bounds of function, account and
 * server, and an idle process of others is ended where there is no room for a new one. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "base/timed.h"
#include "connector/custom/local_internal.h"
#include "work/cpu_slots.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    AHEAD_BUSY_MIN = 2, /* calls of a function that overlap before one is started ahead */
    RETRY_AFTER_MS = 1000,
    RETURNING_MS = 100,     /* for a process that has answered to ask for the next call */
    FAILURES_FREE = 2,      /* starts that may fail in sequence without a pause */
    FAILURE_PAUSE_MS = 500, /* after that; doubled each time */
    FAILURE_PAUSE_MAX_MS = 8000,
    SHELL_NOT_FOUND = 127, /* a shell's exit status when there is no such command */
};

/* --- groups --- */

bool pool_knows(struct function_runner *base, struct str arn)
{
    struct local_runner *runner = (struct local_runner *)base;
    pthread_mutex_lock(&runner->lock);
    bool known = local_function_find(runner->functions, arn) != NULL;
    pthread_mutex_unlock(&runner->lock);
    return known;
}

static struct process_group *group_of(struct local_runner *runner,
                                      const struct local_function *function, struct str account)
{
    char name[FUNCTION_ARN_MAX + 32];
    int len = snprintf(name, sizeof(name), "%.*s %.*s", STR_ARG(account), STR_ARG(function->arn));
    struct str key = {name, (size_t)len};
    struct map_link *found = map_find(&runner->group_map, key);
    if (found)
        return (struct process_group *)found;
    struct process_group *group = xcalloc(1, sizeof(*group) + key.len + 1);
    memcpy(group->name, name, key.len + 1);
    group->runner = runner;
    group->function = function;
    group->link.name = (struct str){group->name, key.len};
    group->account = (struct str){group->name, account.len};
    map_add(&runner->group_map, &group->link);
    list_append(&runner->groups, &group->order);
    return group;
}

/* --- answers --- */

static void finish(struct process_call *call)
{
    call->done = true;
    pthread_cond_signal(&call->changed);
}

static void answer(struct process_call *call, enum function_outcome outcome, const char *message)
{
    *call->answer = (struct function_answer){
        .outcome = outcome,
        .error_type = STR(""),
        .message = arena_copy(call->arena, str_from(message)),
        .retry_after_ms = outcome == FUNCTION_THROTTLED ? RETRY_AFTER_MS : 0,
        .not_run = outcome == FUNCTION_THROTTLED,
    };
    finish(call);
}

static void leave_queue(struct process_group *group, struct process_call *call)
{
    list_remove(&group->waiting, &call->link);
    group->waiting_count--;
    group->runner->counts.waiting--;
}

/* --- starting --- */

/* The process of another group that was idle longest and whose end gives this group's account room:
 * its own, or another's where that leaves the account enough free. NULL: there is none, or one ends
 * already. */
static struct process *idle_elsewhere(struct local_runner *runner,
                                      const struct process_group *group)
{
    struct process *oldest = NULL;
    const struct share_key *key = share_find(&runner->accounts, group->account);
    size_t free_after = runner->accounts.size - runner->accounts.taken + 1;
    bool takes = share_left(key ? key->has : 0, free_after) > 0;
    for (list_each(struct process, each, &runner->processes, link)) {
        if (each->state == PROCESS_ENDING)
            return NULL; /* there is going to be room */
        if (each->state == PROCESS_IDLE && each->group != group &&
            (takes || str_eq(each->group->account, group->account)) &&
            (!oldest || each->since_ms < oldest->since_ms))
            oldest = each;
    }
    return oldest;
}

enum start { START_DONE, START_FULL, START_PAUSED, START_FAILED };

static void note_failure(struct process_group *group, const char *reason)
{
    int64_t pause_ms = FAILURE_PAUSE_MS;
    int past = ++group->failures - FAILURES_FREE;
    for (int i = 1; i < past && pause_ms < FAILURE_PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    group->retry_ms = past > 0 ? clock_mono_ms() + pause_ms : 0;
    struct str kept = utf8_cut(str_from(reason), sizeof(group->failure) - 1);
    snprintf(group->failure, sizeof(group->failure), "%.*s", STR_ARG(kept));
}

/* `makes_room`: an idle process of others may be ended for it; then it is started when that has
 * ended. */
static enum start try_start(struct local_runner *runner, struct process_group *group,
                            bool makes_room)
{
    struct error error = {0};
    if (!group->function || runner->stopping || group->count >= runner->config.function_max)
        return START_FULL;
    if (clock_mono_ms() < group->retry_ms)
        return START_PAUSED;
    struct share_key *share = share_take(&runner->accounts, group->account);
    if (!share) {
        struct process *idle = makes_room ? idle_elsewhere(runner, group) : NULL;
        if (idle)
            process_end(idle, KEEPER_TERMINATE, NULL);
        return START_FULL;
    }
    if (process_start(group, runner, &error))
        return START_DONE;
    share_give(&runner->accounts, share);
    note_failure(group, error.message);
    runner->counts.failed++;
    log_error("Function %s: no process could be started: %s", group->function->name, error.message);
    return START_FAILED;
}

static void fail_waiting(struct process_group *group)
{
    struct process_call *call;
    while ((call = list_first(&group->waiting, struct process_call, link))) {
        leave_queue(group, call);
        if (group->runner->stopping)
            answer(call, FUNCTION_THROTTLED, "The server is stopping.");
        else if (group->function)
            answer(call, FUNCTION_CRASHED, group->failure);
        else
            answer(call, FUNCTION_NOT_FOUND,
                   "The function was removed from the server's local connectors.");
    }
}

/* A process that has answered asks for its next call within a moment, so a call waits that long
 * for it before another one is started. */
static void serve_group(struct local_runner *runner, struct process_group *group,
                        bool counts_returning)
{
    enum start outcome = START_DONE;
    size_t coming = counts_returning ? group->returning : 0;
    while (group->waiting_count > group->starting + coming && outcome == START_DONE)
        outcome = try_start(runner, group, group->count == 0);
    if (!group->function || runner->stopping ||
        (group->count == 0 && (outcome == START_PAUSED || outcome == START_FAILED)))
        fail_waiting(group); /* nothing will become ready for them */
}

void pool_serve(struct local_runner *runner)
{
    for (list_each(struct process_group, group, &runner->groups, order))
        serve_group(runner, group, true);
}

/* --- calls --- */

/* The secret of its call, as long as it has the call. */
static void grant(struct process *process, const struct function_call *asked)
{
    if (!process->session)
        return;
    process_conceal_all(process, asked->secret_text);
    function_session_grant(process->session, &(struct function_grant){
                                                 .account = asked->account,
                                                 .secret_arn = asked->secret_arn,
                                                 .secret_text = asked->secret_text,
                                                 .request_id = asked->request_id,
                                             });
}

static void take_back(struct process *process)
{
    struct process_call *call = process->call;
    process->call = NULL;
    call->process = NULL;
    if (process->session)
        function_session_revoke(process->session);
}

static void give(struct process *process, struct process_call *call)
{
    call->process = process;
    process->call = call;
    process->refused_long = false;
    process->refused[0] = '\0';
    snprintf(process->last_id, sizeof(process->last_id), "%s", call->id);
    process_move(process, PROCESS_BUSY);
    grant(process, call->asked);
    runtime_api_deliver(process);
}

void pool_ready(struct process *process)
{
    struct process_group *group = process->group;
    process->was_ready = true;
    group->failures = 0;
    group->retry_ms = 0;
    if (process->stale) {
        process_end(process, KEEPER_TERMINATE, NULL);
        pool_serve(process->runner);
        return;
    }
    process_move(process, PROCESS_IDLE);
    struct process_call *call = list_first(&group->waiting, struct process_call, link);
    if (!call)
        return;
    leave_queue(group, call);
    give(process, call);
}

void pool_answered(struct process_call *call)
{
    struct process *process = call->process;
    take_back(process);
    if (process->state == PROCESS_BUSY)
        process_move(process, PROCESS_RETURNING);
    finish(call);
}

/* --- ends --- */

static void describe_end(const struct process *process, const struct keeper_report *report,
                         char *out, size_t size)
{
    if (process->why)
        snprintf(out, size, "Its process %s.", process->why);
    else if (!report)
        snprintf(out, size, "Its process was killed together with its keeper.");
    else if (WIFSIGNALED(report->code))
        snprintf(out, size, "Its process was ended by signal %d (%s).", WTERMSIG(report->code),
                 strsignal(WTERMSIG(report->code)));
    else if (WEXITSTATUS(report->code) == SHELL_NOT_FOUND)
        snprintf(out, size,
                 "Its process ended with exit status 127: the command was not found. Give its full "
                 "path, or check PATH.");
    else
        snprintf(out, size,
                 "Its process ended with exit status %d; the server's log has its "
                 "output.",
                 WEXITSTATUS(report->code));
}

/* What its listener has refused explains it better. */
static void fail_with(const struct process *process, struct process_call *call,
                      enum function_outcome outcome, const char *reason)
{
    if (process->refused_long) {
        answer(call, FUNCTION_TOO_LARGE, "Its answer is longer than 6291456 bytes.");
        return;
    }
    struct str message =
        arena_printf(call->arena, "%s%s%s", reason,
                     process->refused[0] ? " What it sent to the Runtime API was refused: " : "",
                     process->refused);
    answer(call, outcome, message.data);
}

static void fail_call(struct process *process, const char *reason)
{
    struct process_call *call = process->call;
    take_back(process);
    fail_with(process, call, FUNCTION_CRASHED, reason);
}

void pool_ended(struct process *process, const struct keeper_report *report)
{
    struct process_group *group = process->group;
    struct local_runner *runner = process->runner;
    bool unready = !process->was_ready, wanted = process->is_wanted;
    char reason[sizeof(group->failure)], name[PROCESS_NAME_SIZE];
    describe_end(process, report, reason, sizeof(reason));
    process_move(process, PROCESS_ENDING);
    group->count--;
    runner->counts.processes--;
    runner->counts.failed += !wanted;
    share_give(&runner->accounts, share_find(&runner->accounts, group->account));
    if (process->call)
        fail_call(process, reason);
    if (unready && !wanted) {
        note_failure(group, reason);
        struct process_call *call = list_first(&group->waiting, struct process_call, link);
        if (call) {
            leave_queue(group, call);
            answer(call, FUNCTION_CRASHED, reason);
        }
    }
    if (!process->why && !wanted)
        log_write(LOG_WARN, str_from(process->last_id), "%s: %s", process_name(process, name),
                  reason);
    pool_serve(runner);
}

/* --- invocation --- */

static void name_call(struct process_call *call)
{
    struct str id = call->asked->request_id;
    bool fits = id.len > 0 && id.len < FUNCTION_ID_SIZE;
    for (size_t i = 0; fits && i < id.len; i++)
        fits = ascii_is_alnum(id.data[i]) || id.data[i] == '-';
    if (fits)
        snprintf(call->id, sizeof(call->id), "%.*s", STR_ARG(id));
    else
        random_uuid(call->id);
}

static void begin(struct local_runner *runner, struct process_group *group,
                  struct process_call *call)
{
    struct process *idle;
    while ((idle = list_first(&group->idle, struct process, idle_link)) && idle->stale)
        process_end(idle, KEEPER_TERMINATE, NULL);
    if (idle) {
        give(idle, call);
        if (!group->idle.first && group->starting == 0 && group->busy >= AHEAD_BUSY_MIN)
            try_start(runner, group, false);
        return;
    }
    if (group->waiting_count >= LOCAL_WAITING_MAX) {
        answer(call, FUNCTION_THROTTLED, "Too many calls wait for a process of this function.");
        return;
    }
    list_append(&group->waiting, &call->link);
    group->waiting_count++;
    runner->counts.waiting++;
    serve_group(runner, group, true);
}

/* The time is over: a process that has the call is ended, since what it does with it later would
 * be taken for the next one's answer. */
static void give_up(struct process_group *group, struct process_call *call)
{
    struct process *process = call->process;
    if (!process) {
        bool starts = group->starting > 0;
        leave_queue(group, call);
        answer(call, starts ? FUNCTION_TIMED_OUT : FUNCTION_THROTTLED,
               starts ? "Its process did not ask for a call in time after its start."
                      : "All processes that it may have are busy (--local-connector-processes).");
        return;
    }
    take_back(process);
    fail_with(process, call, FUNCTION_TIMED_OUT,
              "It did not answer in time; its process was ended.");
    process_end(process, KEEPER_KILL, "did not answer in time");
}

static void await(struct local_runner *runner, struct process_group *group,
                  struct process_call *call)
{
    int64_t deadline_ms = call->asked->deadline_ms;
    int64_t until_ms = clock_mono_ms() + RETURNING_MS;
    while (!call->done) {
        if (until_ms > deadline_ms)
            until_ms = deadline_ms;
        if (cond_wait_until(&call->changed, &runner->lock, until_ms) || call->done)
            continue;
        if (until_ms == deadline_ms)
            give_up(group, call);
        else if (!call->process)
            serve_group(runner, group, false);
        until_ms = deadline_ms;
    }
}

static void invoke(struct local_runner *runner, struct process_call *call)
{
    const struct function_call *asked = call->asked;
    const struct local_function *function = local_function_find(runner->functions, asked->arn);
    if (!function || runner->stopping) {
        answer(call, function ? FUNCTION_THROTTLED : FUNCTION_NOT_FOUND,
               function ? "The server is stopping."
                        : "The function is not one of the server's local connectors.");
        return;
    }
    struct process_group *group = group_of(runner, function, asked->account);
    begin(runner, group, call);
    await(runner, group, call);
}

void pool_invoke(struct function_runner *base, const struct function_call *asked,
                 struct arena *arena, struct function_answer *ret_answer)
{
    struct local_runner *runner = (struct local_runner *)base;
    struct process_call call = {.asked = asked, .answer = ret_answer, .arena = arena};
    *ret_answer = (struct function_answer){.error_type = STR(""), .message = STR("")};
    name_call(&call);
    cond_init_timed(&call.changed);
    slot_release();
    pthread_mutex_lock(&runner->lock);
    invoke(runner, &call);
    pthread_mutex_unlock(&runner->lock);
    slot_acquire();
    pthread_cond_destroy(&call.changed);
}
