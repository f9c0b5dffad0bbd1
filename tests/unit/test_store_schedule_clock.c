/* What a store makes of schedules when the clock was set back. */
#include "schedule_fixture.h"

#include "flow/schedule_clock.h"
#include "store/core/internal.h"

static bool put_run_job(struct db *db, const struct change *change, struct error *error)
{
    const struct job_row job = {
        .key = {FLOW_RUN_JOB, nightly.account, nightly.region, nightly.name},
        .fence = job_new_fence(),
        .payload = STR(""),
    };
    (void)change;
    return job_insert(db, &job, STR(""), error);
}

/* So that all times of these tests can be told apart at a glance. */
enum { MIN = 60 * 1000 };
#define AT(minutes) (FIXTURE_NOW_MS + (minutes) * (int64_t)MIN)
#define BEFORE(minutes) (AT(minutes) - 1000)

static bool set_back(struct db *db, const struct change *change, struct error *error)
{
    struct arena arena = {0};
    int64_t past_ms = change->end.window_to_ms;
    struct flow_schedules_back back = {
        .now_ms = change->now_ms, .arena = &arena, .after = {STR(""), STR(""), STR("")}};
    bool ok = (past_ms == 0 || flow_schedules_begin_earlier(db, back.now_ms, past_ms, error)) &&
              flow_schedules_set_back(db, &back, error);
    assert_true(!ok || back.is_last);
    arena_done(&arena);
    return ok;
}

/* Of the slot `now_ms`, with the window `end`; under way. */
static bool insert_run(struct db *db, const struct change *change, struct error *error)
{
    char id[32];
    snprintf(id, sizeof(id), "%020lld", (long long)change->now_ms);
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_INSERT);
    stmt_text(&stmt, 1, nightly.account);
    stmt_text(&stmt, 2, nightly.region);
    stmt_text(&stmt, 3, nightly.name);
    stmt_text(&stmt, 4, str_from(id));
    stmt_text(&stmt, 5, FLOW_RUN_IN_PROGRESS);
    stmt_i64(&stmt, 6, 0);
    stmt_text(&stmt, 7, STR("{}"));
    stmt_bytes(&stmt, 8, STR("mac"));
    stmt_i64(&stmt, 9, change->now_ms);
    stmt_i64(&stmt, 10, change->end.window_from_ms);
    stmt_i64(&stmt, 11, change->end.window_to_ms);
    return stmt_run(&stmt, error);
}

/* Slots each minute, from 21 on; with the run at 20 there are as many as are kept. */
static bool insert_all_kept(struct db *db, const struct change *change, struct error *error)
{
    bool ok = true;
    (void)change;
    for (int i = 21; i < 19 + FLOW_RUNS_KEPT_MAX && ok; i++) {
        const struct change run = {.now_ms = AT(i), .end = {true, AT(i - 1), AT(i)}};
        ok = insert_run(db, &run, error);
    }
    return ok;
}

static void begin_run(struct fixture *f, int64_t from_ms, int64_t slot_ms)
{
    struct flow_schedule_row row = row_of(f);
    check(f, try_change(f, (struct change){insert_run, .now_ms = slot_ms,
                                           .end = {true, from_ms, slot_ms}}));
    check(f, try_change(f, (struct change){note_done, .row = row, .now_ms = slot_ms}));
}

static void end_run(struct fixture *f, int64_t from_ms, int64_t to_ms)
{
    check(f, try_change(f, (struct change){note_end, .end = {true, from_ms, to_ms}}));
}

/* Activated at 10; slots each 10 minutes, the first window from 10; the job is due at 990. */
static void with_runs(struct fixture *f, int count)
{
    check(f, try_change(f, (struct change){activate, .now_ms = AT(10)}));
    for (int i = 1; i <= count; i++) {
        begin_run(f, AT(10 * i), AT(10 * i + 10));
        end_run(f, AT(10 * i), AT(10 * i + 10));
    }
    check(f, try_change(f, (struct change){put_job, .now_ms = AT(990), .message = STR("")}));
}

static void what_was_done_too_early_is_taken_again(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 5); /* the last slot is at 60 */
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(35)}));
    struct flow_schedule_row row = row_of(f);
    assert_true(row.pulled_to_ms == BEFORE(30)); /* of the window that ends at 40 */
    assert_true(row.pulled_from_ms == AT(50) && row.anchor_ms == AT(10));
    assert_int_equal(due_at(f), AT(35));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(35)}));
    assert_true(row_of(f).pulled_to_ms == BEFORE(30)); /* as once */
    /* A run that was under way moves nothing; the next one takes it from there. */
    end_run(f, AT(60), AT(70));
    assert_true(row_of(f).pulled_to_ms == BEFORE(30));
    end_run(f, BEFORE(30), AT(50));
    assert_true(row_of(f).pulled_to_ms == AT(50));
}

