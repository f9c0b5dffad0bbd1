/* Slots by arithmetic, so that a schedule that was not looked at for years costs no more than one
 * that was. */
#include "flow/schedule.h"

#include "base/calendar.h"
#include "base/int64.h"

enum { SECOND_MS = 1000 };

/* --- reading --- */

/* Epoch seconds, as the API's timestamps are; from a shape they are milliseconds already. */
static int64_t time_of(const struct value *scheduled, const char *name, int64_t when_absent)
{
    const struct value *given = value_get(scheduled, name);
    const int64_t last = SCHEDULE_LAST_MS / SECOND_MS;
    int64_t ms;
    if (!given)
        return when_absent;
    if (given->kind == VALUE_TIME_MS)
        ms = given->integer;
    else if (given->kind == VALUE_INTEGER)
        ms = i64_max(i64_min(given->integer, last), 0) * SECOND_MS;
    else if (given->kind == VALUE_DOUBLE && given->real >= 0 && given->real <= (double)last)
        ms = (int64_t)(given->real * SECOND_MS + 0.5);
    else
        return when_absent;
    return i64_max(i64_min(ms, SCHEDULE_LAST_MS), SCHEDULE_FIRST_MS);
}

bool flow_schedule_read(const struct value *trigger_config, struct flow_schedule *ret_schedule)
{
    const struct value *scheduled =
        value_get(value_get(trigger_config, "triggerProperties"), "Scheduled");
    *ret_schedule = (struct flow_schedule){
        .start_ms = time_of(scheduled, "scheduleStartTime", SCHEDULE_FIRST_MS),
        .has_start = value_get(scheduled, "scheduleStartTime") != NULL,
        .end_ms = time_of(scheduled, "scheduleEndTime", SCHEDULE_LAST_MS),
        .offset_ms = value_integer(scheduled, "scheduleOffset", 0) * SECOND_MS,
        .is_incremental = str_eq(value_text(scheduled, "dataPullMode"), STR("Incremental")),
        .first_from_ms = time_of(scheduled, "firstExecutionFrom", INT64_MIN),
        .failures_max = value_integer(scheduled, "flowErrorDeactivationThreshold", 0),
    };
    return scheduled && schedule_expression_read(value_text(scheduled, "scheduleExpression"),
                                                 &ret_schedule->expression);
}

bool flow_schedule_same_slots(const struct flow_schedule *a, const struct flow_schedule *b)
{
    const struct schedule_expression *of_a = &a->expression, *of_b = &b->expression;
    return of_a->kind == of_b->kind && of_a->period_ms == of_b->period_ms &&
           of_a->months == of_b->months && of_a->once_ms == of_b->once_ms &&
           cron_same(&of_a->cron, &of_b->cron) && a->has_start == b->has_start &&
           a->start_ms == b->start_ms && a->end_ms == b->end_ms;
}

/* --- rates --- */

/* Of months the day stays, or is the month's last one: 31 January, 28 February, 31 March. */
static int64_t months_later(int64_t base_ms, int64_t months)
{
    int64_t rest_ms;
    struct calendar_day day = calendar_day_of(calendar_days_of_ms(base_ms, &rest_ms));
    int64_t month = day.year * CALENDAR_MONTHS + day.month - 1 + months;
    struct calendar_day then = {month / CALENDAR_MONTHS, (int)(month % CALENDAR_MONTHS) + 1, 1};
    int length = calendar_month_length(then.year, then.month);
    then.day = day.day < length ? day.day : length;
    return calendar_days(then) * CALENDAR_DAY_MS + rest_ms;
}

static int64_t slot_of_rate(const struct schedule_expression *rate, int64_t base_ms, int64_t number)
{
    return rate->months > 0 ? months_later(base_ms, number * rate->months)
                            : base_ms + number * rate->period_ms;
}

/* The number of the last slot at `until_ms` or before, which is not before the base. */
static int64_t number_of_rate(const struct schedule_expression *rate, int64_t base_ms,
                              int64_t until_ms)
{
    enum { SHORTEST_MONTH = 28 };
    int64_t month_ms = (int64_t)SHORTEST_MONTH * CALENDAR_DAY_MS;
    if (rate->months == 0)
        return (until_ms - base_ms) / rate->period_ms;
    int64_t number = (until_ms - base_ms) / month_ms / rate->months + 1; /* it, or one behind it */
    while (number > 0 && slot_of_rate(rate, base_ms, number) > until_ms)
        number--;
    return number;
}

static int64_t base_of(const struct flow_schedule *schedule, int64_t anchor_ms)
{
    return schedule->has_start ? schedule->start_ms
                               : i64_max(i64_min(anchor_ms, SCHEDULE_LAST_MS), SCHEDULE_FIRST_MS);
}

/* --- slots --- */

