/* A pool of threads for jobs that block: on vendors, on the committer.
 *
 * Threads are started when all are busy, up to a limit, and end when they were idle for a while. A
 * job passes three gates: its host's share (work/host_share.h), so that a hung host does not take
 * the pool; a CPU slot (work/cpu_slots.h), so that only about one job per core computes; and a
 * thread. Past the queue's limit a job is refused at once. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct pool;

enum {
    POOL_STACK_SIZE = 256 * 1024, /* bytes; what is never used of it takes no memory */
    POOL_KEPT = 16,               /* threads that stay, however little there is to do */
    POOL_IDLE_MS = 10 * 1000,     /* for the others */
};

struct pool_config {
    int max_threads;  /* 1 at least */
    size_t queue_max; /* jobs that may wait while each thread has one in hand */
    size_t host_max;  /* threads that one host may keep; 0: as many as it leaves free */
    int computing;    /* threads that compute at once, see work/cpu_slots.h; 0: any number */
    int idle_ms;      /* 0: POOL_IDLE_MS */
    /* A host has one thread at first, and more as it answers: see pool_note. */
    bool by_answers;
};

struct pool *pool_new(const struct pool_config *config);

/* `hosts`: those that the job is going to call, a line each; STR_NULL: none. ERR_THROTTLING when
 * there is no room or no thread can be started; the job was not taken then. */
_must_use_ bool pool_post(struct pool *workers, struct str hosts, void (*run)(void *argument),
                          void *argument, struct error *error);

/* From a job, with the `hosts` that it was posted with: whether these answered it. */
void pool_note(struct pool *workers, struct str hosts, bool answered);

struct pool_counts {
    int threads;
    int busy; /* have a job in hand */
    size_t queued;
    size_t held; /* of those queued: because their host has its share of the threads */
};
struct pool_counts pool_counts(struct pool *workers);

/* Does what is queued, then ends the threads. */
void pool_free(struct pool *workers);
