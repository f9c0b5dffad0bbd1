/* Times as texts: which forms each of the options takes, and that no other text is one. */
#include "cmocka_all.h"

#include "base/time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    STRICT = 0,
    DAY = TIME_TEXT_DAY,
    OPEN = TIME_TEXT_NO_ZONE,
    ISO = TIME_TEXT_ISO_8601,
    ALL = DAY | OPEN | ISO,
};

static const struct {
    const char *text;
    unsigned needs; /* the options that it takes to read it; without one of them it is no time */
    int64_t us;
    bool has_clock, has_zone, is_leap;
} right[] = {
    {"1970-01-01T00:00:00Z", STRICT, 0, true, true, false},
    {"1970-01-01T00:00:00.000001Z", STRICT, 1, true, true, false},
    {"2026-03-01T08:12:03.123456789Z", STRICT, 1772352723123456, true, true, false},
    {"2026-03-01T08:12:03.5+02:00", STRICT, 1772345523500000, true, true, false},
    {"2026-03-01T08:12:03-23:59", STRICT, 1772439063000000, true, true, false},
    {"2026-03-01T08:12:03-00:00", STRICT, 1772352723000000, true, true, false},
    {"2016-12-31T23:59:60Z", STRICT, 1483228800000000, true, true, true},
    {"0000-01-01T00:00:00Z", STRICT, -62167219200000000, true, true, false},
    {"0000-02-29T00:00:00Z", STRICT, -62162121600000000, true, true, false},
    {"9999-12-31T23:59:59.999999Z", STRICT, 253402300799999999, true, true, false},
    {"0000-01-01T00:00:00+23:59", STRICT, -62167305540000000, true, true, false},
    {"9999-12-31T23:59:59-23:59", STRICT, 253402387139000000, true, true, false},
    {"1970-01-02", DAY, TIME_TEXT_DAY_US, false, false, false},
    {"1969-12-31", DAY, -TIME_TEXT_DAY_US, false, false, false},
    {"1970-01-01T00:00:01", OPEN, 1000000, true, false, false},
    {"1970-01-01T00:00:01.25", OPEN, 1250000, true, false, false},
    {"1970-01-01t00:00:01Z", ISO, 1000000, true, true, false},
    {"1970-01-01 00:00:01Z", ISO, 1000000, true, true, false},
    {"1970-01-01T00:00:01z", ISO, 1000000, true, true, false},
    {"1970-01-01T00:00:01,5Z", ISO, 1500000, true, true, false},
    {"1970-01-01T00:01Z", ISO, 60000000, true, true, false},
    {"1970-01-01T01:00:00+0100", ISO, 0, true, true, false},
    {"1970-01-01T01:00:00+01", ISO, 0, true, true, false},
    {"1970-01-01 00:01", ISO | OPEN, 60000000, true, false, false},
};

static const char *const wrong[] = {
    "",
    "x",
    "1970",
    "1970-01",
    "1970-1-1",
    "1970-01-01x",
    "1970-01-01T",
    "1970-01-01T00",
    "1970-01-01T00:",
    "1970-01-01T00:00:",
    "1970-01-01T00:00:0",
    "1970-01-01T00:00:00.",
    "1970-01-01T00:00:00.Z",
    "1970-01-01T00:00.5Z",
    "1970-01-01T00:00:00Zx",
    "1970-01-01T00:00:00ZZ",
    "1970-01-01T00:00:00+",
    "1970-01-01T00:00:00+1",
    "1970-01-01T00:00:00+01:",
    "1970-01-01T00:00:00+01:0",
    "1970-01-01T00:00:00+01:000",
    "1970-01-01T00:00:00+24:00",
    "1970-01-01T00:00:00+01:60",
    "1970-01-01T24:00:00Z",
    "1970-01-01T00:60:00Z",
    "1970-01-01T00:00:61Z",
    "1970-00-01",
    "1970-13-01",
    "1970-01-00",
    "1970-01-32",
    "1970-04-31",
    "2001-02-29",
    "1900-02-29",
    "2100-02-29",
    " 1970-01-01",
    "1970-01-01 ",
    "+1970-01-01",
    "-1970-01-01",
    "19700-01-01",
    "1970/01/01",
    "19700101T000000Z",
    "1970-01-01T-1:00:00Z",
    "1970-01-01T00:00:00\xc3\xa9",
    "\xd9\xa1\xd9\xa9\xd9\xa7\xd9\xa0-01-01",
};

