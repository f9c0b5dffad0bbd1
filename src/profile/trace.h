/* How long a request spends in each stage of its way: a histogram a stage. */
#pragma once

#include "base/metrics.h"

#include <stdint.h>

/* What a request goes through, in this order; each has some of them only. */
enum trace_stage {
    STAGE_SIGNATURE, /* from the whole request on */
    STAGE_DECODE,    /* the operation, the account's rate, the body, the model's constraints */
    STAGE_HAND_OVER, /* until a worker has it */
    STAGE_CHECK,     /* the configuration, and whether its credentials are the stored ones */
    STAGE_LOAD,      /* what the store has */
    STAGE_VERIFY,    /* with the vendor */
    STAGE_SEAL,
    STAGE_COMMIT,    /* until it is durable */
    STAGE_HAND_BACK, /* until the event loop has it again; with the line of the log */
    STAGE_ANSWER,    /* made, and where it was waited for written */
    STAGE_COUNT,
};

extern const struct metric metric_stage_seconds; /* observed in nanoseconds */

enum { TRACE_EVERY = 16 }; /* one request in so many is measured, which tells as much as all */

/* Begins a request's trace: sets *ret_stage_ns to the current monotonic time, or to 0 for a request
 * that is not measured. */
void trace_begin(int64_t *ret_stage_ns);

/* That stage is over and the next one begins. Does nothing when *stage_ns is 0. */
void trace_stage_end(int64_t *stage_ns, enum trace_stage stage);
