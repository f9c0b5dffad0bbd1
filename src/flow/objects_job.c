/* A write for each slice; a node that dies leaves the rest to another. */
#include "flow/objects_job.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/flow_run_objects.h"

#include <stdlib.h>

enum {
    THREADS = 1,
    SLOTS = 64,
    AGAIN_MS = 1000, /* while the store is away */
};

struct trimming {
    struct store *store;
    const struct job_row *job;
    bool is_done, is_held; /* by the last application of the write */
    bool is_logged;        /* why it is run again */
};

static void *begin(void *context, const struct job_row *job)
{
    struct trimming *self = xcalloc(1, sizeof(*self));
    self->store = context;
    self->job = job;
    return self;
}

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct trimming *self = argument;
    self->is_held = true;
    if (!flow_run_objects_trim(db, self->job, clock_wall_ms() + JOB_LEASE_MS, &self->is_done,
                               &self->is_held, error))
        return false;
    return self->is_held || fail(error, ERR_LOST_RACE, "The lease of the job was lost.");
}

static enum job_end try_again(struct trimming *self, const struct error *error)
{
    const struct job_key *key = &self->job->key;
    if (!self->is_logged)
        log_warn("Old lists of objects of the flow %.*s (account %.*s, %.*s) are removed later: %s",
                 STR_ARG(key->name), STR_ARG(key->account), STR_ARG(key->region), error->message);
    self->is_logged = true;
    return JOB_AGAIN;
}

static enum job_end run(void *state, struct job_runner *runner)
{
    struct trimming *self = state;
    struct error error;
    do {
        if (job_is_stopping(runner))
            return JOB_STOPPED;
        if (!store_apply(self->store, apply, self, false, &error))
            return self->is_held ? try_again(self, &error) : JOB_DONE;
        fault_point("lists:trimmed");
    } while (!self->is_done);
    return JOB_DONE;
}

static struct str hosts(void *context, const struct job_row *row, struct arena *arena)
{
    (void)context, (void)row, (void)arena;
    return STR_NULL;
}

static enum job_hosts_said hosts_said(const void *state)
{
    (void)state;
    return JOB_HOSTS_NOT_ASKED;
}

const struct job_kind flow_objects_kind = {
    .name = FLOW_OBJECTS_JOB,
    .threads_max = THREADS,
    .slots_max = SLOTS,
    .retry_ms = AGAIN_MS,
    .hosts = hosts,
    .begin = begin,
    .run = run,
    .hosts_said = hosts_said,
    .free = free,
};
