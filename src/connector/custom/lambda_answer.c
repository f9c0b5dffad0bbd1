/* What a response of Lambda's Invoke API comes to. With status 200 the function ran, and
 * X-Amz-Function-Error says that it failed; any other status is Lambda's own refusal, with the
 * exception's name in x-amzn-ErrorType. */
#include "connector/custom/lambda.h"

#include "connector/http/vendor_message.h"
#include "wire/aws_answer.h"
#include "wire/json_value.h"

enum {
    ERROR_TYPE_MAX = 128,
    RETRY_AFTER_MAX_S = 3600,
};

struct reading {
    const struct function_call *call;
    const struct client_response *response;
    struct redaction redaction;
    struct arena *arena;
    struct function_answer *answer;
};

static void end(struct reading *reading, enum function_outcome outcome, struct str message)
{
    *reading->answer = (struct function_answer){.outcome = outcome, .message = message};
}

/* Text of the function's or of Lambda's: the secret that the function can read is not shown. */
static struct str clean(struct reading *reading, struct str text)
{
    if (text.len == 0)
        return STR("");
    if (text.len > VENDOR_MESSAGE_RAW_MAX)
        text.len = VENDOR_MESSAGE_RAW_MAX;
    return vendor_message_clean(&reading->redaction, text);
}

/* --- the function failed --- */

/* Names of errors that are of the runtime's or of Lambda's making (docs.aws.amazon.com/lambda,
 * "Troubleshoot execution issues", "Telemetry API event schema"), and what older runtimes write
 * into the message instead. */
static const struct {
    const char *type;  /* begins with this; NULL: any */
    const char *words; /* in the message; NULL: any */
    enum function_outcome outcome;
} failures[] = {
    {"Sandbox.Timedout", NULL, FUNCTION_TIMED_OUT},
    {NULL, "Task timed out after", FUNCTION_TIMED_OUT},
    {"Function.ResponseSizeTooLarge", NULL, FUNCTION_TOO_LARGE},
    {"Runtime.MarshalError", NULL, FUNCTION_FAILED},
    {"Runtime.UserCodeSyntaxError", NULL, FUNCTION_CRASHED},
    {"Runtime.", NULL, FUNCTION_CRASHED},
    {"Sandbox.", NULL, FUNCTION_CRASHED},
    {"Extension.", NULL, FUNCTION_CRASHED},
    {NULL, "Process exited before completing request", FUNCTION_CRASHED},
    {NULL, "Runtime exited", FUNCTION_CRASHED},
};

static enum function_outcome outcome_of(struct str type, struct str message)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        if ((!failures[i].type || str_starts(type, str_from(failures[i].type))) &&
            (!failures[i].words || str_contains(message, str_from(failures[i].words))))
            return failures[i].outcome;
    }
    return FUNCTION_FAILED;
}

static const char *const what_happened[] = {
    [FUNCTION_FAILED] = "failed",
    [FUNCTION_TIMED_OUT] = "did not return within its own time limit in AWS Lambda, which its "
                           "owner can raise",
    [FUNCTION_CRASHED] = "could not be started, or its process ended",
    [FUNCTION_TOO_LARGE] = "returned more than AWS Lambda passes on (6 MB): it has to return "
                           "smaller pages",
};

static void read_failure(struct reading *reading)
{
    struct value *error = NULL;
    if (!json_parse(reading->response->body, reading->arena, &error))
        error = NULL;
    struct str type = clean(reading, value_text(error, "errorType"));
    struct str words = clean(reading, value_text(error, "errorMessage"));
    enum function_outcome outcome = outcome_of(type, words);
    if (type.len > ERROR_TYPE_MAX)
        type.len = ERROR_TYPE_MAX;
    end(reading, outcome,
        arena_printf(reading->arena,
                     "The Lambda function %.*s %s: %.*s%s%.*s%sIts log in Amazon CloudWatch Logs "
                     "says more.",
                     STR_ARG(reading->call->arn), what_happened[outcome], STR_ARG(type),
                     type.len > 0 && words.len > 0 ? ": " : "", STR_ARG(words),
                     str_ends(words, STR(".")) ? " " : ". "));
    reading->answer->error_type = type;
}

