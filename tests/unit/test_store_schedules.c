/* What a store does with schedules of flows and their jobs. */
#include "store_fixture.h"
#include "store_raw.h"

#include "store/core/internal.h"
#include "store/flow_schedules.h"

static const struct flow_key nightly = {STR("123456789012"), STR("eu-central-1"), STR("nightly")};

struct change {
    bool (*apply)(struct db *db, const struct change *change, struct error *error);
    int64_t now_ms;
    bool flag;
    struct flow_schedule_row row;
    struct flow_schedule_end end;
    struct str message;
};

static bool apply_change(struct db *db, void *argument, struct error *error)
{
    const struct change *change = argument;
    return change->apply(db, change, error);
}

static bool try_change(struct fixture *f, struct change change)
{
    return store_apply(f->store, apply_change, &change, false, &f->error);
}

static bool activate(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_activate(db, nightly, change->now_ms, error);
}

static bool follow(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_changed(db, nightly, change->flag, change->now_ms, error);
}

static bool deactivate(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_deactivate(db, nightly, change->message, error);
}

static bool note_done(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_done(db, &change->row, change->now_ms, error);
}

static bool note_end(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_note_end(db, nightly, &change->end, error);
}

static bool wake(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_wake(db, nightly, change->flag, change->now_ms, error);
}

static bool put_job(struct db *db, const struct change *change, struct error *error)
{
    const struct job_row job = {
        .key = {FLOW_SCHEDULE_JOB, nightly.account, nightly.region, nightly.name},
        .due_at_ms = change->now_ms,
        .fence = job_new_fence(),
        .payload = change->message,
    };
    return job_insert(db, &job, STR(""), error);
}

static struct flow_schedule_row row_of(struct fixture *f)
{
    struct flow_schedule_row row;
    bool found = false;
    check(f, flow_schedule_find(f->reader, &f->arena, nightly, &row, &found, &f->error));
    assert_true(found);
    return row;
}

/* 0: there is none. */
static int64_t due_at(struct fixture *f)
{
    int64_t due_ms = 0;
    bool found = false;
    check(f, job_next_due(f->reader, FLOW_SCHEDULE_JOB, 0, &found, &due_ms, &f->error));
    return found ? due_ms : 0;
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

/* --- the clock --- */

static bool adopt(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedule_adopt(db, nightly, change->end.window_from_ms, change->now_ms, error);
}

static bool set_back(struct db *db, const struct change *change, struct error *error)
{
    return flow_schedules_set_back(db, change->now_ms, change->end.window_to_ms, 300, error);
}

/* Slots each 1,000 from 1,000 on; the row as after the last of `count` successful runs. */
static void with_runs(struct fixture *f, int count)
{
    char sql[512];
    check(f, try_change(f, (struct change){activate, .now_ms = 1000000}));
    for (int i = 1; i <= count; i++) {
        int64_t from = 1000000 * (int64_t)i, to = from + 1000000;
        snprintf(sql, sizeof(sql),
                 "INSERT INTO flow_runs (account, region, flow, id, state, started_at_ms,"
                 " updated_at_ms, records, bytes_read, bytes_written, put_failures, slot_ms,"
                 " window_from_ms, window_to_ms) VALUES ('%.*s', '%.*s', '%.*s', 'r%d',"
                 " 'Successful', 0, 0, 0, 0, 0, 0, %lld, %lld, %lld)",
                 STR_ARG(nightly.account), STR_ARG(nightly.region), STR_ARG(nightly.name), i,
                 (long long)to, (long long)from, (long long)to);
        raw(f->path, sql);
        struct flow_schedule_row row = row_of(f);
        check(f, try_change(f, (struct change){note_done, .row = row, .now_ms = to}));
        check(f, try_change(f, (struct change){note_end, .end = {true, from, to}}));
    }
    check(f, try_change(f, (struct change){put_job, .now_ms = 99000000, .message = STR("")}));
}

static void what_was_done_too_early_is_taken_again(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 5); /* the last slot is at 6,000,000 */
    check(f, try_change(f, (struct change){set_back, .now_ms = 3500000}));
    struct flow_schedule_row row = row_of(f);
    assert_true(row.pulled_to_ms == 3000000 - 1000); /* of the window that ends at 4,000,000 */
    assert_true(row.pulled_from_ms == row.pulled_to_ms && row.anchor_ms == 1000000);
    assert_int_equal(due_at(f), 3500000);
    /* A run that was under way moves nothing; the next one takes it from there. */
    check(f, try_change(f, (struct change){note_end, .end = {true, 6000000, 7000000}}));
    assert_int_equal(row_of(f).pulled_to_ms, 3000000 - 1000);
    check(f, try_change(f, (struct change){note_end, .end = {true, 2999000, 5000000}}));
    assert_int_equal(row_of(f).pulled_to_ms, 5000000);
}

/* A rate without a start counts from there. */
static void an_activation_that_is_still_to_come_is_now(void **state)
{
    struct fixture *f = *state;
    check(f, try_change(f, (struct change){activate, .now_ms = 1000000}));
    check(f, try_change(f, (struct change){set_back, .now_ms = 400000}));
    assert_int_equal(row_of(f).anchor_ms, 400000);
}

static void as_much_of_a_window_as_is_known(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 5);
    /* Ahead by 200,000: so the run of the slot at 6,000,000 began at 5,800,000 at the earliest. */
    check(f,
          try_change(f, (struct change){set_back, .now_ms = 5900000, .end.window_to_ms = 200000}));
    assert_int_equal(row_of(f).pulled_to_ms, 5800000 - 1000);
}

static void a_window_that_may_lack_something_is_longer(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 5);
    check(f, try_change(f, (struct change){set_back, .now_ms = 6500000, .end.window_to_ms = 200}));
    assert_int_equal(row_of(f).pulled_to_ms, 6000000 - 200);
    check(f,
          try_change(f, (struct change){set_back, .now_ms = 6500000, .end.window_to_ms = 90000}));
    assert_int_equal(row_of(f).pulled_to_ms, 6000000 - 200 - 300); /* not by more than that */
    check(f, try_change(f, (struct change){set_back, .now_ms = 6500000}));
    assert_int_equal(row_of(f).pulled_to_ms, 6000000 - 500); /* nothing shows that it was wrong */
    assert_int_equal(due_at(f), 99000000);
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
        test_with_store(what_was_done_too_early_is_taken_again),
        test_with_store(an_activation_that_is_still_to_come_is_now),
        test_with_store(as_much_of_a_window_as_is_known),
        test_with_store(a_window_that_may_lack_something_is_longer),
        test_with_store(an_old_flow_gets_its_row_once),
    };
    return cmocka_run_group_tests_name("store-schedules", tests, NULL, NULL);
}
