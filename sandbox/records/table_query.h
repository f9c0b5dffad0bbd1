/* Encoded queries of a service desk's tables: "active=true^priorityIN1,2^ORDERBYDESCopened_at"
 * ("Operators available for filters and queries" of the vendor). What names no field, or has no
 * value of the field's type, is left out, as the vendor does without
 * glide.invalid_query.returns_no_rows. */
#pragma once

#include "sandbox/records/query.h"

enum { TABLE_TERMS_MAX = 200, TABLE_VALUES_MAX = 2000 };

/* Adds conditions and orders to the query; its entity is set. False: there are more terms or
 * values than these, or a text to look for whose pattern has more than QUERY_PATTERN_MAX bytes. */
bool table_query_read(struct str text, struct arena *arena, struct sample_query *query);
