/* A change as a line of JSON: the record, when it was changed, and the fields that were given. */
#include "sandbox/records/written.h"
#include "wire/json_value.h"

#include "base/encode.h"

#include <inttypes.h>

enum { NODES_MAX = 100 * 1000 };

/* Forms that lose nothing, whatever those of the vendor are. */
static const struct sample_forms forms = {
    .numbers = NUMBERS_QUOTED,
    .time = STR("%Y-%m-%dT%H:%M:%S.%LZ"),
    .day = STR("%Y-%m-%d"),
};

void written_line_print(struct buf *out, const struct written_change *change, int64_t now_ms)
{
    buf_add_cstr(out, "{\"entity\":");
    encode_json_string(out, change->entity->name);
    buf_printf(out, ",\"row\":%zu,\"at\":%" PRId64 ",\"deleted\":%s,\"cells\":[", change->row,
               now_ms, change->deletes ? "true" : "false");
    for (size_t i = 0; i < change->count; i++) {
        buf_add_cstr(out, i > 0 ? ",[" : "[");
        encode_json_string(out, change->cells[i].field->name);
        buf_add_char(out, ',');
        sample_print(out, &forms, &change->cells[i].cell);
        buf_add_char(out, ']');
    }
    buf_add_cstr(out, "]}\n");
}

static bool read_cells(const struct value *list, struct arena *arena, struct written_change *change)
{
    size_t count = list && list->kind == VALUE_LIST ? list->count : 0;
    struct written_cell *cells = arena_array(arena, struct written_cell, count);
    change->cells = cells;
    for (size_t i = 0; i < count; i++) {
        const struct value *pair = list->items[i];
        if (pair->kind != VALUE_LIST || pair->count != 2 || pair->items[0]->kind != VALUE_STRING)
            return false;
        struct written_cell *cell = &cells[change->count];
        cell->field = sample_field_find(change->entity, pair->items[0]->text);
        if (!cell->field) /* of another version of the sandbox */
            continue;
        if (cell_of_value(cell->field, pair->items[1], arena, &cell->cell) != CELL_FITS)
            return false;
        change->count++;
    }
    return true;
}

bool written_line_read(struct str line, const struct sample_set *set, struct arena *arena,
                       struct written_change *ret_change, int64_t *ret_at_ms)
{
    struct value *value;
    *ret_change = (struct written_change){0};
    if (json_parse_own(line, NODES_MAX, arena, &value) != JSON_READ)
        return false;
    int64_t row = value_integer(value, "row", -1);
    *ret_at_ms = value_integer(value, "at", 0);
    ret_change->entity = sample_find(set, value_text(value, "entity"));
    ret_change->row = (size_t)row;
    ret_change->deletes = value_flag(value, "deleted", false);
    return ret_change->entity && row >= 0 && row < SAMPLE_ROWS_MAX &&
           read_cells(value_get(value, "cells"), arena, ret_change);
}
