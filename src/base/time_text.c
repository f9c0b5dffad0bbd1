/* From the front to the end, a part after the other; each takes its characters off the text. */
#include "base/time_text.h"

enum { HOURS_MAX = 23, MINUTES_MAX = 59, SECONDS_MAX = 60, FRACTION_DIGITS = 6 };

/* Exactly so many digits. */
static bool take_number(struct str *rest, size_t digits, int most, int *ret_number)
{
    int number = 0;
    if (rest->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!ascii_is_digit(rest->data[i]))
            return false;
        number = 10 * number + (rest->data[i] - '0');
    }
    *rest = (struct str){rest->data + digits, rest->len - digits};
    *ret_number = number;
    return number <= most;
}

static bool take_one(struct str *rest, const char *any_of)
{
    for (const char *c = any_of; rest->len > 0 && *c; c++) {
        if (rest->data[0] == *c) {
            *rest = (struct str){rest->data + 1, rest->len - 1};
            return true;
        }
    }
    return false;
}

static bool is_leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01. */
static bool take_day(struct str *rest, int64_t *ret_days)
{
    enum { YEAR_MAX = 9999, MONTHS = 12, MONTH_DAYS_MAX = 31, DAYS_TO_1970 = 719162 };
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int year, month, day;
    if (!take_number(rest, 4, YEAR_MAX, &year) || !take_one(rest, "-") ||
        !take_number(rest, 2, MONTHS, &month) || month == 0 || !take_one(rest, "-") ||
        !take_number(rest, 2, MONTH_DAYS_MAX, &day))
        return false;
    bool leap = is_leap_year(year);
    int length = before[month] - before[month - 1] + (leap && month == 2);
    int64_t past = (int64_t)year - 1; /* years since 0001-01-01; of year 0 one year before it */
    int64_t leaps = year == 0 ? -1 : past / 4 - past / 100 + past / 400;
    *ret_days =
        past * 365 + leaps + before[month - 1] + (leap && month > 2) + day - 1 - DAYS_TO_1970;
    return day >= 1 && day <= length;
}

static bool take_fraction(struct str *rest, int64_t *ret_us, bool *ret_is_cut)
{
    int64_t us = 0, unit = TIME_TEXT_SECOND_US / 10;
    size_t digits = 0;
    *ret_is_cut = false;
    for (; digits < rest->len && ascii_is_digit(rest->data[digits]); digits++, unit /= 10) {
        us += digits < FRACTION_DIGITS ? (rest->data[digits] - '0') * unit : 0;
        *ret_is_cut |= digits >= FRACTION_DIGITS && rest->data[digits] != '0';
    }
    *rest = (struct str){rest->data + digits, rest->len - digits};
    *ret_us = us;
    return digits > 0;
}

static bool take_clock(struct str *rest, bool iso, struct time_text *time)
{
    int hours, minutes, seconds = 0;
    int64_t fraction_us = 0;
    if (!take_number(rest, 2, HOURS_MAX, &hours) || !take_one(rest, ":") ||
        !take_number(rest, 2, MINUTES_MAX, &minutes))
        return false;
    bool has_seconds = take_one(rest, ":");
    if (has_seconds ? !take_number(rest, 2, SECONDS_MAX, &seconds) : !iso)
        return false;
    if (take_one(rest, iso ? ".," : ".") &&
        !(has_seconds && take_fraction(rest, &fraction_us, &time->is_cut)))
        return false;
    time->us += ((hours * 60LL + minutes) * 60 + seconds) * TIME_TEXT_SECOND_US + fraction_us;
    time->has_clock = true;
    time->is_leap_second = seconds == SECONDS_MAX;
    return true;
}

static bool take_zone(struct str *rest, unsigned takes, struct time_text *time)
{
    bool iso = takes & TIME_TEXT_ISO_8601, west = rest->len > 0 && rest->data[0] == '-';
    int hours, minutes = 0;
    if (rest->len == 0)
        return takes & TIME_TEXT_NO_ZONE;
    time->has_zone = true;
    if (take_one(rest, iso ? "Zz" : "Z"))
        return true;
    if (!take_one(rest, "+-") || !take_number(rest, 2, HOURS_MAX, &hours))
        return false;
    bool has_colon = take_one(rest, ":"), has_minutes = has_colon || rest->len > 0;
    if (!(has_colon || iso) || (has_minutes && !take_number(rest, 2, MINUTES_MAX, &minutes)))
        return false;
    time->us -= (west ? -1 : 1) * (hours * 60LL + minutes) * 60 * TIME_TEXT_SECOND_US;
    return true;
}

bool time_text_read(struct str text, unsigned takes, struct time_text *ret_time)
{
    struct str rest = text;
    int64_t days;
    *ret_time = (struct time_text){0};
    if (!take_day(&rest, &days))
        return false;
    ret_time->us = days * TIME_TEXT_DAY_US;
    if (rest.len == 0)
        return takes & TIME_TEXT_DAY;
    bool iso = takes & TIME_TEXT_ISO_8601;
    return take_one(&rest, iso ? "Tt " : "T") && take_clock(&rest, iso, ret_time) &&
           take_zone(&rest, takes, ret_time) && rest.len == 0;
}
