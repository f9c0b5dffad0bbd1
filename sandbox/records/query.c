/* Selects and sorts rows. Only the cells that conditions and orders ask for are made. */
#include "sandbox/records/query.h"

#include "base/encode.h"

#include <stdlib.h>

enum { NUMBER_DIGITS_MAX = 18 };

bool query_number(struct str text, struct sample_cell *ret_cell)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    int digits = 0, scale = -1;
    int64_t number = 0;
    for (size_t i = negative; i < text.len; i++) {
        char c = text.data[i];
        if (c == '.' && scale < 0 && digits > 0) {
            scale = 0;
            continue;
        }
        if (!ascii_is_digit(c) || ++digits > NUMBER_DIGITS_MAX)
            return false;
        number = number * 10 + (c - '0');
        scale += scale >= 0;
    }
    *ret_cell = (struct sample_cell){.kind = SAMPLE_DECIMAL,
                                     .number = negative ? -number : number,
                                     .scale = scale > 0 ? scale : 0};
    return digits > 0 && scale != 0;
}

/* --- comparing --- */

static int compare_texts(struct str a, struct str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        unsigned char x = (unsigned char)ascii_lower(a.data[i]),
                      y = (unsigned char)ascii_lower(b.data[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* The whole part, and the rest in units of 10^-NUMBER_DIGITS_MAX. */
static int64_t whole_part(const struct sample_cell *cell, int64_t *ret_rest)
{
    int64_t unit = 1, rest;
    for (int i = 0; i < cell->scale; i++)
        unit *= 10;
    rest = cell->number % unit;
    for (int i = cell->scale; i < NUMBER_DIGITS_MAX; i++)
        rest *= 10;
    *ret_rest = rest;
    return cell->number / unit;
}

static int compare_numbers(const struct sample_cell *a, const struct sample_cell *b)
{
    int64_t a_rest, b_rest;
    int64_t a_whole = whole_part(a, &a_rest), b_whole = whole_part(b, &b_rest);
    if (a_whole != b_whole)
        return a_whole < b_whole ? -1 : 1;
    return (a_rest > b_rest) - (a_rest < b_rest);
}

/* Neither is null; a language lets only what is alike be compared. */
static int compare_cells(const struct sample_field *field, const struct sample_cell *a,
                         const struct sample_cell *b)
{
    if (a->kind != SAMPLE_TEXT)
        return compare_numbers(a, b);
    return field->is_exact ? str_compare(a->text, b->text) : compare_texts(a->text, b->text);
}

static size_t character_width(struct str text)
{
    uint32_t code;
    size_t width = utf8_next(text, &code);
    return width > 0 ? width : 1;
}

/* A '%' that matched too little takes one more byte, and what follows it is compared anew: at most
 * as many steps as the text's bytes times the pattern's, which is why a pattern is short. Only the
 * last '%' is returned to. */
static bool is_like(struct str text, struct str pattern)
{
    size_t t = 0, p = 0, back_t = 0, back_p = SIZE_MAX;
    while (t < text.len) {
        char c = p < pattern.len ? pattern.data[p] : '\0';
        bool escaped = c == '\\' && p + 1 < pattern.len;
        if (p < pattern.len && c == '%') {
            back_p = ++p;
            back_t = t;
        } else if (p < pattern.len && c == '_') {
            t += character_width((struct str){text.data + t, text.len - t});
            p++;
        } else if (p < pattern.len &&
                   ascii_lower(pattern.data[p + escaped]) == ascii_lower(text.data[t])) {
            t++;
            p += 1U + escaped;
        } else if (back_p != SIZE_MAX) {
            t = ++back_t;
            p = back_p;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '%')
        p++;
    return p == pattern.len;
}

static bool test_value(const struct query_condition *condition, const struct sample_cell *cell,
                       const struct sample_cell *value)
{
    enum query_operator operator= condition->operator;
    bool either_null = cell->kind == SAMPLE_NULL || value->kind == SAMPLE_NULL;
    bool both_null = cell->kind == SAMPLE_NULL && value->kind == SAMPLE_NULL;
    int order =
        either_null || operator== QUERY_LIKE ? 0 : compare_cells(condition->field, cell, value);
    switch (operator) {
    case QUERY_EQUAL:
        return either_null ? both_null : order == 0;
    case QUERY_DIFFERS:
        return either_null ? !both_null : order != 0;
    case QUERY_LESS:
        return order < 0;
    case QUERY_AT_MOST:
        return !either_null && order <= 0;
    case QUERY_GREATER:
        return order > 0;
    case QUERY_AT_LEAST:
        return !either_null && order >= 0;
    case QUERY_LIKE:
        return !either_null && is_like(cell->text, value->text);
    }
    return false;
}

static bool test_row(const struct query_condition *condition, const struct sample_entity *entity,
                     size_t row, struct arena *arena)
{
    bool all = condition->operator== QUERY_DIFFERS;
    struct sample_cell cell = sample_cell(entity, condition->field, row, arena);
    for (size_t i = 0; i < condition->value_count; i++)
        if (test_value(condition, &cell, &condition->values[i]) != all)
            return !all;
    return all;
}

/* The depth is bounded by what parsers of languages allow. */
static bool holds(const struct query_condition *condition, const struct sample_entity *entity,
                  size_t row, struct arena *arena)
{
    switch (condition->kind) {
    case QUERY_TEST:
        return test_row(condition, entity, row, arena);
    case QUERY_AND:
        return holds(condition->left, entity, row, arena) &&
               holds(condition->right, entity, row, arena);
    case QUERY_OR:
        return holds(condition->left, entity, row, arena) ||
               holds(condition->right, entity, row, arena);
    case QUERY_NOT:
        return !holds(condition->left, entity, row, arena);
    }
    return false;
}

/* --- sorting --- */

struct sorted_row {
    size_t row;
    struct sample_cell *keys; /* one for each order */
    const struct sample_query *query;
};

static int compare_keys(const struct query_order *order, const struct sample_cell *a,
                        const struct sample_cell *b)
{
    bool a_null = a->kind == SAMPLE_NULL, b_null = b->kind == SAMPLE_NULL;
    if (a_null || b_null)
        return (a_null == b_null ? 0 : a_null ? -1 : 1) * (order->nulls_last ? -1 : 1);
    return compare_cells(order->field, a, b) * (order->descending ? -1 : 1);
}

static int compare_rows(const void *left, const void *right)
{
    const struct sorted_row *a = left, *b = right;
    for (size_t i = 0; i < a->query->order_count; i++) {
        int order = compare_keys(&a->query->orders[i], &a->keys[i], &b->keys[i]);
        if (order != 0)
            return order;
    }
    return (a->row > b->row) - (a->row < b->row);
}

static void sort_rows(const struct sample_query *query, size_t *rows, size_t count,
                      struct arena *arena)
{
    struct sorted_row *sorted = arena_array(arena, struct sorted_row, count);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (struct sorted_row){
            rows[i], arena_array(arena, struct sample_cell, query->order_count), query};
        for (size_t k = 0; k < query->order_count; k++)
            sorted[i].keys[k] = sample_cell(query->entity, query->orders[k].field, rows[i], arena);
    }
    if (count > 1)
        qsort(sorted, count, sizeof(*sorted), compare_rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = sorted[i].row;
}

struct sample_rows query_select(const struct sample_query *query, struct arena *arena)
{
    const struct sample_entity *entity = query->entity;
    size_t all = sample_row_count(entity), count = 0;
    size_t *rows = arena_array(arena, size_t, all);
    struct arena scratch = {.kind = ARENA_PLAIN};
    for (size_t row = 0; row < all; row++) {
        if (!query->with_deleted && sample_is_deleted(entity, row))
            continue;
        if (!query->condition || holds(query->condition, entity, row, &scratch))
            rows[count++] = row;
        arena_reset(&scratch);
    }
    if (query->order_count > 0)
        sort_rows(query, rows, count, &scratch);
    arena_done(&scratch);
    size_t offset = query->offset < count ? query->offset : count;
    size_t left = count - offset;
    return (struct sample_rows){rows + offset, left < query->limit ? left : query->limit};
}
