/* Parquet's hybrid of runs and bit-packed groups, in which definition levels and indices of a
 * dictionary are: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (RLE). */
#pragma once

#include "record/byte_buffer.h"

#include <stddef.h>
#include <stdint.h>

enum { BIT_RUNS_WIDTH_MAX = 16 };

/* Bits that an index below `count` needs, at least 1: a width of 0 is rare enough that readers get
 * it wrong. */
unsigned bit_runs_width(size_t count);

/* Appends `count` numbers of `width` bits, 1 to BIT_RUNS_WIDTH_MAX. */
void bit_runs_encode(const uint16_t *numbers, size_t count, unsigned width,
                     struct byte_buffer *out);

/* Bytes that bit_runs_encode appends at most. */
size_t bit_runs_bound(size_t count, unsigned width);

/* Levels of one bit, from words of 64 with the first row in the lowest bit; `ones` of them are set.
 * They become one run when all are the same, else one bit-packed run. Writes at `out`, which has
 * room for BIT_RUNS_LEVELS_BOUND(rows) bytes, and returns the bytes written. */
size_t bit_runs_levels(const uint64_t *words, size_t rows, size_t ones, unsigned char *out);

#define BIT_RUNS_LEVELS_BOUND(rows) (6 + ((rows) + 63) / 64 * 8)
