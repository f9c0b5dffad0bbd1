/* Copies of profiles' secrets for connectors whose functions run elsewhere (AWS Lambda): a durable
 * job for each copy makes it what the store says, so that it follows the credentials and tokens and
 * goes with the profile. The job is written in the transaction of the change that it follows. */
#pragma once

#include "connector/connector.h"
#include "connector/custom/function.h"
#include "job/job.h"
#include "profile/context.h"
#include "store/jobs.h"
#include "store/profiles.h"

enum {
    SECRET_MIRROR_THREADS = 8,
    SECRET_MIRROR_MAX = 1024,          /* jobs that a node has in hand */
    SECRET_MIRROR_TIME_MS = 20 * 1000, /* for the calls of one run */
    SECRET_MIRROR_RETRY_MS = 5 * 1000, /* first wait after a failure; then doubled */
    SECRET_MIRROR_RETRY_MAX_MS = 15 * 60 * 1000,
    SECRET_MIRROR_TRIES_MAX = 100, /* to remove the copy of one call: about a day */
};

/* Its context is a struct profile_context. */
extern const struct job_kind secret_mirror_kind;

/* What is wrong with a job's row, which its key or payload shows: a sentence; NULL: nothing. */
const char *secret_mirror_fault(const struct job_row *job);

/* Inside the write that changes `profile`, its tokens, or removes it: the job that follows. Nothing
 * where no copies are kept, or `connector` (NULL: not known) needs none. Call secret_mirror_wake
 * once the write is durable. */
_must_use_ bool secret_mirror_follow(struct db *db, const struct profile_context *context,
                                     const struct connector *connector,
                                     const struct profile *profile, struct error *error);
/* The same inside the write that removes a profile, before it does. */
_must_use_ bool secret_mirror_drop(struct db *db, const struct profile_context *context,
                                   struct profile_key key, struct arena *arena,
                                   struct error *error);
void secret_mirror_wake(const struct profile_context *context);

/* For lambda_config.remove_later; the context is a struct profile_context. */
_must_use_ bool secret_mirror_remove_later(void *context, const struct function_secret *secret,
                                           int64_t at_ms, struct error *error);
