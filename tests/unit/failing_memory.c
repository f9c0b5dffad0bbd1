/* Memory that is not given: the library's own (the linker leads its calls here, --wrap), and what
 * it takes for OpenSSL. */
#include "failing_calls.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* The linker's names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_CRYPTO_set_mem_functions(CRYPTO_malloc_fn take, CRYPTO_realloc_fn take_more,
                                    CRYPTO_free_fn give_back);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_CRYPTO_set_mem_functions(CRYPTO_malloc_fn take, CRYPTO_realloc_fn take_more,
                                    CRYPTO_free_fn give_back);

static CRYPTO_malloc_fn library_take; /* what the library has given OpenSSL */
static CRYPTO_realloc_fn library_take_more;
static _Thread_local bool for_openssl; /* the thread is in one of them */

static bool one_fails(void)
{
    return calls_one_fails(for_openssl ? CALL_CRYPTO_MEMORY : CALL_MEMORY);
}

void *__wrap_malloc(size_t size)
{
    return one_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return one_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return one_fails() ? NULL : __real_realloc(memory, size);
}

static void *take(size_t size, const char *file, int line)
{
    for_openssl = true;
    void *memory = library_take(size, file, line);
    for_openssl = false;
    return memory;
}

static void *take_more(void *old, size_t size, const char *file, int line)
{
    for_openssl = true;
    void *memory = library_take_more(old, size, file, line);
    for_openssl = false;
    return memory;
}

int __wrap_CRYPTO_set_mem_functions(CRYPTO_malloc_fn of_library, CRYPTO_realloc_fn more_of_library,
                                    CRYPTO_free_fn give_back)
{
    library_take = of_library;
    library_take_more = more_of_library;
    if (__real_CRYPTO_set_mem_functions(take, take_more, give_back) == 1)
        return 1;
    fprintf(stderr, "OpenSSL has taken memory already\n");
    abort();
}
