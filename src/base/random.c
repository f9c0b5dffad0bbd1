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

void random_uuid(char out[UUID_SIZE])
{
    uint8_t b[16];
    random_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    char hex[2 * sizeof(b) + 1];
    encode_hex(b, sizeof(b), hex);
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
