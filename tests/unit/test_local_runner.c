/* Functions as processes of this machine, from the call to what is left of them. The function is
 * tests/support/provided.py, which does what a call's payload says. */
#include "local_runner_fixture.h"

static void test_a_process_is_kept_for_the_next_call(void **state)
{
    struct fixture fixture;
    (void)state;
    begin_as_usual(&fixture);
    struct function_answer first = call(&fixture, "{\"do\": \"look\"}");
    struct function_answer second = call(&fixture, "{\"do\": \"look\"}");
    assert_outcome(&first, FUNCTION_ANSWERED, "");
    assert_outcome(&second, FUNCTION_ANSWERED, "");
    assert_int_equal(number_in(first.payload, "pid"), number_in(second.payload, "pid"));
    assert_int_equal(local_runner_counts(fixture.runner).started, 1);
    long pid = number_in(first.payload, "pid");
    end(&fixture);
    assert_gone(pid);
}

static void test_an_error_of_the_function(void **state)
{
    struct fixture fixture;
    (void)state;
    begin_as_usual(&fixture);
    struct function_answer answer = call(&fixture, "{\"do\": \"error\"}");
    assert_outcome(&answer, FUNCTION_FAILED, "no apples");
    assert_true(str_eq(answer.error_type, STR("Orchard.Bad")));
    end(&fixture);
}

static void test_a_process_that_ends_is_replaced(void **state)
{
    struct fixture fixture;
    (void)state;
    begin_as_usual(&fixture);
    struct function_answer answer = call(&fixture, "{\"do\": \"exit\"}");
    assert_outcome(&answer, FUNCTION_CRASHED, "exit status 3");
    answer = call(&fixture, "{\"do\": \"signal\", \"signal\": 11}");
    assert_outcome(&answer, FUNCTION_CRASHED, "signal 11");
    answer = call(&fixture, "{\"a\": 1}");
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    assert_string_equal(answer.payload.data, "{\"a\": 1}");
    end(&fixture);
}

static void test_a_hang_ends_with_the_deadline(void **state)
{
    struct fixture fixture;
    (void)state;
    begin_as_usual(&fixture);
    long pid = number_in(call(&fixture, "{\"do\": \"fork\"}").payload, "pid");
    struct function_answer answer =
        call_of(fixture.runner, &fixture.arena, ARN, "123456789012", "{\"do\": \"hang\"}", 1500);
    assert_outcome(&answer, FUNCTION_TIMED_OUT, "did not answer in time");
    assert_gone(pid);
    answer = call(&fixture, "{}");
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    end(&fixture);
}

static void test_nothing_is_left_of_a_process(void **state)
{
    struct fixture fixture;
    (void)state;
    begin_as_usual(&fixture);
    struct function_answer answer = call(&fixture, "{\"do\": \"fork\"}");
    long pid = number_in(answer.payload, "pid"), child = number_in(answer.payload, "child");
    assert_int_equal(kill((pid_t)child, 0), 0);
    end(&fixture);
    assert_gone(pid);
    assert_gone(child);
}

static void test_answers_up_to_the_limit(void **state)
{
    struct fixture fixture;
    (void)state;
    begin_as_usual(&fixture);
    struct function_answer answer = call(&fixture, "{\"do\": \"large\", \"size\": 6291456}");
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    assert_int_equal(answer.payload.len, FUNCTION_PAYLOAD_MAX);
    long pid = number_in(call(&fixture, "{\"do\": \"look\"}").payload, "pid");
    answer = call(&fixture, "{\"do\": \"large\", \"size\": 6291457}");
    assert_outcome(&answer, FUNCTION_TOO_LARGE, "6291457 bytes");
    assert_int_equal(number_in(call(&fixture, "{\"do\": \"look\"}").payload, "pid"), pid);
    /* Refused by the listener, which does not take it in. */
    answer = call_of(fixture.runner, &fixture.arena, ARN, "123456789012",
                     "{\"do\": \"large\", \"size\": 16000000}", 10 * 1000);
    assert_outcome(&answer, FUNCTION_TOO_LARGE, "longer than 6291456 bytes");
    assert_int_not_equal(number_in(call(&fixture, "{\"do\": \"look\"}").payload, "pid"), pid);
    end(&fixture);
}

static void test_a_process_that_speaks_wrongly(void **state)
{
    struct fixture fixture;
    (void)state;
    begin_as_usual(&fixture);
    struct function_answer answer = call(&fixture, "{\"do\": \"wrong-id\"}");
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    assert_int_equal(number_in(answer.payload, "status"), 400);
    answer = call(&fixture, "{\"do\": \"next-twice\"}");
    assert_outcome(&answer, FUNCTION_CRASHED, "before it had answered");
    call(&fixture, "{}");
    answer = call_of(fixture.runner, &fixture.arena, ARN, "123456789012", "{\"do\": \"malformed\"}",
                     1500);
    assert_outcome(&answer, FUNCTION_TIMED_OUT, "What it sent to the Runtime API was refused: ");
    answer = call(&fixture, "{}");
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    end(&fixture);
}

