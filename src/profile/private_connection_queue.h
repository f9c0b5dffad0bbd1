/* The background work of Private mode: a bounded number of profiles whose private connection is
 * being made, on threads of their own, so that a private network which does not answer takes no
 * thread from other requests, and a host that does not answer takes one of them (see
 * work/host_share.h): it has one until it answers, and one more for each answer, up to half. What
 * is under way is in the store (PENDING), and only the order of work is in memory. */
#pragma once

#include "base/error.h"
#include "store/profiles.h"

struct provisioner;
struct service;

enum {
    PROVISION_THREADS = 16,
    PROVISION_MAX = 1024,      /* PENDING at once; one host gets as many as it leaves free */
    PROVISION_RETRY_MS = 2000, /* until a commit is tried again that the store had no room for */
};

struct provisioner *provisioner_new(const struct service *service);
/* What runs is cut short with the client's calls, what waits is left alone; all stays PENDING. */
void provisioner_stop(struct provisioner *provisioner);
void provisioner_free(struct provisioner *provisioner); /* stops it first */

/* A place for a change that is going to make a profile PENDING. */
struct provision_place;

/* `hosts`: those that making it is going to call, a line each. ERR_THROTTLING when no place is free
 * or a host has its share of them. Given back, or used up by provisioner_post. */
bool provisioner_reserve(struct provisioner *provisioner, struct str hosts,
                         struct provision_place **ret_place, struct error *error);
void provisioner_give_back(struct provision_place *place); /* NULL is fine */

struct provisioner_counts {
    size_t places; /* that are taken: connections that are made or wait, and reserved ones */
    size_t queued; /* connections that wait for a thread */
    size_t held;   /* of those: because their host has its share of the threads */
};
struct provisioner_counts provisioner_counts(struct provisioner *provisioner);

/* The change is committed. */
void provisioner_post(struct provision_place *place, const struct profile *profile);

/* At the start: goes on with everything that is PENDING; and as long as there was no place for some
 * of it, or where nodes share the store and one may die, looks from time to time for more. */
bool provisioner_resume(struct provisioner *provisioner, struct error *error);
