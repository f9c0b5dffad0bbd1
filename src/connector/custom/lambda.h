/* Runs connectors' functions in AWS Lambda, or in anything that answers its Invoke API: one signed
 * POST a call, which waits for the function's answer.
 *
 * Source: AWS Lambda API Reference, "Invoke". */
#pragma once

#include "auth/aws_role_cache.h"
#include "connector/custom/function.h"
#include "net/client/client.h"

/* All of it lives as long as the runner. */
struct lambda_config {
    struct str url; /* of the endpoint; "{region}" in it becomes that of the function */
    /* The role that calls are made with; "{account}" in it becomes the account of the call.
     * STR_NULL or empty: none, calls are made with `aws` itself. */
    struct str role_arn;
    struct str sts_url;           /* see aws_role_assume */
    const struct aws_access *aws; /* the server's own */
    /* The functions read copies of secrets, in AWS Secrets Manager at this URL, whose names begin
     * with this. STR_NULL or empty: none are kept, and they ask this server. */
    struct str mirror_prefix;
    struct str secrets_manager_url;
};

/* Notes durably that a copy which is made for one call, secret->copy, is to be removed at a time of
 * clock_wall_ms(). Before the first invocation, where copies are kept. */
typedef bool lambda_remove_later_fn(void *context, const struct function_secret *secret,
                                    int64_t at_ms, struct error *error);
void lambda_runner_on_trial(struct function_runner *runner, lambda_remove_later_fn *remove_later,
                            void *context);

/* Knows every ARN of a Lambda function, so it is to be the last one of the list. It refuses a
 * function of another account than the call's: this server invokes with rights of its own, which
 * reach further than its caller's. */
struct function_runner *lambda_runner_new(const struct lambda_config *config);
void lambda_runner_free(struct function_runner *runner); /* NULL is fine */

/* "arn:aws:lambda:REGION:ACCOUNT:function:NAME", with a version or an alias behind it or not. */
bool lambda_arn_read(struct str arn, struct str *ret_region, struct str *ret_account);

/* What Lambda's response to the call says: lambda_answer.c. */
void lambda_read_answer(const struct function_call *call, const struct client_response *response,
                        struct arena *arena, struct function_answer *ret_answer);
