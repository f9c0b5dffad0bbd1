/* From the cells of a batch to the values of a Parquet column. */
#pragma once

#include "base/error.h"
#include "record/parquet_column.h"

enum { PARQUET_TEXT_MAX = 16 * 1024 * 1024 }; /* bytes of one value */

/* Bytes of the cell's text; 0 for numbers and null. */
static inline size_t parquet_cell_bytes(const struct record_cell *cell)
{
    return cell->kind == RECORD_NULL ? 0 : cell->len;
}

/* Adds cells of consecutive rows. A cell has the kind of its column, or is null; a decimal column
 * takes integers too, and a text column takes everything, as text. Fails for another kind, and for
 * a value that the column's type cannot hold, with `first_row` + its place in the message; the
 * column is not used any more then. */
_must_use_ bool parquet_cells_add(struct parquet_column *column, const struct record_cell *cells,
                                  size_t count, uint64_t first_row, struct parquet_scratch *scratch,
                                  struct error *error);
