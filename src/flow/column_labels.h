/* What a vendor shows of a field to people, by the column that its values are written to: a Map
 * task's destinationField, else the field's own name. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "flow/vendor_query.h"

struct column_labels {
    struct map by_field;  /* the vendor's labels */
    struct map by_column; /* the fields that Map tasks write there */
};

/* `description`: NULL, or without labels: there are none. By reference to both, and in the arena.
 */
void column_labels_init(struct column_labels *labels, const struct value *tasks,
                        const struct vendor_description *description, struct arena *arena);
void column_labels_done(struct column_labels *labels); /* may be called on a zeroed one */

/* NULL: the vendor says nothing of it. */
const struct field_label *column_labels_find(const struct column_labels *labels, struct str column);
