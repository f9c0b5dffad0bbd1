/* Tokens that the sandbox gives out. It knows its own again by a check value in them, so there is
 * nothing to remember, and they outlive a restart. They are made up and open nothing. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

enum issued_kind {
    ISSUED_ACCESS,
    ISSUED_REFRESH,          /* may be used again and again */
    ISSUED_REFRESH_ROTATING, /* each use gives a new one and kills the old */
};

enum { ISSUED_CHECK_HEX = 24 };
/* The check value of a message; false only if the computation fails. */
bool issued_check_value(struct str message, char out[ISSUED_CHECK_HEX + 1]);

struct str issued_make(struct arena *arena, struct str issuer, enum issued_kind kind);
bool issued_check(struct str issuer, enum issued_kind kind, struct str token);
