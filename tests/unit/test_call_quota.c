/* Quotas of vendors' customers: what one caller is told counts for all. */
#include "cmocka_all.h"

#include "work/call_quota.h"

#include <stdio.h>

#define KEY STR("123456789012\nAcme\nacme.example.com")

enum { CALLERS = 5 };

static const struct call_quota_said taken = {CALL_TAKEN, -1, -1, -1};

static bool enter(struct call_quotas *quotas, struct call_quota_place *place, int64_t now_ms)
{
    int64_t wait_ms;
    return call_quota_enter(quotas, place, KEY, now_ms, &wait_ms);
}

static int64_t told_to_wait(struct call_quotas *quotas, int64_t wait_ms, int64_t now_ms)
{
    const struct call_quota_said said = {CALL_THROTTLED, wait_ms, -1, -1};
    struct call_quota_place place = {0};
    assert_true(enter(quotas, &place, now_ms));
    int64_t told_ms = call_quota_leave(quotas, &place, &said, now_ms);
    call_quota_give_up(quotas, &place);
    return told_ms;
}

static void calls_without_limit_are_forgotten(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place places[CALLERS] = {0};
    (void)state;
    for (int i = 0; i < CALLERS; i++)
        assert_true(enter(quotas, &places[i], 0));
    assert_int_equal(call_quotas_counts(quotas, 0).quotas, 1);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(call_quota_leave(quotas, &places[i], &taken, 0), 0);
    assert_int_equal(call_quotas_counts(quotas, 0).quotas, 0);
    call_quotas_free(quotas);
}

static void a_wait_holds_all_and_then_one_calls_at_a_time(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place places[CALLERS] = {0}, other = {0};
    int64_t wait_ms;
    (void)state;
    assert_int_equal(told_to_wait(quotas, 2000, 0), 2000);
    for (int i = 0; i < CALLERS; i++) {
        assert_false(call_quota_enter(quotas, &places[i], KEY, 500, &wait_ms));
        assert_int_equal(wait_ms, 1500);
    }
    assert_true(call_quota_enter(quotas, &other, STR("another"), 500, &wait_ms));
    call_quota_leave(quotas, &other, &taken, 500);
    assert_int_equal(call_quotas_counts(quotas, 500).waiting, 1);
    assert_int_equal(call_quotas_counts(quotas, 500).held, CALLERS);
    for (int i = CALLERS - 1; i > 0; i--)
        assert_false(enter(quotas, &places[i], 2000)); /* not their turn */
    assert_true(enter(quotas, &places[0], 2000));
    assert_false(enter(quotas, &places[1], 2000));
    call_quota_leave(quotas, &places[0], &taken, 2100);
    assert_true(enter(quotas, &places[1], 2100));
    assert_true(enter(quotas, &places[2], 2100)); /* two at once */
    assert_false(enter(quotas, &places[3], 2100));
    call_quota_give_up(quotas, &places[3]);
    call_quota_leave(quotas, &places[1], &taken, 2200);
    assert_true(enter(quotas, &places[4], 2200));
    call_quota_leave(quotas, &places[2], &taken, 2200);
    call_quota_leave(quotas, &places[4], &taken, 2200);
    call_quotas_free(quotas);
}

static void answers_to_earlier_calls_do_not_end_a_wait(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place early = {0}, late = {0};
    (void)state;
    assert_true(enter(quotas, &early, 0));
    assert_true(enter(quotas, &late, 0));
    assert_int_equal(told_to_wait(quotas, 1000, 0), 1000);
    const struct call_quota_said longer = {CALL_THROTTLED, 3000, -1, -1};
    assert_int_equal(call_quota_leave(quotas, &early, &taken, 100), 0);
    assert_false(enter(quotas, &early, 999));
    assert_int_equal(call_quota_leave(quotas, &late, &longer, 100), 0); /* known, and longer */
    call_quota_give_up(quotas, &late);
    assert_false(enter(quotas, &early, 3099));
    assert_true(enter(quotas, &early, 3100));
    call_quota_leave(quotas, &early, &taken, 3100);
    call_quotas_free(quotas);
}

