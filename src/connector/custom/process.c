/* One process of a local connector: its listener, its environment, its start and its end. */
#include "connector/custom/local_internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "connector/http/redact.h"
#include "wire/json_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 32,                /* of one process: an address has half */
    CONNECTION_IDLE_MS = 15 * 60 * 1000, /* while a call is in hand; Lambda's longest */
    BODY_MARGIN =
        1024 * 1024,  /* bytes past the limit that are read, so that the refusal has words */
    NAME_LEN_MIN = 8, /* bytes; a shorter name may be an ordinary word, and is not concealed */
    VARIABLES_MAX = LAUNCH_VARIABLES_MAX,
};

const char *process_name(const struct process *process, char out[PROCESS_NAME_SIZE])
{
    const struct local_function *function = process->group->function;
    snprintf(out, PROCESS_NAME_SIZE, "Function %s, process %d",
             function ? function->name : "(removed)", (int)process->pid);
    return out;
}

/* --- secrets --- */

static void forget(struct str *text)
{
    if (text->data)
        explicit_bzero((char *)text->data, text->len);
    free((char *)text->data);
    *text = STR_NULL;
}

/* The oldest gives way: an access token is replaced often. */
void process_conceal(struct process *process, struct str text)
{
    if (text.len == 0 || text.len > PROCESS_CONCEALED_BYTES)
        return;
    for (size_t i = 0; i < PROCESS_CONCEALED_MAX; i++) {
        if (process->concealed[i].data && str_eq(process->concealed[i], text))
            return;
    }
    struct str *place = &process->concealed[process->concealed_next++ % PROCESS_CONCEALED_MAX];
    char *copy = xmalloc(text.len);
    forget(place);
    memcpy(copy, text.data, text.len);
    *place = (struct str){copy, text.len};
}

/* Of the members of a secret, those that identify and are not secret by themselves. */
static size_t least_len_of(struct str member)
{
    bool is_name =
        str_eq(member, STR("username")) || str_eq(member, STR("customAuthenticationType"));
    return is_name ? NAME_LEN_MIN : REDACT_LEN_MIN;
}

/* Each string within; `member` names the one that holds the value, STR_NULL: none does. */
static void conceal_value(struct process *process, struct str member, const struct value *value)
{
    if (value->kind == VALUE_STRING && value->text.len >= least_len_of(member))
        process_conceal(process, value->text);
    if (value->kind > VALUE_LIST)
        return;
    for (size_t i = 0; i < value->count; i++)
        conceal_value(process, value->names ? value->names[i] : member, value->items[i]);
}

void process_conceal_all(struct process *process, struct str json)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct value *value;
    if (json.len == 0 || !json_parse(json, &arena, &value))
        return;
    conceal_value(process, STR_NULL, value);
}

void process_secrets(const struct process *process, struct arena *arena,
                     struct redaction *ret_secrets)
{
    *ret_secrets = (struct redaction){.arena = arena};
    for (size_t i = 0; i < PROCESS_CONCEALED_MAX && process->concealed[i].data; i++)
        redact_add(ret_secrets, arena_copy(arena, process->concealed[i]));
}

/* --- environment --- */

struct environment {
    struct arena *arena;
    const char *texts[VARIABLES_MAX];
    size_t count;
};

static void set(struct environment *environment, const char *name, struct str value)
{
    size_t len = strlen(name), at = 0;
    while (at < environment->count &&
           (strncmp(environment->texts[at], name, len) != 0 || environment->texts[at][len] != '='))
        at++;
    if (!value.data || at == VARIABLES_MAX)
        return;
    environment->texts[at] = arena_printf(environment->arena, "%s=%.*s", name, STR_ARG(value)).data;
    environment->count += at == environment->count;
}

/* The last word of a command is its handler: "python3 -m awslambdaric app.handler". */
static struct str handler_of(const char *command)
{
    const char *space = strrchr(command, ' ');
    return str_from(space ? space + 1 : command);
}

/* What Lambda sets, as far as it means something here
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html). */
static void set_lambda(struct environment *environment, const struct local_function *function,
                       size_t memory_max)
{
    struct str region = str_from(function->region);
    set(environment, "PATH", STR("/usr/local/bin:/usr/bin:/bin"));
    set(environment, "LANG", STR("en_US.UTF-8"));
    set(environment, "TZ", STR(":UTC"));
    set(environment, "AWS_REGION", region);
    set(environment, "AWS_DEFAULT_REGION", region);
    set(environment, "AWS_LAMBDA_FUNCTION_NAME", str_from(function->name));
    set(environment, "AWS_LAMBDA_FUNCTION_VERSION", STR("$LATEST"));
    set(environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        arena_printf(environment->arena, "%zu", memory_max >> 20));
    set(environment, "AWS_LAMBDA_INITIALIZATION_TYPE", STR("on-demand"));
    set(environment, "AWS_LAMBDA_LOG_GROUP_NAME",
        arena_printf(environment->arena, "/aws/lambda/%s", function->name));
    set(environment, "AWS_LAMBDA_LOG_STREAM_NAME", STR("headgate"));
    set(environment, "_HANDLER", handler_of(function->command));
    set(environment, "LAMBDA_TASK_ROOT", str_from(function->directory));
}

static void set_given(struct environment *environment, const struct local_function *function)
{
    for (size_t i = 0; i < function->variable_count; i++) {
        struct str name = STR(""), value = STR("");
        str_cut(str_from(function->variables[i]), '=', &name, &value);
        set(environment, arena_cstr(environment->arena, name), value);
    }
}

