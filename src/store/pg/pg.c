/* The PostgreSQL driver: its table of functions, at the end, and how a statement of db.h runs on
 * each kind of connection.
 *
 * DB_FIND sends a read through the shared read batcher. DB_READ sends it on its own connection and
 * repeats it on a new one after a loss. DB_WRITE sends one statement at a time; in a pipelined
 * transaction its writes are collected by bulk_write.c and their results are read at the commit. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct stmt open_statement(struct db *db, enum sql sql)
{
    return (struct stmt){.db = db, .handle = pg_stmt_new(pg_of(db), (int)sql)};
}

static void done(struct stmt *stmt)
{
    pg_stmt_free(pg_of(stmt->db), stmt->handle);
}

static void bind_text(struct stmt *stmt, int number, struct str text)
{
    pg_bind_text(stmt->handle, number, text);
}

static void bind_bytes(struct stmt *stmt, int number, struct str bytes)
{
    pg_bind_bytes(stmt->handle, number, bytes);
}

static void bind_i64(struct stmt *stmt, int number, int64_t value)
{
    pg_bind_i64(stmt->handle, number, value);
}

/* --- steps --- */

static bool send_and_wait(struct pg_db *db, void *argument, struct error *error)
{
    struct pg_stmt *stmt = argument;
    bool ok = pg_queue_stmt(db, stmt, PG_ANY_ROWS, error) &&
              pg_drain(db, db->use == DB_READ ? PG_READ_MS : PG_WRITE_MS, error);
    if (ok) {
        stmt->result = db->last;
        db->last = NULL;
    }
    return ok;
}

static bool read_patiently(struct pg_db *db, struct pg_stmt *stmt, struct error *error)
{
    return pg_ask_patiently(db, send_and_wait, stmt, INT64_MAX, clock_mono_ms() + PG_READ_MS,
                            error);
}

static bool writes(const struct pg_stmt *stmt)
{
    return strncmp(pg_text(stmt->which), "SELECT", 6) != 0;
}

/* `is_change`: it should change one row, and must if it is pipelined. */
static bool send(struct pg_db *db, struct pg_stmt *stmt, bool is_change, struct error *error)
{
    stmt->sent = true;
    if (db->use == DB_FIND)
        return read_batcher_read(db->server->batcher, db->server, stmt, error);
    if (db->use == DB_READ)
        return read_patiently(db, stmt, error);
    bool is_pipelined = db->transaction == PG_PIPELINED;
    stmt->pipelined = is_pipelined && writes(stmt);
    stmt->is_change = is_change;
    if (stmt->pipelined)
        return bulk_write_add(db, stmt, error);
    return (!is_pipelined || bulk_write_send(db, error)) && send_and_wait(db, stmt, error);
}

static bool step(struct stmt *handle, bool *ret_row, struct error *error)
{
    struct pg_stmt *stmt = handle->handle;
    if (!stmt->sent && !send(pg_of(handle->db), stmt, false, error))
        return false;
    *ret_row = stmt->result && stmt->row < libpq.ntuples(stmt->result);
    stmt->row += *ret_row;
    return true;
}

static bool change(struct stmt *handle, bool *ret_changed, struct error *error)
{
    struct pg_stmt *stmt = handle->handle;
    if (!send(pg_of(handle->db), stmt, true, error))
        return false;
    *ret_changed = stmt->pipelined || pg_changed_rows(stmt->result) > 0;
    return true;
}

/* Of pipelined statements only the last one's count is known, after its result. */
static int64_t changes(struct stmt *handle)
{
    struct pg_db *db = pg_of(handle->db);
    struct pg_stmt *stmt = handle->handle;
    struct error ignored; /* the commit fails with it too */
    if (stmt->pipelined && pg_drain(db, PG_WRITE_MS, &ignored)) {
        stmt->result = db->last;
        db->last = NULL;
    }
    return stmt->result ? pg_changed_rows(stmt->result) : 0;
}

/* --- columns --- */

/* A pipelined statement has no columns yet: only reads have columns, and they are not pipelined. */
static struct str read_column(const struct stmt *handle, int column, struct arena *arena)
{
    const struct pg_stmt *stmt = handle->handle;
    assert(!stmt->pipelined);
    int row = stmt->row - 1;
    if (libpq.getisnull(stmt->result, row, column))
        return STR_NULL;
    return arena_copy(arena, (struct str){libpq.getvalue(stmt->result, row, column),
                                          (size_t)libpq.getlength(stmt->result, row, column)});
}