/* Also of a vendor that means harm. */
static void waits_have_bounds(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    int64_t now_ms = 0, pause_ms = CALL_QUOTA_PAUSE_MS;
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(told_to_wait(quotas, -1, now_ms), pause_ms);
        now_ms += pause_ms;
        pause_ms = 2 * pause_ms < CALL_QUOTA_PAUSE_MAX_MS ? 2 * pause_ms : CALL_QUOTA_PAUSE_MAX_MS;
    }
    assert_int_equal(told_to_wait(quotas, INT64_MAX, now_ms), CALL_QUOTA_WAIT_MAX_MS);
    now_ms += CALL_QUOTA_WAIT_MAX_MS;
    assert_int_equal(told_to_wait(quotas, 0, now_ms), CALL_QUOTA_PAUSE_MAX_MS);
    call_quotas_free(quotas);
}

static void what_is_left_of_a_quota_counts(void **state)
{
    const struct call_quota_said none = {CALL_TAKEN, -1, 0, 5000}, two = {CALL_TAKEN, -1, 2, 5000},
                                 unused = {CALL_TAKEN, -1, 0, -1};
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place places[CALLERS] = {0};
    (void)state;
    assert_true(enter(quotas, &places[0], 0));
    call_quota_leave(quotas, &places[0], &two, 0);
    assert_true(enter(quotas, &places[0], 0));
    assert_true(enter(quotas, &places[1], 0));
    assert_false(enter(quotas, &places[2], 0));
    call_quota_give_up(quotas, &places[2]);
    assert_int_equal(call_quota_leave(quotas, &places[0], &none, 0), 5000);
    assert_int_equal(call_quota_leave(quotas, &places[1], &none, 0), 0);
    assert_false(enter(quotas, &places[0], 4999));
    assert_true(enter(quotas, &places[0], 5000));
    assert_int_equal(call_quota_leave(quotas, &places[0], &unused, 5000), 0); /* for how long? */
    assert_true(enter(quotas, &places[0], 5000));
    assert_false(enter(quotas, &places[1], 5000));
    call_quota_give_up(quotas, &places[1]);
    call_quota_leave(quotas, &places[0], &taken, 5000);
    call_quotas_free(quotas);
}

static void many_quotas_take_bounded_memory(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    const struct call_quota_said said = {CALL_THROTTLED, 1000, -1, -1};
    struct call_quota_place place = {0};
    char text[32];
    int64_t wait_ms;
    (void)state;
    for (int i = 0; i < CALL_QUOTAS_MAX + 10; i++) {
        snprintf(text, sizeof(text), "customer %d", i);
        assert_true(call_quota_enter(quotas, &place, str_from(text), 0, &wait_ms));
        call_quota_leave(quotas, &place, &said, 0);
    }
    assert_int_equal(call_quotas_counts(quotas, 0).quotas, CALL_QUOTAS_MAX);
    assert_true(enter(quotas, &place, 1000 + CALL_QUOTA_KEPT_MS)); /* the others are forgotten */
    assert_int_equal(call_quotas_counts(quotas, 0).quotas, 1);
    call_quota_leave(quotas, &place, &taken, 1000 + CALL_QUOTA_KEPT_MS);
    call_quotas_free(quotas);
}

static size_t count_shown(struct call_quotas *quotas, struct str prefix, int64_t now_ms)
{
    struct arena arena = {0};
    struct call_quota_shown *shown;
    size_t count;
    call_quotas_list(quotas, prefix, SIZE_MAX, now_ms, &arena, &shown, &count);
    for (size_t i = 0; i < count; i++)
        assert_true(str_starts(shown[i].key, prefix) && shown[i].forecast.left == 500);
    arena_done(&arena);
    return count;
}

