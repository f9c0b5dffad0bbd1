/* The query jobs of the CRM's bulk API that the sandbox works on, in memory: the newest
 * QUERY_JOBS_MAX of all accounts. Each function may be called by any thread. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    QUERY_JOBS_MAX = 64,
    QUERY_JOB_TEXT_MAX = 8 * 1024, /* bytes of one query */
    QUERY_JOB_POLLS = 2,           /* a job is complete at the second look */
    QUERY_JOB_ID = 18,             /* characters */
};

enum query_job_state { JOB_UPLOAD_COMPLETE, JOB_IN_PROGRESS, JOB_COMPLETE, JOB_ABORTED };

struct query_job {
    char id[QUERY_JOB_ID + 1];
    struct str host; /* whose it is */
    struct str query;
    bool with_deleted;
    enum query_job_state state;
    int polls;
};

/* Adds a job; *ret_job is a copy. False: the query is too long. */
bool query_job_add(struct str host, struct str query, bool with_deleted, struct arena *arena,
                   struct query_job *ret_job);
/* A copy of the job in the arena. `polls`: it is looked at, which brings it on. False: there is
 * none. */
bool query_job_find(struct str host, struct str id, bool polls, struct arena *arena,
                    struct query_job *ret_job);
/* Changes the state of a job in progress, or removes one that is not in progress. False: it is in
 * another state. */
bool query_job_abort(struct str host, struct str id);
bool query_job_remove(struct str host, struct str id);