static int64_t read_i64(const struct stmt *handle, int column)
{
    const struct pg_stmt *stmt = handle->handle;
    assert(!stmt->pipelined);
    return pg_read_i64(stmt->result, stmt->row - 1, column);
}

/* --- transactions --- */

/* Each read is a transaction of its own: no caller reads twice and compares. */
static bool begin_read(struct db *db, struct error *error)
{
    (void)db, (void)error;
    return true;
}

/* pg_advisory_xact_lock's key: "hgcounts" in ASCII. */
#define LOCK_COUNTS "SELECT pg_advisory_xact_lock(7523091032908395635)"

/* One lock for all accounts, so that two writers cannot wait for each other. Rolling back to a
 * savepoint releases it, so each write asks for it again. */
static bool lock_counts(struct db *base, struct error *error)
{
    struct pg_db *db = pg_of(base);
    return db->transaction == PG_PIPELINED ? pg_queue_text(db, LOCK_COUNTS, error)
                                           : pg_run(db, LOCK_COUNTS, error);
}

static bool savepoint(struct db *db, struct error *error)
{
    return pg_run(pg_of(db), "SAVEPOINT one_write", error);
}

static bool savepoint_keep(struct db *db, struct error *error)
{
    return pg_run(pg_of(db), "RELEASE one_write", error);
}

static bool savepoint_undo(struct db *db, struct error *error)
{
    return pg_run(pg_of(db), "ROLLBACK TO one_write", error) && savepoint_keep(db, error);
}

static bool is_lost(const struct db *db)
{
    return pg_of(db)->transaction == PG_LOST;
}

static enum db_failure failure(const struct db *db)
{
    return pg_of(db)->failure;
}

static const struct db_driver pg_driver = {
    .close = pg_close,
    .version = pg_version,
    .set_version = pg_set_version,
    .lock_schema = pg_lock_schema,
    .script = pg_script,
    .now_ms = pg_now_ms,
    .begin_read = begin_read,
    .begin_write = pg_begin_write,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .savepoint = savepoint,
    .savepoint_keep = savepoint_keep,
    .savepoint_undo = savepoint_undo,
    .lock_counts = lock_counts,
    .is_lost = is_lost,
    .begin_pipelined = pg_begin_pipelined,
    .commit_pipelined = pg_commit_pipelined,
    .failure = failure,
    .resolve_commit = pg_resolve_commit,
    .open = open_statement,
    .done = done,
    .text = bind_text,
    .bytes = bind_bytes,
    .i64 = bind_i64,
    .step = step,
    .change = change,
    .changes = changes,
    .column_text = read_column,
    .column_bytes = read_column,
    .column_i64 = read_i64,
};

/* --- opening --- */

struct pg_server *pg_server_new(const char *url, const struct secret *password,
                                db_notice_fn *notice)
{
    struct pg_server *server = xcalloc(1, sizeof(*server));
    server->url = xstrdup(url);
    server->password = password;
    server->notice = notice;
    atomic_init(&server->stop_ms, INT64_MAX);
    server->batcher = read_batcher_new();
    server->breaker = circuit_breaker_new(notice);
    return server;
}

void pg_server_free(struct pg_server *server)
{
    if (!server)
        return;
    read_batcher_free(server->batcher);
    circuit_breaker_free(server->breaker);
    explicit_bzero(server->url, strlen(server->url));
    free(server->url);
    for (size_t i = 0; i < PG_LIST_COUNT; i++)
        free(server->lists[i]);
    free(server);
}

bool pg_open(const struct pg_server *server, enum db_use use, struct db **ret_db,
             struct error *error)
{
    struct pg_db *db = pg_connection_new(server, use);
    db->base.driver = &pg_driver;
    if (use == DB_WRITE && !pg_ensure(db, clock_mono_ms() + PG_OPEN_MS, error)) {
        pg_close(&db->base);
        return false;
    }
    if (use == DB_WRITE)
        pg_check_server(db);
    *ret_db = &db->base;
    return true;
}
