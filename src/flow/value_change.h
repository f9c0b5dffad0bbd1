/* What Mask, Truncate, Merge and Arithmetic tasks make of values. Each is pure: the same values
 * give the same result. Texts that are made are in the arena, which is the batch's. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "record/cell.h"
#include "wire/value.h"

/* --- of one field: Mask, Truncate --- */

enum {
    MASK_ALL_MAX = 1024
}; /* characters that MASK_ALL makes at most, whatever MASK_LENGTH says */

enum value_change_kind { CHANGE_MASK_ALL, CHANGE_MASK_FIRST, CHANGE_MASK_LAST, CHANGE_TRUNCATE };

struct value_change {
    struct str field;
    enum value_change_kind kind;
    size_t length;   /* in characters */
    struct str mask; /* one character */
};

/* Of a Mask or Truncate task, whose properties have been checked (task_rules.h). */
struct value_change value_change_of(const struct value *task, struct str operator_name);

/* Null stays null. What is not a text is printed first (record/print.h), unless a Truncate leaves
 * it as it is. *ret_cell may be the cell itself. False: a masked text would have more than `most`
 * bytes. */
bool value_change_make(const struct value_change *change, const struct record_cell *cell,
                       size_t most, struct arena *arena, struct record_cell *ret_cell);

/* --- of several fields: Merge --- */

/* A piece of a CONCAT_FORMAT: a text, or one of the task's fields. */
struct merge_piece {
    struct str text;
    size_t field;
    bool is_field;
};

struct merge {
    struct merge_piece *pieces;
    size_t count;
};

/* "${first} ${last}": ERR_VALIDATION when a placeholder has no end, or names no source field.
 * Without a placeholder the text stands between the fields. In the arena. */
_must_use_ bool merge_make(struct str format, const struct value *fields, struct arena *arena,
                           struct merge *ret_merge, struct error *error);

/* `cells`: of the fields, in their order. Null counts as an empty text. False: the text would have
 * more than `most` bytes. */
bool merge_cells(const struct merge *merge, const struct record_cell *const *cells, size_t most,
                 struct arena *arena, struct record_cell *ret_cell);

/* --- of several fields: Arithmetic --- */

enum arithmetic { ARITHMETIC_ADD, ARITHMETIC_SUBTRACT, ARITHMETIC_MULTIPLY, ARITHMETIC_DIVIDE };

enum arithmetic_end {
    ARITHMETIC_DONE,
    ARITHMETIC_NOT_A_NUMBER,
    ARITHMETIC_BY_ZERO,
    ARITHMETIC_TOO_LONG, /* more digits than DECIMAL_DIGITS_MAX */
};

/* From the first cell to the last; at least two. The result is null when one of them is missing,
 * else an integer where it is one of 64 bits, else a decimal. */
enum arithmetic_end arithmetic_cells(enum arithmetic operation,
                                     const struct record_cell *const *cells, size_t count,
                                     struct arena *arena, struct record_cell *ret_cell);
