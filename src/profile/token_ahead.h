/* Renewals that begin before their time, since their lane could not do all that become due together
 * before the access tokens end: from time to time the jobs that are coming are counted by lane and
 * minute, and where a lane must not idle now, the first of them become due. */
#pragma once

#include "base/metrics.h"
#include "profile/context.h"
#include "store/job_times.h"

enum {
    TOKEN_AHEAD_LOOK_MS = 30 * 1000,         /* between counts */
    TOKEN_AHEAD_HORIZON_MS = 60 * 60 * 1000, /* how far they look */
    TOKEN_AHEAD_SLACK_S = 45, /* half of the least time between a due time and the token's end */
};

/* Of one lane's rows, ordered by minute: how many of those to come are to begin now, at `rate`
 * renewals a second; 0: the lane does them in time. */
int64_t token_ahead_of(const struct job_backlog *rows, size_t count, double rate);

/* For job_kind.looked; its context is a struct profile_context. */
void token_ahead_look(void *context);

/* Seconds that the lane needs for what is due, of the lane that needs longest. */
extern const struct metric metric_token_backlog;
