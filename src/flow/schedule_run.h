/* The end of a run that a schedule started, as its schedule sees it. */
#pragma once

#include "flow/run_state.h"
#include "store/flow_runs.h"

/* Inside the write that ends the run, before its job ends: what was pulled, and failures in a row.
 * Does nothing for a run that no schedule started. */
_must_use_ bool flow_schedule_run_ended(struct db *db, const struct flow_run_row *run,
                                        enum run_state ended_in, struct error *error);
/* And after: the schedule's job is due, if a slot waits for the run's end, or the run failed.
 * `now_ms`: of store_clock_ms. */
_must_use_ bool flow_schedule_run_gone(struct db *db, const struct flow_run_row *run,
                                       enum run_state ended_in, int64_t now_ms,
                                       struct error *error);
