/* Characters are Unicode's code points. */
#include "flow/value_change.h"

#include "base/encode.h"
#include "record/print.h"

#include <string.h>

enum { MASK_ALL_LENGTH = 5 }; /* as AppFlow's console sends it, where the task has no length */

/* --- one field --- */

struct value_change value_change_of(const struct value *task, struct str operator_name)
{
    const struct value *properties = value_get(task, "taskProperties");
    bool truncates = str_eq(value_text(task, "taskType"), STR("Truncate"));
    struct str length = value_text(properties, truncates ? "TRUNCATE_LENGTH" : "MASK_LENGTH");
    struct str mask = value_text(properties, "MASK_VALUE");
    unsigned long long number = MASK_ALL_LENGTH;
    if (length.data)
        str_to_u64(length, INT32_MAX, &number);
    if (str_eq(operator_name, STR("MASK_ALL")) && number > MASK_ALL_MAX)
        number = MASK_ALL_MAX;
    return (struct value_change){
        .field = value_get(task, "sourceFields")->items[0]->text,
        .kind = truncates                                    ? CHANGE_TRUNCATE
                : str_eq(operator_name, STR("MASK_FIRST_N")) ? CHANGE_MASK_FIRST
                : str_eq(operator_name, STR("MASK_LAST_N"))  ? CHANGE_MASK_LAST
                                                             : CHANGE_MASK_ALL,
        .length = (size_t)number,
        .mask = mask.len > 0 ? mask : STR("*"),
    };
}

/* Bytes of the first `most` characters; *ret_count is how many there are, at most that. */
static size_t bytes_of(struct str text, size_t most, size_t *ret_count)
{
    size_t bytes = 0, count = 0;
    uint32_t code;
    while (count < most && bytes < text.len) {
        size_t width = utf8_next((struct str){text.data + bytes, text.len - bytes}, &code);
        bytes += width > 0 ? width : 1;
        count++;
    }
    *ret_count = count;
    return bytes;
}

/* A mask and what is left of a text. */
struct masking {
    struct str before, mask, behind;
    size_t times; /* that the mask is written */
};

static struct str repeated(const struct masking *masking, size_t size, struct arena *arena)
{
    struct str before = masking->before, mask = masking->mask, behind = masking->behind;
    char *text = arena_take(arena, size + 1), *out = text;
    if (before.len > 0)
        memcpy(out, before.data, before.len);
    out += before.len;
    for (size_t i = 0; i < masking->times; i++, out += mask.len)
        memcpy(out, mask.data, mask.len);
    if (behind.len > 0)
        memcpy(out, behind.data, behind.len);
    return (struct str){text, size};
}

static struct masking masking_of(const struct value_change *change, struct str text)
{
    struct masking masking = {.mask = change->mask, .times = change->length};
    size_t all, count;
    if (change->kind == CHANGE_MASK_ALL) /* the length would tell of the value */
        return masking;
    if (change->kind == CHANGE_MASK_FIRST) {
        size_t bytes = bytes_of(text, change->length, &masking.times);
        masking.behind = (struct str){text.data + bytes, text.len - bytes};
        return masking;
    }
    bytes_of(text, SIZE_MAX, &all);
    size_t kept = all > change->length ? all - change->length : 0;
    masking.before = (struct str){text.data, bytes_of(text, kept, &count)};
    masking.times = all - kept;
    return masking;
}

static bool mask(const struct value_change *change, struct str text, size_t most,
                 struct arena *arena, struct record_cell *ret_cell)
{
    const struct masking masking = masking_of(change, text);
    size_t size = masking.before.len + masking.mask.len * masking.times + masking.behind.len;
    if (size > most)
        return false;
    *ret_cell = cell_of_text(repeated(&masking, size, arena));
    return true;
}

/* The text of a number or a time is in `space` until it is copied. */
bool value_change_make(const struct value_change *change, const struct record_cell *cell,
                       size_t most, struct arena *arena, struct record_cell *ret_cell)
{
    char space[RECORD_PRINT_MAX];
    size_t count;
    *ret_cell = *cell;
    if (cell->kind == RECORD_NULL)
        return true;
    struct str text = record_print(cell, space, arena);
    if (change->kind != CHANGE_TRUNCATE)
        return mask(change, text, most, arena, ret_cell);
    size_t bytes = bytes_of(text, change->length, &count);
    if (bytes == text.len)
        return true;
    bool is_ours =
        cell->kind != RECORD_TEXT && cell->kind != RECORD_NESTED && cell->kind != RECORD_DECIMAL;
    struct str cut = {text.data, bytes};
    *ret_cell = cell_of_text(is_ours ? arena_copy(arena, cut) : cut);
    return true;
}

/* --- Merge --- */

