/* What schedules make of a clock that was set. Slots are times on store_clock_ms, which all nodes
 * of a store share. A step forward is like downtime: missed slots have one run together. After a
 * step back, what was done at times that are still to come was done too early
 * (flow_schedules_set_back). The rows themselves show that, so it is found also when the clock was
 * set while no server ran. */
#pragma once

#include "job/clock_step.h"
#include "profile/context.h"

enum {
    FLOW_SCHEDULE_STEP_MS = 2 * 1000, /* smaller steps are not noticed; a measurement of a remote
                                         clock is as exact as this */
    /* By how much a window may begin earlier for a run of which nothing shows that the clock was
     * wrong then. */
    FLOW_SCHEDULE_BACK_MS = 5 * 60 * 1000,
};

/* One runner's. */
struct flow_schedule_clock {
    struct clock_steps steps;
    bool has_begun; /* what was done before the start was looked at */
    int looks_left; /* for what was done too early, after a step back */
};

/* Looks at both clocks. False: the store did not take what follows. The next call does it, and no
 * look at schedules may come before: it would overwrite the times that tell what to do. */
_must_use_ bool flow_schedule_clock_note(struct flow_schedule_clock *clock, struct store *store,
                                         int64_t now_ms, int64_t mono_ms);
