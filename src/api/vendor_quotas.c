/* What the table of quotas has, for one account. */
#include "api/vendor_quotas.h"

#include "base/clock.h"
#include "flow/vendor_customer.h"

#include <stdlib.h>

enum {
    ANSWER_MAX = 4 * 1024 * 1024,
    QUOTA_MEMORY = 4 * 1024, /* bytes that one takes in the arena and the answer */
};

static int compare(const void *a, const void *b)
{
    const struct call_quota_shown *x = a, *y = b;
    return str_compare(x->key, y->key);
}

/* A time of clock_mono_ms() as the wall clock has it; 0: none. */
static void put_time(struct arena *arena, struct value *value, const char *name, int64_t mono_ms,
                     int64_t now_ms)
{
    if (mono_ms != 0)
        value_put_time(arena, value, name, clock_wall_ms() + mono_ms - now_ms);
}

static void put_forecast(struct arena *arena, struct value *value,
                         const struct quota_forecast *forecast, int64_t now_ms)
{
    if (forecast->as_of_ms == 0)
        return;
    value_put_integer(arena, value, "callsLeft", forecast->left);
    put_time(arena, value, "asOf", forecast->as_of_ms, now_ms);
    put_time(arena, value, "renewsAt", forecast->renewed_at_ms, now_ms);
    if (forecast->an_hour >= 0)
        value_put_integer(arena, value, "callsAnHour", (int64_t)(forecast->an_hour + 0.5));
    put_time(arena, value, "endsAt", forecast->ends_at_ms, now_ms);
}

static struct value *quota_value(struct arena *arena, const struct call_quota_shown *shown,
                                 int64_t now_ms)
{
    struct value *value = value_structure(arena);
    struct vendor_customer customer = vendor_customer_of(shown->key);
    value_put_text(arena, value, "connectorType", customer.connector);
    value_put_text(arena, value, "host", customer.host);
    value_put_text(arena, value, "region", customer.region);
    value_put_text(arena, value, "connectorProfileName", customer.profile);
    put_forecast(arena, value, &shown->forecast, now_ms);
    value_put_integer(arena, value, "callsInProgress", (int64_t)shown->calls);
    value_put_integer(arena, value, "callsWaiting", (int64_t)shown->waiting);
    put_time(arena, value, "waitsUntil", shown->until_ms, now_ms);
    return value;
}

bool vendor_quotas_answer(struct api_request *request)
{
    struct arena *arena = request->arena;
    struct value *output = value_structure(arena), *list = value_list(arena);
    struct buf json = buf_in(arena, ANSWER_MAX);
    struct call_quota_shown *shown;
    size_t count;
    int64_t now_ms = clock_mono_ms();
    if (!arena_has_room(arena, (size_t)VENDOR_QUOTAS_MAX * QUOTA_MEMORY))
        return request_no_memory(request);
    call_quotas_list(request->service->flow_engine.quotas,
                     vendor_customers_prefix(request->caller.account, arena), VENDOR_QUOTAS_MAX,
                     now_ms, arena, &shown, &count);
    qsort(shown, count, sizeof(*shown), compare);
    for (size_t i = 0; i < count; i++)
        value_append(arena, list, quota_value(arena, &shown[i], now_ms));
    value_put(arena, output, "flows", value_list(arena));
    value_put(arena, output, "vendorQuotas", list);
    value_encode(&json, output);
    request->output = buf_str(&json);
    return true;
}
