/* First look at a vendor's answer. */
#include "connector/http/response.h"

#include "wire/restjson.h"

#include <time.h>

enum { RETRY_AFTER_MAX_S = 366 * 24 * 60 * 60 };
#define WAIT_MAX 4102444800000000ULL /* the year 2100 in microseconds */

static bool body_is_markup(struct str body)
{
    while (body.len > 0 && (body.data[0] == '\n' || body.data[0] == '\r' || body.data[0] == ' ' ||
                            body.data[0] == '\t')) {
        body.data++;
        body.len--;
    }
    return body.len > 0 && body.data[0] == '<';
}

/* A response that is whole and cannot be made into values counts as one that was not received. */
static void refuse(enum json_fault fault, struct client_response *http)
{
    bool many = fault == JSON_TOO_MANY;
    http->outcome = many ? CLIENT_TOO_LARGE : CLIENT_NO_MEMORY;
    http->detail = many ? "the response has more than 50,000 JSON values and names"
                        : "no memory is left for the response";
}

_Static_assert(JSON_ANSWER_NODES_MAX == 50000, "as its message says");

void vendor_response_read(struct arena *arena, struct vendor_response *response)
{
    response->json = NULL;
    response->html = false;
    if (response->http.outcome != CLIENT_OK)
        return;
    enum json_fault fault = json_parse_answer(response->http.body, arena, &response->json);
    if (fault != JSON_READ)
        response->json = NULL;
    if (fault == JSON_TOO_MANY || fault == JSON_NO_ROOM)
        refuse(fault, &response->http);
    response->html = !response->json && body_is_markup(response->http.body);
}

/* Only the form that RFC 9110 lets a sender use: "Sun, 06 Nov 1994 08:49:37 GMT". */
static int64_t read_date_ms(struct arena *arena, struct str text)
{
    struct tm tm = {0};
    const char *end = strptime(arena_cstr(arena, text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    return end && *end == '\0' ? (int64_t)timegm(&tm) * 1000 : -1;
}

int64_t vendor_response_wait_ms(const struct vendor_response *response,
                                const struct connector_wait *wait, int64_t now_ms)
{
    unsigned long long number;
    const struct str *header =
        wait->header ? client_header(&response->http, str_from(wait->header)) : NULL;
    if (!header || !str_to_u64(*header, WAIT_MAX, &number))
        return -1;
    if (wait->unit == WAIT_SECONDS)
        return number <= RETRY_AFTER_MAX_S ? (int64_t)number * 1000 : -1;
    int64_t at_ms = (int64_t)(wait->unit == WAIT_UNTIL_US ? number / 1000 : number * 1000);
    return at_ms > now_ms ? at_ms - now_ms : 0;
}

int64_t vendor_response_retry_after_ms(struct arena *arena, const struct vendor_response *response,
                                       const struct connector_wait *wait, int64_t now_ms)
{
    const struct str *header = client_header(&response->http, STR("Retry-After"));
    unsigned long long seconds;
    if (!header) /* its own also comes with good answers, where it asks for nothing */
        return response->http.status / 100 == 4 ? vendor_response_wait_ms(response, wait, now_ms)
                                                : -1;
    if (str_to_u64(*header, RETRY_AFTER_MAX_S, &seconds))
        return (int64_t)seconds * 1000;
    int64_t at_ms = read_date_ms(arena, *header);
    if (at_ms < 0)
        return -1;
    return at_ms > now_ms ? at_ms - now_ms : 0;
}
