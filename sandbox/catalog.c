/* Loads all vendors' files and finds the one that a host belongs to. */
#include "sandbox/catalog.h"

#include "sandbox/glob.h"

#include <pthread.h>

const struct vendor *catalog_by_name(const struct catalog *catalog, struct str name,
                                     size_t *ret_index)
{
    for (size_t i = 0; i < catalog->count; i++) {
        if (str_eq(catalog->vendors[i]->name, name)) {
            *ret_index = i;
            return catalog->vendors[i];
        }
    }
    return NULL;
}

const struct vendor *catalog_find(const struct catalog *catalog, struct str host, size_t *ret_index)
{
    const struct vendor *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct vendor *vendor = catalog->vendors[i];
        for (size_t h = 0; h < vendor->host_count; h++) {
            struct str pattern = vendor->hosts[h];
            if (pattern.len > longest && glob_match_nocase(pattern, host)) {
                longest = pattern.len;
                found = vendor;
                *ret_index = i;
            }
        }
    }
    return found;
}

static bool share_a_host(const struct vendor *a, const struct vendor *b)
{
    for (size_t i = 0; i < a->host_count; i++)
        for (size_t k = 0; k < b->host_count; k++)
            if (str_eq(a->hosts[i], b->hosts[k]))
                return true;
    return false;
}

static bool check_apart(const struct catalog *catalog, const struct vendor *vendor,
                        struct error *error)
{
    for (size_t i = 0; i < catalog->count; i++) {
        const struct vendor *other = catalog->vendors[i];
        if (str_eq(other->name, vendor->name) || share_a_host(other, vendor))
            return fail(error, ERR_VALIDATION, "%.*s and %.*s share a name or a host.",
                        STR_ARG(other->name), STR_ARG(vendor->name));
    }
    return true;
}

bool catalog_load(const struct embedded_file *files, size_t count, struct catalog *ret_catalog,
                  struct error *error)
{
    struct catalog catalog = {0};
    bool ok = count <= CATALOG_VENDORS_MAX ||
              fail(error, ERR_VALIDATION, "More than %d vendors.", CATALOG_VENDORS_MAX);
    for (size_t i = 0; i < count && ok; i++) {
        struct vendor *vendor;
        ok = vendor_load(files[i].name, files[i].content, &catalog.arena, &vendor, error) &&
             check_apart(&catalog, vendor, error);
        if (ok)
            catalog.vendors[catalog.count++] = vendor;
    }
    if (ok)
        *ret_catalog = catalog;
    else
        catalog_done(&catalog);
    return ok;
}

void catalog_done(struct catalog *catalog)
{
    arena_done(&catalog->arena);
    catalog->count = 0;
}

static struct {
    struct catalog catalog;
    struct error error;
    bool loaded;
} builtin;

static void load_builtin(void)
{
    builtin.loaded =
        catalog_load(sandbox_files, sandbox_files_count, &builtin.catalog, &builtin.error);
}

const struct catalog *catalog_builtin(struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_builtin);
    if (builtin.loaded)
        return &builtin.catalog;
    fail(error, builtin.error.code, "%s", builtin.error.message);
    return NULL;
}
