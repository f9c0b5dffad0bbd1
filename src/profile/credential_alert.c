/* Thresholds, and comparing with what was reported. */
#include "profile/credential_alert.h"

#define DAY_MS (1000LL * LIFE_DAY_S)

static const struct {
    int64_t before_ms; /* at most */
    int parts;         /* of the life in LIFE_PARTS */
} levels[ALERT_LEVELS] = {{30 * DAY_MS, 12}, {7 * DAY_MS, 4}, {DAY_MS, 1}};

enum { LIFE_PARTS = 28 };

int64_t alert_threshold_ms(int level, int64_t life_ms)
{
    int64_t most_ms = levels[level - 1].before_ms;
    int64_t scaled_ms = life_ms / LIFE_PARTS * levels[level - 1].parts;
    return life_ms > 0 && scaled_ms < most_ms ? scaled_ms : most_ms;
}

/* 0: the end is not near. */
static int level_of(int64_t left_ms, int64_t life_ms)
{
    int level = 0;
    while (level < ALERT_LEVELS && left_ms <= alert_threshold_ms(level + 1, life_ms))
        level++;
    return level;
}

static bool is_working(enum forecast_state state)
{
    return state == FORECAST_FRESH || state == FORECAST_DUE;
}

/* What comes of it is the state: also one that backs off is refreshing at times. */
static bool is_under_way(enum forecast_state state)
{
    return state == FORECAST_PENDING || state == FORECAST_REFRESHING;
}

struct str alert_state(enum forecast_state state)
{
    return str_from(forecast_state_name(is_working(state) ? FORECAST_FRESH : state));
}

/* An end that each use moves is no mark of the credential that was reported; the time when the
 * credential was got is one. */
static int64_t alert_key(const struct credential_forecast *first)
{
    return first->moves_with_use ? first->obtained_ms : first->works_until_ms;
}

/* Whether something was reported of this end. */
static bool is_reported(const struct credential_forecast *first,
                        const struct profile_reported *before)
{
    int64_t slack_ms = first->moves_with_use ? 0 : alert_threshold_ms(ALERT_LEVELS, first->life_ms);
    return alert_key(first) <= before->end_ms + slack_ms;
}

static void decide_ending(const struct profile_forecast *forecast, int64_t now_ms,
                          struct credential_alert *alert)
{
    const struct credential_forecast *first = forecast->first;
    bool works = is_working(forecast->state) || forecast->state == FORECAST_FELL_BACK;
    if (!first || first->works_until_ms == 0 || !works)
        return;
    int64_t end_ms = first->works_until_ms;
    int level = level_of(end_ms - now_ms, first->life_ms);
    int64_t reported_level = is_reported(first, &alert->before) ? alert->before.level : 0;
    if (level <= reported_level)
        return;
    alert->kind = ALERT_ENDING;
    alert->within_ms = alert_threshold_ms(level, first->life_ms);
    alert->after.level = level;
    alert->after.end_ms = alert_key(first);
}

void credential_alert_decide(const struct profile_forecast *forecast,
                             const struct profile_reported *reported, int64_t now_ms,
                             struct credential_alert *ret_alert)
{
    struct str state = alert_state(forecast->state);
    struct str before = reported->state.data ? reported->state : alert_state(FORECAST_FRESH);
    *ret_alert = (struct credential_alert){
        .before = *reported, .after = *reported, .state = state, .state_before = before};
    if (is_under_way(forecast->state))
        return;
    if (str_eq(state, before)) {
        decide_ending(forecast, now_ms, ret_alert);
        return;
    }
    ret_alert->kind = ALERT_STATE;
    ret_alert->after.state = state;
}
