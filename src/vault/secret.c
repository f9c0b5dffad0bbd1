/* Secrets live in OpenSSL's secure heap: one locked area between guard pages, left out of dumps. */
#include "vault/secret.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
    SECRET_HEAP_SIZE = 256 * 1024, /* bytes; pages are taken only when touched */
    SECRET_PIECE_MIN = 32,         /* bytes, the smallest piece of the heap */
    SECURE_HEAP_UNLOCKED = 2,      /* what CRYPTO_secure_malloc_init answers when mlock failed */
};

struct secret {
    size_t size; /* bytes, without the NUL that follows them */
    char bytes[];
};

static void forbid_dumps(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        log_warn("Core dumps cannot be turned off: %m. Turn them off outside (ulimit -c 0).");
}

void secret_init(void)
{
    forbid_dumps();
    int made = CRYPTO_secure_malloc_init(SECRET_HEAP_SIZE, SECRET_PIECE_MIN);
    if (made == 0)
        log_warn("No locked memory is available for keys; ordinary memory is used, and wiped after "
                 "use.");
    else if (made == SECURE_HEAP_UNLOCKED)
        log_warn(
            "Memory for keys cannot be locked and may be swapped out: allow %d KiB (ulimit -l).",
            SECRET_HEAP_SIZE / 1024);
}

void *secret_alloc(size_t size)
{
    void *memory = OPENSSL_secure_zalloc(size);
    if (!memory)
        memory = OPENSSL_zalloc(size); /* the locked area is full */
    if (!memory)
        out_of_memory(size);
    return memory;
}

void secret_dealloc(void *memory, size_t size)
{
    OPENSSL_secure_clear_free(memory, size); /* knows which of the two heaps it came from */
}

static struct secret *secret_of_size(size_t size)
{
    struct secret *secret = secret_alloc(sizeof(*secret) + size + 1);
    secret->size = size;
    return secret;
}

struct secret *secret_new(struct str bytes)
{
    struct secret *secret = secret_of_size(bytes.len);
    if (bytes.len > 0)
        memcpy(secret->bytes, bytes.data, bytes.len);
    return secret;
}

struct secret *secret_random(size_t size)
{
    struct secret *secret = secret_of_size(size);
    random_bytes(secret->bytes, size);
    return secret;
}

void secret_free(struct secret *secret)
{
    if (secret)
        secret_dealloc(secret, sizeof(*secret) + secret->size + 1);
}

struct str secret_reveal(const struct secret *secret)
{
    return (struct str){secret->bytes, secret->size};
}

bool secret_bytes_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}
