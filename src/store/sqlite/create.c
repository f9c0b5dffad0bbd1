/* The SQLite driver: making a new database file. It is made whole under another name, without
 * syncing, then synced once and renamed: a crash leaves none or a complete one, and a first start
 * costs two syncs instead of a dozen. */
#include "store/sqlite/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static bool fail_to_make(const char *path, struct error *error)
{
    return fail(error, ERR_UNAVAILABLE, "%s cannot be made: %s.", path, strerror(errno));
}

/* What a process that died halfway may have left. */
static void remove_leftovers(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char name[PATH_SIZE];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

/* SQLite would give it the mode that the process's mask allows. */
static bool make_private(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_to_make(path, error);
    close(fd);
    return true;
}

/* Closing would do it too, but tell nobody when it fails; and the log is not renamed. */
static bool fold_log(struct db *db, struct error *error)
{
    bool whole = false;
    return sqlite_checkpoint(db, CHECKPOINT_TRUNCATE, 0, &whole, error) &&
           (whole || fail(error, ERR_UNAVAILABLE, "The new database's log cannot be emptied."));
}

static bool fill_file(const char *path, sqlite_fill_fn *fill, struct error *error)
{
    struct db *db;
    if (!sqlite_open(path, DB_WRITE, &db, error))
        return false;
    bool ok = db_script(db, "PRAGMA synchronous = OFF", error) && sqlite_prepare_file(db, error) &&
              fill(db, error) && fold_log(db, error);
    db_close(db);
    return ok;
}

bool sqlite_sync_path(const char *path, int flags, struct error *error)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return fail_to_make(path, error);
    bool ok = fsync(fd) == 0 || fail_to_make(path, error);
    close(fd);
    return ok;
}

bool sqlite_publish(const char *dir, const char *unfinished, const char *path, struct error *error)
{
    if (rename(unfinished, path) < 0)
        return fail_to_make(path, error);
    return sqlite_sync_path(dir, O_RDONLY | O_DIRECTORY, error);
}

bool sqlite_create(const char *dir, const char *path, sqlite_fill_fn *fill, struct error *error)
{
    char unfinished[PATH_SIZE];
    snprintf(unfinished, sizeof(unfinished), "%s.new", path);
    remove_leftovers(unfinished);
    if (!make_private(unfinished, error) || !fill_file(unfinished, fill, error) ||
        !sqlite_sync_path(unfinished, O_RDWR, error))
        return false;
    return sqlite_publish(dir, unfinished, path, error);
}
