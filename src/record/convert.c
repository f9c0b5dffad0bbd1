/* The table of ways from one kind to another, and one function for each of them. */
#include "record/convert.h"

#include "base/encode.h"
#include "base/time_text.h"
#include "record/cell.h"
#include "record/json_scan.h"
#include "record/parquet_decimal.h"
#include "record/print.h"

enum { MS_US = 1000, INT64_DIGITS = 19, DAY_DIGITS = 8 };

struct converting {
    const struct record_cell *cell;
    const struct record_conversion *to;
    struct arena *arena;
    struct record_cell *result; /* may be the cell itself */
};

static struct record_cell number_cell(enum record_kind kind, int64_t number)
{
    return (struct record_cell){.number = number, .kind = (uint8_t)kind};
}

static struct record_cell text_cell(enum record_kind kind, struct str text)
{
    struct record_cell cell = cell_of_text(text);
    cell.kind = (uint8_t)kind;
    return cell;
}

static enum record_convert_end keep(const struct converting *at)
{
    *at->result = *at->cell;
    return RECORD_CONVERTED;
}

/* --- to texts --- */

static enum record_convert_end print(const struct converting *at)
{
    char space[RECORD_PRINT_MAX];
    struct str text = record_print(at->cell, space, at->arena);
    *at->result = cell_of_text(text.data == space ? arena_copy(at->arena, text) : text);
    return RECORD_CONVERTED;
}

/* --- to numbers --- */

static size_t skip_digits(struct str text, size_t at)
{
    while (at < text.len && ascii_is_digit(text.data[at]))
        at++;
    return at;
}

/* Whether JSON has the number in this form, and its scale. */
static bool has_form_of_json(struct str text, int16_t *ret_scale)
{
    size_t first = text.len > 0 && text.data[0] == '-', at = skip_digits(text, first), begin;
    *ret_scale = 0;
    if (at == first || (text.data[first] == '0' && at > first + 1))
        return false;
    if (at < text.len && text.data[at] == '.') {
        begin = at + 1;
        at = skip_digits(text, begin);
        *ret_scale = (int16_t)(at - begin); /* at most RECORD_NUMBER_MAX */
        if (at == begin)
            return false;
    }
    if (at == text.len)
        return true;
    if (ascii_lower(text.data[at++]) != 'e')
        return false;
    *ret_scale = RECORD_SCALE_EXPONENT;
    begin = at + (at < text.len && (text.data[at] == '-' || text.data[at] == '+'));
    at = skip_digits(text, begin);
    return at > begin && at == text.len;
}

/* A number as it came, or, where JSON has no such form ("+1", ".5", "007"), written anew. */
static enum record_convert_end number_of_text(const struct converting *at,
                                              struct record_cell *ret_number)
{
    struct str text = record_cell_text(at->cell);
    struct decimal number;
    int16_t scale;
    if (text.len > RECORD_NUMBER_MAX)
        return RECORD_CONVERT_NOT_ONE;
    if (!has_form_of_json(text, &scale)) {
        if (!decimal_read(text, &number))
            return RECORD_CONVERT_NOT_ONE;
        if (!decimal_print(&number, at->arena, &text, &scale))
            return RECORD_CONVERT_DIGITS;
    }
    *ret_number = text_cell(RECORD_DECIMAL, text);
    ret_number->scale = scale;
    return RECORD_CONVERTED;
}

static enum record_convert_end fit_rounded(const struct converting *at)
{
    const struct record_conversion *to = at->to;
    struct decimal number, result;
    struct str text;
    int16_t scale;
    __int128 value;
    if (!decimal_read(record_cell_text(at->cell), &number) ||
        !decimal_round(&number, to->scale, &result) ||
        !decimal_print(&result, at->arena, &text, &scale) ||
        parquet_decimal(text, to->precision, to->scale, &value) != PARQUET_DECIMAL_FITS)
        return RECORD_CONVERT_DIGITS;
    *at->result = text_cell(RECORD_DECIMAL, text);
    at->result->scale = scale;
    return RECORD_CONVERTED;
}

