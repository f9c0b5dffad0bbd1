/* A column of a Parquet file in the making, and its chunk: what it has in the row group in the
 * making. parquet_column.h fills it, parquet_page.h makes pages of it, parquet_footer.h says where
 * they are.
 *
 * A column has a dictionary and pages of indices in each row group, or PLAIN pages in each, and
 * never both: fastparquet reads nulls in the place of values after a change, within a row group and
 * between two. So the first page's values are collected as a dictionary, and when the page is full
 * the column becomes one or the other for the file. A dictionary that gets full later ends the row
 * group (parquet_column_is_full). */
#pragma once

#include "base/error.h"
#include "record/batch.h"
#include "record/bit_runs.h"
#include "record/parquet_dictionary.h"
#include "record/parquet_statistics.h"
#include "record/parquet_type.h"

enum {
    PARQUET_BLOCK_ROWS = 64,         /* rows that are taken in one step */
    PARQUET_PAGE_ROWS = 20000,       /* of one page at most, but for one of nulls alone */
    PARQUET_PAGE_BYTES = 128 * 1024, /* from this size on a page is finished */
    PARQUET_PAGE_BYTES_MIN = 2 * 1024,
    PARQUET_SAMPLE_VALUES = 4096,   /* from which a column's encoding is decided */
    PARQUET_SAMPLE_VALUES_MIN = 64, /* fewer (of a page that is full of them) are PLAIN */
    /* In front of a page's values there is room for the definition levels, with their length. */
    PARQUET_LEVELS_ROOM = 4 + BIT_RUNS_LEVELS_BOUND(PARQUET_PAGE_ROWS + PARQUET_BLOCK_ROWS),
};

enum parquet_mode { PARQUET_UNDECIDED, PARQUET_DICTIONARY, PARQUET_PLAIN };

/* A finished page: its header and its compressed body. */
struct parquet_page {
    struct parquet_page *next;
    size_t len;
    unsigned char bytes[];
};

/* What the pages of one chunk have in common, for the footer. */
struct parquet_chunk {
    struct parquet_page *first, *last;
    struct parquet_page *dictionary; /* NULL: none */
    size_t page_count;               /* without the dictionary's */
    uint64_t bytes, plain_bytes;     /* of all pages with their headers, and before compression */
};

/* Memory that the columns of a file use in turn. */
struct parquet_scratch {
    size_t page_bytes; /* PARQUET_PAGE_BYTES or less, so that all open pages are bounded together */
    struct byte_buffer indices, compressed, header;
    struct arena texts; /* of values that are printed */
};

struct parquet_column {
    struct str name;
    struct parquet_type type;
    enum parquet_mode mode;
    struct parquet_statistics statistics;
    uint64_t nulls;  /* of the chunk */
    uint64_t values; /* of the chunk */
    struct parquet_dictionary dictionary;
    struct parquet_chunk chunk;

    /* The page that is being filled. */
    uint64_t *present;          /* one bit a row */
    size_t rows, page_values;   /* rows, and those that are not null */
    size_t plain_len;           /* bytes of its values in the PLAIN encoding */
    size_t text_bytes;          /* of its cells, by which a block of long texts ends */
    struct byte_buffer bytes;   /* PLAIN: the values, behind PARQUET_LEVELS_ROOM */
    struct byte_buffer indices; /* else: one uint16_t a value */
    size_t leading_nulls;       /* of the chunk before its first value, unless it is PLAIN */
};

/* Whether the chunk's pages are PLAIN; one without any value has no dictionary either. */
static inline bool parquet_column_is_plain(const struct parquet_column *column)
{
    return column->mode == PARQUET_PLAIN || column->dictionary.count == 0;
}
