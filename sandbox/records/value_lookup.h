/* Finds records by what a field of theirs has; the values of an entity's field are sorted once a
 * call. */
#pragma once

#include "sandbox/records/sample.h"

enum { VALUE_INDEXES_MAX = 16 }; /* of a call; by other fields nothing is found */

struct value_index {
    const struct sample_entity *entity;
    const struct sample_field *field;
    struct indexed_value *values; /* sorted */
    size_t count;
};

/* Of one call: `arena` is the only member to set. */
struct value_lookup {
    struct arena *arena;
    struct value_index indexes[VALUE_INDEXES_MAX];
    size_t count;
};

/* Rows whose field has this value, letter case aside, those that are deleted left out: none, one or
 * more, of which *ret_row is the first. As they were before the call. */
size_t value_lookup_find(struct value_lookup *lookup, const struct sample_entity *entity,
                         const struct sample_field *field, const struct sample_cell *value,
                         size_t *ret_row);
