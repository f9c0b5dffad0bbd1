/* What an answer of a connector's function means: how the call ended, isSuccess, and the SDKs'
 * error codes as verdicts. */
#include "connector/custom/contract.h"

#include "connector/custom/contract_reader.h"
#include "wire/errors.h"
#include "wire/json_value.h"

struct code_meaning {
    enum verdict_kind kind;
    bool renewable, repeatable, absent;
    bool undone; /* as contract_answer has it */
    const char *hint;
};

/* ErrorCode of the SDKs. Their comments give the HTTP status of a vendor that each stands for. */
static const struct {
    struct str code;
    struct code_meaning meaning;
} codes[] = {
    {STR("InvalidCredentials"),
     {VERDICT_REJECTED, .renewable = true, .undone = true, .hint = "Check the credentials."}},
    {STR("AccessDenied"),
     {VERDICT_FORBIDDEN, .undone = true, .hint = "Check what the credentials may do."}},
    {STR("InvalidArgument"),
     {VERDICT_MISCONFIGURED, .undone = true,
      .hint = "Check the profileProperties that the connector declares."}},
    {STR("ResourceNotFoundError"),
     {VERDICT_MISCONFIGURED, .absent = true, .undone = true,
      .hint = "Check the profileProperties that the connector declares."}},
    {STR("ClientError"),
     {VERDICT_MISCONFIGURED, .undone = true, .hint = "Check the configuration."}},
    {STR("RateLimitExceeded"),
     {VERDICT_THROTTLED, .repeatable = true, .undone = true, .hint = "Try again later."}},
    {STR("RequestTimeout"), {VERDICT_UNREACHABLE, .repeatable = true, .hint = "Try again later."}},
    {STR("ServiceUnavailable"),
     {VERDICT_UNREACHABLE, .repeatable = true, .hint = "Try again later."}},
    {STR("ServerError"), {VERDICT_UNREACHABLE, .repeatable = true, .hint = "Try again later."}},
};

/* UnknownError, PartialWriteFailure where nothing is written, and codes that no SDK has. */
static const struct code_meaning unknown = {
    VERDICT_UNREACHABLE, .hint = "The connector's function gives no further reason; see its log."};

/* How a call ends without an answer. */
static const struct code_meaning ends[] = {
    [FUNCTION_ANSWERED] = {VERDICT_ACCEPTED, .hint = NULL},
    [FUNCTION_FAILED] = {VERDICT_UNREACHABLE,
                         .hint = "The connector's function raised an error; see its log."},
    [FUNCTION_TIMED_OUT] = {VERDICT_UNREACHABLE,
                            .hint = "See the log of the connector's function, or try again later."},
    [FUNCTION_CRASHED] = {VERDICT_UNREACHABLE,
                          .hint = "The process of the connector's function ended; see its log."},
    [FUNCTION_TOO_LARGE] = {VERDICT_UNREACHABLE,
                            .hint = "The connector's function must answer with at most 6 MB."},
    [FUNCTION_THROTTLED] = {VERDICT_THROTTLED, .repeatable = true, .hint = "Try again later."},
    [FUNCTION_DENIED] = {VERDICT_MISCONFIGURED, .undone = true,
                         .hint = "Allow this server to invoke the connector's function."},
    [FUNCTION_NOT_FOUND] = {VERDICT_MISCONFIGURED, .undone = true,
                            .hint = "Check the connector's registration and its function."},
    [FUNCTION_UNREACHABLE] = {VERDICT_UNREACHABLE, .hint = "Try again later."},
};

_Static_assert(CONTRACT_VALUES_MAX == 500 * 1000, "as a message says");

static void set(struct contract_answer *answer, const struct code_meaning *meaning,
                struct str message)
{
    answer->kind = meaning->kind;
    answer->renewable = meaning->renewable;
    answer->repeatable = meaning->repeatable;
    answer->absent = meaning->absent;
    answer->undone = meaning->undone;
    answer->message = message;
    answer->hint = meaning->hint;
}

static const struct code_meaning *meaning_of(struct str code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        if (str_eq(codes[i].code, code))
            return &codes[i].meaning;
    }
    return &unknown;
}

