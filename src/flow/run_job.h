/* The durable job of a run in progress (kind FLOW_RUN_JOB): loads the run, moves its records
 * (engine.h), and commits how it ended together with the end of the job. While the store or S3 is
 * away, or the store holds a state that this version does not know, nothing is concluded, and the
 * job is run again, from the run's last checkpoint: the reason is logged once. A node that dies
 * leaves the job to another. */
#pragma once

#include "base/metrics.h"
#include "flow/engine_run.h"
#include "job/job.h"

enum {
    FLOW_RUN_THREADS = 16, /* runs that a node works on at once */
    FLOW_RUN_SLOTS = 256,  /* that it holds */
    /* Between tries, while the store or S3 is away or a run cannot be read: at first, then twice as
     * long each time. */
    FLOW_RUN_AGAIN_MS = 500,
    FLOW_RUN_AGAIN_MAX_MS = 30 * 1000,
    /* Between looks at a run that waits for longer: whether it is canceled. */
    FLOW_RUN_LOOK_MS = 5 * 1000,
    FLOW_RUN_LINE_MS = 250, /* and whether it is soon its turn at its vendor */
    /* A run ends in Error when S3 has been away for so long, as tries without a checkpoint have
     * found it. */
    FLOW_RUN_OUTAGE_MAX_MS = 10 * 60 * 1000,
    /* A run that is older when a node takes it up may be another node's that died, whose lease had
     * to end first; the rest of JOB_LEASE_MS is for clocks that differ. */
    FLOW_RUN_FIRST_TRY_MS = JOB_LEASE_MS / 3,
};

/* Its context is a struct flow_engine_config. */
extern const struct job_kind flow_run_kind;

extern const struct metric metric_flow_runs; /* state: Successful, Error, Canceled */
