/* Events that their receiver has not taken yet, in order: of profiles' credentials and of runs of
 * flows for the webhook, and of runs for the event bus.
 *
 * Each subject with waiting events has a job of its receiver's kind (store/event_jobs.h) and of the
 * same key, which delivers them; one job a subject, so they come in order. */
#pragma once

#include "store/core/store.h"
#include "store/event_jobs.h"

enum event_kind { EVENTS_OF_CREDENTIALS, EVENTS_OF_FLOWS, EVENTS_FOR_BUS, EVENT_KINDS };

/* What an event is about, and for whom. The subject is a profile's name, EVENT_OF_FLOW and a
 * flow's, or EVENT_FOR_BUS and a flow's: no name of a profile has a colon. */
struct event_key {
    struct str account;
    struct str region;
    struct str subject;
};

#define EVENT_OF_FLOW "flow:"
#define EVENT_FOR_BUS "bus:"

struct queued_event {
    int64_t seq;     /* grows over the events of one subject: about microseconds since the epoch */
    struct str body; /* JSON, without secrets */
};

/* The subject's oldest events, in order, at most `limit`. */
_must_use_ bool event_queue_list(struct store_reader *reader, struct arena *arena,
                                 struct event_key key, size_t limit,
                                 struct queued_event **ret_events, size_t *ret_count,
                                 struct error *error);

struct event_queue_count {
    struct str account;
    enum event_kind kind;
    int64_t waiting;
    int64_t oldest_seq;
};
/* By account and kind; reads a key of each event. */
_must_use_ bool event_queue_count(struct store_reader *reader, struct arena *arena,
                                  struct event_queue_count **ret_counts, size_t *ret_count,
                                  struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Adds an event behind the subject's others, and the job that delivers it unless there is one. */
_must_use_ bool event_queue_add(struct db *db, struct event_key key, struct str body,
                                struct error *error);
/* Removes the subject's events up to this one. */
_must_use_ bool event_queue_drop(struct db *db, struct event_key key, int64_t seq,
                                 struct error *error);
/* After job_finish of the subject's job, in the same write: adds it again if events are left, which
 * came meanwhile. *ret_more: so it was; its runner is to look. */
_must_use_ bool event_queue_continue(struct db *db, struct event_key key, bool *ret_more,
                                     struct error *error);
/* Keeps an account's newest `keep` events of a kind. */
_must_use_ bool event_queue_trim(struct db *db, struct str account, enum event_kind kind,
                                 int64_t keep, int64_t *ret_removed, struct error *error);
