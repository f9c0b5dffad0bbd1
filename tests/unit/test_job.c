/* Durable jobs on one node: posted, taken up, repeated, extended, stopped. */
#include "store_fixture.h"

#include "base/clock.h"
#include "job/job.h"
#include "store_raw.h"

#include <semaphore.h>
#include <stdatomic.h>

enum { WAIT_MS = 20 * 1000 };

/* What the kind under test does, and what it has seen. */
static struct {
    struct store *store;
    atomic_int begun, runs, freed;
    atomic_int again;       /* runs that are to end with JOB_AGAIN */
    atomic_bool holds;      /* a run does not end until this is false */
    atomic_bool stops;      /* a run ends with JOB_STOPPED when the runner is stopping */
    atomic_int silent;      /* what the hosts said */
    atomic_int asked;       /* calls of hosts_of */
    atomic_int hosts_us;    /* how long each lasts */
    atomic_bool slow_hosts; /* none ends until this is false */
    _Atomic int64_t fences[8];
} seen;

struct state {
    const struct job_row *row;
    bool held;
};

static struct str hosts_of(void *context, const struct job_row *row, struct arena *arena)
{
    (void)context;
    atomic_fetch_add(&seen.asked, 1);
    while (atomic_load(&seen.slow_hosts))
        clock_nap_us(1000);
    clock_nap_us(atomic_load(&seen.hosts_us));
    return arena_copy(arena, row->payload);
}

static void *begin(void *context, const struct job_row *row)
{
    (void)context;
    struct state *state = calloc(1, sizeof(*state));
    int number = atomic_fetch_add(&seen.begun, 1);
    state->row = row;
    if (number < 8)
        seen.fences[number] = row->fence;
    return state;
}

static bool apply_finish(struct db *db, void *argument, struct error *error)
{
    struct state *state = argument;
    return job_finish(db, state->row, &state->held, error);
}

static enum job_end run(void *argument, struct job_runner *runner)
{
    struct state *state = argument;
    struct error error;
    atomic_fetch_add(&seen.runs, 1);
    while (atomic_load(&seen.holds) && !job_is_stopping(runner))
        clock_nap_us(1000);
    if (atomic_load(&seen.stops) && job_is_stopping(runner))
        return JOB_STOPPED;
    if (atomic_fetch_sub(&seen.again, 1) > 0 || str_eq(state->row->payload, STR("busy")))
        return JOB_AGAIN;
    return store_apply(seen.store, apply_finish, state, false, &error) ? JOB_DONE : JOB_AGAIN;
}

static enum job_hosts_said hosts_said(const void *state)
{
    (void)state;
    return atomic_load(&seen.silent) ? JOB_HOSTS_SILENT : JOB_HOSTS_ANSWERED;
}

static void end(void *state)
{
    atomic_fetch_add(&seen.freed, 1);
    free(state);
}

static struct job_kind kind_of(size_t slots)
{
    return (struct job_kind){
        .name = STR("kind"),
        .threads_max = 4,
        .slots_max = slots,
        .retry_ms = 10,
        .hosts = hosts_of,
        .begin = begin,
        .run = run,
        .hosts_said = hosts_said,
        .free = end,
    };
}

static void reset(struct fixture *f)
{
    memset(&seen, 0, sizeof(seen));
    seen.store = f->store;
}

static struct job_runner *start(struct fixture *f, const struct job_kind *kind)
{
    struct job_runner *runner = job_runner_new(kind, NULL, f->store);
    check(f, job_runner_start(runner, &f->error));
    return runner;
}

static int64_t rows(struct fixture *f)
{
    return raw(f->path, "SELECT count(*) FROM jobs");
}

#define wait_for(condition)                                                                        \
    do {                                                                                           \
        int64_t until_ms = clock_mono_ms() + WAIT_MS;                                              \
        while (!(condition)) {                                                                     \
            assert_true(clock_mono_ms() < until_ms);                                               \
            clock_nap_us(1000);                                                                    \
        }                                                                                          \
    } while (false)

/* --- jobs that a request makes --- */

static bool apply_slot(struct db *db, void *slot, struct error *error)
{
    return job_slot_insert(db, slot, error);
}

static void make(struct fixture *f, struct job_runner *runner, const char *name, struct str hosts)
{
    struct job_slot *slot;
    assert_int_equal(job_reserve(runner, STR("123456789012"), hosts, &slot), HOST_SHARE_ROOM);
    job_slot_set(slot, STR("123456789012"), STR("us-east-1"), str_from(name), hosts);
    check(f, store_apply(f->store, apply_slot, slot, false, &f->error));
    job_post(slot);
}

