/* The least and the greatest value of a column chunk, from which readers know which row groups they
 * can skip. They are bounds and need not be values: texts are kept to PARQUET_BOUND_BYTES.
 *
 * Numbers are compared as numbers, texts byte by byte without a sign, as the format's order
 * TypeDefinedOrder says for all types that we write. (No floating-point type is among them, so
 * there is no NaN and no negative zero to leave out.) */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PARQUET_BOUND_BYTES = 64 };

struct parquet_bound {
    unsigned char bytes[PARQUET_BOUND_BYTES]; /* of the text's start */
    size_t len;
    bool cut;     /* the text is longer */
    uint64_t key; /* the first eight bytes as a number, the first one the most significant */
};

/* Zeros: no value yet. */
struct parquet_statistics {
    bool any;
    int64_t min, max;               /* of numbers, dates, timestamps and booleans */
    __int128 wide_min, wide_max;    /* of decimals of more than 18 digits */
    struct parquet_bound low, high; /* of texts */
};

void parquet_statistics_numbers(struct parquet_statistics *statistics, const int64_t *numbers,
                                size_t count);
void parquet_statistics_wide(struct parquet_statistics *statistics, __int128 number);

/* Out of line for parquet_statistics_text: a text that may be the least or the greatest so far. */
void parquet_statistics_near(struct parquet_statistics *statistics, const unsigned char *text,
                             size_t len);

static inline uint64_t parquet_text_key(const unsigned char *text, size_t len)
{
    uint64_t key;
    memcpy(&key, text, sizeof(key));
    key = __builtin_bswap64(key);
    return len >= 8 ? key : len == 0 ? 0 : key >> (64 - 8 * len) << (64 - 8 * len);
}

/* Eight bytes from `text` on can be read, however short it is. */
static inline void parquet_statistics_text(struct parquet_statistics *statistics,
                                           const unsigned char *text, size_t len)
{
    uint64_t key = parquet_text_key(text, len);
    if (!statistics->any || key <= statistics->low.key || key >= statistics->high.key)
        parquet_statistics_near(statistics, text, len);
}

/* A bound as it is written: a text that is less than, or greater than, or equal to all values. */
struct parquet_limit {
    unsigned char bytes[PARQUET_BOUND_BYTES + 1];
    size_t len;
    bool exact; /* it is a value */
};

/* A cut text of characters (`utf8`) ends with a whole one. False: all values are less than no text
 * of PARQUET_BOUND_BYTES (parquet_statistics_high alone). */
void parquet_statistics_low(const struct parquet_statistics *statistics, bool utf8,
                            struct parquet_limit *ret_limit);
bool parquet_statistics_high(const struct parquet_statistics *statistics, bool utf8,
                             struct parquet_limit *ret_limit);
