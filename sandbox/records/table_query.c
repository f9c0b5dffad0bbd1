/* Reads an encoded query term by term. */
#include "sandbox/records/table_query.h"
#include "sandbox/records/sample_time.h"

#include <string.h>

struct table_terms {
    struct sample_query *query;
    struct arena *arena;
    /* (a AND (b OR c)) OR (d): those before "^NQ", those since, and the latest, which "^OR" joins.
     */
    const struct query_condition *before, *since, *latest;
    bool has_too_many; /* values in a list, or characters in a pattern */
};

static struct str rest_of(struct str text, size_t at)
{
    return (struct str){text.data + at, text.len - at};
}

static const struct query_condition *both(struct arena *arena, enum query_condition_kind kind,
                                          const struct query_condition *left,
                                          const struct query_condition *right)
{
    if (!left || !right)
        return left ? left : right;
    struct query_condition *condition = arena_new(arena, struct query_condition);
    *condition = (struct query_condition){.kind = kind, .left = left, .right = right};
    return condition;
}

/* --- values --- */

/* "2024-01-31 10:00:00", or javascript:gs.dateGenerate('2024-01-31','10:00:00'). */
static bool read_time(struct str text, struct arena *arena, int64_t *ret_ms)
{
    static const struct str call = STR("javascript:gs.dateGenerate('");
    struct str day = text, clock = STR_NULL;
    if (str_starts(text, call)) {
        text = rest_of(text, call.len);
        if (!str_ends(text, STR("')")) || !str_cut(text, '\'', &day, &clock) ||
            !str_starts(clock, STR(",'")) || clock.len < sizeof(",'')") - 1)
            return false;
        clock = (struct str){clock.data + 2, clock.len - 4}; /* without ,' and ') */
    } else if (!str_cut(text, ' ', &day, &clock)) {
        return false;
    }
    return sample_time_parse(arena_printf(arena, "%.*sT%.*s", STR_ARG(day), STR_ARG(clock)), true,
                             ret_ms);
}

static bool read_value(const struct table_terms *reading, const struct sample_field *field,
                       struct str text, struct sample_cell *ret_cell)
{
    struct sample_cell cell = {.kind = field->kind, .text = text};
    bool good = true;
    if (text.len == 0)
        cell = (struct sample_cell){0};
    else if (field->kind == SAMPLE_TIME)
        good = read_time(text, reading->arena, &cell.number);
    else if (field->kind == SAMPLE_DAY)
        good = sample_day_parse(text, &cell.number);
    else if (field->kind == SAMPLE_FLAG)
        cell.number = str_eq(text, STR("true")) || str_eq(text, STR("1"));
    else if (field->kind == SAMPLE_INTEGER || field->kind == SAMPLE_DECIMAL)
        good = query_number(text, &cell);
    *ret_cell = cell;
    return good;
}

/* The text as a pattern that stands for it alone, with '%' before or behind it. */
static struct str pattern_of(struct arena *arena, struct str text, bool before, bool behind)
{
    struct buf pattern = buf_in(arena, 2 * text.len + 3);
    if (before)
        buf_add_char(&pattern, '%');
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("%_\\", text.data[i], 3))
            buf_add_char(&pattern, '\\');
        buf_add_char(&pattern, text.data[i]);
    }
    if (behind)
        buf_add_char(&pattern, '%');
    return buf_str(&pattern);
}

/* --- terms --- */

static const struct query_condition *test(const struct table_terms *reading,
                                          const struct sample_field *field,
                                          enum query_operator operator, struct str text)
{
    struct sample_cell *value = arena_new(reading->arena, struct sample_cell);
    struct query_condition *condition = arena_new(reading->arena, struct query_condition);
    *condition = (struct query_condition){
        .kind = QUERY_TEST, .field = field, .operator= operator, .values = value, .value_count = 1};
    return read_value(reading, field, text, value) ? condition : NULL;
}

/* NULL for fields that are no texts. */
static const struct query_condition *test_pattern(struct table_terms *reading,
                                                  const struct sample_field *field, struct str text,
                                                  bool before, bool behind)
{
    if (field->kind != SAMPLE_TEXT)
        return NULL;
    struct str pattern = pattern_of(reading->arena, text, before, behind);
    reading->has_too_many |= pattern.len > QUERY_PATTERN_MAX;
    return test(reading, field, QUERY_LIKE, pattern);
}

/* NULL when the list has no value of the field's type. */
static const struct query_condition *test_list(struct table_terms *reading,
                                               const struct sample_field *field,
                                               enum query_operator operator, struct str text)
{
    struct query_condition *condition = arena_new(reading->arena, struct query_condition);
    size_t most = 1, count = 0;
    for (size_t i = 0; i < text.len; i++)
        most += text.data[i] == ',';
    struct sample_cell *values = arena_array(reading->arena, struct sample_cell, most);
    bool more = true;
    while (more && count < TABLE_VALUES_MAX) {
        struct str value = text;
        more = str_cut(text, ',', &value, &text);
        count += read_value(reading, field, value, &values[count]);
    }
    *condition = (struct query_condition){.kind = QUERY_TEST,
                                          .field = field,
                                          .operator= operator,
                                          .values = values,
                                          .value_count = count};
    reading->has_too_many |= more;
    return count > 0 ? condition : NULL;
}

