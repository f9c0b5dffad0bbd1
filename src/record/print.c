/* Numbers two digits at a time; days as years, months and days by arithmetic alone. */
#include "record/print.h"

#include "base/encode.h"

#include <string.h>

static const char two_digits[] = "0001020304050607080910111213141516171819"
                                 "2021222324252627282930313233343536373839"
                                 "4041424344454647484950515253545556575859"
                                 "6061626364656667686970717273747576777879"
                                 "8081828384858687888990919293949596979899";

size_t record_print_integer(int64_t number, char *out)
{
    char digits[20], *p = digits + sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    for (; rest >= 100; rest /= 100) {
        p -= 2;
        memcpy(p, two_digits + 2 * (rest % 100), 2);
    }
    p -= 2;
    memcpy(p, two_digits + 2 * rest, 2);
    p += rest < 10;
    size_t len = (size_t)(digits + sizeof(digits) - p);
    if (number < 0)
        *out++ = '-';
    memcpy(out, p, len);
    return len + (number < 0);
}

/* `count` digits with zeros before them. */
static char *put_digits(char *out, unsigned number, unsigned count)
{
    for (unsigned i = count; i-- > 0; number /= 10)
        out[i] = (char)('0' + number % 10);
    return out + count;
}

/* Days since 1970-01-01 in the Gregorian calendar, also before it began. The calendar repeats every
 * 400 years; a year that begins in March has its leap day at its end, so that the months before it
 * have 153 days in every five. */
static char *put_date(char *out, int64_t days)
{
    enum { DAYS_400 = 146097, TO_MARCH_0 = 719468 };
    int64_t shifted = days + TO_MARCH_0;
    int64_t cycle = (shifted >= 0 ? shifted : shifted - (DAYS_400 - 1)) / DAYS_400;
    unsigned day = (unsigned)(shifted - cycle * DAYS_400);
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned of_year = day - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    unsigned of_month = of_year - (153 * month + 2) / 5 + 1;
    unsigned civil_month = month < 10 ? month + 3 : month - 9;
    int64_t civil_year = cycle * 400 + year + (civil_month <= 2);
    if (civil_year >= 0 && civil_year <= 9999)
        out = put_digits(out, (unsigned)civil_year, 4);
    else
        out += record_print_integer(civil_year, out);
    *out++ = '-';
    out = put_digits(out, civil_month, 2);
    *out++ = '-';
    return put_digits(out, of_month, 2);
}

static char *put_timestamp(char *out, int64_t us, bool zone)
{
    const int64_t day_us = 86400LL * 1000 * 1000;
    int64_t in_day_us = us % day_us, days = us / day_us;
    if (in_day_us < 0) {
        in_day_us += day_us;
        days--;
    }
    unsigned second = (unsigned)(in_day_us / 1000000);
    unsigned fraction_us = (unsigned)(in_day_us % 1000000);
    out = put_date(out, days);
    *out++ = 'T';
    out = put_digits(out, second / 3600, 2);
    *out++ = ':';
    out = put_digits(out, second / 60 % 60, 2);
    *out++ = ':';
    out = put_digits(out, second % 60, 2);
    *out++ = '.';
    if (fraction_us % 1000 == 0)
        out = put_digits(out, fraction_us / 1000, 3);
    else
        out = put_digits(out, fraction_us, 6);
    if (zone)
        *out++ = 'Z';
    return out;
}

static struct str written(const char *space, const char *end)
{
    return (struct str){space, (size_t)(end - space)};
}

struct str record_print(const struct record_cell *cell, char space[RECORD_PRINT_MAX],
                        struct arena *arena)
{
    switch ((enum record_kind)cell->kind) {
    case RECORD_TEXT:
    case RECORD_DECIMAL:
    case RECORD_NESTED:
        return record_cell_text(cell);
    case RECORD_INTEGER:
        return (struct str){space, record_print_integer(cell->number, space)};
    case RECORD_BOOLEAN:
        return cell->number ? STR("true") : STR("false");
    case RECORD_TIMESTAMP:
        return written(space, put_timestamp(space, cell->number, cell->flags & RECORD_HAD_ZONE));
    case RECORD_DATE:
        return written(space, put_date(space, cell->number));
    case RECORD_BYTES:
        return encode_base64(arena, record_cell_text(cell));
    case RECORD_NULL:
    case RECORD_KINDS:
        break;
    }
    return STR_NULL;
}
