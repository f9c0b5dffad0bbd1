/* Answers in the forms that clients of AWS services read: headers and body for a result and for an
 * error, in each of the three protocols that services on this listener speak. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/server/server.h"

#include <stdint.h>

/* How a service writes its answers (Smithy: aws.protocols#restJson1, #awsJson1_1, #awsQuery). */
enum aws_protocol {
    AWS_REST_JSON, /* {"message": …}; the exception's name in x-amzn-ErrorType */
    AWS_JSON_1_1,  /* {"__type": …, "message": …} */
    AWS_QUERY,     /* XML: ErrorResponse with Type, Code, Message and RequestId */
};

enum {
    /* Where nothing better is known. SDKs wait longer by themselves when it happens again. */
    RETRY_AFTER_DEFAULT_MS = 1000,
    /* Several SDKs sleep for all of Retry-After, however long; their own back-off ends at 20 s. */
    RETRY_AFTER_MAX_MS = 20 * 1000,
};

struct aws_result {
    enum aws_protocol protocol;
    struct str request_id;
    struct str body;          /* whole: JSON, or the XML document */
    struct http_header extra; /* of this server's own; its value STR_NULL: none */
};

/* `ret_response` points into `arena` and to what `result` points to. */
void aws_result_response(const struct aws_result *result, struct arena *arena,
                         struct http_response *ret_response);

struct aws_error {
    enum aws_protocol protocol;
    struct str request_id;
    int status;
    const char *exception; /* as rest-json names it, "ThrottlingException" */
    struct str message;    /* UTF-8 */
    /* With 429 and 503 alone: when to try again; 0: RETRY_AFTER_DEFAULT_MS. Sent in whole seconds
     * as Retry-After and in milliseconds as x-amz-retry-after, which newer SDKs read alone; never
     * more than RETRY_AFTER_MAX_MS. */
    int64_t retry_after_ms;
    struct http_header extra; /* as above */
};

/* As above. In AWS_QUERY the exception's name becomes the code that such services use for it, in
 * AWS_JSON_1_1 the name (and the status) that Secrets Manager has for it. */
void aws_error_response(const struct aws_error *error, struct arena *arena,
                        struct http_response *ret_response);

/* The http_refuse_hook of a server for AWS clients: writes as rest-json what the server refuses
 * before there is a request. The context is not used. */
void aws_refuse(void *context, const struct http_refusal *refusal, struct arena *arena,
                struct http_response *ret_response);
