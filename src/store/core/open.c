/* Opening and closing the store.
 *
 * A database file is opened in one of two ways. A server opens it alone: it holds the directory's
 * lock for as long as it runs, migrates the schema, and starts the committer and the checkpointer.
 * A command line tool opens it beside a server: it takes the lock only to migrate, when no server
 * runs. A PostgreSQL database has no such lock; nodes and tools differ in the threads that they
 * start. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "store/core/audit_chain.h"
#include "store/core/internal.h"
#include "store/db/migrations.h"
#include "store/pg/advisory_locks.h"
#include "store/pg/pg.h"
#include "store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MIGRATION_WAIT_MS = 5000, /* for another process that migrates */
    LOCK_WAIT_MS = 500,       /* for a command line tool that creates the database */
    NAP_US = 20 * 1000,
};

/* --- a database file --- */

/* Called under the directory's lock. */
static bool migrate_file(struct store *store, struct error *error)
{
    int64_t version;
    if (!store_check_version(store, &version, error) ||
        !sqlite_prepare_file(store->writer, error) || !schema_migrate(store->writer, error))
        return false;
    if (sqlite_has_stray_profiles(store->writer)) {
        struct error reason = {0};
        store_notice(NOTICE_PROFILES_MOVE, "");
        if (!sqlite_move_profiles(store->writer, &reason))
            store_notice(NOTICE_PROFILES_NOT_MOVED, reason.message);
    }
    return rollback_check_start(store, error);
}

static bool bring_up_to_date(struct store *store, const char *dir, struct error *error)
{
    bool found;
    if (!datadir_find_file(store->path, &found, error))
        return false;
    if (!found && (!rollback_check_missing(store, error) ||
                   !sqlite_create(dir, store->path, schema_migrate, error)))
        return false;
    if (!store->writer && !store_connect(store, DB_WRITE, &store->writer, error))
        return false;
    return migrate_file(store, error);
}

/* The WAL of an earlier process may hold deleted data. */
static bool empty_old_wal(struct store *store, struct error *error)
{
    bool whole;
    return sqlite_checkpoint(store->writer, CHECKPOINT_TRUNCATE, 0, &whole, error);
}

static bool lock_directory(const char *dir, int *ret_fd, struct error *error)
{
    int64_t until_ms = clock_mono_ms() + LOCK_WAIT_MS;
    while (!datadir_lock(dir, ret_fd, error)) {
        if (clock_mono_ms() >= until_ms)
            return false;
        clock_nap_us(NAP_US);
    }
    return true;
}

static bool open_alone(struct store *store, const char *dir, struct error *error)
{
    return datadir_check(dir, error) && lock_directory(dir, &store->lock_fd, error) &&
           bring_up_to_date(store, dir, error) && empty_old_wal(store, error) &&
           checkpointer_start(store, error) && /* whom the committer wakes */
           committer_start(store, error);
}

/* Opens the database if it is there and current. */
static bool try_beside(struct store *store, bool *ret_current, struct error *error)
{
    bool found;
    int64_t version;
    *ret_current = false;
    if (!datadir_find_file(store->path, &found, error))
        return false;
    if (!found)
        return true;
    if (!store->writer && !store_connect(store, DB_WRITE, &store->writer, error))
        return false;
    if (!store_check_version(store, &version, error))
        return false;
    *ret_current = version == schema_version();
    return true;
}

/* The schema changes only under the directory's lock. A server that is starting holds it for a
 * moment; one that runs with an older schema holds it until it stops. */
static bool open_beside(struct store *store, const char *dir, struct error *error)
{
    int64_t until_ms = clock_mono_ms() + MIGRATION_WAIT_MS;
    if (!datadir_check(dir, error))
        return false;
    do {
        bool current;
        int fd;
        if (!try_beside(store, &current, error) || current)
            return current;
        if (datadir_lock(dir, &fd, error)) {
            bool ok = bring_up_to_date(store, dir, error);
            close(fd);
            return ok;
        }
        clock_nap_us(NAP_US);
    } while (clock_mono_ms() < until_ms);
    return fail(error, ERR_UNAVAILABLE,
                "%s has an older schema and is in use. Stop the server, then try again.",
                store->path);
}

/* --- a PostgreSQL database --- */

static bool open_tool(struct store *store, const char *dir, struct error *error)
{
    int64_t version;
    (void)dir;
    return pg_server_check(store->server, error) &&
           store_connect(store, DB_WRITE, &store->writer, error) &&
           store_check_version(store, &version, error) &&
           (version == schema_version() || schema_migrate(store->writer, error));
}

static bool open_node(struct store *store, const char *dir, struct error *error)
{
    return open_tool(store, dir, error) && store_clock_begin(store, store->writer, error) &&
           advisory_locks_start(store->server, &store->locks, error) &&
           committer_start(store, error);
}

/* --- both --- */

/* SQLite would take a leading "file:" for a URI. */
static char *database_path(const char *dir)
{
    const char *prefix = dir[0] == '/' ? "" : "./";
    size_t size = strlen(prefix) + strlen(dir) + sizeof("/headgate.db");
    char *path = xmalloc(size);
    snprintf(path, size, "%s%s/headgate.db", prefix, dir);
    return path;
}

static struct store *store_new(const struct store_config *config)
{
    struct store *store = xcalloc(1, sizeof(*store));
    if (config->url)
        store->server = pg_server_new(config->url, config->password, store_notice);
    else
        store->path = database_path(config->data_dir);
    store->location = config->url ? "The database" : store->path;
    store->readers_max = config->url ? config->connections : 0;
    store->lock_fd = -1;
    store->now_ms = config->now_ms ? config->now_ms : clock_wall_ms;
    store->expiry_pace_ms = config->expiry_pace_ms > 0 ? config->expiry_pace_ms : EXPIRY_PACE_MS;
    store->audit = audit_chain_new(store->server);
    store->claims = idempotency_claims_new();
    pthread_mutex_init(&store->writer_mutex, NULL);
    pthread_mutex_init(&store->checkpoint_mutex, NULL);
    pthread_mutex_init(&store->readers_mutex, NULL);
    cond_init_timed(&store->reader_put);
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    bool is_served = store->checkpointer;
    committer_stop(store);
    checkpointer_stop(store);
    if (is_served)
        rollback_record(store, store->writer);
    readers_close(store);
    db_close(store->writer); /* the last connection to close removes the WAL */
    advisory_locks_stop(store->locks);
    idempotency_claims_free(store->claims);
    audit_chain_free(store->audit);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_mutex_destroy(&store->writer_mutex);
    pthread_mutex_destroy(&store->checkpoint_mutex);
    pthread_mutex_destroy(&store->readers_mutex);
    pthread_cond_destroy(&store->reader_put);
    pg_server_free(store->server);
    free(store->path);
    free(store);
}

void store_stop_by(struct store *store, int64_t mono_ms)
{
    if (store->server)
        pg_server_stop_by(store->server, mono_ms);
}

typedef bool open_fn(struct store *store, const char *dir, struct error *error);

static bool open_with(open_fn *open, const struct store_config *config, struct store **ret_store,
                      struct error *error)
{
    struct store *store = store_new(config);
    if (!open(store, config->data_dir, error)) {
        store_close(store);
        return false;
    }
    *ret_store = store;
    return true;
}

bool store_open(const struct store_config *config, struct store **ret_store, struct error *error)
{
    return open_with(config->url ? open_node : open_alone, config, ret_store, error);
}

bool store_attach(const struct store_config *config, struct store **ret_store, struct error *error)
{
    return open_with(config->url ? open_tool : open_beside, config, ret_store, error);
}
