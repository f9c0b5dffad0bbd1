/* The runner as a whole: its list of functions, its start and its end, and what others ask it about
 * a process. */
#include "connector/custom/local_runner.h"

#include "base/alloc.h"
#include "connector/custom/local_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct function_runner_ops ops = {.knows = pool_knows, .invoke = pool_invoke};

static bool start_attendant(struct local_runner *runner, struct error *error)
{
    sigset_t all, before;
    if (pipe2(runner->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return fail(error, ERR_UNAVAILABLE, "No pipe for local connectors: %s.", strerror(errno));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&runner->attendant, NULL, attendant_run, runner);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return true;
    close(runner->wake[0]);
    close(runner->wake[1]);
    return fail(error, ERR_UNAVAILABLE, "No thread for local connectors: %s.", strerror(rc));
}

bool local_runner_new(const struct local_runner_config *config, struct local_functions *functions,
                      struct local_runner **ret_runner, struct error *error)
{
    struct local_runner *runner = xcalloc(1, sizeof(*runner));
    *runner = (struct local_runner){.base = {.ops = &ops},
                                    .config = *config,
                                    .functions = functions,
                                    .accounts = {.size = config->processes_max}};
    pthread_mutex_init(&runner->lock, NULL);
    if (!start_attendant(runner, error)) {
        pthread_mutex_destroy(&runner->lock);
        local_functions_free(functions);
        free(runner);
        return false;
    }
    *ret_runner = runner;
    return true;
}

struct function_runner *local_runner_base(struct local_runner *runner)
{
    return &runner->base;
}

/* Groups point into the list: they get the new one's functions before the old one is freed. */
static void renew(struct process_group *group, const struct local_functions *functions)
{
    struct str arn = str_behind(group->link.name, ' ', 1);
    const struct local_function *now = local_function_find(functions, arn);
    bool same = now && group->function && local_function_equals(now, group->function);
    if (!same) {
        group->failures = 0;
        group->retry_ms = 0;
    }
    for (list_each(struct process, each, &group->runner->processes, link))
        each->stale |= each->group == group && !same;
    group->function = now;
}

void local_runner_replace(struct local_runner *runner, struct local_functions *functions)
{
    pthread_mutex_lock(&runner->lock);
    for (list_each(struct process_group, group, &runner->groups, order))
        renew(group, functions);
    local_functions_free(runner->functions);
    runner->functions = functions;
    pthread_mutex_unlock(&runner->lock);
    attendant_wake(runner);
}

void local_runner_set_endpoint(struct local_runner *runner, const char *url)
{
    pthread_mutex_lock(&runner->lock);
    snprintf(runner->endpoint, sizeof(runner->endpoint), "%s", url);
    pthread_mutex_unlock(&runner->lock);
}

struct local_runner_counts local_runner_counts(struct local_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    struct local_runner_counts counts = runner->counts;
    pthread_mutex_unlock(&runner->lock);
    return counts;
}

void local_runner_stop(struct local_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    runner->stopping = true;
    pool_serve(runner); /* fails what waits */
    for (list_each(struct process, each, &runner->processes, link))
        process_end(each, KEEPER_TERMINATE, NULL);
    pthread_mutex_unlock(&runner->lock);
    attendant_wake(runner);
    pthread_join(runner->attendant, NULL);
}

/* Closing a process's life socket ends what the attendant could not. */
static void free_all(struct list *processes)
{
    struct process *process;
    while ((process = list_item(list_take_first(processes), struct process, link)))
        process_free(process);
}

void local_runner_free(struct local_runner *runner)
{
    struct process_group *group;
    if (!runner)
        return;
    free_all(&runner->processes);
    free_all(&runner->dead);
    while ((group = list_item(list_take_first(&runner->groups), struct process_group, order)))
        free(group);
    map_done(&runner->group_map);
    share_done(&runner->accounts);
    local_functions_free(runner->functions);
    close(runner->wake[0]);
    close(runner->wake[1]);
    pthread_mutex_destroy(&runner->lock);
    free(runner);
}
