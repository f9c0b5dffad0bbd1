/* What every part of the core uses of a store: a new connection to its database, and what kind of
 * database it is. Opening and closing the store is in open.c. */
#include "store/core/internal.h"
#include "store/db/migrations.h"
#include "store/pg/pg.h"
#include "store/sqlite/sqlite.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>

bool store_is_remote(const struct store *store)
{
    return store->server;
}

bool store_may_have_server(const struct store *store)
{
    char dir[PATH_MAX];
    if (!store->path)
        return true;
    snprintf(dir, sizeof(dir), "%s", store->path);
    return datadir_is_locked(dirname(dir));
}

bool store_connect(const struct store *store, enum db_use use, struct db **ret_db,
                   struct error *error)
{
    bool ok = store->server ? pg_open(store->server, use, ret_db, error)
                            : sqlite_open(store->path, use, ret_db, error);
    if (ok)
        db_set_audit(*ret_db, store->audit);
    return ok;
}

bool store_check_version(struct store *store, int64_t *ret_version, struct error *error)
{
    if (!db_version(store->writer, ret_version, error))
        return false;
    if (*ret_version <= schema_version())
        return true;
    return fail(error, ERR_UNAVAILABLE,
                "%s was written by a newer version of Headgate (schema %lld, this version knows "
                "%lld). Run the newer version.",
                store->location, (long long)*ret_version, (long long)schema_version());
}