/* The clock was an hour ahead, and comes back in two steps. */
static void two_steps_back_are_as_one(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 1); /* until 20 */
    begin_run(f, AT(20), AT(80));
    end_run(f, AT(20), AT(80));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(50), .end.window_to_ms = 300}));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(21), .end.window_to_ms = 300}));
    assert_true(row_of(f).pulled_to_ms == BEFORE(20));
}

/* A rate without a start counts from there. */
static void an_activation_that_is_still_to_come_is_now(void **state)
{
    struct fixture *f = *state;
    check(f, try_change(f, (struct change){activate, .now_ms = AT(10)}));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(4)}));
    assert_true(row_of(f).anchor_ms == AT(4) && row_of(f).pulled_to_ms == 0);
}

static void a_window_that_may_lack_something_is_longer(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 5);
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(65), .end.window_to_ms = 200}));
    assert_true(row_of(f).pulled_to_ms == AT(60) - 200);
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(65)}));
    assert_true(row_of(f).pulled_to_ms == AT(60) - 200); /* nothing shows that it was wrong */
    check(f,
          try_change(f, (struct change){set_back, .now_ms = AT(65), .end.window_to_ms = AT(70)}));
    assert_true(row_of(f).pulled_to_ms == 1); /* 0 is none */
}

/* It was put off, or waits for room: no row shows that the clock was an hour ahead then. */
static void a_job_that_was_planned_by_the_wrong_time_is_due(void **state)
{
    struct fixture *f = *state;
    bool found = true;
    with_runs(f, 2);
    check(f, try_change(f, (struct change){put_job, .now_ms = AT(95), .message = STR("")}));
    check(f, flow_schedules_are_ahead(f->reader, AT(35), &found, &f->error));
    assert_false(found); /* so it may be planned */
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(35)}));
    assert_int_equal(due_at(f), AT(35));
    check(f, try_change(
                 f, (struct change){put_job, .now_ms = AT(95), .message = FLOW_SCHEDULE_WAITS}));
    check(f, flow_schedules_are_ahead(f->reader, AT(95) - 15000, &found, &f->error));
    assert_false(found);
    check(f, flow_schedules_are_ahead(f->reader, AT(35), &found, &f->error));
    assert_true(found);
}

/* The first step is corrected; by the second one a slot that had its run between them is ahead. */
static void runs_of_an_earlier_step_count_once(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 1); /* until 20 */
    begin_run(f, AT(20), AT(80));
    end_run(f, AT(20), AT(80));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(35)}));
    begin_run(f, BEFORE(20), AT(40));
    end_run(f, BEFORE(20), AT(40));
    begin_run(f, AT(40), AT(54));
    end_run(f, AT(40), AT(54));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(52)}));
    assert_true(row_of(f).pulled_to_ms == BEFORE(40)); /* not 20, where that of slot 80 began */
}

/* No job looks at it, and it is ahead no longer: a start finds it once. */
static void a_stopped_flow_is_corrected_as_well(void **state)
{
    struct fixture *f = *state;
    bool found = true;
    with_runs(f, 5);
    check(f, try_change(f, (struct change){deactivate, .message = STR_NULL}));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(35)}));
    struct flow_schedule_row row = row_of(f);
    assert_true(row.pulled_to_ms == BEFORE(30) && row.done_until_ms == AT(35));
    check(f, flow_schedules_are_ahead(f->reader, AT(35), &found, &f->error));
    assert_false(found);
}

/* As firstExecutionFrom may say. */
static void a_window_from_1970_is_one(void **state)
{
    struct fixture *f = *state;
    check(f, try_change(f, (struct change){activate, .now_ms = AT(10)}));
    begin_run(f, 0, AT(10));
    end_run(f, 0, AT(10));
    assert_true(row_of(f).pulled_from_ms == 1 && row_of(f).pulled_to_ms == AT(10));
}

static bool activate_many(struct db *db, const struct change *change, struct error *error)
{
    bool ok = true;
    for (int i = 0; i < 2 * FLOW_SCHEDULES_A_WRITE + 1 && ok; i++) {
        char name[32];
        snprintf(name, sizeof(name), "flow-%d", i);
        const struct flow_key flow = {nightly.account, nightly.region, str_from(name)};
        ok = flow_schedule_activate(db, flow, change->now_ms, error);
    }
    return ok;
}

