/* Bulkheads by account and by host with fair queueing: which job runs next, so that neither an
 * account nor a host that hangs can take all of a pool.
 *
 * An account may hold at most as many slots as remain free, and as much of the queue: one holds at
 * most 1/2 of the pool, a second 1/4, and so on; no share has to be configured. The same rule holds
 * for each host over all accounts, and for each host of an account within the account's share: a
 * hung host leaves its own account half of that. Where answers count (by_answers), a host has one
 * slot until it answers and one more for each answer, so a hung host holds a single slot.
 *
 * Jobs wait in queues, one for each account and set of hosts that they are going to call. Accounts
 * take turns, and so do an account's queues: an account that makes up host names
 * takes no turn from another.
 *
 * Not thread-safe: the pool's lock guards it. */
#pragma once

#include "base/arena.h"
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
    /* An account may have this many slots, and of the queue, instead of what it leaves free; 0:
     * what it leaves free. */
    size_t account_max;
    size_t account_queue_max;
    /* How many slots a host may have at this moment, besides its share; 0: none. NULL: no such
     * limit. Asked with the caller's lock held. */
    size_t (*host_limit)(void *context, struct str host);
    void *host_limit_context;
};

struct host_share;

struct host_share *host_share_new(const struct host_share_config *config);
void host_share_free(struct host_share *share); /* when every job has left */

enum host_share_room {
    HOST_SHARE_ROOM,
    HOST_SHARE_FULL,         /* no more may wait */
    HOST_SHARE_ACCOUNT_FULL, /* no more may wait for its account */
    HOST_SHARE_HOST_FULL,    /* no more may wait for one of its hosts */
};

/* The name of a job's queue: "@" and the account, and its hosts, each on a line of its own. Without
 * an account (a text that does not begin with "@") no account's share bounds the job. */
struct str host_share_name(struct arena *arena, struct str account, struct str hosts);

/* Takes a job in, unless there is no room for it. `name` is copied; its hosts are any text that is
 * the same for the same hosts. Without one no host's share bounds the job. */
enum host_share_room host_share_enter(struct host_share *share, struct str name,
                                      struct share_task job);
/* The next job that may have a slot, which it then has; false when there is none. */
bool host_share_next(struct host_share *share, struct share_task *ret_job);
/* What a job in hand found, with the `name` that it came with: a host that answered may have one
 * slot more than before, one that did not may have one only. */
void host_share_note(struct host_share *share, struct str name, bool answered);
/* A job that host_share_next gave is done. */
void host_share_leave(struct host_share *share, const struct share_task *job);

struct host_share_counts {
    size_t in_hand;
    size_t queued;
    size_t held; /* of those queued: since an account or a host has its share, though there are free
                    slots */
};
struct host_share_counts host_share_counts(const struct host_share *share);
