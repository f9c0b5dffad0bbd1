/* Reading a visit's request, and making its answer. */
#include "api/consent_answer.h"

#include "api/consent_outcome.h"
#include "api/consent_page.h"
#include "base/encode.h"
#include "base/log.h"

enum {
    VISIT_HEADERS_MAX = 12,
    FIELD_MAX = 4096, /* bytes of one field of a query or form */
    COOKIE_LIFE_S = 60 * 60,
};

struct consent_visit *consent_visit_of(const struct api_request *request)
{
    return (struct consent_visit *)request->visit;
}

/* --- reading a request --- */

/* application/x-www-form-urlencoded; STR_NULL: it is not there; empty: it is no good. */
struct str consent_field(struct api_request *request, const char *name)
{
    struct str rest = consent_visit_of(request)->fields, one, key, value, text;
    while (rest.len > 0) {
        if (!str_cut(rest, '&', &one, &rest)) {
            one = rest;
            rest = STR_NULL;
        }
        if (!str_cut(one, '=', &key, &value) || !str_eq(key, str_from(name)))
            continue;
        char *spaced = (char *)arena_copy(request->arena, value).data;
        for (size_t i = 0; i < value.len; i++)
            spaced[i] = spaced[i] == '+' ? ' ' : spaced[i];
        bool good = value.len <= FIELD_MAX &&
                    decode_percent(request->arena, (struct str){spaced, value.len}, &text);
        return good ? text : STR("");
    }
    return STR_NULL;
}

/* "__Host-": a browser takes it over TLS alone, and no other host can set it (RFC 6265bis, 4.1.3).
 */
static struct str cookie_name(const struct consent_visit *visit)
{
    return visit->is_https ? STR("__Host-headgate-connect") : STR("headgate-connect");
}

struct str consent_cookie(struct api_request *request)
{
    const struct http_head *head = &request->exchange->head;
    struct str wanted = cookie_name(consent_visit_of(request)), rest, one, name, value;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!str_eq_nocase(head->headers[i].name, STR("Cookie")))
            continue;
        rest = head->headers[i].value;
        while (rest.len > 0) {
            if (!str_cut(rest, ';', &one, &rest)) {
                one = rest;
                rest = STR_NULL;
            }
            if (str_cut(str_trim(one), '=', &name, &value) && str_eq(name, wanted) &&
                consent_is_secret(value))
                return value;
        }
    }
    return STR_NULL;
}

/* --- answers --- */

void consent_show(struct api_request *request, int status, struct str page)
{
    consent_visit_of(request)->status = status;
    consent_visit_of(request)->page = page;
}

void consent_show_end(struct api_request *request, const char *word, const struct consent_row *row)
{
    const struct consent_outcome *outcome = consent_outcome_of(str_from(word));
    consent_show(request, outcome->status, consent_page_end(request->arena, outcome, row));
}

void consent_go_to_result(struct api_request *request)
{
    struct consent_visit *visit = consent_visit_of(request);
    visit->status = 303;
    visit->location =
        arena_printf(request->arena, CONSENT_RESULT "%.*s", STR_ARG(visit->consent.row.id));
}

/* A failure of this side is logged; the page tells nothing of it. */
void consent_show_failure(struct api_request *request)
{
    log_write(LOG_WARN, str_from(request->request_id), "A visit of " CONSENT_PREFIX " failed: %s",
              request->error.message);
    bool is_busy = request->error.code == ERR_THROTTLING || request->error.code == ERR_UNAVAILABLE;
    consent_show_end(request, is_busy ? CONSENT_BUSY : CONSENT_FAILED, NULL);
}

static size_t add_own_headers(const struct consent_visit *visit, struct arena *arena,
                              struct http_header *headers)
{
    size_t count = 0;
    if (visit->location.data)
        headers[count++] = (struct http_header){STR("Location"), visit->location};
    if (visit->refresh.data)
        headers[count++] = (struct http_header){STR("Refresh"), visit->refresh};
    if (visit->sets_cookie)
        headers[count++] = (struct http_header){
            STR("Set-Cookie"),
            arena_printf(arena, "%.*s=%.*s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s",
                         STR_ARG(cookie_name(visit)), STR_ARG(visit->browser), COOKIE_LIFE_S,
                         visit->is_https ? "; Secure" : "")};
    return count;
}

void consent_visit_answer(struct api_request *request, struct http_response *ret_response)
{
    static const struct http_header common[] = {
        {STR("Content-Type"), STR("text/html; charset=utf-8")},
        {STR("Cache-Control"), STR("no-store")},
        {STR("Content-Security-Policy"),
         STR("default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
             "frame-ancestors 'none'")},
        {STR("Referrer-Policy"), STR("no-referrer")},
        {STR("X-Frame-Options"), STR("DENY")},
        {STR("X-Content-Type-Options"), STR("nosniff")},
        {STR("Cross-Origin-Opener-Policy"), STR("same-origin")},
    };
    enum { COMMON = sizeof(common) / sizeof(*common) };
    struct consent_visit *visit = consent_visit_of(request);
    struct http_header *headers =
        arena_array(request->arena, struct http_header, VISIT_HEADERS_MAX);
    if (visit->status == 0) /* it could not be queued, or its end could not be reached */
        consent_show_failure(request);
    for (size_t i = 0; i < COMMON; i++)
        headers[i] = common[i];
    *ret_response = (struct http_response){
        .status = visit->status,
        .headers = headers,
        .header_count = COMMON + add_own_headers(visit, request->arena, headers + COMMON),
        .body = visit->page.data ? visit->page : STR(""),
    };
}
