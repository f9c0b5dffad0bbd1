/* Durable jobs: due times, leases, fences. */
#include "store_fixture.h"

#include "base/buf.h"
#include "store/jobs.h"

#define KIND STR("kind")
#define NODE_A STR("node-a")
#define NODE_B STR("node-b")

/* One write: what it does, and what came of it. */
struct step {
    bool (*make)(struct db *db, struct step *step, struct error *error);
    struct job_row row;
    struct str owner;
    int64_t at_ms;
    bool held;
};

static bool apply_step(struct db *db, void *argument, struct error *error)
{
    struct step *step = argument;
    return step->make(db, step, error);
}

static bool make_insert(struct db *db, struct step *step, struct error *error)
{
    return job_insert(db, &step->row, step->owner, error);
}

static bool make_insert_again(struct db *db, struct step *step, struct error *error)
{
    return job_insert_again(db, &step->row, error);
}

static bool make_lease(struct db *db, struct step *step, struct error *error)
{
    return job_lease(db, &step->row, step->owner, step->at_ms, &step->held, error);
}

static bool make_extension(struct db *db, struct step *step, struct error *error)
{
    return job_extend(db, &step->row, step->at_ms, &step->held, error);
}

static bool make_retry(struct db *db, struct step *step, struct error *error)
{
    return job_retry(db, &step->row, step->at_ms, &step->held, error);
}

static bool make_end(struct db *db, struct step *step, struct error *error)
{
    return job_finish(db, &step->row, &step->held, error);
}

static bool run(struct fixture *f, bool (*make)(struct db *, struct step *, struct error *),
                struct job_row row, struct str owner, int64_t at_ms)
{
    struct step step = {.make = make, .row = row, .owner = owner, .at_ms = at_ms};
    check(f, store_apply(f->store, apply_step, &step, false, &f->error));
    return step.held;
}

static struct job_row job(const char *name, int64_t due_at_ms)
{
    return (struct job_row){
        .key = {KIND, STR("123456789012"), STR("us-east-1"), str_from(name)},
        .due_at_ms = due_at_ms,
        .fence = 1000,
        .payload = STR("{}"),
    };
}

static void insert(struct fixture *f, struct job_row row)
{
    run(f, make_insert, row, NODE_A, 0);
}

/* The names of what is due, with blanks between. */
static const char *due(struct fixture *f, struct job_filter filter)
{
    struct job_row *rows;
    size_t count;
    struct buf names = buf_in(&f->arena, 256);
    filter.kind = KIND;
    filter.limit = filter.limit ? filter.limit : 10;
    check(f, job_list_due(f->reader, &f->arena, &filter, &rows, &count, &f->error));
    for (size_t i = 0; i < count; i++) {
        buf_add_cstr(&names, i ? " " : "");
        buf_add(&names, rows[i].key.name);
    }
    return arena_cstr(&f->arena, buf_str(&names));
}

static void jobs_are_listed_when_they_are_due(void **state)
{
    struct fixture *f = *state;
    struct job_row other = job("other-kind", 1), last = job("b", 20);
    other.key.kind = STR("other");
    insert(f, other);
    insert(f, job("c", 30));
    insert(f, job("b", 20));
    insert(f, job("a", 20));
    assert_string_equal(due(f, (struct job_filter){.now_ms = 19}), "");
    assert_string_equal(due(f, (struct job_filter){.now_ms = 20}), "a b");
    assert_string_equal(due(f, (struct job_filter){.now_ms = 30}), "a b c");
    assert_string_equal(due(f, (struct job_filter){.now_ms = 30, .limit = 2}), "a b");
    assert_string_equal(due(f, (struct job_filter){.now_ms = 30, .after = &last}), "c");
}

static void the_next_due_time_is_known(void **state)
{
    struct fixture *f = *state;
    int64_t due_at_ms;
    bool found;
    check(f, job_next_due(f->reader, KIND, 0, &found, &due_at_ms, &f->error));
    assert_false(found);
    insert(f, job("a", 20));
    insert(f, job("b", 30));
    check(f, job_next_due(f->reader, KIND, 20, &found, &due_at_ms, &f->error));
    assert_true(found);
    assert_int_equal(due_at_ms, 30);
}

static void a_job_comes_back_as_it_was_put(void **state)
{
    struct fixture *f = *state;
    struct job_filter filter = {.kind = KIND, .now_ms = 20, .limit = 10};
    struct job_row *rows;
    size_t count;
    insert(f, job("a", 20));
    check(f, job_list_due(f->reader, &f->arena, &filter, &rows, &count, &f->error));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].key.kind.data, "kind");
    assert_string_equal(rows[0].key.account.data, "123456789012");
    assert_string_equal(rows[0].key.region.data, "us-east-1");
    assert_string_equal(rows[0].payload.data, "{}");
    assert_int_equal(rows[0].due_at_ms, 20);
    assert_int_equal(rows[0].fence, 1000);
    assert_int_equal(rows[0].lease_until_ms, 0);
    assert_int_equal(rows[0].attempts, 0);
}

static void a_lease_keeps_others_away_until_it_ends(void **state)
{
    struct fixture *f = *state;
    struct job_row row = job("a", 20);
    insert(f, row);
    assert_true(run(f, make_lease, row, NODE_A, 100));
    assert_string_equal(due(f, (struct job_filter){.now_ms = 99}), "");
    assert_string_equal(due(f, (struct job_filter){.now_ms = 99, .abandoned = true}), "a");
    assert_string_equal(due(f, (struct job_filter){.now_ms = 100}), "a");
    assert_false(run(f, make_lease, row, NODE_B, 200)); /* by what it read before */
    row.fence++;
    assert_true(run(f, make_extension, row, STR_NULL, 300));
    assert_string_equal(due(f, (struct job_filter){.now_ms = 299}), "");
}

