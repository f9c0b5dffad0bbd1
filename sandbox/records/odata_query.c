/* Reads $filter by recursive descent, and $orderby. */
#include "sandbox/records/odata_query.h"
#include "sandbox/records/sample_time.h"

#include "base/encode.h"

#include <string.h>

struct odata_reading {
    struct str rest;
    int version;
    const struct sample_entity *entity;
    struct arena *arena;
    int terms, depth;
    struct str why; /* the first fault; STR_NULL: none */
};

struct literal {
    struct str text;   /* without quotes */
    struct str prefix; /* "datetime" of datetime'…' */
    bool is_quoted;
};

static void *fault(struct odata_reading *reading, const char *what, struct str where)
{
    if (!reading->why.data)
        reading->why = arena_printf(reading->arena, "%s at '%.*s'", what, STR_ARG(where));
    return NULL;
}

static void skip(struct odata_reading *reading, size_t bytes)
{
    reading->rest = (struct str){reading->rest.data + bytes, reading->rest.len - bytes};
}

static void skip_spaces(struct odata_reading *reading)
{
    while (reading->rest.len > 0 && reading->rest.data[0] == ' ')
        skip(reading, 1);
}

static bool is_word(char c)
{
    return ascii_is_alnum(c) || c == '_';
}

static bool is_literal(char c)
{
    return ascii_is_alnum(c) || c == '.' || c == ':' || c == '+' || c == '-';
}

static struct str take(struct odata_reading *reading, bool (*belongs)(char c))
{
    struct str taken = {reading->rest.data, 0};
    while (taken.len < reading->rest.len && belongs(taken.data[taken.len]))
        taken.len++;
    skip(reading, taken.len);
    return taken;
}

/* The next word, if it is this one. */
static bool take_word(struct odata_reading *reading, const char *word)
{
    struct odata_reading ahead = *reading;
    skip_spaces(&ahead);
    if (!str_eq(take(&ahead, is_word), str_from(word)))
        return false;
    reading->rest = ahead.rest;
    return true;
}

static bool take_mark(struct odata_reading *reading, char mark)
{
    skip_spaces(reading);
    bool found = reading->rest.len > 0 && reading->rest.data[0] == mark;
    skip(reading, found);
    return found;
}

/* --- values --- */

/* A text in quotes, of which one within is written twice. */
static bool take_quoted(struct odata_reading *reading, struct str *ret_text)
{
    char *text = arena_alloc(reading->arena, reading->rest.len + 1);
    size_t len = 0, at = 1;
    for (; at < reading->rest.len; at++) {
        char c = reading->rest.data[at];
        if (c == '\'' && (at + 1 == reading->rest.len || reading->rest.data[at + 1] != '\''))
            break;
        at += c == '\'';
        text[len++] = c;
    }
    bool is_closed = at < reading->rest.len;
    skip(reading, is_closed ? at + 1 : at);
    *ret_text = (struct str){text, len};
    return is_closed;
}

static bool take_literal(struct odata_reading *reading, struct literal *ret_literal)
{
    skip_spaces(reading);
    struct literal literal = {.text = take(reading, is_literal)};
    literal.is_quoted = reading->rest.len > 0 && reading->rest.data[0] == '\'';
    if (literal.is_quoted) {
        literal.prefix = literal.text;
        if (!take_quoted(reading, &literal.text))
            return false;
    }
    *ret_literal = literal;
    return literal.is_quoted || literal.text.len > 0;
}

/* Numbers of version 2 say what they are: 10L, 10.5M, 1.5d, 1.5f. */
static bool read_number(const struct odata_reading *reading, struct str text,
                        struct sample_cell *cell)
{
    if (reading->version == 2 && text.len > 1 && memchr("lLmMdDfF", text.data[text.len - 1], 8))
        text.len--;
    return query_number(text, cell);
}

static bool read_time(const struct odata_reading *reading, const struct sample_field *field,
                      const struct literal *literal, struct sample_cell *cell)
{
    bool bare = str_eq(field->type, STR("Edm.DateTime"));
    if (reading->version == 4)
        return !literal->is_quoted && sample_time_parse(literal->text, false, &cell->number);
    return literal->is_quoted &&
           str_eq(literal->prefix, bare ? STR("datetime") : STR("datetimeoffset")) &&
           sample_time_parse(literal->text, bare, &cell->number);
}

/* False: the literal is not of the field's type. */
static bool read_value(const struct odata_reading *reading, const struct sample_field *field,
                       const struct literal *literal, struct sample_cell *ret_cell)
{
    struct sample_cell cell = {.kind = field->kind, .text = literal->text};
    bool good = false, is_true = str_eq(literal->text, STR("true"));
    if (!literal->is_quoted && str_eq(literal->text, STR("null"))) {
        cell.kind = SAMPLE_NULL;
        good = true;
    } else if (field->kind == SAMPLE_TEXT) {
        good = literal->is_quoted && literal->prefix.len == 0;
    } else if (field->kind == SAMPLE_FLAG) {
        cell.number = is_true;
        good = !literal->is_quoted && (is_true || str_eq(literal->text, STR("false")));
    } else if (field->kind == SAMPLE_TIME) {
        good = read_time(reading, field, literal, &cell);
    } else if (field->kind == SAMPLE_DAY) {
        good = !literal->is_quoted && sample_day_parse(literal->text, &cell.number);
    } else if (field->kind == SAMPLE_INTEGER || field->kind == SAMPLE_DECIMAL) {
        good = !literal->is_quoted && read_number(reading, literal->text, &cell);
    }
    *ret_cell = cell;
    return good;
}