/* In several writes, by key. */
static void all_schedules_are_set_back(void **state)
{
    struct fixture *f = *state;
    struct flow_schedule_clock clock = {0};
    bool found = false;
    check(f, try_change(f, (struct change){activate_many, .now_ms = AT(80)}));
    check(f, flow_schedules_are_ahead(f->reader, AT(11), &found, &f->error));
    assert_true(found);
    assert_true(flow_schedule_clock_note(&clock, f->store, AT(10), AT(1)));
    check(f, flow_schedules_are_ahead(f->reader, AT(11), &found, &f->error));
    assert_false(found);
    assert_true(due_at(f) <= AT(11));
}

/* Windows are whole seconds, whatever the size of a step. */
static void a_step_lengthens_windows_by_whole_seconds(void **state)
{
    struct fixture *f = *state;
    struct flow_schedule_clock clock = {0};
    with_runs(f, 5);
    assert_true(flow_schedule_clock_note(&clock, f->store, AT(65), AT(1)));
    assert_true(flow_schedule_clock_note(&clock, f->store, AT(65) - 2345, AT(1)));
    assert_true(row_of(f).pulled_to_ms == AT(60) - 4000);
}

/* The first run, which begins with firstExecutionFrom, has not ended: its end sets no time. */
static void a_first_window_under_way_is_taken_again(void **state)
{
    struct fixture *f = *state;
    check(f, try_change(f, (struct change){activate, .now_ms = AT(10)}));
    begin_run(f, AT(-500), AT(10));
    check(f, try_change(f, (struct change){put_run_job, .now_ms = 0}));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(12), .end.window_to_ms = 200}));
    assert_true(row_of(f).pulled_to_ms == BEFORE(-500));
    end_run(f, AT(-500), AT(10));
    assert_true(row_of(f).pulled_to_ms == BEFORE(-500));
}

/* What an activation, or a change of the slots, overwrites is what tells that the clock was wrong.
 */
static void a_change_after_a_step_loses_nothing(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 5);
    check(f, try_change(f, (struct change){activate, .now_ms = AT(35)}));
    assert_true(row_of(f).pulled_to_ms == BEFORE(30) && row_of(f).done_until_ms == AT(35) - 1);
    end_run(f, BEFORE(30), AT(55));
    begin_run(f, AT(55), AT(70));
    check(f, try_change(f, (struct change){follow, .flag = true, .now_ms = AT(66)}));
    assert_true(row_of(f).pulled_to_ms == BEFORE(55) && row_of(f).done_until_ms == AT(66));
}

/* A write of the old time that came last: only the window's end shows it. */
static void a_window_s_end_tells_it_alone(void **state)
{
    struct fixture *f = *state;
    bool found = false;
    with_runs(f, 5);
    struct flow_schedule_row row = row_of(f);
    check(f, try_change(f, (struct change){note_done, .row = row, .now_ms = AT(35)}));
    check(f, flow_schedules_are_ahead(f->reader, AT(35), &found, &f->error));
    assert_true(found);
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(35)}));
    assert_true(row_of(f).pulled_to_ms == BEFORE(30));
    check(f, flow_schedules_are_ahead(f->reader, AT(35), &found, &f->error));
    assert_false(found);
}

/* More runs than are kept were ahead: where the first one began is not known any more. */
static void runs_that_are_kept_no_longer_are_taken_again(void **state)
{
    struct fixture *f = *state;
    with_runs(f, 1);
    check(f, try_change(f, (struct change){insert_all_kept, .flag = true}));
    begin_run(f, AT(20), AT(1020));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(15)}));
    assert_true(row_of(f).pulled_to_ms == AT(15) - FLOW_SCHEDULE_AGAIN_MAX_MS);
    end_run(f, AT(15) - FLOW_SCHEDULE_AGAIN_MAX_MS, AT(40));
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(25)}));
    assert_true(row_of(f).pulled_to_ms == BEFORE(20)); /* that of slot 1020 began there */
}

/* Of an empty window; firstExecutionFrom is still to come. */
static void a_begin_that_is_still_to_come_is_no_evidence(void **state)
{
    struct fixture *f = *state;
    bool found = true;
    check(f, try_change(f, (struct change){activate, .now_ms = AT(10)}));
    begin_run(f, AT(900), AT(10));
    end_run(f, AT(900), AT(900));
    assert_true(row_of(f).pulled_to_ms == 0);
    check(f, flow_schedules_are_ahead(f->reader, AT(10), &found, &f->error));
    assert_false(found);
}

