/* One write a page: each profile's row is compared and swapped, and its event added with it. */
#include "profile/forecast_alerts.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdlib.h>

struct noted_event {
    struct credential_event_plan *plan;
    struct noted_event *next;
};

struct forecast_alerts {
    const struct profile_context *context;
    struct arena arena; /* of what was noted */
    struct noted_event *first, **last;
};

struct forecast_alerts *forecast_alerts_new(const struct profile_context *context)
{
    struct forecast_alerts *alerts = xcalloc(1, sizeof(*alerts));
    alerts->context = context;
    alerts->last = &alerts->first;
    return alerts;
}

void forecast_alerts_free(struct forecast_alerts *alerts)
{
    arena_done(&alerts->arena);
    free(alerts);
}

void forecast_alerts_note(struct forecast_alerts *alerts, const struct profile *profile,
                          const struct profile_forecast *forecast, int64_t now_ms)
{
    struct credential_event_plan *plan =
        credential_event_plan(alerts->context, profile, forecast, now_ms, &alerts->arena);
    if (!plan)
        return;
    struct noted_event *noted = arena_new(&alerts->arena, struct noted_event);
    *noted = (struct noted_event){.plan = plan};
    *alerts->last = noted;
    alerts->last = &noted->next;
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    const struct forecast_alerts *alerts = argument;
    for (const struct noted_event *noted = alerts->first; noted; noted = noted->next) {
        if (!credential_event_apply(db, noted->plan, error))
            return false;
    }
    return true;
}

void forecast_alerts_report(struct forecast_alerts *alerts)
{
    struct error error = {0};
    bool done = alerts->first && store_apply(alerts->context->store, apply, alerts, false, &error);
    if (alerts->first && !done)
        log_warn(
            "What is new of profiles' credentials could not be stored, and is reported later: %s",
            error.message);
    for (const struct noted_event *noted = alerts->first; done && noted; noted = noted->next)
        credential_event_say(alerts->context, noted->plan, true);
    alerts->first = NULL;
    alerts->last = &alerts->first;
    arena_reset(&alerts->arena);
}
