/* The refresh tokens of a profile that its vendor has replaced, newest last, as keyed hashes that
 * are cut short: text of REPLACED_TOKEN_CHARS for each, in the sealed document of its OAuth tokens.
 *
 * A vendor that rotates refresh tokens may revoke everything when it is shown a replaced one (RFC
 * 9700, 4.14.2), and one can come back in an update years later: from the state of a deployment
 * tool, or from something that has read the profile's secret. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    REPLACED_TOKENS_MAX = 128, /* older ones are forgotten */
    /* base64 of 6 bytes: that a new token is taken for one of 128 has odds of 1 to 2^41 */
    REPLACED_TOKEN_CHARS = 8,
};

/* The list with one more. `digest` is tokens_digest of the refresh token; `list` may be STR_NULL.
 */
struct str replaced_tokens_add(struct arena *arena, struct str list, const unsigned char *digest);

bool replaced_tokens_has(struct arena *arena, struct str list, const unsigned char *digest);
