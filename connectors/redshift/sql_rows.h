/* A statement, and its rows one by one, whichever way it goes to the database. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { SQL_COLUMNS_MAX = 8 };

struct sql_rows {
    struct str sql;
    int columns; /* of each row, at most SQL_COLUMNS_MAX */
    /* Cells are text, and STR_NULL where they are NULL; they live as long as the call. False: no
     * more rows are wanted. */
    bool (*each)(void *context, const struct str *cells);
    void *context;
    bool stopped; /* `each` said so */
};
