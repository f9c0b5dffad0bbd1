/* What follows from what a vendor says of a quota. */
#include "cmocka_all.h"

#include "work/quota_history.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

/* `used` calls at the end of each step, from `left` on. */
static int64_t spend(struct quota_history *history, int64_t left, int64_t used, int64_t step_ms,
                     int steps, int64_t renew_ms, int64_t from_ms)
{
    for (int i = 0; i <= steps; i++)
        quota_history_add(history, left - used * i, renew_ms, from_ms + step_ms * i);
    return from_ms + step_ms * steps;
}

static void nothing_is_known_at_first(void **state)
{
    const struct quota_history history = {0};
    struct quota_forecast forecast = quota_history_forecast(&history, HOUR);
    (void)state;
    assert_false(quota_history_is_known(&history, HOUR));
    assert_int_equal(forecast.as_of_ms, 0);
    assert_int_equal(forecast.ends_at_ms, 0);
    assert_true(forecast.an_hour < 0);
}

static void a_steady_use_ends_when_it_must(void **state)
{
    struct quota_history history = {0};
    int64_t now_ms = spend(&history, 1000, 1, MINUTE, 100, 0, HOUR);
    struct quota_forecast forecast = quota_history_forecast(&history, now_ms);
    (void)state;
    assert_int_equal(forecast.left, 900);
    assert_int_equal(forecast.as_of_ms, now_ms);
    assert_int_equal((int)(forecast.an_hour + 0.5), 60);
    assert_int_equal(forecast.ends_at_ms, now_ms + 15LL * HOUR);
    assert_int_equal(forecast.renewed_at_ms, 0);
}

static void one_answer_gives_no_rate(void **state)
{
    struct quota_history history = {0};
    struct quota_forecast forecast;
    (void)state;
    quota_history_add(&history, 10, 0, HOUR);
    quota_history_add(&history, 9, 0, HOUR + QUOTA_SPAN_MS - 1);
    forecast = quota_history_forecast(&history, HOUR + QUOTA_SPAN_MS);
    assert_int_equal(forecast.left, 9);
    assert_true(forecast.an_hour < 0);
    assert_int_equal(forecast.ends_at_ms, 0);
}

/* However many answers there are, the first one and the last are the forecast's. */
static void samples_are_thinned_out(void **state)
{
    struct quota_history history = {0};
    int64_t now_ms = spend(&history, 1000 * 1000, 2, SECOND, 20 * 1000, 0, HOUR);
    struct quota_forecast forecast = quota_history_forecast(&history, now_ms);
    (void)state;
    assert_in_range(history.count, QUOTA_SAMPLES_MAX / 2, QUOTA_SAMPLES_MAX);
    assert_int_equal(history.samples[0].at_ms, HOUR);
    for (size_t i = 1; i < history.count; i++)
        assert_true(history.samples[i].at_ms > history.samples[i - 1].at_ms);
    assert_int_equal((int)(forecast.an_hour + 0.5), 7200);
    assert_int_equal(forecast.left, 960 * 1000);
}

static void a_renewal_begins_anew(void **state)
{
    struct quota_history history = {0};
    int64_t now_ms = spend(&history, 700, 10, SECOND, 50, 30 * SECOND, HOUR);
    struct quota_forecast forecast = quota_history_forecast(&history, now_ms);
    (void)state;
    assert_int_equal(forecast.left, 200);
    assert_int_equal(forecast.ends_at_ms, now_ms + 20 * SECOND);
    assert_int_equal(forecast.renewed_at_ms, now_ms + 30 * SECOND);
    now_ms = spend(&history, 700, 1, SECOND, 20, 40 * SECOND, now_ms + SECOND);
    forecast = quota_history_forecast(&history, now_ms);
    assert_int_equal((int)(forecast.an_hour + 0.5), 3600);
    assert_int_equal(forecast.ends_at_ms, 0); /* it is renewed before */
    forecast = quota_history_forecast(&history, now_ms + MINUTE);
    assert_int_equal(forecast.renewed_at_ms, 0);
    assert_int_equal(forecast.ends_at_ms, 0);
}

/* One of the last 24 hours, whose number rises as old calls no longer count. */
static void without_renewals_what_comes_back_counts(void **state)
{
    struct quota_history history = {0};
    int64_t now_ms = spend(&history, 1000, 10, MINUTE, 30, 0, HOUR);
    (void)state;
    now_ms = spend(&history, 800, 10, MINUTE, 30, 0, now_ms + MINUTE);
    struct quota_forecast forecast = quota_history_forecast(&history, now_ms);
    assert_int_equal(history.samples[0].left, 1000);
    assert_int_equal(forecast.left, 500);
    assert_in_range((int)forecast.an_hour, 490, 493);
    now_ms = spend(&history, 1200, 0, MINUTE, 1, 0, now_ms + MINUTE);
    forecast = quota_history_forecast(&history, now_ms);
    assert_true(forecast.an_hour == 0);
    assert_int_equal(forecast.ends_at_ms, 0);
}

static void with_nothing_left_it_has_ended(void **state)
{
    struct quota_history history = {0};
    (void)state;
    quota_history_add(&history, 0, 0, HOUR);
    assert_int_equal(quota_history_forecast(&history, HOUR + MINUTE).ends_at_ms, HOUR);
}

static void what_is_old_says_nothing(void **state)
{
    struct quota_history history = {0};
    int64_t now_ms = spend(&history, 1000, 1, MINUTE, 30, 0, HOUR);
    (void)state;
    assert_true(quota_history_is_known(&history, now_ms + QUOTA_KEPT_MS));
    assert_false(quota_history_is_known(&history, now_ms + QUOTA_KEPT_MS + 1));
    assert_int_equal(quota_history_forecast(&history, now_ms + QUOTA_KEPT_MS + 1).as_of_ms, 0);
    now_ms = now_ms + QUOTA_KEPT_MS + MINUTE;
    quota_history_add(&history, 5000, 0, now_ms);
    assert_int_equal(history.count, 1);
    assert_int_equal(quota_history_forecast(&history, now_ms).left, 5000);
}

/* A rate that would last for years has no end, and no number is too large. */
static void numbers_may_be_of_any_size(void **state)
{
    struct quota_history history = {0};
    (void)state;
    quota_history_add(&history, INT64_MAX, INT64_MAX / 4, HOUR);
    quota_history_add(&history, INT64_MAX - 1000, INT64_MAX / 4, HOUR + MINUTE);
    assert_int_equal(quota_history_forecast(&history, HOUR + MINUTE).ends_at_ms, 0);
    quota_history_add(&history, 0, INT64_MAX / 4, HOUR + 2 * MINUTE);
    assert_true(quota_history_forecast(&history, HOUR + 2 * MINUTE).an_hour > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(a_steady_use_ends_when_it_must),
        cmocka_unit_test(one_answer_gives_no_rate),
        cmocka_unit_test(samples_are_thinned_out),
        cmocka_unit_test(a_renewal_begins_anew),
        cmocka_unit_test(without_renewals_what_comes_back_counts),
        cmocka_unit_test(with_nothing_left_it_has_ended),
        cmocka_unit_test(what_is_old_says_nothing),
        cmocka_unit_test(numbers_may_be_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
