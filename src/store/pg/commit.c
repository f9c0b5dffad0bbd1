/* The PostgreSQL driver: write transactions, and resolving the outcome of a commit.
 *
 * When the connection is lost during COMMIT, the client cannot know whether it took place. So each
 * transaction writes its number (the "stamp") into a row of `writers` that belongs to this
 * connection's writer id. To resolve the outcome, a new connection writes to the same row: it waits
 * for the old transaction's row lock, if that still runs, and then reads the number or an older
 * one. This holds on a promoted standby too, where pg_xact_status does not: transaction ids may
 * have been reused there.
 *
 * A pipelined transaction sends its writes without waiting for results, many rows in one statement
 * (bulk_write.c), and checks before COMMIT that each changed what it should. */
#include "store/pg/internal.h"

#include "base/clock.h"

#include <string.h>

enum { PLAN_BATCHES = 256 };

static void begin(struct pg_db *db)
{
    db->failure = DB_FAILED;
    db->held = true;
    db->batch++;
    bulk_write_discard(db->bulk);
}

bool pg_begin_write(struct db *base, struct error *error)
{
    struct pg_db *db = pg_of(base);
    begin(db);
    if (!pg_ensure(db, clock_mono_ms() + PG_READ_MS, error) || !pg_run(db, "BEGIN", error))
        return false;
    pg_move_to(db, PG_OPEN);
    return true;
}

/* Plans depend on the size of the tables when they were made: they are renewed now and then. */
static bool renew_plans(struct pg_db *db, struct error *error)
{
    return db->batch % PLAN_BATCHES != 0 || pg_queue_text(db, "DISCARD PLANS", error);
}

bool pg_begin_pipelined(struct db *base, struct error *error)
{
    struct pg_db *db = pg_of(base);
    begin(db);
    if (!pg_ensure(db, clock_mono_ms() + PG_READ_MS, error) || !renew_plans(db, error) ||
        !pg_queue_text(db, "BEGIN", error))
        return false;
    pg_move_to(db, PG_PIPELINED);
    return true;
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

/* Waits for the result, so that the row's lock is held before COMMIT is sent. Otherwise both could
 * arrive after another connection had resolved the outcome as "not committed". */
static bool stamp(struct pg_db *db, struct error *error)
{
    return queue_stamp(db, error) && pg_drain(db, PG_WRITE_MS, error);
}

/* COMMIT of a transaction that failed before is answered with "ROLLBACK", which is no error. */
static bool run_commit(struct pg_db *db, struct error *error)
{
    pg_move_to(db, PG_COMMITTING);
    if (!pg_queue_text(db, "COMMIT", error) || !pg_drain(db, PG_WRITE_MS, error))
        return false;
    pg_move_to(db, PG_NONE);
    if (strcmp(libpq.cmdStatus(db->last), "COMMIT") == 0)
        return true;
    db->failure = DB_FAILED_AGAIN;
    return fail(error, ERR_UNAVAILABLE,
                "The store's database rolled back a transaction by itself.");
}

bool pg_commit(struct db *base, struct error *error)
{
    struct pg_db *db = pg_of(base);
    return stamp(db, error) && run_commit(db, error);
}

bool pg_commit_pipelined(struct db *base, bool *ret_held, struct error *error)
{
    struct pg_db *db = pg_of(base);
    bool answered = bulk_write_send(db, error) && stamp(db, error);
    *ret_held = answered ? db->held : db->failure != DB_FAILED;
    if (!answered)
        return false;
    pg_move_to(db, PG_OPEN);
    if (!db->held)
        return fail(error, ERR_RETRY, "A write of this batch changed no row.");
    return run_commit(db, error);
}

void pg_rollback(struct db *base)
{
    struct pg_db *db = pg_of(base);
    struct error ignored;
    bulk_write_discard(db->bulk);
    /* A connection on which this fails is closed, which ends its transaction, too. */
    if (db->expected_count > 0)
        ignore_failure(pg_drain(db, PG_READ_MS, &ignored)); /* results of pipelined writes */
    if (db->transaction == PG_NONE)
        return;
    if (db->conn)
        ignore_failure(pg_run(db, "ROLLBACK", &ignored));
    pg_move_to(db, PG_NONE);
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
    if (db->transaction != PG_NONE)
        pg_move_to(db, PG_NONE); /* its connection is gone */
    while (clock_mono_ms() < until_ms) {
        if (pg_ensure(db, until_ms, &reason) && ask(db, until_ms, ret_committed, &reason))
            return true;
        if (db->failure == DB_FAILED)
            break;
    }
    return fail(error, ERR_UNAVAILABLE,
                "The connection to the store's database was lost during the commit of this change, "
                "and whether it was committed is not known. Send it again with the same "
                "clientToken.");
}
