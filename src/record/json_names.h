/* The names of a record that has some which are no columns yet, in a source whose columns are
 * found. They become columns only when the whole record is known to have no error: otherwise bad
 * records could use up the columns that a source may have. For json_in.c. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "record/json_scan.h"
#include "record/schema.h"

#include <stddef.h>

/* Bytes of a name with escapes, as it came: a longer one is past RECORD_NAME_MAX in any case. */
enum { JSON_NAME_ESCAPED_MAX = 6 * RECORD_NAME_MAX };

struct json_name;

struct json_names {
    struct map seen;                /* all names of the record */
    struct json_name *first, *last; /* the new ones, in the record's order */
    size_t count;                   /* of the new ones */
    struct arena memory;            /* of `seen`; its texts may be slices of the window */
};

void json_names_init(struct json_names *names);
void json_names_done(struct json_names *names);

/* `p` is at the record's '{'. Reads all of it strictly and forgets the names of other records.
 * Behind the object, or NULL with the scan's fault. */
const char *json_names_read(struct json_names *names, const struct record_schema *schema,
                            struct json_scan *scan, const char *p);

/* Makes the new names of the record columns, while the window is as it was. */
void json_names_add(const struct json_names *names, struct record_schema *schema);