static void a_job_runs_once_and_its_row_ends(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    reset(f);
    struct job_runner *runner = start(f, &kind);
    make(f, runner, "a", STR_NULL);
    wait_for(atomic_load(&seen.freed) == 1);
    job_runner_free(runner);
    assert_int_equal(seen.runs, 1);
    assert_int_equal(rows(f), 0);
}

static void a_job_that_is_run_again_keeps_its_state(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    reset(f);
    seen.again = 3;
    struct job_runner *runner = start(f, &kind);
    make(f, runner, "a", STR_NULL);
    wait_for(atomic_load(&seen.freed) == 1);
    job_runner_free(runner);
    assert_int_equal(seen.begun, 1);
    assert_int_equal(seen.runs, 4);
    assert_int_equal(rows(f), 0);
}

/* There is one thread, and the first job is to be run again for as long as the server lives. */
static void a_job_that_waits_to_be_run_again_has_no_thread(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    kind.threads_max = 1;
    reset(f);
    struct job_runner *runner = start(f, &kind);
    make(f, runner, "busy", STR("busy"));
    wait_for(atomic_load(&seen.runs) >= 1);
    make(f, runner, "other", STR_NULL);
    wait_for(atomic_load(&seen.freed) == 1);
    int before = atomic_load(&seen.runs);
    wait_for(atomic_load(&seen.runs) > before + 2);
    job_runner_free(runner);
    assert_int_equal(seen.freed, 2);
    assert_int_equal(rows(f), 1);
}

#define ONE STR("123456789012")
#define TWO STR("111122223333")

static void slots_are_bounded_and_shared_by_account_and_host(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(4);
    struct job_slot *slots[4], *more;
    reset(f);
    struct job_runner *runner = start(f, &kind);
    assert_int_equal(job_reserve(runner, ONE, STR("host"), &slots[0]), HOST_SHARE_ROOM);
    assert_int_equal(job_reserve(runner, ONE, STR("host"), &more), HOST_SHARE_HOST_FULL);
    assert_int_equal(job_reserve(runner, ONE, STR("other"), &slots[1]), HOST_SHARE_ROOM);
    assert_int_equal(job_reserve(runner, ONE, STR("third"), &more), HOST_SHARE_ACCOUNT_FULL);
    assert_int_equal(job_reserve(runner, TWO, STR("host"), &slots[2]), HOST_SHARE_ROOM);
    assert_int_equal(job_reserve(runner, TWO, STR("other"), &more), HOST_SHARE_ACCOUNT_FULL);
    assert_int_equal(job_reserve(runner, STR("3"), STR("other"), &more), HOST_SHARE_HOST_FULL);
    assert_int_equal(job_reserve(runner, STR("3"), STR("third"), &slots[3]), HOST_SHARE_ROOM);
    assert_int_equal(job_reserve(runner, STR("4"), STR("fourth"), &more), HOST_SHARE_FULL);
    assert_int_equal(job_runner_counts(runner).slots, 4);
    for (size_t i = 0; i < 4; i++)
        job_slot_release(slots[i]);
    assert_int_equal(job_runner_counts(runner).slots, 0);
    job_slot_release(NULL);
    job_runner_free(runner);
}

/* --- jobs that are in the store --- */

struct left {
    const char *prefix;
    int count;
    int64_t due_at_ms;
    int64_t lease_until_ms;
    struct str payload;
};

static bool apply_left(struct db *db, void *argument, struct error *error)
{
    const struct left *left = argument;
    for (int i = 0; i < left->count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s%03d", left->prefix, i);
        struct job_row row = {
            .key = {STR("kind"), STR("123456789012"), STR("us-east-1"), str_from(name)},
            .due_at_ms = left->due_at_ms,
            .fence = 1000,
            .lease_until_ms = left->lease_until_ms,
            .payload = left->payload.data ? left->payload : STR(""),
        };
        if (!job_insert(db, &row, STR("dead"), error))
            return false;
    }
    return true;
}

static void leave(struct fixture *f, struct left left)
{
    check(f, store_apply(f->store, apply_left, &left, false, &f->error));
}

