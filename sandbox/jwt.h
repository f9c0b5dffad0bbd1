/* Signed assertions (RFC 7519, RFC 7523), as far as a stand-in looks at them: the signature is not
 * checked, since it has no public keys. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct jwt_claims {
    struct str issuer;    /* "iss": the client's id */
    struct str subject;   /* "sub": the user */
    struct str audience;  /* "aud": a text, or the first of a list */
    int64_t expires_at_s; /* "exp" */
};

/* False unless it has three parts, a header with an RS algorithm, and all four claims. */
bool jwt_read(struct arena *arena, struct str token, struct jwt_claims *ret_claims);

/* The first two parts hold no '-', as the API's pattern for jwtToken wants it. STR_NULL when a
 * claim holds something other than plain letters, digits and URL signs. */
struct str jwt_make(struct arena *arena, const struct jwt_claims *claims);
