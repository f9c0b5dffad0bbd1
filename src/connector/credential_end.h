/* When a credential ends that the server cannot renew by itself, such as an API key or a ready
 * access token: asked of the vendor, where it says so (the connector's description, `end`). What
 * comes back is hostile: a time that is over, or too far away, is none. */
#pragma once

#include "auth/oauth_tokens.h"

#include <stdbool.h>
#include <stdint.h>

struct target;

#define CREDENTIAL_END_MAX_MS (100LL * 365 * 24 * 60 * 60 * 1000) /* from now on */

struct credential_end {
    bool is_said;        /* the answer says when it ends, or that it does not */
    int64_t end_ms;      /* epoch; 0: it has no end */
    const char *why_not; /* a sentence, where the answer does not; static */
};

/* Whether the vendor can be asked for these credentials: the connector describes how, and nothing
 * renews them. `target` has its credentials set; `stored`: the tokens that were got for them. Reads
 * no secret and waits for nothing, so an outline of the credentials suffices. */
bool credential_end_is_asked(const struct target *target, const struct oauth_tokens *stored);
