/* A renewal's turns in its lane (profile/token_lane.h), and what the keeper's kind of job says to
 * the scheduler about lanes. */
#pragma once

#include "connector/verdict.h"
#include "job/job.h"

enum { TOKEN_TURN_DEFERRALS_MAX = 10 }; /* answers after which one renewal waits in its lane */

struct token_lanes;

/* All zeros but for the first two. */
struct token_turn {
    struct token_lanes *lanes;
    struct str lane;   /* empty: of a job that has none */
    int64_t taken_us;  /* monotonic; when the turn was taken */
    int64_t begins_us; /* and when it is */
    int deferrals;
};

/* Waits for the turn, at most TOKEN_LANE_WAIT_MAX_MS. False: it comes later, or the server ends. */
bool token_turn_take(struct token_turn *turn, struct job_runner *runner);

/* What came of the call. */
void token_turn_tell(const struct token_turn *turn, const struct verdict *verdict);

/* Whether the answer says something of the lane alone: the renewal takes another turn, and nothing
 * is concluded of the profile. */
bool token_turn_may_defer(struct token_turn *turn, const struct verdict *verdict);

/* --- for job_kind; `context` is a struct profile_context --- */

/* The job's lane takes the place of its hosts, so that a client whose renewals wait leaves slots
 * and threads to other clients of the same host. A job of before lanes shares by host. */
struct str token_turn_hosts(void *context, const struct job_row *job, struct arena *arena);
size_t token_turn_limit(void *context, struct str lane);
int64_t token_turn_limits_grow_at_ms(void *context);
