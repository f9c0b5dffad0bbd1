/* Looking for what was done too early: once at the start, and at each step back. */
#include "flow/schedule_clock.h"

#include "base/int64.h"
#include "base/log.h"
#include "store/flow_schedules.h"

/* At the step, and before the look that follows: a look that was under way during the step may have
 * been by the old time. */
enum { LOOKS_A_STEP = 2 };

static bool back(struct db *db, const struct clock_step *step, struct error *error)
{
    /* In whole seconds, as windows are; not less than the step, of which the clock shows a part. */
    int64_t past_ms = i64_min((-step->by_ms / 1000 + 2) * 1000, FLOW_SCHEDULE_BACK_MS);
    return step->follows || flow_schedules_begin_earlier(db, step->now_ms, past_ms, error);
}

static const struct clock_step_rules rules = {
    .what = "schedules of flows",
    .left = "start one run for all times that were missed",
    .by_store_clock = true,
    .mark = STR("schedule-clock-back"),
    .least_ms = FLOW_SCHEDULE_STEP_MS,
    .back = back,
};

static bool apply_set_back(struct db *db, void *argument, struct error *error)
{
    return flow_schedules_set_back(db, argument, error);
}

/* By some schedules a write: other writes come between. What fails is begun anew. */
static bool set_all_back(struct store *store, int64_t now_ms)
{
    struct arena arena = {0};
    struct error ignored;
    struct flow_schedules_back back = {
        .now_ms = now_ms, .arena = &arena, .after = {STR(""), STR(""), STR("")}};
    bool ok = store_apply(store, apply_set_back, &back, false, &ignored);
    while (ok && !back.is_last) {
        back.after = back.until;
        ok = store_apply(store, apply_set_back, &back, false, &ignored);
    }
    arena_done(&arena);
    return ok;
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
    if (!find_ahead(store, after_ms, &found, &ignored) || (found && !set_all_back(store, after_ms)))
        return false;
    if (found)
        log_warn("Schedules have run at times that are still to come: the clock was set back. "
                 "Their next runs take those times again, so records may come twice.");
    return true;
}

static bool look_again(struct flow_schedule_clock *clock, struct store *store, int64_t now_ms)
{
    if (clock->looks_left == 0)
        return true;
    if (!set_all_back(store, now_ms))
        return false;
    clock->looks_left--;
    return true;
}

bool flow_schedule_clock_note(struct flow_schedule_clock *clock, struct store *store,
                              int64_t now_ms, int64_t mono_ms)
{
    bool is_back = false;
    clock->has_begun = clock->has_begun || begin(store, now_ms);
    bool again_done = look_again(clock, store, now_ms);
    bool noted = clock_steps_note(&clock->steps, &rules, store, now_ms, mono_ms, &is_back);
    if (noted && is_back) {
        clock->looks_left = LOOKS_A_STEP;
        again_done = look_again(clock, store, now_ms);
    }
    return clock->has_begun && again_done && noted;
}
