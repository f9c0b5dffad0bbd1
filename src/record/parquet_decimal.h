/* Decimals as Parquet has them: an integer, and a scale that is the column's. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum parquet_decimal_fault {
    PARQUET_DECIMAL_FITS,
    PARQUET_DECIMAL_MALFORMED, /* no number in the grammar of JSON */
    PARQUET_DECIMAL_FRACTION,  /* digits other than 0 behind the column's last place */
    PARQUET_DECIMAL_DIGITS,    /* more digits than the column has */
};

/* `number` × 10^scale, exactly. `precision` is at most 38 and `scale` at most `precision`. The
 * number may have an exponent, zeros in front, and zeros behind the last place. */
enum parquet_decimal_fault parquet_decimal(struct str number, unsigned precision, unsigned scale,
                                           __int128 *ret_value);

/* The least number of bytes that hold every number of `precision` digits, at most 38. */
unsigned parquet_decimal_width(unsigned precision);

/* Two's complement in `width` bytes, which hold the number, the most significant one first. */
void parquet_decimal_put(unsigned char *to, __int128 number, size_t width);
