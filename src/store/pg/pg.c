/* PostgreSQL's driver: statements. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[PG_STATEMENT_COUNT] = {
#define STATEMENT(name, text) [name] = (text),
#define IN_SQLITE(text)
#include "store/db/statements.inc"
#undef STATEMENT
    [PG_STAMP] = ("INSERT INTO writers (id, batch, at_ms) VALUES ($1, $2, $3)"
                  " ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, at_ms = excluded.at_ms"),
    [PG_RESOLVE] = ("INSERT INTO writers (id, batch, at_ms) VALUES ($1, 0, $2)"
                    " ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms RETURNING batch"),
    [PG_LOCK] = ("SELECT key FROM unnest(CAST(CAST($1 AS TEXT) AS BIGINT[])) AS key"
                 " WHERE pg_try_advisory_lock(key)"),
    [PG_UNLOCK] = ("SELECT pg_advisory_unlock(key)"
                   " FROM unnest(CAST(CAST($1 AS TEXT) AS BIGINT[])) AS key"),
};

const char *pg_text(int which)
{
    return texts[which];
}

/* --- a statement's memory --- */

/* The highest $n. */
static int count_parameters(const char *text)
{
    int count = 0;
    while ((text = strchr(text, '$')) != NULL) {
        int number = (int)strtol(++text, NULL, 10);
        count = number > count ? number : count;
    }
    return count;
}

struct pg_stmt *pg_stmt_new(struct pg_db *db, int which)
{
    struct pg_stmt *stmt = db->resting;
    if (stmt)
        db->resting = stmt->next;
    else
        stmt = xcalloc(1, sizeof(*stmt));
    stmt->which = which;
    stmt->count = count_parameters(texts[which]);
    return stmt;
}

void pg_stmt_free(struct pg_db *db, struct pg_stmt *stmt)
{
    libpq_clear(&stmt->result);
    memset(stmt, 0, sizeof(*stmt));
    stmt->next = db->resting;
    db->resting = stmt;
}

static struct stmt open_statement(struct db *db, enum sql sql)
{
    return (struct stmt){.db = db, .handle = pg_stmt_new(pg_of(db), (int)sql)};
}

static void done(struct stmt *stmt)
{
    pg_stmt_free(pg_of(stmt->db), stmt->handle);
}

/* --- parameters --- */

/* One that is NULL has a type all the same, which the statement is prepared with. */
static void bind(struct pg_stmt *stmt, int number, unsigned type, const char *data, size_t size)
{
    assert(number >= 1 && number <= stmt->count && stmt->count <= SQL_PARAMS_MAX);
    stmt->types[number - 1] = type;
    stmt->values[number - 1] = data;
    stmt->lengths[number - 1] = (int)size;
}

void pg_bind_text(struct pg_stmt *stmt, int number, struct str text)
{
    bind(stmt, number, PG_TEXT, text.data, text.len);
}

void pg_bind_i64(struct pg_stmt *stmt, int number, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    memcpy(stmt->numbers[number - 1], &big, sizeof(big));
    bind(stmt, number, PG_INT8, (const char *)stmt->numbers[number - 1], sizeof(big));
}

static void bind_text(struct stmt *stmt, int number, struct str text)
{
    pg_bind_text(stmt->handle, number, text);
}

static void bind_bytes(struct stmt *stmt, int number, struct str bytes)
{
    bind(stmt->handle, number, PG_BYTEA, bytes.data, bytes.len);
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
    return strncmp(texts[stmt->which], "SELECT", 6) != 0;
}

/* `is_change`: it is there to change one row, and if it runs ahead must do so. */
static bool send(struct pg_db *db, struct pg_stmt *stmt, bool is_change, struct error *error)
{
    stmt->sent = true;
    if (db->use == DB_FIND)
        return read_batcher_read(pg_server_read_batcher(db->server), db->server, stmt, error);
    if (db->use == DB_READ)
        return read_patiently(db, stmt, error);
    stmt->ahead = db->ahead && writes(stmt);
    stmt->is_change = is_change;
    if (stmt->ahead)
        return bulk_write_add(db, stmt, error);
    return (!db->ahead || bulk_write_send(db, error)) && send_and_wait(db, stmt, error);
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
    *ret_changed = stmt->ahead || pg_changed_rows(stmt->result) > 0;
    return true;
}

