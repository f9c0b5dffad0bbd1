/* Lanes: how fast renewals may be sent to one token endpoint as one OAuth client. Vendors limit by
 * client, so what one of them is throttled for slows no other.
 *
 * A lane has a limit of renewals under way and, once the vendor has throttled it, a pace: so many a
 * second. Both are learned (additive increase, multiplicative decrease); docs/internals/
 * token-keeper.md has the rules. A fixed table: what was learned of the lane that was not used for
 * longest goes when its place is needed. Thread-safe. Times are of the monotonic clock. */
#pragma once

#include "base/arena.h"
#include "connector/token_policy.h"

enum {
    TOKEN_LANE_START = 4,       /* renewals under way at first */
    TOKEN_LANE_MAX = 64,        /* at most */
    TOKEN_LANE_STEP = 50,       /* answers for one more */
    TOKEN_LANE_FIRST_STEP = 10, /* the same, until the vendor first asked for less */
    TOKEN_LANE_PAUSE_MS = 1000, /* after a throttled call for which the vendor says no time */
    TOKEN_LANE_PAUSE_MAX_MS = 30 * 1000, /* one user's long wait is not the whole client's */
    TOKEN_LANE_WAIT_MAX_MS = 2000,       /* that a thread may wait for its turn */
    TOKEN_LANE_SETS = 256,
    TOKEN_LANE_WAYS = 4,                                 /* lanes whose names share a set */
    TOKEN_LANES_MAX = TOKEN_LANE_SETS * TOKEN_LANE_WAYS, /* of which something is known */
};

struct token_lanes;

struct token_lanes *token_lanes_new(void);
void token_lanes_free(struct token_lanes *lanes);

/* The name of the lane of such renewals, in one line: host and port of the token endpoint, the
 * operator's route to it, a digest of what names the client, and whether renewals before the
 * token's end bring the same token again. It is stored with the job. */
struct str token_lane_name(struct arena *arena, const struct token_renewal *renewal);
/* Whether a renewal of this lane brings a new token before the old one's end. */
bool token_lane_can_begin_early(struct str name);

/* How many renewals may be under way at this moment; 0: it pauses. */
size_t token_lane_limit(struct token_lanes *lanes, struct str name, int64_t now_us);
/* When the next pause ends; INT64_MAX: no lane pauses. */
int64_t token_lanes_resume_at_ms(struct token_lanes *lanes, int64_t now_ms);

/* Takes a turn: how long to wait before the call is made, in microseconds; -1: longer than
 * TOKEN_LANE_WAIT_MAX_MS, so no turn was taken. */
int64_t token_lane_enter(struct token_lanes *lanes, struct str name, int64_t now_us);

enum token_lane_answer {
    LANE_ANSWERED,  /* neither of these */
    LANE_THROTTLED, /* too many in a time */
    LANE_BUSY,      /* too many at once */
    LANE_SILENT,    /* none */
};

struct token_lane_call {
    enum token_lane_answer answer;
    int64_t taken_us;       /* when token_lane_enter was called */
    int64_t begun_us;       /* when its turn came */
    int64_t retry_after_ms; /* as the vendor said; 0: it did not */
};

void token_lane_note(struct token_lanes *lanes, struct str name, const struct token_lane_call *call,
                     int64_t now_us);

/* Renewals a second that the lane can do, as far as it was learned; 0: it was not. */
double token_lane_rate(struct token_lanes *lanes, struct str name);
