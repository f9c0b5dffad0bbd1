/* The language is a dialect as those of declarative connectors are (http/read_source.h); which
 * filters may be said in it depends on what the entity's fields declare. */
#include "connector/custom/filter_expression.h"

#include "connector/custom/entities.h"
#include "connector/http/read_source.h"

#include <string.h>

enum {
    DOUBLE_DIGITS = 15,         /* that a double keeps */
    EXPRESSION_MAX = 32 * 1024, /* bytes, percent-encoded */
};

/* By the type that a field declares. */
static const struct read_literal literals[] = {
    {"String", READ_TEXT, 0},     {"Boolean", READ_FLAG, 0},      {"Short", READ_INTEGER, 0},
    {"Integer", READ_INTEGER, 0}, {"Long", READ_INTEGER, 0},      {"BigInteger", READ_INTEGER, 0},
    {"Double", READ_NUMBER, 0},   {"BigDecimal", READ_NUMBER, 0}, {"DateTime", READ_TIME_MS, 0},
    {"Date", READ_DATE, 0},
};

#define ORDERED (READ_NUMBERS | READ_TIMES)
static const struct read_condition conditions[] = {
    {"EQUAL_TO", ORDERED | 1 << READ_TEXT | 1 << READ_FLAG, " = ", NULL},
    {"CONTAINS", 1 << READ_TEXT, " contains ", NULL},
    {"LESS_THAN", ORDERED, " < ", NULL},
    {"LESS_THAN_OR_EQUAL_TO", ORDERED, " <= ", NULL},
    {"GREATER_THAN", ORDERED, " > ", NULL},
    {"GREATER_THAN_OR_EQUAL_TO", ORDERED, " >= ", NULL},
};

static const struct read_dialect language = {
    .texts = {.quote = "'", .unfit = "'\\"},
    .literals = LIST(literals),
    .conditions = LIST(conditions),
    .between = " and ",
    .or_before = "(",
    .or = " or ",
    .or_after = ")",
};

#define NAME_MARKS "_.-" /* of the grammar's identifiers, beside letters and digits */

/* --- values --- */

static bool is_among(char c, const char *characters)
{
    return c != '\0' && strchr(characters, c);
}

/* What no pattern language takes for a wildcard that narrows, as LIKE takes '%', and Transact-SQL
 * '['. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((unsigned char)c < 0x80 && !ascii_is_alnum(c) && !is_among(c, " -.,:@/_"))
            return false;
    }
    return true;
}

/* An empty text is null to some databases, and more digits than a double has would be rounded. */
static bool has_fit_values(const struct value *field, const struct read_filter *filter)
{
    bool is_part = str_eq(filter->operation, STR("CONTAINS"));
    bool is_double = str_eq(value_text(field, "dataType"), STR("Double"));
    for (size_t i = 0; i < filter->value_count; i++) {
        struct str value = filter->values[i];
        if (value.len == 0 || (is_part && !is_plain(value)) ||
            (is_double && value.len > DOUBLE_DIGITS))
            return false;
    }
    return true;
}

/* --- fields --- */

static bool is_fit_name(struct str name)
{
    static const char *const words[] = {"and",      "or",      "not", "true",  "false",
                                        "contains", "between", "in",  "limit", "null"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_eq_nocase(str_from(words[i]), name))
            return false;
    }
    return name.len > 0 && ascii_is_alnum(name.data[0]) && !ascii_is_digit(name.data[0]);
}

static const struct value *field_of(const struct value *definition, struct str name)
{
    const struct value *fields = value_get(definition, "fields");
    for (size_t i = 0; fields && i < fields->count; i++) {
        if (str_eq(value_text(fields->items[i], "fieldName"), name))
            return fields->items[i];
    }
    return NULL;
}

/* BETWEEN is written with the two others. */
static bool takes_operation(const struct value *field, struct str operation)
{
    return custom_field_takes(field, operation) &&
           (!str_eq(operation, STR("BETWEEN")) || (custom_field_takes(field, STR("LESS_THAN")) &&
                                                   custom_field_takes(field, STR("GREATER_THAN"))));
}

static bool can_be_said(const struct value *field, const struct read_filter *filter)
{
    return field && is_fit_name(filter->field) &&
           value_flag(value_get(field, "readProperties"), "isQueryable", false) &&
           takes_operation(field, filter->operation) && has_fit_values(field, filter);
}

struct str custom_filter_expression(struct arena *arena, const struct value *definition,
                                    const struct read_query *query)
{
    struct read_filter *filters = arena_array(arena, struct read_filter, query->filter_count);
    struct read_query said = {.filters = filters};
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct value *field = field_of(definition, query->filters[i].field);
        if (!can_be_said(field, &query->filters[i]))
            continue;
        filters[said.filter_count] = query->filters[i];
        filters[said.filter_count++].described = value_text(field, "dataType");
    }
    struct read_where_request request = {
        .dialect = &language, .name_marks = NAME_MARKS, .query = &said, .most = EXPRESSION_MAX};
    struct str expression = read_where(&request, arena);
    return expression.len > 0 ? expression : STR_NULL;
}
