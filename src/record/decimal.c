/* Digits by hand, as at school. Numbers of records have a dozen digits, so nothing cleverer is
 * worth its lines. */
#include "record/decimal.h"

#include <string.h>

/* Digits from the most significant on, of which the first may be 0. False: too many. */
static bool set_digits(struct decimal *decimal, bool is_negative, const uint8_t *digits,
                       size_t count, int64_t exponent)
{
    while (count > 0 && digits[0] == 0) {
        digits++;
        count--;
    }
    while (count > 0 && digits[count - 1] == 0) {
        count--;
        exponent++;
    }
    if (count > DECIMAL_DIGITS_MAX)
        return false;
    memmove(decimal->digits, digits, count);
    decimal->count = count;
    decimal->is_negative = is_negative && count > 0;
    decimal->exponent = count > 0 ? exponent : 0;
    return true;
}

/* --- reading and printing --- */

struct decimal_text {
    struct str rest;
    uint8_t digits[DECIMAL_DIGITS_MAX];
    size_t count; /* of significant digits; those before the first that is not 0 are left out */
    size_t seen;  /* digits of any kind */
};

static bool take(struct decimal_text *reading, char c)
{
    if (reading->rest.len == 0 || ascii_lower(reading->rest.data[0]) != c)
        return false;
    reading->rest = (struct str){reading->rest.data + 1, reading->rest.len - 1};
    return true;
}

/* Returns how many there are; too many are found by `count`. */
static size_t take_digits(struct decimal_text *reading)
{
    size_t taken = 0;
    while (reading->rest.len > taken && ascii_is_digit(reading->rest.data[taken])) {
        uint8_t digit = (uint8_t)(reading->rest.data[taken++] - '0');
        bool counts = digit != 0 || reading->count > 0;
        if (counts && reading->count < DECIMAL_DIGITS_MAX)
            reading->digits[reading->count] = digit;
        reading->count += counts;
    }
    reading->rest = (struct str){reading->rest.data + taken, reading->rest.len - taken};
    reading->seen += taken;
    return taken;
}

static bool take_exponent(struct decimal_text *reading, int64_t *ret_exponent)
{
    unsigned long long number;
    *ret_exponent = 0;
    if (!take(reading, 'e'))
        return true;
    bool is_negative = take(reading, '-');
    if (!is_negative)
        (void)take(reading, '+');
    if (!str_to_u64(reading->rest, DECIMAL_EXPONENT_MAX, &number))
        return false;
    *ret_exponent = is_negative ? -(int64_t)number : (int64_t)number;
    reading->rest.len = 0;
    return true;
}

bool decimal_read(struct str text, struct decimal *ret_decimal)
{
    struct decimal_text reading = {.rest = text};
    int64_t exponent;
    size_t fraction = 0;
    bool is_negative = take(&reading, '-');
    if (!is_negative)
        (void)take(&reading, '+');
    take_digits(&reading);
    if (take(&reading, '.'))
        fraction = take_digits(&reading);
    return reading.seen > 0 && take_exponent(&reading, &exponent) && reading.rest.len == 0 &&
           reading.count <= DECIMAL_DIGITS_MAX && fraction <= DECIMAL_EXPONENT_MAX &&
           set_digits(ret_decimal, is_negative, reading.digits, reading.count,
                      exponent - (int64_t)fraction);
}

void decimal_of(int64_t number, struct decimal *ret_decimal)
{
    enum { INT64_DIGITS = 19 };
    uint8_t digits[INT64_DIGITS];
    size_t first = INT64_DIGITS;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    for (; rest > 0; rest /= 10)
        digits[--first] = (uint8_t)(rest % 10);
    set_digits(ret_decimal, number < 0, digits + first, INT64_DIGITS - first, 0);
}

/* Where the number's first digit stands: 1 for units. */
static int64_t magnitude(const struct decimal *decimal)
{
    return (int64_t)decimal->count + decimal->exponent;
}

