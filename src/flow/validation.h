/* Validate tasks: whether a record may go on. */
#pragma once

#include "record/cell.h"
#include "wire/value.h"

enum validation_rule { VALID_NON_NULL, VALID_NON_ZERO, VALID_NON_NEGATIVE, VALID_NUMERIC };

struct validation {
    struct str field;
    enum validation_rule rule;
    bool ends_run; /* DropDataset; else DropRecord */
    size_t task;   /* its number, from 1 */
};

/* Of a Validate task, whose operator and properties have been checked (task_rules.h). */
struct validation validation_of(const struct value *task, struct str operator_name, size_t number);

/* | rule         | not valid are                                        |
 * | NON_NULL     | null and an empty text                               |
 * | NON_ZERO     | a number that is 0, also as a text                   |
 * | NON_NEGATIVE | a number below 0, as well                            |
 * | NUMERIC      | what is no number, but null and an empty text        | */
bool validation_holds(const struct validation *validation, const struct record_cell *cell);

/* What is wrong with a value, to be read behind "The field NAME of a record ". */
const char *validation_words(enum validation_rule rule);
