/* The durable job of an active flow with a schedule (kind FLOW_SCHEDULE_JOB): when a slot is due it
 * makes the run, in one write with what was done of the schedule and with the job's next time. That
 * write is refused if the flow was changed, another node has made the run, or the job's lease was
 * lost: so a slot has one run, whatever node dies or comes back late. All times are of
 * store_clock_ms, so what the nodes' own clocks say does not matter.
 *
 * A flow has one run at a time: a slot that comes during a run waits for its end, and of several
 * such slots the last one gets the run. When a schedule has no slot any more, or its runs have
 * failed as often as it allows, the job makes the flow Suspended, and says why in its
 * flowStatusMessage. */
#pragma once

#include "base/metrics.h"
#include "flow/schedule.h"
#include "job/job.h"
#include "store/flow_schedules.h"

struct profile_context;

enum {
    FLOW_SCHEDULE_THREADS = 16,
    FLOW_SCHEDULE_SLOTS = 1024,            /* jobs that a node holds; more wait in the store */
    FLOW_SCHEDULE_AGAIN_MS = 2 * 1000,     /* while the store is away */
    FLOW_SCHEDULE_LOOK_MS = 15 * 1000,     /* in which a step of the clock is noticed */
    FLOW_SCHEDULE_BUSY_MS = 15 * 1000,     /* at most, once a run has ended that a slot waits for */
    FLOW_SCHEDULE_BROKEN_MS = 3600 * 1000, /* between looks at a definition that cannot be used */
};

struct flow_schedule_context {
    const struct profile_context *profiles;
    struct job_runner *flow_runs; /* is shown each new run */
};

/* Its context is a struct flow_schedule_context. */
extern const struct job_kind flow_schedule_kind;

/* Any number, the same each time: see flow_schedule_start_ms. */
uint64_t flow_schedule_hash(const struct flow_key *flow);

extern const struct metric metric_schedule_starts; /* event: started, waited, ended, deactivated */
extern const struct metric metric_schedule_lateness;
