/* Who may compute, and who goes first: slots, and the pool of workers that has them. */
#include "cmocka_all.h"

#include "work/cpu_slots.h"
#include "work/pool.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

/* --- slots --- */

struct waiter {
    struct slot_request request; /* first, so that one pointer is both */
    sem_t granted;
};

static void note_grant(struct slot_request *request)
{
    sem_post(&((struct waiter *)request)->granted);
}

static void waiter_init(struct waiter *waiter)
{
    waiter->request.granted = note_grant;
    sem_init(&waiter->granted, 0, 0);
}

static void slots_are_given_in_order(void **state)
{
    (void)state;
    struct cpu_slots *slots = cpu_slots_new(2);
    struct waiter waiters[4];
    for (size_t i = 0; i < 4; i++) {
        waiter_init(&waiters[i]);
        assert_int_equal(cpu_slots_take(slots, &waiters[i].request), i < 2);
    }
    assert_ptr_equal(cpu_slots_pass(slots), &waiters[2]);
    assert_ptr_equal(cpu_slots_pass(slots), &waiters[3]);
    assert_null(cpu_slots_pass(slots));
    assert_true(cpu_slots_take(slots, &waiters[0].request));
    assert_null(cpu_slots_pass(slots));
    assert_null(cpu_slots_pass(slots));
    cpu_slots_free(slots);
}

struct helper {
    struct cpu_slots *slots;
    struct slot_wait pause;
    sem_t ready; /* its pause can be ended */
    sem_t went_on;
};

static void *wait_and_go_on(void *argument)
{
    struct helper *helper = argument;
    struct waiter waiter;
    waiter_init(&waiter);
    if (helper->slots && !cpu_slots_take(helper->slots, &waiter.request))
        return NULL;
    cpu_slots_use(helper->slots);
    slot_wait_init(&helper->pause);
    sem_post(&helper->ready);
    slot_wait(&helper->pause);
    sem_post(&helper->went_on);
    slot_wait_done(&helper->pause);
    struct slot_request *next = helper->slots ? cpu_slots_pass(helper->slots) : NULL;
    if (next)
        next->granted(next);
    return helper;
}

static void helper_start(struct helper *helper, struct cpu_slots *slots, pthread_t *ret_thread)
{
    helper->slots = slots;
    sem_init(&helper->ready, 0, 0);
    sem_init(&helper->went_on, 0, 0);
    assert_int_equal(pthread_create(ret_thread, NULL, wait_and_go_on, helper), 0);
    sem_wait(&helper->ready);
}

static void helper_end(pthread_t thread)
{
    void *good;
    pthread_join(thread, &good);
    assert_non_null(good);
}

/* The only slot is another's while its thread waits. When the wait is over the thread has to wait
 * for the slot, but not behind work that has not begun. */
static void who_waits_leaves_the_slot_and_has_it_again_first(void **state)
{
    (void)state;
    struct cpu_slots *slots = cpu_slots_new(1);
    struct waiter one, later;
    struct helper helper;
    pthread_t thread;
    waiter_init(&one);
    waiter_init(&later);
    helper_start(&helper, slots, &thread);
    if (!cpu_slots_take(slots, &one.request))
        sem_wait(&one.granted);
    assert_false(cpu_slots_take(slots, &later.request));
    slot_wait_end(&helper.pause);
    assert_int_equal(sem_trywait(&helper.went_on), -1);
    struct slot_request *first = cpu_slots_pass(slots);
    assert_ptr_equal(first, &helper.pause.request);
    assert_int_equal(sem_trywait(&later.granted), -1);
    first->granted(first); /* who passes the slot on when it ends */
    sem_wait(&helper.went_on);
    sem_wait(&later.granted);
    helper_end(thread);
    assert_null(cpu_slots_pass(slots));
    cpu_slots_free(slots);
}

static void threads_without_a_slot_wait_as_well(void **state)
{
    (void)state;
    struct helper helper;
    pthread_t thread;
    helper_start(&helper, NULL, &thread);
    slot_wait_end(&helper.pause);
    helper_end(thread);
}

static void a_wait_that_ended_before_it_began_keeps_the_slot(void **state)
{
    (void)state;
    struct cpu_slots *slots = cpu_slots_new(1);
    struct waiter me, other;
    struct slot_wait pause;
    waiter_init(&me);
    waiter_init(&other);
    assert_true(cpu_slots_take(slots, &me.request));
    assert_false(cpu_slots_take(slots, &other.request));
    cpu_slots_use(slots);
    slot_wait_init(&pause);
    slot_wait_end(&pause);
    slot_wait(&pause);
    slot_wait_done(&pause);
    assert_int_equal(sem_trywait(&other.granted), -1);
    cpu_slots_use(NULL);
    assert_ptr_equal(cpu_slots_pass(slots), &other);
    assert_null(cpu_slots_pass(slots));
    cpu_slots_free(slots);
}

