/* The languages of selections. Each knows comparisons of a field with a value, and no more. */
#include "sandbox/records/pages.h"

#include "sandbox/records/sample_time.h"

enum { CLAUSE_DEPTH_MAX = 16, CRITERIA_MAX = 64, DAY_MS = 24 * 60 * 60 * 1000 };

/* --- conditions --- */

static const struct query_condition *make_test(struct arena *arena,
                                               const struct sample_field *field,
                                               enum query_operator operation,
                                               const struct sample_cell *cell)
{
    struct query_condition *condition = arena_new(arena, struct query_condition);
    struct sample_cell *value = arena_new(arena, struct sample_cell);
    *value = *cell;
    *condition = (struct query_condition){.kind = QUERY_TEST,
                                          .field = field,
                                          .operator= operation,
                                          .values = value,
                                          .value_count = 1};
    return condition;
}

static const struct query_condition *join(struct arena *arena, enum query_condition_kind kind,
                                          const struct query_condition *left,
                                          const struct query_condition *right)
{
    struct query_condition *both = arena_new(arena, struct query_condition);
    if (!left || !right)
        return left ? left : right;
    *both = (struct query_condition){.kind = kind, .left = left, .right = right};
    return both;
}

const struct query_condition *pages_both(struct arena *arena, const struct query_condition *left,
                                         const struct query_condition *right)
{
    return join(arena, QUERY_AND, left, right);
}

static bool read_cell(const struct sample_field *field, struct str text,
                      struct sample_cell *ret_cell)
{
    bool is_true = str_eq_nocase(text, STR("true"));
    *ret_cell = (struct sample_cell){.kind = field->kind, .text = text};
    switch (field->kind) {
    case SAMPLE_TEXT:
        return true;
    case SAMPLE_INTEGER:
    case SAMPLE_DECIMAL:
        return query_number(text, ret_cell);
    case SAMPLE_FLAG:
        ret_cell->number = is_true;
        return is_true || str_eq_nocase(text, STR("false"));
    case SAMPLE_TIME:
        if (sample_time_parse(text, true, &ret_cell->number))
            return true;
        if (!sample_day_parse(text, &ret_cell->number))
            return false;
        ret_cell->number *= DAY_MS;
        return true;
    case SAMPLE_DAY:
        return sample_day_parse(text, &ret_cell->number);
    case SAMPLE_NULL:
    case SAMPLE_NESTED:
        break;
    }
    return false;
}

/* --- reading --- */

struct selecting {
    const struct sample_entity *entity;
    struct arena *arena;
    struct str text; /* what is left of it */
    int depth;
};

static void skip(struct selecting *at, size_t count)
{
    at->text = (struct str){at->text.data + count, at->text.len - count};
}

static bool take(struct selecting *at, struct str word)
{
    at->text = str_trim(at->text);
    if (at->text.len < word.len || !str_eq_nocase((struct str){at->text.data, word.len}, word))
        return false;
    skip(at, word.len);
    return true;
}

static struct str take_name(struct selecting *at)
{
    size_t len = 0;
    at->text = str_trim(at->text);
    while (len < at->text.len && (ascii_is_alnum(at->text.data[len]) || at->text.data[len] == '_' ||
                                  at->text.data[len] == '.'))
        len++;
    struct str name = {at->text.data, len};
    skip(at, len);
    return name;
}

/* A text in quotes, in which the quote, doubled or behind a '\', stands for itself. */
static bool take_quoted(struct selecting *at, char quote, struct str *ret_text)
{
    char *text = arena_alloc(at->arena, at->text.len + 1);
    size_t len = 0, i = 1;
    *ret_text = STR_NULL;
    if (at->text.len == 0 || at->text.data[0] != quote)
        return false;
    for (; i < at->text.len; i++) {
        char c = at->text.data[i], next = i + 1 < at->text.len ? at->text.data[i + 1] : '\0';
        bool is_escaped = c == '\\' || (c == quote && next == quote);
        if (c == quote && !is_escaped)
            break;
        i += is_escaped;
        if (i == at->text.len)
            return false;
        text[len++] = at->text.data[i];
    }
    if (i >= at->text.len)
        return false;
    skip(at, i + 1);
    *ret_text = (struct str){text, len};
    return true;
}

static bool test(struct selecting *at, struct str name, enum query_operator operation,
                 struct str text, const struct query_condition **ret_condition)
{
    const struct sample_field *field = sample_field_find(at->entity, name);
    struct sample_cell cell;
    if (!field)
        return false;
    if (!read_cell(field, text, &cell))
        return false;
    *ret_condition = make_test(at->arena, field, operation, &cell);
    return true;
}

