/* The regions that a request may be signed for: AWS's, and those that the operator adds. A limit
 * for each region of an account would be none if any text were one. */
#pragma once

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Beside AWS's own. */
struct regions {
    const char *const *more;
    size_t count;
};

/* The region as it is in the table, or in `regions`; STR_NULL: it is in neither. */
struct str region_find(const struct regions *regions, struct str name);

/* Letters in lower case, digits and '-', as many as SIGV4_REGION_MAX. */
bool region_is_name(struct str text);
