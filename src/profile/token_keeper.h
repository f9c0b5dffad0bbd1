/* The token keeper: renews profiles' OAuth tokens before they end, so that each is good whenever it
 * is used and no refresh token dies of not being used. For each profile whose tokens the server can
 * renew by itself there is one durable job and one row of state (store/token_states.h), so of the
 * nodes that share a store one renews. docs/internals/token-keeper.md has the states, the sequence
 * and the policies. */
#pragma once

#include "base/metrics.h"
#include "job/job.h"
#include "profile/context.h"
#include "store/token_states.h"

enum {
    /* Of which a lane has a quarter, as many as TOKEN_LANE_MAX: half of half (work/host_share.h).
     */
    TOKEN_KEEPER_THREADS = 256,
    TOKEN_KEEPER_MAX = 1024,      /* jobs that a node has in hand; shared: see work/host_share.h */
    TOKEN_KEEPER_RETRY_MS = 2000, /* until a commit is tried again that the store refused */
    TOKEN_KEEPER_COUNT_MS = 15 * 1000,   /* between counts for metrics */
    TOKEN_KEEPER_PENDING_MS = 60 * 1000, /* while a private connection is being made */
};

/* Its context is a struct profile_context. */
extern const struct job_kind token_keeper_kind;

extern const struct metric metric_token_renewals; /* outcome: enum token_outcome */

/* How many profiles' tokens are in each state, of the whole store, as the keeper of this node
 * counted them at most TOKEN_KEEPER_COUNT_MS ago. */
extern const struct metric metric_tokens_fresh, metric_tokens_due, metric_tokens_refreshing,
    metric_tokens_backing_off, metric_tokens_dead;

/* --- token_backfill.c --- */

/* How far the runs of a job without an account have come; only the arena is set at first. */
struct token_planning {
    struct arena *arena;      /* lives as long as the job is held */
    struct profile_key after; /* the profiles up to this one are done */
    size_t done;              /* profiles that were planned */
    bool failed;              /* the last page, which was logged */
};

/* The run of the job without an account and name, which the migration of the store left: gives the
 * profiles of before their jobs and states, in pages. False when it was cut short: it continues
 * after the last page that was written. */
bool token_backfill(const struct profile_context *context, struct job_runner *runner,
                    struct token_planning *planning);
/* The run of TOKEN_REPLAN_JOB, likewise: plans the renewals of profiles whose token policy has
 * changed. What waits for a reason keeps its time. */
bool token_replan(const struct profile_context *context, struct job_runner *runner,
                  struct token_planning *planning);

/* --- token_replan.c --- */

/* The name of a job without an account. */
#define TOKEN_REPLAN_JOB STR("policies")

/* For job_kind.looked: once, whether due times were planned by other policies than those in force;
 * then it begins the job. */
void token_replan_look(const struct profile_context *context);
/* Inside a write: due times are planned by the policies in force. */
_must_use_ bool token_replan_note(struct db *db, struct error *error);
/* *ret_types: by connector_type_index, whose policy is another one than what was noted. */
_must_use_ bool token_replan_types(struct store *store, struct arena *arena, const bool **ret_types,
                                   struct error *error);

/* --- token_counts.c --- */

/* For job_kind.looked: counts when it is time to. */
void token_keeper_looked(void *context);
