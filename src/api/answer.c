/* From what an operation left behind to the bytes of an answer. */
#include "api/answer.h"

#include "api/access_log.h"
#include "api/aws_services.h"
#include "base/clock.h"
#include "wire/errors.h"
#include "wire/output_check.h"

static void count(const struct api_request *request)
{
    size_t operation =
        request->operation ? request->operation->metric : (size_t)METRIC_UNKNOWN_OPERATION;
    enum err outcome = request->error.code < ERR_COUNT ? request->error.code : ERR_INTERNAL;
    metrics_count(METRIC_REQUESTS, operation, outcome);
    metrics_observe(METRIC_REQUEST_SECONDS, operation, clock_mono_us() - request->begun_us);
}

/* The caller is not who the request says, or says nothing that could be verified. */
static bool is_refused_caller(const struct api_request *request)
{
    switch (request->error.code) {
    case ERR_UNRECOGNIZED_CLIENT:
    case ERR_INVALID_SIGNATURE:
    case ERR_MISSING_AUTHENTICATION:
    case ERR_INCOMPLETE_SIGNATURE:
        return true;
    default:
        return false;
    }
}

/* In debug and test builds an answer that is not what the API's model says fails the request. */
static void check_output(struct api_request *request)
{
#ifdef HEADGATE_CHECKS
    if (request->route && request->aws_service->protocol == AWS_REST_JSON &&
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
    };
    if (kind->status >= 500 && request->error.code != ERR_NOT_IMPLEMENTED)
        access_log_failure(request);
    else if (is_refused_caller(request))
        access_log_refused(request);
    aws_error_response(&error, request->arena, ret_response);
}

static void make_result(struct api_request *request, struct http_response *ret_response)
{
    const struct aws_result result = {
        .protocol = request->aws_service->protocol,
        .request_id = id_of(request),
        .body = request->output,
    };
    aws_result_response(&result, request->arena, ret_response);
}

void request_answer(struct api_request *request)
{
    int64_t stage_ns = request->stage_ns; /* the request is gone when it is answered */
    struct http_response response;
    if (request->error.code == ERR_NONE)
        check_output(request);
    count(request);
    if (request->error.code == ERR_NONE)
        make_result(request, &response);
    else
        make_error(request, &response);
    access_log_request(request, response.status);
    http_respond(request->exchange, &response);
    trace_stage_end(&stage_ns, STAGE_ANSWER);
}
