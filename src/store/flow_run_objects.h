/* The objects that runs have written: one row each, by account, region, flow, run and number. A row
 * is added together with the checkpoint that counts the object, or with the run's end, so an object
 * that a later try writes again is listed once. The rows go with their run. */
#pragma once

#include "store/flow_runs.h"

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
