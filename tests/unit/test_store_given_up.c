/* What waits behind a batch that could not be committed is told with it, rather than waiting as
 * long again. */
#include "store_gate.h"

#include "store/core/internal.h"
#include "store/db/driver.h"
#include "store/sqlite/internal.h"

/* What comes in the place of the writer's own driver. */
static struct {
    const struct db_driver *driver; /* that is in the place of */
    struct db_driver ours;
    atomic_bool loses;
    atomic_int lost, begun;
    sem_t may_begin;
} way;

static bool commit_or_lose(struct db *db, bool *ret_held, struct error *error)
{
    *ret_held = true;
    if (!way.loses)
        return way.driver->commit_pipelined ? way.driver->commit_pipelined(db, ret_held, error)
                                            : way.driver->commit(db, error);
    way.lost++;
    return fail(error, ERR_UNAVAILABLE, "The way to the database is cut.");
}

static enum db_failure failure_of_lost(const struct db *db)
{
    return way.loses ? DB_FATE_UNKNOWN : way.driver->failure ? way.driver->failure(db) : DB_FAILED;
}

static bool never_settle(struct db *db, int64_t until_ms, bool *ret_committed, struct error *error)
{
    (void)db, (void)until_ms, (void)ret_committed;
    return fail(error, ERR_UNAVAILABLE, "Nobody knows.");
}

/* While the committer does nothing, or is held. */
static void replace_driver(struct fixture *f)
{
    way.driver = f->store->writer->driver;
    way.ours = *way.driver;
    f->store->writer->driver = &way.ours;
}

static void assert_all_told(const struct posted *posted, int count)
{
    for (int i = 0; i < count; i++) {
        assert_false(posted[i].write.ok);
        assert_int_equal(posted[i].write.error.code, ERR_UNAVAILABLE);
    }
}

static void writes_behind_a_batch_that_was_given_up_are_told_with_it(void **state)
{
    enum { COUNT = 3 * STORE_BATCH_MAX };
    static struct posted posted[COUNT];
    struct fixture *f = *state;
    struct gate gate;
    sem_t done;
    sem_init(&done, 0, 0);
    gate_hold(f, &gate);
    replace_driver(f);
    way.ours.commit_pipelined = commit_or_lose;
    way.ours.failure = failure_of_lost;
    way.ours.resolve_commit = never_settle;
    way.loses = true;
    way.lost = 0;
    post_inserts(f, posted, COUNT, &done);
    gate_open(&gate);
    wait_times(&done, COUNT);
    assert_int_equal(way.lost, 1);
    assert_all_told(posted, COUNT);
    way.loses = false;
    check(f, insert_profile(f, "after"));
    assert_true(profile_exists(f, "after"));
    assert_false(profile_exists(f, "p0"));
    sem_destroy(&done);
}

static bool begin_when_let(struct db *db, struct error *error)
{
    if (way.begun++ == 0)
        sem_wait(&way.may_begin);
    return way.driver->begin_write(db, error);
}

static void writes_behind_a_batch_that_another_process_kept_out_are_told_with_it(void **state)
{
    enum { COUNT = 3 * STORE_BATCH_MAX };
    static struct posted posted[COUNT];
    struct fixture *f = *state;
    struct db *other;
    sem_t done;
    sem_init(&done, 0, 0);
    replace_driver(f);
    way.begun = 0;
    way.ours.begin_write = begin_when_let;
    sem_init(&way.may_begin, 0, 0);
    sqlite_of(f->store->writer)->busy_limit_ms = 0;
    check(f, store_connect(f->store, DB_WRITE, &other, &f->error));
    check(f, db_begin_write(other, &f->error));
    post_inserts(f, posted, COUNT, &done);
    sem_post(&way.may_begin);
    wait_times(&done, COUNT);
    assert_int_equal(way.begun, 1);
    assert_all_told(posted, COUNT);
    db_close(other);
    check(f, insert_profile(f, "after"));
    assert_true(profile_exists(f, "after"));
    assert_false(profile_exists(f, "p0"));
    sem_destroy(&done);
    sem_destroy(&way.may_begin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(writes_behind_a_batch_that_was_given_up_are_told_with_it),
    };
    const struct CMUnitTest tests_of_files[] = {
        test_with_store(writes_behind_a_batch_that_another_process_kept_out_are_told_with_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!fixture_is_remote())
        failed += cmocka_run_group_tests(tests_of_files, NULL, NULL);
    return failed;
}
