/* How a node's slots for jobs are used: what becomes free is filled, and a host's limit of the
 * moment holds back its own jobs alone. */
#include "store_fixture.h"

#include "base/clock.h"
#include "job/internal.h"
#include "store_raw.h"

#include <stdatomic.h>

enum { WAIT_MS = 20 * 1000 };

static struct store *store;
static struct job_runner *runner; /* of the test */
static atomic_int limit;          /* of jobs at once for "slow" */
static _Atomic int64_t grows_at_ms;
static atomic_int looks, begun;

/* For jobs of "gone": others end LOST of them between the second look's read and its leases. That
 * look follows when half of those that the first one took have ended; the others wait for it, or it
 * waits for them. */
enum { TAKEN = 4, LOST = 4 };
static atomic_int lost;
static atomic_bool look_waits;

/* For jobs of "crowd", which run until they are released. In the second look a job of another
 * account is met, "early", and pages later "late". */
enum { CROWD = 250 };
static atomic_bool is_crowded, released, was_filled;
static atomic_int looks_at_early, looks_at_late;

static bool apply_finish(struct db *db, void *argument, struct error *error)
{
    bool held;
    return job_finish(db, argument, &held, error);
}

struct due {
    const char *host;
    int count;
    const char *account; /* NULL: the one of most */
    int64_t first_ms;    /* the others are due one by one after it */
};

static bool apply_due(struct db *db, void *argument, struct error *error)
{
    const struct due *due = argument;
    struct arena arena = {0};
    bool ok = true;
    for (int i = 0; ok && i < due->count; i++) {
        const struct job_row row = {
            .key = {STR("kind"), str_from(due->account ? due->account : "123456789012"),
                    STR("eu-central-1"), arena_printf(&arena, "%s-%d", due->host, i)},
            .due_at_ms = due->first_ms + i,
            .fence = job_new_fence(),
            .payload = str_from(due->host),
        };
        ok = job_insert(db, &row, STR(""), error);
    }
    arena_done(&arena);
    return ok;
}

static bool wait_until(bool (*is_so)(void))
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (!is_so() && clock_mono_ms() < until_ms)
        clock_nap_us(1000);
    return is_so();
}

static bool first_have_ended(void)
{
    pthread_mutex_lock(&runner->lock);
    bool ended = runner->ended >= TAKEN;
    pthread_mutex_unlock(&runner->lock);
    return ended;
}

static bool looking(void *context)
{
    struct due early = {"early", 1, "111122223333", 10}, late = {"late", 1, "111122223333", CROWD};
    struct error error;
    (void)context;
    bool is_second = atomic_fetch_add(&looks, 1) == 1;
    if (is_second && atomic_load(&is_crowded))
        assert_true(store_apply(store, apply_due, &early, false, &error) &&
                    store_apply(store, apply_due, &late, false, &error));
    if (is_second && atomic_load(&look_waits))
        wait_until(first_have_ended);
    return true;
}

static bool more_have_begun(void)
{
    return atomic_load(&begun) > TAKEN;
}

static bool crowd_was_filled(void)
{
    return atomic_load(&was_filled);
}

/* After the look that meets "timer" has read what is due, another job becomes due. */
static void make_due_meanwhile(void)
{
    struct due soon = {.host = "soon", .count = 1, .first_ms = clock_wall_ms() + 1};
    struct error error;
    assert_true(store_apply(store, apply_due, &soon, false, &error));
    while (clock_wall_ms() <= soon.first_ms)
        clock_nap_us(1000);
}

static void meet(struct str payload)
{
    if (str_eq(payload, STR("early"))) {
        atomic_store(&looks_at_early, atomic_load(&looks));
        atomic_store(&released, true);
        wait_until(first_have_ended);
    }
    if (str_eq(payload, STR("late"))) {
        atomic_store(&looks_at_late, atomic_load(&looks));
        atomic_store(&was_filled, wait_until(more_have_begun));
    }
    if (str_eq(payload, STR("timer")))
        make_due_meanwhile();
}

static struct str hosts(void *context, const struct job_row *row, struct arena *arena)
{
    struct job_row copy = *row;
    struct error error;
    (void)context;
    if (str_eq(row->payload, STR("gone")) && atomic_load(&looks) == 2 &&
        atomic_load(&lost) < LOST && store_apply(store, apply_finish, &copy, false, &error))
        atomic_fetch_add(&lost, 1);
    meet(row->payload);
    return arena_copy(arena, row->payload);
}

static bool is_lost(void)
{
    return atomic_load(&lost) >= LOST;
}

static bool is_released(void)
{
    return atomic_load(&released);
}

static void *begin(void *context, const struct job_row *row)
{
    (void)context;
    return (void *)row;
}

static enum job_end run(void *argument, struct job_runner *of)
{
    const struct job_row *row = argument;
    struct error error;
    (void)of;
    if (str_eq(row->payload, STR("gone")) && atomic_fetch_add(&begun, 1) >= TAKEN / 2 &&
        !atomic_load(&look_waits))
        wait_until(is_lost);
    if (str_eq(row->payload, STR("crowd")) && atomic_fetch_add(&begun, 1) < TAKEN)
        wait_until(is_released);
    return store_apply(store, apply_finish, argument, false, &error) ? JOB_DONE : JOB_AGAIN;
}

