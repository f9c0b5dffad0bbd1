/* Threads for work that waits: vendors, the committer. Started when needed, up to a limit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct workers;

enum {
    WORKERS_DEFAULT = 128,
    WORKERS_QUEUE_MAX = 4096, /* the usual number of jobs that may wait for a thread */
    WORKERS_STACK_SIZE = 256 * 1024,
};

/* `queue_max` jobs may wait while each of `max_threads` has one in hand. */
struct workers *workers_new(int max_threads, size_t queue_max);
/* False when the queue is full or no thread can be started; the job was not taken then. */
bool workers_post(struct workers *workers, void (*run)(void *argument), void *argument);

struct workers_counts {
    int threads; /* started */
    int busy;    /* have a job in hand */
    size_t queued;
};
struct workers_counts workers_counts(struct workers *workers);

/* Does what is queued, then ends the threads. */
void workers_free(struct workers *workers);
