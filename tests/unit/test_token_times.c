/* Due times of many renewals: a lane that would be too slow begins early, and after a step of the
 * clock none comes late and no herd comes. */
#include "store_fixture.h"

#include "profile/token_ahead.h"
#include "profile/token_clock.h"
#include "profile/token_lane.h"
#include "store/token_states.h"
#include "store_raw.h"

#include <string.h>

#define NOW INT64_C(1700000000000)

enum { S = 1000, MIN = 60 * S, HOUR = 60 * MIN };

/* --- jobs --- */

struct due {
    const char *lane, *name;
    int64_t due_at_ms, lease_until_ms;
};

static bool apply_insert_job(struct db *db, void *argument, struct error *error)
{
    const struct due *due = argument;
    const struct job_row row = {
        .key = {TOKEN_KEEPER_JOB, STR("123456789012"), STR("eu-central-1"), str_from(due->name)},
        .due_at_ms = due->due_at_ms,
        .fence = job_new_fence(),
        .lease_until_ms = due->lease_until_ms,
        .payload = str_from(due->lane),
    };
    return job_insert(db, &row, STR("node"), error);
}

static void insert_jobs(struct fixture *f, const struct due *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct due due = rows[i];
        check(f, store_apply(f->store, apply_insert_job, &due, false, &f->error));
    }
}

static void in_state_until(struct fixture *f, const char *name, const char *state,
                           int64_t works_until_ms)
{
    char text[300];
    snprintf(text, sizeof(text),
             "INSERT INTO token_states (account, region, name, state, since_ms, attempts, wait_ms,"
             " renewed_at_ms, works_until_ms)"
             " VALUES ('123456789012', 'eu-central-1', '%s', '%s', 0, 1, 0, 0, %lld)",
             name, state, (long long)works_until_ms);
    raw(f->path, text);
}

static void in_state(struct fixture *f, const char *name, const char *state)
{
    in_state_until(f, name, state, 0);
}

static int64_t due_of(struct fixture *f, const char *name)
{
    char query[100];
    snprintf(query, sizeof(query), "SELECT due_at_ms FROM jobs WHERE name = '%s'", name);
    return raw(f->path, query);
}

#define INSERT(f, rows) insert_jobs(f, rows, sizeof(rows) / sizeof(*(rows)))

/* --- ahead --- */

static void a_lane_begins_early_when_it_would_be_late(void **state)
{
    static const struct {
        struct job_backlog rows[3];
        size_t count;
        double rate;
        int64_t ahead;
    } cases[] = {
        {{{.minute = 1, .count = 400}}, 1, 10, 0},    /* 40 s */
        {{{.minute = 1, .count = 600}}, 1, 10, 601},  /* 60 s, all within a minute from now */
        {{{.minute = 5, .count = 2000}}, 1, 10, 0},   /* 200 s of 285 s */
        {{{.minute = 5, .count = 3000}}, 1, 10, 601}, /* 300 s */
        {{{.minute = 0, .count = 100}, {.minute = 30, .count = 10000}}, 2, 10, 0},
        {{{.minute = 0, .count = 9000}, {.minute = 30, .count = 10000}}, 2, 10, 601},
        {{{.minute = 10, .count = 3000}, {.minute = 20, .count = 12000}}, 2, 10, 601},
        {{{.minute = 1, .count = 100000}}, 1, 0, 0}, /* nothing is known of the lane */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(token_ahead_of(cases[i].rows, cases[i].count, cases[i].rate),
                         cases[i].ahead);
}

static void the_backlog_is_counted_by_lane_and_minute(void **state)
{
    static const struct due jobs[] = {
        {"one", "a", NOW - HOUR, 0},     {"one", "b", NOW, NOW + MIN},
        {"one", "c", NOW + 1, 0},        {"one", "d", NOW + 59 * S, 0},
        {"one", "e", NOW + MIN, 0},      {"two", "f", NOW + 5, 0},
        {"two", "g", NOW + HOUR + 1, 0}, {"", "h", NOW, 0},
        {"one", "i", NOW + 2, 0},        {"one", "j", NOW - 1, 0},
    };
    static const struct job_backlog wanted[] = {
        {.minute = 0, .count = 3},
        {.minute = 1, .count = 2},
        {.minute = 2, .count = 1},
        {.minute = 1, .count = 1},
    };
    struct fixture *f = *state;
    struct job_backlog *rows;
    size_t count;
    INSERT(f, jobs);
    in_state(f, "i", "backing-off"); /* waits for another reason */
    in_state(f, "j", "backing-off"); /* is due */
    check(f, job_backlog_list(f->reader, &f->arena, TOKEN_KEEPER_JOB, NOW, NOW + HOUR, 100, &rows,
                              &count, &f->error));
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].minute, wanted[i].minute);
        assert_int_equal(rows[i].count, wanted[i].count);
        assert_true(str_eq(rows[i].payload, i < 3 ? STR("one") : STR("two")));
    }
}

