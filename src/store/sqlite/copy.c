/* The SQLite driver: a database written whole into another file, page by page anew. */
#include "store/sqlite/internal.h"
#include "store/sqlite/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { URI_SIZE = 3 * 4096 + 64 };

/* The copy is written through our own file functions, whichever the original is read through. */
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

static bool make_private(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(error, ERR_UNAVAILABLE, "%s cannot be made: %s.", path, strerror(errno));
    close(fd);
    return true;
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

/* One value of the database that it is about; false for an error. */
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
    char id[16], words[256], wanted[16];
    snprintf(wanted, sizeof(wanted), "%d", DB_APPLICATION_ID);
    if (!ask(db, "PRAGMA application_id", id, sizeof(id)) ||
        !ask(db, "PRAGMA integrity_check(1)", words, sizeof(words)))
        return fail_to_copy(db, from, error);
    if (strcmp(id, wanted) != 0)
        return fail(error, ERR_UNAVAILABLE, "%s is no database of Headgate's.", from);
    return strcmp(words, "ok") == 0 ||
           fail(error, ERR_UNAVAILABLE, "The database %s is damaged: use another copy of it. (%s)",
                from, words);
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
    char path[4096];
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
    sqlite_vfs_name(); /* there from here on, also for the copy */
    if (!make_private(to, error))
        return false;
    if (copy(from, checked, to, error) && sqlite_sync_path(to, O_RDWR, error))
        return true;
    unlink(to);
    return false;
}
