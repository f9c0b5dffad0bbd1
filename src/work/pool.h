/* A pool of threads for jobs that block: on vendors, on the committer.
 *
 * Threads are started when all are busy, up to a limit, and end when they were idle for a while. A
 * job passes three gates: its account's and its host's share (work/host_share.h), so that neither
 * takes the pool; a CPU slot (work/cpu_slots.h), so that only about one job per core computes; and
 * a thread. Past the queue's limit a job is refused at once. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "work/host_share.h"

#include <stdbool.h>
#include <stddef.h>

struct pool;

enum {
    POOL_STACK_SIZE = 256 * 1024, /* bytes; what is never used of it takes no memory */
    POOL_KEPT = 16,               /* threads that stay, however little there is to do */
    POOL_IDLE_MS = 10 * 1000,     /* for the others */
};

struct pool_config {
    int max_threads;    /* 1 at least */
    size_t queue_max;   /* jobs that may wait while each thread has one in hand */
    size_t host_max;    /* threads that one host may keep; 0: as many as it leaves free */
    size_t account_max; /* the same for an account, and of the queue: see work/host_share.h */
    size_t account_queue_max;
    int computing; /* threads that compute at once, see work/cpu_slots.h; 0: any number */
    int idle_ms;   /* 0: POOL_IDLE_MS */
    /* A host has one thread at first, and more as it answers: see pool_note. */
    bool by_answers;
    /* How many threads a host may have at this moment: see work/host_share.h. When a limit has
     * grown by time alone, pool_admit has what waits looked at again. */
    size_t (*host_limit)(void *context, struct str host);
    void *host_limit_context;
};

struct pool *pool_new(const struct pool_config *config);

/* `name`: the account that the job is for and the hosts that it is going to call, as
 * host_share_name has them; STR_NULL: none. ERR_THROTTLING when there is no room or no thread can
 * be started; the job was not taken then, and ret_room (NULL: not wanted) says whose room it is. */
_must_use_ bool pool_post(struct pool *workers, struct str name, void (*run)(void *argument),
                          void *argument, enum host_share_room *ret_room, struct error *error);

/* From a job, with the `name` that it was posted with: whether its hosts answered it. */
void pool_note(struct pool *workers, struct str name, bool answered);

/* Any thread: begins jobs that a host's limit held back, as far as it allows them now. */
void pool_admit(struct pool *workers);

/* A thread that is not the pool's computes within its CPU slots, beside the pool's jobs: it holds
 * one from begin, which waits for it, to end, and waits for nothing in between. NULL: no limit. */
void pool_compute_begin(struct pool *workers);
void pool_compute_end(void);

struct pool_counts {
    int threads;
    int busy; /* have a job in hand */
    size_t queued;
    size_t held; /* of those queued: because their account or host has its share */
};
struct pool_counts pool_counts(struct pool *workers);

/* Does what is queued, then ends the threads. */
void pool_free(struct pool *workers);
