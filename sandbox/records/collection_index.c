/* Finds records by what a field of theirs has: the values of an entity are sorted once a call. */
#include "sandbox/records/collection.h"

#include <stdlib.h>

enum { INDEXES_MAX = 16 };

struct collection_value {
    struct str text; /* small letters */
    size_t row;
};

static int compare(const void *left, const void *right)
{
    const struct collection_value *a = left, *b = right;
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

static void fill(struct collection_index *index, struct arena *arena)
{
    const struct sample_entity *entity = index->entity;
    size_t all = sample_row_count(entity);
    index->values = arena_array(arena, struct collection_value, all);
    for (size_t row = 0; row < all; row++) {
        struct sample_cell cell = sample_cell(entity, index->field, row, arena);
        if (cell.kind == SAMPLE_NULL || sample_is_deleted(entity, row))
            continue;
        index->values[index->count++] =
            (struct collection_value){text_of(entity, &cell, arena), row};
    }
    if (index->count > 1)
        qsort(index->values, index->count, sizeof(*index->values), compare);
}

static const struct collection_index *index_of(struct collection *collection,
                                               const struct sample_entity *entity,
                                               const struct sample_field *field)
{
    struct arena *arena = collection->exchange->arena;
    if (!collection->indexes)
        collection->indexes = arena_array(arena, struct collection_index, INDEXES_MAX);
    for (size_t i = 0; i < collection->index_count; i++)
        if (collection->indexes[i].field == field && collection->indexes[i].entity == entity)
            return &collection->indexes[i];
    if (collection->index_count == INDEXES_MAX)
        return NULL;
    struct collection_index *index = &collection->indexes[collection->index_count++];
    *index = (struct collection_index){.field = field, .entity = entity};
    fill(index, arena);
    return index;
}

size_t collection_lookup(struct collection *collection, const struct sample_entity *entity,
                         const struct sample_field *field, const struct sample_cell *value,
                         size_t *ret_row)
{
    const struct collection_index *index = index_of(collection, entity, field);
    struct str text = text_of(entity, value, collection->exchange->arena);
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
