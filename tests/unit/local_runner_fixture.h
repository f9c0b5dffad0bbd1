/* A runner of local processes for unit tests: its function is tests/support/provided.py, which does
 * what a call's payload says. */
#pragma once

#include "cmocka_all.h"

#include "base/clock.h"
#include "base/log.h"
#include "connector/custom/local_runner.h"
#include "vault/secret.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUNCTION TEST_DATA "/../../support/provided.py"
#define ARN "arn:aws:lambda:us-east-1:123456789012:function:orchard"
#define OTHER_ARN "arn:aws:lambda:us-east-1:123456789012:function:meadow"

static struct supervisor *supervisor;              /* of the whole program */
static struct supervisor_config supervisor_config; /* set before run_with_supervisor */

/* One runner and the memory of its calls' answers. */
struct fixture {
    struct local_runner *runner;
    struct arena arena;
};

static inline struct local_functions *functions_of(const char *const *given, size_t count)
{
    struct local_functions *functions;
    struct error error;
    if (!local_functions_read(given, count, NULL, &functions, &error))
        fail_msg("%s", error.message);
    return functions;
}

static inline struct local_functions *usual_functions(void)
{
    const char *given[] = {ARN "=exec python3 " FUNCTION, OTHER_ARN "=exec python3 " FUNCTION};
    return functions_of(given, 2);
}

static inline struct local_runner_config usual_config(void)
{
    return (struct local_runner_config){.supervisor = supervisor,
                                        .processes_max = 8,
                                        .function_max = 4,
                                        .idle_ms = 60 * 1000,
                                        .memory_max = (size_t)512 << 20};
}

static inline void begin(struct fixture *fixture, const struct local_runner_config *config,
                         struct local_functions *functions)
{
    struct error error;
    *fixture = (struct fixture){0};
    if (!local_runner_new(config, functions, &fixture->runner, &error))
        fail_msg("%s", error.message);
}

static inline void begin_as_usual(struct fixture *fixture)
{
    struct local_runner_config config = usual_config();
    begin(fixture, &config, usual_functions());
}

static inline void end(struct fixture *fixture)
{
    local_runner_stop(fixture->runner);
    local_runner_free(fixture->runner);
    arena_done(&fixture->arena);
}

static inline struct function_answer call_of(struct local_runner *runner, struct arena *arena,
                                             const char *arn, const char *account,
                                             const char *payload, int64_t limit_ms)
{
    struct function_answer answer;
    struct function_call call = {.arn = str_from(arn),
                                 .payload = str_from(payload),
                                 .account = str_from(account),
                                 .region = STR("us-east-1"),
                                 .request_id = STR("5f0c1f6e-0000-4000-8000-000000000001"),
                                 .deadline_ms = clock_mono_ms() + limit_ms};
    function_invoke(local_runner_base(runner), &call, arena, &answer);
    return answer;
}

static inline struct function_answer call(struct fixture *fixture, const char *payload)
{
    return call_of(fixture->runner, &fixture->arena, ARN, "123456789012", payload, 20 * 1000);
}

static inline void assert_outcome(const struct function_answer *answer,
                                  enum function_outcome outcome, const char *part)
{
    if (answer->outcome != outcome || !str_contains(answer->message, str_from(part)))
        fail_msg("outcome %d: %.*s %.*s", answer->outcome, STR_ARG(answer->message),
                 STR_ARG(answer->payload));
}

/* The number after "\"name\": " in an answer. */
static inline long number_in(struct str payload, const char *name)
{
    char key[64];
    snprintf(key, sizeof(key), "\"%s\": ", name);
    const char *found = payload.data ? strstr(payload.data, key) : NULL;
    if (!found)
        fail_msg("no %s in %.*s", name, STR_ARG(payload));
    return strtol(found + strlen(key), NULL, 10);
}

static inline void assert_gone(long pid)
{
    int64_t until_ms = clock_mono_ms() + 10 * 1000;
    while (kill((pid_t)pid, 0) == 0) {
        if (clock_mono_ms() > until_ms)
            fail_msg("process %ld is still there", pid);
        clock_nap_us(2000);
    }
}

static inline int stop_supervisor(void **state)
{
    (void)state;
    supervisor_stop(supervisor);
    return 0;
}

/* Runs the program's cases with a supervisor, which is forked before the first thread. */
#define run_with_supervisor(tests)                                                                 \
    ({                                                                                             \
        struct error error;                                                                        \
        signal(SIGPIPE, SIG_IGN);                                                                  \
        secret_init();                                                                             \
        log_init(LOG_ERROR, LOG_TEXT);                                                             \
        if (!supervisor_start(&supervisor_config, &supervisor, &error)) {                          \
            print_error("%s\n", error.message);                                                    \
            return 1;                                                                              \
        }                                                                                          \
        cmocka_run_group_tests(tests, NULL, stop_supervisor);                                      \
    })
