/* What was done of flows' schedules: one row each, by account, region and flow, from the first time
 * that the flow is activated until it is deleted. It outlives StopFlow, so that an incremental flow
 * continues where it ended.
 *
 * An active flow with a schedule has a durable job of the kind FLOW_SCHEDULE_JOB, whose name is the
 * flow's. flow/schedule_job.h carries it out.
 *
 * In writes, rows of one flow are changed in the order of flows, flow_runs, flow_schedules, and
 * then the job of the kind FLOW_SCHEDULE_JOB: so no two writes wait for each other in a circle.
 * Times are wall clock, in milliseconds since the epoch. */
#pragma once

#include "store/flows.h"
#include "store/jobs.h"

#define FLOW_SCHEDULE_JOB STR("flow-schedule")

/* 30 days: as much as the first window of a schedule has. */
#define FLOW_SCHEDULE_AGAIN_MAX_MS (30LL * 24 * 60 * 60 * 1000)

/* The payload of a job that waits for the end of the run before. */
#define FLOW_SCHEDULE_WAITS STR("waiting")

struct flow_schedule_row {
    struct flow_key flow;
    int64_t anchor_ms;      /* when it was activated */
    int64_t done_until_ms;  /* slots up to here had their run, or are to have none */
    int64_t pulled_from_ms; /* where the last successful window began; 0: there was none */
    int64_t pulled_to_ms;   /* where the next window begins; 0: there was none */
    int64_t failures;       /* runs that ended in Error since the last successful one */
    struct str message;     /* why the server deactivated it; STR_NULL: it did not */
};

_must_use_ bool flow_schedule_find(struct store_reader *reader, struct arena *arena,
                                   struct flow_key flow, struct flow_schedule_row *ret_row,
                                   bool *ret_found, struct error *error);

/* Whether something was done at a time after `now_ms`, or planned by such a time. Reads all rows,
 * if nothing was. */
_must_use_ bool flow_schedules_are_ahead(struct store_reader *reader, int64_t now_ms,
                                         bool *ret_found, struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* The flow is activated at `now_ms`: its job is due, and no slot before is. What it has pulled
 * stays. */
_must_use_ bool flow_schedule_activate(struct db *db, struct flow_key flow, int64_t now_ms,
                                       struct error *error);
/* A flow that is active since `anchor_ms`, as of a database that knew no schedules, gets its row:
 * no slot up to `now_ms` is any more. Nothing, if it has one. Its job stays as it is. */
_must_use_ bool flow_schedule_adopt(struct db *db, struct flow_key flow, int64_t anchor_ms,
                                    int64_t now_ms, struct error *error);
/* The flow is active, and stays it: it has a job. */
_must_use_ bool flow_schedule_keep(struct db *db, struct flow_key flow, int64_t now_ms,
                                   struct error *error);
/* An active flow was changed: its job is due, and failures before count no longer.
 * `slots_changed`: no slot up to `now_ms` is any more. */
_must_use_ bool flow_schedule_changed(struct db *db, struct flow_key flow, bool slots_changed,
                                      int64_t now_ms, struct error *error);
/* Ends the job of a flow that is not active any more. `message`: as in the row. */
_must_use_ bool flow_schedule_deactivate(struct db *db, struct flow_key flow, struct str message,
                                         struct error *error);
/* And the row, of a flow that is deleted. */
_must_use_ bool flow_schedule_delete(struct db *db, struct flow_key flow, struct error *error);

/* Slots up to `done_until_ms` are done, if the row is as it was read: ERR_LOST_RACE when it is
 * not. */
_must_use_ bool flow_schedule_done(struct db *db, const struct flow_schedule_row *row,
                                   int64_t done_until_ms, struct error *error);

/* The first window begins at `from_ms`, whenever a run takes it; nothing, if one was taken. */
_must_use_ bool flow_schedule_begin_window(struct db *db, struct flow_key flow, int64_t from_ms,
                                           struct error *error);

/* A run that a schedule started has ended. `window_to_ms` 0: it was of no window. A window that
 * does not begin where the last one ended, since the clock was set back meanwhile, is taken again.
 */
struct flow_schedule_end {
    bool is_successful; /* else it failed */
    int64_t window_from_ms, window_to_ms;
};
_must_use_ bool flow_schedule_note_end(struct db *db, struct flow_key flow,
                                       const struct flow_schedule_end *end, struct error *error);
/* The clock is at `now_ms`, and was ahead until now. What was done at times that are still to come
 * was done too early: its windows may lack what changed meanwhile, and its jobs are due, or leased
 * until, wrong times. So the next window of such a schedule begins where the first of its windows
 * began that were taken after `now_ms`. If that is not known any more, since all of its
 * FLOW_RUNS_KEPT_MAX runs were then, it begins FLOW_SCHEDULE_AGAIN_MAX_MS before `now_ms`. A run
 * that is under way does not move these begins. The jobs of all schedules are due, for a look that
 * plans them by the present time.
 *
 * The runs of such schedules are all read, so a write does FLOW_SCHEDULES_A_WRITE of them, and the
 * next one those behind `until`, up to the one that has `is_last`. Doing it again is as once. */
enum { FLOW_SCHEDULES_A_WRITE = 100 };
struct flow_schedules_back {
    int64_t now_ms;
    struct arena *arena;   /* keeps `until` */
    struct flow_key after; /* empty texts: from the first one on */
    struct flow_key until; /* given */
    bool is_last;          /* given */
};
_must_use_ bool flow_schedules_set_back(struct db *db, struct flow_schedules_back *back,
                                        struct error *error);
/* Before that: the next window of any other schedule begins `past_ms` earlier, since the last one
 * may have been taken while the clock was ahead. Once for each step. */
_must_use_ bool flow_schedules_begin_earlier(struct db *db, int64_t now_ms, int64_t past_ms,
                                             struct error *error);
/* The same of the window of one flow, whose row is changed by the present time for another reason.
 * Its job stays as it is. */
_must_use_ bool flow_schedule_set_back(struct db *db, struct flow_key flow, int64_t now_ms,
                                       struct error *error);
/* Makes the flow's job due: if it waits for the end of a run, or, with `always`, in any case. */
_must_use_ bool flow_schedule_wake(struct db *db, struct flow_key flow, bool always, int64_t now_ms,
                                   struct error *error);
