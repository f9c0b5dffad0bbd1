/* Which job goes next. Jobs wait in lanes, one for each set of hosts that they are going to call,
 * so that those for a host that hangs wait among themselves. A host gets as many places at once as
 * it leaves free, and as much of the queue: one that hangs takes half, a second one half of the
 * rest. Where answers count (by_answers), one that hangs takes a single place, so that it needs as
 * many hosts as there are places to take all of them. Not for several threads at once: the pool's
 * lock guards it. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { LANE_HOSTS_MAX = 4 }; /* of one job; further ones are not looked at */

struct lane;

struct job {
    void (*run)(void *argument);
    void *argument;
    struct lane *lane; /* set by lanes_enter */
};

struct lanes_config {
    size_t places;    /* jobs in hand at once, 1 at least */
    size_t queue_max; /* jobs that may wait for a place */
    size_t host_max;  /* places that one host may have; 0: as many as it leaves free */
    bool by_answers;  /* a host has one place at first, and more as it answers: see lanes_note */
};

struct lanes;

struct lanes *lanes_new(const struct lanes_config *config);
void lanes_free(struct lanes *lanes); /* when every job has left */

enum lanes_room {
    LANES_ROOM,
    LANES_FULL,      /* no more may wait */
    LANES_HOST_FULL, /* no more may wait for one of its hosts */
};

/* Takes a job in, unless there is no room for it. `hosts` is any text that is the same for the same
 * hosts, a line each; it is copied. Without one no share bounds the job. */
enum lanes_room lanes_enter(struct lanes *lanes, struct str hosts, struct job job);
/* The next job that may have a place, which it then has; false when there is none. Lanes take
 * turns; within a lane the oldest goes first. */
bool lanes_next(struct lanes *lanes, struct job *ret_job);
/* What a job in hand found, with the `hosts` that it came with: one that answered may have one
 * place more than before, one that did not may have one only. */
void lanes_note(struct lanes *lanes, struct str hosts, bool answered);
/* A job that lanes_next gave is done. */
void lanes_leave(struct lanes *lanes, const struct job *job);

struct lanes_counts {
    size_t in_hand;
    size_t queued;
    size_t held; /* of those queued: since a host has its share, though there are free places */
};
struct lanes_counts lanes_counts(const struct lanes *lanes);
