/* Writes records as JSON, in the forms of their vendor. */
#include "sandbox/records/sample.h"
#include "sandbox/records/sample_time.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, DIGITS_SIZE = 32, PLAIN_DIGITS_MAX = 7, SMALL_ZEROS_MAX = 2 };

/* The digits of a decimal without its sign, and how many of them stand before the point. */
struct sample_digits {
    char text[DIGITS_SIZE];
    int count, whole;
};

static struct sample_digits digits_of(const struct sample_cell *cell)
{
    struct sample_digits digits = {0};
    uint64_t number = cell->number < 0 ? 0 - (uint64_t)cell->number : (uint64_t)cell->number;
    int least = cell->scale + 1; /* digits: a zero before the point */
    digits.count = snprintf(digits.text, sizeof(digits.text), "%0*" PRIu64, least, number);
    digits.whole = digits.count - cell->scale;
    return digits;
}

static void print_plain(struct buf *out, const struct sample_cell *cell)
{
    struct sample_digits digits = digits_of(cell);
    buf_printf(out, "%s%.*s", cell->number < 0 ? "-" : "", digits.whole, digits.text);
    if (cell->scale > 0)
        buf_printf(out, ".%.*s", cell->scale, digits.text + digits.whole);
}

/* As Java's Double.toString: a digit behind the point at least, and an exponent below 0.001 and
 * from 10,000,000 on. Exact, as a cell has no more than 15 digits. */
static void print_double(struct buf *out, const struct sample_cell *cell)
{
    struct sample_digits digits = digits_of(cell);
    int first = 0, last = digits.count;
    while (first < digits.count - 1 && digits.text[first] == '0')
        first++;
    while (last > first + 1 && digits.text[last - 1] == '0')
        last--;
    int exponent = digits.whole - first - 1;
    if (cell->number < 0)
        buf_add_char(out, '-');
    if (cell->number == 0) {
        buf_add_cstr(out, "0.0");
    } else if (exponent >= PLAIN_DIGITS_MAX || exponent < -SMALL_ZEROS_MAX - 1) {
        int more = last - first - 1;
        buf_printf(out, "%c.%.*sE%d", digits.text[first], more > 0 ? more : 1,
                   more > 0 ? digits.text + first + 1 : "0", exponent);
    } else {
        int behind = last > digits.whole ? last - digits.whole : 0;
        int start = first < digits.whole ? first : digits.whole - 1;
        buf_printf(out, "%.*s.%.*s", digits.whole - start, digits.text + start,
                   behind > 0 ? behind : 1, behind > 0 ? digits.text + digits.whole : "0");
    }
}

/* What a JSON value has between its quotes, or without any. */
static void print_scalar(struct buf *out, const struct sample_forms *forms,
                         const struct sample_cell *cell)
{
    if (cell->kind == SAMPLE_INTEGER)
        buf_add_i64(out, cell->number);
    else if (cell->kind == SAMPLE_FLAG)
        buf_add_cstr(out, cell->number ? "true" : "false");
    else if (cell->kind == SAMPLE_TIME)
        sample_time_print(out, forms->time, cell->number);
    else if (cell->kind == SAMPLE_DAY)
        sample_time_print(out, forms->day, cell->number * DAY_MS);
    else if (forms->numbers == NUMBERS_DOUBLE)
        print_double(out, cell);
    else
        print_plain(out, cell);
}

void sample_print(struct buf *out, const struct sample_forms *forms, const struct sample_cell *cell)
{
    bool all_text = forms->numbers == NUMBERS_TEXT;
    struct str form = cell->kind == SAMPLE_TIME ? forms->time : forms->day;
    bool is_time = cell->kind == SAMPLE_TIME || cell->kind == SAMPLE_DAY;
    bool quoted = (is_time && !str_starts(form, STR("#"))) || all_text ||
                  (cell->kind == SAMPLE_DECIMAL && forms->numbers == NUMBERS_QUOTED);
    if (cell->kind == SAMPLE_NULL) {
        buf_add_cstr(out, all_text ? "\"\"" : "null");
    } else if (cell->kind == SAMPLE_TEXT) {
        encode_json_string(out, cell->text);
    } else if (cell->kind == SAMPLE_NESTED) {
        buf_add(out, cell->text);
    } else {
        if (quoted)
            buf_add_char(out, '"');
        print_scalar(out, forms, cell);
        if (quoted)
            buf_add_char(out, '"');
    }
}

void sample_print_fields(struct buf *out, const struct sample_entity *entity,
                         const struct sample_field *const *fields, size_t field_count, size_t row,
                         struct arena *arena)
{
    size_t count = fields ? field_count : entity->field_count;
    for (size_t i = 0; i < count; i++) {
        const struct sample_field *field = fields ? fields[i] : &entity->fields[i];
        struct sample_cell cell = sample_cell(entity, field, row, arena);
        if (i > 0)
            buf_add_char(out, ',');
        encode_json_string(out, field->name);
        buf_add_char(out, ':');
        sample_print(out, &entity->set->forms, &cell);
    }
}
