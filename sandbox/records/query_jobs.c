/* A ring of jobs: past its size the oldest is forgotten. */
#include "sandbox/records/query_jobs.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    struct query_job job;
    char *texts; /* host and query; NULL: the slot is free */
};

static struct {
    pthread_mutex_t lock;
    struct slot slots[QUERY_JOBS_MAX];
    size_t next;
    unsigned long long made;
} jobs = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_in_progress(const struct query_job *job)
{
    return job->state == JOB_UPLOAD_COMPLETE || job->state == JOB_IN_PROGRESS;
}

static struct slot *find(struct str host, struct str id)
{
    for (size_t i = 0; i < QUERY_JOBS_MAX; i++) {
        struct slot *slot = &jobs.slots[i];
        if (slot->texts && str_eq(slot->job.host, host) && str_eq(str_from(slot->job.id), id))
            return slot;
    }
    return NULL;
}

static void empty(struct slot *slot)
{
    free(slot->texts);
    *slot = (struct slot){.texts = NULL};
}

static struct query_job copy(const struct query_job *job, struct arena *arena)
{
    struct query_job copied = *job;
    copied.host = arena_copy(arena, job->host);
    copied.query = arena_copy(arena, job->query);
    return copied;
}

bool query_job_add(struct str host, struct str query, bool with_deleted, struct arena *arena,
                   struct query_job *ret_job)
{
    if (query.len > QUERY_JOB_TEXT_MAX)
        return false;
    pthread_mutex_lock(&jobs.lock);
    struct slot *slot = &jobs.slots[jobs.next];
    jobs.next = (jobs.next + 1) % QUERY_JOBS_MAX;
    empty(slot);
    slot->texts = xmalloc(host.len + query.len + 1);
    memcpy(slot->texts, host.data, host.len);
    memcpy(slot->texts + host.len, query.data, query.len);
    slot->job.host = (struct str){slot->texts, host.len};
    slot->job.query = (struct str){slot->texts + host.len, query.len};
    slot->job.with_deleted = with_deleted;
    snprintf(slot->job.id, sizeof(slot->job.id), "7505g%010lluAAA", jobs.made++ % 10000000000ULL);
    *ret_job = copy(&slot->job, arena);
    pthread_mutex_unlock(&jobs.lock);
    return true;
}

bool query_job_find(struct str host, struct str id, bool polls, struct arena *arena,
                    struct query_job *ret_job)
{
    pthread_mutex_lock(&jobs.lock);
    struct slot *slot = find(host, id);
    struct query_job *job = slot ? &slot->job : NULL;
    if (job && polls && is_in_progress(job))
        job->state = ++job->polls < QUERY_JOB_POLLS ? JOB_IN_PROGRESS : JOB_COMPLETE;
    if (job)
        *ret_job = copy(job, arena);
    pthread_mutex_unlock(&jobs.lock);
    return job != NULL;
}

bool query_job_abort(struct str host, struct str id)
{
    pthread_mutex_lock(&jobs.lock);
    struct slot *slot = find(host, id);
    bool aborts = slot && is_in_progress(&slot->job);
    if (aborts)
        slot->job.state = JOB_ABORTED;
    pthread_mutex_unlock(&jobs.lock);
    return aborts;
}

bool query_job_remove(struct str host, struct str id)
{
    pthread_mutex_lock(&jobs.lock);
    struct slot *slot = find(host, id);
    bool removes = slot && !is_in_progress(&slot->job);
    if (removes)
        empty(slot);
    pthread_mutex_unlock(&jobs.lock);
    return removes;
}
