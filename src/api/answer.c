/* From what an operation left behind to the bytes of an answer. */
#include "api/answer.h"

#include "api/access_log.h"
#include "api/aws_services.h"
#include "api/metrics.h"
#include "api/visit.h"
#include "base/clock.h"
#include "wire/errors.h"
#include "wire/output_check.h"

enum {
    OUTPUT_USUAL_MAX = 3 * 1024, /* bytes; with its head it fits in a usual buffer */
    OUTPUT_COPIES = 2,           /* a buffer doubles as it grows */
};

static void count(const struct api_request *request)
{
    size_t operation = request->operation ? request->operation->metric
                       : request->visit   ? (size_t)METRIC_PAGE
                                          : (size_t)METRIC_UNKNOWN_OPERATION;
    int code = request->visit && request->visit->failed ? request->visit->failed
                                                        : (int)request->error.code;
    int outcome = code < ERR_COUNT ? code : ERR_INTERNAL;
    metrics_count(&metric_requests, operation, (size_t)outcome);
    metrics_observe(&metric_request_seconds, operation, clock_mono_us() - request->begun_us);
}

/* In debug and test builds an answer that is not what the API's model says fails the request. */
static void check_output(struct api_request *request)
{
#ifdef HEADGATE_CHECKS
    if (request->route && !request->is_manifest && !request->is_preview && !request->is_quotas &&
        request->aws_service->protocol == AWS_REST_JSON &&
        !output_check(request->route, request->output, request->arena, &request->error))
        request->output = STR_NULL;
#else
    (void)request;
#endif
}

static struct str id_of(const struct api_request *request)
{
    return (struct str){request->request_id, UUID_SIZE - 1};
}

static struct http_header extra_header(const struct api_request *request)
{
    if (request->consent_link.data)
        return (struct http_header){STR("X-Headgate-Consent-Link"), request->consent_link};
    return (struct http_header){STR("X-Headgate-Verification"), request->report};
}

static void make_error(struct api_request *request, struct http_response *ret_response)
{
    const struct error_kind *kind = error_kind(request->error.code);
    const struct aws_error error = {
        .protocol = request_protocol(request),
        .request_id = id_of(request),
        .status = kind->status,
        .exception = kind->exception,
        .message = error_message(&request->error),
        .retry_after_ms = request->retry_after_ms,
        .extra = extra_header(request),
    };
    if (kind->status >= 500 && request->error.code != ERR_NOT_IMPLEMENTED)
        access_log_failure(request);
    else
        access_log_refused(request);
    aws_error_response(&error, request->arena, ret_response);
}

static void make_result(struct api_request *request, struct http_response *ret_response)
{
    const struct aws_result result = {
        .protocol = request->aws_service->protocol,
        .request_id = id_of(request),
        .body = request->output,
        .extra = extra_header(request),
    };
    aws_result_response(&result, request->arena, ret_response);
}

/* A client may take a long answer as slowly as it likes, so its bytes are reserved until then. */
static bool reserve_output(struct api_request *request)
{
    struct memory_reservation *memory = &request->memory;
    memory_reservation_begin(request->service->config.memory, request->caller.account, memory);
    if (memory_reserve(memory, OUTPUT_COPIES * request->output.len))
        return true;
    memory_reservation_end(memory);
    return request_no_memory(request);
}

/* From here on the request waits for nothing but its client. */
static void end_reservation(struct api_request *request)
{
    arena_set_meter(request->arena, NULL);
    memory_reservation_end(&request->memory);
}

void request_answer(struct api_request *request)
{
    int64_t stage_ns = request->stage_ns; /* the request is gone when it is answered */
    struct http_response response;
    end_reservation(request);
    if (request->error.code == ERR_NONE && !request->visit)
        check_output(request);
    bool is_long = request->error.code == ERR_NONE && request->output.len > OUTPUT_USUAL_MAX;
    is_long = is_long && reserve_output(request);
    count(request);
    if (request->visit)
        request->visit->answer(request, &response);
    else if (request->error.code == ERR_NONE)
        make_result(request, &response);
    else
        make_error(request, &response);
    response.memory = is_long ? &request->memory : NULL;
    access_log_request(request, response.status);
    http_respond(request->exchange, &response);
    trace_stage_end(&stage_ns, STAGE_ANSWER);
}
