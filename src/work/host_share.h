/* Bulkheads by host with fair queueing: which job runs next, so that a host that hangs cannot take
 * all of a pool.
 *
 * Jobs wait in queues, one for each set of hosts that they are going to call; queues take turns. A
 * host may hold at most as many slots as remain free, and as much of the queue. One hung host
 * therefore holds at most 1/2 of the pool, a second 1/4, and so on; no share has to be configured.
 * Where answers count (by_answers), a host has one slot until it answers and one more for each
 * answer, so a hung host holds a single slot.
 *
 * Not thread-safe: the pool's lock guards it. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { HOST_SHARE_HOSTS_MAX = 4 }; /* of one job; further ones are not looked at */

struct host_queue;

struct share_task {
    void (*run)(void *argument);
    void *argument;
    struct host_queue *queue; /* set by host_share_enter */
};

struct host_share_config {
    size_t slots;     /* jobs in hand at once, 1 at least */
    size_t queue_max; /* jobs that may wait for a slot */
    size_t host_max;  /* slots that one host may have; 0: as many as it leaves free */
    bool by_answers; /* a host has one slot at first, and more as it answers: see host_share_note */
};

struct host_share;

struct host_share *host_share_new(const struct host_share_config *config);
void host_share_free(struct host_share *share); /* when every job has left */

enum host_share_room {
    HOST_SHARE_ROOM,
    HOST_SHARE_FULL,      /* no more may wait */
    HOST_SHARE_HOST_FULL, /* no more may wait for one of its hosts */
};

/* Takes a job in, unless there is no room for it. `hosts` is any text that is the same for the same
 * hosts, a line each; it is copied. Without one no share bounds the job. */
enum host_share_room host_share_enter(struct host_share *share, struct str hosts,
                                      struct share_task job);
/* The next job that may have a slot, which it then has; false when there is none. Queues take
 * turns; within a queue the oldest job is first. */
bool host_share_next(struct host_share *share, struct share_task *ret_job);
/* What a job in hand found, with the `hosts` that it came with: one that answered may have one
 * slot more than before, one that did not may have one only. */
void host_share_note(struct host_share *share, struct str hosts, bool answered);
/* A job that host_share_next gave is done. */
void host_share_leave(struct host_share *share, const struct share_task *job);

struct host_share_counts {
    size_t in_hand;
    size_t queued;
    size_t held; /* of those queued: since a host has its share, though there are free slots */
};
struct host_share_counts host_share_counts(const struct host_share *share);