/* For a day, and while there is room: calls are held back all the same. */
static void what_is_left_is_remembered(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    const struct call_quota_said left = {CALL_TAKEN, -1, 500, -1};
    struct call_quota_place place = {0};
    char text[32];
    int64_t wait_ms;
    (void)state;
    for (int i = 0; i < CALL_QUOTAS_MAX; i++) {
        snprintf(text, sizeof(text), "%s %d", i % 2 ? "odd" : "even", i);
        assert_true(call_quota_enter(quotas, &place, str_from(text), 1000, &wait_ms));
        call_quota_leave(quotas, &place, &left, 1000);
    }
    assert_int_equal(call_quotas_counts(quotas, 1000).quotas, 0); /* none limits its calls */
    assert_int_equal(count_shown(quotas, STR("odd "), 1000), CALL_QUOTAS_MAX / 2);
    assert_int_equal(told_to_wait(quotas, 5000, 1000), 5000);
    assert_int_equal(count_shown(quotas, STR("odd "), 1000), 0);
    assert_true(call_quota_enter(quotas, &place, STR("odd"), 1000, &wait_ms));
    call_quota_leave(quotas, &place, &left, 1000);
    assert_int_equal(count_shown(quotas, STR("odd"), 1000), 1);
    assert_true(enter(quotas, &place, 1000 + QUOTA_KEPT_MS)); /* the others are removed */
    call_quota_leave(quotas, &place, &taken, 1000 + QUOTA_KEPT_MS);
    assert_int_equal(count_shown(quotas, STR("odd"), 1000 + QUOTA_KEPT_MS), 1);
    call_quotas_free(quotas);
}

/* A caller that was refused asks before those that waited for it, whichever of them comes first. */
static void a_refused_caller_keeps_its_turn(void **state)
{
    const struct call_quota_said refused = {CALL_THROTTLED, 1000, -1, -1};
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place places[CALLERS] = {0};
    (void)state;
    assert_true(enter(quotas, &places[0], 0));
    assert_true(enter(quotas, &places[1], 0));
    assert_true(enter(quotas, &places[2], 0));
    call_quota_leave(quotas, &places[1], &refused, 0);
    call_quota_leave(quotas, &places[2], &refused, 0);
    call_quota_leave(quotas, &places[0], &refused, 0);
    assert_false(enter(quotas, &places[3], 500));
    for (int i = 3; i > 0; i--)
        assert_false(enter(quotas, &places[i], 1000));
    for (int i = 0; i < 4; i++) {
        assert_true(enter(quotas, &places[i], 1000));
        call_quota_leave(quotas, &places[i], &taken, 1000);
    }
    call_quotas_free(quotas);
}

/* Its turn is kept for a while, and its place for as long as it likes. */
static void a_caller_that_is_away_holds_up_the_others_for_a_while(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place places[CALLERS] = {0};
    const int64_t back_ms = 1000, late_ms = back_ms + CALL_QUOTA_GRACE_MS;
    (void)state;
    assert_int_equal(told_to_wait(quotas, 1000, 0), 1000);
    for (int i = 0; i < 3; i++)
        assert_false(enter(quotas, &places[i], 0));
    call_quota_away(quotas, &places[0], back_ms, 0);
    call_quota_away(quotas, &places[1], 0, 0);
    assert_false(enter(quotas, &places[2], late_ms - 1));
    assert_true(enter(quotas, &places[2], late_ms));
    assert_false(enter(quotas, &places[3], late_ms));
    assert_false(enter(quotas, &places[1], late_ms)); /* the call of place 2 */
    assert_false(enter(quotas, &places[0], late_ms));
    call_quota_leave(quotas, &places[2], &taken, late_ms); /* two at once now */
    assert_false(enter(quotas, &places[3], late_ms));
    assert_true(enter(quotas, &places[0], late_ms));
    assert_true(enter(quotas, &places[1], late_ms));
    call_quota_give_up(quotas, &places[3]);
    call_quota_leave(quotas, &places[0], &taken, late_ms);
    call_quota_leave(quotas, &places[1], &taken, late_ms);
    call_quotas_free(quotas);
}

