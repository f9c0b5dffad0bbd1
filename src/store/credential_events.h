/* Events of profiles' credentials: what was last said of each profile, so that it is said once over
 * all nodes and restarts, and the events that the webhook's receiver has not taken yet, in order.
 *
 * Each profile with waiting events has a job of the kind WEBHOOK_JOB and of the same key, which
 * delivers them; one job a profile, so they come in order. */
#pragma once

#include "store/core/store.h"
#include "store/profiles.h"
#include "store/webhook_job.h"

struct credential_event {
    int64_t seq;     /* grows over the events of one profile: about microseconds since the epoch */
    struct str body; /* JSON, without secrets */
};

/* The profile's oldest events, in order, at most `limit`. */
_must_use_ bool credential_event_list(struct store_reader *reader, struct arena *arena,
                                      struct profile_key key, size_t limit,
                                      struct credential_event **ret_events, size_t *ret_count,
                                      struct error *error);

struct credential_event_count {
    struct str account;
    int64_t waiting;
};
/* By account; reads a key of each event. */
_must_use_ bool credential_event_count(struct store_reader *reader, struct arena *arena,
                                       struct credential_event_count **ret_counts,
                                       size_t *ret_count, struct error *error);

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

/* Adds an event behind the profile's others, and the job that delivers it unless there is one. */
_must_use_ bool credential_event_add(struct db *db, struct profile_key key, struct str body,
                                     struct error *error);
/* Removes the profile's events up to this one. */
_must_use_ bool credential_event_drop(struct db *db, struct profile_key key, int64_t seq,
                                      struct error *error);
/* After job_finish of the profile's job, in the same write: adds it again if events are left, which
 * came meanwhile. */
_must_use_ bool credential_event_go_on(struct db *db, struct profile_key key, struct error *error);
/* Keeps an account's newest `keep` events. */
_must_use_ bool credential_event_trim(struct db *db, struct str account, int64_t keep,
                                      int64_t *ret_removed, struct error *error);
