/* The dispatcher: takes each HTTP request through the same steps (route, signature, rate, input),
 * then runs its operation on the thread that the operation's row names: the event loop that took
 * the request, a reader that waits for the store, or a worker that waits for a vendor or a commit.
 * What crosses from one thread to another is the whole request; it has one owner at a time, and the
 * event loop answers it. */
#include "api/access_log.h"
#include "api/answer.h"
#include "api/authenticate.h"
#include "api/authorize.h"
#include "api/aws_services.h"
#include "api/consent_link.h"
#include "api/consent_visit.h"
#include "api/metrics.h"
#include "api/pages.h"
#include "api/request_flags.h"
#include "api/request_hosts.h"
#include "api/visit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/content_coding.h"
#include "wire/routes.h"

#include <stdlib.h>

/* Since the request came. A read that was queued for longer is rejected: its client has most likely
 * timed out. */
enum { READ_TURN_MS = 10 * 1000 };

/* Reserved when a request is handed to another thread: for its operation, a usual answer of the
 * vendor, and copies of its input: encoded, sealed, and in the call to the vendor. */
enum { REQUEST_MEMORY = 16 * 1024, INPUT_COPIES = 4 };

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

struct str request_resource(const struct api_request *request)
{
    const char *member = request->operation ? request->operation->resource : NULL;
    return member ? value_text(request->input, member) : STR_NULL;
}

bool request_body(struct api_request *request, struct arena *arena, struct str *ret_body)
{
    return content_decode(&request->exchange->head, request->exchange->body, arena, ret_body,
                          &request->error);
}

static void answer_on_loop(void *argument)
{
    struct api_request *request = argument;
    trace_stage_end(&request->stage_ns, STAGE_HAND_BACK);
    request_answer(request);
}

/* --- running an operation --- */

static void run(struct api_request *request)
{
    bool is_allowed = request->visit != NULL; /* when the link was made */
    if (!is_allowed && !request_authorize(request))
        return;
    if (!request->operation->run(request) && request->error.code == ERR_NONE)
        fail(&request->error, ERR_INTERNAL,
             "Internal error: the operation failed without an error message.");
}

/* What the operation's row says is done after it, whatever came of it. */
static void finish(struct api_request *request)
{
    unsigned flags = request->operation->flags;
    if (flags & OPERATION_CHANGES)
        access_log_change(request);
    if (flags & OPERATION_AUDITED && request->error.code != ERR_NONE)
        request_audit_failure(request);
    if (request->is_limited)
        concurrency_limit_leave(request->service->account_limit, request->caller.account);
}

static bool is_in_time(struct api_request *request)
{
    if (clock_mono_us() - request->begun_us < 1000LL * READ_TURN_MS)
        return true;
    request->key_is_wanted = false;
    return fail(&request->error, ERR_UNAVAILABLE,
                "The connections to the store's database were in use for %d s.",
                READ_TURN_MS / 1000);
}

static void run_on_reader(void *argument)
{
    struct api_request *request = argument;
    struct store *store = request->service->config.store;
    trace_stage_end(&request->stage_ns, STAGE_HAND_OVER);
    if (is_in_time(request) && store_reader_take(store, &request->reader, &request->error)) {
        run(request);
        store_reader_put(store, request->reader);
    }
    http_post(request->exchange, 0, answer_on_loop, request);
}

static void run_on_worker(void *argument)
{
    struct api_request *request = argument;
    trace_stage_end(&request->stage_ns, STAGE_HAND_OVER);
    run(request);
    finish(request);
    if (request->visit)
        request->visit->end(request);
    http_post(request->exchange, 0, answer_on_loop, request);
}

/* --- handing a request to another thread --- */

static bool throttle(struct api_request *request, enum api_limit limit, const char *message)
{
    metrics_count(&metric_throttled, limit, 0);
    return fail(&request->error, ERR_THROTTLING, "%s", message);
}

bool request_no_memory(struct api_request *request)
{
    return throttle(request, LIMIT_REQUEST_MEMORY,
                    "Rate exceeded: requests hold as much memory as they may.");
}

