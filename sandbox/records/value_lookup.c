/* Finds records by what a field of theirs has: the values of an entity are sorted once a call. */
#include "sandbox/records/value_lookup.h"

#include <stdlib.h>

struct indexed_value {
    struct str text; /* small letters */
    size_t row;
};

static int compare(const void *left, const void *right)
{
    const struct indexed_value *a = left, *b = right;
    int order = str_compare(a->text, b->text);
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

static struct str text_of(const struct sample_entity *entity, const struct sample_cell *cell,
                          struct arena *arena)
{
    struct buf text = buf_in(arena, SAMPLE_RECORD_MAX);
    sample_print(&text, &entity->set->forms, cell);
    return arena_lower(arena, buf_str(&text));
}

static void fill(struct value_index *index, struct arena *arena)
{
    const struct sample_entity *entity = index->entity;
    size_t all = sample_row_count(entity);
    index->values = arena_array(arena, struct indexed_value, all);
    for (size_t row = 0; row < all; row++) {
        struct sample_cell cell = sample_cell(entity, index->field, row, arena);
        if (cell.kind == SAMPLE_NULL || sample_is_deleted(entity, row))
            continue;
        index->values[index->count++] = (struct indexed_value){text_of(entity, &cell, arena), row};
    }
    if (index->count > 1)
        qsort(index->values, index->count, sizeof(*index->values), compare);
}

static const struct value_index *index_of(struct value_lookup *lookup,
                                          const struct sample_entity *entity,
                                          const struct sample_field *field)
{
    for (size_t i = 0; i < lookup->count; i++)
        if (lookup->indexes[i].field == field && lookup->indexes[i].entity == entity)
            return &lookup->indexes[i];
    if (lookup->count == VALUE_INDEXES_MAX)
        return NULL;
    struct value_index *index = &lookup->indexes[lookup->count++];
    *index = (struct value_index){.field = field, .entity = entity};
    fill(index, lookup->arena);
    return index;
}

size_t value_lookup_find(struct value_lookup *lookup, const struct sample_entity *entity,
                         const struct sample_field *field, const struct sample_cell *value,
                         size_t *ret_row)
{
    const struct value_index *index = index_of(lookup, entity, field);
    struct str text = text_of(entity, value, lookup->arena);
    size_t first = 0, end = index ? index->count : 0, found = 0;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (str_compare(index->values[middle].text, text) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    for (; index && first + found < index->count; found++) {
        if (!str_eq(index->values[first + found].text, text))
            break;
        *ret_row = index->values[first].row;
    }
    return found;
}
