/* Threads for work that waits: vendors, the committer. Started when needed, up to a limit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct workers;

enum {
    WORKERS_DEFAULT = 128,
    WORKERS_QUEUE_MAX = 4096, /* jobs that wait for a thread */
    WORKERS_STACK_SIZE = 256 * 1024,
};

struct workers *workers_new(int max_threads);
/* False when the queue is full or no thread can be started; the job was not taken then. */
bool workers_post(struct workers *workers, void (*run)(void *argument), void *argument);

struct workers_counts {
    int threads; /* started */
    int busy;
    size_t queued;
};
struct workers_counts workers_counts(struct workers *workers);

/* Does what is queued, then ends the threads. */
void workers_free(struct workers *workers);
