/* From an HTTP request to an operation and back: the one way in. */
#include "api/authenticate.h"
#include "api/call_hosts.h"
#include "api/request.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "wire/aws_answer.h"
#include "wire/content_coding.h"
#include "wire/errors.h"
#include "wire/routes.h"

#include <stdlib.h>

/* Since the request came. What begins to read a database across a network later has waited behind
 * others to which it was slow; its client would be gone before it had its turn and was answered. */
enum { READ_TURN_MS = 10 * 1000 };

/* What a loop has of its own. */
struct loop_state {
    struct store_reader *reader;
    struct authenticator *authenticator;
};

/* A loop reads the embedded store itself; one across a network is read by workers. */
static bool loop_state_for(struct api_request *request, struct loop_state **ret_state)
{
    void **slot = server_loop_slot(request->exchange->loop);
    struct store *store = request->service->config.store;
    if (!*slot) {
        struct store_reader *reader = NULL;
        if (!store_is_remote(store) && !store_reader_open(store, &reader, &request->error))
            return false;
        struct loop_state *state = xcalloc(1, sizeof(*state));
        *state = (struct loop_state){reader, authenticator_new()};
        *slot = state;
    }
    *ret_state = *slot;
    return true;
}

void service_rest(void *service, struct server_loop *loop)
{
    (void)service;
    struct loop_state *state = *server_loop_slot(loop);
    if (state && state->reader)
        store_reader_rest(state->reader);
}

void service_loop_end(void *service, struct server_loop *loop)
{
    (void)service;
    struct loop_state *state = *server_loop_slot(loop);
    if (!state)
        return;
    if (state->reader)
        store_reader_close(state->reader);
    authenticator_free(state->authenticator);
    free(state);
    *server_loop_slot(loop) = NULL;
}

static struct str request_id(const struct api_request *request)
{
    return (struct str){request->request_id, UUID_SIZE - 1};
}

static void answer_error(struct api_request *request)
{
    const struct error_kind *kind = error_kind(request->error.code);
    struct http_response response;
    const struct aws_error error = {
        .request_id = request_id(request),
        .status = kind->status,
        .exception = kind->exception,
        .message = error_message(&request->error),
        .retry_after_ms = request->retry_after_ms,
    };
    if (kind->status >= 500 && request->error.code != ERR_NOT_IMPLEMENTED)
        log_write(LOG_WARN, str_from(request->request_id), "%.*s: %s: %s",
                  STR_ARG(request->operation ? request->operation->name : STR("request")),
                  kind->exception, request->error.message);
    aws_error_response(&error, request->arena, &response);
    http_respond(request->exchange, &response);
}

static void answer_result(struct api_request *request)
{
    const struct aws_result result = {.request_id = request_id(request), .body = request->output};
    struct http_response response;
    aws_result_response(&result, request->arena, &response);
    http_respond(request->exchange, &response);
}

static void count(const struct api_request *request)
{
    size_t operation =
        request->operation ? (size_t)(request->operation - api_operations) : api_operation_count;
    metrics_count(METRIC_REQUESTS, operation, request->error.code);
    metrics_observe(METRIC_REQUEST_SECONDS, operation, clock_mono_us() - request->begun_us);
}

static void answer(struct api_request *request)
{
    int64_t stage_ns = request->stage_ns; /* the request is gone when it is answered */
    count(request);
    if (request->error.code != ERR_NONE)
        answer_error(request);
    else
        answer_result(request);
    trace_stage_end(&stage_ns, STAGE_ANSWER);
}

static void answer_on_loop(void *argument)
{
    struct api_request *request = argument;
    trace_stage_end(&request->stage_ns, STAGE_HAND_BACK);
    answer(request);
}

static void run(struct api_request *request, const struct operation *operation)
{
    if (!operation->run(request) && request->error.code == ERR_NONE)
        fail(&request->error, ERR_INTERNAL, "The operation failed without saying why.");
}

/* A line a change, with what came of it; reads are not logged. What failed on this side is told
 * when it is answered. */
static void log_change(const struct api_request *request)
{
    const struct error_kind *kind = error_kind(request->error.code);
    struct str name = value_text(request->input, "connectorProfileName");
    if (request->error.code == ERR_NONE)
        log_write(LOG_INFO, str_from(request->request_id), "%.*s %.*s: ok",
                  STR_ARG(request->operation->name), STR_ARG(name));
    else if (kind->status < 500)
        log_write(request->error.code == ERR_CONNECTOR_AUTHENTICATION ? LOG_WARN : LOG_INFO,
                  str_from(request->request_id), "%.*s %.*s: %s: %s",
                  STR_ARG(request->operation->name), STR_ARG(name), kind->exception,
                  request->error.message);
}

static void finish_change(struct api_request *request)
{
    log_change(request);
    if (request->error.code != ERR_NONE)
        request_audit_failure(request);
    concurrency_limit_leave(request->service->account_limit, request->caller.account);
}

static bool has_its_turn_in_time(struct api_request *request)
{
    if (clock_mono_us() - request->begun_us < 1000LL * READ_TURN_MS)
        return true;
    request->key_is_wanted = false;
    return fail(&request->error, ERR_UNAVAILABLE,
                "The connections to the store's database were in use for %d s.",
                READ_TURN_MS / 1000);
}

/* What a loop reads by itself where the store is embedded. */
static void run_read(struct api_request *request, const struct operation *operation)
{
    struct store *store = request->service->config.store;
    if (!has_its_turn_in_time(request) ||
        !store_reader_take(store, &request->reader, &request->error))
        return;
    run(request, operation);
    store_reader_put(store, request->reader);
}