/* Before a request waits, so that what waits is within the limit and has what it needs. */
static bool reserve_memory(struct api_request *request)
{
    struct memory_reservation *memory = &request->memory;
    if (request->arena->meter) /* on its way from a reader to a worker */
        return true;
    memory_reservation_begin(request->service->config.memory, request->caller.account, memory);
    arena_set_meter(request->arena, &memory->meter);
    return memory_reserve(memory, REQUEST_MEMORY + INPUT_COPIES * request->arena->used) ||
           request_no_memory(request);
}

/* `name`: of the queue that it waits in, see work/host_share.h. */
static bool hand_to(struct pool *pool, struct str name, struct api_request *request,
                    void (*job)(void *request))
{
    static const enum api_limit limits[] = {
        [HOST_SHARE_FULL] = LIMIT_QUEUE,
        [HOST_SHARE_ACCOUNT_FULL] = LIMIT_ACCOUNT_SHARE,
        [HOST_SHARE_HOST_FULL] = LIMIT_VENDOR_SHARE,
    };
    enum host_share_room room;
    request->reader = NULL; /* the loop's, which other threads must not use */
    if (pool_post(pool, name, job, request, &room, &request->error))
        return true;
    metrics_count(&metric_throttled, limits[room], 0);
    return false;
}

static bool hand_to_reader(struct api_request *request, void (*job)(void *request))
{
    struct str name = host_share_name(request->arena, request->caller.account, STR_NULL);
    return reserve_memory(request) && hand_to(request->service->readers, name, request, job);
}

static bool hand_to_worker(struct api_request *request)
{
    struct concurrency_limit *limit = request->service->account_limit;
    struct str hosts;
    if (!request_hosts(request, &hosts) || !reserve_memory(request))
        return false;
    request->is_limited = request->operation->flags & OPERATION_LIMITED;
    if (request->is_limited && !concurrency_limit_enter(limit, request->caller.account))
        return throttle(
            request, LIMIT_ACCOUNT_UPDATES,
            "Rate exceeded: as many changes as one account may have are being worked on.");
    struct str name = host_share_name(request->arena, request->caller.account, hosts);
    bool inner = request->operation->thread == ON_INNER_WORKER;
    struct pool *pool = inner ? request->service->inner_workers : request->service->workers;
    if (hand_to(pool, name, request, run_on_worker))
        return true;
    if (request->is_limited)
        concurrency_limit_leave(limit, request->caller.account);
    return false;
}

/* Who sent a request whose account is not known yet: the address takes the account's part. */
static struct str sender(struct api_request *request)
{
    return host_share_name(request->arena, http_client_host(request->exchange), STR_NULL);
}

/* Where the store is across a network, the stored profile's hosts are read on a reader, which hands
 * the request on. */
static void find_hosts_on_reader(void *argument)
{
    struct api_request *request = argument;
    struct store *store = request->service->config.store;
    struct store_reader *reader;
    bool handed = false;
    if (is_in_time(request) && store_reader_take(store, &reader, &request->error)) {
        request->reader = reader;
        handed = hand_to_worker(request);
        store_reader_put(store, reader);
    }
    if (!handed)
        http_post(request->exchange, 0, answer_on_loop, request);
}

static bool start_on_worker(struct api_request *request)
{
    if (request_hosts_are_stored(request) && !request->reader)
        return hand_to_reader(request, find_hosts_on_reader);
    return hand_to_worker(request);
}

/* True when the request is in another thread's hands, which sees to its answer. */
static bool start(struct api_request *request)
{
    const struct operation *operation = request->operation;
    if (!operation->run)
        return fail(&request->error, ERR_NOT_IMPLEMENTED,
                    "%.*s is not implemented in Headgate " HEADGATE_VERSION ".",
                    STR_ARG(operation->name));
    if (operation->thread == ON_WORKER || operation->thread == ON_INNER_WORKER)
        return start_on_worker(request);
    if (operation->thread == ON_READER && !request->reader)
        return hand_to_reader(request, run_on_reader);
    run(request);
    return false;
}

/* --- visits of browsers (api/consent_visit.h) --- */

void dispatch_visit(struct api_request *request, void (*job)(void *request))
{
    if (!reserve_memory(request) ||
        !hand_to(request->service->workers, sender(request), request, job))
        request_answer(request);
}

