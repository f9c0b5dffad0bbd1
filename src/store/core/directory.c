/* Opening the store that is a database file in a directory. */
#include "base/clock.h"
#include "store/core/internal.h"
#include "store/db/migrations.h"
#include "store/sqlite/sqlite.h"

#include <unistd.h>

enum {
    MIGRATION_WAIT_MS = 5000, /* for another process that is migrating */
    LOCK_WAIT_MS = 500,       /* for a command line tool that is making the database */
    NAP_US = 20 * 1000,
};

/* Called under the directory's lock. */
static bool bring_up_to_date(struct store *store, const char *dir, struct error *error)
{
    bool found;
    int64_t version;
    if (!datadir_find_file(store->path, &found, error))
        return false;
    if (!found && (!sqlite_check_absence(store->path, error) ||
                   !sqlite_create(dir, store->path, schema_migrate, error)))
        return false;
    if (!store->writer && !store_connect(store, DB_WRITE, &store->writer, error))
        return false;
    if (!store_check_version(store, &version, error) || !sqlite_keep_guard(store->writer, error) ||
        !sqlite_prepare_file(store->writer, error) || !schema_migrate(store->writer, error))
        return false;
    sqlite_move_profiles(store->writer);
    return true;
}

/* What an earlier process left in the log, deleted data among it, goes before anything else. */
static bool clear_old_log(struct store *store, struct error *error)
{
    bool whole;
    return sqlite_checkpoint(store->writer, CHECKPOINT_TRUNCATE, 0, &whole, error);
}

static bool lock_patiently(const char *dir, int *ret_fd, struct error *error)
{
    int64_t until_ms = clock_mono_ms() + LOCK_WAIT_MS;
    while (!datadir_lock(dir, ret_fd, error)) {
        if (clock_mono_ms() >= until_ms)
            return false;
        clock_nap_us(NAP_US);
    }
    return true;
}

bool store_open_alone(struct store *store, const char *dir, struct error *error)
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
    if (!store->writer && !store_connect(store, DB_WRITE, &store->writer, error))
        return false;
    if (!store_check_version(store, &version, error))
        return false;
    if (version == schema_version() && !sqlite_keep_guard(store->writer, error))
        return false;
    *ret_current = version == schema_version();
    return true;
}

/* The schema changes only under the directory's lock. A server that is just starting holds it, and
 * is done in a moment; one that has run for long with an older schema does not let go. */
bool store_open_beside(struct store *store, const char *dir, struct error *error)
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
