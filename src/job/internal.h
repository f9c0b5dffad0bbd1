/* What the files of this room share: a runner and its slots. */
#pragma once

#include "base/arena.h"
#include "base/random.h"
#include "job/job.h"

#include <pthread.h>

struct job_runner {
    const struct job_kind *kind;
    void *context;
    struct store *store;
    struct pool *pool;
    char owner[UUID_SIZE]; /* names this process in the table, for operators */
    pthread_mutex_t lock;  /* guards what follows */
    pthread_cond_t woken;
    bool stopping;
    bool poked; /* the scheduler has something new to wait for */
    struct host_share *share;
    struct job_slot *running; /* what is queued for a thread, or runs */
    bool started;             /* the scheduler thread */
    bool left;                /* there was no slot for some job that is due */
    pthread_t scheduler;
};

/* The states of a slot, in order. */
enum slot_state { SLOT_RESERVED, SLOT_SET, SLOT_RUNNING };

struct job_slot {
    struct job_runner *runner;
    struct arena arena;
    enum slot_state state;
    struct str hosts;
    struct share_task task; /* in runner->share */
    struct job_row row;     /* from SLOT_SET on */
    void *run_state;        /* of the kind; SLOT_RUNNING */
    struct job_slot *next;  /* in runner->running */
    bool waiting;           /* after JOB_AGAIN: has no thread until the scheduler posts it again */
    int64_t again_at_ms;    /* monotonic */
};

int64_t job_lease_ms(const struct job_runner *runner);

/* Puts a row of the store into a slot that is reserved. */
void job_slot_set_row(struct job_slot *slot, const struct job_row *row);

/* Gives threads to jobs whose turn has come after JOB_AGAIN; until when the others wait, at most
 * `limit_ms`, on clock_mono_ms(). */
int64_t job_post_waiting(struct job_runner *runner, int64_t limit_ms);

/* --- scheduler.c --- */

/* Takes jobs that are due and not leased, and runs them. */
_must_use_ bool job_take_due(struct job_runner *runner, size_t *ret_taken, struct error *error);
/* The scheduler's thread; its argument is the runner. */
void *job_schedule(void *runner);
