/* Fields become sets of bits. A time is found by walking over days, of which there are at most 230
 * years, and in a day over its minutes. */
#include "flow/cron.h"

#include "base/calendar.h"

#include <string.h>

enum {
    HOURS = 24,
    MINUTES = 60,
    MINUTE_MS = 60 * 1000,
    SATURDAY = 6, /* of calendar_weekday */
    NAME_LEN = 3,
};

/* --- reading --- */

enum field_id { MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR, FIELDS };

static const struct field {
    unsigned least, most;
    struct str names;    /* three letters each, of `least` and up; "": it has none */
    struct str specials; /* characters beside numbers, names, and "*,-/" */
    bool turns;          /* a range may go over the end: FRI-MON */
} fields[FIELDS] = {
    [MINUTE] = {0, 59, STR(""), STR(""), true},
    [HOUR] = {0, 23, STR(""), STR(""), true},
    [DAY] = {1, 31, STR(""), STR("?LW"), true},
    [MONTH] = {1, 12, STR("JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"), STR(""), true},
    [WEEKDAY] = {1, 7, STR("SUNMONTUEWEDTHUFRISAT"), STR("?L#"), true},
    [YEAR] = {CRON_YEAR_FIRST, CRON_YEAR_LAST, STR(""), STR(""), false},
};

struct cron_reading {
    struct cron *cron;
    enum field_id id;
};

static bool read_number(struct str text, unsigned least, unsigned most, unsigned *ret_number)
{
    unsigned long long number;
    if (!str_to_u64(text, most, &number) || number < least)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

static bool read_value(struct str text, enum field_id id, unsigned *ret_value)
{
    const struct field *field = &fields[id];
    struct str names = field->names;
    for (size_t i = 0; text.len == NAME_LEN && i + NAME_LEN <= names.len; i += NAME_LEN) {
        *ret_value = field->least + (unsigned)(i / NAME_LEN);
        if (str_eq_nocase(text, (struct str){names.data + i, NAME_LEN}))
            return true;
    }
    return read_number(text, field->least, field->most, ret_value);
}

static void add(const struct cron_reading *at, unsigned value)
{
    struct cron *cron = at->cron;
    unsigned year = value - CRON_YEAR_FIRST;
    switch (at->id) {
    case MINUTE:
        cron->minutes |= 1ULL << value;
        break;
    case HOUR:
        cron->hours |= 1U << value;
        break;
    case DAY:
        cron->days |= 1U << value;
        break;
    case MONTH:
        cron->months |= 1U << value;
        break;
    case WEEKDAY:
        cron->weekdays |= 1U << value;
        break;
    case YEAR:
        cron->years[year / 64] |= 1ULL << year % 64;
        break;
    case FIELDS:
        break;
    }
}

/* "L" the last day, "LW" the last day of work, "15W" the day of work next to the 15th. */
static bool read_special_day(const struct cron_reading *at, struct str text)
{
    unsigned day;
    if (str_eq(text, STR("L")))
        return at->cron->last_day = true;
    if (str_eq(text, STR("LW")))
        return at->cron->last_workday = true;
    if (!str_ends(text, STR("W")) || !read_value((struct str){text.data, text.len - 1}, DAY, &day))
        return false;
    at->cron->near_days |= 1U << day;
    return true;
}

/* "L" the last day of the week, "6L" the last Friday, "6#2" the second one. */
static bool read_special_weekday(const struct cron_reading *at, struct str text)
{
    struct str day, week;
    unsigned weekday, number;
    if (str_eq(text, STR("L"))) {
        at->cron->weekdays |= 1U << fields[WEEKDAY].most;
        return true;
    }
    if (str_cut(text, '#', &day, &week)) {
        if (!read_value(day, WEEKDAY, &weekday) || !read_number(week, 1, CRON_WEEKS, &number))
            return false;
        at->cron->nth_weekdays[number - 1] |= 1U << weekday;
        return true;
    }
    if (!str_ends(text, STR("L")) ||
        !read_value((struct str){text.data, text.len - 1}, WEEKDAY, &weekday))
        return false;
    at->cron->last_weekdays |= 1U << weekday;
    return true;
}

static void add_range(const struct cron_reading *at, unsigned first, unsigned last, unsigned step)
{
    const struct field *field = &fields[at->id];
    unsigned size = field->most - field->least + 1;
    unsigned length = last >= first ? last - first : last + size - first;
    for (unsigned i = 0; i <= length; i += step)
        add(at, field->least + (first - field->least + i) % size);
}

/* A value, a range, or all, each with a step or without. */
static bool read_item(const struct cron_reading *at, struct str item)
{
    const struct field *field = &fields[at->id];
    struct str whole = item, text, from, to;
    unsigned step = 1, first = field->least, last = field->most;
    bool steps = str_cut(item, '/', &whole, &text);
    if (steps && !read_number(text, 1, field->most, &step))
        return false;
    bool is_any =
        str_eq(whole, STR("*")) || (str_eq(whole, STR("?")) && !steps && field->specials.len > 0);
    if (!is_any && str_cut(whole, '-', &from, &to)) {
        if (!read_value(from, at->id, &first) || !read_value(to, at->id, &last) ||
            (last < first && !field->turns))
            return false;
    } else if (!is_any && read_value(whole, at->id, &first)) {
        last = steps ? field->most : first;
    } else if (!is_any) {
        return !steps && (at->id == DAY       ? read_special_day(at, whole)
                          : at->id == WEEKDAY ? read_special_weekday(at, whole)
                                              : false);
    }
    add_range(at, first, last, step);
    return true;
}

static bool read_field(const struct cron_reading *at, struct str text)
{
    struct str item;
    while (str_cut(text, ',', &item, &text)) {
        if (!read_item(at, item))
            return false;
    }
    return read_item(at, text);
}

bool cron_read(struct str inside, struct cron *ret_cron)
{
    struct cron_reading at = {ret_cron, MINUTE};
    struct str text, rest = inside;
    *ret_cron = (struct cron){0};
    for (bool more = true; more;) {
        text = rest;
        more = str_cut(rest, ' ', &text, &rest);
        if (text.len == 0)
            continue;
        if (at.id == FIELDS || !read_field(&at, text))
            return false;
        at.id++;
    }
    return at.id == FIELDS;
}

bool cron_same(const struct cron *a, const struct cron *b)
{
    return a->minutes == b->minutes && a->hours == b->hours && a->days == b->days &&
           a->months == b->months && a->weekdays == b->weekdays && a->near_days == b->near_days &&
           a->last_weekdays == b->last_weekdays && a->last_day == b->last_day &&
           a->last_workday == b->last_workday &&
           memcmp(a->years, b->years, sizeof(a->years)) == 0 &&
           memcmp(a->nth_weekdays, b->nth_weekdays, sizeof(a->nth_weekdays)) == 0;
}

/* --- days --- */

static bool has(uint32_t set, int number)
{
    return set >> number & 1;
}

/* The day of work next to a day, in the same month. */
static int workday_near(int day, int weekday, int length)
{
    if (weekday == SATURDAY)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == 0)
        return day < length ? day + 1 : day - 2;
    return day;
}

