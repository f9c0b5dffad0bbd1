/* Events: what is new of a profile's credentials, as a line of the log and as JSON for the webhook
 * (docs/notices.md has its members). No event has a secret, or words of a vendor.
 *
 * An event is planned, applied in the write that it belongs to, and said once that is durable. The
 * write compares and swaps what the profile's row says was reported, so that of all nodes one
 * tells. */
#pragma once

#include "base/metrics.h"
#include "profile/context.h"
#include "profile/credential_alert.h"
#include "store/profiles.h"

struct db;

enum { CREDENTIAL_EVENT_MAX = 16 * 1024 }; /* bytes of JSON */

extern const struct metric metric_credential_events; /* enum alert_kind */

struct credential_event_plan {
    struct profile profile; /* as far as the event needs it */
    struct profile_forecast forecast;
    struct credential_forecast first;
    struct credential_alert alert;
    bool decides;    /* the write is that of the state itself: reported unless it was already */
    struct str body; /* JSON; STR_NULL: there is no webhook */
    bool reported;   /* by this plan's last application */
};

/* NULL: there is nothing new to say. `profile->reported` is what was reported; all is copied into
 * the arena. */
struct credential_event_plan *credential_event_plan(const struct profile_context *context,
                                                    const struct profile *profile,
                                                    const struct profile_forecast *forecast,
                                                    int64_t now_ms, struct arena *arena);

/* Inside the write. Where something else was reported meanwhile, nothing is changed and `reported`
 * is false: forecast_watch finds what is left to say. */
_must_use_ bool credential_event_apply(struct db *db, struct credential_event_plan *plan,
                                       struct error *error);

/* After the write: has the webhook deliver the event, counts it, and writes a line to the log
 * unless the caller has one of its own. Nothing when it was not reported. */
void credential_event_say(const struct profile_context *context,
                          const struct credential_event_plan *plan, bool log);
