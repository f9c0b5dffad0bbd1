/* The words of SOQL. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

enum soql_token_kind {
    SOQL_WORD,    /* names and keywords */
    SOQL_STRING,  /* `text` without quotes and escapes */
    SOQL_LITERAL, /* numbers, dates and times */
    SOQL_MARK,    /* ( ) , = != < <= > >= */
    SOQL_END,
};

struct soql_token {
    enum soql_token_kind kind;
    struct str text;
    struct str pattern; /* of a string: as `text`, with a backslash before '%', '_' and backslashes
                         * that had one, for LIKE */
    struct str source;  /* as it is in the query */
    size_t at;          /* bytes from the query's start */
};

/* The token at *at, which moves behind it. False: there is none, such as a string without an end;
 * then `source` is what is there. */
bool soql_token_next(struct str query, size_t *at, struct arena *arena,
                     struct soql_token *ret_token);
