/* Assertions that this server signs itself, as often as it needs one (RFC 7523, 2.1 and 3), with a
 * private key. What the credentials have in place of a ready-made assertion, by reference only, is
 * a JSON object:
 *
 *     {"privateKey": "-----BEGIN PRIVATE KEY-----\n…", "iss": "…", "sub": "…"}
 *
 * with "aud" where the vendor's usual audience is not meant, and "kid" where it wants the key's id
 * in the header. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

/* Whether a text is meant as such an object, which no ready-made assertion resembles. A reference
 * that was not resolved is not. */
bool assertion_key_is_meant(struct str text);

/* ERR_VALIDATION: a clause without a byte of a secret. */
_must_use_ bool assertion_key_check(struct str text, struct error *error);

struct assertion_terms {
    struct str audience; /* "aud", unless the object names one */
    int64_t now_ms;      /* wall clock */
    int life_s;          /* until "exp". There is no "nbf" or "iat" for a clock that is behind to
                          * refuse */
};

/* The assertion, in the arena: RS256. ERR_VALIDATION as assertion_key_check; ERR_INTERNAL. */
_must_use_ bool assertion_sign(struct str text, const struct assertion_terms *terms,
                               struct arena *arena, struct str *ret_assertion, struct error *error);
