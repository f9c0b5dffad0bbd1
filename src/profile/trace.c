/* Stage times of requests, sampled. */
#include "profile/trace.h"

#include "base/clock.h"

static const char *const stage_names[STAGE_COUNT] = {
    [STAGE_SIGNATURE] = "signature", [STAGE_DECODE] = "decode", [STAGE_HAND_OVER] = "hand-over",
    [STAGE_CHECK] = "check",         [STAGE_LOAD] = "load",     [STAGE_VERIFY] = "verify",
    [STAGE_SEAL] = "seal",           [STAGE_COMMIT] = "commit", [STAGE_HAND_BACK] = "hand-back",
    [STAGE_ANSWER] = "answer",
};

const struct metric metric_stage_seconds = {
    "headgate_stage_duration_seconds",
    "What one request in 16 spent in each stage of its way.",
    .labels = {{"stage", STAGE_COUNT, stage_names, NULL}},
    .scale = &metric_stages,
    METRIC_HISTOGRAMS(STAGE_COUNT),
};

void trace_begin(int64_t *ret_stage_ns)
{
    static _Thread_local unsigned seen;
    *ret_stage_ns = seen++ % TRACE_EVERY == 0 ? clock_mono_ns() : 0;
}

void trace_stage_end(int64_t *stage_ns, enum trace_stage stage)
{
    if (*stage_ns == 0)
        return;
    int64_t now_ns = clock_mono_ns();
    metrics_observe(&metric_stage_seconds, stage, now_ns - *stage_ns);
    *stage_ns = now_ns;
}
