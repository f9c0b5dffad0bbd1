/* Reads everything that is stored, for `headgate check` and for the rotation of keys: in pages of
 * rows, in the order of the keys. `not_key`: only values that are sealed with another key of the
 * keyring than this id, at most FSCK_RENEW_PAGE; STR_NULL: all. */
#pragma once

#include "store/flow_runs.h"
#include "store/jobs.h"
#include "store/oauth_tokens.h"
#include "store/profiles.h"
#include "store/tags.h"
#include "store/token_grants.h"

enum {
    FSCK_PAGE = 200,
    /* With `not_key`. A page is replaced in one transaction: more rows are fewer syncs, but a
     * longer time in which a request's change waits for the database. */
    FSCK_RENEW_PAGE = 1000,
};

/* Checks the database file itself: each page, each index against its rows. ERR_UNAVAILABLE with
 * what is wrong. PostgreSQL checks its own files: true. */
_must_use_ bool fsck_database(struct store *store, struct error *error);

/* A database file that is older than the newest change that was recorded beside it
 * (core/rollback_check.c): *ret_warning says so; else it is STR_NULL. */
_must_use_ bool fsck_rollback(struct store *store, struct store_reader *reader, struct arena *arena,
                              struct str *ret_warning, struct error *error);

struct oauth_tokens_owned {
    struct profile_key key;
    struct oauth_tokens_row row;
};

/* OAuth tokens of all profiles behind the key `after` (empty texts: from the start), at most
 * FSCK_PAGE, or FSCK_RENEW_PAGE with `not_key`. Profiles themselves: profile_list_all; registered
 * connectors: connector_row_list_all. */
_must_use_ bool fsck_oauth_tokens(struct store_reader *reader, struct arena *arena,
                                  struct profile_key after, struct str not_key,
                                  struct oauth_tokens_owned **ret_tokens, size_t *ret_count,
                                  struct error *error);

/* The two functions that list tokens. */
typedef bool list_tokens_fn(struct store_reader *reader, struct arena *arena,
                            struct profile_key after, struct str not_key,
                            struct oauth_tokens_owned **ret_tokens, size_t *ret_count,
                            struct error *error);

/* The same of the tokens of previous credentials (previous_credentials.h). */
_must_use_ bool fsck_previous_tokens(struct store_reader *reader, struct arena *arena,
                                     struct profile_key after, struct str not_key,
                                     struct oauth_tokens_owned **ret_tokens, size_t *ret_count,
                                     struct error *error);

/* Token grants with sealed tokens behind the id `after` (NULL: from the start), at most
 * FSCK_PAGE, or FSCK_RENEW_PAGE with `not_key`. */
_must_use_ bool fsck_token_grants(struct store_reader *reader, struct arena *arena,
                                  const unsigned char *after, struct str not_key,
                                  struct token_grant **ret_grants, size_t *ret_count,
                                  struct error *error);

/* A profile that differs from what the last change in the audit left. */
struct strayed_profile {
    struct profile_key key;
    int64_t version; /* of the row; 0: there is none */
    int64_t made;    /* the last that a change made; 0: not known */
    int64_t deleted; /* when, in microseconds; 0: not known */
};

enum { STRAYED_MAX = 1000 };
_must_use_ bool fsck_strayed(struct store_reader *reader, struct arena *arena,
                             struct strayed_profile **ret_strayed, size_t *ret_count,
                             struct error *error);

/* How many tags there are, and what has tags although it does not exist, at most STRAYED_MAX. */
_must_use_ bool fsck_tags(struct store_reader *reader, struct arena *arena, size_t *ret_tags,
                          struct tagged **ret_stray, size_t *ret_count, struct error *error);

/* Jobs of the kind of `after` behind its key (empty texts: from the start), at most FSCK_PAGE, with
 * key, payload and attempts. */
_must_use_ bool fsck_jobs(struct store_reader *reader, struct arena *arena, struct job_key after,
                          struct job_row **ret_rows, size_t *ret_count, struct error *error);

/* A run with what belongs to it: `run` has whose it is, its state, its definition and its MAC. */
struct fsck_flow_run {
    struct flow_run_row run;
    struct str job; /* the run that the flow's job is for; STR_NULL: there is no job */
    bool has_flow;
};

enum { FSCK_RUNS_PAGE = 20 }; /* rows: one that has not ended has a whole definition */

/* Runs that have not ended, or are in a state that this version does not know, and the newest run
 * of each flow that does not exist; behind the run `id` of the flow `after` (empty texts: from the
 * start), at most FSCK_RUNS_PAGE. All of a row is of one moment, so that a run which ends meanwhile
 * is not taken for one without a job. */
_must_use_ bool fsck_flow_runs(struct store_reader *reader, struct arena *arena,
                               struct flow_key after, struct str id,
                               struct fsck_flow_run **ret_runs, size_t *ret_count,
                               struct error *error);

/* How many runs there are, and jobs of flows that have no run in progress, at most STRAYED_MAX:
 * key, and the run in `payload`. */
_must_use_ bool fsck_flow_run_jobs(struct store_reader *reader, struct arena *arena,
                                   size_t *ret_runs, struct job_row **ret_stray, size_t *ret_count,
                                   struct error *error);

struct fsck_flows {
    const struct flow_key *keys;
    size_t count;
};

/* How many schedules of flows there are, active ones without the job that starts their runs, and
 * such jobs of flows that are not active; at most STRAYED_MAX of each. */
_must_use_ bool fsck_schedules(struct store_reader *reader, struct arena *arena,
                               size_t *ret_schedules, struct fsck_flows *ret_without_job,
                               struct fsck_flows *ret_stray_jobs, struct error *error);

/* Ids of access keys that are there although the audit records their deletion, at most
 * STRAYED_MAX. */
_must_use_ bool fsck_revived_keys(struct store_reader *reader, struct arena *arena,
                                  struct str **ret_ids, size_t *ret_count, struct error *error);
