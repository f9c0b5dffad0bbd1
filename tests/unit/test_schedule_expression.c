/* Schedule expressions that clients send, and texts that are none. */
#include "cmocka_all.h"

#include "flow/schedule_expression.h"

static const struct {
    const char *text;
    enum schedule_kind kind;
    long long minutes; /* of the period */
} right[] = {
    {"rate(5minutes)", SCHEDULE_RATE, 5},
    {"rate(5 minutes)", SCHEDULE_RATE, 5},
    {"rate(1minute)", SCHEDULE_RATE, 1},
    {"rate(3hours)", SCHEDULE_RATE, 180},
    {"rate(1days)", SCHEDULE_RATE, 1440},
    {"rate(2weeks)", SCHEDULE_RATE, 20160},
    {"rate(1months)", SCHEDULE_RATE, 43200},
    {"rate(100000months)", SCHEDULE_RATE, 4320000000},
    {"cron(0/15 8-18 ? * MON-FRI *)", SCHEDULE_CRON, 0},
    {"cron(0  10 L * ? 2030)", SCHEDULE_CRON, 0},
    {"cron(59 23 31 12 7 2199)", SCHEDULE_CRON, 0},
    {"cron(0,30 */2 LW jan-Mar,12 ? 1970)", SCHEDULE_CRON, 0},
    {"cron(*/15 0 15W * ? 2030-2032)", SCHEDULE_CRON, 0},
    {"cron(0 0 ? * 6L *)", SCHEDULE_CRON, 0},
    {"cron(0 0 ? * FRI#2 *)", SCHEDULE_CRON, 0},
    {"cron(0 22-6 ? * FRI-MON *)", SCHEDULE_CRON, 0},
    {"cron(0 0 ? * L *)", SCHEDULE_CRON, 0},
    {"at(2028-02-29T00:00:00)", SCHEDULE_ONCE, 0},
    {"at(2030-12-31T23:59:59)", SCHEDULE_ONCE, 0},
};

static const char *const wrong[] = {
    "",
    "rate()",
    "rate(minutes)",
    "rate(0minutes)",
    "rate(-1minutes)",
    "rate(100001minutes)",
    "rate(99999999999999999999minutes)",
    "rate(5)",
    "rate(5s)",
    "rate(5minutess)",
    "rate(5minutes",
    "rate(5minutes))",
    " rate(5minutes)",
    "Rate(5minutes)",
    "rate(1.5hours)",
    "rate(5milliseconds)",
    "cron()",
    "cron(* * * * *)",
    "cron(* * * * * * *)",
    "cron(* * * * * $)",
    "cron(60 0 * * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 0 0 * ? *)",
    "cron(0 0 32 * ? *)",
    "cron(0 0 1 13 ? *)",
    "cron(0 0 1 MON ? *)",
    "cron(0 0 ? * 8 *)",
    "cron(0 0 ? * JAN *)",
    "cron(0 0 ? * 5#6 *)",
    "cron(0 0 * * ? 1969)",
    "cron(0 0 * * ? 2200)",
    "cron(0-60 0 * * ? *)",
    "cron(0/0 0 * * ? *)",
    "cron(?/5 0 * * ? *)",
    "cron(0 0 ?/2 * ? *)",
    "cron(0 0 L/2 * ? *)",
    "cron(0 0 15W-20 * ? *)",
    "cron(0 0 * * ? 2032-2030)",
    "cron(/5 0 * * ? *)",
    "cron(1, 0 * * ? *)",
    "cron(? 0 * * ? *)",
    "cron(L 0 * * ? *)",
    "cron(0 0 WL * ? *)",
    "cron(0 0 W * ? *)",
    "cron(0 0 5? * ? *)",
    "cron(0 0 # * ? *)",
    "at(2030-00-01T00:00:00)",
    "at(2030-13-01T00:00:00)",
    "at(2030-01-00T00:00:00)",
    "at(2030-04-31T00:00:00)",
    "at(2030-02-29T00:00:00)",
    "at(2100-02-29T00:00:00)",
    "at(2030-01-01T24:00:00)",
    "at(2030-01-01T00:60:00)",
    "at(2030-01-01T00:00:60)",
    "at(2030-12-31)",
    "at(2030-12-31T23:59:5x)",
    "at(2030-12-31T23:59:599)",
    "5minutes",
};

static void right_ones_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        struct schedule_expression got;
        if (!schedule_expression_read(str_from(right[i].text), &got))
            fail_msg("%s", right[i].text);
        assert_int_equal(got.kind, right[i].kind);
        assert_int_equal(got.period_ms, right[i].minutes * 60 * 1000);
    }
}

static void wrong_ones_are_refused(void **state)
{
    struct schedule_expression got;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (schedule_expression_read(str_from(wrong[i]), &got))
            fail_msg("%s", wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_ones_are_read),
        cmocka_unit_test(wrong_ones_are_refused),
    };
    return cmocka_run_group_tests_name("schedule-expression", tests, NULL, NULL);
}
