/* What the files of the SQLite driver share. */
#pragma once

#include "store/db/driver.h"
#include "store/sqlite/sqlite.h"

#include <sqlite3.h>

enum {
    DB_APPLICATION_ID = 0x48474154, /* "HGAT", in the file's header */
    DB_CHECKSUMS_SINCE = 3,         /* the schema with which every page got a checksum */
};

/* Statements that only this driver has. */
enum {
    TX_BEGIN_READ = SQL_COUNT,
    TX_BEGIN_WRITE,
    TX_COUNT,
    TX_COUNTED,
    TX_COMMIT,
    TX_ROLLBACK,
    TX_SAVEPOINT,
    TX_SAVEPOINT_KEEP,
    TX_SAVEPOINT_UNDO,
    PREPARED_COUNT
};

struct prepared {
    sqlite3_stmt *handle;               /* NULL until first used */
    uint8_t places[SQL_PARAMS_MAX + 1]; /* SQLite numbers $2 by where it stands, not by its name */
};

struct sqlite_db {
    struct db base;
    sqlite3 *handle;
    char *path;
    enum db_use use;
    int64_t busy_limit_ms; /* how long this connection waits for a lock */
    int64_t busy_until_ms; /* end of the wait that is under way */
    bool was_busy;         /* that is why the last function that failed did */
    int log_pages;         /* told by SQLite at each commit */
    bool lost;             /* see db_is_lost */
    int mark_fd;           /* -1: none is kept */
    struct prepared prepared[PREPARED_COUNT];
};

static inline struct sqlite_db *sqlite_of(const struct db *db)
{
    return (struct sqlite_db *)db;
}

extern const struct db_driver sqlite_driver;

bool sqlite_sync_path(const char *path, int flags, struct error *error); /* create.c */

/* The driver's functions that are in file.c. */
void sqlite_close(struct db *db);
bool sqlite_version(struct db *db, int64_t *ret_version, struct error *error);
bool sqlite_set_version(struct db *db, int64_t version, struct error *error);
bool sqlite_script(struct db *db, const char *sql, struct error *error);
/* And one in sqlite.c. */
void sqlite_rollback(struct db *db);

/* Sets the error for a result code; at run time no path is told, since callers may see it. */
bool sqlite_fail(struct sqlite_db *db, int rc, struct error *error);

/* How many commits the database has seen; file.c. */
bool sqlite_read_count(struct sqlite_db *db, int64_t *ret_count, struct error *error);

/* rollback_guard.c */
void sqlite_note_commit(struct sqlite_db *db, int64_t count); /* once it is durable */
void sqlite_sync_guard(const struct sqlite_db *db);
void sqlite_drop_guard(struct sqlite_db *db); /* synced; does nothing when none is kept */

int sqlite_add_functions(sqlite3 *handle); /* profile_rowid.c: what the statements call */

/* The file system below SQLite as we want it: see vfs.c. */
const char *sqlite_vfs_name(void);

/* Before SQLite is first used; page_cache.c. */
void sqlite_keep_inner_pages(void);
