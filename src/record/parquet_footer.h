/* The end of a Parquet file: its schema, and where each column chunk is (FileMetaData of
 * parquet.thrift). What is said of a row group is encoded when the row group is written, so that a
 * footer in the making is bytes and nothing else. */
#pragma once

#include "record/byte_buffer.h"
#include "record/parquet_chunk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARQUET_FOOTER_MAX = 4 * 1024 * 1024 }; /* bytes */

struct parquet_footer {
    struct byte_buffer row_groups; /* RowGroup structs, one behind the other */
    size_t row_group_count;
    uint64_t rows;
};

/* Adds a row group of `rows` rows whose chunks, all ended, are written one after another from the
 * file's byte `offset` on. */
void parquet_footer_add(struct parquet_footer *footer, const struct parquet_column *columns,
                        size_t count, uint64_t rows, uint64_t offset);

/* The footer with its length and the file's last four bytes, which are all that follows. */
void parquet_footer_write(const struct parquet_footer *footer, const struct parquet_column *columns,
                          size_t count, struct byte_buffer *out);

void parquet_footer_done(struct parquet_footer *footer);
