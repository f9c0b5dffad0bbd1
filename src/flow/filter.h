/* Filter tasks other than projections: whether a record is kept. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "record/cell.h"
#include "wire/value.h"

/* What values are compared as: DATA_TYPE says it, or else the operand's form and the value's. */
enum filter_class { FILTER_ANY, FILTER_TEXT, FILTER_NUMBER, FILTER_TIME, FILTER_FLAG };

struct filter_operand {
    struct str text;
    struct decimal *number; /* NULL: it is none */
    int64_t time_us;        /* with FILTER_TIME */
    bool flag;              /* with FILTER_FLAG */
};

struct filter {
    struct str field;
    enum filter_class as;
    const struct filter_operator *operator_row;
    struct filter_operand *operands; /* one of which must fit; of BETWEEN the two bounds */
    size_t operand_count;
};

/* `operator_name` is one of task_rules.h's but PROJECTION. ERR_VALIDATION for a value that is not
 * of its DATA_TYPE, or an operator that does not go with it. In the arena. */
_must_use_ bool filter_make(const struct value *task, struct str operator_name, struct arena *arena,
                            struct filter *ret_filter, struct error *error);

/* What the task compares with: VALUES, or VALUE, or the bounds. False: VALUES is no list. */
_must_use_ bool filter_values(const struct value *task, struct str operator_name,
                              struct arena *arena, struct str **ret_values, size_t *ret_count);

/* | value                        | NOT_EQUAL_TO | every other operator |
 * | null                         | kept         | dropped              |
 * | not of the type compared as  | kept         | dropped              |
 * | else                         | as the operator says, BETWEEN without its bounds | */
bool filter_keeps(const struct filter *filter, const struct record_cell *cell);
