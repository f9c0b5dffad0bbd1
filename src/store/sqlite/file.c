/* The SQLite driver: a connection to a database file, the file's identity and settings, its
 * write-ahead log (WAL), and what SQLite's result codes mean.
 *
 * Every connection uses WAL mode with synchronous = FULL, so a commit is durable when it returns
 * and readers do not wait for the writer. SQLite's automatic checkpoint is off: the checkpointer's
 * thread moves the WAL into the database file (core/maintenance.c). A lock that another process
 * holds is waited for in on_busy(), for busy_limit_ms.
 *
 * A reader's page cache is 4 MiB: the inner pages on the way to a row among a million profiles
 * (about 500, 1.9 MiB) fit into it beside recently read leaves. */
#include "base/alloc.h"
#include "base/clock.h"
#include "store/sqlite/internal.h"
#include "store/sqlite/page.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* 64 GiB. Keeps the first byte of every page number 0, which page.c relies on. */
    DB_PAGES_MAX = 0xFFFFFF,
    BUSY_NAP_US = 500,
};

static const char *const common_settings =
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
    "PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;";

static const char *const settings[] = {
    [DB_READ] = "PRAGMA query_only = ON; PRAGMA cache_size = -4096;",
    [DB_WRITE] = "PRAGMA cache_size = -1024;",
    [DB_CHECKPOINT] = "PRAGMA cache_size = -64;",
};

static int on_busy(void *context, int tries)
{
    struct sqlite_db *db = context;
    int64_t now = clock_mono_ms();
    if (tries == 0)
        db->busy_until_ms = now + db->busy_limit_ms;
    if (now >= db->busy_until_ms)
        return 0;
    clock_nap_us(BUSY_NAP_US);
    return 1;
}

static int on_commit(void *context, sqlite3 *handle, const char *schema, int pages)
{
    (void)handle, (void)schema;
    ((struct sqlite_db *)context)->wal_pages = pages;
    return SQLITE_OK;
}

static int configure(struct sqlite_db *db, enum db_use use)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_handler(db->handle, on_busy, db);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    int rc = sqlite3_exec(db->handle, common_settings, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db->handle, settings[use], NULL, NULL, NULL);
    if (rc == SQLITE_OK && use == DB_WRITE) {
        char text[64];
        snprintf(text, sizeof(text), "PRAGMA max_page_count = %d;", DB_PAGES_MAX);
        rc = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
    }
    sqlite3_wal_hook(db->handle, on_commit, db); /* after wal_autocheckpoint, which sets its own */
    return rc;
}

static const struct failure {
    int rc;
    int code;
    const char *text;
} failures[] = {
    {SQLITE_IOERR_DATA, ERR_UNAVAILABLE,
     "The store's database is damaged: restore it from a backup"}, /* a checksum does not fit */
    {SQLITE_FULL, ERR_UNAVAILABLE, "The store cannot be written: its disk is full"},
    {SQLITE_IOERR, ERR_UNAVAILABLE, "The store's disk failed to read or write"},
    {SQLITE_READONLY, ERR_UNAVAILABLE, "The store is on a file system that is read-only"},
    {SQLITE_CANTOPEN, ERR_UNAVAILABLE, "The store's files cannot be opened"},
    {SQLITE_BUSY, ERR_UNAVAILABLE, "The store is kept busy by another process"},
    {SQLITE_LOCKED, ERR_UNAVAILABLE, "The store is kept busy by another process"},
    {SQLITE_NOMEM, ERR_UNAVAILABLE, "The store has no memory left"},
    {SQLITE_CORRUPT, ERR_UNAVAILABLE, "The store's database is damaged: restore it from a backup"},
    {SQLITE_NOTADB, ERR_UNAVAILABLE, "The store's database is damaged: restore it from a backup"},
};

bool sqlite_fail(struct sqlite_db *db, int rc, struct error *error)
{
    int extended = db->handle ? sqlite3_extended_errcode(db->handle) : rc;
    if ((extended & 0xFF) != (rc & 0xFF))
        extended = rc;
    db->was_busy = (rc & 0xFF) == SQLITE_BUSY;
    if ((rc & 0xFF) != SQLITE_CONSTRAINT)
        metrics_count(&metric_store_errors, 0, 0);
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        if (failures[i].rc == extended || failures[i].rc == (extended & 0xFF))
            return fail(error, failures[i].code, "%s (SQLite %d).", failures[i].text, extended);
    }
    return fail(error, ERR_INTERNAL, "The store failed: %s (SQLite %d).",
                db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc), extended);
}

static int read_number(struct sqlite_db *db, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static bool fail_to_read(struct sqlite_db *db, int rc, struct error *error)
{
    int kind = rc & 0xFF;
    if (kind == SQLITE_NOTADB)
        return fail(error, ERR_UNAVAILABLE,
                    "%s is not a database. Move it away, or restore it from a backup.", db->path);
    if (kind == SQLITE_CORRUPT || sqlite3_extended_errcode(db->handle) == SQLITE_IOERR_DATA)
        return fail(error, ERR_UNAVAILABLE, "The database %s is damaged. Restore it from a backup.",
                    db->path);
    return sqlite_fail(db, rc, error);
}

bool sqlite_connect(const char *path, enum db_use use, struct sqlite_db **ret_db,
                    struct error *error)
{
    struct sqlite_db *db = xcalloc(1, sizeof(*db));
    db->path = xstrdup(path);
    db->busy_limit_ms = SQLITE_BUSY_MS;
    db->use = use;
    int rc = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                             sqlite_vfs_name());
    if (rc == SQLITE_OK)
        rc = configure(db, use);
    if (rc != SQLITE_OK) {
        fail_to_read(db, rc, error);
        sqlite_close(&db->base);
        return false;
    }
    if (use == DB_CHECKPOINT)
        db->busy_limit_ms = 0; /* opening waits for locks; each checkpoint has its own limit */
    *ret_db = db;
    return true;
}

