/* Backup and restore of a data directory's database. Both are SQLite's VACUUM INTO from one file
 * into another (sqlite/whole_file.c). */
#include "store/core/backup.h"

#include "store/core/internal.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static bool path_in(const char *dir, const char *name, char out[PATH_SIZE], struct error *error)
{
    int len = snprintf(out, PATH_SIZE, "%s%s/%s", dir[0] == '/' ? "" : "./", dir, name);
    return (len > 0 && len < PATH_SIZE) || fail(error, ERR_VALIDATION, "%s is too long.", dir);
}

bool backup_make(const char *dir, const char *to, struct error *error)
{
    char from[PATH_SIZE];
    bool found;
    if (!datadir_check(dir, error) || !path_in(dir, "headgate.db", from, error) ||
        !datadir_find_file(from, &found, error))
        return false;
    if (!found)
        return fail(error, ERR_NOT_FOUND,
                    "There is no Headgate database in %s. Name its directory with --data; for a "
                    "database in PostgreSQL (--store) use pg_dump.",
                    dir);
    return sqlite_copy(from, true, to, error);
}

/* A WAL without its database would be replayed into the new one. */
static bool check_is_free(const char *dir, struct error *error)
{
    static const char *const names[] = {"headgate.db", "headgate.db-wal"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char path[PATH_SIZE];
        if (!path_in(dir, names[i], path, error))
            return false;
        if (access(path, F_OK) == 0)
            return fail(
                error, ERR_CONFLICT,
                "%s is there, and is not overwritten. Move headgate.db, headgate.db-wal and "
                "headgate.db-shm away first.",
                path);
    }
    return true;
}

static bool remove_file(const char *dir, const char *name, struct error *error)
{
    char path[PATH_SIZE];
    if (!path_in(dir, name, path, error))
        return false;
    return unlink(path) == 0 || errno == ENOENT ||
           fail(error, ERR_UNAVAILABLE, "%s cannot be removed: %s.", path, strerror(errno));
}

static bool put_in_place(const char *dir, const char *from, struct error *error)
{
    char unfinished[PATH_SIZE], path[PATH_SIZE];
    return check_is_free(dir, error) && path_in(dir, "headgate.db.new", unfinished, error) &&
           path_in(dir, "headgate.db", path, error) && remove_file(dir, "headgate.db.new", error) &&
           remove_file(dir, "mark", error) && remove_file(dir, "newest-change", error) &&
           remove_file(dir, "headgate.db-shm", error) &&
           sqlite_copy(from, false, unfinished, error) &&
           sqlite_publish(dir, unfinished, path, error);
}

bool backup_restore(const char *dir, const char *from, struct error *error)
{
    int lock;
    if (access(from, R_OK) != 0)
        return fail(error, ERR_NOT_FOUND, "%s cannot be read: %s.", from, strerror(errno));
    if (!datadir_check(dir, error) || !datadir_lock(dir, &lock, error))
        return false;
    bool ok = put_in_place(dir, from, error);
    close(lock);
    return ok;
}
