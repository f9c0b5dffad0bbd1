/* What a column is in a Parquet file, as apache/parquet-format's parquet.thrift has it. */
#pragma once

#include "base/error.h"
#include "record/encoder.h"

#include <stdbool.h>
#include <stddef.h>

/* `Type` of parquet.thrift. */
enum parquet_physical {
    PARQUET_BOOLEAN = 0,
    PARQUET_INT32 = 1,
    PARQUET_INT64 = 2,
    PARQUET_BYTE_ARRAY = 6,
    PARQUET_FIXED = 7,
};

enum {
    PARQUET_DIGITS_INT64 = 18, /* decimals of more digits are in 9 to 16 bytes */
    PARQUET_DIGITS_MAX = 38,   /* what readers take */
    PARQUET_WIDE_BYTES = 16,   /* of a decimal at most */
};

struct parquet_type {
    enum record_kind kind;
    enum parquet_physical physical;
    unsigned width;            /* bytes of a value; 0: texts, and booleans, which are bits */
    unsigned precision, scale; /* of decimals */
    bool utf8;                 /* texts of characters, and not of any bytes */
    bool local;                /* timestamps of no zone */
};

/* The type of a field: a decimal of unknown precision is a text. False when there is none such: a
 * decimal of too many digits. */
_must_use_ bool parquet_type_of(const struct record_field *field, struct parquet_type *ret_type,
                                struct error *error);
