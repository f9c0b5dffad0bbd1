/* Reads a query from left to right, one function for each part, and refuses it in the vendor's
 * words. */
#include "sandbox/records/soql.h"
#include "sandbox/records/sample_time.h"
#include "sandbox/records/soql_token.h"

#include "base/encode.h"

#include <string.h>

enum { EXCERPT_BYTES = 28, OFFSET_MAX = 2000 };

struct soql {
    struct str text;
    const struct sample_set *set;
    struct arena *arena;
    struct soql_query *out;
    struct soql_refusal *refusal;
    struct soql_token token; /* the next one */
    size_t end;              /* of it */
    int depth;               /* of parentheses and NOTs */
    int tests;
    enum soql_language language;
};

/* --- refusing --- */

/* The query around the place, with a mark below it, and what is wrong there. */
static bool refuse(struct soql *soql, const char *code, size_t at, struct str sentence)
{
    struct str text = soql->text;
    size_t line = 1, line_start = 0;
    for (size_t i = 0; i < at && i < text.len; i++) {
        if (text.data[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    size_t start = at > EXCERPT_BYTES ? at - EXCERPT_BYTES : 0;
    while (start < at && ((unsigned char)text.data[start] & 0xc0) == 0x80) /* within a character */
        start++;
    struct str excerpt =
        utf8_cut((struct str){text.data + start, text.len - start}, 2 * (size_t)EXCERPT_BYTES);
    soql->refusal->code = code;
    soql->refusal->message = arena_printf(
        soql->arena, "\n%.*s\n%*s^\nERROR at Row:%zu:Column:%zu\n%.*s", STR_ARG(excerpt),
        (int)(at - start), "", line, at - line_start + 1, STR_ARG(sentence));
    return false;
}

static bool refuse_token(struct soql *soql)
{
    return refuse(
        soql, "MALFORMED_QUERY", soql->token.at,
        arena_printf(soql->arena, "unexpected token: '%.*s'", STR_ARG(soql->token.source)));
}

/* --- tokens --- */

static bool step(struct soql *soql)
{
    return soql_token_next(soql->text, &soql->end, soql->arena, &soql->token) || refuse_token(soql);
}

static bool is_keyword(const struct soql *soql, const char *keyword)
{
    return soql->token.kind == SOQL_WORD && str_eq_nocase(soql->token.text, str_from(keyword));
}

static bool is_mark(const struct soql *soql, const char *mark)
{
    return soql->token.kind == SOQL_MARK && str_eq(soql->token.text, str_from(mark));
}

static bool take_keyword(struct soql *soql, const char *keyword)
{
    return is_keyword(soql, keyword) ? step(soql) : refuse_token(soql);
}

static bool take_mark(struct soql *soql, const char *mark)
{
    return is_mark(soql, mark) ? step(soql) : refuse_token(soql);
}

/* --- fields --- */

static bool find_field(struct soql *soql, const struct sample_field **ret_field)
{
    const struct sample_entity *entity = soql->out->query.entity;
    if (soql->token.kind != SOQL_WORD)
        return refuse_token(soql);
    *ret_field = sample_field_find_nocase(entity, soql->token.text);
    if (*ret_field)
        return true;
    return refuse(
        soql, "INVALID_FIELD", soql->token.at,
        arena_printf(soql->arena,
                     "No such column '%.*s' on entity '%.*s'. If you are attempting to use a "
                     "custom field, be sure to append the '__c' after the custom field name. "
                     "Please reference your WSDL or the describe call for the appropriate names.",
                     STR_ARG(soql->token.text), STR_ARG(entity->name)));
}

static bool take_field(struct soql *soql, const struct sample_field **ret_field)
{
    return find_field(soql, ret_field) && step(soql);
}

/* The field list is read only when FROM has said of what. */
static bool read_fields(struct soql *soql, size_t start)
{
    const struct sample_field **fields =
        arena_array(soql->arena, const struct sample_field *, SAMPLE_FIELDS_MAX);
    size_t count = 0;
    bool more = true;
    soql->end = start;
    if (!step(soql))
        return false;
    while (more) {
        size_t at = soql->token.at;
        if (count == SAMPLE_FIELDS_MAX || !take_field(soql, &fields[count]))
            return count == SAMPLE_FIELDS_MAX ? refuse_token(soql) : false;
        for (size_t i = 0; i < count; i++)
            if (fields[i] == fields[count])
                return refuse(soql, "INVALID_FIELD", at,
                              arena_printf(soql->arena, "duplicate field selected: %.*s",
                                           STR_ARG(fields[i]->name)));
        count++;
        more = is_mark(soql, ",");
        if (more && !step(soql))
            return false;
    }
    soql->out->query.fields = fields;
    soql->out->query.field_count = count;
    return true;
}

static bool read_count(struct soql *soql)
{
    soql->out->counts = true;
    return step(soql) && take_mark(soql, "(") && take_mark(soql, ")");
}

/* Moves to FROM. */
static bool skip_fields(struct soql *soql)
{
    while (!is_keyword(soql, "FROM")) {
        if (soql->token.kind == SOQL_END || (soql->token.kind != SOQL_WORD && !is_mark(soql, ",")))
            return refuse_token(soql);
        if (!step(soql))
            return false;
    }
    return true;
}

static bool read_entity(struct soql *soql)
{
    struct str name = soql->token.text;
    size_t at = soql->token.at;
    if (soql->token.kind != SOQL_WORD)
        return refuse_token(soql);
    const struct sample_entity *entity = sample_find_nocase(soql->set, name);
    soql->out->query.entity = entity;
    if (!entity)
        return refuse(
            soql, "INVALID_TYPE", at,
            arena_printf(soql->arena,
                         "sObject type '%.*s' is not supported. If you are attempting to use a "
                         "custom object, be sure to append the '__c' after the entity name. Please "
                         "reference your WSDL or the describe call for the appropriate names.",
                         STR_ARG(name)));
    if (entity->refused.data) {
        *soql->refusal = (struct soql_refusal){"INVALID_TYPE_FOR_OPERATION", entity->refused};
        return false;
    }
    return step(soql);
}

/* --- conditions --- */

/* How the vendor calls the kinds, and whether their literals are quoted. */
static const char *kind_name(enum sample_kind kind)
{
    switch (kind) {
    case SAMPLE_TIME:
        return "dateTime";
    case SAMPLE_DAY:
        return "date";
    case SAMPLE_INTEGER:
        return "int";
    case SAMPLE_DECIMAL:
        return "double";
    case SAMPLE_FLAG:
        return "boolean";
    default:
        return "string";
    }
}

static bool refuse_literal(struct soql *soql, const struct sample_field *field)
{
    bool quotes = field->kind == SAMPLE_TEXT, is_quoted = soql->token.kind == SOQL_STRING;
    const char *more = quotes == is_quoted ? ""
                       : quotes            ? " and should be enclosed in quotes"
                                           : " and should not be enclosed in quotes";
    return refuse(soql, "INVALID_FIELD", soql->token.at,
                  arena_printf(soql->arena,
                               "value of filter criterion for field '%.*s' must be of type %s%s",
                               STR_ARG(field->name), kind_name(field->kind), more));
}

/* What stands for a field's value. */
static bool read_literal(struct soql *soql, const struct sample_field *field, bool is_pattern,
                         struct sample_cell *ret_cell)
{
    const struct soql_token *token = &soql->token;
    struct str text = token->text;
    struct sample_cell cell = {.kind = field->kind};
    bool is_vql = soql->language == LANGUAGE_VQL, is_true = is_keyword(soql, "TRUE"), good;
    bool is_literal = token->kind == SOQL_LITERAL;
    bool is_time = token->kind == (is_vql ? SOQL_STRING : SOQL_LITERAL);
    if (is_keyword(soql, "NULL")) {
        *ret_cell = (struct sample_cell){0};
        return true;
    }
    if (field->kind == SAMPLE_TEXT)
        good = token->kind == SOQL_STRING;
    else if (field->kind == SAMPLE_TIME)
        good = is_time && sample_time_parse(text, false, &cell.number);
    else if (field->kind == SAMPLE_DAY)
        good = is_time && sample_day_parse(text, &cell.number);
    else if (field->kind == SAMPLE_FLAG)
        good = is_true || is_keyword(soql, "FALSE");
    else
        good = is_literal && query_number(text, &cell);
    if (!good)
        return refuse_literal(soql, field);
    if (is_pattern && token->pattern.len > QUERY_PATTERN_MAX)
        return refuse(soql, "MALFORMED_QUERY", token->at, STR("the pattern of LIKE is too long"));
    cell.text = field->kind == SAMPLE_TEXT ? is_pattern ? token->pattern : text : STR_NULL;
    if (field->kind == SAMPLE_FLAG)
        cell.number = is_true;
    *ret_cell = cell;
    return true;
}

static struct sample_cell *more_values(struct soql *soql, const struct sample_cell *values,
                                       size_t *capacity)
{
    size_t old = *capacity;
    *capacity = old > 0 ? 2 * old : 8;
    struct sample_cell *more = arena_array(soql->arena, struct sample_cell, *capacity);
    if (old > 0)
        memcpy(more, values, old * sizeof(*values));
    return more;
}

static bool read_values(struct soql *soql, const struct sample_field *field,
                        struct query_condition *condition)
{
    struct sample_cell *values = NULL;
    size_t count = 0, capacity = 0;
    bool more = true;
    if (!take_mark(soql, "("))
        return false;
    while (more) {
        if (count == SOQL_VALUES_MAX)
            return refuse_token(soql);
        if (count == capacity)
            values = more_values(soql, values, &capacity);
        if (!read_literal(soql, field, false, &values[count++]) || !step(soql))
            return false;
        more = is_mark(soql, ",");
        if (more && !step(soql))
            return false;
    }
    condition->values = values;
    condition->value_count = count;
    return take_mark(soql, ")");
}

/* "=", "LIKE", …; IN and NOT IN are left to the caller. */
static bool read_operator(struct soql *soql, enum query_operator *ret_operator)
{
    static const struct {
        const char *text;
        enum query_operator operator;
    } operators[] = {
        {"=", QUERY_EQUAL},    {"!=", QUERY_DIFFERS}, {"<>", QUERY_DIFFERS},  {"<", QUERY_LESS},
        {"<=", QUERY_AT_MOST}, {">", QUERY_GREATER},  {">=", QUERY_AT_LEAST}, {"LIKE", QUERY_LIKE},
    };
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (is_mark(soql, operators[i].text) || is_keyword(soql, operators[i].text)) {
            *ret_operator = operators[i].operator;
            return step(soql);
        }
    }
    return refuse_token(soql);
}

static bool check_filter(struct soql *soql, const struct sample_field *field, size_t at)
{
    return (field->filterable && field->kind != SAMPLE_NESTED) ||
           refuse(soql, "INVALID_FIELD", at,
                  arena_printf(soql->arena, "field '%.*s' can not be filtered in a query call",
                               STR_ARG(field->name)));
}

static bool check_operator(struct soql *soql, const struct query_condition *condition, size_t at)
{
    bool fits = condition->operator== QUERY_LIKE
                    ? condition->field->kind == SAMPLE_TEXT
                    : condition->operator<= QUERY_DIFFERS || condition->field->kind != SAMPLE_FLAG;
    return fits || refuse(soql, "INVALID_FIELD", at,
                          arena_printf(soql->arena, "invalid operator on field '%.*s'",
                                       STR_ARG(condition->field->name)));
}

static bool read_test(struct soql *soql, struct query_condition *condition)
{
    size_t at = soql->token.at;
    if (soql->tests++ == SOQL_TESTS_MAX)
        return refuse_token(soql);
    if (!take_field(soql, &condition->field) || !check_filter(soql, condition->field, at))
        return false;
    bool not_in = is_keyword(soql, "NOT");
    if (not_in && (!step(soql) || !is_keyword(soql, "IN")))
        return refuse_token(soql);
    if (is_keyword(soql, soql->language == LANGUAGE_VQL ? "CONTAINS" : "IN")) {
        condition->operator= not_in ? QUERY_DIFFERS : QUERY_EQUAL;
        return step(soql) && read_values(soql, condition->field, condition);
    }
    struct sample_cell *value = arena_new(soql->arena, struct sample_cell);
    condition->values = value;
    condition->value_count = 1;
    return read_operator(soql, &condition->operator) && check_operator(soql, condition, at) &&
           read_literal(soql, condition->field, condition->operator== QUERY_LIKE, value) &&
           step(soql);
}

static bool read_single(struct soql *soql, const struct query_condition **ret_condition);
static bool read_condition(struct soql *soql, const struct query_condition **ret_condition);

static bool read_nested(struct soql *soql, struct query_condition *condition,
                        const struct query_condition **ret_condition)
{
    bool is_not = is_keyword(soql, "NOT");
    if (soql->depth == SOQL_DEPTH_MAX)
        return refuse_token(soql);
    if (!step(soql))
        return false;
    soql->depth++;
    condition->kind = QUERY_NOT;
    bool good = is_not ? read_single(soql, &condition->left)
                       : read_condition(soql, ret_condition) && take_mark(soql, ")");
    soql->depth--;
    return good;
}

static bool read_single(struct soql *soql, const struct query_condition **ret_condition)
{
    struct query_condition *condition = arena_new(soql->arena, struct query_condition);
    *ret_condition = condition;
    return is_keyword(soql, "NOT") || is_mark(soql, "(")
               ? read_nested(soql, condition, ret_condition)
               : read_test(soql, condition);
}

/* Either ANDs or ORs; the other needs parentheses. */
static bool read_condition(struct soql *soql, const struct query_condition **ret_condition)
{
    if (!read_single(soql, ret_condition))
        return false;
    bool is_and = is_keyword(soql, "AND");
    while (is_keyword(soql, is_and ? "AND" : "OR")) {
        struct query_condition *both = arena_new(soql->arena, struct query_condition);
        both->kind = is_and ? QUERY_AND : QUERY_OR;
        both->left = *ret_condition;
        if (!step(soql) || !read_single(soql, &both->right))
            return false;
        *ret_condition = both;
    }
    return true;
}

/* --- what follows the conditions --- */

static bool read_direction(struct soql *soql, struct query_order *order)
{
    order->descending = is_keyword(soql, "DESC");
    if ((order->descending || is_keyword(soql, "ASC")) && !step(soql))
        return false;
    if (!is_keyword(soql, "NULLS"))
        return true;
    if (!step(soql))
        return false;
    order->nulls_last = is_keyword(soql, "LAST");
    return order->nulls_last || is_keyword(soql, "FIRST") ? step(soql) : refuse_token(soql);
}

static bool read_orders(struct soql *soql)
{
    struct sample_query *query = &soql->out->query;
    bool more = true;
    if (!is_keyword(soql, "ORDER"))
        return true;
    if (!step(soql) || !take_keyword(soql, "BY"))
        return false;
    while (more) {
        struct query_order *order = &query->orders[query->order_count];
        size_t at = soql->token.at;
        if (query->order_count == QUERY_ORDERS_MAX || !take_field(soql, &order->field))
            return query->order_count == QUERY_ORDERS_MAX ? refuse_token(soql) : false;
        if (!order->field->sortable || order->field->kind == SAMPLE_NESTED)
            return refuse(soql, "INVALID_FIELD", at,
                          arena_printf(soql->arena,
                                       "field '%.*s' can not be sorted in a query call",
                                       STR_ARG(order->field->name)));
        query->order_count++;
        if (!read_direction(soql, order))
            return false;
        more = is_mark(soql, ",");
        if (more && !step(soql))
            return false;
    }
    return true;
}

static bool read_number(struct soql *soql, const char *keyword, unsigned long long most,
                        size_t *ret_number)
{
    unsigned long long number;
    if (!is_keyword(soql, keyword))
        return true;
    if (!step(soql))
        return false;
    if (soql->token.kind != SOQL_LITERAL || !str_to_u64(soql->token.text, most, &number))
        return refuse_token(soql);
    *ret_number = (size_t)number;
    return step(soql);
}

static bool read_limits(struct soql *soql)
{
    struct sample_query *query = &soql->out->query;
    if (soql->language == LANGUAGE_VQL)
        return read_number(soql, "PAGESIZE", SAMPLE_ROWS_MAX, &soql->out->page_size) &&
               read_number(soql, "PAGEOFFSET", SAMPLE_ROWS_MAX, &query->offset);
    return read_number(soql, "LIMIT", SAMPLE_ROWS_MAX, &query->limit) &&
           read_number(soql, "OFFSET", OFFSET_MAX, &query->offset);
}

bool soql_parse(enum soql_language language, struct str text, const struct sample_set *set,
                struct arena *arena, struct soql_query *ret_query, struct soql_refusal *ret_refusal)
{
    *ret_query = (struct soql_query){.query = {.limit = SIZE_MAX}};
    struct soql soql = {text, set, arena, ret_query, ret_refusal, {0}, 0, 0, 0, language};
    struct sample_query *query = &ret_query->query;
    if (!step(&soql) || !take_keyword(&soql, "SELECT"))
        return false;
    size_t fields_at = soql.token.at;
    if (is_keyword(&soql, "COUNT") ? !read_count(&soql) : !skip_fields(&soql))
        return false;
    if (!take_keyword(&soql, "FROM") || !read_entity(&soql))
        return false;
    struct soql behind = soql;
    if (!ret_query->counts && !read_fields(&soql, fields_at))
        return false;
    if (!ret_query->counts && !is_keyword(&soql, "FROM"))
        return refuse_token(&soql);
    soql.token = behind.token;
    soql.end = behind.end;
    if (is_keyword(&soql, "WHERE") && (!step(&soql) || !read_condition(&soql, &query->condition)))
        return false;
    return read_orders(&soql) && read_limits(&soql) &&
           (soql.token.kind == SOQL_END || refuse_token(&soql));
}