static bool apply_many(struct db *db, void *argument, struct error *error)
{
    char lane[20], name[20];
    for (int i = 0; i < TOKEN_LANES_MAX + 10; i++) {
        snprintf(lane, sizeof(lane), "lane-%d", i);
        if (i >= TOKEN_LANES_MAX)
            strcpy(lane, "z");
        snprintf(name, sizeof(name), "p-%d", i);
        struct due due = {lane, name, NOW + MIN, 0};
        if (!apply_insert_job(db, &due, error))
            return false;
    }
    return argument == NULL;
}

static void the_largest_lane_is_counted_of_more_than_are_known(void **state)
{
    struct fixture *f = *state;
    struct job_backlog *rows;
    size_t count;
    check(f, store_apply(f->store, apply_many, NULL, false, &f->error));
    check(f, job_backlog_list(f->reader, &f->arena, TOKEN_KEEPER_JOB, NOW, NOW + HOUR,
                              TOKEN_LANES_MAX, &rows, &count, &f->error));
    assert_int_equal(count, TOKEN_LANES_MAX);
    assert_true(str_eq(rows[count - 1].payload, STR("z")));
    assert_int_equal(rows[count - 1].count, 10);
}

static bool apply_hasten(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    const struct job_hastening hastening = {TOKEN_KEEPER_JOB, STR("one"), NOW, NOW + HOUR, 2};
    return job_hasten(db, &hastening, error);
}

static void the_first_of_a_lane_become_due(void **state)
{
    static const struct due jobs[] = {
        {"one", "later", NOW + 30 * MIN, 0}, {"one", "first", NOW + MIN, 0},
        {"one", "held", NOW + MIN, NOW + S}, {"one", "second", NOW + 2 * MIN, 0},
        {"two", "other", NOW + MIN, 0},      {"one", "due", NOW - MIN, 0},
        {"one", "waits", NOW + S, 0},        {"one", "refused", NOW + S, 0},
    };
    struct fixture *f = *state;
    INSERT(f, jobs);
    in_state(f, "waits", "backing-off");
    in_state(f, "refused", "needs-reauthorization");
    in_state(f, "first", "fresh");
    check(f, store_apply(f->store, apply_hasten, NULL, false, &f->error));
    assert_int_equal(due_of(f, "first"), NOW);
    assert_int_equal(due_of(f, "second"), NOW);
    assert_int_equal(due_of(f, "later"), NOW + 30 * MIN);
    assert_int_equal(due_of(f, "held"), NOW + MIN);
    assert_int_equal(due_of(f, "other"), NOW + MIN);
    assert_int_equal(due_of(f, "due"), NOW - MIN);
    assert_int_equal(due_of(f, "waits"), NOW + S);
    assert_int_equal(due_of(f, "refused"), NOW + S);
}

/* --- the clock --- */

static const struct due clocked[] = {
    {"one", "soon", NOW + 10 * MIN, 0},
    {"one", "later", NOW + 50 * MIN, 0},
    {"one", "held", NOW + 10 * MIN, NOW + S},
    {"one", "due", NOW - MIN, 0},
};

static struct clock_steps noted(struct fixture *f)
{
    struct clock_steps clock = {0};
    INSERT(f, clocked);
    assert_true(token_clock_note(&clock, f->store, NOW, 5 * HOUR));
    return clock;
}

static void time_that_passes_moves_nothing(void **state)
{
    struct fixture *f = *state;
    struct clock_steps clock = noted(f);
    assert_true(token_clock_note(&clock, f->store, NOW + 5 * MIN, 5 * HOUR + 5 * MIN));
    /* Nor do corrections by little, one after the other. */
    for (int i = 1; i <= 10; i++)
        assert_true(
            token_clock_note(&clock, f->store, NOW + 5 * MIN - i * 20 * S, 5 * HOUR + 5 * MIN));
    assert_int_equal(due_of(f, "soon"), NOW + 10 * MIN);
    assert_int_equal(due_of(f, "later"), NOW + 50 * MIN);
}

