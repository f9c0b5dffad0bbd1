/* The background work of Private mode: a bounded number of profiles whose private connection is
 * being made, on threads of their own, so that a private network which does not answer takes no
 * thread from other requests. What is under way is in the store (PENDING), and only the order of
 * work is in memory. */
#pragma once

#include "base/error.h"
#include "store/profiles.h"

struct provisioner;
struct service;

enum {
    PROVISION_THREADS = 16,
    PROVISION_MAX = 1024,      /* PENDING at once */
    PROVISION_RETRY_MS = 2000, /* until a commit is tried again that the store had no room for */
};

struct provisioner *provisioner_new(const struct service *service);
/* What runs is cut short with the client's calls, what waits is left alone; all stays PENDING. */
void provisioner_stop(struct provisioner *provisioner);
void provisioner_free(struct provisioner *provisioner); /* stops it first */

/* A place for a change that is going to make a profile PENDING: ERR_THROTTLING when none is free.
 * Given back, or used up by provisioner_post. */
bool provisioner_reserve(struct provisioner *provisioner, struct error *error);
void provisioner_give_back(struct provisioner *provisioner);
int provisioner_places_taken(struct provisioner *provisioner);

/* The change is committed. */
void provisioner_post(struct provisioner *provisioner, const struct profile *profile);

/* At the start: goes on with everything that is PENDING; and where nodes share the store, from then
 * on looks from time to time for what another one left so when it died. */
bool provisioner_resume(struct provisioner *provisioner, struct error *error);
