/* Keeps SQLite's write-ahead log short, and free of what was deleted. A database across a network
 * looks after its own. */
#include "base/log.h"
#include "store/core/internal.h"
#include "store/sqlite/sqlite.h"

enum {
    LOG_PAGES_MAX =
        16384, /* 64 MiB: past it the writer waits for readers and begins the log anew */
    LOG_PAGES_MORE = 2048, /* how much further it goes when readers did not give way */
    LOG_RESTART_MS = 200,
};

/* What was deleted is zeroed in the database file; here its older copies in the log go. */
static void empty_log(struct store *store)
{
    bool whole = false;
    struct error error = {0};
    pthread_mutex_lock(&store->checkpoint_mutex);
    sqlite_checkpoint(store->writer, CHECKPOINT_TRUNCATE, STORE_SCRUB_MS, &whole, &error);
    pthread_mutex_unlock(&store->checkpoint_mutex);
    if (whole) {
        atomic_store(&store->log_pages, 0);
        return;
    }
    log_warn("Deleted data stays in the write-ahead log (WAL) for now: %s",
             error.code ? error.message : "a long read is in progress.");
    atomic_store(&store->empty_log_wanted, true);
}

/* After a commit that failed halfway the log may hold it whole, past its valid end. Emptying the
 * log makes sure that no recovery finds it there. */
void wal_before_report(struct store *store, bool committed, bool scrub)
{
    if (!store->path)
        return;
    if (!committed)
        atomic_store(&store->empty_log_wanted, true);
    else
        atomic_store(&store->log_pages, sqlite_log_pages(store->writer));
    if (scrub)
        empty_log(store);
}

/* The checkpointer never gets the log to its beginning while writes go on without a pause. */
static void keep_log_short(struct store *store)
{
    bool whole = false;
    struct error error;
    int pages = sqlite_log_pages(store->writer);
    if (pages < LOG_PAGES_MAX)
        store->restart_at_pages = LOG_PAGES_MAX;
    if (pages < store->restart_at_pages)
        return;
    pthread_mutex_lock(&store->checkpoint_mutex);
    sqlite_checkpoint(store->writer, CHECKPOINT_RESTART, LOG_RESTART_MS, &whole, &error);
    pthread_mutex_unlock(&store->checkpoint_mutex);
    if (!whole)
        store->restart_at_pages = pages + LOG_PAGES_MORE;
}

void wal_after_report(struct store *store)
{
    if (!store->path)
        return;
    checkpointer_notify(store);
    keep_log_short(store);
}