/* Whether an integer or a decimal has no more digits than are wanted. */
static enum record_convert_end fit(const struct converting *at)
{
    char space[RECORD_PRINT_MAX];
    __int128 value;
    if (at->to->precision > 0) {
        struct str text = record_print(at->cell, space, at->arena);
        enum parquet_decimal_fault fault =
            parquet_decimal(text, at->to->precision, at->to->scale, &value);
        if (fault == PARQUET_DECIMAL_FRACTION && at->to->rounds)
            return fit_rounded(at);
        if (fault != PARQUET_DECIMAL_FITS)
            return RECORD_CONVERT_DIGITS;
    }
    return keep(at);
}

static enum record_convert_end text_to_decimal(const struct converting *at)
{
    struct record_cell number;
    const struct converting then = {&number, at->to, at->arena, at->result};
    enum record_convert_end end = number_of_text(at, &number);
    return end == RECORD_CONVERTED ? fit(&then) : end;
}

/* A number that is whole, whatever its form: "12", "12.0", "1.2e1". */
static enum record_convert_end decimal_to_integer(const struct converting *at)
{
    struct str text = record_cell_text(at->cell);
    __int128 value;
    if (parquet_decimal(text, INT64_DIGITS, 0, &value) != PARQUET_DECIMAL_FITS ||
        value < INT64_MIN || value > INT64_MAX)
        return RECORD_CONVERT_DIGITS;
    *at->result = number_cell(RECORD_INTEGER, (int64_t)value);
    return RECORD_CONVERTED;
}

static enum record_convert_end text_to_integer(const struct converting *at)
{
    struct record_cell number;
    const struct converting then = {&number, at->to, at->arena, at->result};
    enum record_convert_end end = number_of_text(at, &number);
    return end == RECORD_CONVERTED ? decimal_to_integer(&then) : end;
}

static enum record_convert_end boolean_to_integer(const struct converting *at)
{
    *at->result = number_cell(RECORD_INTEGER, at->cell->number != 0);
    return RECORD_CONVERTED;
}

/* Milliseconds since 1970. */
static enum record_convert_end time_to_integer(const struct converting *at)
{
    int64_t us;
    if (!cell_time(at->cell, &us) || us % MS_US != 0)
        return RECORD_CONVERT_DIGITS;
    *at->result = number_cell(RECORD_INTEGER, us / MS_US);
    return RECORD_CONVERTED;
}

/* --- to true or false --- */

static enum record_convert_end text_to_boolean(const struct converting *at)
{
    struct str text = record_cell_text(at->cell);
    bool flag = str_eq(text, STR("1"));
    if (!flag && !str_eq(text, STR("0")) && !cell_flag(at->cell, &flag))
        return RECORD_CONVERT_NOT_ONE;
    *at->result = number_cell(RECORD_BOOLEAN, flag);
    return RECORD_CONVERTED;
}

static enum record_convert_end integer_to_boolean(const struct converting *at)
{
    int64_t number = at->cell->number;
    if (number != 0 && number != 1)
        return RECORD_CONVERT_NOT_ONE;
    *at->result = number_cell(RECORD_BOOLEAN, number);
    return RECORD_CONVERTED;
}

/* --- to times --- */

/* "2026" and "20260131" are a year and a day rather than milliseconds of the first 28 hours of
 * 1970; all later ones have more digits. */
static bool may_be_day(const struct record_cell *cell)
{
    struct str text = cell->kind == RECORD_TEXT ? record_cell_text(cell) : STR_NULL;
    size_t first = text.len > 0 && text.data[0] == '-';
    return text.len > first && text.len - first <= DAY_DIGITS &&
           skip_digits(text, first) == text.len;
}

/* False as well for a time that has no text, which nothing could read. */
static bool read_moment(const struct record_cell *cell, struct cell_moment *ret_moment)
{
    return !may_be_day(cell) && cell_moment(cell, ret_moment) &&
           ret_moment->us >= TIME_TEXT_FIRST_US && ret_moment->us <= TIME_TEXT_LAST_US;
}

static enum record_convert_end to_timestamp(const struct converting *at)
{
    struct cell_moment moment;
    if (!read_moment(at->cell, &moment))
        return RECORD_CONVERT_NOT_ONE;
    if (moment.is_cut)
        return RECORD_CONVERT_DIGITS;
    *at->result = number_cell(RECORD_TIMESTAMP, moment.us);
    at->result->flags = moment.has_zone ? RECORD_HAD_ZONE : 0;
    return RECORD_CONVERTED;
}

