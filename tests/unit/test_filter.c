/* Filters: which records each operator keeps, by what values are compared as. */
#include "program_fixture.h"

/* --- filters --- */

/* The values of a that a filter keeps. */
static void assert_kept(struct setting *s, const char *filter, const char *expected)
{
    struct buf tasks = buf_in(&s->arena, 4096);
    buf_printf(&tasks, "[%s," MAP("a", "a") "]", filter);
    record_batch_clear(&s->batch);
    const char *const values[] = {
        "null", "'abc'", "'Abc'", "''",     "5",  "10",           "10.50",
        "'10'", "-1",    "true",  "@86400", "#2", "'1970-01-02'", "'1970-01-03T00:00:00+0000'"};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        char record[64];
        snprintf(record, sizeof(record), "a=%s", values[i]);
        add(s, record);
    }
    run(s, tasks.data);
    assert_output(s, expected);
    assert_int_equal(s->result.filtered + s->result.output.rows, sizeof(values) / sizeof(*values));
}

static void texts_are_compared_bytewise(void **state)
{
    struct setting *s = *state;
    assert_kept(s, FILTER("a", "EQUAL_TO", "`DATA_TYPE`:`string`,`VALUE`:`abc`"), "a=abc");
    assert_kept(s, FILTER("a", "CONTAINS", "`DATA_TYPE`:`picklist`,`VALUE`:`bc`"), "a=abc | a=Abc");
    assert_kept(s, FILTER("a", "EQUAL_TO", "`DATA_TYPE`:`string`,`VALUES`:`abc, Abc`"),
                "a=abc | a=Abc");
    assert_kept(s, FILTER("a", "GREATER_THAN_OR_EQUAL_TO", "`DATA_TYPE`:`string`,`VALUE`:`abc`"),
                "a=abc | a=true");
    assert_kept(s,
                FILTER("a", "NOT_EQUAL_TO",
                       "`DATA_TYPE`:`string`,`VALUES`:`[\\`abc\\`,\\`Abc\\`,\\`10\\`,\\`true\\`]`"),
                "a=null | a= | a=5 | a=10.50 | a=-1 | a=1970-01-02T00:00:00.000Z | a=1970-01-03 | "
                "a=1970-01-02 | a=1970-01-03T00:00:00+0000");
}

static void numbers_are_compared_as_decimals(void **state)
{
    struct setting *s = *state;
    assert_kept(s, FILTER("a", "EQUAL_TO", "`DATA_TYPE`:`double`,`VALUE`:`10.0`"), "a=10 | a=10");
    assert_kept(s, FILTER("a", "LESS_THAN", "`DATA_TYPE`:`int`,`VALUE`:`1e1`"), "a=5 | a=-1");
    assert_kept(s, FILTER("a", "GREATER_THAN", "`DATA_TYPE`:`currency`,`VALUE`:`10.49`"),
                "a=10.50");
    assert_kept(
        s, FILTER("a", "BETWEEN", "`DATA_TYPE`:`integer`,`LOWER_BOUND`:`5`,`UPPER_BOUND`:`10.50`"),
        "a=10 | a=10");                                                 /* without its bounds */
    assert_kept(s, FILTER("a", "LESS_THAN_OR_EQUAL_TO", "`VALUE`:`5`"), /* as the values are */
                "a= | a=5 | a=10 | a=-1 | a=1970-01-02T00:00:00.000Z | a=1970-01-03 | "
                "a=1970-01-02 | a=1970-01-03T00:00:00+0000");
}

static void times_are_compared_in_utc(void **state)
{
    struct setting *s = *state;
    assert_kept(s, FILTER("a", "EQUAL_TO", "`DATA_TYPE`:`datetime`,`VALUE`:`86400000`"),
                "a=1970-01-02T00:00:00.000Z | a=1970-01-02");
    assert_kept(s,
                FILTER("a", "BETWEEN",
                       "`DATA_TYPE`:`date`,`LOWER_BOUND`:`86400000`,`UPPER_BOUND`:`172800001`"),
                "a=1970-01-03 | a=1970-01-03T00:00:00+0000");
    assert_kept(
        s,
        FILTER("a", "EQUAL_TO", "`DATA_TYPE`:`datetime`,`VALUE`:`1970-01-03T02:00:00.000+02:00`"),
        "a=1970-01-03 | a=1970-01-03T00:00:00+0000");
    assert_kept(s, FILTER("a", "EQUAL_TO", "`DATA_TYPE`:`boolean`,`VALUE`:`true`"), "a=true");
}