/* --- Lambda refuses --- */

/* By the exceptions that Invoke documents, and those of every AWS front end. What keeps a function
 * from being started is a fault of its configuration; what passes by itself is throttling. */
static const struct {
    const char *name;
    enum function_outcome outcome;
} refusals[] = {
    {"TooManyRequestsException", FUNCTION_THROTTLED},
    {"ThrottlingException", FUNCTION_THROTTLED},
    {"EC2ThrottledException", FUNCTION_THROTTLED},
    {"ENILimitReachedException", FUNCTION_THROTTLED},
    {"SubnetIPAddressLimitReachedException", FUNCTION_THROTTLED},
    {"ResourceConflictException", FUNCTION_THROTTLED},
    {"ResourceNotReadyException", FUNCTION_THROTTLED},
    {"SnapStartNotReadyException", FUNCTION_THROTTLED},
    {"ResourceNotFoundException", FUNCTION_NOT_FOUND},
    {"AccessDeniedException", FUNCTION_DENIED},
    {"AccessDenied", FUNCTION_DENIED},
    {"ExpiredTokenException", FUNCTION_DENIED},
    {"IncompleteSignatureException", FUNCTION_DENIED},
    {"InvalidSignatureException", FUNCTION_DENIED},
    {"MissingAuthenticationTokenException", FUNCTION_DENIED},
    {"UnrecognizedClientException", FUNCTION_DENIED},
    {"EC2AccessDeniedException", FUNCTION_CRASHED},
    {"EC2UnexpectedException", FUNCTION_CRASHED},
    {"EFSIOException", FUNCTION_CRASHED},
    {"EFSMountConnectivityException", FUNCTION_CRASHED},
    {"EFSMountFailureException", FUNCTION_CRASHED},
    {"EFSMountTimeoutException", FUNCTION_CRASHED},
    {"InvalidRuntimeException", FUNCTION_CRASHED},
    {"InvalidSecurityGroupIDException", FUNCTION_CRASHED},
    {"InvalidSubnetIDException", FUNCTION_CRASHED},
    {"InvalidZipFileException", FUNCTION_CRASHED},
    {"KMSAccessDeniedException", FUNCTION_CRASHED},
    {"KMSDisabledException", FUNCTION_CRASHED},
    {"KMSInvalidStateException", FUNCTION_CRASHED},
    {"KMSNotFoundException", FUNCTION_CRASHED},
    {"SnapStartException", FUNCTION_CRASHED},
    {"SnapStartTimeoutException", FUNCTION_CRASHED},
};

static enum function_outcome refusal_of(const struct client_response *response, struct str name)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        if (str_eq(name, str_from(refusals[i].name)))
            return refusals[i].outcome;
    }
    return response->status == 429 ? FUNCTION_THROTTLED : FUNCTION_UNREACHABLE;
}

static int64_t retry_after_ms(const struct client_response *response)
{
    const struct str *header = client_header(response, STR("Retry-After"));
    unsigned long long seconds;
    if (!header || !str_to_u64(*header, RETRY_AFTER_MAX_S, &seconds))
        return RETRY_AFTER_DEFAULT_MS;
    return 1000 * (int64_t)seconds;
}

