/* Texts are read strictly (base/time_text.h); numbers have the unit that the vendor documents. */
#include "connector/http/vendor_time.h"

#include "base/time_text.h"

#include <math.h>

enum { SECOND_MS = 1000, MS_US = 1000 };

/* What a double holds exactly, and more than any date needs. */
#define NUMBER_MAX 9007199254740992.0 /* 2^53 */

bool vendor_time_parse(struct str text, int64_t *ret_ms)
{
    struct time_text time;
    bool ok = time_text_read(text, 0, &time) && time.us >= 0;
    *ret_ms = time.us / MS_US;
    return ok;
}

/* Some write whole seconds as "1.8e9". */
static bool read_number(const struct value *value, int64_t *ret_number)
{
    bool is_integer = value->kind == VALUE_INTEGER;
    bool is_in_range = value->kind == VALUE_DOUBLE && fabs(value->real) <= NUMBER_MAX;
    if (is_integer)
        *ret_number = value->integer;
    else if (is_in_range)
        *ret_number = (int64_t)value->real;
    return is_integer || is_in_range;
}

bool vendor_time_read(const struct value *value, enum vendor_time_form form, int64_t *ret_ms)
{
    int64_t number;
    if (form == TIME_TEXT)
        return value->kind == VALUE_STRING && vendor_time_parse(value->text, ret_ms);
    int64_t unit_ms = form == TIME_S ? SECOND_MS : 1;
    return read_number(value, &number) && !__builtin_mul_overflow(number, unit_ms, ret_ms);
}