/* Time is up, and the wait can be taken up again. */
static void a_wait_can_be_looked_at_in_between(void **state)
{
    (void)state;
    struct cpu_slots *slots = cpu_slots_new(1);
    struct waiter me, other;
    struct slot_wait pause;
    waiter_init(&me);
    waiter_init(&other);
    assert_true(cpu_slots_take(slots, &me.request));
    cpu_slots_use(slots);
    slot_wait_init(&pause);
    assert_false(slot_wait_for(&pause, 20));
    assert_false(cpu_slots_take(slots, &other.request)); /* the slot is this thread's again */
    slot_wait_end(&pause);
    assert_true(slot_wait_for(&pause, 60 * 1000));
    slot_wait_done(&pause);
    cpu_slots_use(NULL);
    assert_ptr_equal(cpu_slots_pass(slots), &other);
    assert_null(cpu_slots_pass(slots));
    cpu_slots_free(slots);
}

enum { RACES = 2000 };

struct race {
    struct slot_wait wait;
    sem_t begun;
};

static void *end_wait(void *argument)
{
    struct race *race = argument;
    for (int i = 0; i < RACES; i++) {
        sem_wait(&race->begun);
        for (int k = 0; k < i % 7; k++)
            sched_yield();
        slot_wait_end(&race->wait);
    }
    return NULL;
}

/* The end of the time and that of the wait come together: it ends once, whatever is first. */
static void a_wait_ends_once_as_its_time_does(void **state)
{
    (void)state;
    struct race race;
    pthread_t thread;
    sem_init(&race.begun, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, end_wait, &race), 0);
    for (int i = 0; i < RACES; i++) {
        slot_wait_init(&race.wait);
        sem_post(&race.begun);
        while (!slot_wait_for(&race.wait, 0))
            continue;
        slot_wait_done(&race.wait);
    }
    pthread_join(thread, NULL);
    sem_destroy(&race.begun);
}

/* --- workers --- */

enum { SLOTS = 2, JOBS = 40 };

struct jobs {
    atomic_int computing, most, waiting;
    atomic_bool released;
};

static void compute(struct jobs *jobs)
{
    int now = atomic_fetch_add(&jobs->computing, 1) + 1, most = atomic_load(&jobs->most);
    while (now > most && !atomic_compare_exchange_weak(&jobs->most, &most, now))
        continue;
    for (int i = 0; i < 100; i++)
        sched_yield();
    atomic_fetch_sub(&jobs->computing, 1);
}

static void compute_and_wait(void *argument)
{
    struct jobs *jobs = argument;
    compute(jobs);
    slot_release();
    atomic_fetch_add(&jobs->waiting, 1);
    while (!atomic_load(&jobs->released))
        sched_yield();
    slot_acquire();
    compute(jobs);
}

/* All wait at the same time, but no more compute than have a slot: neither before they wait nor
 * when all waits end at once. */
static void all_wait_but_few_compute(void **state)
{
    (void)state;
    struct jobs jobs = {0};
    struct pool *workers =
        pool_new(&(struct pool_config){.max_threads = JOBS, .computing = SLOTS, .idle_ms = 1});
    for (int i = 0; i < JOBS; i++)
        assert_true(pool_post(workers, STR_NULL, compute_and_wait, &jobs, NULL, NULL));
    while (atomic_load(&jobs.waiting) < JOBS)
        sched_yield();
    atomic_store(&jobs.released, true);
    pool_free(workers);
    assert_in_range(atomic_load(&jobs.most), 1, SLOTS);
}

struct order {
    atomic_int begun;
    struct slot_wait pause;
    sem_t waits;
    int ended_after; /* jobs that had begun when the one that waits was done */
};

static void wait_then_note(void *argument)
{
    struct order *order = argument;
    slot_wait_init(&order->pause);
    sem_post(&order->waits);
    slot_wait(&order->pause);
    slot_wait_done(&order->pause);
    order->ended_after = atomic_load(&order->begun);
}

static void end_the_wait(void *argument)
{
    struct order *order = argument;
    sem_wait(&order->waits);
    if (atomic_fetch_add(&order->begun, 1) == 0)
        slot_wait_end(&order->pause);
    sem_post(&order->waits);
}

/* The second job runs on the first one's slot while that waits, and ends the wait; the third does
 * not begin before the first is done. */
static void jobs_in_hand_go_before_new_ones(void **state)
{
    (void)state;
    struct order order = {0};
    struct pool *workers =
        pool_new(&(struct pool_config){.max_threads = 8, .computing = 1, .idle_ms = 1});
    sem_init(&order.waits, 0, 0);
    assert_true(pool_post(workers, STR_NULL, wait_then_note, &order, NULL, NULL));
    assert_true(pool_post(workers, STR_NULL, end_the_wait, &order, NULL, NULL));
    assert_true(pool_post(workers, STR_NULL, end_the_wait, &order, NULL, NULL));
    pool_free(workers);
    assert_int_equal(order.ended_after, 1);
    assert_int_equal(atomic_load(&order.begun), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_given_in_order),
        cmocka_unit_test(who_waits_leaves_the_slot_and_has_it_again_first),
        cmocka_unit_test(threads_without_a_slot_wait_as_well),
        cmocka_unit_test(a_wait_that_ended_before_it_began_keeps_the_slot),
        cmocka_unit_test(a_wait_can_be_looked_at_in_between),
        cmocka_unit_test(a_wait_ends_once_as_its_time_does),
        cmocka_unit_test(all_wait_but_few_compute),
        cmocka_unit_test(jobs_in_hand_go_before_new_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
