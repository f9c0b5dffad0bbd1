/* PostgreSQL's driver: sending statements and reading their answers, in pipeline mode throughout:
 * what was sent is answered in the same order, up to a mark; after an error everything up to the
 * mark is skipped (manual, "Pipeline Mode"). No wait is without an end. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "work/cpu_slots.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* Waits until the server sent something, or also until it takes something. */
static bool wait_for(struct pg_db *db, bool sends, int64_t until_ms)
{
    struct pollfd poll_fd = {
        .fd = libpq.socket(db->conn),
        .events = (short)(POLLIN | (sends ? POLLOUT : 0)),
    };
    int64_t left_ms = until_ms - clock_mono_ms();
    slot_release();
    bool ready = poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0) > 0;
    slot_acquire();
    return ready && libpq.consumeInput(db->conn);
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

/* False when the connection is lost or silent. */
static bool next(struct pg_db *db, int64_t until_ms, struct pg_result **ret_result)
{
    while (libpq.isBusy(db->conn)) {
        if (!flush(db, until_ms) || !wait_for(db, false, until_ms))
            return false;
    }
    *ret_result = libpq.getResult(db->conn);
    return *ret_result || libpq.status(db->conn) == LIBPQ_STATUS_OK;
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
    const char *text = stmt->text ? stmt->text : pg_text(stmt->which);
    if (!libpq.sendPrepare(db->conn, name, text, stmt->count, stmt->types))
        return false;
    expect(db, stmt->which, PG_ANY_ROWS);
    db->prepared[stmt->which] = true; /* unless its answer says otherwise */
    return true;
}

bool pg_queue_stmt(struct pg_db *db, const struct pg_stmt *stmt, int rows, struct error *error)
{
    static const int binary[SQL_PARAMS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
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

/* Takes one answer; false when it is an error, which the first one of a pipeline tells. */
static bool judge(struct pg_db *db, const struct pg_expected *expected, struct pg_result *result,
                  bool failed, struct error *error)
{
    int status = libpq.resultStatus(result);
    bool ok = status == LIBPQ_COMMAND_OK || status == LIBPQ_TUPLES_OK;
    if (!ok && expected->prepared >= 0)
        db->prepared[expected->prepared] = false;
    if (ok) {
        db->held &= expected->rows == PG_ANY_ROWS || pg_changed_rows(result) == expected->rows;
        return true;
    }
    return failed || status == LIBPQ_PIPELINE_ABORTED || pg_fail_result(db, result, error);
}

/* One answer is a result and nothing after it. */
static bool read_one(struct pg_db *db, const struct pg_expected *expected, int64_t until_ms,
                     bool *failed, struct error *error)
{
    struct pg_result *result, *nothing;
    if (!next(db, until_ms, &result) || !result)
        return pg_fail_lost(db, error);
    *failed |= !judge(db, expected, result, *failed, error);
    libpq_clear(&db->last);
    *(expected->ret_result ? expected->ret_result : &db->last) = result;
    if (!db->conn)
        return false; /* the error was the connection's end */
    if (!next(db, until_ms, &nothing) || nothing) {
        libpq.clear(nothing);
        return pg_fail_lost(db, *failed ? NULL : error);
    }
    return true;
}

static bool read_mark(struct pg_db *db, int64_t until_ms, struct error *error)
{
    struct pg_result *result = NULL;
    bool marked =
        next(db, until_ms, &result) && result && libpq.resultStatus(result) == LIBPQ_PIPELINE_SYNC;
    libpq.clear(result);
    return marked || pg_fail_lost(db, error);
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
    if (!read_mark(db, until_ms, failed ? NULL : error))
        return false;
    circuit_breaker_close(pg_server_breaker(db->server));
    return !failed;
}

bool pg_say(struct pg_db *db, const char *text, struct error *error)
{
    return pg_queue_text(db, text, error) && pg_drain(db, PG_WRITE_MS, error);
}

static bool read_simple(struct pg_db *db, int64_t until_ms, struct error *error)
{
    struct pg_result *result;
    bool failed = false;
    for (;;) {
        if (!next(db, until_ms, &result))
            return pg_fail_lost(db, failed ? NULL : error);
        if (!result)
            return !failed;
        int status = libpq.resultStatus(result);
        if (!failed && status != LIBPQ_COMMAND_OK && status != LIBPQ_TUPLES_OK)
            failed = !pg_fail_result(db, result, error);
        libpq.clear(result);
        if (!db->conn)
            return false;
    }
}

bool pg_simple(struct pg_db *db, const char *text, struct error *error)
{
    int64_t limit_ms = db->use == DB_WRITE ? PG_WRITE_MS : PG_READ_MS;
    int64_t until_ms = clock_mono_ms() + limit_ms;
    if (!db->conn || !libpq.exitPipelineMode(db->conn) || !libpq.sendQuery(db->conn, text) ||
        !flush(db, until_ms))
        return pg_fail_lost(db, error);
    if (!read_simple(db, until_ms, error))
        return db->conn && !libpq.enterPipelineMode(db->conn) ? pg_fail_lost(db, NULL) : false;
    return libpq.enterPipelineMode(db->conn) || pg_fail_lost(db, error);
}
