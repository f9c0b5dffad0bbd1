/* The objects that runs have written: one row each, by account, region, flow, run and number. A row
 * is added together with the checkpoint that counts the object, or with the run's end, so an object
 * that a later try writes again is listed once.
 *
 * The lists of a flow's newest FLOW_LISTS_MAX runs are kept, as far as they have FLOW_LISTED_MAX
 * objects together, and always that of the newest run. What is beyond that, or of a flow that is
 * gone, is removed by a durable job of the kind FLOW_OBJECTS_JOB, whose name is the flow's, in
 * slices, so that no write takes long. */
#pragma once

#include "store/flow_runs.h"

#define FLOW_OBJECTS_JOB STR("flow-objects")

enum {
    FLOW_LISTS_MAX = 20,
    FLOW_LISTED_MAX = 100 * 1000,
    FLOW_LISTED_SLICE = 1000, /* rows that one write removes */
};

struct flow_run_object {
    int64_t number; /* from 0, in the order in which they were written */
    struct str key;
    int64_t bytes;
    int64_t records;
    struct str sha256; /* of its bytes, in hexadecimal digits */
};

/* A run's objects from the number `first` on, at most `limit`. */
_must_use_ bool flow_run_object_list(struct store_reader *reader, struct arena *arena,
                                     struct flow_key flow, struct str run, int64_t first,
                                     size_t limit, struct flow_run_object **ret_objects,
                                     size_t *ret_count, struct error *error);

/* --- inside a write (store_apply_fn) --- */

_must_use_ bool flow_run_object_insert(struct db *db, struct flow_key flow, struct str run,
                                       const struct flow_run_object *object, struct error *error);

/* Adds a free job when there are rows to be removed. */
_must_use_ bool flow_run_objects_trim_later(struct db *db, struct flow_key flow,
                                            struct error *error);
/* One slice for the job, which is extended, or finished when nothing is left: *ret_done then.
 * *ret_held false: the lease was lost, and the write must fail. */
_must_use_ bool flow_run_objects_trim(struct db *db, const struct job_row *job,
                                      int64_t lease_until_ms, bool *ret_done, bool *ret_held,
                                      struct error *error);
