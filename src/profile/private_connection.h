/* Making a private connection: the profile was committed as PENDING together with a job of this
 * kind; its vendor is asked over the operator's private route, and what came of it is committed as
 * CREATED or FAILED. An update or delete that is committed in between wins. */
#pragma once

#include "base/metrics.h"
#include "job/job.h"
#include "profile/context.h"
#include "store/profiles.h"

enum {
    PRIVATE_CONNECTION_THREADS = 16,
    PRIVATE_CONNECTION_MAX = 1024,      /* PENDING on this node; shared: see work/host_share.h */
    PRIVATE_CONNECTION_RETRY_MS = 2000, /* until a commit is tried again that the store refused */
    /* From the update: so long it waits for the source of a reference that is away. */
    PRIVATE_CONNECTION_SOURCE_MS = 60 * 60 * 1000,
};

/* Its context is a struct profile_context. */
extern const struct job_kind private_connection_kind;

/* Changes that private_connection_reserve had no slot for. */
extern const struct metric metric_private_connections_throttled;

/* A slot for a change of the account that is going to make a profile PENDING. `hosts`: those that
 * making the connection is going to call, a line each. ERR_THROTTLING when no slot is free, or the
 * account or a host has its share of them. */
_must_use_ bool private_connection_reserve(const struct profile_context *context,
                                           struct str account, struct str hosts,
                                           struct job_slot **ret_slot, struct error *error);

/* Before the write that commits `profile`: the job that goes with it. */
void private_connection_set(struct job_slot *slot, const struct profile *profile,
                            struct arena *arena);
