/* One try of a run, as the parts of the engine (engine.h) see it: what there is to work with, how
 * far the run has come, and whether it is to continue. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "flow/progress.h"
#include "flow/run_kept.h"
#include "store/flow_runs.h"
#include "wire/value.h"

struct aws_role_cache;
struct call_quotas;
struct flow_destination;
struct glue_config;
struct job_runner;
struct profile_context;
struct record_batch;
struct s3_config;

/* What an engine works with; lives as long as the server. */
struct flow_engine_config {
    const struct profile_context *profiles; /* of sources that have one */
    const struct s3_config *s3;
    const struct glue_config *glue;    /* run_tables.h */
    struct aws_role_cache *roles;      /* of accounts whose buckets are read and written */
    struct call_quotas *quotas;        /* of the vendors that runs of this node call */
    struct job_runner *objects;        /* objects_job.h */
    struct job_runner *flow_schedules; /* is shown the end of each run */
    int64_t since_ms;                  /* wall clock: when this process began to carry out runs */
};

enum flow_engine_wish {
    ENGINE_GO_ON,
    ENGINE_CANCEL, /* the run is to end as it is */
    ENGINE_LEAVE,  /* the server stops, or another node has the run */
};

/* What the engine asks of the job that carries the run out. On the run's thread; waits. */
struct flow_engine_job {
    /* Whether the run is to continue. ERR_UNAVAILABLE: the store does not say. */
    bool (*ask)(void *context, enum flow_engine_wish *ret_wish, struct error *error);
    /* Makes run->progress the checkpoint, if the job is still this node's. ERR_UNAVAILABLE, also
     * below: it is not known whether it is, or another node has it. */
    bool (*commit)(void *context, struct error *error);
    /* Adds has_begun to the checkpoint that there is, and changes nothing else of it. */
    bool (*note_begun)(void *context, struct error *error);
    /* Shows what the run waits for; STR_NULL: it does no longer. False: the store did not take it,
     * and it may be shown later. */
    bool (*show)(void *context, struct str message);
    void *context;
};

/* Instead of a destination: what becomes of each record. */
struct flow_engine_view {
    struct flow_destination *destination; /* freed by whom the view is of */
    /* Shows a batch as it was decoded, records that could not be included; false: it is enough. */
    bool (*look)(void *context, const struct record_batch *batch, struct error *error);
    void *context;
    size_t batch_rows;
    int64_t deadline_ms; /* on clock_mono_ms(): of each call to a vendor */
};

struct flow_engine_run {
    const struct flow_engine_config *config;
    const struct flow_run_row *row;
    const struct value *definition; /* DescribeFlow's members, as the run began with them */
    struct arena *arena;            /* of the try */
    struct flow_progress *progress; /* as the last checkpoint has it; continues from there */
    struct flow_engine_job job;
    int64_t s3_deadline_ms; /* on clock_mono_ms(): of all calls to S3; 0: none */
    bool is_later;          /* there may have been a try before this one, which was cut off */
    /* For a preview (preview.h): records go here, and are shown before the tasks are applied; the
     * run's own destination is not opened. NULL: there is none. */
    const struct flow_engine_view *view;
    struct flow_run_kept *kept;
    /* The engine's own: zeroed. */
    enum flow_engine_wish wish;
    int64_t ask_at_ms; /* on clock_mono_ms() */
    int64_t pause_ms;  /* before another try, as the source or a vendor asks for; 0: the try did not
                        * end so */
    bool is_at_checkpoint; /* nothing was done since, so the try can end here and lose nothing */
    /* Ends objects that are open, and makes a checkpoint, before a long wait; *ret_settled false:
     * this run cannot. NULL: it is at one. ERR_UNAVAILABLE and others as of the engine. */
    bool (*settle)(void *engine, bool *ret_settled, struct error *error);
    void *engine;
    bool is_away; /* S3 is: why the try ends with ERR_UNAVAILABLE (run_s3_ended) */
};

enum {
    FLOW_ENGINE_ASK_MS = 1000,             /* between two looks whether to continue */
    FLOW_RUN_MAX_MS = 48 * 60 * 60 * 1000, /* User Guide, "Quotas for Amazon AppFlow" */
};

/* Whether the run is to end, as of a second ago: for waits. */
bool flow_engine_is_to_end(struct flow_engine_run *run);
/* ERR_VALIDATION: it has taken as long as a run may, FLOW_RUN_MAX_MS. */
_must_use_ bool flow_engine_check_time(const struct flow_engine_run *run, struct error *error);
/* Now: before what cannot be taken back. Fails when the run is to end, or it cannot be known. */
_must_use_ bool flow_engine_check(struct flow_engine_run *run, struct error *error);
