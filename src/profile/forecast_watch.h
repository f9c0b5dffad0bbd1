/* Looks at the forecasts of all profiles, on a thread of its own: counts for the metrics how many
 * end soon, and says of each what is new (profile/credential_alert.h): in the log, and as an event
 * for the webhook. At the start and then every five minutes, or less often where a pass takes long,
 * so that it needs at most 1 % of one core.
 *
 * Of nodes that share a store each looks; what was reported is compared and swapped in the
 * profile's row, so one of them tells it. */
#pragma once

#include "base/metrics.h"

struct forecast_watch;
struct pool;
struct profile_context;

enum {
    FORECAST_WATCH_MS = 5 * 60 * 1000,
    FORECAST_WATCH_FIRST_MS = 1000, /* after the start, which serves requests first */
    FORECAST_WATCH_SHARE = 100,     /* a pass may take one of so many parts of the time */
};

/* Computes in a CPU slot of `workers`. Both outlive it. NULL: the thread cannot be started. */
struct forecast_watch *forecast_watch_start(const struct profile_context *context,
                                            struct pool *workers);
/* Waits for the thread. NULL is fine. */
void forecast_watch_stop(struct forecast_watch *watch);

/* In the order of a page of metrics: rows of one name are next to each other. */
extern const struct metric *const forecast_metrics[];
enum { FORECAST_METRICS = 10 };
