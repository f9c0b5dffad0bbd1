/* libpq, loaded at the first connection, as libcurl is (net/client/curl.c). Unlike there its memory
 * cannot be made our own: what it knows of a password is wiped by itself or not at all. */
#include "net/libpq.h"

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

#define LOAD(type, name, parameters)                                                               \
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
