/* Circuit breakers by host. */
#include "cmocka_all.h"

#include "work/host_breaker.h"

#define HOST STR("login.example.com")

static void open_it(struct host_breakers *breakers, int64_t now_ms)
{
    for (int i = 0; i < HOST_BREAKER_FAILURES; i++) {
        assert_true(host_breaker_allows(breakers, HOST, now_ms));
        host_breaker_note(breakers, HOST, false, now_ms);
    }
}

static void a_host_that_fails_is_left_alone(void **state)
{
    struct host_breakers *breakers = host_breakers_new();
    (void)state;
    open_it(breakers, 0);
    assert_false(host_breaker_allows(breakers, HOST, 1));
    assert_true(host_breaker_allows(breakers, STR("other.example.com"), 1));
    assert_true(host_breaker_allows(breakers, HOST, HOST_BREAKER_PROBE_MS)); /* one */
    assert_false(host_breaker_allows(breakers, HOST, HOST_BREAKER_PROBE_MS));
    host_breaker_note(breakers, HOST, false, HOST_BREAKER_PROBE_MS);
    assert_false(host_breaker_allows(breakers, HOST, 2 * HOST_BREAKER_PROBE_MS - 1));
    assert_true(host_breaker_allows(breakers, HOST, 2 * HOST_BREAKER_PROBE_MS));
    host_breakers_free(breakers);
}

static void an_answer_closes_the_circuit(void **state)
{
    struct host_breakers *breakers = host_breakers_new();
    (void)state;
    open_it(breakers, 0);
    assert_true(host_breaker_allows(breakers, HOST, HOST_BREAKER_PROBE_MS));
    host_breaker_note(breakers, HOST, true, HOST_BREAKER_PROBE_MS);
    open_it(breakers, HOST_BREAKER_PROBE_MS); /* it takes as many failures again */
    assert_false(host_breaker_allows(breakers, HOST, HOST_BREAKER_PROBE_MS));
    host_breakers_free(breakers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_fails_is_left_alone),
        cmocka_unit_test(an_answer_closes_the_circuit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