static void what_a_dead_process_left_is_taken_up_at_the_start(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(512);
    reset(f);
    leave(f, (struct left){"n", 250, 1, INT64_MAX, STR_NULL}); /* leased by a dead process */
    struct job_runner *runner = start(f, &kind);
    wait_for(atomic_load(&seen.freed) == 250);
    job_runner_free(runner);
    assert_int_equal(seen.runs, 250);
    assert_int_equal(seen.fences[0], 1001); /* a lease of its own */
    assert_int_equal(rows(f), 0);
}

static void jobs_that_find_no_slot_are_taken_up_later(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(4); /* of which one account has two */
    reset(f);
    seen.holds = true;
    leave(f, (struct left){"n", 7, 1, 0, STR_NULL});
    struct job_runner *runner = start(f, &kind);
    wait_for(atomic_load(&seen.runs) == 2);
    assert_int_equal(job_runner_counts(runner).slots, 2);
    seen.holds = false;
    wait_for(atomic_load(&seen.freed) == 7);
    job_runner_free(runner);
    assert_int_equal(seen.begun, 7);
    assert_int_equal(rows(f), 0);
}

/* The first page is full of jobs for a host that has its share. */
static void jobs_behind_a_page_of_others_are_found(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    reset(f);
    seen.holds = true;
    seen.silent = true;
    leave(f, (struct left){"a", 150, 1, 0, STR("hangs")});
    leave(f, (struct left){"z", 1, 2, 0, STR("answers")});
    struct job_runner *runner = start(f, &kind);
    /* Half of the slots are the account's, of which a host has half, and the other one. */
    wait_for(atomic_load(&seen.begun) == 3);
    seen.holds = false;
    wait_for(rows(f) == 0);
    job_runner_free(runner);
}

static void a_job_that_is_held_is_not_taken_again(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(4); /* of which one account has two */
    reset(f);
    seen.holds = true;
    leave(f, (struct left){"n", 3, 1, 0, STR_NULL}); /* one waits, so looks go on */
    struct job_runner *runner = start(f, &kind);
    wait_for(atomic_load(&seen.runs) == 2);
    clock_nap_us(200 * 1000); /* many looks */
    assert_int_equal(seen.begun, 2);
    seen.holds = false;
    wait_for(atomic_load(&seen.freed) == 3);
    job_runner_free(runner);
}

/* A look may come between the commit of a job's row and the call that posts the job. */
static void a_job_that_is_about_to_be_posted_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    struct job_slot *slot;
    reset(f);
    struct job_runner *runner = start(f, &kind);
    struct str account = STR("123456789012");
    assert_int_equal(job_reserve(runner, account, STR_NULL, &slot), HOST_SHARE_ROOM);
    job_slot_set(slot, account, STR("us-east-1"), STR("a"), STR_NULL);
    check(f, store_apply(f->store, apply_slot, slot, false, &f->error));
    leave(f, (struct left){"n", 1, clock_wall_ms(), 0, STR_NULL}); /* comes behind it */
    job_runner_look(runner);
    wait_for(atomic_load(&seen.freed) == 1); /* the look took the other */
    assert_int_equal(seen.begun, 1);
    job_post(slot);
    wait_for(atomic_load(&seen.freed) == 2);
    assert_int_equal(rows(f), 0);
    job_runner_free(runner);
}

/* Fences are made from the wall clock, which may be set back. */
static void a_newer_job_with_an_earlier_fence_follows_the_held_one(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    reset(f);
    seen.holds = true;
    leave(f, (struct left){"n", 1, 1, 0, STR_NULL});
    struct job_runner *runner = start(f, &kind);
    wait_for(atomic_load(&seen.runs) == 1);
    raw(f->path, "UPDATE jobs SET fence = 500, lease_until_ms = 0");
    job_runner_look(runner);
    clock_nap_us(100 * 1000); /* the look finds the key held */
    assert_int_equal(seen.begun, 1);
    seen.holds = false;
    wait_for(rows(f) == 0);
    job_runner_free(runner);
    assert_int_equal(seen.runs, 2);
    assert_int_equal(seen.fences[1], 501);
}

static void a_job_waits_until_it_is_due(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    reset(f);
    int64_t due_at_ms = clock_wall_ms() + 300;
    leave(f, (struct left){"n", 1, due_at_ms, 0, STR_NULL});
    struct job_runner *runner = start(f, &kind);
    wait_for(atomic_load(&seen.freed) == 1);
    assert_true(clock_wall_ms() >= due_at_ms);
    job_runner_free(runner);
}

