/* The copies of secrets of all profiles of a registered connector, when its registration moves
 * between functions that read copies and functions that do not, or is removed by force: one durable
 * job of secret_mirror_kind for the connector makes a job for each profile's copy. */
#pragma once

#include "job/job.h"
#include "profile/context.h"
#include "store/connectors.h"

#define SECRET_MIRROR_JOB STR("secret-mirror") /* secret_mirror_kind's name */

enum {
    SECRET_MIRROR_PAGE = 100, /* profiles that one write makes jobs for */
    /* Before copies are removed: longer than a call that began with the registration before. */
    SECRET_MIRROR_REST_MS = 60 * 1000,
};

/* Inside the write that adds, replaces or removes a registration: the job that follows. The
 * functions are its ARNs before and from now on; STR_NULL: there was none that is known, or there
 * is none any more. Nothing where no copies are kept, or none of them changes. Call
 * secret_mirror_wake once the write is durable. */
_must_use_ bool secret_mirror_follow_label(struct db *db, const struct profile_context *context,
                                           const struct connector_key *key,
                                           struct str function_before, struct str function_now,
                                           struct arena *arena, struct error *error);

/* --- for secret_mirror.c --- */

bool secret_mirror_is_of_label(const struct job_key *key);
/* The job's run. */
enum job_end secret_mirror_run_label(const struct profile_context *context,
                                     const struct job_row *job, struct job_runner *runner);
