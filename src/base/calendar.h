/* The Gregorian calendar in UTC, as arithmetic: days are counted from 1970-01-01, which is 0. No
 * zone and no state, so that any thread may use it (localtime_r and mktime read TZ, which is one
 * for the whole process). */
#pragma once

#include <stdint.h>

enum { CALENDAR_DAY_MS = 24 * 60 * 60 * 1000, CALENDAR_MONTHS = 12, CALENDAR_WEEK = 7 };

struct calendar_day {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

int64_t calendar_days(struct calendar_day day); /* of a day that is in the calendar */
struct calendar_day calendar_day_of(int64_t days);
int calendar_month_length(int64_t year, int month);
int calendar_weekday(int64_t days); /* 0: Sunday, … 6: Saturday */

/* The day in which a time is, and its milliseconds since midnight; also before 1970. */
int64_t calendar_days_of_ms(int64_t ms, int64_t *ret_rest_ms);
