/* Writes a Parquet file: flat, every column optional, Snappy, with statistics; what pyarrow,
 * DuckDB, fastparquet and parquet-java read. Nested values are columns of JSON texts.
 * https://parquet.apache.org/docs/file-format/
 *
 * The same records give the same bytes, in every process and on every machine, however they are cut
 * into batches. Memory: what a file holds is its row group in the making, PARQUET_GROUP_BYTES or
 * what the options say; one slice of records more; and its footer. */
#pragma once

#include "record/encoder.h"

enum {
    PARQUET_GROUP_BYTES = 8 * 1024 * 1024, /* held for a row group, from which on it is written */
    PARQUET_GROUP_ROWS = 128 * 1024,       /* of a row group at most */
    /* A slice of records: after it the row group is ended if it is large enough. */
    PARQUET_SLICE_ROWS = 1024,
    PARQUET_SLICE_BYTES = 1024 * 1024, /* of its values, or with its last record more */
};

struct parquet_out_options {
    struct record_fields fields; /* copied */
    size_t group_bytes; /* 0: PARQUET_GROUP_BYTES; fewer where many files are open at once */
    size_t group_rows;  /* 0: PARQUET_GROUP_ROWS */
};

/* An encoder for one file, on the heap. Fails without fields, for more than RECORD_COLUMNS_MAX, and
 * for a decimal that readers do not take.
 *
 * It fails a write for a cell of another kind than its field has, for a decimal that needs more
 * digits than its field has, and when the output fails. After that it only fails. */
_must_use_ bool parquet_out_new(const struct parquet_out_options *options,
                                const struct record_output *output,
                                struct record_encoder **ret_encoder, struct error *error);
