/* libcurl, loaded at the first call: with what it needs in turn it is some thirty libraries, which
 * would be half of an idle server's memory and half of its start. Its own memory is wiped before it
 * goes back to the heap, since it copies requests and answers, which hold credentials, into buffers
 * that it frees as they are. */
#include "net/client/internal.h"

#include "base/alloc.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

struct libcurl libcurl;

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

#define LOAD(name)                                                                                 \
    if (!(libcurl.name = (__typeof__(curl_##name) *)dlsym(library, "curl_" #name)))                \
        return false;

static bool load_functions(void *library)
{
    LIBCURL_FUNCTIONS(LOAD)
    return true;
}

static bool ready;

static void load_once(void)
{
    /* Never closed: its threads may outlive a client. */
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    ready = library && load_functions(library) &&
            libcurl.global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, wipe_free, wipe_realloc, xstrdup,
                                    xcalloc) == CURLE_OK;
}

bool libcurl_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_once);
    return ready;
}
