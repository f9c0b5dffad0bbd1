/* SipHash-2-4. */
#include "base/hash.h"

#include "base/random.h"

#include <pthread.h>
#include <string.h>

enum { KEY_SIZE = 16 };

static uint64_t load(const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)at[i] << 8 * i; /* compiled to one load where count is 8 */
    return word;
}

static uint64_t rotated(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[1] = rotated(v[1], 13) ^ v[0];
        v[0] = rotated(v[0], 32);
        v[2] += v[3];
        v[3] = rotated(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotated(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotated(v[1], 17) ^ v[2];
        v[2] = rotated(v[2], 32);
    }
}

uint64_t siphash(const unsigned char *key, struct str text)
{
    uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575U, k1 ^ 0x646f72616e646f6dU, k0 ^ 0x6c7967656e657261U,
                     k1 ^ 0x7465646279746573U};
    size_t whole = text.len / 8 * 8;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = load(text.data + i, 8);
        v[3] ^= word;
        mix(v, 2);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)text.len << 56;
    if (text.len > whole)
        last |= load(text.data + whole, text.len - whole);
    v[3] ^= last;
    mix(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static unsigned char process_key[KEY_SIZE];

static void draw_key(void)
{
    random_bytes(process_key, sizeof(process_key));
}

uint64_t hash_text(struct str text)
{
    static pthread_once_t drawn = PTHREAD_ONCE_INIT;
    pthread_once(&drawn, draw_key);
    return siphash(process_key, text);
}
