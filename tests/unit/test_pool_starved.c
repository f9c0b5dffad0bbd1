/* The pool when the system has no thread left: the linker leads the library's pthread_create here
 * (--wrap). */
#include "cmocka_all.h"

#include "work/cpu_slots.h"
#include "work/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* The linker's names. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *argument), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *argument), void *argument);

static atomic_bool starved;
static atomic_int refused; /* threads that were asked for meanwhile */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *argument), void *argument)
{
    if (!atomic_load(&starved))
        return __real_pthread_create(thread, attributes, start, argument);
    atomic_fetch_add(&refused, 1);
    return EAGAIN;
}

enum { THREADS = 4, JOBS = 3 };

static atomic_int jobs_done, misplaced;
static pthread_barrier_t together;
static struct slot_wait answer;

static void count_job(void *argument)
{
    int before = atomic_fetch_add(&jobs_done, 1);
    atomic_fetch_add(&misplaced, before != *(int *)argument);
}

/* Meets the test twice: when it has begun, and when it may end. */
static void stay(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
}

/* Leaves its slot in between, as for a vendor's answer. */
static void stay_and_wait(void *argument)
{
    slot_wait_init(&answer);
    stay(argument);
    slot_wait(&answer);
    slot_wait_done(&answer);
}

static struct pool *pool(int computing)
{
    atomic_store(&jobs_done, 0);
    atomic_store(&misplaced, 0);
    atomic_store(&refused, 0);
    atomic_store(&starved, false);
    pthread_barrier_init(&together, NULL, 2);
    return pool_new(
        &(struct pool_config){.max_threads = THREADS, .queue_max = 100, .computing = computing});
}

static void end(struct pool *workers)
{
    pool_free(workers);
    pthread_barrier_destroy(&together);
    assert_int_equal(atomic_load(&misplaced), 0);
}

static void post_numbered(struct pool *workers, int *numbers)
{
    for (int i = 0; i < JOBS; i++) {
        numbers[i] = i;
        assert_true(pool_post(workers, STR_NULL, count_job, &numbers[i], NULL, NULL));
    }
}

/* Nobody could ever do it, so it is not taken. */
static void without_a_thread_no_job_is_taken(void **state)
{
    (void)state;
    struct pool *workers = pool(0);
    struct error error = {0};
    int number = 0;
    atomic_store(&starved, true);
    assert_false(pool_post(workers, STR("vendor"), count_job, &number, NULL, &error));
    assert_int_equal(error.code, ERR_THROTTLING);
    assert_string_equal(error.message, "Rate exceeded: the system has no thread left for this "
                                       "request. Try again in a while.");
    assert_int_equal(pool_counts(workers).busy, 0);
    assert_int_equal(pool_counts(workers).queued, 0);
    atomic_store(&starved, false);
    assert_true(pool_post(workers, STR("vendor"), count_job, &number, NULL, &error));
    end(workers);
    assert_int_equal(atomic_load(&jobs_done), 1);
}

/* The threads that there are do it one after the other, in the order in which they came. */
static void jobs_wait_for_the_threads_that_there_are(void **state)
{
    (void)state;
    struct pool *workers = pool(0);
    int numbers[JOBS];
    assert_true(pool_post(workers, STR_NULL, stay, NULL, NULL, NULL));
    pthread_barrier_wait(&together);
    atomic_store(&starved, true);
    post_numbered(workers, numbers);
    assert_int_equal(atomic_load(&refused), JOBS);
    assert_int_equal(pool_counts(workers).threads, 1);
    assert_int_equal(pool_counts(workers).busy, 1 + JOBS);
    assert_int_equal(atomic_load(&jobs_done), 0);
    pthread_barrier_wait(&together);
    while (pool_counts(workers).busy > 0)
        sched_yield();
    assert_int_equal(atomic_load(&jobs_done), JOBS);
    assert_int_equal(pool_counts(workers).threads, 1);
    end(workers);
}

/* The only slot is free while its thread waits, and no thread can be made to take it: it is there
 * again for whoever waited. */
static void a_slot_that_no_thread_takes_is_not_lost(void **state)
{
    (void)state;
    struct pool *workers = pool(1);
    int numbers[JOBS];
    assert_true(pool_post(workers, STR_NULL, stay_and_wait, NULL, NULL, NULL));
    pthread_barrier_wait(&together);
    post_numbered(workers, numbers);
    assert_int_equal(atomic_load(&refused), 0); /* they wait for the slot */
    atomic_store(&starved, true);
    pthread_barrier_wait(&together);
    while (atomic_load(&refused) < JOBS)
        sched_yield();
    assert_int_equal(atomic_load(&jobs_done), 0);
    slot_wait_end(&answer);
    while (pool_counts(workers).busy > 0)
        sched_yield();
    assert_int_equal(atomic_load(&jobs_done), JOBS);
    end(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_thread_no_job_is_taken),
        cmocka_unit_test(jobs_wait_for_the_threads_that_there_are),
        cmocka_unit_test(a_slot_that_no_thread_takes_is_not_lost),
    };
    return cmocka_run_group_tests_name("workers starved", tests, NULL, NULL);
}
