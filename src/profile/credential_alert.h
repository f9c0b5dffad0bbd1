/* What there is to say of a profile's credentials, and whether it was said before: a change of
 * state, or that an end is near. Pure: decided from the forecast and from what was reported last.
 *
 * An end is reported 30, 7 and 1 days before; for lives shorter than 70, 49 and 28 days at the same
 * parts of the life (3/7, 1/7, 1/28), so of 7 days 3 days, 1 day and 6 hours before. Each is
 * reported once for an end; what was missed while no server ran is reported once, the most urgent
 * one. An end that moved on by more than the last of these begins anew; one that each use may move
 * is reported again only for a credential that was got since. */
#pragma once

#include "profile/forecast.h"

enum alert_kind { ALERT_NONE, ALERT_ENDING, ALERT_STATE, ALERT_KINDS };

enum { ALERT_LEVELS = 3 }; /* the most urgent is the last */

struct credential_alert {
    enum alert_kind kind;
    struct profile_reported before, after;
    struct str state, state_before; /* of enum forecast_state, in words; states that need no one's
                                       attention are "fresh" */
    int64_t within_ms;              /* ALERT_ENDING: the threshold that was passed */
};

/* How long before the end a level begins, 1 to ALERT_LEVELS, of a life of that length (0: not
 * known). */
int64_t alert_threshold_ms(int level, int64_t life_ms);

/* The word that profile_reported has for a state. */
struct str alert_state(enum forecast_state state);

void credential_alert_decide(const struct profile_forecast *forecast,
                             const struct profile_reported *reported, int64_t now_ms,
                             struct credential_alert *ret_alert);
