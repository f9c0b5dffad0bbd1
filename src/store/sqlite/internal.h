/* Shared by the files of the SQLite driver. They use each other downwards only: sqlite.c and
 * whole_file.c on top, then profile_rowid.c, file.c, vfs.c, page.c. */
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
    TX_COMMIT,
    TX_ROLLBACK,
    TX_SAVEPOINT,
    TX_SAVEPOINT_KEEP,
    TX_SAVEPOINT_UNDO,
    PREPARED_COUNT
};

struct prepared {
    sqlite3_stmt *handle;                      /* NULL until first used */
    uint8_t param_indexes[SQL_PARAMS_MAX + 1]; /* SQLite's index of $n; 0: there is no $n */
};

enum transaction {
    TRANSACTION_NONE,
    TRANSACTION_READ,
    TRANSACTION_WRITE,
    TRANSACTION_LOST, /* can only be rolled back */
};

struct sqlite_db {
    struct db base;
    sqlite3 *handle;
    char *path;
    enum db_use use;
    int64_t busy_limit_ms;        /* how long this connection waits for a lock */
    int64_t busy_until_ms;        /* end of the current wait */
    bool was_busy;                /* the last failure was a lock that another process held */
    int wal_pages;                /* in the WAL after this connection's last commit */
    enum transaction transaction; /* changed by sqlite.c alone */
    struct prepared prepared[PREPARED_COUNT];
};

static inline struct sqlite_db *sqlite_of(const struct db *db)
{
    return (struct sqlite_db *)db;
}

/* --- file.c --- */

/* Opens the file and applies the settings of `use`; the driver and the SQL functions are missing.
 */
_must_use_ bool sqlite_connect(const char *path, enum db_use use, struct sqlite_db **ret_db,
                               struct error *error);
void sqlite_close(struct db *db);
_must_use_ bool sqlite_version(struct db *db, int64_t *ret_version, struct error *error);
_must_use_ bool sqlite_set_version(struct db *db, int64_t version, struct error *error);
_must_use_ bool sqlite_script(struct db *db, const char *sql, struct error *error);
/* Sets the error for a result code, without the file's path: API clients may see the message. */
bool sqlite_fail(struct sqlite_db *db, int rc, struct error *error);

/* --- profile_rowid.c --- */

/* Registers the SQL functions that statements.inc calls; an SQLite result code. */
int sqlite_add_functions(sqlite3 *handle);

/* --- vfs.c --- */

/* Registers our VFS at the first call, before SQLite is used, and returns its name. */
const char *sqlite_vfs_name(void);
