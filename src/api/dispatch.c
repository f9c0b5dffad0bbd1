/* From an HTTP request to an operation and back: the one way in. */
#include "api/authenticate.h"
#include "api/call_hosts.h"
#include "api/request.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "wire/errors.h"
#include "wire/routes.h"

#include <stdlib.h>

/* Unless it is known better. Clients of AWS wait longer by themselves if it happens again. */
enum { RETRY_AFTER_MS = 1000 };

/* Since the request came. What begins to read a database across a network later has waited behind
 * others to which it was slow; its client would be gone before it had its turn and was answered. */
enum { READ_TURN_MS = 10 * 1000 };

/* What a loop has of its own. */
struct loop_state {
    struct store_reader *reader;
    struct access *access;
};

/* A loop reads the embedded store itself; one across a network is read by workers. */
static bool loop_state_for(struct call *call, struct loop_state **ret_state)
{
    void **slot = server_loop_slot(call->exchange->loop);
    struct store *store = call->service->config.store;
    if (!*slot) {
        struct store_reader *reader = NULL;
        if (!store_is_remote(store) && !store_reader_open(store, &reader, &call->error))
            return false;
        struct loop_state *state = xcalloc(1, sizeof(*state));
        *state = (struct loop_state){reader, access_new()};
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
    access_free(state->access);
    free(state);
    *server_loop_slot(loop) = NULL;
}

/* In whole seconds, and not a moment too early. */
static struct str retry_after(const struct call *call)
{
    int64_t wait_ms = call->retry_after_ms > 0 ? call->retry_after_ms : RETRY_AFTER_MS;
    return arena_printf(call->arena, "%lld", (long long)((wait_ms + 999) / 1000));
}

static void answer_with(struct call *call, int status, const char *exception, struct str body)
{
    bool later = status == 429 || status == 503;
    struct http_header headers[] = {
        {STR("x-amzn-RequestId"), {call->request_id, UUID_SIZE - 1}},
        {STR("Content-Type"), STR("application/json")},
        {STR("x-amzn-ErrorType"), str_from(exception)},
        {STR("Retry-After"), later ? retry_after(call) : STR_NULL},
    };
    http_respond(call->exchange, &(struct http_response){.status = status,
                                                         .headers = headers,
                                                         .header_count = later       ? 4
                                                                         : exception ? 3
                                                                                     : 2,
                                                         .body = body});
}

static void answer_error(struct call *call)
{
    const struct error_kind *kind = error_kind(call->error.code);
    struct buf body = buf_in(call->arena, 8 * ERROR_MESSAGE_MAX);
    error_encode_body(&body, &call->error);
    if (kind->status >= 500 && call->error.code != ERR_NOT_IMPLEMENTED)
        log_write(LOG_WARN, str_from(call->request_id), "%.*s: %s: %s",
                  STR_ARG(call->operation ? call->operation->name : STR("request")),
                  kind->exception, call->error.message);
    answer_with(call, kind->status, kind->exception, buf_str(&body));
}

static void count(const struct call *call)
{
    size_t operation =
        call->operation ? (size_t)(call->operation - api_operations) : api_operation_count;
    metrics_count(METRIC_REQUESTS, operation, call->error.code);
    metrics_observe(METRIC_REQUEST_SECONDS, operation, clock_mono_us() - call->begun_us);
}

static void answer(struct call *call)
{
    int64_t stage_ns = call->stage_ns; /* the call is gone when it is answered */
    count(call);
    if (call->error.code != ERR_NONE)
        answer_error(call);
    else
        answer_with(call, 200, NULL, call->output);
    stage_end(&stage_ns, STAGE_ANSWER);
}

static void answer_on_loop(void *argument)
{
    call_stage_end(argument, STAGE_HAND_BACK);
    answer(argument);
}

static void run(struct call *call, const struct operation *operation)
{
    if (!operation->run(call) && call->error.code == ERR_NONE)
        fail(&call->error, ERR_INTERNAL, "The operation failed without saying why.");
}

/* A line a change, with what came of it; reads are not logged. What failed on this side is told
 * when it is answered. */
static void log_change(const struct call *call)
{
    const struct error_kind *kind = error_kind(call->error.code);
    struct str name = value_text(call->input, "connectorProfileName");
    if (call->error.code == ERR_NONE)
        log_write(LOG_INFO, str_from(call->request_id), "%.*s %.*s: ok",
                  STR_ARG(call->operation->name), STR_ARG(name));
    else if (kind->status < 500)
        log_write(call->error.code == ERR_CONNECTOR_AUTHENTICATION ? LOG_WARN : LOG_INFO,
                  str_from(call->request_id), "%.*s %.*s: %s: %s", STR_ARG(call->operation->name),
                  STR_ARG(name), kind->exception, call->error.message);
}

static void finish_change(struct call *call)
{
    log_change(call);
    if (call->error.code != ERR_NONE)
        call_audit_failure(call);
    account_limit_leave(call->service->account_limit, call->caller.account);
}

static bool has_its_turn_in_time(struct call *call)
{
    if (clock_mono_us() - call->begun_us < 1000LL * READ_TURN_MS)
        return true;
    call->key_is_wanted = false;
    return fail(&call->error, ERR_UNAVAILABLE,
                "The connections to the store's database were in use for %d s.",
                READ_TURN_MS / 1000);
}

/* What a loop reads by itself where the store is embedded. */
static void run_read(struct call *call, const struct operation *operation)
{
    struct store *store = call->service->config.store;
    if (!has_its_turn_in_time(call) || !store_reader_take(store, &call->reader, &call->error))
        return;
    run(call, operation);
    store_reader_put(store, call->reader);
}

static void run_on_worker(void *argument)
{
    struct call *call = argument;
    const struct operation *operation = call->work;
    call->reader = NULL; /* the loop's, which must not be used here */
    call_stage_end(call, STAGE_HAND_OVER);
    if (operation->place == ON_WORKER) {
        run(call, operation);
        finish_change(call);
    } else {
        run_read(call, operation);
    }
    http_later(call->exchange, 0, answer_on_loop, call);
}

static bool throttle(struct call *call, enum metric_limit limit, const char *message)
{
    metrics_count(METRIC_THROTTLED, limit, 0);
    return fail(&call->error, ERR_THROTTLING, "%s", message);
}

static bool hand_to(struct workers *workers, struct call *call, void (*job)(void *call))
{
    struct str hosts = workers == call->service->workers ? call_hosts(call) : STR_NULL;
    if (workers_post(workers, hosts, job, call, &call->error))
        return true;
    metrics_count(METRIC_THROTTLED, LIMIT_QUEUE, 0);
    return false;
}

static bool hand_change_to_worker(struct call *call)
{
    struct account_limit *limit = call->service->account_limit;
    if (!account_limit_enter(limit, call->caller.account))
        return throttle(
            call, LIMIT_ACCOUNT_UPDATES,
            "Rate exceeded: as many changes as one account may have are being worked on.");
    if (hand_to(call->service->workers, call, run_on_worker))
        return true;
    account_limit_leave(limit, call->caller.account);
    return false;
}

/* After the signature, since nobody may use up what is another's; before the body, since whoever is
 * over his rate shall cost no more than that. */
static bool within_rate(struct call *call)
{
    bool is_change = call->work && call->work->place == ON_WORKER;
    struct account_rate *rate = is_change ? call->service->change_rate : call->service->read_rate;
    int64_t wait_ns;
    if (account_rate_take(rate, call->caller.account, 1000 * call->begun_us, &wait_ns))
        return true;
    call->retry_after_ms = (wait_ns + 999999) / 1000000;
    return is_change ? throttle(call, LIMIT_ACCOUNT_CHANGE_RATE,
                                "Rate exceeded: too many changes of one account in this time.")
                     : throttle(call, LIMIT_ACCOUNT_READ_RATE,
                                "Rate exceeded: too many reads of one account in this time.");
}

static bool find_operation(struct call *call)
{
    const struct http_head *head = &call->exchange->head;
    if (!route_find(head->method, head->target, &call->operation, &call->error))
        return false;
    call->work = operation_find(call->operation->name);
    return true;
}

/* The order is fixed: signature, operation, rate, body, the model's constraints. */
static bool open_call(struct call *call)
{
    struct loop_state *state;
    if (!loop_state_for(call, &state))
        return false;
    call->reader = state->reader;
    struct http_exchange *exchange = call->exchange;
    if (!access_verify(state->access, call))
        return false;
    call_stage_end(call, STAGE_SIGNATURE);
    bool good = find_operation(call) && within_rate(call) &&
                route_decode_input(call->operation, exchange->head.target, exchange->body,
                                   call->arena, &call->input, &call->error);
    call_stage_end(call, STAGE_DECODE);
    return good;
}

static void dispatch(struct call *call)
{
    const struct operation *operation = call->work;
    if (!operation) {
        fail(&call->error, ERR_NOT_IMPLEMENTED,
             "%.*s is valid, but this version of Headgate does not do it yet.",
             STR_ARG(call->operation->name));
        answer(call);
    } else if (operation->place == ON_LOOP && call->reader) {
        run(call, operation);
        answer(call);
    } else if (operation->place == ON_LOOP ? !hand_to(call->service->readers, call, run_on_worker)
                                           : !hand_change_to_worker(call)) {
        answer(call);
    }
}

static void open_and_dispatch(struct call *call);

static void go_on_with_key(void *argument)
{
    struct call *call = argument;
    if (call->error.code == ERR_NONE)
        open_and_dispatch(call);
    else
        answer(call);
}

static void fetch_key(void *argument)
{
    struct call *call = argument;
    call->error = (struct error){0};
    if (has_its_turn_in_time(call))
        access_fetch(call);
    http_later(call->exchange, 0, go_on_with_key, call);
}

/* An access key that the loop does not know, or not freshly, is fetched by a worker where the store
 * is across a network; then the request begins again. */
static void open_and_dispatch(struct call *call)
{
    if (open_call(call))
        dispatch(call);
    else if (!call->key_is_wanted || !hand_to(call->service->readers, call, fetch_key))
        answer(call);
}

static void begin(void *argument)
{
    struct call *call = argument;
    call_stages_begin(call);
    open_and_dispatch(call);
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
    struct call *call = arena_new(&exchange->arena, struct call);
    call->service = context;
    call->exchange = exchange;
    call->arena = &exchange->arena;
    call->begun_us = clock_mono_us();
    random_uuid(call->request_id);
    if (is_change(&exchange->head))
        http_soon(exchange, begin, call);
    else
        begin(call);
}
