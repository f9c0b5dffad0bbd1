/* Token buckets of accounts: what they let through in which time, and how much they remember. */
#include "cmocka_all.h"

#include "work/rate_limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const struct str one = STR("123456789012"), other = STR("111122223333");
static const int64_t second_ns = 1000000000, begin_ns = 5000000000;

static struct rate_limit *made(const char *text)
{
    struct rate rate;
    assert_true(rate_from(str_from(text), &rate));
    return rate_limit_new(rate);
}

static bool takes(struct rate_limit *rate, struct str account, int64_t at_ns)
{
    int64_t wait_ns;
    return rate_limit_take(rate, account, at_ns, &wait_ns);
}

static void rates_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct rate rate;
    } good[] = {
        {"0", {0, 1}},
        {"1", {1000000000, 1}},
        {"50", {20000000, 50}},
        {"0.5", {2000000000, 1}},
        {"0.25:10", {4000000000, 10}},
        {"2.5", {400000000, 2}},
        {"0.001:1000000", {1000000000000, 1000000}},
        {"100000", {10000, 100000}},
    };
    static const char *const bad[] = {"",   "-1",    "1.",   "1.2345",    ".5",     "x",
                                      "1:", "1:0",   "1:-1", "1:1000001", "100001", "100000.001",
                                      "1 ", "1:2:3", "1e3",  "1,5"};
    struct rate rate;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_true(rate_from(str_from(good[i].text), &rate));
        assert_int_equal(rate.interval_ns, good[i].rate.interval_ns);
        assert_int_equal(rate.burst, good[i].rate.burst);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(rate_from(str_from(bad[i]), &rate));
}

/* The longest time that is told is enough, and less is not. */
static void tokens_come_back(void **state)
{
    (void)state;
    int64_t wait_ns;
    struct rate_limit *rate = made("0.5:3");
    for (int i = 0; i < 3; i++)
        assert_true(takes(rate, one, begin_ns));
    assert_false(rate_limit_take(rate, one, begin_ns, &wait_ns));
    assert_int_equal(wait_ns, 2 * second_ns);
    assert_false(rate_limit_take(rate, one, begin_ns + second_ns, &wait_ns));
    assert_int_equal(wait_ns, second_ns);
    assert_false(takes(rate, one, begin_ns + 2 * second_ns - 1));
    assert_true(takes(rate, one, begin_ns + 2 * second_ns));
    assert_false(takes(rate, one, begin_ns + 2 * second_ns));
    assert_true(takes(rate, other, begin_ns + 2 * second_ns));
    /* Who rested for long has his burst and no more. */
    for (int i = 0; i < 3; i++)
        assert_true(takes(rate, one, begin_ns + 1000 * second_ns));
    assert_false(takes(rate, one, begin_ns + 1000 * second_ns));
    rate_limit_free(rate);
}

/* Threads read the clock before they come to the bucket. */
static void time_may_go_back_a_little(void **state)
{
    (void)state;
    struct rate_limit *rate = made("1:2");
    assert_true(takes(rate, one, begin_ns));
    assert_true(takes(rate, one, begin_ns - second_ns / 2));
    assert_false(takes(rate, one, begin_ns - second_ns / 2));
    assert_false(takes(rate, one, begin_ns));
    assert_true(takes(rate, one, begin_ns + second_ns));
    rate_limit_free(rate);
}

static void no_limit_takes_no_memory(void **state)
{
    (void)state;
    assert_null(made("0"));
    for (int i = 0; i < 1000; i++)
        assert_true(takes(NULL, one, 0));
    rate_limit_free(NULL);
}

/* Each account is held to its rate as long as not too many of them are busy at once. */
/* So few that no set overflows, whatever key their hash has: at 0.2 a set, nine in one are as good
 * as impossible. */
static void accounts_do_not_mix(void **state)
{
    (void)state;
    enum { ACCOUNTS = 100 };
    struct rate_limit *rate = made("1:2");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < ACCOUNTS; i++) {
            char account[16];
            snprintf(account, sizeof(account), "%012d", i);
            assert_int_equal(takes(rate, str_from(account), begin_ns), round < 2);
        }
    }
    rate_limit_free(rate);
}

/* More than it remembers: it takes no more memory, and whoever is forgotten starts full. */
static void many_accounts_are_no_harm(void **state)
{
    (void)state;
    enum { ACCOUNTS = 200000 };
    struct rate_limit *rate = made("1:2");
    for (int i = 0; i < ACCOUNTS; i++) {
        char account[16];
        snprintf(account, sizeof(account), "%012d", i);
        assert_true(takes(rate, str_from(account), begin_ns));
    }
    assert_true(takes(rate, STR("000000199999"), begin_ns));
    assert_false(takes(rate, STR("000000199999"), begin_ns));
    rate_limit_free(rate);
}

static atomic_int taken;

static void *take_many(void *rate)
{
    for (int i = 0; i < 1000; i++)
        atomic_fetch_add(&taken, takes(rate, one, begin_ns));
    return NULL;
}

static void threads_share_a_bucket(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct rate_limit *rate = made("1:2500");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, rate), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&taken), 2500);
    rate_limit_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(tokens_come_back),
        cmocka_unit_test(time_may_go_back_a_little),
        cmocka_unit_test(no_limit_takes_no_memory),
        cmocka_unit_test(accounts_do_not_mix),
        cmocka_unit_test(many_accounts_are_no_harm),
        cmocka_unit_test(threads_share_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
