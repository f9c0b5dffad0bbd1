/* Patterns with '*' for any characters. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

enum wildcard_flag {
    WILDCARD_NOCASE = 1, /* ASCII letters only */
    WILDCARD_EMPTY = 2,  /* '*' may also stand for no character */
    WILDCARD_ONE = 4,    /* '?' stands for one character */
};

/* Matches the whole text, without memory of its own. Takes no more steps than the product of both
 * lengths. `flags`: of enum wildcard_flag. */
bool wildcard_match(struct str pattern, struct str text, unsigned flags);
