/* A table for people: as wide as its texts where standard output is a pipe or a file; on a terminal
 * as wide as that, with columns that say the same in every row left out and long texts cut. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stddef.h>

struct table_column {
    const char *header;
    int least;     /* columns that remain when it is cut */
    bool optional; /* left out on a terminal that is too narrow, when all rows have the same */
};

enum { TABLE_COLUMNS_MAX = 12 };

/* `cells`: a row after the other. */
void table_print(const struct table_column *columns, size_t count, const struct str *cells,
                 size_t rows);
