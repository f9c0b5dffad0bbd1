/* Durable jobs: work that outlives the request that asked for it, and the process. One row a job,
 * by kind, account, region and name.
 *
 * A node takes a job by a lease: until it ends, other nodes leave the job alone. Each lease has a
 * fence, a number that no earlier lease of this job had. What a job brings about is committed
 * together with job_finish or job_retry, which change the row only where its fence is still the one
 * of the caller's lease. So a node that was frozen or cut off past the end of its lease commits
 * nothing, however late it goes on: the lease keeps work from being done twice, the fence keeps its
 * effect from happening twice.
 *
 * Times are wall clock, in milliseconds since the epoch. */
#pragma once

#include "store/core/store.h"

struct job_key {
    struct str kind; /* a kind's name is never changed once it was released */
    struct str account;
    struct str region;
    struct str name;
};

enum { JOB_PAYLOAD_MAX = 64 * 1024 };

struct job_row {
    struct job_key key;
    int64_t due_at_ms;
    int64_t fence;          /* of the current or the last lease */
    int64_t lease_until_ms; /* 0: it is free */
    int64_t attempts;       /* tries that ended with job_retry */
    struct str payload;     /* what the kind needs to know beside the key; no secret */
};

struct job_key job_key_copy(struct arena *arena, struct job_key key);

struct job_filter {
    struct str kind;
    int64_t now_ms; /* due at this time or before; a lease that ended by then counts as ended */
    /* Every lease counts as ended: for the one process that owns an embedded store, at its start.
     */
    bool abandoned;
    const struct job_row *after; /* the last row of the page before; NULL: from the start */
    size_t limit;
};

/* Jobs that are due and not leased, in order of due time. */
_must_use_ bool job_list_due(struct store_reader *reader, struct arena *arena,
                             const struct job_filter *filter, struct job_row **ret_rows,
                             size_t *ret_count, struct error *error);

/* When the next job of a kind that is not due yet will be; *ret_found false: there is none. */
_must_use_ bool job_next_due(struct store_reader *reader, struct str kind, int64_t now_ms,
                             bool *ret_found, int64_t *ret_due_at_ms, struct error *error);

/* Whether the row still has the fence of the caller's lease: asked before what cannot be taken
 * back, such as a call that spends a refresh token. It may be lost right after. */
_must_use_ bool job_is_held(struct store_reader *reader, const struct job_row *row, bool *ret_held,
                            struct error *error);

/* --- inside a write (store_apply_fn) --- */

/* Adds a job that is leased to `owner` from the start where row->lease_until_ms is not 0. A row
 * that is left over from an earlier job of the same key is replaced: a node that still works on
 * that one has lost it. row->fence comes from job_new_fence. */
_must_use_ bool job_insert(struct db *db, const struct job_row *row, struct str owner,
                           struct error *error);

/* Adds a free job again, after its lease was lost; what another holder of it does may have been
 * undone. A row that is free is left as it is: it is run after this write in any case. */
_must_use_ bool job_insert_again(struct db *db, const struct job_row *row, struct error *error);

/* Adds a free job unless there is one of its key, which stays as it is. */
_must_use_ bool job_insert_new(struct db *db, const struct job_row *row, struct error *error);

/* The same, and one that is there is locked until the write is committed: a job that ends by itself
 * once nothing is left to do either sees what this write added, or is gone before it. */
_must_use_ bool job_insert_or_lock(struct db *db, const struct job_row *row, struct error *error);

/* Removes a job, leased or not; it is no failure when there is none. */
_must_use_ bool job_drop(struct db *db, const struct job_key *key, struct error *error);

/* A fence for a new row: later than that of any earlier job of the same key. */
int64_t job_new_fence(void);

/* Takes a job that job_list_due gave: *ret_taken false when another node was faster. Once the write
 * is durable the lease's fence is row->fence + 1, which the caller puts into the row. */
_must_use_ bool job_lease(struct db *db, const struct job_row *row, struct str owner,
                          int64_t lease_until_ms, bool *ret_taken, struct error *error);

/* Each of these sets *ret_held, which is false when the lease was lost; the row is as it was then,
 * and whatever else is in the same write must fail. */

_must_use_ bool job_extend(struct db *db, const struct job_row *row, int64_t lease_until_ms,
                           bool *ret_held, struct error *error);
/* Gives the job back with the payload that the row has, due again at `due_at_ms`, with one attempt
 * more. */
_must_use_ bool job_retry(struct db *db, const struct job_row *row, int64_t due_at_ms,
                          bool *ret_held, struct error *error);
/* The job is done: its row goes. */
_must_use_ bool job_finish(struct db *db, const struct job_row *row, bool *ret_held,
                           struct error *error);
