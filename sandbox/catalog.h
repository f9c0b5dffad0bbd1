/* All vendors of the sandbox, found by host. */
#pragma once

#include "base/embedded.h"
#include "sandbox/vendor.h"

/* One for each connector that has a sandbox.json, and those of sandbox/. */
extern const struct embedded_file sandbox_files[];
extern const size_t sandbox_files_count;

enum { CATALOG_VENDORS_MAX = 64 };

struct catalog {
    struct arena arena;
    const struct vendor *vendors[CATALOG_VENDORS_MAX];
    size_t count;
};

/* Loads and checks all files; no host and no name may be there twice. */
_must_use_ bool catalog_load(const struct embedded_file *files, size_t count,
                             struct catalog *ret_catalog, struct error *error);
void catalog_done(struct catalog *catalog);

/* What is compiled in: loaded at the first call, kept as long as the process lives. NULL with an
 * error when it cannot be loaded, which a test rules out. */
const struct catalog *catalog_builtin(struct error *error);

/* The longest pattern that matches wins. NULL when there is none. */
const struct vendor *catalog_find(const struct catalog *catalog, struct str host,
                                  size_t *ret_index);
const struct vendor *catalog_by_name(const struct catalog *catalog, struct str name,
                                     size_t *ret_index);
