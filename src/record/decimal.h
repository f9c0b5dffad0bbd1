/* Decimal numbers of many digits, exactly: what filters compare and Arithmetic tasks calculate
 * with, since a binary floating point number is none of the values that an invoice has. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DECIMAL_DIGITS_MAX = 1024,
    DECIMAL_EXPONENT_MAX = 100 * 1000, /* of a number as it is written, and below zero too */
    DECIMAL_QUOTIENT_DIGITS = 34,      /* of a division: as many as IEEE 754's decimal128 has */
};

/* digits × 10^exponent, or 0 without digits. The first digit and the last one are not 0, so equal
 * numbers have equal members. */
struct decimal {
    bool is_negative;
    int64_t exponent;
    size_t count;
    uint8_t digits[DECIMAL_DIGITS_MAX]; /* 0 to 9, the most significant first */
};

/* "-12", "+0012.50", ".5", "1.5E3": digits with a point and an exponent. False for any other text,
 * and for one past the limits. */
bool decimal_read(struct str text, struct decimal *ret_decimal);
void decimal_of(int64_t number, struct decimal *ret_decimal);

/* Below 0, 0 or above 0, as a is less than b, equal to it, or greater. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* Exact. False, as of all below: the result would have more than DECIMAL_DIGITS_MAX digits. */
bool decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *ret_sum);
bool decimal_subtract(const struct decimal *a, const struct decimal *b,
                      struct decimal *ret_difference);
bool decimal_multiply(const struct decimal *a, const struct decimal *b,
                      struct decimal *ret_product);
/* To DECIMAL_QUOTIENT_DIGITS digits, rounded half to even. `b` is not 0. */
bool decimal_divide(const struct decimal *a, const struct decimal *b, struct decimal *ret_quotient);

/* To so many digits after the point, half to even. */
bool decimal_round(const struct decimal *number, unsigned places, struct decimal *ret_rounded);

/* Without an exponent: "-0.0125", in the arena. *ret_scale: digits after the point. False when it
 * would have more than DECIMAL_DIGITS_MAX digits. */
bool decimal_print(const struct decimal *decimal, struct arena *arena, struct str *ret_text,
                   int16_t *ret_scale);
