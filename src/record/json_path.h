/* Where in a JSON document the list of records is. For json_in.c. */
#pragma once

#include "record/json_scan.h"

#include <stdbool.h>

/* `p` is at the value of the document. Behind the '[' of the array that the path leads to, a JSON
 * pointer (RFC 6901) without ~ escapes and list indexes; "" is the document itself. Not found: at
 * some value of the document. NULL: see the scan's fault. The first of two members of one name
 * counts. */
const char *json_find_array(struct json_scan *scan, const char *p, const char *path,
                            bool *ret_found);
