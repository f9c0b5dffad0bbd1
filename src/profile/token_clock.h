/* Steps of the wall clock (job/clock_step.h), as renewals heed them: after a step back nothing is
 * renewed later than it was to be; after a step forward what became due by that does not come at
 * once. */
#pragma once

#include "job/clock_step.h"
#include "profile/context.h"

enum {
    TOKEN_CLOCK_STEP_MS = 30 * 1000,   /* less is not noticed */
    TOKEN_CLOCK_SPREAD_MS = 60 * 1000, /* in which what a step forward made due is renewed */
};

/* clock_steps_note for renewals. */
bool token_clock_note(struct clock_steps *steps, struct store *store, int64_t wall_ms,
                      int64_t mono_ms);

/* For job_kind.looking: the same with the clocks of the system. Its context is a struct
 * profile_context. */
bool token_clock_look(void *context);
