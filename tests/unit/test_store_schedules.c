/* What a store does with schedules of flows and their jobs. */
#include "schedule_fixture.h"

static bool wake(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_wake(db, nightly, change->flag, change->now_ms, error);
}

static bool adopt(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_adopt(db, nightly, change->end.window_from_ms, change->now_ms, error);
}

static void what_was_pulled_outlives_a_stop(void **state)
{
    struct fixture *f = *state;
    const struct flow_schedule_end pulled = {true, 100, 200}, all = {true, 0, 0}, failed = {0};
    check(f, try_change(f, (struct change){activate, .now_ms = 1000}));
    struct flow_schedule_row row = row_of(f);
    assert_true(row.anchor_ms == 1000 && row.done_until_ms == 999 && row.pulled_to_ms == 0);
    assert_int_equal(due_at(f), 1000);
    check(f, try_change(f, (struct change){note_end, .end = failed}));
    check(f, try_change(f, (struct change){note_end, .end = failed}));
    assert_int_equal(row_of(f).failures, 2);
    check(f, try_change(f, (struct change){note_end, .end = pulled}));
    check(f, try_change(f, (struct change){note_end, .end = failed}));
    row = row_of(f);
    assert_true(row.failures == 1 && row.pulled_from_ms == 100 && row.pulled_to_ms == 200);
    check(f, try_change(f, (struct change){deactivate, .message = STR("why")}));
    assert_int_equal(due_at(f), 0);
    assert_true(str_eq(row_of(f).message, STR("why")));
    check(f, try_change(f, (struct change){activate, .now_ms = 5000}));
    check(f, try_change(f, (struct change){note_end, .end = all}));
    row = row_of(f);
    assert_true(!row.message.data && row.failures == 0 && row.anchor_ms == 5000);
    assert_true(row.pulled_from_ms == 100 && row.pulled_to_ms == 200);
}

/* As two nodes do that have read the same. */
static void a_slot_is_done_once(void **state)
{
    struct fixture *f = *state;
    check(f, try_change(f, (struct change){activate, .now_ms = 1000}));
    struct flow_schedule_row row = row_of(f);
    check(f, try_change(f, (struct change){note_done, .row = row, .now_ms = 1000}));
    assert_false(try_change(f, (struct change){note_done, .row = row, .now_ms = 1000}));
    assert_int_equal(f->error.code, ERR_LOST_RACE);
    assert_int_equal(row_of(f).done_until_ms, 1000);
}

static void a_change_passes_slots_by_if_there_are_others(void **state)
{
    struct fixture *f = *state;
    check(f, try_change(f, (struct change){activate, .now_ms = 1000}));
    check(f, try_change(f, (struct change){follow, .flag = false, .now_ms = 7000}));
    assert_int_equal(row_of(f).done_until_ms, 999);
    assert_int_equal(due_at(f), 7000);
    check(f, try_change(f, (struct change){follow, .flag = true, .now_ms = 8000}));
    struct flow_schedule_row row = row_of(f);
    assert_true(row.done_until_ms == 8000 && row.anchor_ms == 1000);
}

static void a_job_that_waits_is_woken(void **state)
{
    struct fixture *f = *state;
    check(f, try_change(f, (struct change){put_job, .now_ms = 9000, .message = STR("")}));
    check(f, try_change(f, (struct change){wake, .flag = false, .now_ms = 3000}));
    assert_int_equal(due_at(f), 9000);
    check(f, try_change(f, (struct change){wake, .flag = true, .now_ms = 3000}));
    assert_int_equal(due_at(f), 3000);
    check(f,
          try_change(f, (struct change){put_job, .now_ms = 9000, .message = FLOW_SCHEDULE_WAITS}));
    check(f, try_change(f, (struct change){wake, .flag = false, .now_ms = 4000}));
    assert_int_equal(due_at(f), 4000);
    check(f, try_change(f, (struct change){wake, .flag = true, .now_ms = 5000}));
    assert_int_equal(due_at(f), 4000); /* is never put off */
}

static void an_old_flow_gets_its_row_once(void **state)
{
    struct fixture *f = *state;
    check(f, try_change(f, (struct change){adopt, .now_ms = 9000, .end.window_from_ms = 4000}));
    struct flow_schedule_row row = row_of(f);
    assert_true(row.anchor_ms == 4000 && row.done_until_ms == 9000 && row.pulled_to_ms == 0);
    check(f, try_change(f, (struct change){adopt, .now_ms = 9999, .end.window_from_ms = 5000}));
    assert_int_equal(row_of(f).done_until_ms, 9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(what_was_pulled_outlives_a_stop),
        test_with_store(a_slot_is_done_once),
        test_with_store(a_change_passes_slots_by_if_there_are_others),
        test_with_store(a_job_that_waits_is_woken),
        test_with_store(an_old_flow_gets_its_row_once),
    };
    return cmocka_run_group_tests_name("store-schedules", tests, NULL, NULL);
}
