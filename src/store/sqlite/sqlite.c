/* The SQLite driver: statements and transactions. */
#include "store/sqlite/internal.h"

#include "base/metrics.h"

#include <assert.h>
#include <stdio.h>

static const char *const texts[PREPARED_COUNT] = {
#define STATEMENT(name, text) [name] = (text),
#define IN_SQLITE(text) text
#include "store/db/statements.inc"
#undef STATEMENT
    [TX_BEGIN_READ] = "BEGIN",
    [TX_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    /* The table's only row, made with it. Named, it needs no journal of its own. */
    [TX_COUNT] = "UPDATE changes SET count = count + 1 WHERE rowid = 1",
    [TX_COUNTED] = "SELECT count FROM changes WHERE rowid = 1",
    [TX_COMMIT] = "COMMIT",
    [TX_ROLLBACK] = "ROLLBACK",
    [TX_SAVEPOINT] = "SAVEPOINT one_write",
    [TX_SAVEPOINT_KEEP] = "RELEASE one_write",
    [TX_SAVEPOINT_UNDO] = "ROLLBACK TO one_write",
};

static const struct failure {
    int rc;
    enum err code;
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
        metrics_count(METRIC_STORE_ERRORS, 0, 0);
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        if (failures[i].rc == extended || failures[i].rc == (extended & 0xFF))
            return fail(error, failures[i].code, "%s (SQLite %d).", failures[i].text, extended);
    }
    return fail(error, ERR_INTERNAL, "The store failed: %s (SQLite %d).",
                db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc), extended);
}

/* A row that breaks a constraint leaves the transaction as it was; nearly all else does not. */
static bool transaction_survives(int rc)
{
    int kind = rc & 0xFF;
    return kind == SQLITE_CONSTRAINT || kind == SQLITE_TOOBIG || kind == SQLITE_MISMATCH;
}

static int prepare(struct sqlite_db *db, int which)
{
    struct prepared *prepared = &db->prepared[which];
    if (prepared->handle)
        return SQLITE_OK;
    int rc = sqlite3_prepare_v3(db->handle, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                &prepared->handle, NULL);
    if (rc != SQLITE_OK)
        return rc;
    for (int n = 1; n <= SQL_PARAMS_MAX; n++) {
        char name[8];
        snprintf(name, sizeof(name), "$%d", n);
        prepared->places[n] = (uint8_t)sqlite3_bind_parameter_index(prepared->handle, name);
    }
    return SQLITE_OK;
}

static struct stmt open_statement(struct db *base, enum sql sql)
{
    struct sqlite_db *db = sqlite_of(base);
    int rc = prepare(db, (int)sql);
    return (struct stmt){base, db->prepared[sql].handle, db->prepared[sql].places, rc};
}

static void done(struct stmt *stmt)
{
    sqlite3_reset(stmt->handle);
    sqlite3_clear_bindings(stmt->handle);
}

static int place_of(const struct stmt *stmt, int number)
{
    assert(number >= 1 && number <= SQL_PARAMS_MAX && stmt->places[number] != 0);
    return stmt->places[number];
}

static void note(struct stmt *stmt, int rc)
{
    if (stmt->rc == SQLITE_OK)
        stmt->rc = rc;
}

static void bind_text(struct stmt *stmt, int number, struct str text)
{
    if (!text.data)
        return; /* what is not bound is NULL */
    note(stmt, sqlite3_bind_text64(stmt->handle, place_of(stmt, number), text.data, text.len,
                                   SQLITE_STATIC, SQLITE_UTF8));
}

static void bind_bytes(struct stmt *stmt, int number, struct str bytes)
{
    if (!bytes.data)
        return;
    note(stmt, sqlite3_bind_blob64(stmt->handle, place_of(stmt, number), bytes.data, bytes.len,
                                   SQLITE_STATIC));
}

static void bind_i64(struct stmt *stmt, int number, int64_t value)
{
    note(stmt, sqlite3_bind_int64(stmt->handle, place_of(stmt, number), value));
}

static bool step(struct stmt *stmt, bool *ret_row, struct error *error)
{
    int rc = stmt->rc == SQLITE_OK ? sqlite3_step(stmt->handle) : stmt->rc;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        *ret_row = rc == SQLITE_ROW;
        return true;
    }
    if (!transaction_survives(rc))
        sqlite_of(stmt->db)->lost = true;
    return sqlite_fail(sqlite_of(stmt->db), rc, error);
}

