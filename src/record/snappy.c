/* Blocks of 64 KiB are compressed one by one, so that a position fits into 16 bits. A hash of five
 * bytes leads to where they were seen last; a match of at least four becomes a copy, what is
 * between matches a literal. Where nothing matches, the steps grow, so that such input passes
 * quickly. */
#include "record/snappy.h"

#include "record/varint.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    BLOCK_BYTES = 64 * 1024,
    TABLE_BITS_MIN = 8,
    TABLE_BITS_MAX = 13,
    MARGIN = 15, /* no match begins this near to a block's end: all loads are within it */
};

size_t snappy_bound(size_t len)
{
    return 32 + len + len / 6;
}

static uint32_t load32(const unsigned char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t load64(const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static uint32_t hash_of(const unsigned char *at, unsigned bits)
{
    return (uint32_t)((load64(at) << 24) * 889523592379U >> (64 - bits));
}

/* `roomy`: 16 bytes can be read from `from` on, and written. */
static unsigned char *put_literal(unsigned char *out, const unsigned char *from, size_t len,
                                  bool roomy)
{
    if (len == 0)
        return out;
    if (roomy && len <= 16) {
        *out++ = (unsigned char)((len - 1) << 2);
        memcpy(out, from, 16);
        return out + len;
    }
    if (len <= 60) {
        *out++ = (unsigned char)((len - 1) << 2);
    } else if (len <= 256) {
        *out++ = 60 << 2;
        *out++ = (unsigned char)(len - 1);
    } else { /* at most a block */
        *out++ = 61 << 2;
        *out++ = (unsigned char)(len - 1);
        *out++ = (unsigned char)((len - 1) >> 8);
    }
    memcpy(out, from, len);
    return out + len;
}

/* 1 to 64 bytes from `distance` bytes before. */
static unsigned char *put_copy_64(unsigned char *out, size_t distance, size_t len)
{
    if (len >= 4 && len <= 11 && distance < 2048) {
        *out++ = (unsigned char)(1 | (len - 4) << 2 | distance >> 8 << 5);
        *out++ = (unsigned char)distance;
        return out;
    }
    *out++ = (unsigned char)(2 | (len - 1) << 2);
    *out++ = (unsigned char)distance;
    *out++ = (unsigned char)(distance >> 8);
    return out;
}

static unsigned char *put_copy(unsigned char *out, size_t distance, size_t len)
{
    for (; len >= 68; len -= 64)
        out = put_copy_64(out, distance, 64);
    if (len > 64) { /* so that the last copy has the four bytes of the short form */
        out = put_copy_64(out, distance, 60);
        len -= 60;
    }
    return put_copy_64(out, distance, len);
}

/* How many bytes at both places are the same, up to `end`, which is behind `at`. */
static size_t match_len(const unsigned char *before, const unsigned char *at,
                        const unsigned char *end)
{
    const unsigned char *start = at;
    for (; end - at >= 8; at += 8, before += 8) {
        uint64_t differs = load64(before) ^ load64(at);
        if (differs)
            return (size_t)(at - start) + (size_t)__builtin_ctzll(differs) / 8;
    }
    while (at < end && *before == *at)
        before++, at++;
    return (size_t)(at - start);
}

/* The next place from *at on that has a match, and where; NULL when there is none up to `limit`. */
static const unsigned char *find_match(const unsigned char *base, const unsigned char **at,
                                       const unsigned char *limit, uint16_t *table, unsigned bits)
{
    unsigned misses = 32;
    for (const unsigned char *here = *at; here <= limit; here += misses++ >> 5) {
        uint32_t hash = hash_of(here, bits);
        const unsigned char *before = base + table[hash];
        table[hash] = (uint16_t)(here - base);
        if (load32(before) == load32(here)) {
            *at = here;
            return before;
        }
    }
    return NULL;
}

static unsigned char *compress_block(const unsigned char *base, size_t len, unsigned char *out)
{
    uint16_t table[1 << TABLE_BITS_MAX];
    unsigned bits = TABLE_BITS_MIN;
    const unsigned char *at = base + 1, *end = base + len, *unwritten = base, *before;
    while (bits < TABLE_BITS_MAX && (size_t)1 << bits < len)
        bits++;
    memset(table, 0, sizeof(*table) << bits);
    const unsigned char *limit = len > MARGIN ? end - MARGIN : base;
    while ((before = find_match(base, &at, limit, table, bits))) {
        size_t matched = 4 + match_len(before + 4, at + 4, end);
        /* `at` is MARGIN bytes or more from the end, and snappy_bound has as much to spare. */
        out = put_literal(out, unwritten, (size_t)(at - unwritten), true);
        out = put_copy(out, (size_t)(at - before), matched);
        at += matched;
        unwritten = at;
        if (at > limit)
            break;
        table[hash_of(at - 1, bits)] = (uint16_t)(at - 1 - base);
    }
    return put_literal(out, unwritten, (size_t)(end - unwritten), false);
}

size_t snappy_compress(const unsigned char *in, size_t len, unsigned char *out)
{
    unsigned char *start = out;
    assert(len <= SNAPPY_INPUT_MAX);
    out += varint_put(out, len);
    for (size_t at = 0; at < len; at += BLOCK_BYTES) {
        size_t block = len - at < BLOCK_BYTES ? len - at : BLOCK_BYTES;
        out = compress_block(in + at, block, out);
    }
    return (size_t)(out - start);
}
