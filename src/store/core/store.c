/* Opening and closing the store. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "store/core/internal.h"
#include "store/db/migrations.h"
#include "store/pg/advisory_locks.h"
#include "store/pg/pg.h"
#include "store/sqlite/sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A leading "file:" would make SQLite read the name as a URI. */
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
        store->server = pg_server_new(config->url, config->password);
    else
        store->path = database_path(config->data_dir);
    store->place = config->url ? "The database" : store->path;
    store->readers_max = config->url ? config->connections : 0;
    store->lock_fd = -1;
    store->now_ms = config->now_ms ? config->now_ms : clock_wall_ms;
    store->expiry_pace_ms = config->expiry_pace_ms > 0 ? config->expiry_pace_ms : EXPIRY_PACE_MS;
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
    committer_stop(store);
    checkpointer_stop(store);
    readers_close(store);
    db_close(store->writer); /* the last connection to close removes the log */
    advisory_locks_stop(store->locks);
    idempotency_claims_free(store->claims);
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

/* Refuses what a newer program wrote. */
bool store_check_version(struct store *store, int64_t *ret_version, struct error *error)
{
    if (!db_version(store->writer, ret_version, error))
        return false;
    if (*ret_version <= schema_version())
        return true;
    return fail(error, ERR_UNAVAILABLE,
                "%s was written by a newer headgate (schema %lld, this one knows %lld). Run the "
                "newer one.",
                store->place, (long long)*ret_version, (long long)schema_version());
}

bool store_connect(const struct store *store, enum db_use use, struct db **ret_db,
                   struct error *error)
{
    if (store->server)
        return pg_open(store->server, use, ret_db, error);
    return sqlite_open(store->path, use, ret_db, error);
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
    return open_with(config->url ? store_open_node : store_open_alone, config, ret_store, error);
}

bool store_attach(const struct store_config *config, struct store **ret_store, struct error *error)
{
    return open_with(config->url ? store_open_tool : store_open_beside, config, ret_store, error);
}

bool store_is_remote(const struct store *store)
{
    return store->server;
}

static int64_t file_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

/* With its log, which is large for a while after many changes. */
static int64_t size_of_files(const struct store *store)
{
    char log[PATH_MAX];
    if (!store->path)
        return 0;
    snprintf(log, sizeof(log), "%s-wal", store->path);
    return file_size(store->path) + file_size(log);
}

struct store_counts store_counts(const struct store *store)
{
    return (struct store_counts){
        .commits = atomic_load(&store->batches),
        .writes = atomic_load(&store->writes),
        .queued = store->committer ? committer_length(store->committer) : 0,
        .failing = atomic_load(&store->failing),
        .bytes = size_of_files(store),
    };
}
