/* One column of a Parquet file: takes blocks of rows, makes pages of them, and keeps the finished,
 * compressed pages until their row group is written. */
#pragma once

#include "record/parquet_chunk.h"

void parquet_column_init(struct parquet_column *column, const struct parquet_type *type,
                         struct str name);
void parquet_column_done(struct parquet_column *column);

/* Adds up to PARQUET_BLOCK_ROWS rows. A full page is finished at the end of a block of rows, which
 * is at the same row however the rows are cut into calls. Which rows are not null, the first in the
 * lowest bit, and the values of those, in the order of rows: */
void parquet_column_add_rows(struct parquet_column *column, uint64_t present, size_t rows,
                             struct parquet_scratch *scratch);
/* Before it, one of these, by the column's type. Texts are copied. */
void parquet_column_add_numbers(struct parquet_column *column, const int64_t *numbers,
                                size_t count);
void parquet_column_add_wide(struct parquet_column *column, const __int128 *numbers, size_t count);
void parquet_column_add_texts(struct parquet_column *column, const struct str *texts, size_t count);
void parquet_column_add_booleans(struct parquet_column *column, const int64_t *numbers,
                                 size_t count);

/* Of the row group. */
static inline uint64_t parquet_column_rows(const struct parquet_column *column)
{
    return column->nulls + column->values;
}

/* Whether the row group must end before more rows are added. */
static inline bool parquet_column_is_full(const struct parquet_column *column)
{
    return column->mode == PARQUET_DICTIONARY && parquet_dictionary_is_full(&column->dictionary);
}

/* What a row group holds of the column: its finished pages, the open one, and the dictionary. */
size_t parquet_column_bytes(const struct parquet_column *column);

/* How many bytes that would be in the file, about. */
size_t parquet_column_file_bytes(const struct parquet_column *column);

/* Finishes the last page, and the dictionary's. Then the chunk is whole. */
void parquet_column_end_chunk(struct parquet_column *column, struct parquet_scratch *scratch);

/* Frees the chunk's pages and makes the column ready for the next row group. */
void parquet_column_next_chunk(struct parquet_column *column);

void parquet_scratch_done(struct parquet_scratch *scratch);
