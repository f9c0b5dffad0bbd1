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
    bool look;  /* jobs may have been inserted */
    struct host_share *share;
    struct job_slot *held; /* from SLOT_SET on; no look takes the rows of their keys */
    bool started;          /* the scheduler thread */
    bool left;             /* there was no slot for some job that is due; the scheduler's */
    size_t ended;          /* jobs, since the start */
    size_t refill_at;      /* with so many of them the scheduler fills slots; 0: never */
    bool refill;           /* there are so many */
    bool lost_all;         /* the last look got none of the leases that it had slots for */
    pthread_t scheduler;
    int64_t extend_at_ms; /* monotonic; the scheduler's */
    int64_t looked_at_ms; /* job_clock_ms: the last whole look read what was due then; likewise */
};

/* The states of a slot, in order. */
enum slot_state { SLOT_RESERVED, SLOT_SET, SLOT_RUNNING };

struct job_slot {
    struct job_runner *runner;
    struct arena arena;
    enum slot_state state;
    struct str share_name;  /* of its queue: account and hosts, see work/host_share.h */
    struct share_task task; /* in runner->share */
    struct job_row row;     /* from SLOT_SET on */
    void *run_state;        /* of the kind; SLOT_RUNNING */
    struct job_slot *next;  /* in runner->held */
    bool waiting;           /* after JOB_AGAIN: has no thread until the scheduler posts it again */
    int64_t again_at_ms;    /* monotonic */
};

int64_t job_lease_ms(const struct job_runner *runner);
/* By which the kind's jobs are due and leased. */
int64_t job_clock_ms(const struct job_runner *runner);

/* Puts a row of the store into a slot that is reserved. */
void job_slot_set_row(struct job_slot *slot, const struct job_row *row);

/* Posts the jobs that returned JOB_AGAIN and are due. Returns the time at which the next one is
 * due, at most `limit_ms`, on clock_mono_ms(). */
int64_t job_post_waiting(struct job_runner *runner, int64_t limit_ms);

/* --- scheduler.c --- */

/* The scheduler's thread; its argument is the runner. */
void *job_schedule(void *runner);
