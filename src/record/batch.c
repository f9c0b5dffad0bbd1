/* Memory of batches. Cells are arrays, one a column, made for as many rows as the limit of cells
 * leaves with the columns there are; when columns were added later, which get shorter arrays, the
 * next clearing makes them all anew. */
#include "record/batch.h"

#include <assert.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t rows_in_use(const struct record_batch *batch)
{
    return batch->rows + batch->error_count;
}

void record_batch_init(struct record_batch *batch, size_t rows_max)
{
    assert(rows_max > 0 && rows_max <= RECORD_ROWS_MAX);
    *batch = (struct record_batch){
        .rows_max = rows_max,
        .texts = {.kind = ARENA_PLAIN},
        .memory = {.kind = ARENA_PLAIN},
        .cells = {.kind = ARENA_PLAIN},
    };
    batch->places = arena_take(&batch->memory, rows_max * sizeof(*batch->places));
    batch->errors = arena_take(&batch->memory, rows_max * sizeof(*batch->errors));
}

void record_batch_done(struct record_batch *batch)
{
    arena_done(&batch->texts);
    arena_done(&batch->memory);
    arena_done(&batch->cells);
    *batch = (struct record_batch){0};
}

static void take_cells(struct record_batch *batch, struct record_column *column, size_t capacity)
{
    column->cells = arena_take(&batch->cells, capacity * sizeof(*column->cells));
    column->capacity = capacity;
    batch->cell_count += capacity;
}

void record_batch_clear(struct record_batch *batch)
{
    batch->rows = 0;
    batch->error_count = 0;
    batch->is_full = false;
    arena_reset(&batch->texts);
    if (batch->cell_count <= RECORD_CELLS_MAX)
        return;
    arena_done(&batch->cells);
    batch->cell_count = 0;
    for (size_t i = 0; i < batch->column_count; i++)
        take_cells(batch, &batch->columns[i], batch->rows_max);
}

bool record_batch_can_widen(const struct record_batch *batch)
{
    size_t rows = rows_in_use(batch);
    return rows == 0 || (rows + 1) * (batch->column_count + 1) <= RECORD_CELLS_MAX;
}

static void grow_columns(struct record_batch *batch)
{
    size_t capacity = batch->column_capacity ? batch->column_capacity * 2 : 32;
    struct record_column *columns = arena_take(&batch->memory, capacity * sizeof(*columns));
    if (batch->column_count > 0)
        memcpy(columns, batch->columns, batch->column_count * sizeof(*columns));
    batch->columns = columns;
    batch->column_capacity = capacity;
}

void record_batch_add_column(struct record_batch *batch, struct str name)
{
    assert(batch->column_count < RECORD_COLUMNS_MAX && record_batch_can_widen(batch));
    if (batch->column_count == batch->column_capacity)
        grow_columns(batch);
    struct record_column *column = &batch->columns[batch->column_count++];
    batch->rows_max = smaller(batch->rows_max, RECORD_CELLS_MAX / batch->column_count);
    column->name = arena_copy(&batch->memory, name);
    take_cells(batch, column, batch->rows_max);
    memset(column->cells, 0, batch->rows * sizeof(*column->cells));
}

size_t record_batch_find(const struct record_batch *batch, struct str name)
{
    size_t i = 0;
    while (i < batch->column_count && !str_eq(batch->columns[i].name, name))
        i++;
    return i;
}

void record_batch_keep(struct record_batch *batch, const uint32_t *kept, size_t count)
{
    assert(count <= batch->rows);
    for (size_t i = 0; i < batch->column_count; i++) {
        struct record_cell *cells = batch->columns[i].cells;
        for (size_t row = 0; row < count; row++)
            cells[row] = cells[kept[row]];
    }
    for (size_t row = 0; row < count; row++)
        batch->places[row] = batch->places[kept[row]];
    batch->rows = count;
}

const char *record_fault_text(enum record_fault fault)
{
    static const char *const texts[RECORD_FAULTS] = {
        [RECORD_FAULT_SYNTAX] = "the text is not valid in its format",
        [RECORD_FAULT_UTF8] = "the text is not valid UTF-8",
        [RECORD_FAULT_NOT_RECORD] = "the value is not an object",
        [RECORD_FAULT_DUPLICATE] = "a member comes twice",
        [RECORD_FAULT_RAGGED] = "the number of fields is not that of the header",
        [RECORD_FAULT_TOO_LONG] = "the record is longer than 4 MiB",
        [RECORD_FAULT_TOO_DEEP] = "values are nested more than 64 levels deep",
        [RECORD_FAULT_COLUMNS] = "the source has more than 2000 columns",
        [RECORD_FAULT_NAME] = "a column's name is empty or longer than 1024 bytes",
        [RECORD_FAULT_NUMBER] = "a number is longer than 1024 bytes",
    };
    return texts[fault];
}

const char *record_kind_name(enum record_kind kind)
{
    static const char *const names[RECORD_KINDS] = {
        [RECORD_NULL] = "null",       [RECORD_TEXT] = "text",
        [RECORD_INTEGER] = "integer", [RECORD_DECIMAL] = "decimal",
        [RECORD_BOOLEAN] = "boolean", [RECORD_TIMESTAMP] = "timestamp",
        [RECORD_DATE] = "date",       [RECORD_BYTES] = "bytes",
        [RECORD_NESTED] = "nested",
    };
    return names[kind];
}
