/* Which records a query selects, and in which order; the languages of vendors come down to this. */
#pragma once

#include "sandbox/records/sample.h"

enum {
    QUERY_ORDERS_MAX = 8,
    QUERY_PATTERN_MAX = 256, /* bytes, with backslashes: languages refuse longer ones */
};

enum query_operator {
    QUERY_EQUAL,
    QUERY_DIFFERS,
    QUERY_LESS,
    QUERY_AT_MOST,
    QUERY_GREATER,
    QUERY_AT_LEAST,
    QUERY_LIKE, /* '%' is any text, '_' one character, '\' takes the next one as it is */
};

enum query_condition_kind { QUERY_TEST, QUERY_AND, QUERY_OR, QUERY_NOT };

struct query_condition {
    enum query_condition_kind kind;
    const struct query_condition *left, *right; /* QUERY_NOT: `left` alone */
    /* A test compares with each value: any must hold, for QUERY_DIFFERS all. Texts but
     * keys are compared without regard to the case of ASCII letters. A null equals null alone. */
    const struct sample_field *field;
    enum query_operator operator;
    const struct sample_cell *values;
    size_t value_count;
};

struct query_order {
    const struct sample_field *field;
    bool descending;
    bool nulls_last;
};

struct sample_query {
    const struct sample_entity *entity;
    const struct sample_field *const *fields; /* NULL: all */
    size_t field_count;
    const struct query_condition *condition;     /* NULL: every record */
    struct query_order orders[QUERY_ORDERS_MAX]; /* behind them, that of the rows */
    size_t order_count;
    size_t offset;
    size_t limit; /* SIZE_MAX: none */
    bool with_deleted;
};

struct sample_rows {
    const size_t *rows;
    size_t count;
};

/* All rows that the query selects, in its order; from `offset`, at most `limit`. */
struct sample_rows query_select(const struct sample_query *query, struct arena *arena);

/* A number as queries have it: "-12.50". False when it is none, or has more than 18 digits. */
bool query_number(struct str text, struct sample_cell *ret_cell);