static bool find_next(const struct schedule_expression *expression, int64_t base_ms,
                      int64_t after_ms, int64_t *ret_ms)
{
    switch (expression->kind) {
    case SCHEDULE_RATE:
        *ret_ms = after_ms < base_ms
                      ? base_ms
                      : slot_of_rate(expression, base_ms,
                                     number_of_rate(expression, base_ms, after_ms) + 1);
        return true;
    case SCHEDULE_CRON:
        return cron_next(&expression->cron, after_ms, ret_ms);
    case SCHEDULE_ONCE:
        *ret_ms = expression->once_ms;
        return after_ms < expression->once_ms;
    }
    return false;
}

bool flow_schedule_next(const struct flow_schedule *schedule, int64_t anchor_ms, int64_t after_ms,
                        int64_t *ret_ms)
{
    int64_t from_ms = i64_max(after_ms, schedule->start_ms - 1);
    return from_ms < schedule->end_ms &&
           find_next(&schedule->expression, base_of(schedule, anchor_ms), from_ms, ret_ms) &&
           *ret_ms <= schedule->end_ms;
}

static bool find_last(const struct schedule_expression *expression, int64_t base_ms,
                      int64_t until_ms, int64_t *ret_ms)
{
    switch (expression->kind) {
    case SCHEDULE_RATE:
        if (until_ms < base_ms)
            return false;
        *ret_ms = slot_of_rate(expression, base_ms, number_of_rate(expression, base_ms, until_ms));
        return true;
    case SCHEDULE_CRON:
        return cron_last(&expression->cron, until_ms, ret_ms);
    case SCHEDULE_ONCE:
        *ret_ms = expression->once_ms;
        return expression->once_ms <= until_ms;
    }
    return false;
}

bool flow_schedule_last(const struct flow_schedule *schedule, int64_t anchor_ms, int64_t until_ms,
                        int64_t *ret_ms)
{
    int64_t to_ms = i64_min(until_ms, schedule->end_ms);
    return find_last(&schedule->expression, base_of(schedule, anchor_ms), to_ms, ret_ms) &&
           *ret_ms >= schedule->start_ms;
}

bool flow_schedule_was_set_back(int64_t done_until_ms, int64_t now_ms)
{
    return done_until_ms > now_ms + SCHEDULE_CLOCK_BACK_MS;
}

void flow_schedule_look(const struct flow_schedule *schedule, const struct flow_schedule_past *past,
                        int64_t now_ms, struct flow_schedule_look *ret_look)
{
    bool was_set_back = flow_schedule_was_set_back(past->done_until_ms, now_ms);
    int64_t done_ms = was_set_back ? now_ms : past->done_until_ms, next_ms, last_ms;
    *ret_look = (struct flow_schedule_look){.done_until_ms = done_ms};
    ret_look->has_next = flow_schedule_next(schedule, past->anchor_ms, done_ms, &next_ms);
    ret_look->next_ms = ret_look->has_next ? next_ms : 0;
    if (!ret_look->has_next || next_ms > now_ms)
        return;
    ret_look->is_due = true;
    ret_look->slot_ms =
        flow_schedule_last(schedule, past->anchor_ms, now_ms, &last_ms) ? last_ms : next_ms;
    ret_look->done_until_ms = ret_look->slot_ms;
    ret_look->has_next = flow_schedule_next(schedule, past->anchor_ms, ret_look->slot_ms, &next_ms);
    ret_look->next_ms = ret_look->has_next ? next_ms : 0;
}

/* What follows a slot tells how much time there is. */
int64_t flow_schedule_start_ms(const struct flow_schedule *schedule, int64_t anchor_ms,
                               int64_t slot_ms, uint64_t hash)
{
    int64_t next_ms;
    if ((!schedule->has_start && slot_ms == anchor_ms) ||
        !flow_schedule_next(schedule, anchor_ms, slot_ms, &next_ms))
        return slot_ms;
    int64_t most_ms = i64_min((next_ms - slot_ms) / SCHEDULE_JITTER_PART, SCHEDULE_JITTER_MAX_MS);
    return slot_ms + (int64_t)(hash % (uint64_t)(most_ms + 1));
}

/* --- windows --- */

static int64_t whole_seconds(int64_t ms)
{
    return ms - ms % SECOND_MS;
}

struct flow_window flow_schedule_window(const struct flow_schedule *schedule, int64_t slot_ms,
                                        int64_t pulled_to_ms)
{
    const int64_t days_ms = (int64_t)SCHEDULE_FIRST_PULL_DAYS * CALENDAR_DAY_MS;
    int64_t end_ms = whole_seconds(i64_max(slot_ms - schedule->offset_ms, 0));
    int64_t from_ms = whole_seconds(i64_max(slot_ms - days_ms, 0));
    if (pulled_to_ms > 0)
        from_ms = pulled_to_ms;
    else if (schedule->first_from_ms != INT64_MIN)
        from_ms = whole_seconds(schedule->first_from_ms);
    return (struct flow_window){from_ms, i64_max(from_ms, end_ms)};
}