static bool is_held(struct fixture *f, struct job_row row)
{
    bool held;
    check(f, job_is_held(f->reader, &row, &held, &f->error));
    return held;
}

static void a_lease_is_known_to_be_lost(void **state)
{
    struct fixture *f = *state;
    struct job_row first = job("a", 10), second = first;
    second.fence++;
    insert(f, first);
    assert_true(is_held(f, first));
    assert_false(is_held(f, second));
    assert_true(run(f, make_lease, first, NODE_B, 1000));
    assert_false(is_held(f, first));
    assert_true(is_held(f, second));
    assert_true(run(f, make_end, second, NODE_B, 0));
    assert_false(is_held(f, second));
}

static void who_lost_the_lease_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct job_row first = job("a", 20), second = job("a", 20);
    insert(f, first);
    assert_true(run(f, make_lease, first, NODE_A, 100));
    first.fence++;
    second.fence = first.fence;
    assert_true(run(f, make_lease, second, NODE_B, 200));
    second.fence++;
    assert_false(run(f, make_extension, first, STR_NULL, 900));
    assert_false(run(f, make_retry, first, STR_NULL, 900));
    assert_false(run(f, make_end, first, STR_NULL, 0));
    assert_string_equal(due(f, (struct job_filter){.now_ms = 200}), "a");
    assert_true(run(f, make_end, second, STR_NULL, 0));
    assert_string_equal(due(f, (struct job_filter){.now_ms = 900, .abandoned = true}), "");
    assert_false(run(f, make_end, second, STR_NULL, 0)); /* once */
}

static void a_job_that_is_tried_again_is_due_later(void **state)
{
    struct fixture *f = *state;
    struct job_filter filter = {.kind = KIND, .now_ms = 500, .limit = 10};
    struct job_row row = job("a", 20), *rows;
    size_t count;
    insert(f, row);
    assert_true(run(f, make_lease, row, NODE_A, 100));
    row.fence++;
    assert_true(run(f, make_retry, row, STR_NULL, 500));
    assert_string_equal(due(f, (struct job_filter){.now_ms = 499}), "");
    check(f, job_list_due(f->reader, &f->arena, &filter, &rows, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].attempts, 1);
    assert_int_equal(rows[0].lease_until_ms, 0);
}

static void a_new_job_of_the_same_key_takes_the_place_of_the_old_one(void **state)
{
    struct fixture *f = *state;
    struct job_row old = job("a", 20), new = job("a", 40);
    new.fence = 5000;
    insert(f, old);
    insert(f, new);
    assert_false(run(f, make_end, old, STR_NULL, 0));
    assert_string_equal(due(f, (struct job_filter){.now_ms = 39}), "");
    assert_string_equal(due(f, (struct job_filter){.now_ms = 40}), "a");
    assert_true(run(f, make_end, new, STR_NULL, 0));
}

static void a_job_that_was_lost_is_added_again(void **state)
{
    struct fixture *f = *state;
    struct job_row row = job("a", 20), again = job("a", 40), third = job("a", 60);
    again.fence = 5000;
    third.fence = 6000;
    run(f, make_insert_again, row, STR_NULL, 0);
    assert_string_equal(due(f, (struct job_filter){.now_ms = 20}), "a");
    assert_true(run(f, make_lease, row, NODE_A, 100));
    row.fence++;
    run(f, make_insert_again, again, STR_NULL, 0); /* in place of one that is leased */
    assert_false(run(f, make_end, row, STR_NULL, 0));
    run(f, make_insert_again, third, STR_NULL, 0); /* not of one that is free */
    assert_string_equal(due(f, (struct job_filter){.now_ms = 39}), "");
    assert_string_equal(due(f, (struct job_filter){.now_ms = 40}), "a");
    assert_true(run(f, make_end, again, STR_NULL, 0));
}

static void a_payload_has_a_limit(void **state)
{
    struct fixture *f = *state;
    struct step step = {.make = make_insert, .row = job("a", 20), .owner = NODE_A};
    char *large = arena_alloc(&f->arena, JOB_PAYLOAD_MAX + 1);
    memset(large, 'x', JOB_PAYLOAD_MAX + 1);
    step.row.payload = (struct str){large, JOB_PAYLOAD_MAX};
    check(f, store_apply(f->store, apply_step, &step, false, &f->error));
    step.row.payload.len++;
    assert_false(store_apply(f->store, apply_step, &step, false, &f->error));
    assert_int_equal(f->error.code, ERR_INTERNAL);
}

static void fences_of_new_jobs_grow(void **state)
{
    (void)state;
    int64_t before = job_new_fence();
    usleep(2000);
    assert_true(job_new_fence() > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(jobs_are_listed_when_they_are_due),
        test_with_store(the_next_due_time_is_known),
        test_with_store(a_job_comes_back_as_it_was_put),
        test_with_store(a_lease_keeps_others_away_until_it_ends),
        test_with_store(a_lease_is_known_to_be_lost),
        test_with_store(who_lost_the_lease_changes_nothing),
        test_with_store(a_job_that_is_tried_again_is_due_later),
        test_with_store(a_new_job_of_the_same_key_takes_the_place_of_the_old_one),
        test_with_store(a_job_that_was_lost_is_added_again),
        test_with_store(a_payload_has_a_limit),
        cmocka_unit_test(fences_of_new_jobs_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
