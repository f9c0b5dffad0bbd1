/* What came of verifying credentials with their vendor. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum verdict_kind {
    VERDICT_ACCEPTED,
    VERDICT_REJECTED,      /* the vendor does not take these credentials */
    VERDICT_FORBIDDEN,     /* credentials good, a permission is missing */
    VERDICT_THROTTLED,     /* asked to come back later than the time limit allows */
    VERDICT_UNREACHABLE,   /* no usable answer: network, TLS, 5xx, malformed */
    VERDICT_MISCONFIGURED, /* properties lead to something that is not this vendor's API */
    VERDICT_INTERNAL,      /* our own side failed (store, keyring): not the vendor's fault */
};

enum verdict_step {
    STEP_NONE,
    STEP_RESOLVE,
    STEP_CONNECT,
    STEP_TLS,
    STEP_APP,   /* reading the OAuth app's client id and secret */
    STEP_TOKEN, /* the vendor's token or login endpoint */
    STEP_API,   /* the call that proves the credentials */
};

struct verdict {
    enum verdict_kind kind;
    enum verdict_step step;
    int status; /* the vendor's HTTP status; 0: none */
    struct str
        message;     /* the vendor's own, secrets removed, printable, at most VERDICT_MESSAGE_MAX */
    struct str hint; /* what the user can do about it */
    int64_t retry_after_ms; /* throttled: what the vendor asked for; 0 when it did not say */
    bool passes; /* internal: what was in the way goes by itself, as a store that is away does */
};

enum { VERDICT_MESSAGE_MAX = 512 };

const char *verdict_kind_name(enum verdict_kind kind); /* "accepted", … */
const char *verdict_step_name(enum verdict_step step); /* "resolve", … */

/* One sentence or two for the caller: what happened, at which step, the vendor's words, a hint. */
struct str verdict_describe(struct arena *arena, struct str connector_type,
                            const struct verdict *verdict);
