/* How long a request spends in each stage of its way: a histogram a stage. */
#pragma once

#include "base/metrics.h"

#include <stdint.h>

enum { TRACE_EVERY = 16 }; /* one request in so many is measured, which tells as much as all */

/* Begins a request's trace: sets *ret_stage_ns to the current monotonic time, or to 0 for a request
 * that is not measured. */
void trace_begin(int64_t *ret_stage_ns);

/* That stage is over and the next one begins. Does nothing when *stage_ns is 0. */
void trace_stage_end(int64_t *stage_ns, enum metric_stage stage);
