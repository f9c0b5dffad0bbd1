/* SOQL, the query language of the CRM's REST API, as far as flows need it: SELECT of fields or
 * COUNT(), WHERE with comparisons, LIKE, IN, AND, OR, NOT and parentheses, ORDER BY, LIMIT and
 * OFFSET. "SOQL and SOSL Reference" of the vendor. Relationships, aggregates, and dates relative to
 * today (LAST_N_DAYS) are not in it. */
#pragma once

#include "sandbox/records/query.h"

enum {
    /* Bytes. The vendor takes 100,000 characters; here a locator has the query in base64, which
     * must fit in HTTP_TARGET_MAX. */
    SOQL_MAX = 6000,
    SOQL_DEPTH_MAX = 20, /* of parentheses and NOTs */
    SOQL_TESTS_MAX = 500,
    SOQL_VALUES_MAX = 1000, /* of one IN */
};

struct soql_query {
    struct sample_query query;
    bool counts;      /* SELECT COUNT() */
    size_t page_size; /* PAGESIZE of VQL; 0: it is not there */
};

/* VQL, the query language of the content vault, as far as it is like SOQL: times and dates are
 * quoted, CONTAINS is IN, PAGESIZE and PAGEOFFSET stand in the place of LIMIT and OFFSET. */
enum soql_language { LANGUAGE_SOQL, LANGUAGE_VQL };

/* Why the vendor refuses a query. */
struct soql_refusal {
    const char *code; /* "MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE", … */
    struct str message;
};

/* Of a text that the caller has held against SOQL_MAX. False: *ret_refusal says why. */
bool soql_parse(enum soql_language language, struct str text, const struct sample_set *set,
                struct arena *arena, struct soql_query *ret_query,
                struct soql_refusal *ret_refusal);
