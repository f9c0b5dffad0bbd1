/* Numbers, times and flags of cells. */
#include "record/cell.h"

#include "base/time_text.h"

enum { MS_DIGITS_MAX = 15 }; /* of milliseconds: the year 33658 */

bool cell_is_missing(const struct record_cell *cell)
{
    return cell->kind == RECORD_NULL || (cell->kind == RECORD_TEXT && cell->len == 0);
}

bool cell_number(const struct record_cell *cell, struct decimal *ret_number)
{
    if (cell->kind == RECORD_INTEGER)
        decimal_of(cell->number, ret_number);
    return cell->kind == RECORD_INTEGER ||
           ((cell->kind == RECORD_DECIMAL || cell->kind == RECORD_TEXT) &&
            decimal_read(record_cell_text(cell), ret_number));
}

bool cell_flag(const struct record_cell *cell, bool *ret_flag)
{
    struct str text = cell->kind == RECORD_TEXT ? record_cell_text(cell) : STR_NULL;
    bool is_true = str_eq_nocase(text, STR("true"));
    *ret_flag = cell->kind == RECORD_BOOLEAN ? cell->number != 0 : is_true;
    return cell->kind == RECORD_BOOLEAN || is_true || str_eq_nocase(text, STR("false"));
}

struct record_cell cell_of_text(struct str text)
{
    return (struct record_cell){
        .text = text.data ? text.data : "", .len = (uint32_t)text.len, .kind = RECORD_TEXT};
}

/* --- times --- */

/* Milliseconds since the epoch, which may be before it. */
static bool read_ms(struct str text, int64_t *ret_us)
{
    unsigned long long ms;
    bool before = text.len > 0 && text.data[0] == '-';
    struct str digits = before ? (struct str){text.data + 1, text.len - 1} : text;
    if (digits.len > MS_DIGITS_MAX || !str_to_u64(digits, INT64_MAX / 1000, &ms))
        return false;
    *ret_us = (before ? -1 : 1) * (int64_t)ms * 1000;
    return true;
}

/* "/Date(1700000000000)/", and with minutes ahead of UTC that are in the number already
 * ("…+0060)/"): OData version 2 in JSON. */
static bool read_odata_time(struct str text, int64_t *ret_us)
{
    const struct str before = STR("/Date("), after = STR(")/");
    if (!str_starts(text, before) || !str_ends(text, after) || text.len < before.len + after.len)
        return false;
    struct str number = {text.data + before.len, text.len - before.len - after.len}, rest;
    str_cut(number, '+', &number, &rest);
    for (size_t i = 1; i < number.len; i++) {
        if (number.data[i] == '-')
            number.len = i;
    }
    return read_ms(number, ret_us);
}

/* "1512085950.000216": seconds since the epoch, in nine digits or more, with six behind the point.
 */
static bool read_seconds(struct str text, int64_t *ret_us)
{
    enum { WHOLE_MIN = 9, DIGITS = 6, SECOND_US = 1000 * 1000 };
    struct str whole, fraction;
    unsigned long long seconds, us;
    if (!str_cut(text, '.', &whole, &fraction) || whole.len < WHOLE_MIN || fraction.len != DIGITS ||
        !str_to_u64(whole, UINT32_MAX, &seconds) || !str_to_u64(fraction, SECOND_US - 1, &us))
        return false;
    *ret_us = (int64_t)seconds * SECOND_US + (int64_t)us;
    return true;
}

static bool read_moment(struct str text, struct cell_moment *ret_moment)
{
    enum { FORMS = TIME_TEXT_DAY | TIME_TEXT_NO_ZONE | TIME_TEXT_ISO_8601 };
    struct time_text time;
    *ret_moment = (struct cell_moment){.has_zone = true};
    if (read_ms(text, &ret_moment->us) || read_odata_time(text, &ret_moment->us) ||
        read_seconds(text, &ret_moment->us))
        return true;
    bool ok = time_text_read(text, FORMS, &time);
    *ret_moment =
        (struct cell_moment){.us = time.us, .has_zone = time.has_zone, .is_cut = time.is_cut};
    return ok;
}

bool time_read(struct str text, int64_t *ret_us)
{
    struct cell_moment moment;
    bool ok = read_moment(text, &moment);
    *ret_us = moment.us;
    return ok;
}

bool cell_moment(const struct record_cell *cell, struct cell_moment *ret_moment)
{
    if (cell->kind == RECORD_TEXT)
        return read_moment(record_cell_text(cell), ret_moment);
    *ret_moment = (struct cell_moment){
        .us = cell->number,
        .has_zone = cell->kind == RECORD_INTEGER || cell->flags & RECORD_HAD_ZONE,
    };
    if (cell->kind == RECORD_DATE)
        return !__builtin_mul_overflow(cell->number, TIME_TEXT_DAY_US, &ret_moment->us);
    if (cell->kind == RECORD_INTEGER)
        return !__builtin_mul_overflow(cell->number, 1000, &ret_moment->us);
    return cell->kind == RECORD_TIMESTAMP;
}

bool cell_time(const struct record_cell *cell, int64_t *ret_us)
{
    struct cell_moment moment;
    bool ok = cell_moment(cell, &moment);
    *ret_us = moment.us;
    return ok;
}