static void read_error(const struct contract_place *whole, struct arena *arena,
                       struct contract_answer *answer)
{
    struct contract_place details = contract_object(whole, "errorDetails");
    struct str code = contract_text(&details, "errorCode", CONTRACT_CODE_MAX);
    struct str message = contract_text(&details, "errorMessage", CONTRACT_MESSAGE_MAX);
    int64_t wait_s =
        contract_integer(&details, "retryAfterSeconds", -1, CONTRACT_RETRY_AFTER_MAX_S, -1);
    if (code.len == 0 && message.len == 0) {
        set(answer, &unknown,
            STR("Got error from connector. No valid response and error details found in the "
                "connector response."));
        return;
    }
    set(answer, meaning_of(code),
        message.len == 0 ? code
        : code.len == 0  ? message
                         : arena_printf(arena, "%.*s: %.*s", STR_ARG(code), STR_ARG(message)));
    answer->retry_after_ms = wait_s < 0 ? -1 : 1000 * wait_s;
}

static void read_body(enum contract_function function, struct arena *arena,
                      struct contract_answer *answer)
{
    struct contract_check check = contract_check_new(arena);
    struct contract_place whole = contract_whole(&check, answer->body);
    struct contract_place success = contract_member(&whole, "isSuccess");
    if (whole.value && !success.value)
        contract_fault(&success, "a boolean");
    if (contract_flag(&whole, "isSuccess", false))
        set(answer, &(struct code_meaning){VERDICT_ACCEPTED, .hint = NULL}, STR_NULL);
    else
        read_error(&whole, arena, answer);
    const struct value *results = contract_member(&whole, "writeRecordResults").value;
    answer->undone =
        answer->undone && (!results || (results->kind == VALUE_LIST && results->count == 0));
    if (check.count == 0)
        return;
    set(answer, &unknown, contract_check_message(&check, contract_function_name(function), arena));
}

static void read_answer(enum contract_function function,
                        const struct function_answer *function_answer, struct arena *arena,
                        struct contract_answer *answer)
{
    struct value *body;
    switch (json_parse_own(function_answer->payload, CONTRACT_VALUES_MAX, arena, &body)) {
    case JSON_READ:
        answer->body = body;
        read_body(function, arena, answer);
        return;
    case JSON_UNFIT:
        set(answer, &unknown, STR("the function's answer is not JSON"));
        return;
    case JSON_TOO_MANY:
        set(answer, &unknown,
            STR("the function's answer has more than 500,000 JSON values and names"));
        return;
    case JSON_NO_ROOM:
        set(answer, &ends[FUNCTION_THROTTLED], STR("no memory is left for the function's answer"));
        return;
    }
}

void contract_answer_of_end(const struct function_answer *end, struct contract_answer *ret_answer)
{
    *ret_answer = (struct contract_answer){
        .retry_after_ms = end->outcome == FUNCTION_THROTTLED ? end->retry_after_ms : -1,
        .denied = end->outcome == FUNCTION_DENIED,
    };
    set(ret_answer, &ends[end->outcome], end->message);
    ret_answer->undone = ret_answer->undone || end->not_run;
}

void contract_invoke(struct function_runner *runners, enum contract_function function,
                     const struct function_call *call, struct arena *arena,
                     struct contract_answer *ret_answer)
{
    struct function_answer answer;
    function_invoke(runners, call, arena, &answer);
    if (answer.outcome != FUNCTION_ANSWERED) {
        contract_answer_of_end(&answer, ret_answer);
        return;
    }
    *ret_answer = (struct contract_answer){.retry_after_ms = -1};
    read_answer(function, &answer, arena, ret_answer);
}

bool contract_fail(const struct contract_answer *answer, struct error *error)
{
    int code = answer->denied ? ERR_ACCESS_DENIED : ERR_CONNECTOR_SERVER;
    bool whole = str_ends(answer->message, STR("."));
    return fail(error, code, "Error while communicating to connector: %.*s%s %s",
                STR_ARG(answer->message), whole ? "" : ".", answer->hint ? answer->hint : "");
}
