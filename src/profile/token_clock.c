/* What the due times of renewals make of a step. */
#include "profile/token_clock.h"

#include "base/clock.h"
#include "store/job_times.h"
#include "store/token_states.h"

static bool back(struct db *db, const struct clock_step *step, struct error *error)
{
    return step->follows || job_times_back(db, TOKEN_KEEPER_JOB, step->now_ms, -step->by_ms, error);
}

static bool forward(struct db *db, const struct clock_step *step, struct error *error)
{
    int64_t spread_ms = step->by_ms < TOKEN_CLOCK_SPREAD_MS ? step->by_ms : TOKEN_CLOCK_SPREAD_MS;
    return job_times_spread(db, TOKEN_KEEPER_JOB, step->now_ms - step->by_ms, step->now_ms,
                            spread_ms, error);
}

static const struct clock_step_rules rules = {
    .what = "due times of token renewals",
    .left = "stay",
    .mark = STR("token-clock-back"),
    .least_ms = TOKEN_CLOCK_STEP_MS,
    .back = back,
    .forward = forward,
};

bool token_clock_note(struct clock_steps *steps, struct store *store, int64_t wall_ms,
                      int64_t mono_ms)
{
    return clock_steps_note(steps, &rules, store, wall_ms, mono_ms, NULL);
}

bool token_clock_look(void *context)
{
    static struct clock_steps steps; /* of the one scheduler's thread */
    const struct profile_context *profiles = context;
    ignore_failure(/* the next look tries again */
                   token_clock_note(&steps, profiles->store, clock_wall_ms(), clock_mono_ms()));
    return true;
}
