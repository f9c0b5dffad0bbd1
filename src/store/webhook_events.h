/* Events that the webhook's receiver has not taken yet, in order: of profiles' credentials and of
 * runs of flows.
 *
 * Each subject with waiting events has a job of the kind WEBHOOK_JOB and of the same key, which
 * delivers them; one job a subject, so they come in order. */
#pragma once

#include "store/core/store.h"
#include "store/webhook_job.h"

/* What an event is about. The subject is a profile's name, or WEBHOOK_FLOW and a flow's: no name of
 * a profile has a colon. */
struct webhook_key {
    struct str account;
    struct str region;
    struct str subject;
};

#define WEBHOOK_FLOW "flow:"

struct webhook_event {
    int64_t seq;     /* grows over the events of one subject: about microseconds since the epoch */
    struct str body; /* JSON, without secrets */
};

/* The subject's oldest events, in order, at most `limit`. */
_must_use_ bool webhook_event_list(struct store_reader *reader, struct arena *arena,
                                   struct webhook_key key, size_t limit,
                                   struct webhook_event **ret_events, size_t *ret_count,
                                   struct error *error);

struct webhook_event_count {
    struct str account;
    bool of_flows; /* else of credentials */
    int64_t waiting;
};
/* By account and what they are about; reads a key of each event. */
_must_use_ bool webhook_event_count(struct store_reader *reader, struct arena *arena,
                                    struct webhook_event_count **ret_counts, size_t *ret_count,
                                    struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Adds an event behind the subject's others, and the job that delivers it unless there is one. */
_must_use_ bool webhook_event_add(struct db *db, struct webhook_key key, struct str body,
                                  struct error *error);
/* Removes the subject's events up to this one. */
_must_use_ bool webhook_event_drop(struct db *db, struct webhook_key key, int64_t seq,
                                   struct error *error);
/* After job_finish of the subject's job, in the same write: adds it again if events are left, which
 * came meanwhile. */
_must_use_ bool webhook_event_continue(struct db *db, struct webhook_key key, struct error *error);
/* Keeps an account's newest `keep` events of flows, or of credentials. */
_must_use_ bool webhook_event_trim(struct db *db, struct str account, bool of_flows, int64_t keep,
                                   int64_t *ret_removed, struct error *error);
