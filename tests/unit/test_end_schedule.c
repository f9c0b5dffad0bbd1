/* When vendors are asked again when credentials end (profile/end_schedule.h). */
#include "cmocka_all.h"

#include "profile/end_schedule.h"

#define NOW 1700000000000LL

static void the_next_lookup_is_near_where_the_end_is(void **state)
{
    enum { MINUTE = 60 * 1000 };
    const int64_t day = END_LOOKUP_DAY_MS;
    (void)state;
    const int64_t daily[] = {0, NOW + 90 * day, NOW, INT64_MAX}; /* 0: none is known */
    for (size_t i = 0; i < sizeof(daily) / sizeof(*daily); i++) {
        int64_t wait_ms = end_lookup_wait_ms(NOW, daily[i]);
        assert_true(wait_ms <= day && wait_ms > day - END_LOOKUP_DAY_SPREAD_MS);
    }
    assert_int_equal(end_lookup_wait_ms(NOW, NOW + day), day / 2);
    assert_int_equal(end_lookup_wait_ms(NOW, NOW + 20 * MINUTE), 15 * MINUTE);
    assert_int_equal(end_lookup_wait_ms(NOW, NOW + 1), 15 * MINUTE);
}

/* As a migration plans them: each was due when its profile was changed last. */
static void many_that_are_late_are_spread(void **state)
{
    enum { MINUTE = 60 * 1000, COUNT = 50 };
    int64_t first = end_lookup_put_off_ms(NOW, NOW - 90LL * END_LOOKUP_DAY_MS, 0);
    bool is_spread = false;
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        int64_t late = end_lookup_put_off_ms(NOW, NOW - 90LL * END_LOOKUP_DAY_MS, 0);
        assert_true(late > 0 && late <= END_LOOKUP_DAY_SPREAD_MS);
        is_spread |= late != first;
    }
    assert_true(is_spread);
    assert_int_equal(end_lookup_put_off_ms(NOW, NOW - 30 * MINUTE, 0), 0);
    assert_int_equal(end_lookup_put_off_ms(NOW, NOW - 90LL * END_LOOKUP_DAY_MS, 1), 0);
}

/* Once a day the same vendors would be asked at the same time for ever. */
static void daily_lookups_do_not_stay_together(void **state)
{
    int64_t first = end_lookup_wait_ms(NOW, 0);
    bool is_spread = false;
    (void)state;
    for (int i = 0; i < 50; i++)
        is_spread |= end_lookup_wait_ms(NOW, 0) != first;
    assert_true(is_spread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_lookup_is_near_where_the_end_is),
        cmocka_unit_test(many_that_are_late_are_spread),
        cmocka_unit_test(daily_lookups_do_not_stay_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
