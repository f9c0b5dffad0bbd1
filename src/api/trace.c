/* How long a request spends in each stage of its way. */
#include "api/request.h"

#include "base/clock.h"

void request_trace_begin(struct api_request *request)
{
    static _Thread_local unsigned seen;
    if (seen++ % TRACE_EVERY == 0)
        request->stage_ns = clock_mono_ns();
}

void stage_end(int64_t *stage_ns, enum metric_stage stage)
{
    if (*stage_ns == 0)
        return;
    int64_t now_ns = clock_mono_ns();
    metrics_observe(METRIC_STAGE_SECONDS, stage, now_ns - *stage_ns);
    *stage_ns = now_ns;
}

void request_stage_end(struct api_request *request, enum metric_stage stage)
{
    stage_end(&request->stage_ns, stage);
}
