/* Looking for what was done too early: once at the start, and at each step back. */
#include "flow/schedule_clock.h"

#include "base/int64.h"
#include "base/log.h"
#include "store/flow_schedules.h"

static bool back(struct db *db, const struct clock_step *step, struct error *error)
{
    /* In whole seconds, as windows are; not less than the step, of which the clock shows a part. */
    int64_t past_ms = i64_min((-step->by_ms / 1000 + 2) * 1000, FLOW_SCHEDULE_BACK_MS);
    return flow_schedules_set_back(db, step->now_ms, step->follows ? 0 : past_ms, error);
}

static const struct clock_step_rules rules = {
    .what = "schedules of flows",
    .left = "start one run for all times that were missed",
    .by_store_clock = true,
    .mark = STR("schedule-clock-back"),
    .least_ms = FLOW_SCHEDULE_STEP_MS,
    .back = back,
};

static bool apply_ahead(struct db *db, void *argument, struct error *error)
{
    const int64_t *now_ms = argument;
    return flow_schedules_set_back(db, *now_ms, 0, error);
}

static bool find_ahead(struct store *store, int64_t now_ms, bool *ret_found, struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok = flow_schedules_are_ahead(reader, now_ms, ret_found, error);
    store_reader_put(store, reader);
    return ok;
}

/* What another node did within the error of its measurement is no evidence. */
static bool begin(struct store *store, int64_t now_ms)
{
    int64_t after_ms = now_ms + FLOW_SCHEDULE_STEP_MS;
    bool found = false;
    struct error ignored;
    if (!find_ahead(store, after_ms, &found, &ignored) ||
        (found && !store_apply(store, apply_ahead, &after_ms, false, &ignored)))
        return false;
    if (found)
        log_warn("Schedules have run at times that are still to come: the clock was set back. "
                 "Their next runs take those times again, so records may come twice.");
    return true;
}

bool flow_schedule_clock_note(struct flow_schedule_clock *clock, struct store *store,
                              int64_t now_ms, int64_t mono_ms)
{
    struct error ignored;
    bool is_back = false;
    clock->has_begun = clock->has_begun || begin(store, now_ms);
    if (clock->look_again)
        clock->look_again = !store_apply(store, apply_ahead, &now_ms, false, &ignored);
    bool again_done = !clock->look_again;
    bool noted = clock_steps_note(&clock->steps, &rules, store, now_ms, mono_ms, &is_back);
    clock->look_again |= noted && is_back;
    return clock->has_begun && again_done && noted;
}