void dispatch_visit_end(struct api_request *request)
{
    http_post(request->exchange, 0, answer_on_loop, request);
}

/* The hosts of a registered connector are read from the store. Once the request is handed over it
 * is touched no more. */
bool dispatch_visit_operation(struct api_request *request)
{
    struct store *store = request->service->config.store;
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, &request->error))
        return false;
    request->reader = reader;
    bool handed = hand_to_worker(request);
    store_reader_put(store, reader);
    return handed;
}

/* --- opening a request --- */

/* After the signature, since no caller may use up another's rate; before the input, so that what is
 * over the rate costs no more than that. */
static bool within_rate(struct api_request *request)
{
    bool is_change = request->operation->flags & OPERATION_CHANGES;
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

static bool authenticate(struct api_request *request)
{
    struct loop_state *state;
    if (!loop_state_for(request, &state))
        return false;
    request->reader = state->reader;
    if (!authenticator_verify(state->authenticator, request))
        return false;
    http_client_is_known(request->exchange);
    if (request->limits.len > 0 || request->session) /* their policies may ask for it */
        request->client_host = http_client_host(request->exchange);
    request->aws_service = aws_service_find(request->caller.service);
    if (request->aws_service->protocol != AWS_REST_JSON)
        request->route = NULL; /* a path names an operation of AppFlow alone */
    trace_stage_end(&request->stage_ns, STAGE_SIGNATURE);
    return true;
}

static bool read_input(struct api_request *request)
{
    const struct aws_service *service = request->aws_service;
    bool good = service->find(request) && within_rate(request) && request_read_flags(request) &&
                request_read_consent(request) && (!service->decode || service->decode(request));
    trace_stage_end(&request->stage_ns, STAGE_DECODE);
    return good;
}

static void open_and_start(struct api_request *request);

static void go_on_with_key(void *argument)
{
    struct api_request *request = argument;
    if (request->error.code == ERR_NONE)
        open_and_start(request);
    else
        request_answer(request);
}

static void fetch_key(void *argument)
{
    struct api_request *request = argument;
    request->error = (struct error){0};
    if (is_in_time(request))
        authenticator_fetch(request);
    http_post(request->exchange, 0, go_on_with_key, request);
}

/* An access key that the loop does not know, or not freshly, is fetched by a reader where the store
 * is across a network; then the request begins again. */
static void open_and_start(struct api_request *request)
{
    bool handed;
    if (authenticate(request))
        handed = read_input(request) && start(request);
    else
        handed = request->key_is_wanted &&
                 hand_to(request->service->readers, sender(request), request, fetch_key);
    if (!handed)
        request_answer(request);
}

static void begin(void *argument)
{
    struct api_request *request = argument;
    trace_begin(&request->stage_ns);
    open_and_start(request);
}

/* Reads first: many changes may come at once, and each waits for longer than it is worked on. */
static bool begins_after_reads(const struct api_request *request)
{
    const struct operation *operations = request->service->operations;
    return request->route && operations[request->route - api_operations].run &&
           operations[request->route - api_operations].flags & OPERATION_CHANGES;
}

void service_refuse(void *service, const struct http_refusal *refusal, struct arena *arena,
                    struct http_response *ret_response)
{
    if (log_is_on(LOG_DEBUG))
        log_write(LOG_DEBUG, STR_NULL, "Refused what is no request: %d: %s", refusal->status,
                  refusal->message);
    aws_refuse(service, refusal, arena, ret_response);
}

void service_handle(void *context, struct http_exchange *exchange)
{
    if (consent_visit_begin(context, exchange))
        return;
    if (page_respond(page_routes, exchange)) {
        metrics_count(&metric_requests, METRIC_PAGE, ERR_NONE);
        return;
    }
    struct api_request *request = arena_new(&exchange->arena, struct api_request);
    request->service = context;
    request->exchange = exchange;
    request->arena = &exchange->arena;
    request->begun_us = clock_mono_us();
    request->route_target = sigv4_normalized_target(request->arena, exchange->head.target);
    request->route = route_find(exchange->head.method, request->route_target);
    random_uuid(request->request_id);
    if (begins_after_reads(request))
        http_defer(exchange, begin, request);
    else
        begin(request);
}