static void test_unknown_functions(void **state)
{
    struct fixture fixture;
    (void)state;
    begin_as_usual(&fixture);
    struct function_answer answer =
        call_of(fixture.runner, &fixture.arena, ARN "x", "123456789012", "{}", 1000);
    assert_outcome(&answer, FUNCTION_NOT_FOUND, "");
    end(&fixture);
}

/* --- calls at once --- */

struct caller {
    pthread_t thread;
    struct local_runner *runner;
    const char *arn, *account, *payload;
    int64_t limit_ms;
    struct arena arena;
    struct function_answer answer;
};

static void *run_caller(void *argument)
{
    struct caller *caller = argument;
    caller->answer = call_of(caller->runner, &caller->arena, caller->arn, caller->account,
                             caller->payload, caller->limit_ms);
    return NULL;
}

static void call_at_once(struct caller *callers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, run_caller, &callers[i]), 0);
    for (size_t i = 0; i < count; i++)
        pthread_join(callers[i].thread, NULL);
}

static void test_calls_at_once_have_a_process_each_up_to_the_bound(void **state)
{
    enum { CALLERS = 12 };
    struct fixture fixture;
    struct caller callers[CALLERS];
    (void)state;
    begin_as_usual(&fixture);
    for (size_t i = 0; i < CALLERS; i++)
        callers[i] = (struct caller){.runner = fixture.runner,
                                     .arn = ARN,
                                     .account = "123456789012",
                                     .payload = "{\"do\": \"sleep\", \"seconds\": 0.1}",
                                     .limit_ms = 20 * 1000};
    call_at_once(callers, CALLERS);
    for (size_t i = 0; i < CALLERS; i++) {
        assert_outcome(&callers[i].answer, FUNCTION_ANSWERED, "");
        arena_done(&callers[i].arena);
    }
    assert_in_range(local_runner_counts(fixture.runner).started, 2, 4);
    end(&fixture);
}

static void test_an_account_leaves_processes_to_others(void **state)
{
    struct fixture fixture;
    struct local_runner_config config = usual_config();
    struct caller callers[9];
    (void)state;
    config.processes_max = 4;
    begin(&fixture, &config, usual_functions());
    for (size_t i = 0; i < 9; i++)
        callers[i] = (struct caller){.runner = fixture.runner,
                                     .arn = i % 2 ? ARN : OTHER_ARN,
                                     .account = i < 8 ? "123456789012" : "111122223333",
                                     .payload = "{\"do\": \"sleep\", \"seconds\": 0.05}",
                                     .limit_ms = 20 * 1000};
    callers[8].payload = "{}";
    call_at_once(callers, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_outcome(&callers[i].answer, FUNCTION_ANSWERED, "");
        arena_done(&callers[i].arena);
    }
    assert_in_range(local_runner_counts(fixture.runner).processes, 1, 4);
    end(&fixture);
}

static void test_an_idle_process_ends(void **state)
{
    struct fixture fixture;
    struct local_runner_config config = usual_config();
    (void)state;
    config.idle_ms = 50;
    begin(&fixture, &config, usual_functions());
    long pid = number_in(call(&fixture, "{\"do\": \"look\"}").payload, "pid");
    assert_gone(pid);
    struct function_answer answer = call(&fixture, "{}");
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    end(&fixture);
}

static void test_another_list_of_functions(void **state)
{
    struct fixture fixture;
    const char *given[] = {ARN "=X=1 exec python3 " FUNCTION};
    (void)state;
    begin_as_usual(&fixture);
    long before = number_in(call(&fixture, "{\"do\": \"look\"}").payload, "pid");
    local_runner_replace(fixture.runner, usual_functions());
    assert_int_equal(number_in(call(&fixture, "{\"do\": \"look\"}").payload, "pid"), before);
    local_runner_replace(fixture.runner, functions_of(given, 1));
    struct function_answer answer = call(&fixture, "{\"do\": \"look\"}");
    assert_true(str_contains(answer.payload, STR("\"X\": \"1\"")));
    assert_gone(before);
    answer = call_of(fixture.runner, &fixture.arena, OTHER_ARN, "123456789012", "{}", 1000);
    assert_outcome(&answer, FUNCTION_NOT_FOUND, "");
    end(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_is_kept_for_the_next_call),
        cmocka_unit_test(test_an_error_of_the_function),
        cmocka_unit_test(test_a_process_that_ends_is_replaced),
        cmocka_unit_test(test_a_hang_ends_with_the_deadline),
        cmocka_unit_test(test_nothing_is_left_of_a_process),
        cmocka_unit_test(test_answers_up_to_the_limit),
        cmocka_unit_test(test_a_process_that_speaks_wrongly),
        cmocka_unit_test(test_unknown_functions),
        cmocka_unit_test(test_calls_at_once_have_a_process_each_up_to_the_bound),
        cmocka_unit_test(test_an_account_leaves_processes_to_others),
        cmocka_unit_test(test_an_idle_process_ends),
        cmocka_unit_test(test_another_list_of_functions),
    };
    return run_with_supervisor(tests);
}
