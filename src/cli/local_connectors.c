/* From the options to a runner of local processes, and back. */
#include "cli/local_connectors.h"

#include "base/log.h"
#include "cli/secret_paths.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { URL_SIZE = 320 };

static bool read_functions(const struct options *options, struct local_functions **ret_functions,
                           struct error *error)
{
    const struct option_value *given = options_list(options, "local-connector");
    return local_functions_read(given->texts, (size_t)given->count,
                                options_text(options, "local-connectors"), ret_functions, error);
}

/* Up to the default there may be fewer processes, so that these can be few by their option alone.
 */
static bool check_bounds(const struct options *options, struct error *error)
{
    long calls = options_number(options, "local-connector-calls");
    long processes = options_number(options, "local-connector-processes");
    return calls <= LOCAL_FUNCTION_PROCESSES || calls <= processes ||
           fail(error, ERR_VALIDATION,
                "--local-connector-calls is %ld, but --local-connector-processes allows only %ld "
                "processes: raise it, or give fewer calls.",
                calls, processes);
}

bool local_connectors_check(const struct options *options, struct error *error)
{
    struct local_functions *functions;
    if (!check_bounds(options, error) || !read_functions(options, &functions, error))
        return false;
    local_functions_free(functions);
    return true;
}

static void hide_secrets(const struct options *options, struct supervisor_config *config)
{
    static_assert((int)SECRET_PATHS_MAX <= (int)HIDDEN_PATHS_MAX, "each has a place");
    config->hidden_count = secret_paths(options, config->hidden);
}

/* Files that references may name are secrets of accounts. */
static bool hide_references(struct supervisor_config *config, const struct options *options,
                            struct error *error)
{
    const struct option_value *rules = options_list(options, "reference");
    for (int i = 0; i < rules->count; i++) {
        const char *directory = secret_paths_of_rule(rules->texts[i]);
        if (directory && config->hidden_count == HIDDEN_PATHS_MAX)
            return fail(error, ERR_VALIDATION,
                        "With local connectors there may be %d directories of --reference, which "
                        "their processes cannot read.",
                        HIDDEN_PATHS_MAX - SECRET_PATHS_MAX);
        if (directory)
            config->hidden[config->hidden_count++] = directory;
    }
    return true;
}

static enum isolation isolation_of(enum hardening hardening)
{
    static const enum isolation of[] = {[HARDENING_ON] = ISOLATION_ON,
                                        [HARDENING_REQUIRED] = ISOLATION_REQUIRED,
                                        [HARDENING_OFF] = ISOLATION_OFF};
    return of[hardening];
}

bool local_connectors_prepare(const struct options *options, enum hardening hardening,
                              struct local_connectors *ret_connectors, struct error *error)
{
    *ret_connectors = (struct local_connectors){.options = options};
    if (options_list(options, "local-connector")->count == 0 &&
        !options_text(options, "local-connectors"))
        return true;
    struct supervisor_config config = {.isolation = isolation_of(hardening)};
    hide_secrets(options, &config);
    return hide_references(&config, options, error) &&
           read_functions(options, &ret_connectors->functions, error) &&
           supervisor_start(&config, &ret_connectors->supervisor, error);
}

bool local_connectors_start(struct local_connectors *connectors, struct function_sessions *sessions,
                            struct memory_limit *memory, struct function_runner **list,
                            struct error *error)
{
    const struct options *options = connectors->options;
    if (!connectors->supervisor)
        return true;
    size_t count = local_functions_count(connectors->functions);
    size_t processes = (size_t)options_number(options, "local-connector-processes");
    struct local_runner_config config = {
        .supervisor = connectors->supervisor,
        .sessions = sessions,
        .memory = memory,
        .processes_max = processes,
        .function_max = (size_t)options_number(options, "local-connector-calls"),
        .idle_ms = 1000 * options_number(options, "local-connector-idle"),
        .memory_max = (size_t)options_number(options, "local-connector-memory") << 20,
    };
    struct local_functions *functions = connectors->functions;
    connectors->functions = NULL;
    if (!local_runner_new(&config, functions, &connectors->runner, error))
        return false;
    function_runner_add(list, local_runner_base(connectors->runner));
    log_info("%zu local connector%s, at most %zu processes.", count, count == 1 ? "" : "s",
             processes);
    return true;
}

/* A server at every address is reached at the machine's own. */
void local_connectors_serve(struct local_connectors *connectors, const char *endpoint)
{
    static const struct {
        const char *every, *own;
    } addresses[] = {{"://0.0.0.0:", "://127.0.0.1:"}, {"://[::]:", "://[::1]:"}};
    char url[URL_SIZE];
    if (!connectors->runner)
        return;
    snprintf(url, sizeof(url), "%s", endpoint);
    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        const char *found = strstr(endpoint, addresses[i].every);
        if (found)
            snprintf(url, sizeof(url), "%.*s%s%s", (int)(found - endpoint), endpoint,
                     addresses[i].own, found + strlen(addresses[i].every));
    }
    local_runner_set_endpoint(connectors->runner, url);
    if (strncmp(url, "https://", strlen("https://")) == 0)
        log_info("Local connectors read secrets at %s. If the certificate is for another name, set "
                 "AWS_ENDPOINT_URL_SECRETS_MANAGER, and AWS_CA_BUNDLE for an authority of your "
                 "own, below ARN=COMMAND in a file of --local-connectors.",
                 url);
}

void local_connectors_reload(struct local_connectors *connectors)
{
    struct local_functions *functions;
    struct error error;
    if (!connectors->runner)
        return;
    if (!read_functions(connectors->options, &functions, &error)) {
        log_error("SIGHUP: the local connectors were not read again, the previous list stays in "
                  "use: %s",
                  error.message);
        return;
    }
    log_info("SIGHUP: the local connectors were read again, %zu of them.",
             local_functions_count(functions));
    local_runner_replace(connectors->runner, functions);
}

void local_connectors_stop(struct local_connectors *connectors)
{
    if (connectors->runner)
        local_runner_stop(connectors->runner);
}

void local_connectors_done(struct local_connectors *connectors)
{
    local_runner_free(connectors->runner);
    supervisor_stop(connectors->supervisor);
    local_functions_free(connectors->functions);
    *connectors = (struct local_connectors){0};
}
