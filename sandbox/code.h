/* Authorization codes that the sandbox's page gives out (authorize.c). Like its tokens (issued.h)
 * they are known again by check values in them, so there is nothing to remember but which were
 * used. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdint.h>

enum { CODE_LIFE_S = 60 };

/* What a code is given for: it works with exactly these. */
struct code_binding {
    struct str client_id;
    struct str redirect_uri;
    struct str challenge; /* RFC 7636, S256; empty: none */
};

enum code_verdict {
    CODE_GOOD, /* unless it was used before, which the caller remembers */
    CODE_UNKNOWN,
    CODE_EXPIRED,
    CODE_OTHER_CLIENT,
    CODE_OTHER_REDIRECT_URI,
    CODE_OTHER_VERIFIER,
};

struct str code_make(struct arena *arena, struct str issuer, const struct code_binding *binding,
                     int64_t now_s);
enum code_verdict code_check(struct arena *arena, struct str issuer, struct str code,
                             const struct code_binding *binding, int64_t now_s);

/* The challenge of a verifier, in the arena; empty: there is none, or it has not the 43 to 128
 * characters of one. */
struct str code_challenge(struct arena *arena, struct str verifier);
