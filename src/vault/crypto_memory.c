/* OpenSSL's hooks for memory, led to ours. What held secrets was wiped by its owner before it is
 * freed. */
#include "vault/crypto_memory.h"

#include "base/alloc.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* As OpenSSL's own do, these give nothing for a size of nothing. */
static void *take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return size > 0 ? xmalloc(size) : NULL;
}

static void give_back(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

static void *take_more(void *memory, size_t size, const char *file, int line)
{
    if (size > 0)
        return xrealloc(memory, size);
    give_back(memory, file, line);
    return NULL;
}

/* Refused by an OpenSSL that took memory when it was loaded; it keeps its own ways then. */
void crypto_memory_init(void)
{
    CRYPTO_set_mem_functions(take, take_more, give_back);
}
