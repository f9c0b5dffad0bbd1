/* When cron expressions fit: known days, and every minute of some years against the C library's
 * calendar. */
#include "cmocka_all.h"

#include "base/calendar.h"
#include "base/time_text.h"
#include "flow/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t ms_of(const char *text)
{
    struct time_text time;
    assert_true(time_text_read(str_from(text), TIME_TEXT_NO_ZONE, &time));
    return time.us / 1000;
}

static const struct {
    const char *cron, *after, *next; /* NULL: none */
} nexts[] = {
    {"0 10 * * ? *", "2026-03-01T09:59:59", "2026-03-01T10:00:00"},
    {"0 10 * * ? *", "2026-03-01T10:00:00", "2026-03-02T10:00:00"},
    {"0/15 8-17 ? * MON-FRI *", "2026-03-06T17:46:00", "2026-03-09T08:00:00"},
    {"30 23 L * ? *", "2027-02-01T00:00:00", "2027-02-28T23:30:00"},
    {"30 23 L * ? *", "2028-02-01T00:00:00", "2028-02-29T23:30:00"},
    {"0 0 LW * ? *", "2026-05-01T00:00:00", "2026-05-29T00:00:00"},  /* the 31st is a Sunday */
    {"0 0 15W * ? *", "2026-08-02T00:00:00", "2026-08-14T00:00:00"}, /* a Saturday */
    {"0 0 15W * ? *", "2026-11-01T00:00:00", "2026-11-16T00:00:00"}, /* a Sunday */
    {"0 0 1W * ? *", "2026-08-01T00:00:00", "2026-08-03T00:00:00"},  /* not in July */
    {"0 0 31W 5 ? *", "2026-05-01T00:00:00", "2026-05-29T00:00:00"}, /* not in June */
    {"0 0 ? * 6L *", "2026-01-01T00:00:00", "2026-01-30T00:00:00"},
    {"0 0 ? * FRI#2 *", "2026-01-01T00:00:00", "2026-01-09T00:00:00"},
    {"0 0 ? * 1#5 *", "2026-02-01T00:00:00", "2026-03-29T00:00:00"},
    {"0 0 ? * L *", "2026-03-01T00:00:00", "2026-03-07T00:00:00"},
    {"0 0 29 2 ? *", "2096-03-01T00:00:00", "2104-02-29T00:00:00"}, /* 2100 has none */
    {"0 22-6/4 * * ? *", "2026-03-01T03:00:00", "2026-03-01T06:00:00"},
    {"0 0 ? * FRI-MON *", "2026-03-03T00:00:00", "2026-03-06T00:00:00"},
    {"5 4 3 2 ? 2030-2032/2", "2026-01-01T00:00:00", "2030-02-03T04:05:00"},
    {"5 4 3 2 ? 2030-2032/2", "2030-02-03T04:05:00", "2032-02-03T04:05:00"},
    {"5 4 3 2 ? 2030-2032/2", "2032-02-03T04:05:00", NULL},
    {"0 0 13 * 6 *", "2026-03-14T00:00:00", "2026-11-13T00:00:00"}, /* both fields of days */
    {"0 0 30 2 ? *", "1970-01-01T00:00:00", NULL},
    {"59 23 31 12 ? 2199", "2199-12-31T23:59:00", NULL},
};

static void known_days_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(nexts) / sizeof(*nexts); i++) {
        struct cron cron;
        int64_t next, last;
        assert_true(cron_read(str_from(nexts[i].cron), &cron));
        bool found = cron_next(&cron, ms_of(nexts[i].after), &next);
        if (found != (nexts[i].next != NULL) || (found && next != ms_of(nexts[i].next)))
            fail_msg("%s after %s: %lld", nexts[i].cron, nexts[i].after,
                     found ? (long long)next : -1);
        if (!found)
            continue;
        assert_true(cron_last(&cron, next + 59999, &last));
        assert_int_equal(last, next);
        assert_true(!cron_last(&cron, next - 1, &last) || last <= ms_of(nexts[i].after));
    }
}

static void the_calendar_is_the_c_library_s(void **state)
{
    (void)state;
    for (int64_t days = -800000; days < 800000; days += 13) {
        time_t seconds = (time_t)(days * 86400);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        struct calendar_day day = calendar_day_of(days);
        assert_int_equal(day.year, tm.tm_year + 1900);
        assert_int_equal(day.month, tm.tm_mon + 1);
        assert_int_equal(day.day, tm.tm_mday);
        assert_int_equal(calendar_weekday(days), tm.tm_wday);
        assert_int_equal(calendar_days(day), days);
    }
}

/* What a plain field says of a minute, from its text and by no bits. */
static bool field_fits(const char *field, int value, int least)
{
    char *end;
    bool is_any = *field == '*' || *field == '?';
    long first = is_any ? least : strtol(field, &end, 10);
    end = is_any ? (char *)field + 1 : end;
    long number = *end ? strtol(end + 1, NULL, 10) : 0;
    if (*end == '-')
        return first <= number ? value >= first && value <= number
                               : value >= first || value <= number;
    if (*end == '/')
        return value >= first && (value - first) % number == 0;
    return is_any || first == value;
}

static bool minute_fits(char fields[5][8], time_t seconds)
{
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return field_fits(fields[0], tm.tm_min, 0) && field_fits(fields[1], tm.tm_hour, 0) &&
           field_fits(fields[2], tm.tm_mday, 1) && field_fits(fields[3], tm.tm_mon + 1, 1) &&
           field_fits(fields[4], tm.tm_wday + 1, 1);
}

/* Each minute of two months that fits is found, and no other one, in either direction. */
static void every_minute_is_found_once(void **state)
{
    static const char *const choices[5][5] = {
        {"0", "7/13", "*/20", "50-10", "*"}, {"*", "5", "22-3", "*/7", "9/4"},
        {"*", "31", "28-2", "*/10", "?"},    {"*", "2", "12-2", "*/2", "3"},
        {"?", "1", "6-2", "2/3", "*"},
    };
    const int64_t begin = ms_of("2028-01-31T00:00:00"), end = ms_of("2028-03-20T00:00:00");
    (void)state;
    srand(15);
    for (int round = 0; round < 40; round++) {
        char fields[5][8], text[64];
        struct cron cron;
        int64_t at, next, before, last;
        for (int i = 0; i < 5; i++)
            strcpy(fields[i], choices[i][rand() % 5]);
        snprintf(text, sizeof(text), "%s %s %s %s %s *", fields[0], fields[1], fields[2], fields[3],
                 fields[4]);
        assert_true(cron_read(str_from(text), &cron));
        before = begin - 1;
        bool found = cron_next(&cron, before, &next);
        for (at = begin; at < end; at += 60000) {
            if (!minute_fits(fields, at / 1000))
                continue;
            if (!found || next != at)
                fail_msg("%s at %lld", text, (long long)at);
            assert_true(cron_last(&cron, at, &last) && last == at);
            assert_true(before < begin || (cron_last(&cron, at - 1, &last) && last == before));
            before = at;
            found = cron_next(&cron, at, &next);
        }
        assert_true(!found || next >= end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_days_are_found),
        cmocka_unit_test(the_calendar_is_the_c_library_s),
        cmocka_unit_test(every_minute_is_found_once),
    };
    return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