/* --- conditions --- */

static const struct query_condition *read_or(struct odata_reading *reading);

static bool read_operator(struct odata_reading *reading, enum query_operator *ret_operator)
{
    static const struct {
        const char *word;
        enum query_operator operator;
    } operators[] = {
        {"eq", QUERY_EQUAL},   {"ne", QUERY_DIFFERS}, {"lt", QUERY_LESS},
        {"le", QUERY_AT_MOST}, {"gt", QUERY_GREATER}, {"ge", QUERY_AT_LEAST},
    };
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (take_word(reading, operators[i].word)) {
            *ret_operator = operators[i].operator;
            return true;
        }
    return false;
}

static const struct query_condition *read_comparison(struct odata_reading *reading)
{
    skip_spaces(reading);
    struct str name = take(reading, is_word);
    const struct sample_field *field = sample_field_find(reading->entity, name);
    struct query_condition *condition = arena_new(reading->arena, struct query_condition);
    struct sample_cell *value = arena_new(reading->arena, struct sample_cell);
    struct literal literal;
    if (!field || !field->filterable)
        return fault(reading, field ? "Property cannot be filtered" : "Invalid filter property",
                     name.len > 0 ? name : reading->rest);
    *condition = (struct query_condition){
        .kind = QUERY_TEST, .field = field, .values = value, .value_count = 1};
    if (!read_operator(reading, &condition->operator))
        return fault(reading, "Invalid operator", reading->rest);
    if (!take_literal(reading, &literal))
        return fault(reading, "Invalid literal", reading->rest);
    return read_value(reading, field, &literal, value)
               ? condition
               : fault(reading, "Invalid parameter for the property's type", literal.text);
}

static const struct query_condition *join(struct odata_reading *reading,
                                          enum query_condition_kind kind,
                                          const struct query_condition *left,
                                          const struct query_condition *right)
{
    struct query_condition *condition = arena_new(reading->arena, struct query_condition);
    *condition = (struct query_condition){.kind = kind, .left = left, .right = right};
    return left && (right || kind == QUERY_NOT) ? condition : NULL;
}

/* A term, one with "not", or one in parentheses. */
static const struct query_condition *read_term(struct odata_reading *reading)
{
    const struct query_condition *condition;
    if (++reading->terms > ODATA_TERMS_MAX || ++reading->depth > ODATA_DEPTH_MAX)
        return fault(reading, "Filter too complex", STR(""));
    if (take_word(reading, "not")) {
        condition = join(reading, QUERY_NOT, read_term(reading), NULL);
    } else if (take_mark(reading, '(')) {
        condition = read_or(reading);
        if (condition && !take_mark(reading, ')'))
            condition = fault(reading, "Missing ')'", reading->rest);
    } else {
        condition = read_comparison(reading);
    }
    reading->depth--;
    return condition;
}

static const struct query_condition *read_and(struct odata_reading *reading)
{
    const struct query_condition *condition = read_term(reading);
    while (condition && take_word(reading, "and"))
        condition = join(reading, QUERY_AND, condition, read_term(reading));
    return condition;
}

static const struct query_condition *read_or(struct odata_reading *reading)
{
    const struct query_condition *condition = read_and(reading);
    while (condition && take_word(reading, "or"))
        condition = join(reading, QUERY_OR, condition, read_and(reading));
    return condition;
}

bool odata_filter_read(struct str text, int version, struct arena *arena,
                       struct sample_query *query, struct str *ret_why)
{
    struct odata_reading reading = {
        .rest = text, .version = version, .entity = query->entity, .arena = arena};
    query->condition = read_or(&reading);
    skip_spaces(&reading);
    if (query->condition && reading.rest.len > 0)
        fault(&reading, "Invalid filter", reading.rest);
    *ret_why = reading.why;
    return !reading.why.data;
}

bool odata_order_read(struct str text, struct arena *arena, struct sample_query *query,
                      struct str *ret_why)
{
    struct odata_reading reading = {.rest = text, .entity = query->entity, .arena = arena};
    do {
        skip_spaces(&reading);
        struct str name = take(&reading, is_word);
        const struct sample_field *field = sample_field_find(query->entity, name);
        bool descending = take_word(&reading, "desc");
        if (!descending)
            take_word(&reading, "asc");
        if (!field || field->kind == SAMPLE_NESTED || query->order_count == QUERY_ORDERS_MAX)
            fault(&reading, "Invalid order", name);
        else
            query->orders[query->order_count++] = (struct query_order){field, descending, false};
    } while (!reading.why.data && take_mark(&reading, ','));
    if (reading.rest.len > 0)
        fault(&reading, "Invalid order", reading.rest);
    *ret_why = reading.why;
    return !reading.why.data;
}