static void set_session(struct environment *environment, struct process *process)
{
    struct local_runner *runner = process->runner;
    const struct process_group *group = process->group;
    struct function_credentials credentials;
    if (!runner->endpoint[0] || !runner->config.sessions)
        return;
    process->session = function_session_new(runner->config.sessions, group->account,
                                            group->function->arn, &credentials);
    set(environment, "AWS_ACCESS_KEY_ID", str_from(credentials.access_key_id));
    set(environment, "AWS_SECRET_ACCESS_KEY", str_from(credentials.secret_access_key));
    set(environment, "AWS_SESSION_TOKEN", str_from(credentials.session_token));
    set(environment, "AWS_ENDPOINT_URL_SECRETS_MANAGER", str_from(runner->endpoint));
    process_conceal(process, str_from(credentials.secret_access_key));
    process_conceal(process, str_from(credentials.session_token));
    explicit_bzero(&credentials, sizeof(credentials));
}

/* --- start --- */

/* AWS_LAMBDA_RUNTIME_API holds nothing but a host and a port, and runtime clients read it as that:
 * so each process has a listener of its own, and what comes in over it is the process's. */
static bool start_api(struct process *process, struct error *error)
{
    struct server_config config = {
        .host = "127.0.0.1",
        .loops = 1,
        .handler = runtime_api_handle,
        .refuse = runtime_api_refuse,
        .handler_context = process,
        .body_max = FUNCTION_PAYLOAD_MAX + BODY_MARGIN,
        .connections_max = CONNECTIONS_MAX,
        .shares_connections = true, /* those of other users give way */
        .memory = process->runner->config.memory,
        .idle_timeout_ms = CONNECTION_IDLE_MS,
    };
    if (!server_start(&config, &process->api, error))
        return false;
    atomic_store(&process->port, server_port(process->api));
    return true;
}

static bool launch(struct process *process, struct error *error)
{
    _cleanup_(arena_done) struct arena arena = {0};
    const struct local_function *function = process->group->function;
    const struct local_runner_config *config = &process->runner->config;
    struct environment environment = {.arena = &arena};
    set_lambda(&environment, function, config->memory_max);
    set_session(&environment, process);
    set_given(&environment, function); /* may name the server as its certificate does */
    set(&environment, "AWS_LAMBDA_RUNTIME_API",
        arena_printf(&arena, "127.0.0.1:%d", server_port(process->api)));
    struct launch launch = {.command = function->command,
                            .directory = function->directory,
                            .variables = environment.texts,
                            .variable_count = environment.count,
                            .memory_max = config->memory_max};
    for (size_t i = 0; i < function->variable_count; i++) {
        struct str root = STR("LAMBDA_TASK_ROOT=");
        if (str_starts(str_from(function->variables[i]), root))
            launch.directory = function->variables[i] + root.len;
    }
    return supervisor_launch(config->supervisor, &launch, &process->life, &process->output, error);
}

bool process_start(struct process_group *group, struct local_runner *runner, struct error *error)
{
    struct process *process = xcalloc(1, sizeof(*process));
    *process = (struct process){.runner = runner,
                                .group = group,
                                .life = -1,
                                .output = -1,
                                .state = PROCESS_STARTING,
                                .since_ms = clock_mono_ms()};
    if (!start_api(process, error) || !launch(process, error)) {
        list_append(&runner->dead, &process->link);
        attendant_wake(runner);
        return false;
    }
    list_append(&runner->processes, &process->link);
    group->count++;
    group->starting++;
    runner->counts.processes++;
    runner->counts.started++;
    attendant_wake(runner);
    return true;
}

/* --- life --- */

static void count(struct process *process, int by)
{
    struct process_group *group = process->group;
    size_t *counter = NULL;
    if (process->state == PROCESS_STARTING)
        counter = &group->starting;
    else if (process->state == PROCESS_BUSY)
        counter = &group->busy;
    else if (process->state == PROCESS_RETURNING)
        counter = &group->returning;
    if (counter)
        *counter += (size_t)by;
    if (process->state != PROCESS_IDLE)
        return;
    process->runner->counts.idle += (size_t)by;
    if (by > 0)
        list_prepend(&group->idle, &process->idle_link);
    else
        list_remove(&group->idle, &process->idle_link);
}

void process_move(struct process *process, enum process_state state)
{
    count(process, -1);
    process->state = state;
    process->since_ms = clock_mono_ms();
    count(process, 1);
}

void process_end(struct process *process, enum keeper_order order, const char *why)
{
    char byte = (char)order, name[PROCESS_NAME_SIZE];
    if (process->state != PROCESS_ENDING)
        process_move(process, PROCESS_ENDING);
    process->is_wanted |= !why && !process->why;
    if (why && !process->why) {
        process->why = xstrdup(why);
        log_write(LOG_WARN, str_from(process->last_id), "%s %s. It is ended.",
                  process_name(process, name), why);
    }
    /* A keeper that is gone has ended its processes. */
    if (send(process->life, &byte, 1, MSG_NOSIGNAL) != 1)
        attendant_wake(process->runner);
    runtime_api_close(process);
}

void process_free(struct process *process)
{
    server_free(process->api);
    function_session_free(process->session);
    if (process->life >= 0)
        close(process->life);
    if (process->output >= 0)
        close(process->output);
    for (size_t i = 0; i < PROCESS_CONCEALED_MAX; i++)
        forget(&process->concealed[i]);
    free(process->why);
    explicit_bzero(process, sizeof(*process));
    free(process);
}
