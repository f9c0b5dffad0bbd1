/* Opening and closing the store. */
#include "base/alloc.h"
#include "base/clock.h"
#include "store/inside.h"
#include "store/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MIGRATION_WAIT_MS = 5000, /* for another process that is migrating */
    LOCK_WAIT_MS = 500,       /* for a command line tool that is making the database */
    NAP_NS = 20 * 1000000,
};

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

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
    store->path = database_path(config->data_dir);
    store->lock_fd = -1;
    store->now_ms = config->now_ms ? config->now_ms : clock_wall_ms;
    store->claims = claims_new();
    pthread_mutex_init(&store->writer_mutex, NULL);
    pthread_mutex_init(&store->checkpoint_mutex, NULL);
    pthread_mutex_init(&store->readers_mutex, NULL);
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
    claims_free(store->claims);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_mutex_destroy(&store->writer_mutex);
    pthread_mutex_destroy(&store->checkpoint_mutex);
    pthread_mutex_destroy(&store->readers_mutex);
    free(store->path);
    free(store);
}

/* Refuses what a newer program wrote. */
static bool check_version(struct store *store, int64_t *ret_version, struct error *error)
{
    if (!db_version(store->writer, ret_version, error))
        return false;
    if (*ret_version <= schema_version())
        return true;
    return fail(error, ERR_UNAVAILABLE,
                "%s was written by a newer headgate (schema %lld, this one knows %lld). Run the "
                "newer one.",
                store->path, (long long)*ret_version, (long long)schema_version());
}

/* Called under the directory's lock. */
static bool bring_up_to_date(struct store *store, const char *dir, struct error *error)
{
    bool found;
    int64_t version;
    if (!datadir_find_file(store->path, &found, error))
        return false;
    if (!found && !db_create(dir, store->path, schema_migrate, error))
        return false;
    if (!store->writer && !db_open(store->path, DB_WRITE, &store->writer, error))
        return false;
    return check_version(store, &version, error) && db_prepare_file(store->writer, error) &&
           schema_migrate(store->writer, error);
}

/* What an earlier process left in the log, deleted data among it, goes before anything else. */
static bool clear_old_log(struct store *store, struct error *error)
{
    bool whole;
    return db_checkpoint(store->writer, DB_CHECKPOINT_TRUNCATE, 0, &whole, error);
}

static bool lock_patiently(const char *dir, int *ret_fd, struct error *error)
{
    int64_t until_ms = clock_mono_ms() + LOCK_WAIT_MS;
    while (!datadir_lock(dir, ret_fd, error)) {
        if (clock_mono_ms() >= until_ms)
            return false;
        nap();
    }
    return true;
}

static bool open_alone(struct store *store, const char *dir, struct error *error)
{
    return datadir_check(dir, error) && lock_patiently(dir, &store->lock_fd, error) &&
           bring_up_to_date(store, dir, error) && clear_old_log(store, error) &&
           committer_start(store, error) && checkpointer_start(store, error);
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
    if (!store->writer && !db_open(store->path, DB_WRITE, &store->writer, error))
        return false;
    if (!check_version(store, &version, error))
        return false;
    *ret_current = version == schema_version();
    return true;
}

/* The schema changes only under the directory's lock. A server that is just starting holds it, and
 * is done in a moment; one that has run for long with an older schema does not let go. */
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
        nap();
    } while (clock_mono_ms() < until_ms);
    return fail(error, ERR_UNAVAILABLE,
                "%s has an older schema and is in use. Stop the server, then try again.",
                store->path);
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
    return open_with(open_alone, config, ret_store, error);
}

bool store_attach(const struct store_config *config, struct store **ret_store, struct error *error)
{
    return open_with(open_beside, config, ret_store, error);
}

struct store_counts store_counts(const struct store *store)
{
    return (struct store_counts){
        .commits = atomic_load(&store->batches),
        .writes = atomic_load(&store->writes),
        .queued = store->committer ? committer_length(store->committer) : 0,
        .failing = atomic_load(&store->failing),
    };
}
