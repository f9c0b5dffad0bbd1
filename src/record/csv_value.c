/* Numbers, flags and times in texts. */
#include "record/csv_value.h"

#include "base/str.h"
#include "record/json_scan.h"

#include <string.h>

/* The reader of numbers looks at the byte behind one, which here may be the page's end. */
static void read_number(struct record_cell *cell, struct arena *arena)
{
    struct str text = record_cell_text(cell);
    struct record_cell number;
    if (text.len == 0 || text.len > RECORD_NUMBER_MAX ||
        (text.data[0] != '-' && !ascii_is_digit(text.data[0])))
        return;
    char *copy = arena_take(arena, text.len + 1);
    memcpy(copy, text.data, text.len);
    copy[text.len] = ',';
    struct json_scan scan = {.end = copy + text.len + 1};
    const char *behind = json_scan_number(&scan, copy, &number);
    if (behind == copy + text.len)
        *cell = number;
}

static void read_flag(struct record_cell *cell)
{
    bool is_true = str_eq(record_cell_text(cell), STR("true"));
    if (is_true || str_eq(record_cell_text(cell), STR("false")))
        *cell = (struct record_cell){.number = is_true, .kind = RECORD_BOOLEAN};
}

static void read_time(struct record_cell *cell, const char *utc, struct arena *arena)
{
    struct str text = record_cell_text(cell);
    if (!utc || !str_ends(text, STR("Z")))
        return;
    text = arena_printf(arena, "%.*s%s", (int)text.len - 1, text.data, utc);
    *cell = (struct record_cell){.text = text.data, .len = (uint32_t)text.len, .kind = RECORD_TEXT};
}

void csv_value_read(struct record_cell *cell, enum csv_value as, const char *utc,
                    struct arena *arena)
{
    switch (as) {
    case CSV_VALUE_NUMBER:
        read_number(cell, arena);
        break;
    case CSV_VALUE_FLAG:
        read_flag(cell);
        break;
    case CSV_VALUE_TIME:
        read_time(cell, utc, arena);
        break;
    case CSV_VALUE_TEXT:
    case CSV_VALUE_NONE:
        break;
    }
}
