/* How a consent can end, and what its page says: one row each. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct consent_outcome {
    const char *word; /* in the store; never changed once it was released */
    int status;       /* of the page */
    bool good;
    bool again; /* a new link helps */
    const char *title;
    const char *text; /* what happened, and what to do */
};

#define CONSENT_CONNECTED "connected"
#define CONSENT_REFUSED "refused"
#define CONSENT_VENDOR_ERROR "vendor-error"
#define CONSENT_WRONG_ISSUER "wrong-issuer"
#define CONSENT_NOT_ALLOWED "not-allowed"
#define CONSENT_REJECTED "rejected"
#define CONSENT_NOT_STORED "not-stored"
#define CONSENT_BUSY "busy"
#define CONSENT_FAILED "failed"
/* Of pages alone: nothing is stored. */
#define CONSENT_INTERRUPTED "interrupted"
#define CONSENT_UNKNOWN "unknown"
#define CONSENT_EXPIRED "expired"
#define CONSENT_USED "used"
#define CONSENT_OTHER_BROWSER "other-browser"
#define CONSENT_WRONG_STATE "wrong-state"
#define CONSENT_NO_COOKIE "no-cookie"

/* An unknown word is one of a later version: CONSENT_FAILED. */
const struct consent_outcome *consent_outcome_of(struct str word);
