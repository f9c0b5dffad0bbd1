/* Asks vendors when credentials end that the server cannot renew by itself
 * (connector/credential_end.h): for each such profile one durable job (profile/end_schedule.h).
 * What the vendor says is kept in the profile's row (store/credential_ends.h) for the forecast.
 *
 * A vendor that refuses is asked again the next day, and why it did is kept; one that is away, or
 * asks for less, leaves what it said before. No verdict on the credentials follows from either. */
#pragma once

#include "base/metrics.h"
#include "job/job.h"
#include "profile/context.h"

enum {
    END_LOOKUP_THREADS = 4,
    END_LOOKUP_MAX = 64,                /* jobs that a node has in hand */
    END_LOOKUP_RETRY_MS = 2000,         /* until a commit that the store refused */
    END_LOOKUP_LOOK_MS = 5 * 60 * 1000, /* between looks for jobs that requests made */
};

/* Its context is a struct profile_context. */
extern const struct job_kind end_lookup_kind;

/* Outcome: "said"; "not_said": it refuses, or what it says is of no use; "unanswered". */
extern const struct metric metric_end_lookups;
