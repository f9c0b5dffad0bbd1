/* A circuit breaker for each function and the settings that it is called with: while it does not
 * answer, its calls fail at once instead of waiting for their time limit, each on a worker. A
 * function that waits for one customer's host is still called for others.
 *
 * It opens when so many calls in sequence were not answered in time, or did not reach the function;
 * an answer of any kind, also an error that it raised, begins the sequence anew; what a runner
 * throttles or denies does not count. While it is open no call is made until a time; then one call
 * is let through, and other calls fail at once until that call's deadline: if it is answered the
 * breaker closes, else it stays open for twice as long as before. Policy as of the database's
 * (store/pg/circuit_breaker.c), with the sequence and the pauses that a cold start needs. */
#pragma once

#include "base/metrics.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FUNCTION_BREAKER_FAILURES = 3,        /* in sequence; then it opens */
    FUNCTION_BREAKER_OPEN_MS = 10 * 1000, /* at first; then doubled */
    FUNCTION_BREAKER_OPEN_MAX_MS = 5 * 60 * 1000,
    FUNCTION_BREAKERS_MAX = 1024, /* that are counted; older ones are forgotten */
};

extern const struct metric metric_function_calls_held; /* back by open breakers */

struct function_breakers; /* thread-safe */

struct function_breakers_config {
    int64_t open_ms, open_max_ms; /* see above */
};

struct function_breakers *function_breakers_new(const struct function_breakers_config *config);
void function_breakers_free(struct function_breakers *breakers); /* NULL is fine */

/* `key` is the function's ARN, or that, a blank and what stands for the settings.
 * Whether a call may be made that will end by deadline_ms, on clock_mono_ms(); if so, call
 * function_breakers_leave. False: *ret_until_ms is when one may be made, on the same clock. */
_must_use_ bool function_breakers_enter(struct function_breakers *breakers, struct str key,
                                        int64_t deadline_ms, int64_t *ret_until_ms);

enum function_end {
    FUNCTION_END_UNKNOWN, /* it says nothing about the function */
    FUNCTION_END_ANSWERED,
    FUNCTION_END_UNANSWERED,
};

/* How the call ended that began at begun_ms. */
void function_breakers_leave(struct function_breakers *breakers, struct str key, int64_t begun_ms,
                             enum function_end end);

size_t function_breakers_open(struct function_breakers *breakers); /* how many are */
