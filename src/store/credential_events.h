/* What was last said of each profile's credentials, so that it is said once over all nodes and
 * restarts. The events themselves are in event_queue.h. */
#pragma once

#include "store/core/store.h"
#include "store/profiles.h"

/* --- inside a write (store_apply_fn) --- */

/* *ret_reported false: what was reported is not `before` any more, or the profile is gone; nothing
 * was changed. */
_must_use_ bool profile_report(struct db *db, struct profile_key key,
                               const struct profile_reported *before,
                               const struct profile_reported *after, bool *ret_reported,
                               struct error *error);
/* The state alone, whatever was reported before. *ret_reported false: this state was, or, where
 * nothing was reported, it is `silent`, the one that need not be reported; or the profile is gone.
 */
_must_use_ bool profile_report_state(struct db *db, struct profile_key key, struct str state,
                                     struct str silent, bool *ret_reported, struct error *error);
