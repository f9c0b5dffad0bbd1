/* The Lambda Runtime API of one process, version 2018-06-01: the process asks for its next call,
 * and posts what came of it.
 *
 *     GET  /2018-06-01/runtime/invocation/next         answered when there is a call
 *     POST /2018-06-01/runtime/invocation/ID/response
 *     POST /2018-06-01/runtime/invocation/ID/error     {"errorMessage", "errorType", "stackTrace"}
 *     POST /2018-06-01/runtime/init/error              the same; it cannot take calls
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "connector/custom/local_internal.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ERROR_TYPE_MAX = 128, /* bytes shown of a function's error */
    ERROR_MESSAGE_SHOWN_MAX = 1024,
    ERROR_BODY_MAX = 256 * 1024, /* bytes of an error that are read */
    DELIVERY_HEADERS = 5,
    NUMBER_SIZE = 24,
    TRACE_SIZE = 96,
};

static const struct str version = STR("/2018-06-01/runtime/");

static const struct http_header json_header = {STR("Content-Type"), STR("application/json")};

/* --- answers --- */

static void respond(struct http_exchange *exchange, int status, const char *body)
{
    http_respond(exchange, &(struct http_response){.status = status,
                                                   .headers = &json_header,
                                                   .header_count = 1,
                                                   .body = str_from(body)});
}

static void accept_post(struct http_exchange *exchange)
{
    respond(exchange, 202, "{\"status\":\"OK\"}");
}

static void refuse(struct http_exchange *exchange, int status, const char *type,
                   const char *message)
{
    struct str body = arena_printf(&exchange->arena,
                                   "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", message, type);
    respond(exchange, status, body.data);
}

/* A question that is answered with a refusal, since its process ends. */
static void answer_closed(void *exchange)
{
    refuse(exchange, 410, "Runtime.Ending", "This process is being ended.");
}

void runtime_api_close(struct process *process)
{
    struct http_exchange *next = process->next;
    process->next = NULL;
    if (next)
        http_post(next, 0, answer_closed, next);
}

/* --- calls --- */

/* A call on its way to the process. Its own copy: the caller may stop waiting meanwhile. */
struct call_delivery {
    struct http_exchange *exchange;
    size_t payload_size;
    char id[FUNCTION_ID_SIZE];
    char deadline[NUMBER_SIZE];
    char arn[FUNCTION_ARN_MAX + 1];
    char trace[TRACE_SIZE];
    char payload[];
};

static void answer_next(void *argument)
{
    struct call_delivery *delivery = argument;
    const struct http_header headers[DELIVERY_HEADERS] = {
        json_header,
        {STR("Lambda-Runtime-Aws-Request-Id"), str_from(delivery->id)},
        {STR("Lambda-Runtime-Deadline-Ms"), str_from(delivery->deadline)},
        {STR("Lambda-Runtime-Invoked-Function-Arn"), str_from(delivery->arn)},
        {STR("Lambda-Runtime-Trace-Id"), str_from(delivery->trace)},
    };
    http_respond(delivery->exchange,
                 &(struct http_response){.status = 200,
                                         .headers = headers,
                                         .header_count = DELIVERY_HEADERS,
                                         .body = {delivery->payload, delivery->payload_size}});
    explicit_bzero(delivery->payload, delivery->payload_size);
    free(delivery);
}

/* Root=1-SECONDS-RANDOM;Sampled=0, as X-Ray writes it: runtime clients parse it. */
static void make_trace(char out[TRACE_SIZE])
{
    char id[UUID_SIZE], hex[UUID_SIZE] = "";
    size_t len = 0;
    random_uuid(id);
    for (const char *c = id; *c && len < 24; c++) {
        if (*c != '-')
            hex[len++] = *c;
    }
    snprintf(out, TRACE_SIZE, "Root=1-%08llx-%.*s;Sampled=0",
             (unsigned long long)(clock_wall_ms() / 1000) & 0xFFFFFFFF, (int)len, hex);
}

