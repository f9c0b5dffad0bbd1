/* Runs functions as processes of this machine that speak the Lambda Runtime API to the server
 * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), so that Amazon's own runtime
 * interface clients run as they are.
 *
 * A process belongs to one function and one account, and has one call at a time. It is kept for the
 * next call, ended when it was idle for a while, and started ahead when calls of its function
 * overlap. A process that does not answer in time, or not as the API says, is ended with all that
 * it has started; the next call gets a new one. */
#pragma once

#include "auth/function_session.h"
#include "base/error.h"
#include "connector/custom/function.h"
#include "connector/custom/local_functions.h"
#include "connector/custom/supervisor.h"
#include "work/memory_limit.h"

struct local_runner_config {
    struct supervisor *supervisor; /* not the runner's; outlives it */
    /* Its processes' credentials for calls of this server; outlives the runner. NULL: they get
     * none. */
    struct function_sessions *sessions;
    struct memory_limit *memory; /* of what processes send; NULL: of its own */
    size_t processes_max;        /* of all; an account has at most as many as it leaves free */
    size_t function_max;         /* of one function and account */
    int64_t idle_ms;             /* after which an idle process ends */
    size_t memory_max;           /* bytes of a process's private memory; 0: no limit */
    bool no_time_limits; /* a process may take any time to start and between calls: a debugger */
};

enum {
    LOCAL_PROCESSES = 32, /* defaults */
    LOCAL_FUNCTION_PROCESSES = 8,
    LOCAL_IDLE_S = 300,
    LOCAL_MEMORY_MIB = 512,
    LOCAL_START_MS = 60 * 1000,  /* until a new process asks for its first call */
    LOCAL_RETURN_MS = 30 * 1000, /* from an answer to the next question for a call */
    LOCAL_WAITING_MAX = 256,     /* calls that wait for a process, of one function and
                                  * account */
};

struct local_runner;

/* The runner takes the list over. */
_must_use_ bool local_runner_new(const struct local_runner_config *config,
                                 struct local_functions *functions,
                                 struct local_runner **ret_runner, struct error *error);

/* As function_invoke() knows it. */
struct function_runner *local_runner_base(struct local_runner *runner);

/* Another list, which the runner takes over. Processes of functions that are changed or gone end
 * after the call that they have in hand. */
void local_runner_replace(struct local_runner *runner, struct local_functions *functions);

/* Where processes reach this server: AWS_ENDPOINT_URL_SECRETS_MANAGER of those that are started
 * from now on. Before it is called they get no credentials. */
void local_runner_set_endpoint(struct local_runner *runner, const char *url);

struct local_runner_counts {
    size_t processes, idle, waiting; /* waiting: calls */
    uint64_t started, failed;        /* since the start; failed: crashed, hung or did not start */
};
struct local_runner_counts local_runner_counts(struct local_runner *runner);

/* Calls in hand and later ones fail; all processes are ended (SIGTERM, then SIGKILL) and waited
 * for. Once, before local_runner_free. */
void local_runner_stop(struct local_runner *runner);
/* When no call is in hand. NULL is fine. */
void local_runner_free(struct local_runner *runner);
