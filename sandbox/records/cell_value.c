/* Values of a client's JSON become cells of a field's kind. */
#include "sandbox/records/query.h"
#include "sandbox/records/sample_time.h"
#include "sandbox/records/written.h"

#include "base/encode.h"

#include <math.h>
#include <stdio.h>

enum {
    DAY_MS = 24 * 60 * 60 * 1000,
    DIGITS_MAX = 18, /* of a number */
    NUMBER_SIZE = 64,
    NESTED_MAX = 256 * 1024, /* bytes */
};

static const double real_max = 1e17;

/* Whether a text has so many characters at most; that of parsed JSON is valid. */
static bool is_within(struct str text, size_t most)
{
    uint32_t code;
    size_t count = 0;
    for (size_t at = 0; at < text.len && count <= most; count++) {
        size_t width = utf8_next((struct str){text.data + at, text.len - at}, &code);
        at += width > 0 ? width : 1;
    }
    return count <= most;
}

static enum cell_fault text_cell(const struct sample_field *field, const struct value *value,
                                 struct arena *arena, struct sample_cell *cell)
{
    if (value->kind == VALUE_INTEGER) {
        struct buf digits = buf_in(arena, NUMBER_SIZE);
        buf_add_i64(&digits, value->integer);
        cell->text = buf_str(&digits);
        return CELL_FITS;
    }
    if (value->kind != VALUE_STRING)
        return CELL_WRONG_TYPE;
    cell->text = value->text;
    bool fits = field->length == 0 || is_within(cell->text, (size_t)field->length);
    return fits ? CELL_FITS : CELL_TOO_LONG;
}

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* To the field's scale, away from zero at the half. */
static enum cell_fault rescale(const struct sample_field *field, struct sample_cell *cell)
{
    int more = field->scale - cell->scale;
    int64_t unit = power_of_ten(more < 0 ? -more : more);
    int64_t number = cell->number;
    if (more < 0) {
        int64_t half = number < 0 ? -(unit / 2) : unit / 2;
        number = (number + half) / unit;
    } else if (number > INT64_MAX / unit || number < INT64_MIN / unit) {
        return CELL_OUT_OF_RANGE;
    } else {
        number *= unit;
    }
    int digits =
        field->precision > 0 && field->precision < DIGITS_MAX ? field->precision : DIGITS_MAX;
    int64_t bound = power_of_ten(digits);
    *cell = (struct sample_cell){.kind = SAMPLE_DECIMAL, .number = number, .scale = field->scale};
    return number > -bound && number < bound ? CELL_FITS : CELL_OUT_OF_RANGE;
}

static enum cell_fault decimal_cell(const struct sample_field *field, const struct value *value,
                                    struct sample_cell *cell)
{
    char text[NUMBER_SIZE];
    struct str number;
    if (value->kind == VALUE_STRING) {
        number = value->text;
    } else if (value->kind == VALUE_INTEGER) {
        int len = snprintf(text, sizeof(text), "%lld", (long long)value->integer);
        number = (struct str){text, (size_t)len};
    } else if (value->kind == VALUE_DOUBLE && fabs(value->real) < real_max) {
        int len = snprintf(text, sizeof(text), "%.*f", field->scale, value->real);
        number = (struct str){text, (size_t)len};
    } else {
        return value->kind == VALUE_DOUBLE ? CELL_OUT_OF_RANGE : CELL_WRONG_TYPE;
    }
    if (query_number(number, cell))
        return rescale(field, cell);
    return value->kind == VALUE_STRING ? CELL_WRONG_TYPE : CELL_OUT_OF_RANGE;
}

static enum cell_fault integer_cell(const struct value *value, struct sample_cell *cell)
{
    struct sample_cell number;
    cell->number = value->integer;
    if (value->kind == VALUE_INTEGER)
        return CELL_FITS;
    if (value->kind == VALUE_DOUBLE) {
        if (!(fabs(value->real) < real_max))
            return CELL_OUT_OF_RANGE;
        cell->number = (int64_t)value->real;
        return (double)cell->number == value->real ? CELL_FITS : CELL_WRONG_TYPE;
    }
    if (value->kind != VALUE_STRING || !query_number(value->text, &number) || number.scale > 0)
        return CELL_WRONG_TYPE;
    cell->number = number.number;
    return CELL_FITS;
}

static enum cell_fault flag_cell(const struct value *value, struct sample_cell *cell)
{
    bool is_text = value->kind == VALUE_STRING;
    bool is_true = is_text && str_eq_nocase(value->text, STR("true"));
    if (!is_text && value->kind != VALUE_BOOLEAN)
        return CELL_WRONG_TYPE;
    cell->number = is_text ? is_true : value->boolean;
    return !is_text || is_true || str_eq_nocase(value->text, STR("false")) ? CELL_FITS
                                                                           : CELL_WRONG_TYPE;
}

/* The part of a unit that a time before the epoch has goes towards the past. */
static int64_t floor_to(int64_t number, int64_t unit)
{
    return number / unit - (number % unit < 0);
}

static enum cell_fault time_cell(const struct value *value, bool is_day, struct sample_cell *cell)
{
    int64_t ms = 0;
    if (value->kind != VALUE_STRING)
        return CELL_WRONG_TYPE;
    if (is_day && sample_day_parse(value->text, &cell->number))
        return CELL_FITS;
    if (!sample_time_parse(value->text, false, &ms))
        return CELL_WRONG_TYPE;
    cell->number = is_day ? floor_to(ms, DAY_MS) : ms < 0 ? floor_to(ms, 1000) * 1000 : ms;
    return CELL_FITS;
}

static enum cell_fault nested_cell(const struct value *value, struct arena *arena,
                                   struct sample_cell *cell)
{
    struct buf json = buf_in(arena, NESTED_MAX);
    if (value->kind != VALUE_STRUCTURE && value->kind != VALUE_LIST)
        return CELL_WRONG_TYPE;
    value_encode(&json, value);
    cell->text = buf_str(&json);
    return json.overflow ? CELL_TOO_LONG : CELL_FITS;
}

enum cell_fault cell_of_value(const struct sample_field *field, const struct value *value,
                              struct arena *arena, struct sample_cell *ret_cell)
{
    *ret_cell = (struct sample_cell){0};
    if (!value || value->kind == VALUE_RAW) /* of a parsed text null alone is raw */
        return CELL_FITS;
    ret_cell->kind = field->kind;
    switch (field->kind) {
    case SAMPLE_TEXT:
        return text_cell(field, value, arena, ret_cell);
    case SAMPLE_INTEGER:
        return integer_cell(value, ret_cell);
    case SAMPLE_DECIMAL:
        return decimal_cell(field, value, ret_cell);
    case SAMPLE_FLAG:
        return flag_cell(value, ret_cell);
    case SAMPLE_TIME:
    case SAMPLE_DAY:
        return time_cell(value, field->kind == SAMPLE_DAY, ret_cell);
    case SAMPLE_NESTED:
        return nested_cell(value, arena, ret_cell);
    case SAMPLE_NULL:
        break;
    }
    return CELL_WRONG_TYPE;
}
