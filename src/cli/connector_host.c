/* The server's own runner of local functions, with a list of one and processes of one. A runner in
 * front of it notes what goes in, what comes out and how long it took. */
#include "cli/connector_host.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "connector/custom/local_runner.h"
#include "connector/custom/secret_endpoint.h"
#include "vault/secret.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    COMMAND_TEXT_MAX = LOCAL_COMMAND_MAX + 512,
    IDLE_MS = 60 * 60 * 1000, /* between two requests that are typed */
    DAYS_OF_DEBUGGING = 30,   /* a number that runtime clients can reckon with */
};

struct connector_host {
    struct function_runner base; /* first, so that one pointer is both */
    struct connector_host_config config;
    struct supervisor *supervisor;
    struct function_sessions *sessions;
    struct secret_endpoint *secrets;
    struct local_runner *runner;
    struct connector_host_call last;
    void (*hook)(void *context, const struct connector_host_call *call); /* NULL: none */
    void *hook_context;
};

static bool knows(struct function_runner *base, struct str arn)
{
    (void)base;
    return str_eq(arn, STR(HOST_FUNCTION_ARN));
}

static void invoke(struct function_runner *base, const struct function_call *call,
                   struct arena *arena, struct function_answer *ret_answer)
{
    struct connector_host *host = (struct connector_host *)base;
    int64_t begin_ms = clock_mono_ms();
    function_invoke(local_runner_base(host->runner), call, arena, ret_answer);
    host->last = (struct connector_host_call){
        .request = call->payload,
        .answer = *ret_answer,
        .took_ms = clock_mono_ms() - begin_ms,
    };
    if (host->hook)
        host->hook(host->hook_context, &host->last);
}

static const struct function_runner_ops ops = {.knows = knows, .invoke = invoke};

/* The process stops before the command, whose process it becomes: a debugger that continues it sees
 * the command from its first instruction. */
#define UNTIL_A_DEBUGGER_COMES                                                                     \
    "echo \"process $$ is stopped: attach a debugger to it and continue, or kill -CONT $$\"; "     \
    "kill -STOP $$; exec "

static bool start_runner(struct connector_host *host, struct error *error)
{
    struct local_functions *functions;
    char given[COMMAND_TEXT_MAX];
    const char *const list[] = {given};
    struct local_runner_config config = {
        .supervisor = host->supervisor,
        .sessions = host->sessions,
        .processes_max = 1,
        .function_max = 1,
        .idle_ms = IDLE_MS,
        .no_time_limits = host->config.debug,
    };
    snprintf(given, sizeof(given), "%s=%s%s", HOST_FUNCTION_ARN,
             host->config.debug ? UNTIL_A_DEBUGGER_COMES : "", host->config.command);
    if (!local_functions_read(list, 1, NULL, &functions, error) ||
        !local_runner_new(&config, functions, &host->runner, error))
        return false;
    local_runner_set_endpoint(host->runner, secret_endpoint_url(host->secrets));
    return true;
}

bool connector_host_start(const struct connector_host_config *config,
                          struct connector_host **ret_host, struct error *error)
{
    struct connector_host *host = xcalloc(1, sizeof(*host));
    host->base.ops = &ops;
    host->config = *config;
    const struct supervisor_config supervisor = {
        .isolation = config->debug ? ISOLATION_OFF : ISOLATION_ON,
    };
    bool ok = supervisor_start(&supervisor, &host->supervisor, error); /* before any thread */
    secret_init();
    host->sessions = function_sessions_new();
    ok = ok && secret_endpoint_start(host->sessions, &host->secrets, error) &&
         start_runner(host, error);
    if (!ok) {
        connector_host_stop(host);
        return false;
    }
    *ret_host = host;
    return true;
}

void connector_host_stop(struct connector_host *host)
{
    if (!host)
        return;
    if (host->runner)
        local_runner_stop(host->runner);
    secret_endpoint_stop(host->secrets);
    local_runner_free(host->runner);
    supervisor_stop(host->supervisor);
    function_sessions_free(host->sessions);
    free(host);
}

struct function_runner *connector_host_runner(struct connector_host *host)
{
    return &host->base;
}

const struct connector_host_call *connector_host_last(const struct connector_host *host)
{
    return &host->last;
}

void connector_host_on_call(struct connector_host *host,
                            void (*hook)(void *context, const struct connector_host_call *call),
                            void *context)
{
    host->hook = hook;
    host->hook_context = context;
}

struct function_call connector_host_call_new(const struct connector_host *host, struct str payload,
                                             int64_t time_ms)
{
    bool secret = host->config.secret_text.data != NULL;
    int64_t debug_ms = (int64_t)DAYS_OF_DEBUGGING * 24 * 60 * 60 * 1000;
    return (struct function_call){
        .arn = STR(HOST_FUNCTION_ARN),
        .payload = payload,
        .account = STR(HOST_ACCOUNT),
        .region = STR(HOST_REGION),
        .secret_arn = secret ? STR(HOST_SECRET_ARN) : STR_NULL,
        .secret_text = host->config.secret_text,
        .request_id = STR_NULL,
        .deadline_ms = clock_mono_ms() + (host->config.debug ? debug_ms : time_ms),
    };
}