/* The day in UTC, whatever the time on it. */
static enum record_convert_end to_date(const struct converting *at)
{
    struct cell_moment moment;
    if (!read_moment(at->cell, &moment))
        return RECORD_CONVERT_NOT_ONE;
    int64_t days = moment.us / TIME_TEXT_DAY_US - (moment.us % TIME_TEXT_DAY_US < 0);
    *at->result = number_cell(RECORD_DATE, days);
    return RECORD_CONVERTED;
}

/* --- to bytes, and to nested values --- */

static enum record_convert_end text_to_bytes(const struct converting *at)
{
    struct str bytes;
    if (!decode_base64(at->arena, record_cell_text(at->cell), &bytes))
        return RECORD_CONVERT_NOT_ONE;
    *at->result = text_cell(RECORD_BYTES, bytes);
    return RECORD_CONVERTED;
}

/* One JSON object or array. */
static enum record_convert_end text_to_nested(const struct converting *at)
{
    struct str text = str_trim(record_cell_text(at->cell));
    struct json_scan scan = {.end = text.data + text.len};
    if (text.len == 0 || (text.data[0] != '{' && text.data[0] != '[') ||
        json_scan_value(&scan, text.data, 1) != scan.end)
        return RECORD_CONVERT_NOT_ONE;
    *at->result = text_cell(RECORD_NESTED, text);
    return RECORD_CONVERTED;
}

/* --- the table --- */

static enum record_convert_end (*const ways[RECORD_KINDS][RECORD_KINDS])(
    const struct converting *at) = {
    [RECORD_TEXT] = {[RECORD_TEXT] = keep,
                     [RECORD_INTEGER] = text_to_integer,
                     [RECORD_DECIMAL] = text_to_decimal,
                     [RECORD_BOOLEAN] = text_to_boolean,
                     [RECORD_TIMESTAMP] = to_timestamp,
                     [RECORD_DATE] = to_date,
                     [RECORD_BYTES] = text_to_bytes,
                     [RECORD_NESTED] = text_to_nested},
    [RECORD_INTEGER] = {[RECORD_TEXT] = print,
                        [RECORD_INTEGER] = keep,
                        [RECORD_DECIMAL] = fit,
                        [RECORD_BOOLEAN] = integer_to_boolean,
                        [RECORD_TIMESTAMP] = to_timestamp,
                        [RECORD_DATE] = to_date},
    [RECORD_DECIMAL] =
        {[RECORD_TEXT] = print, [RECORD_INTEGER] = decimal_to_integer, [RECORD_DECIMAL] = fit},
    [RECORD_BOOLEAN] = {[RECORD_TEXT] = print,
                        [RECORD_INTEGER] = boolean_to_integer,
                        [RECORD_DECIMAL] = boolean_to_integer,
                        [RECORD_BOOLEAN] = keep},
    [RECORD_TIMESTAMP] = {[RECORD_TEXT] = print,
                          [RECORD_INTEGER] = time_to_integer,
                          [RECORD_TIMESTAMP] = keep,
                          [RECORD_DATE] = to_date},
    [RECORD_DATE] = {[RECORD_TEXT] = print,
                     [RECORD_INTEGER] = time_to_integer,
                     [RECORD_TIMESTAMP] = to_timestamp,
                     [RECORD_DATE] = keep},
    [RECORD_BYTES] = {[RECORD_TEXT] = print, [RECORD_BYTES] = keep},
    [RECORD_NESTED] = {[RECORD_TEXT] = print, [RECORD_NESTED] = keep},
};

bool record_converts(enum record_kind from, enum record_kind to)
{
    return from == RECORD_NULL || to == RECORD_NULL || ways[from][to];
}

enum record_convert_end record_convert(const struct record_cell *cell,
                                       const struct record_conversion *to, struct arena *arena,
                                       struct record_cell *ret_cell)
{
    bool stays = cell->kind == RECORD_NULL || to->kind == RECORD_NULL;
    if (stays || (to->kind != RECORD_TEXT && cell_is_missing(cell))) {
        *ret_cell = stays ? *cell : (struct record_cell){0};
        return RECORD_CONVERTED;
    }
    const struct converting at = {cell, to, arena, ret_cell};
    bool has_way = ways[cell->kind][to->kind];
    return has_way ? ways[cell->kind][to->kind](&at) : RECORD_CONVERT_NO_WAY;
}