void runtime_api_deliver(struct process *process)
{
    const struct function_call *asked = process->call->asked;
    struct call_delivery *delivery = xmalloc(sizeof(*delivery) + asked->payload.len);
    *delivery =
        (struct call_delivery){.exchange = process->next, .payload_size = asked->payload.len};
    snprintf(delivery->id, sizeof(delivery->id), "%s", process->call->id);
    snprintf(delivery->arn, sizeof(delivery->arn), "%.*s", STR_ARG(asked->arn));
    snprintf(delivery->deadline, sizeof(delivery->deadline), "%lld",
             (long long)(clock_wall_ms() + asked->deadline_ms - clock_mono_ms()));
    make_trace(delivery->trace);
    if (asked->payload.len > 0)
        memcpy(delivery->payload, asked->payload.data, asked->payload.len);
    process->next = NULL;
    http_post(delivery->exchange, 0, answer_next, delivery);
}

/* --- questions and what is posted --- */

static void on_next(struct process *process, struct http_exchange *exchange)
{
    struct local_runner *runner = process->runner;
    bool ending, unanswered;
    pthread_mutex_lock(&runner->lock);
    ending = process->state == PROCESS_ENDING;
    unanswered = process->state == PROCESS_BUSY;
    if (!ending && !unanswered) {
        struct http_exchange *before = process->next; /* its connection is gone */
        process->next = exchange;
        if (before)
            http_post(before, 0, answer_closed, before);
        else
            pool_ready(process);
    } else if (unanswered) {
        process_end(process, KEEPER_TERMINATE, "asked for a call before it had answered its last");
    }
    pthread_mutex_unlock(&runner->lock);
    if (unanswered)
        refuse(exchange, 400, "Runtime.Unanswered", "The last call has no answer yet.");
    else if (ending)
        answer_closed(exchange);
}

static bool has_call(const struct process *process, struct str id)
{
    return process->state == PROCESS_BUSY && str_eq(id, str_from(process->call->id));
}

static enum function_outcome take_payload(struct process_call *call, struct str body)
{
    if (body.len > FUNCTION_PAYLOAD_MAX)
        return FUNCTION_TOO_LARGE;
    if (!arena_has_room(call->arena, body.len + 1)) {
        call->answer->message = STR("There is no memory for its answer (--request-memory).");
        call->answer->retry_after_ms = 1000;
        return FUNCTION_THROTTLED;
    }
    call->answer->payload = arena_copy(call->arena, body);
    return FUNCTION_ANSWERED;
}

static void on_response(struct process *process, struct http_exchange *exchange, struct str id)
{
    struct local_runner *runner = process->runner;
    bool mine;
    enum function_outcome outcome = FUNCTION_ANSWERED;
    pthread_mutex_lock(&runner->lock);
    mine = has_call(process, id);
    if (mine) {
        struct process_call *call = process->call;
        outcome = call->answer->outcome = take_payload(call, exchange->body);
        if (outcome == FUNCTION_TOO_LARGE)
            call->answer->message =
                arena_printf(call->arena, "Its answer has %zu bytes, more than %d.",
                             exchange->body.len, FUNCTION_PAYLOAD_MAX);
        pool_answered(call);
    }
    pthread_mutex_unlock(&runner->lock);
    if (!mine)
        refuse(exchange, 400, "InvalidRequestID", "There is no such call in hand.");
    else if (outcome == FUNCTION_TOO_LARGE)
        refuse(exchange, 413, "Function.ResponseSizeTooLarge",
               "The answer is longer than 6291456 bytes.");
    else
        accept_post(exchange);
}

struct function_error {
    struct str type, message;
};

/* What a function says of its own error, for people: on one line, without the secrets that the
 * process was given and without what looks like one. */
static struct str clean(const struct redaction *secrets, struct str text, size_t most)
{
    if (text.len == 0)
        return STR("");
    text = utf8_cut(redact(secrets, utf8_cut(text, REDACT_TEXT_MAX)), most);
    char *copy = arena_alloc(secrets->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        copy[i] = c < 0x20 || c == 0x7F ? ' ' : (char)c;
    }
    return (struct str){copy, text.len};
}

/* In the exchange's arena. Parses and searches, so the lock is held for a copy of the secrets only.
 */
