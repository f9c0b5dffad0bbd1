/* Where two JSON documents differ. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

enum { DIFFERENCE_SHOWN_MAX = 80 }; /* bytes of each value */

/* The first difference, as "/records/0: recorded …, now …"; STR_NULL: there is none. The order of
 * members does not count, and a member that is null is absent. What lies at or below a pointer of
 * `ignored` (a list of texts; NULL: none) is not compared. In the arena. */
struct str json_difference(const struct value *before, const struct value *now,
                           const struct value *ignored, struct arena *arena);