/* --- calls --- */

static bool read_calls(struct selecting *at, const struct query_condition **ret_condition)
{
    do {
        struct str name = take_name(at), text;
        const struct query_condition *one = NULL;
        bool is_read = take(at, STR("(")) &&
                       (take_quoted(at, '"', &text) || (text = take_name(at)).len > 0) &&
                       take(at, STR(")"));
        if (!is_read || !test(at, name, QUERY_EQUAL, text, &one))
            return false;
        *ret_condition = pages_both(at->arena, *ret_condition, one);
    } while (take(at, STR(",")));
    return at->text.len == 0;
}

/* --- clauses --- */

static bool read_clause(struct selecting *at, const struct query_condition **ret_condition);

static bool read_term(struct selecting *at, const struct query_condition **ret_condition)
{
    static const struct {
        struct str sign;
        enum query_operator operation;
    } signs[] = {
        {STR("!="), QUERY_DIFFERS}, {STR("<="), QUERY_AT_MOST}, {STR(">="), QUERY_AT_LEAST},
        {STR("<"), QUERY_LESS},     {STR(">"), QUERY_GREATER},  {STR("="), QUERY_EQUAL},
    };
    if (take(at, STR("(")))
        return read_clause(at, ret_condition) && take(at, STR(")"));
    struct str name = take_name(at), text;
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (!take(at, signs[i].sign))
            continue;
        at->text = str_trim(at->text);
        if (!take_quoted(at, '\'', &text) && (text = take_name(at)).len == 0)
            break;
        return test(at, name, signs[i].operation, text, ret_condition);
    }
    return false;
}

static bool read_clause(struct selecting *at, const struct query_condition **ret_condition)
{
    if (++at->depth > CLAUSE_DEPTH_MAX)
        return false;
    if (!read_term(at, ret_condition))
        return false;
    for (;;) {
        const struct query_condition *next = NULL;
        bool is_and = take(at, STR("AND "));
        if (!is_and && !take(at, STR("OR ")))
            break;
        if (!read_term(at, &next))
            return false;
        *ret_condition = join(at->arena, is_and ? QUERY_AND : QUERY_OR, *ret_condition, next);
    }
    at->depth--;
    return true;
}

/* --- criteria --- */

static bool read_criterion(struct selecting *at, const struct value *item,
                           const struct query_condition **ret_condition)
{
    static const struct {
        const char *test, *value;
    } kinds[] = {{"stringTest", "stringValue"},
                 {"numericTest", "numericValue"},
                 {"idTest", "idValue"},
                 {"booleanTest", "booleanValue"},
                 {"choiceTest", "choiceValue"}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct str comparison = value_text(item, kinds[i].test);
        const struct value *value = value_get(item, kinds[i].value);
        if (!comparison.data && !(i == 3 && value))
            continue;
        struct str text = value && value->kind == VALUE_STRING ? value->text
                          : value && value->kind == VALUE_INTEGER
                              ? arena_printf(at->arena, "%lld", (long long)value->integer)
                          : value && value->kind == VALUE_BOOLEAN
                              ? (value->boolean ? STR("true") : STR("false"))
                              : STR("");
        bool is_above = str_eq(comparison, STR("greater-than"));
        if (!is_above && comparison.data && !str_eq(comparison, STR("equal")))
            return false;
        return test(at, value_text(item, "fieldName"), is_above ? QUERY_GREATER : QUERY_EQUAL, text,
                    ret_condition);
    }
    return false;
}

static bool read_criteria(struct selecting *at, const struct value *list,
                          const struct query_condition **ret_condition)
{
    for (size_t i = 0; list && i < list->count; i++) {
        const struct query_condition *one = NULL;
        if (i >= CRITERIA_MAX || !read_criterion(at, list->items[i], &one))
            return false;
        *ret_condition = pages_both(at->arena, *ret_condition, one);
    }
    return true;
}

bool pages_select(enum records_selection language, const struct sample_entity *entity,
                  struct str selection, const struct value *criteria, struct arena *arena,
                  const struct query_condition **ret_condition)
{
    struct selecting at = {.entity = entity, .arena = arena, .text = selection};
    *ret_condition = NULL;
    if (language == SELECTION_CRITERIA)
        return read_criteria(&at, criteria, ret_condition);
    if (language == SELECTION_NONE || str_trim(selection).len == 0)
        return true;
    if (language == SELECTION_CALLS)
        return read_calls(&at, ret_condition);
    return read_clause(&at, ret_condition) &&
           (str_trim(at.text).len == 0 || take(&at, STR("ORDER BY ")));
}
