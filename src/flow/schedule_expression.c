/* The three forms. A time or a field of cron that no calendar has would never start a flow. */
#include "flow/schedule_expression.h"

#include "base/time_text.h"

enum { HOUR = 60, DAY = 24 * HOUR };

/* What is between "NAME(" and ")". */
static bool cut_call(struct str text, struct str name, struct str *ret_inside)
{
    if (!str_starts(text, name) || !str_ends(text, STR(")")) || text.len <= name.len)
        return false;
    *ret_inside = (struct str){text.data + name.len, text.len - name.len - 1};
    return true;
}

/* --- a rate --- */

static bool read_unit(struct str unit, long long *ret_minutes)
{
    static const struct {
        struct str name;
        long long minutes;
    } units[] = {
        {STR("minute"), 1},     {STR("hour"), HOUR},      {STR("day"), DAY},
        {STR("week"), 7 * DAY}, {STR("month"), 30 * DAY},
    };
    if (str_ends(unit, STR("s")))
        unit.len--;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        *ret_minutes = units[i].minutes;
        if (str_eq(unit, units[i].name))
            return true;
    }
    return false;
}

static bool read_rate(struct str inside, struct schedule_expression *ret_schedule)
{
    unsigned long long count;
    long long minutes;
    size_t digits = 0;
    while (digits < inside.len && ascii_is_digit(inside.data[digits]))
        digits++;
    struct str unit = {inside.data + digits, inside.len - digits};
    if (!str_to_u64((struct str){inside.data, digits}, SCHEDULE_COUNT_MAX, &count) || count == 0 ||
        !read_unit(str_trim(unit), &minutes))
        return false;
    *ret_schedule = (struct schedule_expression){SCHEDULE_RATE, (long long)count * minutes};
    return true;
}

/* --- cron --- */

static const struct cron_field {
    unsigned least, most;
    struct str names;    /* three letters each, of `least` and up; "": it has none */
    struct str specials; /* characters beside numbers, names, and "*,-/" */
} cron_fields[] = {
    {0, 59, STR(""), STR("")},
    {0, 23, STR(""), STR("")},
    {1, 31, STR(""), STR("?LW")},
    {1, 12, STR("JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"), STR("")},
    {1, 7, STR("SUNMONTUEWEDTHUFRISAT"), STR("?L#")},
    {1970, 2199, STR(""), STR("")},
};

enum {
    CRON_FIELDS = sizeof(cron_fields) / sizeof(*cron_fields),
    NAME_LEN = 3,
    WEEKS_OF_MONTH = 5,
};

static bool is_number(struct str text, unsigned least, unsigned most)
{
    unsigned long long number;
    return str_to_u64(text, most, &number) && number >= least;
}

static bool is_name(struct str text, struct str names)
{
    for (size_t i = 0; text.len == NAME_LEN && i + NAME_LEN <= names.len; i += NAME_LEN) {
        if (str_eq_nocase(text, (struct str){names.data + i, NAME_LEN}))
            return true;
    }
    return false;
}

static bool is_value(struct str text, const struct cron_field *field)
{
    return is_number(text, field->least, field->most) || is_name(text, field->names);
}

/* "?" any; "L" the last, "LW" the last day of work, "5L" the last Thursday, "15W" the day of work
 * next to the 15th, "5#2" the second Thursday. */
static bool is_special(struct str text, const struct cron_field *field)
{
    struct str day, week;
    struct str end = text.len > 0 ? (struct str){text.data + text.len - 1, 1} : STR("");
    if (str_cut(text, '#', &day, &week))
        return str_contains(field->specials, STR("#")) && is_value(day, field) &&
               is_number(week, 1, WEEKS_OF_MONTH);
    if (end.len == 0 || !str_contains(field->specials, end))
        return false;
    bool is_any = str_eq(end, STR("?")), is_workday = str_eq(end, STR("W"));
    text.len--;
    if (text.len == 0)
        return !is_workday;
    return !is_any && (is_value(text, field) || (is_workday && str_eq(text, STR("L"))));
}

/* A value, a range, or all, each with a step or without. */
static bool is_cron_item(struct str item, const struct cron_field *field)
{
    struct str whole = item, step, first, last;
    if (str_cut(item, '/', &whole, &step) && !is_number(step, 1, field->most))
        return false;
    if (str_cut(whole, '-', &first, &last))
        return is_value(first, field) && is_value(last, field);
    return str_eq(whole, STR("*")) || is_value(whole, field) || is_special(whole, field);
}

static bool is_cron_field(struct str text, const struct cron_field *field)
{
    struct str item;
    while (str_cut(text, ',', &item, &text)) {
        if (!is_cron_item(item, field))
            return false;
    }
    return is_cron_item(text, field);
}

static bool is_cron(struct str inside)
{
    size_t count = 0;
    struct str text, rest = inside;
    for (bool more = true; more;) {
        text = rest;
        more = str_cut(rest, ' ', &text, &rest);
        if (text.len == 0)
            continue;
        if (count == CRON_FIELDS || !is_cron_field(text, &cron_fields[count++]))
            return false;
    }
    return count == CRON_FIELDS;
}

/* --- a time --- */

/* "2026-12-31T23:59:59", and no more: neither a zone nor a part of a second. */
static bool is_time(struct str inside)
{
    struct time_text time;
    return time_text_read(inside, TIME_TEXT_NO_ZONE, &time) && !time.has_zone &&
           !time.is_leap_second && time.us % TIME_TEXT_SECOND_US == 0 &&
           !str_contains(inside, STR("."));
}

bool schedule_expression_read(struct str text, struct schedule_expression *ret_schedule)
{
    struct str inside;
    if (cut_call(text, STR("rate("), &inside))
        return read_rate(inside, ret_schedule);
    if (cut_call(text, STR("cron("), &inside) && is_cron(inside)) {
        *ret_schedule = (struct schedule_expression){.kind = SCHEDULE_CRON};
        return true;
    }
    if (cut_call(text, STR("at("), &inside) && is_time(inside)) {
        *ret_schedule = (struct schedule_expression){.kind = SCHEDULE_ONCE};
        return true;
    }
    return false;
}
