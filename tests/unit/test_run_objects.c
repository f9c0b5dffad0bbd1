/* Which lists of objects are kept, and how the others are removed. */
#include "store_fixture.h"

#include "flow/run.h"
#include "store/core/internal.h"
#include "store/flow_run_objects.h"

static struct flow_key flow_key(void)
{
    return (struct flow_key){STR("123456789012"), STR("eu-central-1"), STR("nightly")};
}

static bool apply_flow(struct db *db, void *argument, struct error *error)
{
    const struct flow_row row = {
        .key = flow_key(),
        .version = 100,
        .status = STR("Active"),
        .trigger_type = STR("OnDemand"),
        .summary = STR("{}"),
        .definition = STR("{\"tasks\":[]}"),
        .mac = STR("m"),
    };
    (void)argument;
    return flow_row_insert(db, &row, error);
}

static bool add_objects(struct db *db, struct str run, int64_t first, int64_t count,
                        struct error *error)
{
    for (int64_t i = 0; i < count; i++) {
        const struct flow_run_object object = {
            .number = first + i, .key = STR("key"), .bytes = 1, .records = 1, .sha256 = STR("")};
        if (!flow_run_object_insert(db, flow_key(), run, &object, error))
            return false;
    }
    return true;
}

/* Runs that have ended, the oldest first; each has `count` objects from the number `first` on. */
struct listing {
    const char *ids; /* one character each */
    int64_t first, count;
};

static bool apply_runs(struct db *db, void *argument, struct error *error)
{
    const struct listing *listing = argument;
    for (size_t i = 0; listing->ids[i]; i++) {
        const struct job_key job = {FLOW_RUN_JOB, flow_key().account, flow_key().region,
                                    flow_key().name};
        struct flow_run_row run = {
            .flow = flow_key(),
            .id = {listing->ids + i, 1},
            .definition = STR("{}"),
            .mac = STR("m"),
        };
        enum run_state ended;
        if (!flow_run_insert(db, &run, 100, error) ||
            !flow_run_conclude(db, &run, RUN_SUCCEEDS, &ended, error) ||
            !add_objects(db, run.id, listing->first, listing->count, error) ||
            !flow_run_objects_trim_later(db, run.flow, error) || !job_drop(db, &job, error))
            return false;
    }
    return true;
}

static void add_runs(struct fixture *f, const char *ids, int64_t first, int64_t count)
{
    struct listing listing = {ids, first, count};
    check(f, store_apply(f->store, apply_runs, &listing, false, &f->error));
}

/* False: there is none. */
static bool find_job(struct fixture *f, struct job_row *ret_row)
{
    const struct job_filter filter = {
        .kind = FLOW_OBJECTS_JOB, .now_ms = INT64_MAX, .abandoned = true, .limit = 10};
    struct job_row *rows;
    size_t count;
    check(f, job_list_due(f->reader, &f->arena, &filter, &rows, &count, &f->error));
    assert_true(count <= 1);
    if (count == 1)
        *ret_row = rows[0];
    return count == 1;
}

struct slice {
    struct job_row job;
    bool is_done, is_held;
};

static bool apply_slice(struct db *db, void *argument, struct error *error)
{
    struct slice *slice = argument;
    return flow_run_objects_trim(db, &slice->job, 1, &slice->is_done, &slice->is_held, error) &&
           (slice->is_held || fail(error, ERR_LOST_RACE, "lost"));
}

/* How many writes it takes; the last one ends the job. */
static int trim(struct fixture *f)
{
    struct slice slice = {0};
    int writes = 0;
    while (find_job(f, &slice.job)) {
        check(f, store_apply(f->store, apply_slice, &slice, false, &f->error));
        writes++;
    }
    assert_true(writes == 0 || slice.is_done);
    return writes;
}

static size_t count_listed(struct fixture *f, const char *run)
{
    struct flow_run_object *objects;
    size_t count;
    check(f, flow_run_object_list(f->reader, &f->arena, flow_key(), str_from(run), 0, 10000,
                                  &objects, &count, &f->error));
    return count;
}

static void the_newest_lists_are_kept(void **state)
{
    struct fixture *f = *state;
    check(f, store_apply(f->store, apply_flow, NULL, false, &f->error));
    add_runs(f, "abcdefghijklmnopqrst", 0, 3);
    assert_int_equal(trim(f), 0);
    add_runs(f, "uv", 0, 3);
    assert_int_equal(trim(f), 2);
    assert_int_equal(count_listed(f, "a"), 0);
    assert_int_equal(count_listed(f, "b"), 0);
    assert_int_equal(count_listed(f, "c"), 3);
    assert_int_equal(count_listed(f, "v"), 3);
}

/* The list that goes past the limit is the first one that is not kept; but the newest always is. */
static void lists_have_so_many_objects_together(void **state)
{
    struct fixture *f = *state;
    check(f, store_apply(f->store, apply_flow, NULL, false, &f->error));
    add_runs(f, "a", 0, 3);
    add_runs(f, "b", 5, 1);
    add_runs(f, "c", FLOW_LISTED_MAX - 7, 1);
    assert_int_equal(trim(f), 2);
    assert_int_equal(count_listed(f, "a"), 0);
    assert_int_equal(count_listed(f, "b"), 1);
    add_runs(f, "d", FLOW_LISTED_MAX, 1);
    assert_int_equal(trim(f), 2);
    assert_int_equal(count_listed(f, "c"), 0);
    assert_int_equal(count_listed(f, "d"), 1);
}

static bool apply_remove(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    return flow_row_delete(db, flow_key(), true, error) &&
           flow_runs_delete(db, flow_key(), error) &&
           flow_run_objects_trim_later(db, flow_key(), error);
}

static void a_deleted_flow_loses_its_lists_in_slices(void **state)
{
    struct fixture *f = *state;
    check(f, store_apply(f->store, apply_flow, NULL, false, &f->error));
    add_runs(f, "a", 0, 2 * FLOW_LISTED_SLICE + 1);
    check(f, store_apply(f->store, apply_remove, NULL, false, &f->error));
    check(f, store_apply(f->store, apply_flow, NULL, false, &f->error));
    struct slice slice;
    assert_true(find_job(f, &slice.job));
    check(f, store_apply(f->store, apply_slice, &slice, false, &f->error));
    assert_int_equal(count_listed(f, "a"), FLOW_LISTED_SLICE + 1);
    add_runs(f, "b", 0, 2); /* of the new flow of this name */
    assert_true(trim(f) > 0);
    assert_int_equal(count_listed(f, "a"), 0);
    assert_int_equal(count_listed(f, "b"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(the_newest_lists_are_kept),
        test_with_store(lists_have_so_many_objects_together),
        test_with_store(a_deleted_flow_loses_its_lists_in_slices),
    };
    return cmocka_run_group_tests_name("run-objects", tests, NULL, NULL);
}
