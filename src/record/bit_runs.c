/* A run of one value is `count << 1` and the value; a bit-packed run is `groups << 1 | 1` and
 * groups of eight values, the first in the lowest bits. Only the last group is filled up with
 * zeros, so a bit-packed run in front of another run ends at a multiple of eight. */
#include "record/bit_runs.h"

#include "record/varint.h"

#include <assert.h>

enum {
    RUN_MIN = 16
}; /* shorter runs stay in a bit-packed one: its header and theirs would cost more */

unsigned bit_runs_width(size_t count)
{
    unsigned width = 1;
    while ((size_t)1 << width < count)
        width++;
    return width;
}

size_t bit_runs_bound(size_t count, unsigned width)
{
    return (count + 7) / 8 * (width + 1) + 16;
}

static void add_run(struct byte_buffer *out, size_t count, uint16_t number, unsigned width)
{
    byte_buffer_add_varint(out, (uint64_t)count << 1);
    byte_buffer_add_byte(out, number & 0xff);
    if (width > 8)
        byte_buffer_add_byte(out, number >> 8);
}

static void add_packed(struct byte_buffer *out, const uint16_t *numbers, size_t count,
                       unsigned width)
{
    if (count == 0)
        return;
    size_t groups = (count + 7) / 8, bytes = groups * width;
    byte_buffer_add_varint(out, (uint64_t)groups << 1 | 1);
    unsigned char *to = byte_buffer_room(out, bytes);
    uint64_t pending = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < groups * 8; i++) {
        pending |= (uint64_t)(i < count ? numbers[i] : 0) << bits;
        for (bits += width; bits >= 8; bits -= 8) {
            *to++ = (unsigned char)pending;
            pending >>= 8;
        }
    }
    assert(bits == 0);
    out->len += bytes;
}

static size_t run_from(const uint16_t *numbers, size_t count)
{
    size_t run = 1;
    while (run < count && numbers[run] == numbers[0])
        run++;
    return run;
}

void bit_runs_encode(const uint16_t *numbers, size_t count, unsigned width, struct byte_buffer *out)
{
    size_t at = 0, packed_from = 0;
    assert(width >= 1 && width <= BIT_RUNS_WIDTH_MAX);
    if (count == 0) /* there may be no array then */
        return;
    while (at < count) {
        size_t run = run_from(numbers + at, count - at);
        size_t fill = (8 - (at - packed_from) % 8) % 8; /* completes the packed group before it */
        if (run < fill + RUN_MIN) {
            at += run;
            continue;
        }
        add_packed(out, numbers + packed_from, at + fill - packed_from, width);
        add_run(out, run - fill, numbers[at], width);
        at += run;
        packed_from = at;
    }
    add_packed(out, numbers + packed_from, count - packed_from, width);
}

size_t bit_runs_levels(const uint64_t *words, size_t rows, size_t ones, unsigned char *out)
{
    if (ones == 0 || ones == rows) {
        size_t len = varint_put(out, (uint64_t)rows << 1);
        out[len] = ones > 0;
        return len + 1;
    }
    size_t groups = (rows + 7) / 8, len = varint_put(out, (uint64_t)groups << 1 | 1);
    for (size_t i = 0; i < groups; i++)
        out[len + i] = (unsigned char)(words[i / 8] >> i % 8 * 8);
    return len + groups;
}
