/* One try of a run as the engine sees the run's job: whether it is still this node's and wanted,
 * and the checkpoints that are committed under its fence. */
#pragma once

#include "flow/engine.h"
#include "job/job.h"

enum {
    FLOW_CLEAN_MS = 60 * 1000, /* what a run that has ended takes for it */
    FLOW_END_MS = 30 * 1000,   /* and for what a vendor keeps, or does, for it */
};

struct flow_run_try {
    /* Given: */
    const struct flow_engine_config *config;
    const struct job_row *job;
    struct job_runner *runner;
    struct flow_run_row *row; /* as loaded; counts and progress become those of each checkpoint */
    struct arena *arena;      /* of the try */
    struct flow_run_kept *kept;
    bool is_later; /* see engine_run.h */
    /* Its own, zeroed: */
    bool lost;        /* the lease, or the run is gone */
    bool has_moved;   /* a checkpoint was committed */
    int64_t pause_ms; /* before another try, where the source or a vendor asks for it; else 0 */
    struct flow_progress progress;
    struct arena texts[2]; /* of the row's progress, in turn: the one at hand, and the next one */
    int text;
    struct str source_cursor; /* of the last checkpoint, where it stands for what the vendor keeps;
                               * STR_NULL: it does not */
    struct arena source_memory; /* of that */
    struct arena shown_memory;  /* of the row's message, where the try has shown it */
    int64_t ending_deadline_ms; /* on clock_mono_ms() */
};

/* Reads the row's progress. ERR_INTERNAL: it is not as this server wrote it. */
_must_use_ bool flow_run_try_begin(struct flow_run_try *attempt, struct error *error);
void flow_run_try_done(struct flow_run_try *attempt); /* may be called on a zeroed one */

enum flow_engine_end flow_run_try_move(struct flow_run_try *attempt, const struct value *definition,
                                       struct error *error);
/* What the run waits for until another try, which clears it. */
void flow_run_try_show(struct flow_run_try *attempt, struct str message);
/* Aborts what tries have left of uploads in parts, for a run that ends, also one that is canceled.
 * Waits, FLOW_CLEAN_MS at most; less when the server stops. */
_must_use_ bool flow_run_try_clean(struct flow_run_try *attempt, const struct value *definition,
                                   struct error *error);

/* Registers what a run has written that has written all (run_tables.h): sets the row's tables.
 * Waits. False: the run is left to another try. */
_must_use_ bool flow_run_try_register(struct flow_run_try *attempt, const struct value *definition,
                                      struct error *error);

/* Ends what the vendor keeps for the run's source, such as a job, once the run's end is committed:
 * a try before that may need it. What the vendor does not end then, it does by itself some day.
 * Waits, FLOW_END_MS at most; less when the server stops. */
void flow_run_try_end_source(struct flow_run_try *attempt, const struct value *definition);

/* The same of a load that a run which was canceled has begun: it is asked for to be given up. */
void flow_run_try_cancel_load(struct flow_run_try *attempt, const struct value *definition);

/* Puts counts and progress into the row as they are to be kept once the run has ended. */
void flow_run_try_conclude(struct flow_run_try *attempt);
/* Inside the write that ends the run: adds the objects that no checkpoint has. */
_must_use_ bool flow_run_try_insert_objects(struct db *db, const struct flow_run_try *attempt,
                                            struct error *error);
