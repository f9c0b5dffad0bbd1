/* The SQLite driver: statements and transactions; the table of its functions is at the end.
 *
 * A statement is prepared when it is first used and kept for the connection's life, so an operation
 * costs binding, stepping and resetting. SQLite numbers the parameter $2 by its position in the
 * text and not by its name, so each statement has a map from $n to SQLite's index.
 *
 * The transaction's state is an enum with one mover, move_to(): NONE, READ, WRITE, or LOST. SQLite
 * ends or damages a transaction after most errors (disk full, I/O, corruption); from then on it is
 * LOST and can only be rolled back. Errors that leave it intact are a broken constraint and a value
 * that is too large. */
#include "store/sqlite/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const texts[PREPARED_COUNT] = {
#define STATEMENT(name, text) [name] = (text),
#define IN_SQLITE(text) text
#include "store/db/statements.inc"
#undef STATEMENT
    [TX_BEGIN_READ] = "BEGIN",
    [TX_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [TX_COMMIT] = "COMMIT",
    [TX_ROLLBACK] = "ROLLBACK",
    [TX_SAVEPOINT] = "SAVEPOINT one_write",
    [TX_SAVEPOINT_KEEP] = "RELEASE one_write",
    [TX_SAVEPOINT_UNDO] = "ROLLBACK TO one_write",
};

/* Which transitions there are; a rolled back transaction may begin again. */
static void move_to(struct sqlite_db *db, enum transaction to)
{
    enum transaction from = db->transaction;
    assert(from == TRANSACTION_NONE ? to == TRANSACTION_READ || to == TRANSACTION_WRITE
                                    : to == TRANSACTION_NONE || to == TRANSACTION_LOST);
    assert((to != TRANSACTION_READ && to != TRANSACTION_WRITE) ||
           !sqlite3_get_autocommit(db->handle));
    assert(to != TRANSACTION_NONE || sqlite3_get_autocommit(db->handle));
    (void)from;
    db->transaction = to;
}

/* Statements outside of a transaction are transactions of their own, which cannot be lost. */
static void note_lost(struct sqlite_db *db)
{
    if (db->transaction != TRANSACTION_NONE)
        move_to(db, TRANSACTION_LOST);
}

/* A broken constraint leaves the transaction as it was; nearly every other error does not. */
static bool transaction_survives(int rc)
{
    int kind = rc & 0xFF;
    return kind == SQLITE_CONSTRAINT || kind == SQLITE_TOOBIG || kind == SQLITE_MISMATCH;
}

/* Parameters are named by their numbers, "$1" and on; SQLite counts them as they appear. */
static void index_params(struct prepared *prepared)
{
    int count = sqlite3_bind_parameter_count(prepared->handle);
    for (int index = 1; index <= count; index++) {
        const char *name = sqlite3_bind_parameter_name(prepared->handle, index);
        long number = strtol(name + 1, NULL, 10);
        assert(number >= 1 && number <= SQL_PARAMS_MAX);
        prepared->param_indexes[number] = (uint8_t)index;
    }
}

static int prepare(struct sqlite_db *db, int which)
{
    struct prepared *prepared = &db->prepared[which];
    if (prepared->handle)
        return SQLITE_OK;
    int rc = sqlite3_prepare_v3(db->handle, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                &prepared->handle, NULL);
    if (rc == SQLITE_OK)
        index_params(prepared);
    return rc;
}

static struct stmt open_statement(struct db *base, enum sql sql)
{
    struct sqlite_db *db = sqlite_of(base);
    int rc = prepare(db, (int)sql);
    return (struct stmt){base, db->prepared[sql].handle, db->prepared[sql].param_indexes, rc};
}

static void done(struct stmt *stmt)
{
    sqlite3_reset(stmt->handle);
    sqlite3_clear_bindings(stmt->handle);
}

static int param_index(const struct stmt *stmt, int number)
{
    assert(number >= 1 && number <= SQL_PARAMS_MAX && stmt->param_indexes[number] != 0);
    return stmt->param_indexes[number];
}

static void keep_error(struct stmt *stmt, int rc)
{
    if (stmt->rc == SQLITE_OK)
        stmt->rc = rc;
}

static void bind_text(struct stmt *stmt, int number, struct str text)
{
    if (!text.data)
        return; /* what is not bound is NULL */
    keep_error(stmt, sqlite3_bind_text64(stmt->handle, param_index(stmt, number), text.data,
                                         text.len, SQLITE_STATIC, SQLITE_UTF8));
}

static void bind_bytes(struct stmt *stmt, int number, struct str bytes)
{
    if (!bytes.data)
        return;
    keep_error(stmt, sqlite3_bind_blob64(stmt->handle, param_index(stmt, number), bytes.data,
                                         bytes.len, SQLITE_STATIC));
}

