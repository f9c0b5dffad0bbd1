/* The result of verifying credentials with their vendor. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum verdict_kind {
    VERDICT_ACCEPTED,
    VERDICT_REJECTED,      /* the vendor does not accept these credentials */
    VERDICT_FORBIDDEN,     /* the credentials are good, a permission is missing */
    VERDICT_BLOCKED,       /* refused before the credentials were checked: firewall, IP policy */
    VERDICT_THROTTLED,     /* a rate limit; the wait is longer than the time limit allows */
    VERDICT_BUSY,          /* the vendor cannot handle this request now, nothing was used up */
    VERDICT_UNREACHABLE,   /* no usable response: network, TLS, 5xx, malformed */
    VERDICT_MISCONFIGURED, /* the properties lead to something that is not this vendor's API */
    VERDICT_ABSENT,        /* what was asked for by name does not exist there */
    VERDICT_INTERNAL,      /* our own side failed (store, keyring): not the vendor's fault */
};

/* What a vendor's answer, or a hint, gives as a possible reason. Tables name the causes of each
 * rule; tests hold them against those that the vendor documents (connectors/NAME/failures.json). */
enum verdict_cause {
    CAUSE_CREDENTIAL = 1 << 0,    /* password, key or access token: wrong, expired or revoked */
    CAUSE_GRANT = 1 << 1,         /* code, refresh token or assertion: used, expired or revoked */
    CAUSE_CLIENT = 1 << 2,        /* the OAuth app: its id, its secret, what it may do */
    CAUSE_REDIRECT = 1 << 3,      /* redirectUri */
    CAUSE_SECOND_FACTOR = 1 << 4, /* a password alone is not enough */
    CAUSE_NEW_PASSWORD = 1 << 5,  /* the password must be changed */
    CAUSE_USER = 1 << 6,          /* the user is unknown, locked, inactive or disabled */
    CAUSE_ACCOUNT = 1 << 7,       /* the organization, its edition or plan */
    CAUSE_PERMISSION = 1 << 8,    /* a scope, role or privilege is missing */
    CAUSE_POLICY = 1 << 9,        /* the vendor's policy on network addresses or login hours */
    CAUSE_GATEWAY = 1 << 10,      /* a firewall, proxy or CDN answered instead of the vendor */
    CAUSE_LIMIT = 1 << 11,        /* a rate limit or quota */
    CAUSE_BUSY = 1 << 12,         /* the same credential is in use at this moment */
    CAUSE_OUTAGE = 1 << 13,       /* the vendor's own fault, maintenance */
    CAUSE_ADDRESS = 1 << 14,      /* a host, account, region or path in the properties */
    CAUSE_OBJECT = 1 << 15,       /* something else that the properties name: a warehouse, a unit */
    CAUSE_UNSUPPORTED = 1 << 16,  /* the vendor wants what this API cannot give: PKCE, a version */
    CAUSE_CLOCK = 1 << 17,        /* this server's time */
};

enum verdict_step {
    STEP_NONE,
    STEP_RESOLVE,
    STEP_CONNECT,
    STEP_TLS,
    STEP_APP,      /* reading the OAuth app's client id and secret */
    STEP_SETTINGS, /* a registered connector's check of the profile's settings */
    STEP_TOKEN,    /* the vendor's token or login endpoint */
    STEP_API,      /* the call that proves the credentials */
    STEP_COUNT,
};

struct verdict {
    enum verdict_kind kind;
    enum verdict_step step;
    int status;         /* the vendor's HTTP status; 0: none */
    struct str message; /* the vendor's own, secrets removed, at most VERDICT_MESSAGE_MAX */
    struct str hint;    /* what the user can do about it */
    /* What the vendor asked for when it throttled the call, or was away (503 of its API); 0: it did
     * not say. */
    int64_t retry_after_ms;
    bool transient;  /* the same request may succeed later: busy, or the store is unavailable */
    unsigned causes; /* of enum verdict_cause, where the vendor's answer told; 0: it did not */
    /* A refresh token may have been taken by the vendor, whose answer did not come. With
     * VERDICT_REJECTED it was, for certain. */
    bool in_doubt;
};

enum { VERDICT_MESSAGE_MAX = 512 };

/* How long each step of a verification took, over all of its calls and tries, pauses left out; in
 * microseconds. 0: it did not come to that step. */
struct step_times {
    int64_t us[STEP_COUNT];
};

const char *verdict_kind_name(enum verdict_kind kind); /* "accepted", … */
const char *verdict_step_name(enum verdict_step step); /* "resolve", … */

/* For the caller: what happened, at which step, the vendor's message, a hint. */
struct str verdict_describe(struct arena *arena, struct str connector_type,
                            const struct verdict *verdict);
