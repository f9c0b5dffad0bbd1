/* The three forms. A time or a field of cron that no calendar has would never start a flow. */
#include "flow/schedule_expression.h"

#include "base/time_text.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

/* What is between "NAME(" and ")". */
static bool cut_call(struct str text, struct str name, struct str *ret_inside)
{
    if (!str_starts(text, name) || !str_ends(text, STR(")")) || text.len <= name.len)
        return false;
    *ret_inside = (struct str){text.data + name.len, text.len - name.len - 1};
    return true;
}

static bool read_unit(struct str unit, struct schedule_expression *ret_one)
{
    static const struct {
        struct str name;
        int64_t period_ms, months;
    } units[] = {
        {STR("second"), SECOND, 0}, {STR("minute"), MINUTE, 0},  {STR("hour"), HOUR, 0},
        {STR("day"), DAY, 0},       {STR("week"), 7LL * DAY, 0}, {STR("month"), 30LL * DAY, 1},
    };
    if (str_ends(unit, STR("s")))
        unit.len--;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        ret_one->period_ms = units[i].period_ms;
        ret_one->months = units[i].months;
        if (str_eq(unit, units[i].name))
            return true;
    }
    return false;
}

static bool read_rate(struct str inside, struct schedule_expression *ret_schedule)
{
    unsigned long long count;
    size_t digits = 0;
    while (digits < inside.len && ascii_is_digit(inside.data[digits]))
        digits++;
    struct str unit = {inside.data + digits, inside.len - digits};
    if (!str_to_u64((struct str){inside.data, digits}, SCHEDULE_COUNT_MAX, &count) || count == 0 ||
        !read_unit(str_trim(unit), ret_schedule))
        return false;
    ret_schedule->period_ms *= (int64_t)count;
    ret_schedule->months *= (int64_t)count;
    return true;
}

/* "2026-12-31T23:59:59", and no more: neither a zone nor a part of a second. */
static bool read_once(struct str inside, struct schedule_expression *ret_schedule)
{
    struct time_text time;
    if (!time_text_read(inside, TIME_TEXT_NO_ZONE, &time) || time.has_zone || time.is_leap_second ||
        time.us % TIME_TEXT_SECOND_US != 0 || str_contains(inside, STR(".")))
        return false;
    ret_schedule->kind = SCHEDULE_ONCE;
    ret_schedule->once_ms = time.us / (TIME_TEXT_SECOND_US / SECOND);
    return true;
}

bool schedule_expression_read(struct str text, struct schedule_expression *ret_schedule)
{
    struct str inside;
    *ret_schedule = (struct schedule_expression){.kind = SCHEDULE_RATE};
    if (cut_call(text, STR("rate("), &inside))
        return read_rate(inside, ret_schedule);
    if (cut_call(text, STR("cron("), &inside)) {
        ret_schedule->kind = SCHEDULE_CRON;
        return cron_read(inside, &ret_schedule->cron);
    }
    return cut_call(text, STR("at("), &inside) && read_once(inside, ret_schedule);
}
