/* Due times of many jobs of a kind at once: how many are due when, and moving them. A job that a
 * node has in hand keeps its own. Times are wall clock, in milliseconds since the epoch. */
#pragma once

#include "store/jobs.h"

/* Jobs with one payload that become due in one minute. */
struct job_backlog {
    struct str payload;
    int64_t minute; /* 0: due by now; 1: within a minute from now, … */
    int64_t count;
};

/* Of the `payload_count` payloads of which most jobs are due by until_ms, ordered by payload and
 * minute. A renewal that waits for another reason than its tokens' end counts when it is due.
 * Reads each of these jobs. */
_must_use_ bool job_backlog_list(struct store_reader *reader, struct arena *arena, struct str kind,
                                 int64_t now_ms, int64_t until_ms, size_t payload_count,
                                 struct job_backlog **ret_rows, size_t *ret_count,
                                 struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Which jobs, and how many of them: those that are due first, of the payload. One whose tokens are
 * not fresh keeps its time. */
struct job_hastening {
    struct str kind;
    struct str payload;
    int64_t now_ms;   /* they become due at this time */
    int64_t until_ms; /* when they would have been due at the latest */
    int64_t count;
};
_must_use_ bool job_hasten(struct db *db, const struct job_hastening *hastening,
                           struct error *error);

/* A job that is due at before_ms (0: there is none) becomes due at the row's time (0: not at all),
 * with its payload; unless it is another job by now, a node has it, or its tokens are not fresh. */
_must_use_ bool job_replan(struct db *db, const struct job_row *row, int64_t before_ms,
                           struct error *error);

/* The wall clock was set back: what is due after now_ms becomes due by_ms earlier. */
_must_use_ bool job_times_back(struct db *db, struct str kind, int64_t now_ms, int64_t by_ms,
                               struct error *error);
/* The wall clock went from before_ms to now_ms at once: what became due by that becomes due in the
 * spread_ms from now on, in the same order. Where tokens are not fresh, the wait was chosen for a
 * reason and lasts as long as it was to, unless the access token has ended by the step. */
_must_use_ bool job_times_spread(struct db *db, struct str kind, int64_t before_ms, int64_t now_ms,
                                 int64_t spread_ms, struct error *error);