static void forms_are_taken_as_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        for (unsigned takes = 0; takes <= ALL; takes++) {
            struct time_text time;
            bool ok = time_text_read(str_from(right[i].text), takes, &time);
            bool expected = (takes & right[i].needs) == right[i].needs;
            if (ok != expected || (ok && time.us != right[i].us))
                fail_msg("%s with %u: %d, %lld", right[i].text, takes, ok, (long long)time.us);
            assert_true(!ok || (time.has_clock == right[i].has_clock &&
                                time.has_zone == right[i].has_zone &&
                                time.is_leap_second == right[i].is_leap));
        }
    }
}

static void other_texts_are_no_times(void **state)
{
    struct time_text time;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (time_text_read(str_from(wrong[i]), ALL, &time))
            fail_msg("%s was read", wrong[i]);
    }
    assert_false(time_text_read(STR_NULL, ALL, &time));
    assert_false(time_text_read(STR("1970-01-01T00:00:00Z\0"), ALL, &time));
}

static void digits_that_are_left_out_are_told(void **state)
{
    static const struct {
        const char *text;
        bool is_cut;
    } times[] = {
        {"1970-01-01T00:00:00Z", false},           {"1970-01-01T00:00:00.123456Z", false},
        {"1970-01-01T00:00:00.123456000Z", false}, {"1970-01-01T00:00:00.1234567Z", true},
        {"1970-01-01T00:00:00.0000000100Z", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        struct time_text time;
        assert_true(time_text_read(str_from(times[i].text), STRICT, &time));
        assert_int_equal(time.is_cut, times[i].is_cut);
    }
}

/* Each byte of a time, in each of its values: what is read has the form, and nothing is read past
 * the end. */
static void each_byte_is_checked(void **state)
{
    static const char form[] = "2026-03-01T08:12:03.5+02:00";
    enum { LEN = sizeof(form) - 1 };
    (void)state;
    for (size_t at = 0; at < LEN; at++) {
        for (int byte = 0; byte <= UINT8_MAX; byte++) {
            char text[LEN]; /* of this length, for sanitizers */
            struct time_text time;
            memcpy(text, form, LEN);
            text[at] = (char)byte;
            bool ok = time_text_read((struct str){text, LEN}, STRICT, &time);
            bool may = ascii_is_digit(form[at]) ? ascii_is_digit(text[at])
                       : form[at] == '+'        ? text[at] == '+' || text[at] == '-'
                                                : text[at] == form[at];
            /* A digit may also stand for the sign: the fraction is longer, and the zone is wrong.
             */
            assert_true(!ok || may);
            assert_true(ok || !may || ascii_is_digit(form[at]));
        }
        struct time_text time;
        char *cut = test_malloc(at + 1);
        memcpy(cut, form, at);
        assert_false(time_text_read((struct str){cut, at}, STRICT, &time));
        test_free(cut);
    }
}

/* Every day of some centuries, beside the C library's calendar. */
static void days_are_those_of_the_calendar(void **state)
{
    (void)state;
    for (int64_t day = -719528; day <= 2932896; day += day % 997 == 0 ? 1 : 13) {
        struct tm tm;
        struct time_text time;
        char text[32];
        time_t seconds = (time_t)(day * 86400 + 86399);
        assert_non_null(gmtime_r(&seconds, &tm));
        size_t len = (size_t)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ",
                                      tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                                      tm.tm_min, tm.tm_sec);
        assert_true(time_text_read((struct str){text, len}, STRICT, &time));
        assert_true(time.us == seconds * TIME_TEXT_SECOND_US);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_taken_as_asked_for),
        cmocka_unit_test(other_texts_are_no_times),
        cmocka_unit_test(digits_that_are_left_out_are_told),
        cmocka_unit_test(each_byte_is_checked),
        cmocka_unit_test(days_are_those_of_the_calendar),
    };
    return cmocka_run_group_tests_name("time-text", tests, NULL, NULL);
}