static bool lease(struct db *db, const struct change *change, struct error *error)
{
    struct job_row job = {
        .key = {FLOW_SCHEDULE_JOB, nightly.account, nightly.region, nightly.name},
        .due_at_ms = change->now_ms,
        .fence = job_new_fence(),
        .lease_until_ms = change->now_ms + 15000,
        .payload = STR(""),
    };
    return job_insert(db, &job, STR("node"), error);
}

static int64_t lease_until(struct fixture *f)
{
    struct job_filter filter = {
        .kind = FLOW_SCHEDULE_JOB, .now_ms = INT64_MAX / 2, .abandoned = true, .limit = 1};
    struct job_row *jobs;
    size_t count = 0;
    check(f, job_list_due(f->reader, &f->arena, &filter, &jobs, &count, &f->error));
    assert_int_equal(count, 1);
    return jobs[0].lease_until_ms;
}

/* Of a node that died while the clock was an hour ahead. */
static void a_lease_of_the_wrong_time_holds_nothing_up(void **state)
{
    struct fixture *f = *state;
    bool found = false;
    check(f, try_change(f, (struct change){activate, .now_ms = AT(10)}));
    check(f, try_change(f, (struct change){lease, .now_ms = AT(80)}));
    check(f, flow_schedules_are_ahead(f->reader, AT(20), &found, &f->error));
    assert_true(found);
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(20)}));
    assert_true(due_at(f) == AT(20) && lease_until(f) == 0);
    check(f, try_change(f, (struct change){lease, .now_ms = AT(20)})); /* one of the right time */
    check(f, try_change(f, (struct change){set_back, .now_ms = AT(20)}));
    assert_true(lease_until(f) == AT(20) + 15000);
}

/* Two nodes note a step back of 20 minutes. The second one measures the clock later: in between
 * it starts the run of a slot of the old time, which ends before it notes the step. */
static void a_node_that_is_late_to_note_a_step_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct flow_schedule_clock one = {0}, two = {0};
    with_runs(f, 5);
    assert_true(flow_schedule_clock_note(&one, f->store, AT(62), AT(1)));
    assert_true(flow_schedule_clock_note(&two, f->store, AT(62), AT(500)));
    assert_true(flow_schedule_clock_note(&one, f->store, AT(42), AT(1)));
    assert_true(row_of(f).pulled_to_ms == BEFORE(40));
    begin_run(f, BEFORE(40), AT(62));
    end_run(f, BEFORE(40), AT(62));
    assert_true(flow_schedule_clock_note(&two, f->store, AT(42), AT(500)));
    assert_true(row_of(f).pulled_to_ms == BEFORE(40) - 1000);
    assert_true(due_at(f) <= AT(42));
    /* And what was committed after that is found by the next look. */
    begin_run(f, BEFORE(40) - 1000, AT(63));
    end_run(f, BEFORE(40) - 1000, AT(63));
    assert_true(flow_schedule_clock_note(&one, f->store, AT(43), AT(2)));
    assert_true(row_of(f).pulled_to_ms <= AT(40));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(what_was_done_too_early_is_taken_again),
        test_with_store(an_activation_that_is_still_to_come_is_now),
        test_with_store(two_steps_back_are_as_one),
        test_with_store(a_window_that_may_lack_something_is_longer),
        test_with_store(a_job_that_was_planned_by_the_wrong_time_is_due),
        test_with_store(runs_of_an_earlier_step_count_once),
        test_with_store(a_stopped_flow_is_corrected_as_well),
        test_with_store(a_window_from_1970_is_one),
        test_with_store(all_schedules_are_set_back),
        test_with_store(a_step_lengthens_windows_by_whole_seconds),
        test_with_store(a_first_window_under_way_is_taken_again),
        test_with_store(a_change_after_a_step_loses_nothing),
        test_with_store(a_window_s_end_tells_it_alone),
        test_with_store(runs_that_are_kept_no_longer_are_taken_again),
        test_with_store(a_begin_that_is_still_to_come_is_no_evidence),
        test_with_store(a_lease_of_the_wrong_time_holds_nothing_up),
        test_with_store(a_node_that_is_late_to_note_a_step_loses_nothing),
    };
    return cmocka_run_group_tests_name("store-schedule-clock", tests, NULL, NULL);
}
