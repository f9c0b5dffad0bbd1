/* A connector's function that answers by a script: each call is compared with the step that is
 * next, byte for byte, and with the secret that it may read. */
#pragma once

#include "cmocka_all.h"

#include "connector/custom/function.h"

struct function_step {
    const char *payload; /* what the function must receive; NULL: anything */
    const char *secret;  /* the SecretString that it may read; NULL: none */
    const char *answer;  /* with FUNCTION_ANSWERED; else what the runner says */
    enum function_outcome outcome;
    int64_t retry_after_ms;
    const char *unplaced; /* why the secret cannot be put where the function reads it: no call */
};

struct function_script {
    struct function_runner runner; /* first */
    const struct function_step *steps;
    size_t count;
    size_t next;
    size_t placed_new; /* secrets that are not committed */
};

static inline bool function_script_knows(struct function_runner *runner, struct str arn)
{
    (void)runner;
    return str_starts(arn, STR("arn:aws:lambda:"));
}

static inline void assert_text_is(struct str text, const char *expected)
{
    assert_int_equal(text.data != NULL, expected != NULL);
    if (!expected)
        return;
    struct arena arena = {0};
    assert_string_equal(arena_cstr(&arena, text), expected);
    arena_done(&arena);
}

static inline const struct function_step *function_script_next(struct function_script *function,
                                                               const struct function_call *call)
{
    if (function->next == function->count)
        fail_msg("a call that the script does not have: %.*s", STR_ARG(call->payload));
    return &function->steps[function->next];
}

static inline void function_script_invoke(struct function_runner *runner,
                                          const struct function_call *call, struct arena *arena,
                                          struct function_answer *ret_answer)
{
    struct function_script *function = (struct function_script *)runner;
    const struct function_step *step = function_script_next(function, call);
    function->next++;
    (void)arena;
    if (step->payload)
        assert_text_is(call->payload, step->payload);
    assert_text_is(call->secret_text, step->secret);
    assert_text_is(call->request_id, "request-1");
    *ret_answer =
        (struct function_answer){.outcome = step->outcome, .retry_after_ms = step->retry_after_ms};
    if (step->outcome == FUNCTION_ANSWERED)
        ret_answer->payload = str_from(step->answer);
    else
        ret_answer->message = str_from(step->answer);
}

/* As for a function in AWS, which reads a copy of the secret. */
static inline bool function_script_place(struct function_runner *runner,
                                         const struct function_call *call, struct arena *arena,
                                         struct str *ret_arn, struct function_answer *ret_answer)
{
    struct function_script *function = (struct function_script *)runner;
    const struct function_step *step = function_script_next(function, call);
    *ret_arn = arena_printf(arena, "%.*s:copy", STR_ARG(call->secret_arn));
    function->placed_new += call->secret_is_new;
    if (!step->unplaced)
        return true;
    function->next++;
    *ret_answer =
        (struct function_answer){.outcome = step->outcome, .message = str_from(step->unplaced)};
    return false;
}

static inline struct function_script function_script_new(const struct function_step *steps,
                                                         size_t count)
{
    static const struct function_runner_ops ops = {
        .knows = function_script_knows,
        .invoke = function_script_invoke,
        .place_secret = function_script_place,
    };
    return (struct function_script){.runner = {.ops = &ops}, .steps = steps, .count = count};
}