bool decimal_print(const struct decimal *decimal, struct arena *arena, struct str *ret_text,
                   int16_t *ret_scale)
{
    int64_t scale = decimal->exponent < 0 ? -decimal->exponent : 0;
    int64_t whole = magnitude(decimal) > 0 ? magnitude(decimal) : 1;
    if (whole + scale > DECIMAL_DIGITS_MAX)
        return false;
    char *text = arena_take(arena, (size_t)(whole + scale) + 2), *out = text;
    if (decimal->is_negative)
        *out++ = '-';
    for (int64_t place = whole; place > -scale; place--) {
        int64_t index = magnitude(decimal) - place;
        bool is_there = index >= 0 && index < (int64_t)decimal->count;
        if (place == 0)
            *out++ = '.';
        *out++ = (char)('0' + (is_there ? decimal->digits[index] : 0));
    }
    *ret_text = (struct str){text, (size_t)(out - text)};
    *ret_scale = (int16_t)scale;
    return true;
}

/* --- comparing --- */

/* Without their signs. */
static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
    if (a->count == 0 || b->count == 0)
        return (a->count > 0) - (b->count > 0);
    if (magnitude(a) != magnitude(b))
        return magnitude(a) < magnitude(b) ? -1 : 1;
    size_t common = a->count < b->count ? a->count : b->count;
    int order = memcmp(a->digits, b->digits, common);
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a->count > b->count) - (a->count < b->count);
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->is_negative != b->is_negative)
        return a->is_negative ? -1 : 1;
    int order = compare_sizes(a, b);
    return a->is_negative ? -order : order;
}

/* --- calculating --- */

/* One digit more than a result may have, so that a carry has a place. */
enum { SUM_MAX = DECIMAL_DIGITS_MAX + 1 };

/* The digit of 10^place. */
static int digit_at(const struct decimal *decimal, int64_t place)
{
    int64_t index = magnitude(decimal) - 1 - place;
    return index >= 0 && index < (int64_t)decimal->count ? decimal->digits[index] : 0;
}

/* a + sign × b without the signs of a and b, where that is not below 0. */
static bool add_sizes(const struct decimal *a, const struct decimal *b, int sign, bool is_negative,
                      struct decimal *ret_sum)
{
    uint8_t digits[SUM_MAX];
    int64_t low = a->exponent < b->exponent ? a->exponent : b->exponent;
    int64_t high = magnitude(a) > magnitude(b) ? magnitude(a) : magnitude(b);
    int carry = 0;
    if (high - low > DECIMAL_DIGITS_MAX)
        return false;
    size_t count = (size_t)(high - low) + 1;
    for (size_t i = 0; i < count; i++) {
        int64_t place = low + (int64_t)i;
        int sum = digit_at(a, place) + sign * digit_at(b, place) + carry;
        carry = sum < 0 ? -1 : sum / 10;
        digits[count - 1 - i] = (uint8_t)(sum - 10 * carry);
    }
    return set_digits(ret_sum, is_negative, digits, count, low);
}

static bool add_signed(const struct decimal *a, const struct decimal *b, bool b_is_negative,
                       struct decimal *ret_sum)
{
    if (a->count == 0 || b->count == 0) { /* 0 has no magnitude to align */
        struct decimal other = a->count == 0 ? *b : *a;
        if (a->count == 0)
            other.is_negative = b_is_negative && b->count > 0;
        *ret_sum = other;
        return true;
    }
    if (a->is_negative == b_is_negative)
        return add_sizes(a, b, 1, a->is_negative, ret_sum);
    bool a_is_larger = compare_sizes(a, b) >= 0;
    return a_is_larger ? add_sizes(a, b, -1, a->is_negative, ret_sum)
                       : add_sizes(b, a, -1, b_is_negative, ret_sum);
}

bool decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *ret_sum)
{
    return add_signed(a, b, b->is_negative, ret_sum);
}

bool decimal_subtract(const struct decimal *a, const struct decimal *b,
                      struct decimal *ret_difference)
{
    return add_signed(a, b, !b->is_negative, ret_difference);
}

bool decimal_multiply(const struct decimal *a, const struct decimal *b, struct decimal *ret_product)
{
    uint8_t digits[2 * DECIMAL_DIGITS_MAX] = {0};
    size_t count = a->count + b->count;
    for (size_t i = a->count; i-- > 0;) {
        int carry = 0;
        for (size_t j = b->count; j-- > 0;) {
            int sum = digits[i + j + 1] + a->digits[i] * b->digits[j] + carry;
            digits[i + j + 1] = (uint8_t)(sum % 10);
            carry = sum / 10;
        }
        digits[i] = (uint8_t)(digits[i] + carry);
    }
    return set_digits(ret_product, a->is_negative != b->is_negative, digits, count,
                      a->exponent + b->exponent);
}

