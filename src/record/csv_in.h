/* CSV in (RFC 4180): pages of records become batches. Each page, an object or a vendor's answer,
 * begins with a header row that names its columns.
 *
 * - Fields are separated by commas, rows by CR LF, LF or CR; the last row needs no end. Rows
 * without a byte are skipped, also when there is one column, unless the options say that such a row
 * is a record. UTF-8, with or without a byte order
 * mark.
 * - A field in quotes holds commas, line breaks and, doubled, quotes. What stands behind the
 * closing quote is a record error. A quote inside a field that does not begin with one is a part of
 * it.
 * - A row with another number of fields than the header is a record error (RECORD_FAULT_RAGGED); so
 * are bytes that are not UTF-8, and a row of more than RECORD_BYTES_MAX bytes. The next row then
 * begins behind the first line break of that one, since its quotes may never close.
 * - Every value is a text, unless the options say what its column holds. An empty field is an empty
 * text, or null if the options say so.
 * - An error of the page: a header with a name that is empty, too long or comes twice; one that
 * lacks a wanted column; one that is not CSV or UTF-8; more than RECORD_COLUMNS_MAX columns; more
 * than a few rows whose quotes are not closed within RECORD_BYTES_MAX. A page without a byte has no
 * records. */
#pragma once

#include "record/csv_value.h"
#include "record/decoder.h"

#include <stdbool.h>

struct csv_in_options {
    struct record_columns columns;
    bool empty_is_null;
    bool empty_row_counts;        /* where the header has one column: it is an empty field */
    const enum csv_value *values; /* of each given column, copied; NULL: texts */
    const char *utc;              /* see csv_value.h; outlives the decoder */
};

/* On the heap. */
struct record_decoder *csv_in_new(const struct csv_in_options *options);
