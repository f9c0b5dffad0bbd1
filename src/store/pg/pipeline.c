/* The PostgreSQL driver: sending statements, reading their results, and what an error means.
 *
 * The connection is in libpq's pipeline mode all the time (manual, "Pipeline Mode"): statements are
 * sent without waiting, pg_drain sends a synchronization point and reads the results, which come in
 * the same order. After an error the server skips everything up to the synchronization point. Each
 * result is compared with what was expected of it (struct pg_expected): rows that a statement must
 * have changed. Every wait has a time limit and releases the thread's CPU slot.
 *
 * An error's SQLSTATE (manual, appendix "PostgreSQL Error Codes") decides whether the same
 * statements may succeed on retry, on this connection or only on another one. A connection that
 * fails is dropped; its transaction is then LOST, or unknown if its COMMIT was under way. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "work/cpu_slots.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the transaction's state --- */

void pg_move_to(struct pg_db *db, enum pg_transaction to)
{
    enum pg_transaction from = db->transaction;
    assert(from != to || to == PG_LOST);
    assert(from != PG_NONE || to == PG_OPEN || to == PG_PIPELINED);
    assert(to != PG_PIPELINED || from == PG_NONE);
    assert(to != PG_COMMITTING || from == PG_OPEN);
    assert(from != PG_LOST || to == PG_NONE || to == PG_LOST);
    assert(to == PG_NONE || db->use == DB_WRITE);
    (void)from;
    db->transaction = to;
}

static void note_lost(struct pg_db *db)
{
    if (db->transaction != PG_NONE)
        pg_move_to(db, PG_LOST);
}

void pg_drop(struct pg_db *db)
{
    if (db->conn)
        libpq.finish(db->conn);
    libpq_clear(&db->last);
    db->conn = NULL;
    db->expected_count = 0;
    memset(db->prepared, 0, sizeof(db->prepared));
}

bool pg_fail_lost(struct pg_db *db, struct error *error)
{
    bool unknown = db->transaction == PG_COMMITTING;
    pg_drop(db);
    note_lost(db);
    db->failure = unknown ? DB_FATE_UNKNOWN : DB_FAILED_AGAIN;
    metrics_count(&metric_store_errors, 0, 0);
    if (unknown)
        return fail(error, ERR_UNAVAILABLE,
                    "The connection to the store's database was lost during the commit of this "
                    "change, and whether it was committed is not known yet. Send it again with the "
                    "same clientToken.");
    return fail(error, ERR_UNAVAILABLE, "The connection to the store's database was lost.");
}

/* --- what an error means --- */

enum meaning {
    PERMANENT,  /* the same statement fails again */
    CONFLICT,   /* with another transaction: a retry may succeed */
    ELSEWHERE,  /* a retry may succeed on another server, or on this one a little later */
    NO_ROOM,    /* until the operator makes some */
    CONSTRAINT, /* an expected error, which does not count as a failure of the store */
};

static const struct sqlstate {
    const char *start; /* of the SQLSTATE */
    enum meaning meaning;
} sqlstates[] = {
    {"08P01", PERMANENT},  /* protocol violation */
    {"08", ELSEWHERE},     /* connection */
    {"21000", CONSTRAINT}, /* two changes of a batch to one row */
    {"23", CONSTRAINT},    /* integrity */
    {"25006", ELSEWHERE},  /* a primary that became a standby */
    {"40001", CONFLICT},   /* serialization */
    {"40P01", CONFLICT},   /* deadlock */
    {"40003", ELSEWHERE},  /* completion unknown */
    {"53100", NO_ROOM},    /* disk full */
    {"53200", NO_ROOM},    /* memory */
    {"53300", ELSEWHERE},  /* too many connections */
    {"55P03", CONFLICT},   /* lock not available */
    {"57P", ELSEWHERE},    /* shutting down, crashed, starting, idle too long */
    {"25P03", ELSEWHERE},  /* idle in a transaction too long */
};

static enum meaning meaning_of(const char *state)
{
    for (size_t i = 0; i < sizeof(sqlstates) / sizeof(*sqlstates); i++) {
        if (strncmp(state, sqlstates[i].start, strlen(sqlstates[i].start)) == 0)
            return sqlstates[i].meaning;
    }
    return PERMANENT;
}