static bool find_field(const struct value *fields, struct str name, size_t *ret_index)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (str_eq(fields->items[i]->text, name)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static void add_text(struct merge *merge, struct str text)
{
    if (text.len > 0)
        merge->pieces[merge->count++] = (struct merge_piece){.text = text};
}

/* No placeholder: the format stands between the fields. */
static void join_fields(struct merge *merge, struct str format, size_t fields)
{
    merge->count = 0;
    for (size_t i = 0; i < fields; i++) {
        if (i > 0)
            add_text(merge, format);
        merge->pieces[merge->count++] = (struct merge_piece){.field = i, .is_field = true};
    }
}

static size_t find(struct str text, struct str what)
{
    size_t at = 0;
    while (at + what.len <= text.len && memcmp(text.data + at, what.data, what.len) != 0)
        at++;
    return at + what.len <= text.len ? at : SIZE_MAX;
}

bool merge_make(struct str format, const struct value *fields, struct arena *arena,
                struct merge *ret_merge, struct error *error)
{
    struct str rest = format, name;
    size_t at, room = 2 * fields->count + 1 + format.len;
    *ret_merge = (struct merge){arena_array(arena, struct merge_piece, room), 0};
    if (find(format, STR("${")) == SIZE_MAX) {
        join_fields(ret_merge, format, fields->count);
        return true;
    }
    while ((at = find(rest, STR("${"))) != SIZE_MAX) {
        struct merge_piece piece = {.is_field = true};
        add_text(ret_merge, (struct str){rest.data, at});
        struct str behind = {rest.data + at + 2, rest.len - at - 2};
        if (!str_cut(behind, '}', &name, &rest))
            return fail(error, ERR_VALIDATION, "CONCAT_FORMAT has a \"${\" without a \"}\".");
        if (!find_field(fields, name, &piece.field))
            return fail(error, ERR_VALIDATION,
                        "CONCAT_FORMAT has ${%.*s}, which is not one of sourceFields.",
                        STR_ARG(name));
        ret_merge->pieces[ret_merge->count++] = piece;
    }
    add_text(ret_merge, rest);
    return true;
}

static struct str piece_text(const struct merge_piece *piece,
                             const struct record_cell *const *cells, char space[RECORD_PRINT_MAX],
                             struct arena *arena)
{
    return piece->is_field ? record_print(cells[piece->field], space, arena) : piece->text;
}

/* The length is known before there is memory for it. */
bool merge_cells(const struct merge *merge, const struct record_cell *const *cells, size_t most,
                 struct arena *arena, struct record_cell *ret_cell)
{
    char space[RECORD_PRINT_MAX];
    size_t len = 0;
    for (size_t i = 0; i < merge->count && len <= most; i++)
        len += piece_text(&merge->pieces[i], cells, space, arena).len;
    if (len > most)
        return false;
    char *text = arena_take(arena, len + 1), *out = text;
    for (size_t i = 0; i < merge->count; i++) {
        struct str piece = piece_text(&merge->pieces[i], cells, space, arena);
        if (piece.len > 0)
            memcpy(out, piece.data, piece.len);
        out += piece.len;
    }
    *ret_cell = cell_of_text((struct str){text, len});
    return true;
}

/* --- Arithmetic --- */

static bool calculate(enum arithmetic operation, const struct decimal *a, const struct decimal *b,
                      struct decimal *ret_result)
{
    switch (operation) {
    case ARITHMETIC_ADD:
        return decimal_add(a, b, ret_result);
    case ARITHMETIC_SUBTRACT:
        return decimal_subtract(a, b, ret_result);
    case ARITHMETIC_MULTIPLY:
        return decimal_multiply(a, b, ret_result);
    case ARITHMETIC_DIVIDE:
        break;
    }
    return decimal_divide(a, b, ret_result);
}

static bool read_i64(struct str text, int64_t *ret_number)
{
    unsigned long long number;
    bool is_negative = text.len > 0 && text.data[0] == '-';
    struct str digits = is_negative ? (struct str){text.data + 1, text.len - 1} : text;
    if (!str_to_u64(digits, INT64_MAX, &number))
        return false;
    *ret_number = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool put_result(const struct decimal *result, struct arena *arena,
                       struct record_cell *ret_cell)
{
    struct str text;
    int16_t scale;
    int64_t number;
    if (!decimal_print(result, arena, &text, &scale))
        return false;
    *ret_cell = (struct record_cell){
        .text = text.data, .len = (uint32_t)text.len, .kind = RECORD_DECIMAL, .scale = scale};
    if (scale == 0 && read_i64(text, &number))
        *ret_cell = (struct record_cell){.number = number, .kind = RECORD_INTEGER};
    return true;
}

enum arithmetic_end arithmetic_cells(enum arithmetic operation,
                                     const struct record_cell *const *cells, size_t count,
                                     struct arena *arena, struct record_cell *ret_cell)
{
    struct decimal results[2], operand;
    bool is_missing = false;
    *ret_cell = (struct record_cell){0};
    for (size_t i = 0; i < count; i++) {
        is_missing |= cell_is_missing(cells[i]);
        if (!cell_is_missing(cells[i]) && !cell_number(cells[i], &operand))
            return ARITHMETIC_NOT_A_NUMBER;
    }
    if (is_missing)
        return ARITHMETIC_DONE;
    (void)cell_number(cells[0], &results[0]);
    for (size_t i = 1; i < count; i++) {
        (void)cell_number(cells[i], &operand);
        if (operation == ARITHMETIC_DIVIDE && operand.count == 0)
            return ARITHMETIC_BY_ZERO;
        if (!calculate(operation, &results[(i - 1) % 2], &operand, &results[i % 2]))
            return ARITHMETIC_TOO_LONG;
    }
    bool ok = put_result(&results[(count - 1) % 2], arena, ret_cell);
    return ok ? ARITHMETIC_DONE : ARITHMETIC_TOO_LONG;
}
