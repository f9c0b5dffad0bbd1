/* Unsigned LEB128 numbers, as Thrift, Snappy and Parquet's runs have them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { VARINT_MAX = 10 }; /* bytes */

/* Writes the number, in at most VARINT_MAX bytes; returns how many. */
static inline size_t varint_put(unsigned char *out, uint64_t number)
{
    size_t len = 0;
    for (; number >= 0x80; number >>= 7)
        out[len++] = (unsigned char)(number | 0x80);
    out[len++] = (unsigned char)number;
    return len;
}
