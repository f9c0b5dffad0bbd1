/* Opening the store that is a database server's, which many nodes share. */
#include "store/core/internal.h"
#include "store/db/migrations.h"
#include "store/pg/advisory_locks.h"
#include "store/pg/pg.h"

static bool connect(struct store *store, struct error *error)
{
    int64_t version;
    return pg_server_check(store->server, error) &&
           store_connect(store, DB_WRITE, &store->writer, error) &&
           store_check_version(store, &version, error) &&
           (version == schema_version() || schema_migrate(store->writer, error));
}

bool store_open_tool(struct store *store, const char *dir, struct error *error)
{
    (void)dir;
    return connect(store, error);
}

bool store_open_node(struct store *store, const char *dir, struct error *error)
{
    (void)dir;
    return connect(store, error) && advisory_locks_start(store->server, &store->locks, error) &&
           committer_start(store, error);
}
