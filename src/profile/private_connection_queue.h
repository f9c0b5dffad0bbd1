/* The background work of Private mode: a bounded number of profiles whose private connection is
 * being made, on threads of their own, so that a private network which does not answer takes no
 * thread from other requests, and a host that does not answer takes one of them (see
 * work/host_share.h): it has one until it answers, and one more for each answer, up to half. What
 * is under way is in the store (PENDING), and only the order of work is in memory. */
#pragma once

#include "base/error.h"
#include "store/profiles.h"

struct private_queue;
struct profile_context;

enum {
    PRIVATE_CONNECTION_THREADS = 16,
    PRIVATE_CONNECTION_MAX = 1024, /* PENDING at once; one host gets as many as it leaves free */
    PRIVATE_CONNECTION_RETRY_MS =
        2000, /* until a commit is tried again that the store had no room for */
};

struct private_queue *private_queue_new(const struct profile_context *context);
/* What runs is cut short with the client's calls, what waits is left alone; all stays PENDING. */
void private_queue_stop(struct private_queue *queue);
void private_queue_free(struct private_queue *queue); /* stops it first */

/* A slot for a change that is going to make a profile PENDING. */
struct private_slot;

/* `hosts`: those that making it is going to call, a line each. ERR_THROTTLING when no slot is free
 * or a host has its share of them. Given back, or used up by private_queue_post. */
bool private_slot_reserve(struct private_queue *queue, struct str hosts,
                          struct private_slot **ret_place, struct error *error);
void private_slot_release(struct private_slot *slot); /* NULL is fine */

struct private_queue_counts {
    size_t slots;  /* that are taken: connections that are made or wait, and reserved ones */
    size_t queued; /* connections that wait for a thread */
    size_t held;   /* of those: because their host has its share of the threads */
};
struct private_queue_counts private_queue_counts(struct private_queue *queue);

/* The change is committed. */
void private_queue_post(struct private_slot *slot, const struct profile *profile);

/* At the start: goes on with everything that is PENDING; and as long as there was no slot for some
 * of it, or where nodes share the store and one may die, looks from time to time for more. */
bool private_queue_resume(struct private_queue *queue, struct error *error);
