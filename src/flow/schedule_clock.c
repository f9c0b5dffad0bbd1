/* Looking for what was done too early: once at the start, and at each step back. */
#include "flow/schedule_clock.h"

#include "base/log.h"
#include "store/flow_schedules.h"

static bool back(struct db *db, const struct clock_step *step, struct error *error)
{
    return flow_schedules_set_back(db, step->now_ms, -step->by_ms, FLOW_SCHEDULE_BACK_MS, error);
}

static const struct clock_step_rules rules = {
    .what = "schedules of flows",
    .mark = STR("schedule-clock-back"),
    .least_ms = FLOW_SCHEDULE_STEP_MS,
    .back = back,
};

static bool apply_unknown(struct db *db, void *argument, struct error *error)
{
    const int64_t *now_ms = argument;
    return flow_schedules_set_back(db, *now_ms, 0, FLOW_SCHEDULE_BACK_MS, error);
}

static bool apply_again(struct db *db, void *argument, struct error *error)
{
    const int64_t *now_ms = argument;
    return flow_schedules_look_again(db, *now_ms, error);
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

/* Another node's measurement may be ahead of this one's. */
static bool begin(struct store *store, int64_t now_ms)
{
    int64_t after_ms = now_ms + FLOW_SCHEDULE_STEP_MS;
    bool found = false;
    struct error ignored;
    if (!find_ahead(store, after_ms, &found, &ignored) ||
        (found && !store_apply(store, apply_unknown, &after_ms, false, &ignored)))
        return false;
    if (found)
        log_warn("Schedules have run at times that are still to come: the clock was set back. "
                 "Their next windows begin as much earlier, so records may come twice.");
    return true;
}

void flow_schedule_clock_note(struct flow_schedule_clock *clock, struct store *store,
                              int64_t now_ms, int64_t mono_ms)
{
    struct error ignored;
    bool is_back = false;
    clock->has_begun = clock->has_begun || begin(store, now_ms);
    if (clock->look_again)
        clock->look_again = !store_apply(store, apply_again, &now_ms, false, &ignored);
    bool noted = clock_steps_note(&clock->steps, &rules, store, now_ms, mono_ms, &is_back);
    clock->look_again |= noted && is_back;
}
