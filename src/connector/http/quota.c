/* What answers say of the customer's quota, and the gate that it passes (connection.h): Retry-After
 * of a refusal, and the headers that a connector's `quota` names. */
#include "connector/http/internal.h"

#include "base/clock.h"
#include "work/call_quota.h"

static int64_t number_of(const struct vendor_response *response, const char *name)
{
    unsigned long long number;
    const struct str *header = name ? client_header(&response->http, str_from(name)) : NULL;
    return header && str_to_u64(*header, INT64_MAX, &number) ? (int64_t)number : -1;
}

/* "NAME=USED/MOST", perhaps one of several with semicolons between them. */
static int64_t unused_of(const struct vendor_response *response,
                         const struct connector_quota *quota)
{
    const struct str *header =
        quota->used ? client_header(&response->http, str_from(quota->used)) : NULL;
    struct str rest = header ? *header : STR(""), item, name, count, used, most;
    unsigned long long used_count, most_count;
    while (rest.len > 0) {
        if (!str_cut(rest, ';', &item, &rest)) {
            item = rest;
            rest = STR("");
        }
        while (str_starts(item, STR(" ")))
            item = (struct str){item.data + 1, item.len - 1};
        if (str_cut(item, '=', &name, &count) && str_eq(name, str_from(quota->used_name)) &&
            str_cut(count, '/', &used, &most) && str_to_u64(used, INT64_MAX, &used_count) &&
            str_to_u64(most, INT64_MAX, &most_count))
            return used_count < most_count ? (int64_t)(most_count - used_count) : 0;
    }
    return -1;
}

/* A vendor that is away and says until when is left alone as one that throttles. */
static enum call_quota_end end_of(const struct verdict *verdict,
                                  const struct vendor_response *response)
{
    if (response->http.outcome != CLIENT_OK)
        return CALL_UNKNOWN;
    if (verdict->kind == VERDICT_THROTTLED ||
        (response->http.status == 503 && verdict->retry_after_ms > 0))
        return CALL_THROTTLED;
    return response->http.status >= 500 ? CALL_UNKNOWN : CALL_TAKEN;
}

static struct call_quota_said said_of(const struct vendor_connection *connection,
                                      const struct vendor_response *response)
{
    const struct connector_quota *quota = &connection->target->connector->http->quota;
    const struct verdict *verdict = &connection->verdict;
    struct call_quota_said said = {
        .end = end_of(verdict, response),
        .wait_ms = verdict->retry_after_ms,
        .left = -1,
        .renew_ms = -1,
    };
    if (response->http.outcome != CLIENT_OK)
        return said;
    said.left = number_of(response, quota->left);
    if (said.left < 0)
        said.left = unused_of(response, quota);
    said.renew_ms = vendor_response_wait_ms(response, &quota->renewed, clock_wall_ms());
    return said;
}

/* The verdict of a call that is not made has the wait that is left. */
bool vendor_gate_enter(struct vendor_connection *connection, struct str host)
{
    const struct vendor_gate *gate = connection->config->gate;
    int64_t wait_ms = 0, began_ms = clock_mono_ms();
    if (!gate)
        return true;
    bool entered = gate->enter(gate->context, host, &wait_ms);
    connection->deadline_ms += clock_mono_ms() - began_ms;
    if (entered)
        return true;
    vendor_fail(connection, VERDICT_THROTTLED, STEP_API,
                STR("the vendor limits the calls of this account, and takes none at the moment"),
                NULL);
    connection->verdict.retry_after_ms = wait_ms;
    return false;
}

void vendor_gate_leave(struct vendor_connection *connection, const struct call_quota_said *said)
{
    const struct vendor_gate *gate = connection->config->gate;
    if (gate)
        gate->leave(gate->context, said);
}

/* Connectors that read their targets themselves have no gate. */
static bool passes_gate(const struct vendor_connection *connection, enum verdict_step step)
{
    return step == STEP_API && !connection->is_ending && !connection->is_elsewhere &&
           connection->config->gate && connection->target->http;
}

bool vendor_quota_enter(struct vendor_connection *connection, enum verdict_step step)
{
    return !passes_gate(connection, step) ||
           vendor_gate_enter(connection, vendor_called_host(connection, step));
}

void vendor_quota_leave(struct vendor_connection *connection, enum verdict_step step,
                        const struct vendor_response *response)
{
    if (!passes_gate(connection, step))
        return;
    const struct call_quota_said said = said_of(connection, response);
    vendor_gate_leave(connection, &said);
}
