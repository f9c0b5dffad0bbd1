/* Finds records by their keys. */
#include "sandbox/records/maker.h"

enum { ID_LEN = 18, ID_LEN_SHORT = 15 };

/* Keys rise with their rows, but for those of IDS_HEX. */
static int compare_keys(const struct sample_entity *entity, const struct sample_cell *key,
                        struct str asked, long long number)
{
    if (key->kind == SAMPLE_INTEGER)
        return (key->number > number) - (key->number < number);
    struct str text = key->text;
    if (entity->set->forms.ids == IDS_CHECKED && asked.len == ID_LEN_SHORT)
        text.len = ID_LEN_SHORT;
    return str_compare(text, asked);
}

static struct sample_cell key_of(const struct sample_entity *entity, size_t row,
                                 struct arena *arena)
{
    return maker_key(entity->set->forms.ids, entity->ids, entity->seed, maker_number(row), arena);
}

/* IDS_HEX: keys in no order. */
static bool search_all(const struct sample_entity *entity, struct str key, size_t *ret_row)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    size_t all = sample_row_count(entity), row = 0;
    bool found = false;
    for (; row < all && !found; row += !found) {
        struct sample_cell cell = key_of(entity, row, &scratch);
        found = str_eq(cell.text, key);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    *ret_row = row;
    return found;
}

bool sample_row_of_key(const struct sample_entity *entity, struct str key, size_t *ret_row)
{
    enum sample_ids ids = entity->set->forms.ids;
    struct arena scratch = {.kind = ARENA_PLAIN};
    unsigned long long number = 0;
    size_t first = 0, end = sample_row_count(entity);
    int order = 1;
    if (ids == IDS_HEX)
        return search_all(entity, key, ret_row);
    if ((ids == IDS_NUMBER && !str_to_u64(key, INT64_MAX, &number)) ||
        (ids == IDS_CHECKED && key.len != ID_LEN && key.len != ID_LEN_SHORT))
        return false;
    while (first < end && order != 0) {
        size_t middle = first + (end - first) / 2;
        struct sample_cell cell = key_of(entity, middle, &scratch);
        order = compare_keys(entity, &cell, key, (long long)number);
        *ret_row = middle;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    return order == 0;
}
