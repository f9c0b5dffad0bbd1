/* Stage times of requests, sampled. */
#include "base/trace.h"

#include "base/clock.h"

void trace_begin(int64_t *ret_stage_ns)
{
    static _Thread_local unsigned seen;
    *ret_stage_ns = seen++ % TRACE_EVERY == 0 ? clock_mono_ns() : 0;
}

void trace_stage_end(int64_t *stage_ns, enum metric_stage stage)
{
    if (*stage_ns == 0)
        return;
    int64_t now_ns = clock_mono_ns();
    metrics_observe(METRIC_STAGE_SECONDS, stage, now_ns - *stage_ns);
    *stage_ns = now_ns;
}
