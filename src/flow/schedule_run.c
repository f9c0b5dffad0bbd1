/* A canceled run says nothing of the flow: its window is taken again, and no failure is counted. */
#include "flow/schedule_run.h"

#include "store/flow_schedules.h"

bool flow_schedule_run_ended(struct db *db, const struct flow_run_row *run, enum run_state ended_in,
                             struct error *error)
{
    const struct flow_schedule_end end = {
        .is_successful = ended_in == RUN_SUCCESSFUL,
        .window_from_ms = run->window_from_ms,
        .window_to_ms = run->window_to_ms,
    };
    if (run->slot_ms == 0 || (ended_in != RUN_SUCCESSFUL && ended_in != RUN_ERROR))
        return true;
    return flow_schedule_note_end(db, run->flow, &end, error);
}

bool flow_schedule_run_gone(struct db *db, const struct flow_run_row *run, enum run_state ended_in,
                            int64_t now_ms, struct error *error)
{
    if (ended_in == RUN_STATES)
        return true;
    bool has_failed = run->slot_ms != 0 && ended_in == RUN_ERROR;
    return flow_schedule_wake(db, run->flow, has_failed, now_ms, error);
}
