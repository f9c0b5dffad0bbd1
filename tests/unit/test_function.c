/* Who runs a custom connector's function: the first runner that knows it, unless the function does
 * not answer. */
#include "cmocka_all.h"

#include "function_double.h"

#include "base/arena.h"
#include "base/clock.h"
#include "connector/custom/function_breaker.h"

#include <stdio.h>

static struct function_call call_of(const char *arn)
{
    return (struct function_call){.arn = str_from(arn),
                                  .payload = STR("{}"),
                                  .deadline_ms = clock_mono_ms() + FUNCTION_TIME_MS};
}

static struct function_answer invoke(struct function_runner *runners, const char *arn,
                                     struct arena *arena)
{
    struct function_answer answer;
    struct function_call call = call_of(arn);
    function_invoke(runners, &call, arena, &answer);
    return answer;
}

static void the_first_runner_that_knows_a_function_runs_it(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct function_runner *runners = NULL;
    struct function_double local = function_double("arn:local", "\"local\"");
    struct function_double any = function_double("", "\"any\"");
    function_runner_add(&runners, &local.runner);
    function_runner_add(&runners, &any.runner);
    assert_true(str_eq(invoke(runners, "arn:local:1", &arena).payload, STR("\"local\"")));
    assert_true(str_eq(invoke(runners, "arn:other", &arena).payload, STR("\"any\"")));
    assert_int_equal(local.calls, 1);
    assert_int_equal(any.calls, 1);
    arena_done(&local.arena);
    arena_done(&any.arena);
    arena_done(&arena);
}

static void a_function_that_no_runner_knows_is_not_found(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct function_runner *runners = NULL;
    assert_int_equal(invoke(runners, "arn:x", &arena).outcome, FUNCTION_NOT_FOUND);
    struct function_double local = function_double("arn:local", "{}");
    function_runner_add(&runners, &local.runner);
    struct function_answer answer = invoke(runners, "arn:other", &arena);
    assert_int_equal(answer.outcome, FUNCTION_NOT_FOUND);
    assert_true(str_contains(answer.message, STR("arn:other")));
    assert_true(str_contains(answer.message, STR("--local-connector")));
    assert_int_equal(local.calls, 0);
    arena_done(&arena);
}

/* --- circuit breakers --- */

enum { OPEN_MS = 30 * 1000, OPEN_MAX_MS = 50 * 1000 }; /* so that no test sees them end */

struct guarded {
    struct function_double runner;
    struct function_runner *runners;
    struct function_breakers *breakers;
    struct arena arena;
};

static int set_up(void **state)
{
    static struct guarded guarded;
    guarded = (struct guarded){.runner = function_double("", "{}")};
    guarded.breakers =
        function_breakers_new(&(struct function_breakers_config){OPEN_MS, OPEN_MAX_MS});
    function_runner_add(&guarded.runners, &guarded.runner.runner);
    function_runners_guard(guarded.runners, guarded.breakers);
    *state = &guarded;
    return 0;
}

static int tear_down(void **state)
{
    struct guarded *guarded = *state;
    function_breakers_free(guarded->breakers);
    arena_done(&guarded->runner.arena);
    arena_done(&guarded->arena);
    return 0;
}

/* Whether the call was made; it ends as `outcome` then. */
static bool is_called(struct guarded *guarded, const char *arn, enum function_outcome outcome)
{
    int before = guarded->runner.calls;
    guarded->runner.answer.outcome = outcome;
    guarded->runner.answer.message = STR("");
    struct function_answer answer = invoke(guarded->runners, arn, &guarded->arena);
    bool called = guarded->runner.calls > before;
    if (!called) {
        assert_int_equal(answer.outcome, FUNCTION_UNREACHABLE);
        assert_true(str_starts(answer.message, STR("The function ")));
        assert_true(str_contains(answer.message, str_from(arn)));
        assert_true(
            str_contains(answer.message, STR("did not answer its last calls: no call is made "
                                             "until 20")));
    }
    return called;
}

static void let_it_open(struct guarded *guarded)
{
    for (int i = 0; i < FUNCTION_BREAKER_FAILURES; i++)
        assert_true(is_called(guarded, "arn:a", i % 2 ? FUNCTION_UNREACHABLE : FUNCTION_TIMED_OUT));
    assert_int_equal(function_breakers_open(guarded->breakers), 1);
}

static void a_function_that_does_not_answer_is_not_called(void **state)
{
    struct guarded *guarded = *state;
    let_it_open(guarded);
    assert_false(is_called(guarded, "arn:a", FUNCTION_ANSWERED));
    assert_true(is_called(guarded, "arn:b", FUNCTION_ANSWERED));
}

/* With one profile's settings it waits for a host that is away. */
static void a_function_is_called_with_other_settings(void **state)
{
    struct guarded *guarded = *state;
    struct function_answer answer;
    struct function_call call = call_of("arn:a");
    call.settings = STR("{\"host\":\"away\"}");
    guarded->runner.answer.outcome = FUNCTION_TIMED_OUT;
    for (int i = 0; i <= FUNCTION_BREAKER_FAILURES; i++)
        function_invoke(guarded->runners, &call, &guarded->arena, &answer);
    assert_int_equal(guarded->runner.calls, FUNCTION_BREAKER_FAILURES);
    assert_true(str_contains(answer.message, STR("The function arn:a did not answer")));
    call.settings = STR("{\"host\":\"here\"}");
    function_invoke(guarded->runners, &call, &guarded->arena, &answer);
    assert_int_equal(guarded->runner.calls, FUNCTION_BREAKER_FAILURES + 1);
    assert_true(is_called(guarded, "arn:a", FUNCTION_ANSWERED));
}