static struct str describe(struct reading *reading, enum function_outcome outcome, struct str name,
                           struct str words)
{
    struct str arn = reading->call->arn;
    struct arena *arena = reading->arena;
    switch (outcome) {
    case FUNCTION_THROTTLED:
        return arena_printf(arena, "AWS Lambda asks to invoke %.*s again later: %.*s.",
                            STR_ARG(arn), STR_ARG(name));
    case FUNCTION_NOT_FOUND:
        return arena_printf(arena, "AWS Lambda has no function %.*s.", STR_ARG(arn));
    case FUNCTION_DENIED: /* Lambda's own words name the operator's identity */
        return arena_printf(arena,
                            "AWS Lambda does not let this server invoke %.*s (%.*s). Its operator "
                            "gives its access key, or the role of --connector-role, the permission "
                            "lambda:InvokeFunction on it.",
                            STR_ARG(arn), STR_ARG(name));
    case FUNCTION_CRASHED:
        return arena_printf(arena, "AWS Lambda cannot start %.*s: %.*s: %.*s", STR_ARG(arn),
                            STR_ARG(name), STR_ARG(words));
    default:
        return arena_printf(arena, "AWS Lambda gave no usable response (HTTP status %d%s%.*s).",
                            reading->response->status, name.len > 0 ? ", " : "", STR_ARG(name));
    }
}

static void read_refusal(struct reading *reading)
{
    struct value *error = NULL;
    const struct client_response *response = reading->response;
    if (!json_parse(response->body, reading->arena, &error))
        error = NULL;
    struct str name = clean(reading, aws_error_name(response, error));
    struct str words = value_text(error, "Message");
    if (!words.data)
        words = value_text(error, "message");
    enum function_outcome outcome = refusal_of(response, name);
    if (name.len > ERROR_TYPE_MAX)
        name.len = ERROR_TYPE_MAX;
    end(reading, outcome, describe(reading, outcome, name, clean(reading, words)));
    reading->answer->not_run = outcome == FUNCTION_THROTTLED;
    if (outcome == FUNCTION_THROTTLED)
        reading->answer->retry_after_ms = retry_after_ms(response);
}

/* --- no response --- */

static void read_transport(struct reading *reading)
{
    const struct client_response *response = reading->response;
    struct arena *arena = reading->arena;
    if (response->outcome == CLIENT_TOO_LARGE)
        end(reading, FUNCTION_TOO_LARGE,
            arena_printf(arena,
                         "The Lambda function %.*s returned more than %d MB: it has to return "
                         "smaller pages.",
                         STR_ARG(reading->call->arn), FUNCTION_PAYLOAD_MAX / 1024 / 1024));
    else if (response->outcome == CLIENT_TIMEOUT && response->sent)
        end(reading, FUNCTION_TIMED_OUT,
            arena_printf(arena, "The Lambda function %.*s did not return in time.",
                         STR_ARG(reading->call->arn)));
    else if (response->outcome == CLIENT_NO_MEMORY)
        end(reading, FUNCTION_THROTTLED,
            STR("This server has no memory left for the answer of the Lambda function."));
    else
        end(reading, FUNCTION_UNREACHABLE,
            arena_printf(arena, "AWS Lambda could not be reached: %s.", response->detail));
    reading->answer->not_run = !response->sent && response->outcome != CLIENT_NO_MEMORY;
    if (response->outcome == CLIENT_NO_MEMORY)
        reading->answer->retry_after_ms = RETRY_AFTER_DEFAULT_MS;
}

void lambda_read_answer(const struct function_call *call, const struct client_response *response,
                        struct arena *arena, struct function_answer *ret_answer)
{
    struct reading reading = {call, response, {.arena = arena}, arena, ret_answer};
    struct value *secret = NULL;
    if (call->secret_text.data && json_parse(call->secret_text, arena, &secret))
        redact_add_value(&reading.redaction, secret);
    if (response->outcome != CLIENT_OK)
        read_transport(&reading);
    else if (response->status != 200)
        read_refusal(&reading);
    else if (client_header(response, STR("X-Amz-Function-Error")))
        read_failure(&reading);
    else
        *ret_answer =
            (struct function_answer){.outcome = FUNCTION_ANSWERED, .payload = response->body};
}
