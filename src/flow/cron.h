/* Cron expressions of six fields, as those of Amazon EventBridge: minute, hour, day of the month,
 * month, day of the week, year (EventBridge Scheduler User Guide, "Cron-based schedules"). Times
 * are in UTC, to the minute. Of the two fields of days both must fit; "*" and "?" fit any day. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CRON_YEAR_FIRST = 1970,
    CRON_YEAR_LAST = 2199,
    CRON_YEAR_WORDS = 4, /* of 64 years each */
    CRON_WEEKS = 5,      /* of a month: "#1" to "#5" */
};

/* Sets of numbers: bit N is N itself, of years their distance from CRON_YEAR_FIRST. */
struct cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* weekdays: 1 is Sunday */
    uint64_t years[CRON_YEAR_WORDS];
    uint32_t near_days;                /* "15W": the day of work next to the 15th */
    uint32_t last_weekdays;            /* "6L": the last Friday */
    uint32_t nth_weekdays[CRON_WEEKS]; /* "6#2": the second Friday is in [1] */
    bool last_day, last_workday;       /* "L", "LW" of the day of the month */
};

/* What is between "cron(" and ")". False for what is none. */
_must_use_ bool cron_read(struct str text, struct cron *ret_cron);

/* Whether two have the same times, as their fields say. */
bool cron_same(const struct cron *a, const struct cron *b);

/* The first time after `after_ms`, and the last one at `until_ms` or before. False: there is
 * none. */
_must_use_ bool cron_next(const struct cron *cron, int64_t after_ms, int64_t *ret_ms);
_must_use_ bool cron_last(const struct cron *cron, int64_t until_ms, int64_t *ret_ms);
