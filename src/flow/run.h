/* Beginning, canceling and ending runs (store/flow_runs.h). A run keeps the definition that its
 * flow had when it began, so that an update of the flow changes later runs alone; with a MAC, as a
 * flow's own row has one: a definition says whose credentials are used and where the records go. */
#pragma once

#include "flow/run_state.h"
#include "store/flow_runs.h"

struct secret;

/* Sets the row's MAC by whose it is, its definition, and its slot and window. */
void flow_run_seal(const struct secret *service_secret, struct flow_run_row *row,
                   struct arena *arena);
/* ERR_INTERNAL for a row whose definition this server did not write. */
_must_use_ bool flow_run_check_seal(const struct secret *service_secret,
                                    const struct flow_run_row *row, struct error *error);

/* The same for how far it has come, row->progress. */
void flow_run_seal_progress(const struct secret *service_secret, struct flow_run_row *row,
                            struct arena *arena);
_must_use_ bool flow_run_check_progress(const struct secret *service_secret,
                                        const struct flow_run_row *row, struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Asks a run to end. *ret_canceled false: it has ended, or there is no such run. ERR_LOST_RACE when
 * its state changed meanwhile: the same again. */
_must_use_ bool flow_run_cancel(struct db *db, struct flow_key flow, struct str id, int64_t now_ms,
                                bool *ret_canceled, struct error *error);
/* The same for the run that the flow has in progress, if any. */
_must_use_ bool flow_run_cancel_newest(struct db *db, struct flow_key flow, int64_t now_ms,
                                       struct error *error);
/* Ends a run by an event: counts, message, progress and updated_at_ms as `row` has them, whose
 * state is read anew. *ret_state is the one that it ends in. Does nothing to a run that is gone, or
 * has ended: RUN_STATES. ERR_LOST_RACE as above. */
_must_use_ bool flow_run_conclude(struct db *db, const struct flow_run_row *row,
                                  enum run_event event, enum run_state *ret_state,
                                  struct error *error);
