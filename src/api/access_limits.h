/* What one access key is limited to: an end, and a policy. Kept with the key as one JSON text,
 * {"expiresAt":1785542400,"policy":{...}}, each member of which may be absent. The text is bound
 * into the key's seal (access_key_set.h), so that who writes the database cannot lift a limit. */
#pragma once

#include "api/policy.h"
#include "base/arena.h"
#include "base/error.h"

#include <stdint.h>

enum { ACCESS_LIMITS_MAX = POLICY_TEXT_MAX + 128 }; /* bytes of the text */

struct access_limits {
    int64_t expires_at_ms;       /* 0: never */
    const struct policy *policy; /* NULL: everything is allowed */
};

/* STR_NULL or an empty text: no limits. The result lives in the arena. ERR_VALIDATION. */
_must_use_ bool access_limits_read(struct str text, struct arena *arena,
                                   struct access_limits *ret_limits, struct error *error);

/* The text of these limits; STR_NULL when there are none. `policy` is JSON that policy_read has
 * taken, or STR_NULL; `expires_at_ms` is rounded down to seconds, 0: never. */
struct str access_limits_text(struct arena *arena, struct str policy, int64_t expires_at_ms);
