/* Patterns of the sandbox's files: '*' stands for one or more characters. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

bool glob_match(struct str pattern, struct str text);
bool glob_match_nocase(struct str pattern, struct str text); /* ASCII letters only, for hosts */

/* Segment by segment: '*' never reaches past a '/'. A last segment "**" matches any rest that is
 * not empty. */
bool glob_match_path(struct str pattern, struct str path);
