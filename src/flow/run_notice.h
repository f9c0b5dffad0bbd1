/* Events of runs for the operator's webhook and event bus, in the form in which the real service
 * sends them to EventBridge ("AppFlow Start Flow Run Report", "AppFlow End Flow Run Report",
 * "AppFlow Scheduled Flow Deactivated": AppFlow User Guide, "Notifications for Amazon AppFlow";
 * members, numbers as texts, and times as real events have them). Nothing in them is a secret;
 * `error` is the message that the API shows of the run. */
#pragma once

#include "flow/progress.h"
#include "flow/run_state.h"
#include "profile/context.h"
#include "store/flow_runs.h"

enum { FLOW_NOTICE_MAX = 32 * 1024 }; /* bytes of JSON */

/* Whether this server delivers events of runs. */
bool flow_notices_are_on(const struct profile_context *context);
/* After the write: what it added is delivered. */
void flow_notices_look(const struct profile_context *context);

/* --- inside a write (store_apply_fn); without a receiver they do nothing --- */

/* The run that the same write adds. `definition`: the run's, parsed; NULL: what it says is left
 * out.
 */
_must_use_ bool flow_run_notice_start(struct db *db, const struct profile_context *context,
                                      const struct flow_run_row *run,
                                      const struct value *definition, struct arena *arena,
                                      struct error *error);
/* The run that the same write ends in `state`, at run->updated_at_ms. */
_must_use_ bool flow_run_notice_end(struct db *db, const struct profile_context *context,
                                    const struct flow_run_row *run, enum run_state state,
                                    const struct flow_progress *progress,
                                    const struct value *definition, struct arena *arena,
                                    struct error *error);
/* The schedule of a flow was switched off at `at_ms`, after failures. */
_must_use_ bool flow_notice_deactivated(struct db *db, const struct profile_context *context,
                                        struct flow_key flow, int64_t at_ms, struct str reason,
                                        const struct value *definition, struct arena *arena,
                                        struct error *error);