static int64_t changes(struct stmt *stmt)
{
    return sqlite3_changes64(sqlite_of(stmt->db)->handle);
}

/* A row that a statement returns would first go into a table made for it: a RETURNING costs more
 * than the change. */
static bool change(struct stmt *stmt, bool *ret_changed, struct error *error)
{
    bool row;
    if (!step(stmt, &row, error))
        return false;
    *ret_changed = changes(stmt) > 0;
    return true;
}

/* Also for texts: asking for a text may take memory, and when there is none the answer looks like
 * an empty one. */
static struct str read_bytes(const struct stmt *stmt, int column, struct arena *arena)
{
    if (sqlite3_column_type(stmt->handle, column) == SQLITE_NULL)
        return STR_NULL;
    const void *data = sqlite3_column_blob(stmt->handle, column);
    int size = sqlite3_column_bytes(stmt->handle, column);
    return arena_copy(arena, (struct str){data ? data : "", (size_t)size});
}

static int64_t read_i64(const struct stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->handle, column);
}

static bool say(struct db *base, int which, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    int rc = prepare(db, which);
    sqlite3_stmt *handle = db->prepared[which].handle;
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(handle);
        sqlite3_reset(handle);
    }
    if (rc == SQLITE_DONE)
        return true;
    db->lost = true;
    return sqlite_fail(db, rc, error);
}

void sqlite_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(sqlite_of(db)->handle))
        say(db, TX_ROLLBACK, NULL);
}

/* A transaction may be open still: ending it takes memory the first time. */
static bool begin(struct db *db, int which, struct error *error)
{
    sqlite_rollback(db);
    sqlite_of(db)->lost = false;
    return say(db, which, error);
}

static bool begin_read(struct db *db, struct error *error)
{
    return begin(db, TX_BEGIN_READ, error);
}

static bool begin_write(struct db *db, struct error *error)
{
    sqlite_of(db)->was_busy = false;
    return begin(db, TX_BEGIN_WRITE, error);
}

static bool count_commit(struct sqlite_db *db, int64_t *ret_count, struct error *error)
{
    if (!say(&db->base, TX_COUNT, error))
        return false;
    int rc = prepare(db, TX_COUNTED);
    sqlite3_stmt *handle = db->prepared[TX_COUNTED].handle;
    if (rc == SQLITE_OK)
        rc = sqlite3_step(handle);
    if (rc == SQLITE_ROW)
        *ret_count = sqlite3_column_int64(handle, 0);
    if (handle)
        sqlite3_reset(handle);
    if (rc == SQLITE_ROW)
        return true;
    db->lost = true;
    return sqlite_fail(db, rc, error);
}

static bool commit(struct db *db, struct error *error)
{
    int64_t count = 0;
    if (!count_commit(sqlite_of(db), &count, error) || !say(db, TX_COMMIT, error))
        return false;
    sqlite_note_commit(sqlite_of(db), count);
    return true;
}

static bool mark(struct db *db, struct error *error)
{
    return say(db, TX_SAVEPOINT, error);
}

static bool mark_keep(struct db *db, struct error *error)
{
    return say(db, TX_SAVEPOINT_KEEP, error);
}

static bool mark_undo(struct db *db, struct error *error)
{
    return say(db, TX_SAVEPOINT_UNDO, error) && say(db, TX_SAVEPOINT_KEEP, error);
}

static enum db_failure why_failed(const struct db *db)
{
    return sqlite_of(db)->was_busy ? DB_FAILED_BUSY : DB_FAILED;
}

/* SQLite ends a transaction by itself after some failures. */
static bool is_lost(const struct db *db)
{
    return sqlite_of(db)->lost || sqlite3_get_autocommit(sqlite_of(db)->handle);
}

const struct db_driver sqlite_driver = {
    .close = sqlite_close,
    .version = sqlite_version,
    .set_version = sqlite_set_version,
    .script = sqlite_script,
    .begin_read = begin_read,
    .begin_write = begin_write,
    .commit = commit,
    .rollback = sqlite_rollback,
    .mark = mark,
    .mark_keep = mark_keep,
    .mark_undo = mark_undo,
    .is_lost = is_lost,
    .failure = why_failed,
    .open = open_statement,
    .done = done,
    .text = bind_text,
    .bytes = bind_bytes,
    .i64 = bind_i64,
    .step = step,
    .change = change,
    .changes = changes,
    .column_text = read_bytes,
    .column_bytes = read_bytes,
    .column_i64 = read_i64,
};