static void a_lease_is_extended_while_its_job_is_held(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    kind.lease_ms = 150;
    reset(f);
    seen.holds = true;
    struct job_runner *runner = start(f, &kind);
    make(f, runner, "a", STR_NULL);
    int64_t first = raw(f->path, "SELECT lease_until_ms FROM jobs");
    wait_for(raw(f->path, "SELECT lease_until_ms FROM jobs") > first + 150);
    seen.holds = false;
    wait_for(atomic_load(&seen.freed) == 1);
    job_runner_free(runner);
    assert_int_equal(seen.begun, 1);
}

/* One account has more due jobs than slots: their hosts are not read in vain. */
static void jobs_of_an_account_with_its_share_are_passed_by(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(4); /* of which one account has two */
    kind.retry_ms = 60 * 60 * 1000;    /* one look */
    reset(f);
    seen.holds = true;
    leave(f, (struct left){"n", 250, 1, 0, STR_NULL});
    struct job_runner *runner = start(f, &kind);
    wait_for(atomic_load(&seen.runs) == 2);
    clock_nap_us(100 * 1000);
    assert_int_equal(seen.asked, 3);
    seen.holds = false;
    job_runner_free(runner);
}

/* A look of many pages lasts longer than a lease. */
static void leases_are_extended_during_a_long_look(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(2000);
    kind.lease_ms = 1000;
    reset(f);
    seen.holds = true;
    seen.hosts_us = 3000; /* a page lasts a third of a lease */
    leave(f, (struct left){"n", 500, 1, 0, STR_NULL});
    struct job_runner *runner = start(f, &kind);
    wait_for(atomic_load(&seen.asked) > 450);
    bool good = raw(f->path, "SELECT min(lease_until_ms) FROM jobs WHERE lease_until_ms > 0") >
                clock_wall_ms();
    seen.hosts_us = 0;
    seen.holds = false;
    job_runner_free(runner);
    assert_true(good);
}

static void the_start_does_not_wait_for_the_first_look(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    reset(f);
    seen.slow_hosts = true;
    leave(f, (struct left){"n", 1, 1, 0, STR_NULL});
    struct job_runner *runner = start(f, &kind); /* would never return */
    seen.slow_hosts = false;
    wait_for(atomic_load(&seen.freed) == 1);
    job_runner_free(runner);
}

static void a_stop_leaves_jobs_in_the_store(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    reset(f);
    seen.holds = seen.stops = true;
    struct job_runner *runner = start(f, &kind);
    make(f, runner, "a", STR_NULL);
    wait_for(atomic_load(&seen.runs) == 1);
    job_runner_stop(runner);
    job_runner_free(runner);
    assert_int_equal(seen.freed, 1);
    assert_int_equal(rows(f), 1);
    seen.holds = seen.stops = false;
    runner = start(f, &kind); /* the next start */
    wait_for(atomic_load(&seen.freed) == 2);
    job_runner_free(runner);
    assert_int_equal(rows(f), 0);
}

static void a_stop_ends_repetition(void **state)
{
    struct fixture *f = *state;
    struct job_kind kind = kind_of(8);
    kind.retry_ms = 60 * 60 * 1000;
    reset(f);
    seen.again = 1000;
    struct job_runner *runner = start(f, &kind);
    make(f, runner, "a", STR_NULL);
    wait_for(atomic_load(&seen.runs) == 1);
    job_runner_free(runner); /* does not wait for an hour */
    assert_int_equal(seen.runs, 1);
    assert_int_equal(rows(f), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_job_runs_once_and_its_row_ends),
        test_with_store(a_job_that_is_run_again_keeps_its_state),
        test_with_store(a_job_that_waits_to_be_run_again_has_no_thread),
        test_with_store(slots_are_bounded_and_shared_by_account_and_host),
        test_with_store(what_a_dead_process_left_is_taken_up_at_the_start),
        test_with_store(jobs_that_find_no_slot_are_taken_up_later),
        test_with_store(jobs_behind_a_page_of_others_are_found),
        test_with_store(a_job_that_is_held_is_not_taken_again),
        test_with_store(a_job_that_is_about_to_be_posted_is_not_taken),
        test_with_store(a_newer_job_with_an_earlier_fence_follows_the_held_one),
        test_with_store(a_job_waits_until_it_is_due),
        test_with_store(a_lease_is_extended_while_its_job_is_held),
        test_with_store(jobs_of_an_account_with_its_share_are_passed_by),
        test_with_store(leases_are_extended_during_a_long_look),
        test_with_store(the_start_does_not_wait_for_the_first_look),
        test_with_store(a_stop_leaves_jobs_in_the_store),
        test_with_store(a_stop_ends_repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
