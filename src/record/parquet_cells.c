/* A block of rows becomes one word that says which are not null, and the values of those side by
 * side in an array, from which the column takes them in one go. */
#include "record/parquet_cells.h"

#include "record/parquet_decimal.h"
#include "record/print.h"

#include <inttypes.h>

struct cell_block {
    struct parquet_column *column;
    struct arena *texts;
    const struct record_cell *cells;
    size_t rows;
    uint64_t row; /* of the first one, in the file */
    uint64_t present;
};

static bool wrong_kind(const struct cell_block *block, size_t at, struct error *error)
{
    const struct parquet_column *column = block->column;
    return fail(error, ERR_VALIDATION,
                "The column %.*s of a Parquet file takes %s values, and record %" PRIu64
                " of the file has a %s there.",
                STR_ARG(column->name), record_kind_name(column->type.kind), block->row + at,
                record_kind_name(block->cells[at].kind));
}

static bool is_present(struct cell_block *block, size_t at)
{
    bool present = block->cells[at].kind != RECORD_NULL;
    block->present |= (uint64_t)present << at;
    return present;
}

/* The numbers of cells whose kind is the column's. */
static bool gather(struct cell_block *block, int64_t *numbers, size_t *ret_count,
                   struct error *error)
{
    enum record_kind kind = block->column->type.kind;
    size_t count = 0;
    for (size_t i = 0; i < block->rows; i++) {
        if (!is_present(block, i))
            continue;
        if (block->cells[i].kind != kind)
            return wrong_kind(block, i, error);
        numbers[count++] = block->cells[i].number;
    }
    *ret_count = count;
    return true;
}

static bool add_numbers(struct cell_block *block, struct error *error)
{
    int64_t numbers[PARQUET_BLOCK_ROWS];
    size_t count = 0;
    if (!gather(block, numbers, &count, error))
        return false;
    for (size_t i = 0; i < count && block->column->type.physical == PARQUET_INT32; i++)
        if (numbers[i] < INT32_MIN || numbers[i] > INT32_MAX)
            return fail(error, ERR_VALIDATION,
                        "A date of the column %.*s, %" PRId64 " days from 1970, is past what a "
                        "Parquet file can hold (32 bits).",
                        STR_ARG(block->column->name), numbers[i]);
    parquet_column_add_numbers(block->column, numbers, count);
    return true;
}

static bool add_booleans(struct cell_block *block, struct error *error)
{
    int64_t numbers[PARQUET_BLOCK_ROWS];
    size_t count = 0;
    if (!gather(block, numbers, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        numbers[i] = numbers[i] != 0;
    parquet_column_add_booleans(block->column, numbers, count);
    return true;
}

static bool decimal_of(const struct cell_block *block, size_t at, __int128 *ret_value,
                       struct error *error)
{
    static const char *const reasons[] = {
        [PARQUET_DECIMAL_MALFORMED] = "is no number",
        [PARQUET_DECIMAL_FRACTION] = "has more digits behind the point than the column",
        [PARQUET_DECIMAL_DIGITS] = "has more digits than the column",
    };
    char room[RECORD_PRINT_MAX];
    const struct parquet_type *type = &block->column->type;
    struct str number = record_print(&block->cells[at], room, block->texts);
    enum parquet_decimal_fault fault =
        parquet_decimal(number, type->precision, type->scale, ret_value);
    if (fault == PARQUET_DECIMAL_FITS)
        return true;
    return fail(error, ERR_VALIDATION,
                "Record %" PRIu64 " of a Parquet file has a decimal in the column %.*s that %s, "
                "which takes %u digits, %u of them behind the point.",
                block->row + at, STR_ARG(block->column->name), reasons[fault], type->precision,
                type->scale);
}

static bool add_decimals(struct cell_block *block, struct error *error)
{
    __int128 wide[PARQUET_BLOCK_ROWS];
    int64_t numbers[PARQUET_BLOCK_ROWS];
    size_t count = 0;
    for (size_t i = 0; i < block->rows; i++) {
        if (!is_present(block, i))
            continue;
        if (block->cells[i].kind != RECORD_DECIMAL && block->cells[i].kind != RECORD_INTEGER)
            return wrong_kind(block, i, error);
        if (!decimal_of(block, i, &wide[count++], error))
            return false;
    }
    if (block->column->type.physical == PARQUET_FIXED) {
        parquet_column_add_wide(block->column, wide, count);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        numbers[i] = (int64_t)wide[i];
    parquet_column_add_numbers(block->column, numbers, count);
    return true;
}

static bool too_long(const struct cell_block *block, size_t at, size_t len, struct error *error)
{
    return fail(error, ERR_TOO_LARGE,
                "Record %" PRIu64
                " of a Parquet file has a value of %zu bytes in the column %.*s; at "
                "most %d are possible.",
                block->row + at, len, STR_ARG(block->column->name), PARQUET_TEXT_MAX);
}

static bool add_texts(struct cell_block *block, struct error *error)
{
    struct str texts[PARQUET_BLOCK_ROWS];
    char room[PARQUET_BLOCK_ROWS][RECORD_PRINT_MAX];
    enum record_kind kind = block->column->type.kind;
    size_t count = 0;
    for (size_t i = 0; i < block->rows; i++) {
        const struct record_cell *cell = &block->cells[i];
        if (!is_present(block, i))
            continue;
        if (cell->kind == kind)
            texts[count] = record_cell_text(cell);
        else if (kind == RECORD_TEXT)
            texts[count] = record_print(cell, room[count], block->texts);
        else
            return wrong_kind(block, i, error);
        if (texts[count++].len > PARQUET_TEXT_MAX)
            return too_long(block, i, texts[count - 1].len, error);
    }
    parquet_column_add_texts(block->column, texts, count);
    return true;
}

static bool add_values(struct cell_block *block, struct error *error)
{
    switch (block->column->type.physical) {
    case PARQUET_BOOLEAN:
        return add_booleans(block, error);
    case PARQUET_BYTE_ARRAY:
        return add_texts(block, error);
    case PARQUET_INT32:
    case PARQUET_INT64:
    case PARQUET_FIXED:
        break;
    }
    return block->column->type.kind == RECORD_DECIMAL ? add_decimals(block, error)
                                                      : add_numbers(block, error);
}

/* A block ends where the row group's number of rows is a multiple of PARQUET_BLOCK_ROWS, and with
 * the row whose text fills the page, so that a page does not get much larger than it should. */
static size_t block_rows(struct parquet_column *column, const struct record_cell *cells,
                         size_t count, size_t page_bytes)
{
    size_t rows = 0, most = PARQUET_BLOCK_ROWS - parquet_column_rows(column) % PARQUET_BLOCK_ROWS;
    while (rows < count && rows < most && column->text_bytes < page_bytes)
        column->text_bytes += parquet_cell_bytes(&cells[rows++]);
    return rows;
}

bool parquet_cells_add(struct parquet_column *column, const struct record_cell *cells, size_t count,
                       uint64_t first_row, struct parquet_scratch *scratch, struct error *error)
{
    for (size_t at = 0; at < count;) {
        struct cell_block block = {
            .column = column, .texts = &scratch->texts, .cells = cells + at, .row = first_row + at};
        block.rows = block_rows(column, block.cells, count - at, scratch->page_bytes);
        if (!add_values(&block, error))
            return false;
        parquet_column_add_rows(column, block.present, block.rows, scratch);
        arena_reset(&scratch->texts);
        at += block.rows;
    }
    return true;
}
