/* Blocks of bytes, looked at at once. Each function gives one bit a byte, the first byte's lowest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK_BYTES = 32 };

#ifdef __SSE2__

struct block {
    __m128i low, high;
};

static inline struct block block_load(const char *p)
{
    return (struct block){_mm_loadu_si128((const __m128i *)(const void *)p),
                          _mm_loadu_si128((const __m128i *)(const void *)(p + 16))};
}

static inline uint32_t block_bits(__m128i low, __m128i high)
{
    return (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
}

static inline uint32_t block_equal(struct block block, char c)
{
    __m128i all = _mm_set1_epi8(c);
    return block_bits(_mm_cmpeq_epi8(block.low, all), _mm_cmpeq_epi8(block.high, all));
}

/* '"', '\' and control characters: what JSON cannot hold as it is. */
static inline uint32_t block_json_special(struct block block)
{
    __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
    __m128i low = _mm_or_si128(_mm_cmpeq_epi8(block.low, quote), _mm_cmpeq_epi8(block.low, slash));
    __m128i high =
        _mm_or_si128(_mm_cmpeq_epi8(block.high, quote), _mm_cmpeq_epi8(block.high, slash));
    low = _mm_or_si128(low, _mm_cmpeq_epi8(_mm_min_epu8(block.low, control), block.low));
    high = _mm_or_si128(high, _mm_cmpeq_epi8(_mm_min_epu8(block.high, control), block.high));
    return block_bits(low, high);
}

/* Bytes of characters beyond ASCII. */
static inline uint32_t block_not_ascii(struct block block)
{
    return block_bits(block.low, block.high);
}

/* Bytes that are those at `other`. */
static inline uint32_t block_same(struct block block, const char *other)
{
    struct block second = block_load(other);
    return block_bits(_mm_cmpeq_epi8(block.low, second.low),
                      _mm_cmpeq_epi8(block.high, second.high));
}

#else

struct block {
    unsigned char bytes[BLOCK_BYTES];
};

static inline struct block block_load(const char *p)
{
    struct block block;
    memcpy(block.bytes, p, sizeof(block.bytes));
    return block;
}

static inline uint32_t block_equal(struct block block, char c)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < BLOCK_BYTES; i++)
        bits |= (uint32_t)(block.bytes[i] == (unsigned char)c) << i;
    return bits;
}

static inline uint32_t block_json_special(struct block block)
{
    uint32_t bits = block_equal(block, '"') | block_equal(block, '\\');
    for (unsigned i = 0; i < BLOCK_BYTES; i++)
        bits |= (uint32_t)(block.bytes[i] < 0x20) << i;
    return bits;
}

static inline uint32_t block_not_ascii(struct block block)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < BLOCK_BYTES; i++)
        bits |= (uint32_t)(block.bytes[i] >> 7) << i;
    return bits;
}

static inline uint32_t block_same(struct block block, const char *other)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < BLOCK_BYTES; i++)
        bits |= (uint32_t)(block.bytes[i] == (unsigned char)other[i]) << i;
    return bits;
}

#endif

static inline unsigned block_first(uint32_t bits) /* not 0 */
{
    return (unsigned)__builtin_ctz(bits);
}

/* The bits of the first `count` bytes, at most BLOCK_BYTES. */
static inline uint32_t block_of_first(unsigned count)
{
    return (uint32_t)(((uint64_t)1 << count) - 1);
}