static void bind_i64(struct stmt *stmt, int number, int64_t value)
{
    keep_error(stmt, sqlite3_bind_int64(stmt->handle, param_index(stmt, number), value));
}

static bool step(struct stmt *stmt, bool *ret_row, struct error *error)
{
    int rc = stmt->rc == SQLITE_OK ? sqlite3_step(stmt->handle) : stmt->rc;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        *ret_row = rc == SQLITE_ROW;
        return true;
    }
    if (!transaction_survives(rc))
        note_lost(sqlite_of(stmt->db));
    return sqlite_fail(sqlite_of(stmt->db), rc, error);
}

static int64_t changes(struct stmt *stmt)
{
    return sqlite3_changes64(sqlite_of(stmt->db)->handle);
}

/* Counts rows instead of using RETURNING, which SQLite implements with a temporary table: it costs
 * more than the change. */
static bool change(struct stmt *stmt, bool *ret_changed, struct error *error)
{
    bool row;
    if (!step(stmt, &row, error))
        return false;
    *ret_changed = changes(stmt) > 0;
    return true;
}

/* Also for texts: sqlite3_column_text may allocate, and its failure looks like an empty text. */
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

static bool run_own(struct sqlite_db *db, int which, struct error *error)
{
    int rc = prepare(db, which);
    sqlite3_stmt *handle = db->prepared[which].handle;
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(handle);
        sqlite3_reset(handle);
    }
    return rc == SQLITE_DONE || sqlite_fail(db, rc, error);
}

/* Also after SQLite rolled back by itself. A ROLLBACK that fails leaves the transaction open. */
static void roll_back(struct db *base)
{
    struct sqlite_db *db = sqlite_of(base);
    if (!sqlite3_get_autocommit(db->handle))
        run_own(db, TX_ROLLBACK, NULL);
    if (db->transaction != TRANSACTION_NONE && sqlite3_get_autocommit(db->handle))
        move_to(db, TRANSACTION_NONE);
}

/* A transaction may still be open: ROLLBACK allocates the first time, and can fail. */
static bool begin(struct db *base, int which, enum transaction kind, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    roll_back(base);
    if (!run_own(db, which, error))
        return false;
    move_to(db, kind);
    return true;
}

static bool begin_read(struct db *db, struct error *error)
{
    return begin(db, TX_BEGIN_READ, TRANSACTION_READ, error);
}

static bool begin_write(struct db *db, struct error *error)
{
    sqlite_of(db)->was_busy = false;
    return begin(db, TX_BEGIN_WRITE, TRANSACTION_WRITE, error);
}

static bool run_inside(struct db *base, int which, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    if (run_own(db, which, error))
        return true;
    note_lost(db);
    return false;
}

static bool commit(struct db *db, struct error *error)
{
    if (!run_inside(db, TX_COMMIT, error))
        return false;
    move_to(sqlite_of(db), TRANSACTION_NONE);
    return true;
}

static bool savepoint(struct db *db, struct error *error)
{
    return run_inside(db, TX_SAVEPOINT, error);
}

static bool savepoint_keep(struct db *db, struct error *error)
{
    return run_inside(db, TX_SAVEPOINT_KEEP, error);
}

static bool savepoint_undo(struct db *db, struct error *error)
{
    return run_inside(db, TX_SAVEPOINT_UNDO, error) && run_inside(db, TX_SAVEPOINT_KEEP, error);
}

static enum db_failure why_failed(const struct db *db)
{
    return sqlite_of(db)->was_busy ? DB_FAILED_BUSY : DB_FAILED;
}

/* SQLite ends a transaction by itself after some errors. */
static bool is_lost(const struct db *base)
{
    const struct sqlite_db *db = sqlite_of(base);
    return db->transaction == TRANSACTION_LOST || sqlite3_get_autocommit(db->handle);
}

static const struct db_driver sqlite_driver = {
    .close = sqlite_close,
    .version = sqlite_version,
    .set_version = sqlite_set_version,
    .script = sqlite_script,
    .begin_read = begin_read,
    .begin_write = begin_write,
    .commit = commit,
    .rollback = roll_back,
    .savepoint = savepoint,
    .savepoint_keep = savepoint_keep,
    .savepoint_undo = savepoint_undo,
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

bool sqlite_open(const char *path, enum db_use use, struct db **ret_db, struct error *error)
{
    struct sqlite_db *db;
    if (!sqlite_connect(path, use, &db, error))
        return false;
    db->base.driver = &sqlite_driver;
    int rc = sqlite_add_functions(db->handle);
    if (rc != SQLITE_OK) {
        sqlite_fail(db, rc, error);
        sqlite_close(&db->base);
        return false;
    }
    *ret_db = &db->base;
    return true;
}
