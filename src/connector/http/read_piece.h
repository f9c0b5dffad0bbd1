/* Pieces of a CSV file that is longer than a page may be. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct read_piece {
    struct str csv;    /* begins with a row */
    bool has_header;   /* that row is the file's header, which `header` stands for */
    bool is_last;      /* the file ends with it */
    struct str header; /* of the page, without a line break */
    struct str null;   /* what an unquoted field without a value has; STR_NULL: nothing */
    /* Rows whose column of this number is a time in one of these seconds of UTC, written as
     * "2026-01-31T00:00:00", are left out. STR_NULL: none is. */
    size_t column;
    struct str before, behind;
};

enum read_piece_end {
    PIECE_TAKEN,
    PIECE_WITHOUT_ROW,   /* not even one row ends within it */
    PIECE_OTHER_COLUMNS, /* the file's header is another one */
};

/* The page, in the arena, and how many bytes of the piece are in it: a row that the end cuts is
 * not. */
enum read_piece_end read_piece_take(const struct read_piece *piece, struct arena *arena,
                                    struct str *ret_page, size_t *ret_taken);