/* The first ones of the line wait for something else: it is the turn of those behind them. */
static void callers_that_do_not_come_yet_keep_none_from_coming(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place places[CALL_QUOTA_NEAR + 1] = {0}, *last = &places[CALL_QUOTA_NEAR];
    const int64_t back_ms = 30 * 1000, soon_ms = back_ms - CALL_QUOTA_GRACE_MS;
    (void)state;
    assert_int_equal(told_to_wait(quotas, 1000, 0), 1000);
    for (int i = 0; i <= CALL_QUOTA_NEAR; i++)
        assert_false(enter(quotas, &places[i], 0));
    for (int i = 0; i <= CALL_QUOTA_NEAR; i++)
        call_quota_away(quotas, &places[i], 0, 0);
    assert_false(call_quota_is_near(quotas, last, 1000)); /* they come before it */
    call_quota_away(quotas, &places[0], back_ms, 0);
    assert_true(call_quota_is_near(quotas, last, soon_ms - 1));
    assert_false(call_quota_is_near(quotas, last, soon_ms));
    call_quota_step_aside(quotas, &places[1]);
    assert_true(call_quota_is_near(quotas, last, back_ms));
    assert_false(enter(quotas, &places[1], 500)); /* it is there again */
    assert_false(call_quota_is_near(quotas, last, back_ms));
    for (int i = 0; i <= CALL_QUOTA_NEAR; i++)
        call_quota_give_up(quotas, &places[i]);
    call_quotas_free(quotas);
}

/* It waits for longer than the vendor asked for, such as after its third refusal. */
static void a_caller_that_waits_for_longer_than_the_quota_does_not_hold_up_others(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place slow = {0}, other = {0};
    const int64_t late_ms = 1000 + CALL_QUOTA_GRACE_MS;
    (void)state;
    assert_int_equal(told_to_wait(quotas, 1000, 0), 1000);
    assert_false(enter(quotas, &slow, 0));
    assert_false(enter(quotas, &other, 0));
    call_quota_away(quotas, &slow, 30 * 1000, 0);
    assert_false(enter(quotas, &other, late_ms - 1));
    assert_true(enter(quotas, &other, late_ms));
    assert_false(enter(quotas, &slow, late_ms));
    call_quota_away(quotas, &slow, 30 * 1000, late_ms); /* the quota's wait is over */
    assert_int_equal(slow.away_until_ms, late_ms + CALL_QUOTA_GRACE_MS);
    call_quota_leave(quotas, &other, &taken, late_ms);
    call_quota_give_up(quotas, &slow);
    call_quotas_free(quotas);
}

/* Such as one whose profile leads to another host now. */
static void a_place_changes_lines(void **state)
{
    struct call_quotas *quotas = call_quotas_new();
    struct call_quota_place place = {0};
    int64_t wait_ms;
    (void)state;
    assert_int_equal(told_to_wait(quotas, 1000, 0), 1000);
    assert_false(enter(quotas, &place, 0));
    assert_true(call_quota_enter(quotas, &place, STR("another"), 0, &wait_ms));
    assert_int_equal(call_quotas_counts(quotas, 0).held, 0);
    call_quota_leave(quotas, &place, &taken, 0);
    call_quotas_free(quotas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_without_limit_are_forgotten),
        cmocka_unit_test(a_wait_holds_all_and_then_one_calls_at_a_time),
        cmocka_unit_test(answers_to_earlier_calls_do_not_end_a_wait),
        cmocka_unit_test(waits_have_bounds),
        cmocka_unit_test(what_is_left_of_a_quota_counts),
        cmocka_unit_test(many_quotas_take_bounded_memory),
        cmocka_unit_test(what_is_left_is_remembered),
        cmocka_unit_test(a_refused_caller_keeps_its_turn),
        cmocka_unit_test(a_caller_that_is_away_holds_up_the_others_for_a_while),
        cmocka_unit_test(callers_that_do_not_come_yet_keep_none_from_coming),
        cmocka_unit_test(a_caller_that_waits_for_longer_than_the_quota_does_not_hold_up_others),
        cmocka_unit_test(a_place_changes_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
