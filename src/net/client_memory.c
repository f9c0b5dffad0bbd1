/* libcurl's memory, wiped before it goes back to the heap: it copies requests and answers, which
 * hold credentials, into buffers of its own and frees them as they are. */
#include "net/client_internal.h"

#include "base/alloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void wipe_free(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

/* Not the heap's realloc, which leaves the old copy behind when it moves. */
static void *wipe_realloc(void *old, size_t size)
{
    void *fresh = xmalloc(size);
    if (old) {
        size_t had = malloc_usable_size(old);
        memcpy(fresh, old, had < size ? had : size);
        wipe_free(old);
    }
    return fresh;
}

static bool ready;

static void init_once(void)
{
    ready = curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, wipe_free, wipe_realloc, xstrdup,
                                 xcalloc) == CURLE_OK;
}

bool client_memory_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_once);
    return ready;
}