static void a_call_that_had_little_time_says_nothing(void **state)
{
    struct guarded *guarded = *state;
    struct function_answer answer;
    guarded->runner.answer.outcome = FUNCTION_TIMED_OUT;
    for (int i = 0; i < 2 * FUNCTION_BREAKER_FAILURES; i++) {
        struct function_call call = call_of("arn:a");
        call.deadline_ms -= FUNCTION_TIME_MS / 2 + 1;
        function_invoke(guarded->runners, &call, &guarded->arena, &answer);
    }
    assert_int_equal(guarded->runner.calls, 2 * FUNCTION_BREAKER_FAILURES);
    assert_int_equal(function_breakers_open(guarded->breakers), 0);
}

static void an_answer_begins_the_sequence_anew(void **state)
{
    static const enum function_outcome answers[] = {FUNCTION_ANSWERED, FUNCTION_FAILED,
                                                    FUNCTION_TOO_LARGE};
    struct guarded *guarded = *state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        for (int failures = 1; failures < FUNCTION_BREAKER_FAILURES; failures++)
            assert_true(is_called(guarded, "arn:a", FUNCTION_TIMED_OUT));
        assert_true(is_called(guarded, "arn:a", answers[i]));
    }
    assert_int_equal(function_breakers_open(guarded->breakers), 0);
}

static void what_the_runner_refuses_says_nothing(void **state)
{
    static const enum function_outcome refusals[] = {FUNCTION_THROTTLED, FUNCTION_CRASHED,
                                                     FUNCTION_DENIED, FUNCTION_NOT_FOUND};
    struct guarded *guarded = *state;
    for (int failures = 1; failures < FUNCTION_BREAKER_FAILURES; failures++) {
        assert_true(is_called(guarded, "arn:a", FUNCTION_TIMED_OUT));
        for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
            assert_true(is_called(guarded, "arn:a", refusals[i]));
    }
    assert_true(is_called(guarded, "arn:a", FUNCTION_TIMED_OUT));
    assert_false(is_called(guarded, "arn:a", FUNCTION_ANSWERED));
}

static int64_t held_for_ms(struct guarded *guarded)
{
    int64_t until_ms = 0, now_ms = clock_mono_ms();
    assert_false(function_breakers_enter(guarded->breakers, STR("arn:a"), 0, &until_ms));
    return until_ms - now_ms;
}

static void the_pause_grows_to_a_bound(void **state)
{
    struct guarded *guarded = *state;
    let_it_open(guarded);
    assert_in_range(held_for_ms(guarded), OPEN_MS - 10 * 1000, OPEN_MS);
    function_breakers_leave(guarded->breakers, STR("arn:a"), clock_mono_ms(),
                            FUNCTION_END_UNANSWERED);
    assert_in_range(held_for_ms(guarded), OPEN_MAX_MS - 10 * 1000, OPEN_MAX_MS);
    /* A call that began before the breaker opened says nothing new. */
    function_breakers_leave(guarded->breakers, STR("arn:a"), 1, FUNCTION_END_UNANSWERED);
    assert_in_range(held_for_ms(guarded), OPEN_MAX_MS - 10 * 1000, OPEN_MAX_MS);
    function_breakers_leave(guarded->breakers, STR("arn:a"), 1, FUNCTION_END_ANSWERED);
    assert_int_equal(function_breakers_open(guarded->breakers), 0);
    let_it_open(guarded);
    assert_in_range(held_for_ms(guarded), OPEN_MS - 10 * 1000, OPEN_MS);
}

static void one_call_tries_again_after_the_pause(void **state)
{
    (void)state;
    int64_t until_ms = 0, deadline_ms = clock_mono_ms() + 60 * 1000;
    struct function_breakers *breakers =
        function_breakers_new(&(struct function_breakers_config){1, 1});
    for (int i = 0; i < FUNCTION_BREAKER_FAILURES; i++)
        function_breakers_leave(breakers, STR("arn:a"), clock_mono_ms(), FUNCTION_END_UNANSWERED);
    clock_nap_us(3000);
    assert_true(function_breakers_enter(breakers, STR("arn:a"), deadline_ms, &until_ms));
    assert_false(function_breakers_enter(breakers, STR("arn:a"), deadline_ms, &until_ms));
    assert_int_equal(until_ms, deadline_ms);
    function_breakers_leave(breakers, STR("arn:a"), clock_mono_ms(), FUNCTION_END_ANSWERED);
    assert_true(function_breakers_enter(breakers, STR("arn:a"), deadline_ms, &until_ms));
    function_breakers_free(breakers);
}

static void functions_that_failed_long_ago_are_forgotten(void **state)
{
    struct guarded *guarded = *state;
    char arn[32];
    let_it_open(guarded);
    for (int i = 0; i < FUNCTION_BREAKERS_MAX; i++) {
        snprintf(arn, sizeof(arn), "arn:%d", i);
        assert_true(is_called(guarded, arn, FUNCTION_TIMED_OUT));
    }
    assert_int_equal(function_breakers_open(guarded->breakers), 0);
    assert_true(is_called(guarded, "arn:a", FUNCTION_ANSWERED));
}

#define GUARDED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_runner_that_knows_a_function_runs_it),
        cmocka_unit_test(a_function_that_no_runner_knows_is_not_found),
        GUARDED(a_function_that_does_not_answer_is_not_called),
        GUARDED(a_function_is_called_with_other_settings),
        GUARDED(a_call_that_had_little_time_says_nothing),
        GUARDED(an_answer_begins_the_sequence_anew),
        GUARDED(what_the_runner_refuses_says_nothing),
        GUARDED(the_pause_grows_to_a_bound),
        cmocka_unit_test(one_call_tries_again_after_the_pause),
        GUARDED(functions_that_failed_long_ago_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
