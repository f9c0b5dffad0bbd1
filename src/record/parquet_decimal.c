/* The significant digits (without zeros at both ends) become an integer; where the point is, and
 * the exponent, become a power of ten, which must not be negative at the column's scale. */
#include "record/parquet_decimal.h"

#include "record/batch.h"

enum {
    DIGITS_MAX = 38,
    EXPONENT_MAX = 100000, /* past it only the sign matters: no text of a number is as long */
};

struct digits {
    unsigned __int128 value; /* of the significant digits */
    int count;               /* of the significant digits; DIGITS_MAX + 1: too many */
    int zeros;               /* behind them */
    int behind_point;        /* digits behind the point */
};

static void add_digit(struct digits *digits, char c)
{
    if (c == '0') {
        digits->zeros += digits->count > 0;
        return;
    }
    int added = digits->zeros + 1;
    if (digits->count + added > DIGITS_MAX) {
        digits->count = DIGITS_MAX + 1;
    } else {
        for (int i = 0; i < added; i++)
            digits->value *= 10;
        digits->value += (unsigned)(c - '0');
        digits->count += added;
    }
    digits->zeros = 0;
}

static size_t read_digits(struct str number, size_t at, struct digits *digits)
{
    for (; at < number.len && ascii_is_digit(number.data[at]); at++)
        add_digit(digits, number.data[at]);
    return at;
}

/* The exponent at `at`, behind its letter; false when that is none. */
static bool read_exponent(struct str number, size_t at, int *ret_exponent)
{
    bool negative = at < number.len && number.data[at] == '-';
    int exponent = 0;
    at += at < number.len && (negative || number.data[at] == '+');
    size_t first = at;
    for (; at < number.len && ascii_is_digit(number.data[at]); at++)
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (number.data[at] - '0') : EXPONENT_MAX;
    *ret_exponent = negative ? -exponent : exponent;
    return at > first && at == number.len;
}

static bool read_number(struct str number, struct digits *ret_digits, int *ret_exponent)
{
    size_t first = number.len > 0 && number.data[0] == '-', at;
    *ret_digits = (struct digits){0};
    *ret_exponent = 0;
    if (number.len > RECORD_NUMBER_MAX)
        return false;
    at = read_digits(number, first, ret_digits);
    if (at == first)
        return false;
    if (at < number.len && number.data[at] == '.') {
        size_t point = at + 1;
        at = read_digits(number, point, ret_digits);
        ret_digits->behind_point = (int)(at - point);
        if (at == point)
            return false;
    }
    if (at < number.len && (number.data[at] == 'e' || number.data[at] == 'E'))
        return read_exponent(number, at + 1, ret_exponent);
    return at == number.len;
}

enum parquet_decimal_fault parquet_decimal(struct str number, unsigned precision, unsigned scale,
                                           __int128 *ret_value)
{
    struct digits digits;
    int exponent;
    *ret_value = 0;
    if (!read_number(number, &digits, &exponent))
        return PARQUET_DECIMAL_MALFORMED;
    if (digits.count == 0) /* zero, whatever its exponent */
        return PARQUET_DECIMAL_FITS;
    int power = exponent - digits.behind_point + digits.zeros + (int)scale;
    if (power < 0)
        return PARQUET_DECIMAL_FRACTION;
    if (digits.count + power > (int)precision)
        return PARQUET_DECIMAL_DIGITS;
    for (int i = 0; i < power; i++)
        digits.value *= 10;
    *ret_value = number.data[0] == '-' ? -(__int128)digits.value : (__int128)digits.value;
    return PARQUET_DECIMAL_FITS;
}

unsigned parquet_decimal_width(unsigned precision)
{
    unsigned __int128 above = 1; /* the numbers: 10^precision */
    unsigned width = 1;
    for (unsigned i = 0; i < precision; i++)
        above *= 10;
    while (((unsigned __int128)1 << (8 * width - 1)) < above)
        width++;
    return width;
}

void parquet_decimal_put(unsigned char *to, __int128 number, size_t width)
{
    unsigned __int128 bits = (unsigned __int128)number;
    for (size_t i = width; i > 0; i--, bits >>= 8)
        to[i - 1] = (unsigned char)bits;
}
