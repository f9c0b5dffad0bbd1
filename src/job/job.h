/* Runs durable jobs (store/jobs.h) of one kind on this node: at once when they were made here, and
 * when they are due or were left behind otherwise.
 *
 * The store is the queue; in memory is only what this node holds. A job that a request makes is
 * reserved first (a slot, shared out by host: work/host_share.h), inserted in the request's own
 * transaction, already leased to this node, and posted once that is committed. A scheduler thread
 * takes what is due and not leased: at the start, and from then on from time to time, since other
 * nodes that share the store may die, and since there may have been no slot. It also extends the
 * leases of what this node holds. A job runs on a pool of the kind's own, so that a kind whose
 * hosts hang takes no thread from others.
 *
 * When the process ends, what it holds stays in the store. The process that owns an embedded store
 * takes it up at its next start; nodes that share a store take it up when the lease has ended. */
#pragma once

#include "store/jobs.h"
#include "work/host_share.h"

struct job_runner;
struct job_slot;

enum {
    JOB_LEASE_MS = 15 * 1000, /* extended while the job is held */
    JOB_LOOK_MS =
        15 * 1000, /* between looks for what a dead node left, where nodes share a store */
};

enum job_end {
    JOB_DONE,  /* committed together with job_finish or job_retry, or the lease was lost */
    JOB_AGAIN, /* nothing was committed: run again after retry_ms, with the same state; the job has
                  no thread meanwhile */
    JOB_STOPPED, /* cut short by the server's end: it stays in the store */
};

/* What a run learned of the hosts that it was to call. */
enum job_hosts_said { JOB_HOSTS_NOT_ASKED, JOB_HOSTS_ANSWERED, JOB_HOSTS_SILENT };

struct job_kind {
    struct str name; /* in the table: never changed once it was released */
    int threads_max; /* that run jobs of this kind on this node */
    size_t
        slots_max; /* jobs that this node holds at once: running, waiting for a thread, reserved */
    int64_t retry_ms; /* after JOB_AGAIN, and between looks for jobs that found no slot */
    /* After JOB_AGAIN instead of retry_ms, for a kind that waits longer each time; NULL: it does
     * not. On the run's thread. */
    int64_t (*again_ms)(const void *state);
    int64_t lease_ms; /* 0: JOB_LEASE_MS; extended at each third of it */
    int64_t look_ms;  /* at most between two looks; 0: as the store needs it */
    /* Due times and leases are by store_clock_ms, which is the same for all nodes of a store;
     * otherwise by this machine's wall clock. */
    bool by_store_clock;
    /* Hosts that the job is going to call, a line each, in the arena; STR_NULL: none is known. */
    struct str (*hosts)(void *context, const struct job_row *row, struct arena *arena);
    /* The state that all runs of one held job share. `row` lives as long as the state. */
    void *(*begin)(void *context, const struct job_row *row);
    /* On a thread of the pool; may wait. `runner` is for job_is_stopping. */
    enum job_end (*run)(void *state, struct job_runner *runner);
    enum job_hosts_said (*hosts_said)(const void *state);
    void (*free)(void *state);
    /* On the scheduler's thread, before each look, never within one; false: no look now, but the
     * same again after retry_ms. NULL: nothing. */
    bool (*looking)(void *context);
    /* After each look by time but the first, if the store answered it; NULL: nothing. */
    void (*looked)(void *context);
    /* How many jobs that call a host may run at this moment, beside what shares allow; any thread.
     * NULL: no such limit. */
    size_t (*host_limit)(void *context, struct str host);
    /* On clock_mono_ms(): when a limit will next allow more by time alone; INT64_MAX: none will. */
    int64_t (*limits_grow_at_ms)(void *context);
};

/* `kind`, `context` and `store` live longer than the runner. */
struct job_runner *job_runner_new(const struct job_kind *kind, void *context, struct store *store);
/* Starts the scheduler, which takes up what is in the store: the caller does not wait for that. */
_must_use_ bool job_runner_start(struct job_runner *runner, struct error *error);
/* From now on nothing is begun, and runs that end with JOB_AGAIN are not repeated. */
void job_runner_stop(struct job_runner *runner);
/* Stops it, and waits for what runs. Runners whose jobs call each other's job_runner_look are all
 * joined before one is freed. */
void job_runner_join(struct job_runner *runner);
void job_runner_free(struct job_runner *runner); /* joins it first */

/* Any thread, after a write that inserted a job of this kind without a slot: looks for jobs that
 * are due, and for when the next one will be. */
void job_runner_look(struct job_runner *runner);

/* Any thread: a job that returned JOB_AGAIN and waits is run now. */
void job_runner_wake(struct job_runner *runner, struct str account, struct str region,
                     struct str name);

/* Any thread: whether the server is ending, so that calls that were cut short say nothing. */
bool job_is_stopping(struct job_runner *runner);

/* --- a job that a request makes --- */

/* A slot for one job of the account that is going to call `hosts`. HOST_SHARE_FULL when this node
 * holds as many as it may, HOST_SHARE_ACCOUNT_FULL and HOST_SHARE_HOST_FULL when the account or a
 * host has its share of them. */
enum host_share_room job_reserve(struct job_runner *runner, struct str account, struct str hosts,
                                 struct job_slot **ret_slot);
void job_slot_release(struct job_slot *slot); /* of one that was not posted; NULL is fine */

/* Before the write: which job it is. Due now and leased to this node. */
void job_slot_set(struct job_slot *slot, struct str account, struct str region, struct str name,
                  struct str payload);
/* Inside the write (store_apply_fn). */
_must_use_ bool job_slot_insert(struct db *db, const struct job_slot *slot, struct error *error);
/* The write is durable: runs the job. The slot is the runner's from here on. */
void job_post(struct job_slot *slot);

struct job_counts {
    size_t slots;  /* that are taken */
    size_t queued; /* jobs that wait for a thread */
    size_t held;   /* of those: because their account or host has its share */
};
struct job_counts job_runner_counts(struct job_runner *runner);
