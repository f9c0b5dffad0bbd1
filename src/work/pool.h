/* Threads for work that waits: vendors, the committer. Started when needed, up to a limit; those
 * that had nothing to do for a while end. Whom a job waits for bounds how many like it have a
 * thread: see work/host_share.h. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct workers;

enum {
    WORKERS_STACK_SIZE = 256 * 1024, /* bytes; what is never used of it takes no memory */
    WORKERS_KEPT = 16,               /* threads that stay, however little there is to do */
    WORKERS_IDLE_MS = 10 * 1000,     /* for the others */
};

struct workers_config {
    int max_threads;  /* 1 at least */
    size_t queue_max; /* jobs that may wait while each thread has one in hand */
    size_t host_max;  /* threads that one host may keep; 0: as many as it leaves free */
    int computing;    /* threads that compute at once, see work/cpu_slots.h; 0: any number */
    int idle_ms;      /* 0: WORKERS_IDLE_MS */
    /* A host has one thread at first, and more as it answers; workers_note tells. */
    bool by_answers;
};

struct workers *workers_new(const struct workers_config *config);

/* `hosts`: those that the job is going to call, a line each; STR_NULL: none. ERR_THROTTLING when
 * there is no room or no thread can be started; the job was not taken then. */
bool workers_post(struct workers *workers, struct str hosts, void (*run)(void *argument),
                  void *argument, struct error *error);

/* From a job, with the `hosts` that it was posted with: whether these answered it. */
void workers_note(struct workers *workers, struct str hosts, bool answered);

struct workers_counts {
    int threads; /* that there are */
    int busy;    /* have a job in hand */
    size_t queued;
    size_t held; /* of those queued: because their host has its share of the threads */
};
struct workers_counts workers_counts(struct workers *workers);

/* Does what is queued, then ends the threads. */
void workers_free(struct workers *workers);
