/* Operators are rows of a table: which orders of value and operand they let through. */
#include "flow/filter.h"

#include "flow/data_type.h"
#include "flow/tasks.h"
#include "record/print.h"

struct filter_operator {
    struct str name;
    bool less, equal, greater; /* orders that fit */
    bool contains;
    bool is_negated; /* a value must fit none of the operands */
    bool is_range;
};

static const struct filter_operator operators[] = {
    {STR("EQUAL_TO"), .equal = true},
    {STR("NOT_EQUAL_TO"), .equal = true, .is_negated = true},
    {STR("CONTAINS"), .contains = true},
    {STR("LESS_THAN"), .less = true},
    {STR("LESS_THAN_OR_EQUAL_TO"), .less = true, .equal = true},
    {STR("GREATER_THAN"), .greater = true},
    {STR("GREATER_THAN_OR_EQUAL_TO"), .greater = true, .equal = true},
    {STR("BETWEEN"), .is_range = true},
};

/* A name that is not known is one of the many names that vendors have for texts. */
static enum filter_class class_of(struct str type)
{
    switch (data_type_of(type).kind) {
    case RECORD_INTEGER:
    case RECORD_DECIMAL:
        return FILTER_NUMBER;
    case RECORD_TIMESTAMP:
    case RECORD_DATE:
        return FILTER_TIME;
    case RECORD_BOOLEAN:
        return FILTER_FLAG;
    case RECORD_NULL:
    case RECORD_TEXT:
    case RECORD_BYTES:
    case RECORD_NESTED:
    case RECORD_KINDS:
        break;
    }
    return type.len > 0 ? FILTER_TEXT : FILTER_ANY;
}

/* --- making one --- */

static bool read_operand(const struct filter *filter, struct str text, struct arena *arena,
                         struct filter_operand *ret_operand, struct error *error)
{
    static const char *const wanted[] = {
        [FILTER_NUMBER] = "a number",
        [FILTER_TIME] = "a time in milliseconds since 1970, or as RFC 3339 has it",
        [FILTER_FLAG] = "true or false",
    };
    const struct record_cell cell = cell_of_text(text);
    struct decimal number;
    bool is_number = decimal_read(text, &number), ok = true;
    *ret_operand = (struct filter_operand){.text = text};
    if (is_number) {
        ret_operand->number = arena_new(arena, struct decimal);
        *ret_operand->number = number;
    }
    if (filter->as == FILTER_NUMBER)
        ok = is_number;
    if (filter->as == FILTER_TIME)
        ok = time_read(text, &ret_operand->time_us);
    if (filter->as == FILTER_FLAG)
        ok = cell_flag(&cell, &ret_operand->flag);
    return ok || fail(error, ERR_VALIDATION,
                      "The filter of the field %.*s compares with %.*s, which is not %s.",
                      STR_ARG(filter->field), STR_ARG(text), wanted[filter->as]);
}

bool filter_values(const struct value *task, struct str operator_name, struct arena *arena,
                   struct str **ret_values, size_t *ret_count)
{
    const struct value *properties = value_get(task, "taskProperties");
    struct str values = value_text(properties, "VALUES");
    bool is_range = str_eq(operator_name, STR("BETWEEN"));
    if (!is_range && values.data)
        return flow_field_list(values, arena, ret_values, ret_count);
    *ret_values = arena_array(arena, struct str, 2);
    *ret_count = is_range ? 2 : 1;
    (*ret_values)[0] = value_text(properties, is_range ? "LOWER_BOUND" : "VALUE");
    (*ret_values)[1] = value_text(properties, "UPPER_BOUND");
    return true;
}

static bool check_operator(const struct filter *filter, struct error *error)
{
    const struct filter_operator *row = filter->operator_row;
    bool is_text = filter->as == FILTER_TEXT || filter->as == FILTER_ANY;
    bool orders = row->less || row->greater || row->is_range;
    if (row->contains && !is_text)
        return fail(error, ERR_VALIDATION,
                    "The filter of the field %.*s looks for a part of a value, which only a text "
                    "has: DATA_TYPE must be string.",
                    STR_ARG(filter->field));
    return !(orders && filter->as == FILTER_FLAG) ||
           fail(error, ERR_VALIDATION,
                "The filter of the field %.*s compares the order of values that are true or "
                "false: the operator must be EQUAL_TO or NOT_EQUAL_TO.",
                STR_ARG(filter->field));
}

