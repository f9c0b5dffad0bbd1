/* One transaction for many writes: each between marks of its own, all durable with one sync. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/inside.h"

#include <string.h>

enum {
    LOG_PAGES_MAX =
        16384, /* 64 MiB: past it the writer waits for readers and begins the log anew */
    LOG_PAGES_MORE = 2048, /* how much further it goes when readers did not give way */
    LOG_RESTART_MS = 200,
};

/* False when the whole transaction is lost; whether this write succeeded is in write->ok. */
static bool apply_one(struct db *db, struct store_write *write, struct error *error)
{
    write->ok = false;
    write->error.code = ERR_NONE;
    if (!db_mark(db, error))
        return false;
    bool ok = write->apply(db, write->argument, &write->error);
    if (!ok && write->error.code == ERR_NONE)
        fail(&write->error, ERR_INTERNAL, "A write failed without saying why.");
    if (db_is_lost(db)) {
        if (ok)
            return fail(error, ERR_UNAVAILABLE, "The store's transaction was lost.");
        *error = write->error;
        return false;
    }
    write->ok = ok;
    return ok ? db_mark_keep(db, error) : db_mark_undo(db, error);
}

static bool try_batch(struct db *db, struct store_write *batch, struct error *error)
{
    if (!db_begin_write(db, error))
        return false;
    for (struct store_write *write = batch; write; write = write->next) {
        if (!apply_one(db, write, error))
            return false;
    }
    fault_point("store:before-commit");
    return db_commit(db, error);
}

static void note_success(struct store *store)
{
    if (store->failing)
        log_info("The store can be written again.");
    store->failing = false;
    atomic_store(&store->log_pages, db_log_pages(store->writer));
    atomic_fetch_add(&store->commits, 1);
}

/* After a commit that failed halfway the log may hold it whole, past its valid end. Emptying the
 * log makes sure that no recovery finds it there. */
static void note_failure(struct store *store, const struct error *error)
{
    db_rollback(store->writer);
    metrics_count(METRIC_COMMITS_FAILED, 0, 0);
    if (!store->failing)
        log_error("Writes fail: %s", error->message);
    store->failing = true;
    atomic_store(&store->empty_log_wanted, true);
}

static bool removes_secrets(const struct store_write *batch)
{
    for (; batch; batch = batch->next) {
        if (batch->ok && batch->scrub)
            return true;
    }
    return false;
}

/* What was deleted is zeroed in the database file; here its older copies in the log go. */
static void empty_log(struct store *store)
{
    bool whole = false;
    struct error error = {0};
    pthread_mutex_lock(&store->checkpoint_mutex);
    db_checkpoint(store->writer, DB_CHECKPOINT_TRUNCATE, STORE_SCRUB_MS, &whole, &error);
    pthread_mutex_unlock(&store->checkpoint_mutex);
    if (whole) {
        atomic_store(&store->log_pages, 0);
        return;
    }
    log_warn("Deleted data stays in the store's log for now: %s",
             error.code ? error.message : "a reader would not end.");
    atomic_store(&store->empty_log_wanted, true);
}

static void count(struct store *store, const struct store_write *batch, int64_t duration_us)
{
    uint64_t writes = 0;
    for (; batch; batch = batch->next)
        writes += batch->done != NULL;
    atomic_fetch_add(&store->writes, writes);
    atomic_fetch_add(&store->batches, writes > 0);
    if (writes > 0) {
        metrics_observe(METRIC_COMMIT_WRITES, 0, (int64_t)writes);
        metrics_observe(METRIC_COMMIT_SECONDS, 0, duration_us);
    }
}

static void report(struct store_write *batch, bool ok, const struct error *error)
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

/* The checkpointer never gets the log to its beginning while writes go on without a pause. */
static void keep_log_short(struct store *store)
{
    bool whole = false;
    struct error error;
    int pages = db_log_pages(store->writer);
    if (pages < LOG_PAGES_MAX)
        store->restart_at_pages = LOG_PAGES_MAX;
    if (pages < store->restart_at_pages)
        return;
    pthread_mutex_lock(&store->checkpoint_mutex);
    db_checkpoint(store->writer, DB_CHECKPOINT_RESTART, LOG_RESTART_MS, &whole, &error);
    pthread_mutex_unlock(&store->checkpoint_mutex);
    if (!whole)
        store->restart_at_pages = pages + LOG_PAGES_MORE;
}

void batch_commit(struct store *store, struct store_write *batch)
{
    struct error error = {0};
    int64_t begun_us = clock_mono_us();
    bool ok = try_batch(store->writer, batch, &error);
    if (ok) {
        fault_point("store:after-commit");
        note_success(store);
        count(store, batch, clock_mono_us() - begun_us);
    } else {
        note_failure(store, &error);
    }
    if (ok && removes_secrets(batch))
        empty_log(store);
    report(batch, ok, &error);
    checkpointer_notify(store);
    keep_log_short(store);
}