static const struct query_condition *test_between(const struct table_terms *reading,
                                                  const struct sample_field *field, struct str text)
{
    struct str least = text, most = STR("");
    str_cut(text, '@', &least, &most);
    return both(reading->arena, QUERY_AND, test(reading, field, QUERY_AT_LEAST, least),
                test(reading, field, QUERY_AT_MOST, most));
}

/* What follows a field's name. NULL: it is no condition. */
static const struct query_condition *read_test(struct table_terms *reading,
                                               const struct sample_field *field, struct str rest)
{
    static const struct {
        struct str name;
        enum query_operator operator;
    } operators[] = {
        {STR("!="), QUERY_DIFFERS}, {STR(">="), QUERY_AT_LEAST}, {STR("<="), QUERY_AT_MOST},
        {STR("="), QUERY_EQUAL},    {STR(">"), QUERY_GREATER},   {STR("<"), QUERY_LESS},
    };
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (str_starts(rest, operators[i].name))
            return test(reading, field, operators[i].operator,
                        rest_of(rest, operators[i].name.len));
    if (str_eq(rest, STR("ISEMPTY")) || str_eq(rest, STR("ISNOTEMPTY")))
        return test(reading, field, rest.len == 7 ? QUERY_EQUAL : QUERY_DIFFERS, STR(""));
    if (str_starts(rest, STR("LIKE")))
        return test_pattern(reading, field, rest_of(rest, 4), true, true);
    if (str_starts(rest, STR("STARTSWITH")))
        return test_pattern(reading, field, rest_of(rest, 10), false, true);
    if (str_starts(rest, STR("ENDSWITH")))
        return test_pattern(reading, field, rest_of(rest, 8), true, false);
    if (str_starts(rest, STR("NOT IN")))
        return test_list(reading, field, QUERY_DIFFERS, rest_of(rest, 6));
    if (str_starts(rest, STR("IN")))
        return test_list(reading, field, QUERY_EQUAL, rest_of(rest, 2));
    if (str_starts(rest, STR("BETWEEN")))
        return test_between(reading, field, rest_of(rest, 7));
    return NULL;
}

/* Nulls are the least, as in the vendor's database. */
static void read_order(const struct table_terms *reading, struct str name, bool descending)
{
    struct sample_query *query = reading->query;
    const struct sample_field *field = sample_field_find(query->entity, name);
    if (field && field->kind != SAMPLE_NESTED && query->order_count < QUERY_ORDERS_MAX)
        query->orders[query->order_count++] = (struct query_order){field, descending, descending};
}

static const struct query_condition *read_condition(struct table_terms *reading, struct str term)
{
    size_t len = 0;
    while (len < term.len && (ascii_is_lower_alnum(term.data[len]) || term.data[len] == '_'))
        len++;
    const struct sample_field *field =
        sample_field_find(reading->query->entity, (struct str){term.data, len});
    return field ? read_test(reading, field, rest_of(term, len)) : NULL;
}

static void read_term(struct table_terms *reading, struct str term)
{
    static const struct str descending = STR("ORDERBYDESC"), ascending = STR("ORDERBY");
    struct arena *arena = reading->arena;
    bool is_new = str_starts(term, STR("NQ"));
    if (str_starts(term, descending)) {
        read_order(reading, rest_of(term, descending.len), true);
    } else if (str_starts(term, ascending)) {
        read_order(reading, rest_of(term, ascending.len), false);
    } else if (str_starts(term, STR("OR"))) {
        reading->latest =
            both(arena, QUERY_OR, reading->latest, read_condition(reading, rest_of(term, 2)));
    } else {
        reading->since = both(arena, QUERY_AND, reading->since, reading->latest);
        if (is_new) {
            reading->before = both(arena, QUERY_OR, reading->before, reading->since);
            reading->since = NULL;
        }
        reading->latest = read_condition(reading, rest_of(term, is_new ? 2 : 0));
    }
}

bool table_query_read(struct str text, struct arena *arena, struct sample_query *query)
{
    struct table_terms reading = {.query = query, .arena = arena};
    size_t count = 0;
    bool more = text.len > 0;
    while (more && count++ < TABLE_TERMS_MAX) {
        struct str term = text;
        more = str_cut(text, '^', &term, &text);
        read_term(&reading, term);
    }
    reading.since = both(arena, QUERY_AND, reading.since, reading.latest);
    query->condition = both(arena, QUERY_OR, reading.before, reading.since);
    return !more && !reading.has_too_many;
}
