/* Makes pages of what a column has collected. */
#pragma once

#include "record/parquet_chunk.h"

/* Values of `Encoding` and `PageType` of parquet.thrift. */
enum {
    PARQUET_ENCODING_PLAIN = 0,
    PARQUET_ENCODING_RLE = 3,
    PARQUET_ENCODING_DICTIONARY = 8, /* RLE_DICTIONARY */
    PARQUET_DATA_PAGE = 0,
    PARQUET_DICTIONARY_PAGE = 2,
};

/* Finishes the open page, with the rows of nulls before it; nothing when there are no rows. Decides
 * the column's encoding if that has not been done. */
void parquet_page_finish(struct parquet_column *column, struct parquet_scratch *scratch);

/* The dictionary's page; all pages of data are finished. */
void parquet_page_of_dictionary(struct parquet_column *column, struct parquet_scratch *scratch);
