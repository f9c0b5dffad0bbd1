/* The SQLite driver: making a database file as a whole, new or as a copy of another one.
 *
 * A new database is built under a temporary name without syncing, then synced once and renamed. A
 * crash leaves no database or a complete one, and the first start costs two syncs instead of a
 * dozen.
 *
 * A copy is VACUUM INTO: every row is read, and written to pages that are laid out anew. The copy
 * is always written through our own VFS (vfs.c), so that its pages carry checksums; the original is
 * read through it only when it is one of ours, since another program's copy may have none. */
#include "store/sqlite/internal.h"
#include "store/sqlite/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_SIZE = 4096,
    URI_SIZE = 3 * 4096 + 64,
};

static bool fail_to_make(const char *path, struct error *error)
{
    return fail(error, ERR_UNAVAILABLE, "%s cannot be written: %s.", path, strerror(errno));
}

/* Created here because SQLite would use the mode that the process's umask allows. */
static bool make_private(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_to_make(path, error);
    close(fd);
    return true;
}

static bool sync_path(const char *path, int flags, struct error *error)
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
    return sync_path(dir, O_RDONLY | O_DIRECTORY, error);
}

/* --- a new database --- */

/* Files that a process which crashed half-way may have left. */
static void remove_leftovers(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char name[PATH_SIZE];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

/* Closing would checkpoint too, but not report a failure; and the WAL is not renamed. */
static bool fold_wal(struct db *db, struct error *error)
{
    bool whole = false;
    return sqlite_checkpoint(db, CHECKPOINT_TRUNCATE, 0, &whole, error) &&
           (whole || fail(error, ERR_UNAVAILABLE, "The new database's WAL cannot be emptied."));
}

static bool fill_file(const char *path, sqlite_fill_fn *fill, struct error *error)
{
    struct db *db;
    if (!sqlite_open(path, DB_WRITE, &db, error))
        return false;
    bool ok = db_script(db, "PRAGMA synchronous = OFF", error) && sqlite_prepare_file(db, error) &&
              fill(db, error) && fold_wal(db, error);
    db_close(db);
    return ok;
}

bool sqlite_create(const char *dir, const char *path, sqlite_fill_fn *fill, struct error *error)
{
    char unfinished[PATH_SIZE];
    snprintf(unfinished, sizeof(unfinished), "%s.new", path);
    remove_leftovers(unfinished);
    if (!make_private(unfinished, error) || !fill_file(unfinished, fill, error) ||
        !sync_path(unfinished, O_RDWR, error))
        return false;
    return sqlite_publish(dir, unfinished, path, error);
}

/* --- a copy --- */

/* Names our own VFS for the copy. */
static bool uri_of(const char *path, char out[URI_SIZE], struct error *error)
{
    size_t at = (size_t)snprintf(out, URI_SIZE, "file:%s", path[0] == '/' ? "" : "./");
    for (; *path && at + 4 < URI_SIZE - 32; path++) {
        bool plain = *path != '%' && *path != '?' && *path != '#';
        at += (size_t)snprintf(out + at, URI_SIZE - at, plain ? "%c" : "%%%02X",
                               (unsigned char)*path);
    }
    snprintf(out + at, URI_SIZE - at, "?vfs=%s", sqlite_vfs_name());
    return !*path || fail(error, ERR_VALIDATION, "The copy's path is too long.");
}

static bool fail_to_copy(sqlite3 *db, const char *from, struct error *error)
{
    int kind = sqlite3_errcode(db) & 0xFF;
    if (kind == SQLITE_NOTADB)
        return fail(error, ERR_UNAVAILABLE, "%s is not a database.", from);
    if (kind == SQLITE_CORRUPT || sqlite3_extended_errcode(db) == SQLITE_IOERR_DATA)
        return fail(error, ERR_UNAVAILABLE, "The database %s is damaged: use another copy of it.",
                    from);
    return fail(error, ERR_UNAVAILABLE, "%s cannot be copied: %s (SQLite %d).", from,
                sqlite3_errmsg(db), sqlite3_extended_errcode(db));
}

/* Reads one value of the database; false for an error. */
static bool ask(sqlite3 *db, const char *sql, char *ret_text, size_t size)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    if (ok)
        snprintf(ret_text, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
    return sqlite3_finalize(stmt) == SQLITE_OK && ok;
}

static bool check_original(sqlite3 *db, const char *from, struct error *error)
{
    char id[16], message[256], wanted[16];
    snprintf(wanted, sizeof(wanted), "%d", DB_APPLICATION_ID);
    if (!ask(db, "PRAGMA application_id", id, sizeof(id)) ||
        !ask(db, "PRAGMA integrity_check(1)", message, sizeof(message)))
        return fail_to_copy(db, from, error);
    if (strcmp(id, wanted) != 0)
        return fail(error, ERR_UNAVAILABLE, "%s is not a database of Headgate.", from);
    return strcmp(message, "ok") == 0 ||
           fail(error, ERR_UNAVAILABLE, "The database %s is damaged: use another copy of it. (%s)",
                from, message);
}

static bool write_copy(sqlite3 *db, const char *from, const char *to, struct error *error)
{
    char uri[URI_SIZE];
    int reserved = DB_PAGE_RESERVE;
    sqlite3_stmt *stmt = NULL;
    if (!uri_of(to, uri, error))
        return false;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    bool ok = sqlite3_prepare_v2(db, "VACUUM INTO $1", -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_bind_text(stmt, 1, uri, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_DONE;
    if (!ok)
        fail_to_copy(db, from, error);
    sqlite3_finalize(stmt);
    return ok;
}

static bool copy(const char *from, bool checked, const char *to, struct error *error)
{
    sqlite3 *db = NULL;
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s%s", from[0] == '/' ? "" : "./", from);
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI,
                             checked ? sqlite_vfs_name() : NULL);
    sqlite3_busy_timeout(db, SQLITE_BUSY_MS);
    sqlite3_extended_result_codes(db, 1);
    bool ok = rc == SQLITE_OK ? check_original(db, from, error) && write_copy(db, from, to, error)
                              : fail_to_copy(db, from, error);
    sqlite3_close(db);
    return ok;
}

bool sqlite_copy(const char *from, bool checked, const char *to, struct error *error)
{
    sqlite_vfs_name(); /* registers it, for the URI of the copy */
    if (!make_private(to, error))
        return false;
    if (copy(from, checked, to, error) && sync_path(to, O_RDWR, error))
        return true;
    unlink(to);
    return false;
}
