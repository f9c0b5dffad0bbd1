/* Loads libarchive, as the client loads libcurl. */
#include "base/libarchive.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

struct libarchive libarchive;

static bool find(void *library, const char *name, void *ret_function, size_t size)
{
    void *symbol = dlsym(library, name);
    memcpy(ret_function, &symbol, size);
    return symbol;
}

#define LOAD(name)                                                                                 \
    if (!find(library, "archive_" #name, &libarchive.name, sizeof(libarchive.name)))               \
        return false;

static bool load_functions(void *library)
{
    LIBARCHIVE_FUNCTIONS(LOAD)
    return true;
}

static bool ready;

static void load_once(void)
{
    void *library = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL); /* never closed */
    ready = library && load_functions(library);
}

bool libarchive_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_once);
    return ready;
}
