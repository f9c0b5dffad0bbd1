/* Runs of flows: one row each, by account, region, flow and id. Ids of one flow grow in bytewise
 * order, so the key gives the order of runs too (flow/run_id.h makes them).
 *
 * A run that is in progress has a durable job of the kind FLOW_RUN_JOB: its name is the flow's,
 * since a flow has at most one run at a time, and its payload is the run's id. What a run writes is
 * committed together with the end or the extension of that job, so a node that lost the job changes
 * nothing. States are the API's ExecutionStatus; flow/run_state.h says which follows which. */
#pragma once

#include "store/flows.h"
#include "store/jobs.h"

#define FLOW_RUN_JOB STR("flow-run")

/* States of a run that has not ended. */
#define FLOW_RUN_IN_PROGRESS STR("InProgress")
#define FLOW_RUN_CANCEL_STARTED STR("CancelStarted")

enum {
    FLOW_RUNS_KEPT_MAX = 1000, /* of one flow: older ones are removed when one begins */
    /* In progress, of an account and region: the real service's quota (AppFlow User Guide, "Quotas
     * for Amazon AppFlow"). */
    FLOW_RUNS_ACTIVE_MAX = 1000,
};

struct flow_run_counts {
    int64_t records; /* read, those that failed or were filtered out included */
    int64_t bytes_read;
    int64_t bytes_written;
    int64_t put_failures; /* records that the destination did not take */
};

struct flow_run_row {
    struct flow_key flow;
    struct str id;
    struct str state;
    int64_t started_at_ms;
    int64_t updated_at_ms;
    struct flow_run_counts counts;
    /* Why it ended in Error, or what it waits for while it is in progress; STR_NULL: no reason. */
    struct str message;
    /* Of a run that a schedule started (flow/schedule.h), on the wall clock: when it was due, and
     * what of the source it takes. */
    int64_t slot_ms;                      /* 0: no schedule did */
    int64_t window_from_ms, window_to_ms; /* window_to_ms 0: everything */
    /* Once it has ended: the tables that its objects were registered in, as a list of the API's
     * MetadataCatalogDetail in JSON (flow/run_tables.h). STR_NULL: in none. */
    struct str tables;
    /* As the flow was when the run began: DescribeFlow's members as JSON, and a MAC (flow/run.h).
     * STR_NULL once the run has ended, and in lists. */
    struct str definition;
    struct str mac;
    /* How far it has come, with a MAC as well (flow/progress.h): its checkpoint while it is in
     * progress, its manifest once it has ended. STR_NULL before the first checkpoint, and in lists.
     */
    struct str progress;
    struct str progress_mac;
};

_must_use_ bool flow_run_find(struct store_reader *reader, struct arena *arena,
                              struct flow_key flow, struct str id, struct flow_run_row *ret_row,
                              bool *ret_found, struct error *error);
/* A flow's runs, the newest first, older than the one with the id `before` (STR_NULL: from the
 * newest), at most `limit`. ERR_THROTTLING when the arena has no room for them. */
_must_use_ bool flow_run_list(struct store_reader *reader, struct arena *arena,
                              struct flow_key flow, struct str before, size_t limit,
                              struct flow_run_row **ret_rows, size_t *ret_count,
                              struct error *error);
/* The newest run of each flow of an account and region, from the name of `first` to `last`, in the
 * order of names; flows without a run are left out. */
_must_use_ bool flow_run_list_newest(struct store_reader *reader, struct arena *arena,
                                     struct flow_key first, struct str last,
                                     struct flow_run_row **ret_rows, size_t *ret_count,
                                     struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Adds a run in progress and its job, which is due at once and free, if the flow is still at
 * `flow_version`, and removes the oldest runs beyond FLOW_RUNS_KEPT_MAX. ERR_NOT_FOUND when the
 * flow is gone, ERR_CONFLICT when it was changed or has a run that has not ended or is newer than
 * this one, ERR_QUOTA beyond FLOW_RUNS_ACTIVE_MAX. */
_must_use_ bool flow_run_insert(struct db *db, const struct flow_run_row *row, int64_t flow_version,
                                struct error *error);
/* The run as it is now; its id is copied into the arena. *ret_found false: there is none. */
_must_use_ bool flow_run_read(struct db *db, struct arena *arena, struct flow_key flow,
                              struct str id, struct flow_run_row *ret_row, bool *ret_found,
                              struct error *error);
/* The flow's newest run. */
_must_use_ bool flow_run_read_newest(struct db *db, struct arena *arena, struct flow_key flow,
                                     struct flow_run_row *ret_row, bool *ret_found,
                                     struct error *error);

/* Sets counts, progress and updated_at_ms of a run that has not ended. *ret_changed false: it has,
 * or is gone. */
_must_use_ bool flow_run_checkpoint(struct db *db, const struct flow_run_row *row,
                                    bool *ret_changed, struct error *error);

/* Sets the message of a run that has not ended. *ret_changed as above. */
_must_use_ bool flow_run_show(struct db *db, const struct flow_run_row *row, struct str message,
                              bool *ret_changed, struct error *error);

/* Both change the row only while it is in the state row->state: ERR_LOST_RACE when it is
 * not, or is gone. */

/* To another state of a run that has not ended. Adds a job to a run that has lost its own, so that
 * what is asked of it is carried out. */
_must_use_ bool flow_run_move(struct db *db, const struct flow_run_row *row, struct str state,
                              int64_t now_ms, struct error *error);
/* The run has ended: counts, message, progress, tables and updated_at_ms as the row has them. */
_must_use_ bool flow_run_end(struct db *db, const struct flow_run_row *row, struct str state,
                             struct error *error);

/* For the write that deletes a flow, before: ERR_CONFLICT when a run of it has not ended. */
_must_use_ bool flow_runs_check_ended(struct db *db, struct flow_key flow, struct error *error);
/* And after: removes the flow's runs and their job. What they have written is no longer listed:
 * flow_run_objects_trim_later (flow_run_objects.h) removes those rows. */
_must_use_ bool flow_runs_delete(struct db *db, struct flow_key flow, struct error *error);