/* Sets the error and why it failed. */
static bool fail_result(struct pg_db *db, const struct pg_result *result, struct error *error)
{
    const char *state = libpq.resultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = libpq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    enum meaning meaning = state ? meaning_of(state) : ELSEWHERE;
    if (meaning == ELSEWHERE)
        return pg_fail_lost(db, error);
    if (meaning != CONSTRAINT)
        metrics_count(&metric_store_errors, 0, 0);
    if (meaning == CONFLICT || db->transaction == PG_COMMITTING)
        note_lost(db);
    db->failure = meaning == CONFLICT ? DB_FAILED_AGAIN : DB_FAILED;
    if (meaning == CONFLICT)
        return fail(error, ERR_UNAVAILABLE,
                    "This change conflicted with other changes at each of its tries (SQLSTATE %s).",
                    state);
    if (meaning == NO_ROOM)
        return fail(error, ERR_UNAVAILABLE,
                    "The store's database has no room left: %s (SQLSTATE %s).", message, state);
    return fail(error, ERR_INTERNAL, "The store's database failed: %s (SQLSTATE %s).", message,
                state);
}

/* --- sending --- */

enum { LOOK_MS = 500 }; /* a long wait looks this often whether the process stops meanwhile */

/* How long to wait before the next look. */
static int wait_ms(const struct pg_db *db, int64_t until_ms)
{
    int64_t stop_ms = atomic_load(&db->server->stop_ms);
    int64_t left_ms = (until_ms < stop_ms ? until_ms : stop_ms) - clock_mono_ms();
    return (int)(left_ms < 0 ? 0 : left_ms > LOOK_MS ? LOOK_MS : left_ms);
}

/* Waits until the server sent something, or (`sends`) also until it can receive. */
static bool wait_for(struct pg_db *db, bool sends, int64_t until_ms)
{
    struct pollfd poll_fd = {
        .fd = libpq.socket(db->conn),
        .events = (short)(POLLIN | (sends ? POLLOUT : 0)),
    };
    int ready, limit_ms;
    slot_release();
    do {
        limit_ms = wait_ms(db, until_ms);
        ready = poll(&poll_fd, 1, limit_ms);
    } while (ready == 0 && limit_ms > 0);
    slot_acquire();
    return ready > 0 && libpq.consumeInput(db->conn);
}

static bool flush(struct pg_db *db, int64_t until_ms)
{
    int left;
    while ((left = libpq.flush(db->conn)) == 1) {
        if (!wait_for(db, true, until_ms))
            return false;
    }
    return left == 0;
}

/* False when the connection is lost, or there is no result in time; *ret_result is NULL then. */
static bool next(struct pg_db *db, int64_t until_ms, struct pg_result **ret_result)
{
    *ret_result = NULL;
    while (libpq.isBusy(db->conn)) {
        if (!flush(db, until_ms) || !wait_for(db, false, until_ms))
            return false;
    }
    *ret_result = libpq.getResult(db->conn);
    return *ret_result || libpq.status(db->conn) == CONNECTION_OK;
}

static void expect(struct pg_db *db, int prepared, int rows)
{
    if (db->expected_count == db->expected_capacity) {
        db->expected_capacity = db->expected_capacity ? 2 * db->expected_capacity : 16;
        db->expected = xrealloc(db->expected, db->expected_capacity * sizeof(db->expected[0]));
    }
    db->expected[db->expected_count++] =
        (struct pg_expected){.prepared = (int16_t)prepared, .rows = rows};
}

bool pg_queue_text(struct pg_db *db, const char *text, struct error *error)
{
    if (!db->conn || !libpq.sendQueryParams(db->conn, text, 0, NULL, NULL, NULL, NULL, 0))
        return pg_fail_lost(db, error);
    expect(db, -1, PG_ANY_ROWS);
    return true;
}

static bool queue_preparing(struct pg_db *db, const struct pg_stmt *stmt, const char *name)
{
    if (db->prepared[stmt->which])
        return true;
    if (!libpq.sendPrepare(db->conn, name, pg_text(stmt->which), stmt->count, stmt->types))
        return false;
    expect(db, stmt->which, PG_ANY_ROWS);
    db->prepared[stmt->which] = true; /* until its result is an error */
    return true;
}