static void no_renewal_is_forgotten_when_the_clock_is_set_back(void **state)
{
    struct fixture *f = *state;
    struct clock_steps clock = noted(f);
    int64_t now_ms = NOW - 24 * (int64_t)HOUR + S; /* a second later */
    assert_true(token_clock_note(&clock, f->store, now_ms, 5 * HOUR + S));
    assert_int_equal(due_of(f, "soon") - now_ms, 10 * MIN - S);
    assert_int_equal(due_of(f, "later") - now_ms, 50 * MIN - S);
    assert_int_equal(due_of(f, "due") - now_ms, -MIN - S);
    assert_int_equal(due_of(f, "held"), NOW + 10 * MIN);
    assert_true(token_clock_note(&clock, f->store, now_ms + S, 5 * HOUR + 2 * S));
    assert_int_equal(due_of(f, "soon") - now_ms, 10 * MIN - S); /* once */
}

static void no_herd_comes_when_the_clock_is_set_forward(void **state)
{
    struct fixture *f = *state;
    struct clock_steps clock = noted(f);
    int64_t now_ms = NOW + 40 * MIN;
    assert_true(token_clock_note(&clock, f->store, now_ms, 5 * HOUR));
    assert_int_equal(due_of(f, "soon") - now_ms, TOKEN_CLOCK_SPREAD_MS / 4);
    assert_int_equal(due_of(f, "later"), NOW + 50 * MIN); /* not due yet */
    assert_int_equal(due_of(f, "due"), NOW - MIN);
    /* And back again, as when the step was a mistake. */
    assert_true(token_clock_note(&clock, f->store, NOW, 5 * HOUR));
    assert_int_equal(due_of(f, "later"), NOW + 10 * MIN);
}

/* They were chosen in time that has not passed: 5 minutes, six hours, a day. */
static void chosen_waits_last_when_the_clock_is_set_forward(void **state)
{
    static const struct due waits[] = {
        {"one", "fails", NOW + 5 * MIN, 0},     {"one", "refused", NOW + 6 * HOUR, 0},
        {"one", "dead", NOW + 20 * HOUR, 0},    {"one", "ended", NOW + 9 * MIN, 0},
        {"one", "running", NOW + MIN, NOW + S}, {"one", "overdue", NOW - MIN, 0},
    };
    struct fixture *f = *state;
    struct clock_steps clock = {0};
    int64_t now_ms = NOW + HOUR;
    INSERT(f, waits);
    in_state_until(f, "fails", "backing-off", NOW + 2 * HOUR);
    in_state(f, "refused", "backing-off");
    in_state_until(f, "dead", "needs-reauthorization", NOW - HOUR);
    in_state_until(f, "ended", "backing-off", NOW + 30 * MIN);
    in_state(f, "running", "backing-off");
    in_state(f, "overdue", "backing-off");
    assert_true(token_clock_note(&clock, f->store, NOW, 5 * HOUR));
    assert_true(token_clock_note(&clock, f->store, now_ms, 5 * HOUR));
    assert_int_equal(due_of(f, "fails"), now_ms + 5 * MIN);
    assert_int_equal(due_of(f, "refused"), now_ms + 6 * HOUR);
    assert_int_equal(due_of(f, "dead"), now_ms + 20 * HOUR);
    assert_int_equal(due_of(f, "ended"), now_ms + 9 * S); /* its access token has ended, too */
    assert_int_equal(due_of(f, "running"), NOW + MIN);
    assert_int_equal(due_of(f, "overdue"), NOW - MIN);
}

#define NO_WRITE "CREATE TRIGGER away BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'away'); END"

static void a_step_waits_for_the_store(void **state)
{
    struct fixture *f = *state;
    struct clock_steps clock = noted(f);
    raw(f->path, NO_WRITE);
    assert_false(token_clock_note(&clock, f->store, NOW - HOUR, 5 * HOUR));
    raw(f->path, "DROP TRIGGER away");
    assert_true(token_clock_note(&clock, f->store, NOW - HOUR, 5 * HOUR));
    assert_int_equal(due_of(f, "soon"), NOW - 50 * MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_begins_early_when_it_would_be_late),
        test_with_store(the_backlog_is_counted_by_lane_and_minute),
        test_with_store(the_largest_lane_is_counted_of_more_than_are_known),
        test_with_store(the_first_of_a_lane_become_due),
        test_with_store(time_that_passes_moves_nothing),
        test_with_store(no_renewal_is_forgotten_when_the_clock_is_set_back),
        test_with_store(no_herd_comes_when_the_clock_is_set_forward),
        test_with_store(chosen_waits_last_when_the_clock_is_set_forward),
        test_with_store(a_step_waits_for_the_store),
    };
    return cmocka_run_group_tests_name("token times", tests, NULL, NULL);
}
