/* Reporting what a pass over the forecasts finds: collected while a page is read, then written as
 * one, and said when that is durable. */
#pragma once

#include "profile/credential_event.h"

struct forecast_alerts;

struct forecast_alerts *forecast_alerts_new(const struct profile_context *context);
void forecast_alerts_free(struct forecast_alerts *alerts);

/* Keeps what there is to say of one profile; copies what it needs. */
void forecast_alerts_note(struct forecast_alerts *alerts, const struct profile *profile,
                          const struct profile_forecast *forecast, int64_t now_ms);
/* What was noted since the last call. What another node reported meanwhile is left out; what cannot
 * be written is noted again by the next pass. */
void forecast_alerts_report(struct forecast_alerts *alerts);