void sqlite_close(struct db *base)
{
    struct sqlite_db *db = sqlite_of(base);
    for (size_t i = 0; i < PREPARED_COUNT; i++)
        sqlite3_finalize(db->prepared[i].handle);
    int rc = sqlite3_close(db->handle);
    assert(rc == SQLITE_OK); /* otherwise a statement was left open */
    (void)rc;
    free(db->path);
    free(db);
}

bool sqlite_version(struct db *base, int64_t *ret_version, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    int64_t application = 0, version = 0, tables = 0;
    int rc = read_number(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = read_number(db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc != SQLITE_OK)
        return fail_to_read(db, rc, error);
    bool is_new = application == 0 && version == 0 && tables == 0;
    if (application != DB_APPLICATION_ID && !is_new)
        return fail(error, ERR_UNAVAILABLE,
                    "%s is another application's database. Move it away, or name another data "
                    "directory.",
                    db->path);
    *ret_version = version;
    return true;
}

bool sqlite_set_version(struct db *db, int64_t version, struct error *error)
{
    char text[128];
    snprintf(text, sizeof(text), "PRAGMA application_id = %d; PRAGMA user_version = %lld;",
             DB_APPLICATION_ID, (long long)version);
    return sqlite_script(db, text, error);
}

bool sqlite_script(struct db *base, const char *sql, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || sqlite_fail(db, rc, error);
}

/* A file that was made without room for checksums is rewritten. */
static bool make_room_for_checksums(struct sqlite_db *db, struct error *error)
{
    int reserved = DB_PAGE_RESERVE;
    int64_t pages = 0;
    int rc = read_number(db, "PRAGMA page_count", &pages);
    if (rc == SQLITE_OK) /* `reserved` becomes what the file had */
        rc = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    if (rc == SQLITE_OK && pages > 0 && reserved != DB_PAGE_RESERVE)
        rc = sqlite3_exec(db->handle, "VACUUM", NULL, NULL, NULL);
    return rc == SQLITE_OK || fail_to_read(db, rc, error);
}

static bool use_write_ahead_log(struct sqlite_db *db, struct error *error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return fail_to_read(db, rc, error);
    rc = sqlite3_step(stmt);
    const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    bool is_wal = mode && strcmp(mode, "wal") == 0;
    sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW)
        return fail_to_read(db, rc, error);
    return is_wal || fail(error, ERR_UNAVAILABLE,
                          "The file system of %s has no shared memory, which the store's "
                          "write-ahead log needs. Use a local file system.",
                          db->path);
}

bool sqlite_prepare_file(struct db *base, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    return make_room_for_checksums(db, error) && use_write_ahead_log(db, error);
}

bool sqlite_check(struct db *base, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    const char *message = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    bool ok = message && strcmp(message, "ok") == 0;
    if (message && !ok)
        fail(error, ERR_UNAVAILABLE, "The database %s is damaged. Restore it from a backup. (%s)",
             db->path, message);
    else if (!message)
        fail_to_read(db, rc, error);
    sqlite3_finalize(stmt);
    return ok;
}

static bool checkpoint_once(struct sqlite_db *db, int mode, int64_t limit_ms, int *ret_rc,
                            int *ret_left)
{
    int64_t usual_ms = db->busy_limit_ms;
    int pages = 0, moved = 0;
    db->busy_limit_ms = limit_ms;
    *ret_rc = sqlite3_wal_checkpoint_v2(db->handle, "main", mode, &pages, &moved);
    db->busy_limit_ms = usual_ms;
    *ret_left = pages - moved;
    return (*ret_rc & 0xFF) != SQLITE_BUSY;
}

bool sqlite_checkpoint(struct db *base, enum checkpoint_mode mode, int64_t limit_ms,
                       bool *ret_whole, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    static const int modes[] = {
        [CHECKPOINT_PASSIVE] = SQLITE_CHECKPOINT_PASSIVE,
        [CHECKPOINT_RESTART] = SQLITE_CHECKPOINT_RESTART,
        [CHECKPOINT_TRUNCATE] = SQLITE_CHECKPOINT_TRUNCATE,
    };
    int64_t until_ms = clock_mono_ms() + limit_ms;
    int rc, left;
    /* SQLite does not wait for another process's checkpoint, so this loop does. */
    while (!checkpoint_once(db, modes[mode], limit_ms, &rc, &left) && clock_mono_ms() < until_ms)
        clock_nap_us(BUSY_NAP_US);
    *ret_whole = rc == SQLITE_OK && left == 0;
    if (*ret_whole && mode == CHECKPOINT_TRUNCATE)
        db->wal_pages = 0;
    return rc == SQLITE_OK || (rc & 0xFF) == SQLITE_BUSY || sqlite_fail(db, rc, error);
}

int sqlite_wal_pages(const struct db *db)
{
    return sqlite_of(db)->wal_pages;
}
