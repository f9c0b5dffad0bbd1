/* Loads libpq at the first connection, as net/client/curl.c does with libcurl. libpq has no hook
 * for its memory: a password that it keeps is wiped by libpq or not at all. */
#include "store/pg/libpq.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

struct libpq libpq;

static bool find(void *library, const char *name, void *ret_function, size_t size)
{
    void *symbol = dlsym(library, name);
    memcpy(ret_function, &symbol, size);
    return symbol;
}

#define LOAD(name)                                                                                 \
    if (!find(library, "PQ" #name, &libpq.name, sizeof(libpq.name)))                               \
        return false;

static bool load_functions(void *library)
{
    LIBPQ_FUNCTIONS(LOAD)
    return true;
}

static bool ready;

static void load_once(void)
{
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL); /* never closed */
    ready = library && load_functions(library);
}

bool libpq_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_once);
    return ready;
}
