/* Eras of 400 years, which all have the same number of days, from 1 March of year 0: so a leap day
 * is the last one of its year (howardhinnant.github.io/date_algorithms.html). */
#include "base/calendar.h"

#include <stdbool.h>

enum {
    ERA_YEARS = 400,
    ERA_DAYS = 146097,
    YEAR_DAYS = 365,
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
    MARCH = 3,
    FIVE_MONTHS_DAYS = 153, /* of March to July, and of August to December */
    EPOCH_WEEKDAY = 4,      /* 1970-01-01 was a Thursday */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t calendar_days(struct calendar_day day)
{
    int64_t year = day.month < MARCH ? day.year - 1 : day.year;
    int64_t era = floor_div(year, ERA_YEARS), of_era = year - era * ERA_YEARS;
    int month = (day.month + CALENDAR_MONTHS - MARCH) % CALENDAR_MONTHS;
    int64_t of_year = (FIVE_MONTHS_DAYS * month + 2) / 5 + day.day - 1;
    int64_t leaps = of_era / 4 - of_era / 100;
    return era * ERA_DAYS + of_era * YEAR_DAYS + leaps + of_year - DAYS_TO_1970;
}

struct calendar_day calendar_day_of(int64_t days)
{
    int64_t since = days + DAYS_TO_1970;
    int64_t era = floor_div(since, ERA_DAYS), of_era = since - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / YEAR_DAYS;
    int64_t of_year = of_era - (year * YEAR_DAYS + year / 4 - year / 100);
    int month = (int)((5 * of_year + 2) / FIVE_MONTHS_DAYS);
    int day = (int)(of_year - (FIVE_MONTHS_DAYS * month + 2) / 5) + 1;
    int named = (month + MARCH - 1) % CALENDAR_MONTHS + 1;
    return (struct calendar_day){era * ERA_YEARS + year + (named < MARCH), named, day};
}

int calendar_month_length(int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % ERA_YEARS == 0;
    return lengths[month - 1] + (month == 2 && is_leap);
}

int calendar_weekday(int64_t days)
{
    int64_t of_week = (days + EPOCH_WEEKDAY) % CALENDAR_WEEK;
    return (int)(of_week < 0 ? of_week + CALENDAR_WEEK : of_week);
}

int64_t calendar_days_of_ms(int64_t ms, int64_t *ret_rest_ms)
{
    int64_t days = floor_div(ms, CALENDAR_DAY_MS);
    *ret_rest_ms = ms - days * CALENDAR_DAY_MS;
    return days;
}
