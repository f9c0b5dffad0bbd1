/* How long a request spends in each stage of its way. */
#include "api/request.h"

#include "base/clock.h"

void call_stages_begin(struct call *call)
{
    static _Thread_local unsigned seen;
    if (seen++ % STAGES_EVERY == 0)
        call->stage_ns = clock_mono_ns();
}

void stage_end(int64_t *stage_ns, enum metric_stage stage)
{
    if (*stage_ns == 0)
        return;
    int64_t now_ns = clock_mono_ns();
    metrics_observe(METRIC_STAGE_SECONDS, stage, now_ns - *stage_ns);
    *stage_ns = now_ns;
}

void call_stage_end(struct call *call, enum metric_stage stage)
{
    stage_end(&call->stage_ns, stage);
}
