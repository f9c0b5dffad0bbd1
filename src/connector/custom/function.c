/* The runners form a list in the order of their options; the first that knows a function's ARN runs
 * it, so that a local process stands in for a function that is also in AWS. */
#include "connector/custom/function.h"

#include "base/clock.h"
#include "base/hash.h"
#include "connector/custom/function_breaker.h"

#include <assert.h>

/* A call that had less time than this, since its request had no more, says nothing about its
 * function when it did not end. */
enum { ENOUGH_MS = FUNCTION_TIME_MS / 2 };

void function_runner_add(struct function_runner **list, struct function_runner *runner)
{
    while (*list)
        list = &(*list)->next;
    runner->next = NULL;
    *list = runner;
}

static struct function_runner *find(struct function_runner *runners, struct str arn)
{
    while (runners && !runners->ops->knows(runners, arn))
        runners = runners->next;
    return runners;
}

static void fail_unknown(struct str arn, struct arena *arena, struct function_answer *ret_answer)
{
    *ret_answer = (struct function_answer){
        .outcome = FUNCTION_NOT_FOUND,
        .message = arena_printf(
            arena,
            "No runner knows the Lambda function %.*s. Start the server with "
            "--local-connector ARN=COMMAND for a function on this machine, or with --lambda-url.",
            STR_ARG(arn)),
    };
}

void function_runners_guard(struct function_runner *list, struct function_breakers *breakers)
{
    for (struct function_runner *runner = list; runner; runner = runner->next)
        runner->breakers = breakers;
}

static void fail_held(struct str arn, int64_t until_ms, struct arena *arena,
                      struct function_answer *ret_answer)
{
    char until[CLOCK_TEXT_SIZE];
    clock_text(clock_wall_ms() + until_ms - clock_mono_ms(), until);
    *ret_answer = (struct function_answer){
        .outcome = FUNCTION_UNREACHABLE,
        .not_run = true,
        .message = arena_printf(arena,
                                "The function %.*s did not answer its last calls: no call is made "
                                "until %s.",
                                STR_ARG(arn), until),
    };
}

static enum function_end end_of(enum function_outcome outcome)
{
    static const enum function_end ends[] = {
        [FUNCTION_ANSWERED] = FUNCTION_END_ANSWERED,
        [FUNCTION_FAILED] = FUNCTION_END_ANSWERED,
        [FUNCTION_TOO_LARGE] = FUNCTION_END_ANSWERED,
        [FUNCTION_TIMED_OUT] = FUNCTION_END_UNANSWERED,
        [FUNCTION_UNREACHABLE] = FUNCTION_END_UNANSWERED,
    };
    return ends[outcome];
}

/* A function may wait for its vendor, and the settings say where that is. */
static struct str breaker_key(const struct function_call *call, struct arena *arena)
{
    if (call->settings.len == 0)
        return call->arn;
    return arena_printf(arena, "%.*s %016llx", STR_ARG(call->arn),
                        (unsigned long long)hash_text(call->settings));
}

static void invoke_guarded(struct function_runner *runner, const struct function_call *call,
                           struct arena *arena, struct function_answer *ret_answer)
{
    int64_t begun_ms = clock_mono_ms(), until_ms;
    struct str key = breaker_key(call, arena);
    if (!function_breakers_enter(runner->breakers, key, call->deadline_ms, &until_ms)) {
        fail_held(call->arn, until_ms, arena, ret_answer);
        return;
    }
    runner->ops->invoke(runner, call, arena, ret_answer);
    enum function_end end = end_of(ret_answer->outcome);
    if (ret_answer->outcome == FUNCTION_TIMED_OUT && call->deadline_ms - begun_ms < ENOUGH_MS)
        end = FUNCTION_END_UNKNOWN;
    function_breakers_leave(runner->breakers, key, begun_ms, end);
}

void function_invoke(struct function_runner *runners, const struct function_call *call,
                     struct arena *arena, struct function_answer *ret_answer)
{
    assert(call->payload.len <= FUNCTION_PAYLOAD_MAX);
    struct function_runner *runner = find(runners, call->arn);
    if (!runner)
        fail_unknown(call->arn, arena, ret_answer);
    else if (runner->breakers)
        invoke_guarded(runner, call, arena, ret_answer);
    else
        runner->ops->invoke(runner, call, arena, ret_answer);
}

bool function_place_secret(struct function_runner *runners, const struct function_call *call,
                           struct arena *arena, struct str *ret_arn,
                           struct function_answer *ret_answer)
{
    struct function_runner *runner = find(runners, call->arn);
    if (!runner) {
        fail_unknown(call->arn, arena, ret_answer);
        return false;
    }
    if (runner->ops->place_secret)
        return runner->ops->place_secret(runner, call, arena, ret_arn, ret_answer);
    *ret_arn = call->secret_arn;
    return true;
}

bool function_copies_secrets(struct function_runner *runners, struct str arn)
{
    const struct function_runner *runner = find(runners, arn);
    return runner && runner->ops->keep_secret;
}

bool function_keep_secret(struct function_runner *runners, const struct function_secret *secret,
                          struct arena *arena, struct function_answer *ret_answer)
{
    for (struct function_runner *runner = runners; runner; runner = runner->next) {
        if (runner->ops->keep_secret &&
            !runner->ops->keep_secret(runner, secret, arena, ret_answer))
            return false;
    }
    return true;
}
