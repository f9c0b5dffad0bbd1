/* The query options of OData that say which records there are, and in which order: $filter with
 * comparisons, "and", "or", "not" and parentheses, and $orderby (odata.org: "URI Conventions" of
 * version 2, "URL Conventions" of version 4). Functions and arithmetic are not emulated. */
#pragma once

#include "sandbox/records/query.h"

enum { ODATA_TERMS_MAX = 200, ODATA_DEPTH_MAX = 32 };

/* Adds the condition to the query, whose entity is set. `version` is 2 or 4: they write times, and
 * numbers of some types, differently. False: *ret_why says what is wrong, in the arena. */
bool odata_filter_read(struct str text, int version, struct arena *arena,
                       struct sample_query *query, struct str *ret_why);

/* "Name desc,ID asc". */
bool odata_order_read(struct str text, struct arena *arena, struct sample_query *query,
                      struct str *ret_why);