static bool fits_workday(const struct cron *cron, struct calendar_day date, int weekday, int length)
{
    int last_weekday = (weekday + length - date.day) % CALENDAR_WEEK;
    if (cron->last_workday && date.day == workday_near(length, last_weekday, length))
        return true;
    for (int day = 1; cron->near_days && day <= length; day++) {
        int its = (weekday + day - date.day + 5 * CALENDAR_WEEK) % CALENDAR_WEEK;
        if (has(cron->near_days, day) && workday_near(day, its, length) == date.day)
            return true;
    }
    return false;
}

static bool fits_day(const struct cron *cron, int64_t days, struct calendar_day date)
{
    int length = calendar_month_length(date.year, date.month), weekday = calendar_weekday(days);
    bool is_last_week = date.day + CALENDAR_WEEK > length;
    return (has(cron->days, date.day) || (cron->last_day && date.day == length) ||
            fits_workday(cron, date, weekday, length)) &&
           (has(cron->weekdays, weekday + 1) ||
            (is_last_week && has(cron->last_weekdays, weekday + 1)) ||
            has(cron->nth_weekdays[(date.day - 1) / CALENDAR_WEEK], weekday + 1));
}

static bool fits_month(const struct cron *cron, struct calendar_day date)
{
    uint64_t year = (uint64_t)(date.year - CRON_YEAR_FIRST);
    return cron->years[year / 64] >> year % 64 & 1 && has(cron->months, date.month);
}

/* The first minute of a day from `minute` on, or the last one down to it; -1: none. */
static int find_minute(const struct cron *cron, int minute, int by)
{
    for (; minute >= 0 && minute < HOURS * MINUTES; minute += by) {
        if (has(cron->hours, minute / MINUTES) && cron->minutes >> minute % MINUTES & 1)
            return minute;
    }
    return -1;
}

/* From the minute at hand on, forward or back. A month that does not fit is passed by at once. */
static bool find(const struct cron *cron, int64_t minutes, int by, int64_t *ret_ms)
{
    const int64_t first = 0;
    const int64_t last = calendar_days((struct calendar_day){CRON_YEAR_LAST, 12, 31});
    int64_t days = minutes / (HOURS * MINUTES);
    int from = (int)(minutes % (HOURS * MINUTES));
    while (days >= first && days <= last) {
        struct calendar_day date = calendar_day_of(days);
        bool fits = fits_month(cron, date);
        int length = calendar_month_length(date.year, date.month);
        int minute = fits && fits_day(cron, days, date) ? find_minute(cron, from, by) : -1;
        if (minute >= 0) {
            *ret_ms = (days * HOURS * MINUTES + minute) * MINUTE_MS;
            return true;
        }
        days += fits ? by : by > 0 ? length - date.day + 1 : -date.day;
        from = by > 0 ? 0 : HOURS * MINUTES - 1;
    }
    return false;
}

bool cron_next(const struct cron *cron, int64_t after_ms, int64_t *ret_ms)
{
    return find(cron, after_ms < 0 ? 0 : after_ms / MINUTE_MS + 1, 1, ret_ms);
}

bool cron_last(const struct cron *cron, int64_t until_ms, int64_t *ret_ms)
{
    const int64_t end =
        (calendar_days((struct calendar_day){CRON_YEAR_LAST, 12, 31}) + 1) * HOURS * MINUTES - 1;
    int64_t minutes = until_ms / MINUTE_MS;
    return until_ms >= 0 && find(cron, minutes < end ? minutes : end, -1, ret_ms);
}