/* What is left of the dividend: its digits as far as they were brought down. */
struct remainder {
    uint8_t digits[DECIMAL_DIGITS_MAX + 1];
    size_t count;
};

static void bring_down(struct remainder *rest, uint8_t digit)
{
    if (rest->count > 0 || digit > 0)
        rest->digits[rest->count++] = digit;
}

static int compare_rest(const struct remainder *rest, const struct decimal *divisor)
{
    if (rest->count != divisor->count)
        return rest->count < divisor->count ? -1 : 1;
    return memcmp(rest->digits, divisor->digits, rest->count);
}

static void take_away(struct remainder *rest, const struct decimal *divisor)
{
    int carry = 0;
    size_t zeros = 0;
    for (size_t i = 0; i < rest->count; i++) {
        size_t at = rest->count - 1 - i;
        int digit = rest->digits[at] + carry;
        digit -= i < divisor->count ? divisor->digits[divisor->count - 1 - i] : 0;
        carry = digit < 0 ? -1 : 0;
        rest->digits[at] = (uint8_t)(digit + (digit < 0 ? 10 : 0));
    }
    while (zeros < rest->count && rest->digits[zeros] == 0)
        zeros++;
    rest->count -= zeros;
    memmove(rest->digits, rest->digits + zeros, rest->count);
}

static uint8_t next_digit(struct remainder *rest, const struct decimal *divisor, uint8_t digit)
{
    uint8_t times = 0;
    bring_down(rest, digit);
    for (; compare_rest(rest, divisor) >= 0; times++)
        take_away(rest, divisor);
    return times;
}

/* Adds 1 to the last digit, with a place for the carry before the first one. */
static void round_up(uint8_t *digits, size_t count)
{
    while (count-- > 0 && ++digits[count] == 10)
        digits[count] = 0;
}

bool decimal_divide(const struct decimal *a, const struct decimal *b, struct decimal *ret_quotient)
{
    enum { ROOM = DECIMAL_QUOTIENT_DIGITS + 1 };
    uint8_t digits[ROOM] = {0}; /* the first is for a carry */
    struct remainder rest = {.count = 0};
    size_t count = 1, used = 0;
    if (a->count == 0)
        return set_digits(ret_quotient, false, digits, 0, 0);
    while (count < ROOM && (used < a->count || rest.count > 0)) {
        uint8_t digit = next_digit(&rest, b, used < a->count ? a->digits[used] : 0);
        used++;
        if (count > 1 || digit > 0)
            digits[count++] = digit;
    }
    /* Half of the divisor or more is left: the digit behind the last one says which. */
    uint8_t behind = next_digit(&rest, b, used < a->count ? a->digits[used] : 0);
    bool more = rest.count > 0;
    for (size_t i = used + 1; i < a->count; i++)
        more |= a->digits[i] > 0;
    bool is_odd = digits[count - 1] % 2 == 1;
    if (count == ROOM && (behind > 5 || (behind == 5 && (more || is_odd))))
        round_up(digits, count);
    return set_digits(ret_quotient, a->is_negative != b->is_negative, digits, count,
                      a->exponent - b->exponent + (int64_t)a->count - (int64_t)used);
}

bool decimal_round(const struct decimal *number, unsigned places, struct decimal *ret_rounded)
{
    uint8_t digits[DECIMAL_DIGITS_MAX + 1] = {0}; /* the first is for a carry */
    int64_t cut = -number->exponent - (int64_t)places;
    if (cut <= 0) {
        *ret_rounded = *number;
        return true;
    }
    if (cut > (int64_t)number->count) /* less than half of the last place */
        return set_digits(ret_rounded, false, digits, 0, 0);
    size_t kept = number->count - (size_t)cut;
    memcpy(digits + 1, number->digits, kept);
    uint8_t behind = number->digits[kept];
    bool more = kept + 1 < number->count; /* the last digit is not 0 */
    bool is_odd = digits[kept] % 2 == 1;
    if (behind > 5 || (behind == 5 && (more || is_odd)))
        round_up(digits, kept + 1);
    return set_digits(ret_rounded, number->is_negative, digits, kept + 1, number->exponent + cut);
}
