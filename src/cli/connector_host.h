/* One connector without a server: its command as a local process, the one secret that it may read,
 * and its answers as they come. */
#pragma once

#include "base/error.h"
#include "connector/custom/function.h"

#include <stdbool.h>

/* What the connector gets to see of an account. Registered, it would be the operator's. */
#define HOST_ACCOUNT "123456789012"
#define HOST_REGION "us-east-1"
#define HOST_FUNCTION_ARN "arn:aws:lambda:" HOST_REGION ":" HOST_ACCOUNT ":function:connector"
#define HOST_SECRET_ARN                                                                            \
    "arn:aws:secretsmanager:" HOST_REGION ":" HOST_ACCOUNT ":secret:appflow!" HOST_ACCOUNT         \
    "-connector-AbCdEf"

struct connector_host_config {
    const char *command;
    struct str secret_text; /* what GetSecretValue answers; STR_NULL: there is no secret. Lives as
                             * long as the host */
    bool debug;             /* no time limits */
};

/* A call that has ended; texts live as long as its arena. */
struct connector_host_call {
    struct str request;
    struct function_answer answer;
    int64_t took_ms;
};

struct connector_host;

/* While the process has one thread. The command starts with the first call. */
_must_use_ bool connector_host_start(const struct connector_host_config *config,
                                     struct connector_host **ret_host, struct error *error);
/* Ends the command's processes. NULL is fine. */
void connector_host_stop(struct connector_host *host);

/* As function_invoke() and the contract want it; each call is kept as the last one. */
struct function_runner *connector_host_runner(struct connector_host *host);
const struct connector_host_call *connector_host_last(const struct connector_host *host);
/* Called after each call. */
void connector_host_on_call(struct connector_host *host,
                            void (*hook)(void *context, const struct connector_host_call *call),
                            void *context);

/* A call with this payload, without a deadline if it is debugged. */
struct function_call connector_host_call_new(const struct connector_host *host, struct str payload,
                                             int64_t time_ms);