bool pg_queue_stmt(struct pg_db *db, const struct pg_stmt *stmt, int rows, struct error *error)
{
    static const int binary[SQL_PARAMS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    char name[16];
    snprintf(name, sizeof(name), "s%d", stmt->which);
    if (!db->conn || !queue_preparing(db, stmt, name) ||
        !libpq.sendQueryPrepared(db->conn, name, stmt->count, stmt->values, stmt->lengths, binary,
                                 1))
        return pg_fail_lost(db, error);
    expect(db, -1, rows);
    return true;
}

bool pg_queue_stmt_for(struct pg_db *db, const struct pg_stmt *stmt, struct pg_result **ret_result,
                       struct error *error)
{
    if (!pg_queue_stmt(db, stmt, PG_ANY_ROWS, error))
        return false;
    db->expected[db->expected_count - 1].ret_result = ret_result;
    return true;
}

int64_t pg_changed_rows(struct pg_result *result)
{
    return strtoll(libpq.cmdTuples(result), NULL, 10);
}

/* --- receiving --- */

/* False when the result is an error; the first one of a pipeline sets `error`. */
static bool check_result(struct pg_db *db, const struct pg_expected *expected,
                         struct pg_result *result, bool failed, struct error *error)
{
    ExecStatusType status = libpq.resultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!ok && expected->prepared >= 0)
        db->prepared[expected->prepared] = false;
    if (ok) {
        db->held &= expected->rows == PG_ANY_ROWS || pg_changed_rows(result) == expected->rows;
        return true;
    }
    return failed || status == PGRES_PIPELINE_ABORTED || fail_result(db, result, error);
}

/* An answer is a result and a NULL behind it. */
static bool read_one(struct pg_db *db, const struct pg_expected *expected, int64_t until_ms,
                     bool *failed, struct error *error)
{
    struct pg_result *result, *nothing;
    if (!next(db, until_ms, &result) || !result)
        return pg_fail_lost(db, error);
    *failed |= !check_result(db, expected, result, *failed, error);
    libpq_clear(&db->last);
    *(expected->ret_result ? expected->ret_result : &db->last) = result;
    if (!db->conn)
        return false; /* the error ended the connection */
    if (!next(db, until_ms, &nothing) || nothing) {
        libpq.clear(nothing);
        return pg_fail_lost(db, *failed ? NULL : error);
    }
    return true;
}

static bool read_sync(struct pg_db *db, int64_t until_ms, struct error *error)
{
    struct pg_result *result = NULL;
    bool synced =
        next(db, until_ms, &result) && result && libpq.resultStatus(result) == PGRES_PIPELINE_SYNC;
    libpq.clear(result);
    return synced || pg_fail_lost(db, error);
}

bool pg_drain(struct pg_db *db, int64_t limit_ms, struct error *error)
{
    int64_t until_ms = clock_mono_ms() + limit_ms;
    bool failed = false;
    libpq_clear(&db->last);
    if (!db->conn || !libpq.pipelineSync(db->conn) || !flush(db, until_ms))
        return pg_fail_lost(db, error);
    for (size_t i = 0; i < db->expected_count; i++) {
        if (!read_one(db, &db->expected[i], until_ms, &failed, error))
            return false;
    }
    db->expected_count = 0;
    if (!read_sync(db, until_ms, failed ? NULL : error))
        return false;
    circuit_breaker_close(db->server->breaker);
    return !failed;
}

bool pg_run(struct pg_db *db, const char *text, struct error *error)
{
    return pg_queue_text(db, text, error) && pg_drain(db, PG_WRITE_MS, error);
}

static bool read_script(struct pg_db *db, int64_t until_ms, struct error *error)
{
    struct pg_result *result;
    bool failed = false;
    for (;;) {
        if (!next(db, until_ms, &result))
            return pg_fail_lost(db, failed ? NULL : error);
        if (!result)
            return !failed;
        ExecStatusType status = libpq.resultStatus(result);
        if (!failed && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            failed = !fail_result(db, result, error);
        libpq.clear(result);
        if (!db->conn)
            return false;
    }
}

bool pg_run_script(struct pg_db *db, const char *text, struct error *error)
{
    int64_t limit_ms = db->use == DB_WRITE ? PG_WRITE_MS : PG_READ_MS;
    int64_t until_ms = clock_mono_ms() + limit_ms;
    if (!db->conn || !libpq.exitPipelineMode(db->conn) || !libpq.sendQuery(db->conn, text) ||
        !flush(db, until_ms))
        return pg_fail_lost(db, error);
    if (!read_script(db, until_ms, error))
        return db->conn && !libpq.enterPipelineMode(db->conn) ? pg_fail_lost(db, NULL) : false;
    return libpq.enterPipelineMode(db->conn) || pg_fail_lost(db, error);
}
