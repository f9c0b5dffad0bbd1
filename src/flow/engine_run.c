/* The job is asked now and then, and what it said is kept: a run that is to end ends. */
#include "flow/engine_run.h"

#include "base/cleanup.h"
#include "base/clock.h"

static bool fail_to_end(const struct flow_engine_run *run, struct error *error)
{
    return fail(error, ERR_UNAVAILABLE, "%s",
                run->wish == ENGINE_CANCEL ? "The run is canceled."
                                           : "The server stops, or another node has the run.");
}

bool flow_engine_is_to_end(struct flow_engine_run *run)
{
    struct error unknown; /* the next question may be answered, and commits are fenced */
    if (run->wish != ENGINE_GO_ON || clock_mono_ms() < run->ask_at_ms)
        return run->wish != ENGINE_GO_ON;
    run->ask_at_ms = clock_mono_ms() + FLOW_ENGINE_ASK_MS;
    ignore_failure(run->job.ask(run->job.context, &run->wish, &unknown));
    return run->wish != ENGINE_GO_ON;
}

bool flow_engine_check_time(const struct flow_engine_run *run, struct error *error)
{
    return clock_wall_ms() - run->row->started_at_ms < FLOW_RUN_MAX_MS ||
           fail(error, ERR_VALIDATION, "The run has taken more than %d hours.",
                FLOW_RUN_MAX_MS / (60 * 60 * 1000));
}

bool flow_engine_check(struct flow_engine_run *run, struct error *error)
{
    if (run->wish == ENGINE_GO_ON && !run->job.ask(run->job.context, &run->wish, error))
        return false;
    return run->wish == ENGINE_GO_ON || fail_to_end(run, error);
}
