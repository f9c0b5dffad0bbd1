/* Memory that is not given: the library's own (the linker leads its calls here, --wrap) and
 * OpenSSL's. */
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
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return calls_one_fails(CALL_MEMORY) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return calls_one_fails(CALL_MEMORY) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return calls_one_fails(CALL_MEMORY) ? NULL : __real_realloc(memory, size);
}

static void *take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return calls_one_fails(CALL_CRYPTO_MEMORY) ? NULL : __real_malloc(size);
}

static void *take_more(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return calls_one_fails(CALL_CRYPTO_MEMORY) ? NULL : __real_realloc(memory, size);
}

static void give_back(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

void calls_watch_crypto_memory(void)
{
    if (CRYPTO_set_mem_functions(take, take_more, give_back) == 1)
        return;
    fprintf(stderr, "OpenSSL has taken memory already\n");
    abort();
}
