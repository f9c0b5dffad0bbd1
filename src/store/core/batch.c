/* A batch: one transaction for many writes, all made durable by one sync.
 *
 * The optimistic way comes first: all writes run in one transaction without savepoints, with
 * PostgreSQL also without waiting for results (db_begin_pipelined). That commits unless a write
 * fails. If one does, the transaction is rolled back and the batch runs again with a savepoint
 * around each write, so that a failing write is undone alone and reported to its caller.
 *
 * A batch whose connection was lost, or which another transaction conflicted with, is retried for
 * up to 30 s. If the connection was lost during COMMIT, the batch is not run again before
 * db_resolve_commit has found out that it was not committed. */
#include "base/clock.h"
#include "base/fault.h"
#include "store/core/audit_chain.h"
#include "store/core/internal.h"

#include <assert.h>

enum {
    RETRY_MS = 30 * 1000,       /* of a batch, after a lost connection or a conflict */
    RETRY_AT_END_MS = 2 * 1000, /* when the store closes */
    RETRY_NAP_US = 10 * 1000,
};

/* False when the whole transaction is lost; write->ok tells whether this write succeeded. */
static bool apply_one(struct db *db, struct store_write *write, struct error *error)
{
    struct audit_chain *chain = db_audit(db);
    struct audit_mark mark = audit_chain_mark(chain);
    write->ok = false;
    write->error.code = ERR_NONE;
    if (!db_savepoint(db, error))
        return false;
    bool ok = write->apply(db, write->argument, &write->error);
    if (!ok && write->error.code == ERR_NONE)
        fail(&write->error, ERR_INTERNAL, "A write of the store failed without an error message.");
    if (db_is_lost(db)) {
        if (ok)
            return fail(error, ERR_UNAVAILABLE, "The store's transaction was lost.");
        *error = write->error;
        return false;
    }
    assert(ok || write->error.code != ERR_NONE);
    write->ok = ok;
    if (!ok)
        audit_chain_undo(chain, &mark);
    return ok ? db_savepoint_keep(db, error) : db_savepoint_undo(db, error);
}

static bool try_one_by_one(struct db *db, struct store_write *batch, struct error *error)
{
    if (!db_begin_write(db, error))
        return false;
    audit_chain_begin(db_audit(db), true);
    for (struct store_write *write = batch; write; write = write->next) {
        if (!apply_one(db, write, error))
            return false;
    }
    if (!audit_chain_close(db, error))
        return false;
    fault_point("store:before-commit");
    return db_commit(db, error);
}

/* *ret_held false: a write failed, or an assumption of the pipelined transaction did not hold. */
static bool try_together(struct db *db, struct store_write *batch, bool *ret_held,
                         struct error *error)
{
    *ret_held = true;
    if (!db_begin_pipelined(db, error))
        return false;
    audit_chain_begin(db_audit(db), false);
    for (struct store_write *write = batch; write && *ret_held; write = write->next) {
        write->error.code = ERR_NONE;
        write->ok = write->apply(db, write->argument, &write->error);
        *ret_held = write->ok && !db_is_lost(db);
    }
    *ret_held = *ret_held && audit_chain_close(db, error);
    fault_point("store:before-commit");
    return *ret_held ? db_commit_pipelined(db, ret_held, error)
                     : fail(error, ERR_RETRY, "A write of this batch failed.");
}

/* Whether to retry a batch that failed. *ret_committed: it turned out that it was committed. */
static bool try_again(struct db *db, int64_t until_ms, bool *ret_committed, struct error *error)
{
    enum db_failure failure = db_failure(db);
    if (failure == DB_FATE_UNKNOWN && !db_resolve_commit(db, until_ms, ret_committed, error))
        return false;
    if (failure == DB_FAILED || failure == DB_FAILED_BUSY || *ret_committed ||
        clock_mono_ms() >= until_ms)
        return false;
    db_rollback(db);
    clock_nap_us(RETRY_NAP_US);
    return true;
}

static bool commit_batch(struct store *store, struct store_write *batch, struct error *error)
{
    struct db *db = store->writer;
    int64_t begun_ms = clock_mono_ms();
    bool together = true, committed = false;
    for (;;) {
        bool held = true;
        if (together ? try_together(db, batch, &held, error) : try_one_by_one(db, batch, error))
            return true;
        if (!held) {
            db_rollback(db);
            audit_chain_forget(store->audit);
            together = false;
        } else {
            int64_t limit_ms = store->closing ? RETRY_AT_END_MS : RETRY_MS;
            if (!try_again(db, begun_ms + limit_ms, &committed, error))
                return committed;
            audit_chain_forget(store->audit);
        }
    }
}

const struct metric metric_commits_failed = {
    "headgate_commits_failed_total",
    "Batches of writes that could not be made durable.",
    METRIC_SERIES(1),
};

const struct metric metric_commit_seconds = {
    "headgate_commit_duration_seconds",
    "Making one batch of writes durable.",
    .scale = &metric_times,
    METRIC_HISTOGRAMS(1),
};

const struct metric metric_commit_writes = {
    "headgate_commit_writes",
    "Writes that one commit made durable.",
    .scale = &metric_quantities,
    METRIC_HISTOGRAMS(1),
};

static void note_success(struct store *store)
{
    if (store->failing)
        store_notice(NOTICE_WRITES_WORK, "");
    store->failing = false;
    atomic_fetch_add(&store->commits, 1);
}

static void note_failure(struct store *store, const struct error *error)
{
    db_rollback(store->writer);
    metrics_count(&metric_commits_failed, 0, 0);
    if (!store->failing)
        store_notice(NOTICE_WRITES_FAIL, error->message);
    store->failing = true;
}

static bool removes_secrets(const struct store_write *batch)
{
    for (; batch; batch = batch->next) {
        if (batch->ok && batch->scrub)
            return true;
    }
    return false;
}

static void count(struct store *store, const struct store_write *batch, int64_t duration_us)
{
    uint64_t writes = 0;
    for (; batch; batch = batch->next)
        writes += batch->done != NULL;
    atomic_fetch_add(&store->writes, writes);
    atomic_fetch_add(&store->batches, writes > 0);
    if (writes > 0) {
        metrics_observe(&metric_commit_writes, 0, (int64_t)writes);
        metrics_observe(&metric_commit_seconds, 0, duration_us);
    }
}

void batch_report(struct store_write *batch, bool ok, const struct error *error)
{
    while (batch) {
        struct store_write *next = batch->next; /* `done` may free the write */
        if (!ok) {
            batch->ok = false;
            batch->error = *error;
        }
        if (batch->done)
            batch->done(batch);
        batch = next;
    }
}

bool batch_commit(struct store *store, struct store_write *batch, struct error *error)
{
    int64_t begun_us = clock_mono_us();
    bool ok = commit_batch(store, batch, error);
    bool given_up = !ok && db_failure(store->writer) != DB_FAILED;
    if (ok) {
        audit_chain_committed(store->audit);
        fault_point("store:after-commit");
        note_success(store);
        count(store, batch, clock_mono_us() - begun_us);
    } else {
        audit_chain_forget(store->audit);
        note_failure(store, error);
    }
    assert(ok || error->code != ERR_NONE); /* what each of its writes says */
    bool scrub = ok && removes_secrets(batch);
    wal_before_report(store, ok, scrub);
    batch_report(batch, ok, error);
    wal_after_report(store);
    return !given_up;
}
