/* A runner of functions for tests: it knows ARNs that begin with its own, keeps what it was last
 * asked, and answers what the test has set. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "connector/custom/function.h"

struct function_double {
    struct function_runner runner; /* first, so that the runner is the double */
    struct str arn;                /* of what it knows; empty: everything */
    struct function_answer answer;
    struct arena arena;         /* of `asked` */
    struct function_call asked; /* the last call; its arn is STR_NULL before the first */
    int calls;
};

static bool double_knows(struct function_runner *runner, struct str arn)
{
    return str_starts(arn, ((struct function_double *)runner)->arn);
}

static void double_invoke(struct function_runner *runner, const struct function_call *call,
                          struct arena *arena, struct function_answer *ret_answer)
{
    struct function_double *self = (struct function_double *)runner;
    self->calls++;
    self->asked = *call;
    self->asked.arn = arena_copy(&self->arena, call->arn);
    self->asked.payload = arena_copy(&self->arena, call->payload);
    self->asked.account = arena_copy(&self->arena, call->account);
    self->asked.region = arena_copy(&self->arena, call->region);
    *ret_answer = self->answer;
    ret_answer->payload = arena_copy(arena, self->answer.payload);
}

static const struct function_runner_ops double_ops = {.knows = double_knows,
                                                      .invoke = double_invoke};

static inline struct function_double function_double(const char *arn, const char *payload)
{
    return (struct function_double){
        .runner = {.ops = &double_ops},
        .arn = str_from(arn),
        .answer = {.outcome = FUNCTION_ANSWERED, .payload = str_from(payload)},
    };
}