bool filter_make(const struct value *task, struct str operator_name, struct arena *arena,
                 struct filter *ret_filter, struct error *error)
{
    const struct value *properties = value_get(task, "taskProperties");
    struct str *texts;
    size_t count;
    *ret_filter = (struct filter){
        .field = value_get(task, "sourceFields")->items[0]->text,
        .as = class_of(value_text(properties, "DATA_TYPE")),
    };
    for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
        if (str_eq(operators[i].name, operator_name))
            ret_filter->operator_row = &operators[i];
    }
    if (!ret_filter->operator_row)
        return fail(error, ERR_INTERNAL, "The filter %.*s is not known.", STR_ARG(operator_name));
    if (!check_operator(ret_filter, error))
        return false;
    if (!filter_values(task, operator_name, arena, &texts, &count))
        return fail(error, ERR_VALIDATION,
                    "VALUES of the filter of the field %.*s must be values between commas, or a "
                    "JSON list of texts.",
                    STR_ARG(ret_filter->field));
    ret_filter->operands = arena_array(arena, struct filter_operand, count);
    ret_filter->operand_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!read_operand(ret_filter, texts[i], arena, &ret_filter->operands[i], error))
            return false;
    }
    return true;
}

/* --- records --- */

/* A value as it is compared. */
struct compared {
    enum filter_class as;
    struct decimal number;
    int64_t time_us;
    bool flag;
    struct str text;
    char space[RECORD_PRINT_MAX];
};

static bool is_number(const struct record_cell *cell)
{
    return cell->kind == RECORD_INTEGER || cell->kind == RECORD_DECIMAL;
}

/* Without a DATA_TYPE, numbers are compared with numbers, and all else as text. */
static enum filter_class class_for(const struct filter *filter, const struct record_cell *cell)
{
    if (filter->as != FILTER_ANY)
        return filter->as;
    bool numbers = is_number(cell) && !filter->operator_row->contains;
    for (size_t i = 0; i < filter->operand_count; i++)
        numbers &= filter->operands[i].number != NULL;
    return numbers ? FILTER_NUMBER : FILTER_TEXT;
}

static bool read_value(const struct filter *filter, const struct record_cell *cell,
                       struct compared *ret_value)
{
    struct arena arena = {.kind = ARENA_PLAIN}; /* for bytes, which are no text */
    ret_value->as = class_for(filter, cell);
    switch (ret_value->as) {
    case FILTER_NUMBER:
        return cell_number(cell, &ret_value->number);
    case FILTER_TIME:
        return cell_time(cell, &ret_value->time_us);
    case FILTER_FLAG:
        return cell_flag(cell, &ret_value->flag);
    case FILTER_ANY:
    case FILTER_TEXT:
        break;
    }
    if (cell->kind != RECORD_BYTES)
        ret_value->text = record_print(cell, ret_value->space, &arena);
    return cell->kind != RECORD_BYTES;
}

static int compare(const struct compared *value, const struct filter_operand *operand)
{
    switch (value->as) {
    case FILTER_NUMBER:
        return decimal_compare(&value->number, operand->number);
    case FILTER_TIME:
        return (value->time_us > operand->time_us) - (value->time_us < operand->time_us);
    case FILTER_FLAG:
        return value->flag != operand->flag;
    case FILTER_ANY:
    case FILTER_TEXT:
        break;
    }
    return str_compare(value->text, operand->text);
}

static bool fits(const struct filter_operator *row, const struct compared *value,
                 const struct filter_operand *operand)
{
    if (row->contains)
        return str_contains(value->text, operand->text);
    int order = compare(value, operand);
    return order < 0 ? row->less : order > 0 ? row->greater : row->equal;
}

bool filter_keeps(const struct filter *filter, const struct record_cell *cell)
{
    const struct filter_operator *row = filter->operator_row;
    struct compared value;
    bool any = false;
    if (cell->kind == RECORD_NULL || !read_value(filter, cell, &value))
        return row->is_negated;
    if (row->is_range)
        return compare(&value, &filter->operands[0]) > 0 &&
               compare(&value, &filter->operands[1]) < 0;
    for (size_t i = 0; i < filter->operand_count && !any; i++)
        any = fits(row, &value, &filter->operands[i]);
    return any != row->is_negated;
}
