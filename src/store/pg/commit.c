/* PostgreSQL's driver: transactions that write.
 *
 * When the connection goes while a COMMIT is under way, nobody knows whether it took place. So each
 * transaction writes its number into a row that is this writer's own. Whoever wants to know writes
 * to the same row over another connection: that waits for the transaction, should it still be under
 * way, and then sees the number or does not. It also holds on a standby that was promoted, where
 * transaction ids (pg_xact_status) may have been given to others. */
#include "store/pg/internal.h"

#include "base/clock.h"

#include <string.h>

enum { PLAN_BATCHES = 256 };

static void begin(struct pg_db *db)
{
    db->lost = false;
    db->failure = DB_FAILED;
    db->committing = false;
    db->held = true;
    db->batch++;
}

bool pg_begin_write(struct db *base, struct error *error)
{
    struct pg_db *db = pg_of(base);
    begin(db);
    db->in_transaction =
        pg_ensure(db, clock_mono_ms() + PG_READ_MS, error) && pg_say(db, "BEGIN", error);
    return db->in_transaction;
}

/* A plan is for the size that the tables had when it was made. */
static bool plan_anew(struct pg_db *db, struct error *error)
{
    return db->batch % PLAN_BATCHES != 0 || pg_queue_text(db, "DISCARD PLANS", error);
}

bool pg_begin_pipelined(struct db *base, struct error *error)
{
    struct pg_db *db = pg_of(base);
    begin(db);
    db->in_transaction = db->ahead = pg_ensure(db, clock_mono_ms() + PG_READ_MS, error) &&
                                     plan_anew(db, error) && pg_queue_text(db, "BEGIN", error);
    return db->in_transaction;
}

static bool queue_stamp(struct pg_db *db, struct error *error)
{
    struct pg_stmt *stmt = pg_stmt_new(db, PG_STAMP);
    pg_bind_text(stmt, 1, str_from(db->writer));
    pg_bind_i64(stmt, 2, db->batch);
    pg_bind_i64(stmt, 3, clock_wall_ms());
    bool ok = pg_queue_stmt(db, stmt, 1, error);
    pg_stmt_free(db, stmt);
    return ok;
}

/* The row's lock is held before COMMIT is sent: else both could arrive late, after another
 * connection had asked and been told that nothing was committed. */
static bool stamp(struct pg_db *db, struct error *error)
{
    return queue_stamp(db, error) && pg_drain(db, PG_WRITE_MS, error);
}

/* The answer to COMMIT in a transaction that failed before is "ROLLBACK", and no error. */
static bool say_commit(struct pg_db *db, struct error *error)
{
    db->committing = true;
    if (!pg_queue_text(db, "COMMIT", error) || !pg_drain(db, PG_WRITE_MS, error))
        return false;
    db->committing = false;
    db->in_transaction = false;
    if (strcmp(libpq.cmdStatus(db->last), "COMMIT") == 0)
        return true;
    db->failure = DB_FAILED_AGAIN;
    return fail(error, ERR_UNAVAILABLE, "The store's database undid a transaction by itself.");
}

bool pg_commit(struct db *base, struct error *error)
{
    struct pg_db *db = pg_of(base);
    return stamp(db, error) && say_commit(db, error);
}

bool pg_commit_pipelined(struct db *base, bool *ret_held, struct error *error)
{
    struct pg_db *db = pg_of(base);
    bool answered = bulk_write_send(db, error) && stamp(db, error);
    db->ahead = false;
    *ret_held = answered ? db->held : db->failure != DB_FAILED;
    if (answered && !db->held)
        return fail(error, ERR_RETRY, "A write of this batch found no row.");
    return answered && say_commit(db, error);
}

void pg_rollback(struct db *base)
{
    struct pg_db *db = pg_of(base);
    struct error ignored;
    db->ahead = false;
    bulk_write_discard(db->gathered);
    if (db->expected_count > 0)
        pg_drain(db, PG_READ_MS, &ignored); /* what ran ahead */
    if (db->in_transaction && db->conn)
        pg_say(db, "ROLLBACK", &ignored);
    db->in_transaction = false;
    db->lost = false;
}

static bool ask(struct pg_db *db, int64_t until_ms, bool *ret_committed, struct error *error)
{
    struct pg_stmt *stmt = pg_stmt_new(db, PG_RESOLVE);
    pg_bind_text(stmt, 1, str_from(db->writer));
    pg_bind_i64(stmt, 2, clock_wall_ms());
    bool ok = pg_queue_stmt(db, stmt, PG_ANY_ROWS, error) &&
              pg_drain(db, until_ms - clock_mono_ms(), error);
    pg_stmt_free(db, stmt);
    if (ok)
        *ret_committed = pg_read_i64(db->last, 0, 0) == db->batch;
    return ok;
}

bool pg_resolve_commit(struct db *base, int64_t until_ms, bool *ret_committed, struct error *error)
{
    struct pg_db *db = pg_of(base);
    struct error reason;
    db->in_transaction = false;
    db->ahead = false;
    while (clock_mono_ms() < until_ms) {
        if (pg_ensure(db, until_ms, &reason) && ask(db, until_ms, ret_committed, &reason))
            return true;
        if (db->failure == DB_FAILED)
            break;
    }
    return fail(error, ERR_UNAVAILABLE,
                "The store's database was lost while this was being committed, and whether it was "
                "is not known. Send it again with the same clientToken.");
}
