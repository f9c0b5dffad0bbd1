/* The keeper's job and the state of a profile's tokens, or else the job that asks when they end,
 * follow each change of the profile and of its tokens, in the transaction of that change;
 * store/profiles.h removes them with the profile. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/error.h"
#include "connector/token_policy.h"
#include "profile/context.h"
#include "store/jobs.h"
#include "store/profile_key.h"
#include "store/token_states.h"

struct credential_event_plan;
struct db;
struct profile;
struct target;

struct token_follow {
    enum { FOLLOW_NOT, FOLLOW_PUT, FOLLOW_DROP } what;
    bool asks; /* nothing is renewed, and the vendor can say when it ends (profile/end_lookup.h) */
    struct token_state_row state;
    struct str lane;                     /* see token_lane_name */
    struct credential_event_plan *event; /* the profile works again; NULL: nothing is new */
};

/* What is to follow new tokens: a fresh state and a job, or nothing, where the server cannot renew
 * them by itself. */
void token_follow_plan(const struct target *target, const struct oauth_tokens *tokens,
                       struct token_follow *ret_follow);

/* What is new with that of a profile that did not work: its credentials are fresh. `profile` as it
 * was loaded; the event is the arena's. */
void token_follow_report(const struct profile_context *context, const struct target *target,
                         const struct profile *profile, const struct oauth_tokens *tokens,
                         struct arena *arena, struct token_follow *follow);

/* When tokens that were got, or given, by now are to be renewed; 0: when they are used. */
int64_t token_follow_due_at_ms(const struct token_renewal *renewal,
                               const struct oauth_tokens *tokens, int64_t now_ms);

/* When the access token ends, by the vendor's word or the policy's; 0: not known. */
int64_t token_follow_end_ms(const struct token_renewal *renewal, const struct oauth_tokens *tokens);

/* The job of what is followed; due_at_ms 0: there is to be none. */
struct job_row token_follow_job(struct profile_key key, const struct token_follow *follow);

/* Inside a write. A node that works on the job at this moment has lost it. */
_must_use_ bool token_follow_apply(struct db *db, struct profile_key key,
                                   const struct token_follow *follow, struct error *error);
/* After the write: has the keeper look, where it is to be at work sooner than it would, and says
 * what is new. */
void token_follow_wake(const struct profile_context *context, const struct token_follow *follow);
