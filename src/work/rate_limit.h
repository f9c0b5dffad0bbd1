/* How many requests an account may send in a time: a token bucket each. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A bucket's measures. */
struct rate {
    int64_t interval_ns; /* until a token comes back; 0: no limit */
    int64_t burst;       /* tokens that there are at most; 1 at least */
};

/* "50", "0.5:10": requests a second, and how many may come at once (without it, as many as a second
 * brings, 1 at least). "0": no limit. From 0.001 to 100,000 a second, a burst up to 1,000,000. */
bool rate_from(struct str text, struct rate *ret_rate);

struct rate_limit;

enum {
    RATE_LIMIT_SETS = 512,
    RATE_LIMIT_WAYS = 8,
};

/* Takes 116 KiB, however many accounts there are: it remembers up to SETS * WAYS of those that have
 * not got all their tokens back, and nothing of others, whose bucket is full. When there are more,
 * who is nearest to a full bucket is forgotten, and has one early. */
struct rate_limit *rate_limit_new(struct rate rate); /* NULL without a limit */
void rate_limit_free(struct rate_limit *rate);

/* Takes a token of the account's. False when it has none, and how long until it has one. Time is
 * monotonic, and never goes back for a bucket. Any thread; NULL lets everything through. */
bool rate_limit_take(struct rate_limit *rate, struct str account, int64_t now_ns,
                     int64_t *ret_wait_ns);