static void filters_are_all_to_be_met(void **state)
{
    struct setting *s = *state;
    add(s, "a=1;b=1");
    add(s, "a=1;b=2");
    add(s, "a=2;b=1");
    run(s, "[" ALL "," FILTER("a", "EQUAL_TO", "`VALUE`:`1`") "," FILTER("b", "EQUAL_TO",
                                                                         "`VALUE`:`1`") "]");
    assert_output(s, "a=1; b=1");
    assert_int_equal(s->result.filtered, 2);
}

/* Each record is kept by a filter or by its opposite, whatever it has. */
static void a_filter_and_its_opposite_share_the_records(void **state)
{
    static const char *const opposites[][2] = {
        {"EQUAL_TO", "NOT_EQUAL_TO"},
    };
    static const char *const types[] = {"string", "double", "datetime"};
    struct setting *s = *state;
    for (size_t type = 0; type < 3; type++) {
        size_t kept = 0;
        for (size_t i = 0; i < 2; i++) {
            char tasks[512];
            record_batch_clear(&s->batch);
            for (const char *const *value =
                     (const char *const[]){"null", "0", "'0'", "'x'", "@0", "0.0", NULL};
                 *value; value++) {
                char record[64];
                snprintf(record, sizeof(record), "a=%s", *value);
                add(s, record);
            }
            snprintf(tasks, sizeof(tasks),
                     "[" MAP("a", "a") "," FILTER("a", "%s", "`DATA_TYPE`:`%s`,`VALUE`:`0`") "]",
                     opposites[0][i], types[type]);
            run(s, tasks);
            kept += s->result.output.rows;
        }
        assert_int_equal(kept, 6);
    }
}

static void times_have_many_forms(void **state)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: none */
    } times[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:01Z", 1000000},
        {"1970-01-01 00:00:01.5", 1500000},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T01:00:00.000+0100", 0},
        {"1970-01-01T00:01Z", 60000000},
        {"2000-02-29T12:00:00Z", 951825600000000},
        {"2026-03-01T08:12:03.123456789Z", 1772352723123456},
        {"1500", 1500000},
        {"/Date(1500)/", 1500000},
        {"/Date(1500+0060)/", 1500000},
        {"/Date(1500-0060)/", 1500000},
        {"1512085950.000216", 1512085950000216},
        {"0.000001", -1},
        {"1512085950.00021", -1},
        {"1512085950.", -1},
        {"151208595000.000216", -1},
        {"/Date()/", -1},
        {"/Date(1500)", -1},
        {"/Date(", -1},
        {"/Date(x)/", -1},
        {"1969-12-31T23:00:00-01:00", 0},
        {"2001-02-29", -1},
        {"2001-13-01", -1},
        {"2001-00-01", -1},
        {"2001-01-00", -1},
        {"1900-02-29", -1},
        {"1970-01-01T24:00:00Z", -1},
        {"1970-01-01T00:00:00Zx", -1},
        {"1970-01-01T00:00:00.Z", -1},
        {"1970-01-01T00:00:00+1", -1},
        {"1970-1-1", -1},
        {"", -1},
        {"x", -1},
        {"1234567890123456", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        int64_t us = -1;
        bool ok = time_read(str_from(times[i].text), &us);
        if (ok != (times[i].us >= 0) || (ok && us != times[i].us))
            print_error("%s: %lld\n", times[i].text, (long long)us);
        assert_int_equal(ok, times[i].us >= 0);
        assert_true(!ok || us == times[i].us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_setting(texts_are_compared_bytewise),
        test_with_setting(numbers_are_compared_as_decimals),
        test_with_setting(times_are_compared_in_utc),
        test_with_setting(filters_are_all_to_be_met),
        test_with_setting(a_filter_and_its_opposite_share_the_records),
        test_with_setting(times_have_many_forms),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
