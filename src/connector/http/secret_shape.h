/* What a secret looks like that is not known: a long run of letters and digits that change place
 * too often for words, names and numbers. Random base64 changes between small and capital letters
 * and digits at 45 of 100 places, random hex digits at 47, words in camel case at 15. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

enum { SECRET_SHAPE_MIN = 16 }; /* characters */

/* How often a small letter is followed by a capital one, or a digit by a letter, or a letter by a
 * digit. */
size_t secret_shape_changes(struct str text);

/* The next part of `text` at or after `*at` that looks like a secret; false: there is none. Parts
 * are of base64's and base64url's characters but for "/", which also separates the parts of a path.
 * A UUID is none: vendors name their requests and objects by them. */
bool secret_shape_next(struct str text, size_t *at, struct str *ret_part);
