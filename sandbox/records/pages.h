/* Lists that the sandbox file describes (dialect "pages"): names of parameters, of the query or of
 * a form, and the text around the records. In it <cursor> is what asks for the next page, <count>
 * the number of records in this one, <size> how many there may be, <offset> how many come before,
 * <total> how many there are, <entity> their entity. */
#pragma once

#include "sandbox/records/query.h"
#include "wire/value.h"

/* Languages in which a parameter selects records. */
enum records_selection {
    SELECTION_NONE,
    SELECTION_CALLS,    /* field("value"),field("value") */
    SELECTION_CLAUSE,   /* field = 'value' AND (field >= 1 OR field < 2); ORDER BY is ignored */
    SELECTION_CRITERIA, /* [{"fieldName":…,"stringTest":"equal","stringValue":…}] */
};

/* Only records whose field compares so with the parameter. */
struct records_bound {
    struct str parameter, field;
    enum query_operator operator;
    bool is_ms; /* the parameter has milliseconds since the epoch */
};

/* STR_NULL: there is none. */
struct records_pages {
    struct str entity_in;            /* parameter that names the entity; else the path does, */
    size_t back;                     /* by its segment so many before the last */
    struct str size, cursor, fields; /* parameters */
    struct str offset;               /* parameter: of the page's first record */
    struct str selection;            /* parameter */
    enum records_selection language; /* of it */
    bool cursor_keeps;               /* a cursor has the query of the first page, too */
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

/* The condition of a selection; `criteria` is that of SELECTION_CRITERIA. *ret_condition NULL: all
 * records. False: it is none. */
bool pages_select(enum records_selection language, const struct sample_entity *entity,
                  struct str selection, const struct value *criteria, struct arena *arena,
                  const struct query_condition **ret_condition);
/* Both; either may be NULL. */
const struct query_condition *pages_both(struct arena *arena, const struct query_condition *left,
                                         const struct query_condition *right);
