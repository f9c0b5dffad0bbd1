/* Dispatches each call to the connection's driver. */
#include "store/db/db.h"

#include "base/clock.h"
#include "store/db/driver.h"

const struct metric metric_store_errors = {
    "headgate_store_errors_total",
    "Errors of the store's database.",
    METRIC_SERIES(1),
};

void db_close(struct db *db)
{
    if (db)
        db->driver->close(db);
}

void db_set_audit(struct db *db, struct audit_chain *chain)
{
    db->audit = chain;
}

struct audit_chain *db_audit(const struct db *db)
{
    return db->audit;
}

bool db_version(struct db *db, int64_t *ret_version, struct error *error)
{
    return db->driver->version(db, ret_version, error);
}

bool db_set_version(struct db *db, int64_t version, struct error *error)
{
    return db->driver->set_version(db, version, error);
}

bool db_lock_schema(struct db *db, struct error *error)
{
    return !db->driver->lock_schema || db->driver->lock_schema(db, error);
}

bool db_script(struct db *db, const char *sql, struct error *error)
{
    return db->driver->script(db, sql, error);
}

bool db_now_ms(struct db *db, int64_t *ret_ms, struct error *error)
{
    if (db->driver->now_ms)
        return db->driver->now_ms(db, ret_ms, error);
    *ret_ms = clock_wall_ms();
    return true;
}

bool db_begin_read(struct db *db, struct error *error)
{
    return db->driver->begin_read(db, error);
}

bool db_begin_write(struct db *db, struct error *error)
{
    return db->driver->begin_write(db, error);
}

bool db_commit(struct db *db, struct error *error)
{
    return db->driver->commit(db, error);
}

void db_rollback(struct db *db)
{
    db->driver->rollback(db);
}

bool db_savepoint(struct db *db, struct error *error)
{
    return db->driver->savepoint(db, error);
}

bool db_savepoint_keep(struct db *db, struct error *error)
{
    return db->driver->savepoint_keep(db, error);
}

bool db_savepoint_undo(struct db *db, struct error *error)
{
    return db->driver->savepoint_undo(db, error);
}

bool db_lock_counts(struct db *db, struct error *error)
{
    return !db->driver->lock_counts || db->driver->lock_counts(db, error);
}

bool db_is_lost(const struct db *db)
{
    return db->driver->is_lost(db);
}

bool db_begin_pipelined(struct db *db, struct error *error)
{
    return db->driver->begin_pipelined ? db->driver->begin_pipelined(db, error)
                                       : db_begin_write(db, error);
}

bool db_commit_pipelined(struct db *db, bool *ret_held, struct error *error)
{
    *ret_held = true;
    return db->driver->commit_pipelined ? db->driver->commit_pipelined(db, ret_held, error)
                                        : db_commit(db, error);
}

enum db_failure db_failure(const struct db *db)
{
    return db->driver->failure ? db->driver->failure(db) : DB_FAILED;
}

bool db_resolve_commit(struct db *db, int64_t until_ms, bool *ret_committed, struct error *error)
{
    return db->driver->resolve_commit(db, until_ms, ret_committed, error);
}

struct stmt stmt_open(struct db *db, enum sql sql)
{
    return db->driver->open(db, sql);
}

void stmt_done(struct stmt *stmt)
{
    if (stmt->handle)
        stmt->db->driver->done(stmt);
    stmt->handle = NULL;
}

void stmt_text(struct stmt *stmt, int number, struct str text)
{
    if (stmt->handle)
        stmt->db->driver->text(stmt, number, text);
}

void stmt_bytes(struct stmt *stmt, int number, struct str bytes)
{
    if (stmt->handle)
        stmt->db->driver->bytes(stmt, number, bytes);
}

void stmt_i64(struct stmt *stmt, int number, int64_t value)
{
    if (stmt->handle)
        stmt->db->driver->i64(stmt, number, value);
}

bool stmt_step(struct stmt *stmt, bool *ret_row, struct error *error)
{
    return stmt->db->driver->step(stmt, ret_row, error);
}

bool stmt_run(struct stmt *stmt, struct error *error)
{
    bool row;
    return stmt_step(stmt, &row, error);
}

bool stmt_change(struct stmt *stmt, bool *ret_changed, struct error *error)
{
    return stmt->db->driver->change(stmt, ret_changed, error);
}

int64_t stmt_changes(struct stmt *stmt)
{
    return stmt->db->driver->changes(stmt);
}

struct str column_text(const struct stmt *stmt, int column, struct arena *arena)
{
    return stmt->db->driver->column_text(stmt, column, arena);
}

struct str column_bytes(const struct stmt *stmt, int column, struct arena *arena)
{
    return stmt->db->driver->column_bytes(stmt, column, arena);
}

int64_t column_i64(const struct stmt *stmt, int column)
{
    return stmt->db->driver->column_i64(stmt, column);
}
