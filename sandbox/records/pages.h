/* Lists that the sandbox file describes (dialect "pages"): names of parameters, of the query or of
 * a form, and the text around the records. In it <cursor> is what asks for the next page, <count>
 * the number of records in this one, <entity> their entity. */
#pragma once

#include "sandbox/records/query.h"

/* Only records whose field compares so with the parameter. */
struct records_bound {
    struct str parameter, field;
    enum query_operator operator;
};

/* STR_NULL: there is none. */
struct records_pages {
    struct str entity_in;            /* parameter that names the entity; else the path does, */
    size_t back;                     /* by its segment so many before the last */
    struct str size, cursor, fields; /* parameters */
    const struct records_bound *bounds;
    size_t bound_count;
    struct str order; /* field; else the order of the rows */
    bool is_descending;
    bool without_nulls; /* members that are null are left out */
    struct str before, after, after_last;
    struct str before_lone, after_lone; /* of a page with one record */
    struct str none;                    /* a page without records */
    int fault_status;
    struct str no_entity, bad_cursor, bad_value; /* answers to what is wrong */
};
