/* One line an event, at the level that its reader wants it at. */
#include "api/access_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "profile/consent_terms.h"
#include "wire/errors.h"

#include <stdatomic.h>

enum { BAD_KEY_ID_MAX = 16 }; /* bytes that are logged */

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

/* --- refused callers --- */

enum refusal {
    REFUSED_UNKNOWN_KEY,
    REFUSED_WRONG_SIGNATURE, /* also one that is too old, or of another region */
    REFUSED_NO_SIGNATURE,
    REFUSED_MALFORMED_SIGNATURE,
    REFUSED_EXPIRED_KEY,
    REFUSED_BY_POLICY,
    REFUSAL_COUNT,
};

static const char *const refusal_names[REFUSAL_COUNT] = {
    [REFUSED_UNKNOWN_KEY] = "unknown-key",   [REFUSED_WRONG_SIGNATURE] = "wrong-signature",
    [REFUSED_NO_SIGNATURE] = "no-signature", [REFUSED_MALFORMED_SIGNATURE] = "malformed-signature",
    [REFUSED_EXPIRED_KEY] = "expired-key",   [REFUSED_BY_POLICY] = "policy",
};

const struct metric metric_refused_callers = {
    "headgate_refused_callers_total",
    "Callers refused because of their signature or their access key's limits, by reason.",
    .labels = {{"reason", REFUSAL_COUNT, refusal_names, NULL}},
    METRIC_SERIES(REFUSAL_COUNT),
};

/* The caller is not who the request says, says nothing that could be verified, or may not do
 * this. */
static bool is_refused(const struct api_request *request, enum refusal *ret_reason)
{
    static const struct {
        int code;
        enum refusal reason;
    } rows[] = {
        {ERR_UNRECOGNIZED_CLIENT, REFUSED_UNKNOWN_KEY},
        {ERR_INVALID_SIGNATURE, REFUSED_WRONG_SIGNATURE},
        {ERR_MISSING_AUTHENTICATION, REFUSED_NO_SIGNATURE},
        {ERR_INCOMPLETE_SIGNATURE, REFUSED_MALFORMED_SIGNATURE},
        {ERR_EXPIRED_TOKEN, REFUSED_EXPIRED_KEY},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        *ret_reason = rows[i].reason;
        if (rows[i].code == request->error.code)
            return true;
    }
    *ret_reason = REFUSED_BY_POLICY;
    return request->is_denied;
}

/* What stands where the id should be may be a secret by mistake: only its beginning is kept. */
static struct str cleaned(const struct api_request *request, struct str id)
{
    struct str cut = {id.data, id.len < BAD_KEY_ID_MAX ? id.len : BAD_KEY_ID_MAX};
    char *copy = (char *)arena_copy(request->arena, cut).data;
    for (size_t i = 0; i < cut.len; i++) {
        if (!sigv4_access_key_id_is_valid((struct str){copy + i, 1}))
            copy[i] = '?';
    }
    return arena_printf(request->arena, "%.*s%s", (int)cut.len, copy,
                        id.len > cut.len ? "..." : "");
}

/* Of the header as it was sent: "-" where there is none; cleaned and cut where it is no access key
 * id. */
static struct str access_key_id(const struct api_request *request)
{
    const struct str *header = http_find_header(&request->exchange->head, STR("Authorization"));
    struct str id = header ? sigv4_scope_access_key_id(*header) : STR_NULL;
    if (id.len == 0)
        return STR("-");
    return sigv4_access_key_id_is_valid(id) ? id : cleaned(request, id);
}

void access_log_refused(const struct api_request *request)
{
    static struct log_budget budgets[REFUSAL_COUNT];
    enum refusal reason;
    unsigned omitted;
    if (!is_refused(request, &reason))
        return;
    metrics_count(&metric_refused_callers, reason, 0);
    if (!log_budget_take(&budgets[reason], clock_mono_ms(), REFUSED_LINES_PER_S, &omitted))
        return;
    if (omitted > 0)
        log_warn("%u refused callers were not logged: more than %d came in a second (%s).", omitted,
                 REFUSED_LINES_PER_S, error_kind(request->error.code)->exception);
    log_write(LOG_WARN, str_from(request->request_id), "Refused %.*s with access key %.*s: %s",
              STR_ARG(http_client_address(request->exchange)), STR_ARG(access_key_id(request)),
              request->error.message);
}

/* --- requests --- */

void access_log_change(const struct api_request *request)
{
    const struct error_kind *kind = error_kind(request->error.code);
    struct str name = request_resource(request);
    bool is_link = request->consent && request->consent->is_start;
    const char *how = request->is_dry_run    ? " (dry run)"
                      : request->is_preview  ? " (preview)"
                      : request->is_rollback ? " (rollback)"
                      : is_link              ? " (link to authorize)"
                      : request->consent     ? " (authorized in a browser)"
                                             : "";
    if (request->error.code == ERR_NONE)
        log_write(LOG_INFO, str_from(request->request_id), "%.*s %.*s%s: ok",
                  STR_ARG(operation_name(request)), STR_ARG(name), how);
    else if (kind->status < 500)
        log_write(request->error.code == ERR_CONNECTOR_AUTHENTICATION ? LOG_WARN : LOG_INFO,
                  str_from(request->request_id), "%.*s %.*s%s: %s: %s",
                  STR_ARG(operation_name(request)), STR_ARG(name), how, kind->exception,
                  request->error.message);
}

void access_log_failure(const struct api_request *request)
{
    log_write(LOG_WARN, str_from(request->request_id), "%.*s: %s: %s",
              STR_ARG(operation_name(request)), error_kind(request->error.code)->exception,
              request->error.message);
}
