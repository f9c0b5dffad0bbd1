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
    /* Only rows whose column of this number is from `from` on and before `to`, as texts; those
     * where it has another length stay. STR_NULL: all rows. */
    size_t column;
    struct str from, to;
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