static struct function_error read_error(struct process *process, struct http_exchange *exchange)
{
    struct value *json = NULL;
    struct redaction secrets;
    struct str type = STR_NULL, message = STR_NULL;
    const struct str *header =
        http_find_header(&exchange->head, STR("Lambda-Runtime-Function-Error-Type"));
    if (exchange->body.len <= ERROR_BODY_MAX &&
        json_parse(exchange->body, &exchange->arena, &json)) {
        type = pointer_text(&exchange->arena, json, "/errorType");
        message = pointer_text(&exchange->arena, json, "/errorMessage");
    }
    if (!type.data && header && utf8_is_valid(*header))
        type = *header;
    pthread_mutex_lock(&process->runner->lock);
    process_secrets(process, &exchange->arena, &secrets);
    pthread_mutex_unlock(&process->runner->lock);
    return (struct function_error){
        clean(&secrets, type, ERROR_TYPE_MAX),
        clean(&secrets, message, ERROR_MESSAGE_SHOWN_MAX),
    };
}

static void on_error(struct process *process, struct http_exchange *exchange, struct str id)
{
    struct local_runner *runner = process->runner;
    struct function_error found = read_error(process, exchange);
    bool mine;
    pthread_mutex_lock(&runner->lock);
    mine = has_call(process, id);
    if (mine) {
        struct process_call *call = process->call;
        call->answer->outcome = FUNCTION_FAILED;
        call->answer->error_type = arena_copy(call->arena, found.type);
        call->answer->message = found.message.len > 0 ? arena_copy(call->arena, found.message)
                                                      : STR("The function gave no message.");
        pool_answered(call);
    }
    pthread_mutex_unlock(&runner->lock);
    if (mine)
        accept_post(exchange);
    else
        refuse(exchange, 400, "InvalidRequestID", "There is no such call in hand.");
}

static void on_init_error(struct process *process, struct http_exchange *exchange)
{
    struct local_runner *runner = process->runner;
    char why[ERROR_MESSAGE_SHOWN_MAX + ERROR_TYPE_MAX + 64];
    struct function_error found = read_error(process, exchange);
    snprintf(why, sizeof(why), "could not start: %.*s: %.*s", STR_ARG(found.type),
             STR_ARG(found.message));
    pthread_mutex_lock(&runner->lock);
    if (process->state == PROCESS_STARTING)
        process_end(process, KEEPER_TERMINATE, why);
    pthread_mutex_unlock(&runner->lock);
    accept_post(exchange);
}

/* "ID/response" into its two parts. */
static bool is_post_for(struct str path, struct str action, struct str *ret_id)
{
    struct str after = STR("");
    return str_cut(path, '/', ret_id, &after) && str_eq(after, action);
}

void runtime_api_handle(void *context, struct http_exchange *exchange)
{
    static const struct str invocation = STR("invocation/");
    struct process *process = context;
    struct str path = exchange->head.target, id;
    bool is_get = str_eq(exchange->head.method, STR("GET"));
    bool is_post = str_eq(exchange->head.method, STR("POST"));
    bool known = str_starts(path, version);
    if (!peer_is_own_user(process, exchange)) {
        refuse(exchange, 403, "Runtime.OtherUser", "This is another user's Runtime API.");
        return;
    }
    http_client_is_known(exchange);
    if (known)
        path = (struct str){path.data + version.len, path.len - version.len};
    if (known && is_post && str_eq(path, STR("init/error"))) {
        on_init_error(process, exchange);
        return;
    }
    known = known && str_starts(path, invocation);
    if (known)
        path = (struct str){path.data + invocation.len, path.len - invocation.len};
    if (known && is_get && str_eq(path, STR("next")))
        on_next(process, exchange);
    else if (known && is_post && is_post_for(path, STR("response"), &id))
        on_response(process, exchange, id);
    else if (known && is_post && is_post_for(path, STR("error"), &id))
        on_error(process, exchange, id);
    else
        refuse(exchange, 404, "Runtime.UnknownPath", "The Runtime API has no such path or method.");
}

/* The listener has refused something: no answer of the process will come, and it may find no better
 * words for that than its end. */
void runtime_api_refuse(void *context, const struct http_refusal *refusal, struct arena *arena,
                        struct http_response *ret_response)
{
    struct process *process = context;
    pthread_mutex_lock(&process->runner->lock);
    process->refused_long |= refusal->status == 413;
    snprintf(process->refused, sizeof(process->refused), "%s", refusal->message);
    pthread_mutex_unlock(&process->runner->lock);
    ret_response->headers = &json_header;
    ret_response->header_count = 1;
    ret_response->body = arena_printf(
        arena, "{\"errorMessage\":\"%s\",\"errorType\":\"Runtime.Refused\"}", refusal->message);
}