static void run_on_worker(void *argument)
{
    struct api_request *request = argument;
    const struct operation *operation = request->work;
    request->reader = NULL; /* the loop's, which must not be used here */
    trace_stage_end(&request->stage_ns, STAGE_HAND_OVER);
    if (operation->place == ON_WORKER) {
        run(request, operation);
        finish_change(request);
    } else {
        run_read(request, operation);
    }
    http_post(request->exchange, 0, answer_on_loop, request);
}

static bool throttle(struct api_request *request, enum metric_limit limit, const char *message)
{
    metrics_count(METRIC_THROTTLED, limit, 0);
    return fail(&request->error, ERR_THROTTLING, "%s", message);
}

static bool hand_to(struct pool *workers, struct api_request *request, void (*job)(void *request))
{
    struct str hosts = workers == request->service->workers ? request_hosts(request) : STR_NULL;
    if (pool_post(workers, hosts, job, request, &request->error))
        return true;
    metrics_count(METRIC_THROTTLED, LIMIT_QUEUE, 0);
    return false;
}

static bool hand_change_to_worker(struct api_request *request)
{
    struct concurrency_limit *limit = request->service->account_limit;
    if (!concurrency_limit_enter(limit, request->caller.account))
        return throttle(
            request, LIMIT_ACCOUNT_UPDATES,
            "Rate exceeded: as many changes as one account may have are being worked on.");
    if (hand_to(request->service->workers, request, run_on_worker))
        return true;
    concurrency_limit_leave(limit, request->caller.account);
    return false;
}

/* After the signature, since nobody may use up what is another's; before the body, since whoever is
 * over his rate shall cost no more than that. */
static bool within_rate(struct api_request *request)
{
    bool is_change = request->work && request->work->place == ON_WORKER;
    struct rate_limit *rate =
        is_change ? request->service->change_rate : request->service->read_rate;
    int64_t wait_ns;
    if (rate_limit_take(rate, request->caller.account, 1000 * request->begun_us, &wait_ns))
        return true;
    request->retry_after_ms = (wait_ns + 999999) / 1000000;
    return is_change ? throttle(request, LIMIT_ACCOUNT_CHANGE_RATE,
                                "Rate exceeded: too many changes of one account in this time.")
                     : throttle(request, LIMIT_ACCOUNT_READ_RATE,
                                "Rate exceeded: too many reads of one account in this time.");
}

static bool find_operation(struct api_request *request)
{
    const struct http_head *head = &request->exchange->head;
    if (!route_find(head->method, head->target, &request->operation, &request->error))
        return false;
    request->work = operation_find(request->operation->name);
    return true;
}

/* The order is fixed: signature, operation, rate, body, the model's constraints. */
static bool open_request(struct api_request *request)
{
    struct loop_state *state;
    if (!loop_state_for(request, &state))
        return false;
    request->reader = state->reader;
    struct http_exchange *exchange = request->exchange;
    if (!authenticator_verify(state->authenticator, request))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_SIGNATURE);
    struct str body;
    bool good =
        find_operation(request) && within_rate(request) &&
        content_decode(&exchange->head, exchange->body, request->arena, &body, &request->error) &&
        route_decode_input(request->operation, exchange->head.target, body, request->arena,
                           &request->input, &request->error);
    trace_stage_end(&request->stage_ns, STAGE_DECODE);
    return good;
}

static void dispatch(struct api_request *request)
{
    const struct operation *operation = request->work;
    if (!operation) {
        fail(&request->error, ERR_NOT_IMPLEMENTED,
             "%.*s is not implemented in Headgate " HEADGATE_VERSION ".",
             STR_ARG(request->operation->name));
        answer(request);
    } else if (operation->place == ON_LOOP && request->reader) {
        run(request, operation);
        answer(request);
    } else if (operation->place == ON_LOOP
                   ? !hand_to(request->service->readers, request, run_on_worker)
                   : !hand_change_to_worker(request)) {
        answer(request);
    }
}

static void open_and_dispatch(struct api_request *request);

static void go_on_with_key(void *argument)
{
    struct api_request *request = argument;
    if (request->error.code == ERR_NONE)
        open_and_dispatch(request);
    else
        answer(request);
}

static void fetch_key(void *argument)
{
    struct api_request *request = argument;
    request->error = (struct error){0};
    if (has_its_turn_in_time(request))
        authenticator_fetch(request);
    http_post(request->exchange, 0, go_on_with_key, request);
}

/* An access key that the loop does not know, or not freshly, is fetched by a worker where
 * the store is across a network; then the request begins again. */
static void open_and_dispatch(struct api_request *request)
{
    if (open_request(request))
        dispatch(request);
    else if (!request->key_is_wanted || !hand_to(request->service->readers, request, fetch_key))
        answer(request);
}

static void begin(void *argument)
{
    struct api_request *request = argument;
    trace_begin(&request->stage_ns);
    open_and_dispatch(request);
}

/* What it asks for counts, in metrics and the audit, only once it is signed: hence not kept. */
static bool is_change(const struct http_head *head)
{
    const struct api_operation *found;
    struct error ignored;
    if (!route_find(head->method, head->target, &found, &ignored))
        return false;
    const struct operation *operation = operation_find(found->name);
    return operation && operation->place == ON_WORKER;
}

/* Reads first: many changes may come at once, and each waits for longer than it is worked on. */
void service_handle(void *context, struct http_exchange *exchange)
{
    struct api_request *request = arena_new(&exchange->arena, struct api_request);
    request->service = context;
    request->exchange = exchange;
    request->arena = &exchange->arena;
    request->begun_us = clock_mono_us();
    random_uuid(request->request_id);
    if (is_change(&exchange->head))
        http_defer(exchange, begin, request);
    else
        begin(request);
}