static enum job_hosts_said hosts_said(const void *state)
{
    (void)state;
    return JOB_HOSTS_ANSWERED;
}

static void end(void *state)
{
    (void)state;
}

static size_t host_limit(void *context, struct str host)
{
    (void)context;
    return str_eq(host, STR("slow")) ? (size_t)atomic_load(&limit) : 4;
}

static int64_t limits_grow_at_ms(void *context)
{
    (void)context;
    if (clock_mono_ms() < grows_at_ms)
        return grows_at_ms;
    atomic_store(&limit, 1);
    return INT64_MAX;
}

static const struct job_kind kind = {
    .name = STR("kind"),
    .threads_max = 4,
    .slots_max = 16,
    .retry_ms = 10 * WAIT_MS, /* no look by time */
    .looking = looking,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = end,
    .host_limit = host_limit,
    .limits_grow_at_ms = limits_grow_at_ms,
};

/* --- jobs in the store --- */

static void make_due(struct fixture *f, struct due due)
{
    check(f, store_apply(f->store, apply_due, &due, false, &f->error));
}

/* Before anything else of a test. */
static void reset(struct fixture *f)
{
    store = f->store;
    runner = job_runner_new(&kind, NULL, f->store);
    atomic_store(&limit, 0);
    atomic_store(&grows_at_ms, 0);
    atomic_store(&looks, 0);
    atomic_store(&begun, 0);
    atomic_store(&lost, 0);
    atomic_store(&looks_at_early, 0);
    atomic_store(&looks_at_late, 0);
    atomic_store(&look_waits, false);
    atomic_store(&is_crowded, false);
    atomic_store(&released, false);
    atomic_store(&was_filled, false);
}

static void start(struct fixture *f)
{
    check(f, job_runner_start(runner, &f->error));
}

static int64_t rows(struct fixture *f, const char *host)
{
    char query[100];
    snprintf(query, sizeof(query), "SELECT count(*) FROM jobs WHERE payload = '%s'", host);
    return raw(f->path, query);
}

static void wait_until_done(struct fixture *f, const char *host)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (rows(f, host) > 0) {
        assert_true(clock_mono_ms() < until_ms);
        clock_nap_us(1000);
    }
}

/* From a store with more due jobs than a page has. */
static void slots_that_become_free_are_filled(void **state)
{
    struct fixture *f = *state;
    reset(f);
    make_due(f, (struct due){.host = "fast", .count = 250});
    start(f);
    wait_until_done(f, "fast");
    job_runner_free(runner);
}

/* While a look is at the other jobs of an account that has its share. What the kind does before
 * looks is not done within this one. */
static void slots_that_become_free_during_a_look_are_filled(void **state)
{
    struct fixture *f = *state;
    reset(f);
    atomic_store(&is_crowded, true);
    make_due(f, (struct due){.host = "crowd", .count = CROWD, .first_ms = 1});
    start(f);
    job_runner_look(runner);
    bool filled = wait_until(crowd_was_filled);
    wait_until_done(f, "crowd");
    job_runner_free(runner);
    assert_true(filled);
    assert_int_equal(atomic_load(&looks_at_late), atomic_load(&looks_at_early));
}

static void a_look_that_got_no_lease_is_followed_by_another(void **state)
{
    struct fixture *f = *state;
    reset(f);
    make_due(f, (struct due){.host = "gone", .count = 12});
    start(f);
    wait_until_done(f, "gone");
    assert_int_equal(atomic_load(&lost), LOST);
    job_runner_free(runner);
}

static void so_is_one_with_nothing_in_hand(void **state)
{
    struct fixture *f = *state;
    reset(f);
    atomic_store(&look_waits, true);
    make_due(f, (struct due){.host = "gone", .count = 12});
    start(f);
    wait_until_done(f, "gone");
    assert_int_equal(atomic_load(&lost), LOST);
    job_runner_free(runner);
}

static void what_becomes_due_during_a_look_is_taken_by_the_next(void **state)
{
    struct fixture *f = *state;
    reset(f);
    make_due(f, (struct due){.host = "timer", .count = 1});
    start(f);
    wait_until_done(f, "timer");
    wait_until_done(f, "soon");
    job_runner_free(runner);
}

static void a_hosts_limit_holds_back_its_jobs_alone(void **state)
{
    struct fixture *f = *state;
    reset(f);
    atomic_store(&grows_at_ms, clock_mono_ms() + 300);
    make_due(f, (struct due){.host = "slow", .count = 2});
    make_due(f, (struct due){.host = "fast", .count = 2});
    start(f);
    wait_until_done(f, "fast");
    wait_until_done(f, "slow");
    assert_true(clock_mono_ms() >= grows_at_ms);
    job_runner_free(runner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(slots_that_become_free_are_filled),
        test_with_store(slots_that_become_free_during_a_look_are_filled),
        test_with_store(a_look_that_got_no_lease_is_followed_by_another),
        test_with_store(so_is_one_with_nothing_in_hand),
        test_with_store(what_becomes_due_during_a_look_is_taken_by_the_next),
        test_with_store(a_hosts_limit_holds_back_its_jobs_alone),
    };
    return cmocka_run_group_tests_name("job slots", tests, NULL, NULL);
}