/* Of what ran ahead only the last one's is known, and not before its answer. */
static int64_t changes(struct stmt *handle)
{
    struct pg_db *db = pg_of(handle->db);
    struct pg_stmt *stmt = handle->handle;
    struct error ignored; /* told again by the commit */
    if (stmt->ahead && pg_drain(db, PG_WRITE_MS, &ignored)) {
        stmt->result = db->last;
        db->last = NULL;
    }
    return stmt->result ? pg_changed_rows(stmt->result) : 0;
}

/* --- columns --- */

/* What ran ahead has no columns yet: whoever needs them must not let it run ahead. */
static struct str read_column(const struct stmt *handle, int column, struct arena *arena)
{
    const struct pg_stmt *stmt = handle->handle;
    assert(!stmt->ahead);
    int row = stmt->row - 1;
    if (libpq.getisnull(stmt->result, row, column))
        return STR_NULL;
    return arena_copy(arena, (struct str){libpq.getvalue(stmt->result, row, column),
                                          (size_t)libpq.getlength(stmt->result, row, column)});
}

int64_t pg_read_i64(const struct pg_result *result, int row, int column)
{
    uint64_t big;
    if (libpq.ntuples(result) <= row || libpq.getisnull(result, row, column) ||
        libpq.getlength(result, row, column) != sizeof(big))
        return 0;
    memcpy(&big, libpq.getvalue(result, row, column), sizeof(big));
    return (int64_t)be64toh(big);
}

static int64_t read_i64(const struct stmt *handle, int column)
{
    const struct pg_stmt *stmt = handle->handle;
    assert(!stmt->ahead);
    return pg_read_i64(stmt->result, stmt->row - 1, column);
}

/* --- transactions that are simple --- */

/* Each read is a transaction of its own: nothing reads twice and compares. */
static bool begin_read(struct db *db, struct error *error)
{
    (void)db, (void)error;
    return true;
}

/* pg_advisory_xact_lock's key: "hgcounts" in ASCII. */
#define LOCK_COUNTS "SELECT pg_advisory_xact_lock(7523091032908395635)"

/* One lock for all accounts, so that two writers cannot each wait for the other's. A savepoint that
 * is rolled back lets go of it: hence it is asked for each time. */
static bool lock_counts(struct db *base, struct error *error)
{
    struct pg_db *db = pg_of(base);
    return db->ahead ? pg_queue_text(db, LOCK_COUNTS, error) : pg_say(db, LOCK_COUNTS, error);
}

static bool mark(struct db *db, struct error *error)
{
    return pg_say(pg_of(db), "SAVEPOINT one_write", error);
}

static bool mark_keep(struct db *db, struct error *error)
{
    return pg_say(pg_of(db), "RELEASE one_write", error);
}

static bool mark_undo(struct db *db, struct error *error)
{
    return pg_say(pg_of(db), "ROLLBACK TO one_write", error) && mark_keep(db, error);
}

static bool is_lost(const struct db *db)
{
    return pg_of(db)->use == DB_WRITE && pg_of(db)->lost;
}

static enum db_failure failure(const struct db *db)
{
    return pg_of(db)->failure;
}

const struct db_driver pg_driver = {
    .close = pg_close,
    .version = pg_version,
    .set_version = pg_set_version,
    .lock_schema = pg_lock_schema,
    .script = pg_script,
    .begin_read = begin_read,
    .begin_write = pg_begin_write,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .mark = mark,
    .mark_keep = mark_keep,
    .mark_undo = mark_undo,
    .lock_counts = lock_counts,
    .is_lost = is_lost,
    .begin_ahead = pg_begin_pipelined,
    .commit_ahead = pg_commit_pipelined,
    .failure = failure,
    .settle = pg_resolve_commit,
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
