/* One line an event, at the level that its reader wants it at. */
#include "api/access_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "wire/errors.h"

#include <stdatomic.h>

static struct str operation_name(const struct api_request *request)
{
    return request->operation ? request->operation->name : STR("request");
}

void access_log_request(const struct api_request *request, int status)
{
    if (!log_is_on(LOG_DEBUG))
        return;
    struct http_exchange *exchange = request->exchange;
    log_write(LOG_DEBUG, str_from(request->request_id), "%.*s %.*s: %d in %lld ms from %.*s",
              STR_ARG(exchange->head.method), STR_ARG(operation_name(request)), status,
              (long long)((clock_mono_us() - request->begun_us) / 1000),
              STR_ARG(http_client_address(exchange)));
}

bool log_budget_take(struct log_budget *budget, int64_t now_ms, unsigned most,
                     unsigned *ret_omitted)
{
    int64_t second = now_ms / 1000, seen = atomic_load(&budget->second);
    if (seen != second && atomic_compare_exchange_strong(&budget->second, &seen, second))
        atomic_store(&budget->lines, 0);
    if (atomic_fetch_add(&budget->lines, 1) >= most) {
        atomic_fetch_add(&budget->omitted, 1);
        return false;
    }
    *ret_omitted = atomic_exchange(&budget->omitted, 0);
    return true;
}

/* Of the header as it was sent: "-" where there is none, "?" where it is no access key id. */
static struct str access_key_id(const struct api_request *request)
{
    const struct str *header = http_find_header(&request->exchange->head, STR("Authorization"));
    if (!header)
        return STR("-");
    struct str id = sigv4_scope_access_key_id(*header);
    return sigv4_access_key_id_is_valid(id) ? id : STR("?");
}

void access_log_refused(const struct api_request *request)
{
    static struct log_budget budget;
    unsigned omitted;
    if (!log_budget_take(&budget, clock_mono_ms(), REFUSED_LINES_PER_S, &omitted))
        return;
    if (omitted > 0)
        log_warn("%u refused callers were not logged: more than %d came in a second.", omitted,
                 REFUSED_LINES_PER_S);
    log_write(LOG_WARN, str_from(request->request_id), "Refused %.*s with access key %.*s: %s",
              STR_ARG(http_client_address(request->exchange)), STR_ARG(access_key_id(request)),
              request->error.message);
}

void access_log_change(const struct api_request *request)
{
    const struct error_kind *kind = error_kind(request->error.code);
    struct str name = request_resource(request);
    if (request->error.code == ERR_NONE)
        log_write(LOG_INFO, str_from(request->request_id), "%.*s %.*s: ok",
                  STR_ARG(operation_name(request)), STR_ARG(name));
    else if (kind->status < 500)
        log_write(request->error.code == ERR_CONNECTOR_AUTHENTICATION ? LOG_WARN : LOG_INFO,
                  str_from(request->request_id), "%.*s %.*s: %s: %s",
                  STR_ARG(operation_name(request)), STR_ARG(name), kind->exception,
                  request->error.message);
}

void access_log_failure(const struct api_request *request)
{
    log_write(LOG_WARN, str_from(request->request_id), "%.*s: %s: %s",
              STR_ARG(operation_name(request)), error_kind(request->error.code)->exception,
              request->error.message);
}
