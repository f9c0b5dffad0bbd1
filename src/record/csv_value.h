/* Values of CSV, which are texts, as what their column holds: a source that describes its columns
 * gives numbers, flags and times as a source of JSON does. */
#pragma once

#include "base/arena.h"
#include "record/batch.h"

enum csv_value {
    CSV_VALUE_TEXT,   /* as it is */
    CSV_VALUE_NUMBER, /* a number in the grammar of JSON: an integer or a decimal, as json_in.h has
                       * it */
    CSV_VALUE_FLAG,   /* "true", "false" */
    CSV_VALUE_TIME,   /* a text; a final "Z" is written as `utc` says */
    CSV_VALUE_NONE,   /* the CSV has no such column */
};

/* The cell is a text. One that is no value of its column stays a text. `utc` NULL: "Z" stays. */
void csv_value_read(struct record_cell *cell, enum csv_value as, const char *utc,
                    struct arena *arena);
