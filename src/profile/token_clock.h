/* Steps of the wall clock: due times are wall-clock times, since they outlive the process, and the
 * monotonic clock tells how much time has really passed. After a step back nothing is renewed later
 * than it was to be; after a step forward what became due by that does not come at once. */
#pragma once

#include "profile/context.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TOKEN_CLOCK_STEP_MS = 30 * 1000,   /* less is not noticed */
    TOKEN_CLOCK_SPREAD_MS = 60 * 1000, /* in which what a step forward made due is renewed */
};

struct token_clock {
    bool known;
    uint32_t node;     /* random; tells the steps of several nodes apart */
    int64_t offset_ms; /* of the wall clock from the monotonic one, when last looked at */
};

/* Looks at both clocks, and moves due times after a step. False: the store was away, and the step
 * is met by the next call. */
bool token_clock_note(struct token_clock *clock, struct store *store, int64_t wall_ms,
                      int64_t mono_ms);

/* For job_kind.looking: the same with the clocks of the system. Its context is a struct
 * profile_context. */
void token_clock_look(void *context);
