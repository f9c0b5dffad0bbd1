/* A pool a thread; bytes leave it once and are wiped behind themselves. */
#include "base/random.h"

#include "base/encode.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { POOL_SIZE = 512 };

static _Thread_local struct {
    unsigned char bytes[POOL_SIZE];
    size_t left; /* unread bytes at the end of the pool */
} pool;

static void fill(unsigned char *out, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(out, size < 256 ? size : 256, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            perror("headgate: the kernel gives no random bytes");
            abort();
        }
        out += got;
        size -= (size_t)got;
    }
}

void random_bytes(void *out, size_t size)
{
    if (size > POOL_SIZE / 4) {
        fill(out, size);
        return;
    }
    if (pool.left < size) {
        fill(pool.bytes, POOL_SIZE);
        pool.left = POOL_SIZE;
    }
    unsigned char *from = pool.bytes + POOL_SIZE - pool.left;
    memcpy(out, from, size);
    explicit_bzero(from, size);
    pool.left -= size;
}

void uuid_text(uint8_t bytes[UUID_BYTES], int version, char out[UUID_SIZE])
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
    char hex[2 * UUID_BYTES + 1];
    encode_hex(bytes, UUID_BYTES, hex);
    static const size_t groups[] = {8, 4, 4, 4, 12}; /* RFC 9562 4 */
    const char *from = hex;
    for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
        memcpy(out, from, groups[i]);
        from += groups[i];
        out += groups[i];
        *out++ = '-';
    }
    out[-1] = '\0';
}

void random_uuid(char out[UUID_SIZE])
{
    uint8_t bytes[UUID_BYTES];
    random_bytes(bytes, sizeof(bytes));
    uuid_text(bytes, 4, out);
}

uint32_t random_u32(void)
{
    uint32_t random;
    random_bytes(&random, sizeof(random));
    return random;
}

void random_text(const char *letters, char *out, size_t len)
{
    size_t count = strlen(letters);
    random_bytes(out, len);
    for (size_t i = 0; i < len; i++)
        out[i] = letters[(unsigned char)out[i] % count];
    out[len] = '\0';
}
