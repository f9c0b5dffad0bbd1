/* Maintenance of the database: expiry of old rows, and of SQLite's write-ahead log (WAL) its length
 * and what deleted data it holds.
 *
 * Expiry runs in the committer's batches, a bounded number of rows at a time.
 *
 * Commits append to the WAL. Three rules keep it short and free of deleted data:
 *
 * - The checkpointer's thread moves it into the database file in rounds of 200 ms once it has 4
 * MiB, and empties it after five rounds without a commit. It sleeps without a timer when the WAL is
 * empty.
 * - While writes never pause, the WAL never gets back to its beginning by itself: from 64 MiB on
 * the writer waits up to 200 ms for readers and restarts it.
 * - A write that removes secrets has its batch's WAL emptied before it is reported
 * (store_write.scrub). When a reader blocks that, the checkpointer does it later.
 *
 * PostgreSQL maintains its own log. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "store/audit.h"
#include "store/consents.h"
#include "store/core/audit_chain.h"
#include "store/core/internal.h"
#include "store/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>

enum {
    WAL_PAGES_MAX = 16384, /* 64 MiB: then the writer waits for readers and restarts the WAL */
    WAL_PAGES_MORE = 2048, /* how much further it grows when readers blocked that */
    WAL_RESTART_MS = 200,  /* wait for readers */
    ROUND_MS = 200,        /* of the checkpointer */
    ROUND_MS_MAX = 5000,   /* while readers keep the WAL from being emptied */
    QUIET_ROUNDS = 5,      /* without a commit; then the WAL is emptied */
    PASSIVE_PAGES = 1024,  /* 4 MiB. Below it a checkpoint only competes with commits for syncs */
};

/* --- expiry --- */

static bool expire(struct db *db, enum sql sql, int64_t until_ms, struct expiry *expiry,
                   struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    stmt_i64(&stmt, 1, until_ms);
    stmt_i64(&stmt, 2, EXPIRE_STEP_MAX);
    if (!stmt_run(&stmt, error))
        return false;
    int64_t removed = stmt_changes(&stmt);
    expiry->removed += removed;
    expiry->more |= removed >= EXPIRE_STEP_MAX;
    return true;
}

static bool expire_audit(struct db *db, struct expiry *expiry, struct error *error)
{
    int64_t removed;
    if (!audit_expire(db, expiry->now_ms - AUDIT_LIFE_MS, &removed, error))
        return false;
    expiry->removed += removed;
    expiry->more |= removed >= EXPIRE_STEP_MAX;
    return true;
}

bool expiry_apply(struct db *db, void *argument, struct error *error)
{
    struct expiry *expiry = argument;
    return expire(db, SQL_CLIENT_TOKEN_EXPIRE, expiry->now_ms, expiry, error) &&
           expire(db, SQL_TOKEN_GRANT_EXPIRE, expiry->now_ms, expiry, error) &&
           expire(db, SQL_CONSENT_UNSEAL, expiry->now_ms, expiry, error) &&
           expire(db, SQL_CONSENT_EXPIRE, expiry->now_ms - CONSENT_KEPT_MS, expiry, error) &&
           expire_audit(db, expiry, error);
}

/* --- the WAL, on the writer's thread --- */

/* Deleted rows are zeroed in the database file (secure_delete); this removes their copies in the
 * WAL. */
static void empty_wal_now(struct store *store)
{
    bool whole = false;
    struct error error = {0};
    pthread_mutex_lock(&store->checkpoint_mutex);
    ignore_failure(/* then `whole` stays false */ sqlite_checkpoint(
        store->writer, CHECKPOINT_TRUNCATE, STORE_SCRUB_MS, &whole, &error));
    pthread_mutex_unlock(&store->checkpoint_mutex);
    if (whole) {
        atomic_store(&store->wal_pages, 0);
        return;
    }
    store_notice(NOTICE_WAL_NOT_EMPTIED,
                 error.code ? error.message : "a long read is in progress.");
    atomic_store(&store->empty_wal_wanted, true);
}

/* After a commit that failed half-way the WAL may hold all of it, behind its valid end. Emptying
 * the WAL makes sure that no recovery finds it there. */
void wal_before_report(struct store *store, bool committed, bool scrub)
{
    if (!store->path)
        return;
    if (!committed)
        atomic_store(&store->empty_wal_wanted, true);
    else
        atomic_store(&store->wal_pages, sqlite_wal_pages(store->writer));
    if (scrub)
        empty_wal_now(store);
}

static void restart_long_wal(struct store *store)
{
    bool whole = false;
    struct error error;
    int pages = sqlite_wal_pages(store->writer);
    if (pages < WAL_PAGES_MAX)
        store->restart_at_pages = WAL_PAGES_MAX;
    if (pages < store->restart_at_pages)
        return;
    pthread_mutex_lock(&store->checkpoint_mutex);
    ignore_failure(/* then `whole` stays false */ sqlite_checkpoint(
        store->writer, CHECKPOINT_RESTART, WAL_RESTART_MS, &whole, &error));
    pthread_mutex_unlock(&store->checkpoint_mutex);
    if (!whole)
        store->restart_at_pages = pages + WAL_PAGES_MORE;
}

void wal_after_report(struct store *store)
{
    if (!store->path)
        return;
    checkpointer_notify(store);
    restart_long_wal(store);
}

/* --- the checkpointer's thread --- */

struct checkpointer {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    _Atomic bool pending; /* the WAL may hold something */
    bool stopping;
    struct db *db; /* the thread's own from here on; NULL until there is work */
    int64_t wait_ms;
    uint64_t commits; /* at the last round */
    int quiet_rounds;
    bool failing; /* reported already */
};

/* False when the store closes. */
static bool wait_for_work(struct checkpointer *self)
{
    pthread_mutex_lock(&self->mutex);
    while (!self->stopping && !atomic_load(&self->pending))
        pthread_cond_wait(&self->wake, &self->mutex);
    int64_t until_ms = clock_mono_ms() + self->wait_ms;
    while (!self->stopping && cond_wait_until(&self->wake, &self->mutex, until_ms))
        ; /* another commit: the next round sees it */
    bool is_open = !self->stopping;
    pthread_mutex_unlock(&self->mutex);
    return is_open;
}

/* SQLite reads the whole schema for each connection, which is a seventh of what a start costs, so
 * this one is made for the first round that needs it. */
static bool open_connection(struct checkpointer *self, struct error *error)
{
    return self->db || sqlite_open(self->store->path, DB_CHECKPOINT, &self->db, error);
}

/* What fails is reported once, until it succeeds. */
static void report(struct checkpointer *self, bool ok, const struct error *error)
{
    if (!ok && !self->failing)
        store_notice(NOTICE_CHECKPOINT_FAILED, error->message);
    self->failing = !ok;
}

static bool checkpoint(struct checkpointer *self, enum checkpoint_mode mode)
{
    bool whole = false;
    struct error error;
    pthread_mutex_lock(&self->store->checkpoint_mutex);
    bool ok = sqlite_checkpoint(self->db, mode, 0, &whole, &error);
    pthread_mutex_unlock(&self->store->checkpoint_mutex);
    report(self, ok, &error);
    return whole;
}

/* TRUNCATE blocks writers until it ends, so PASSIVE does most of its work before. */
static void empty_wal(struct checkpointer *self)
{
    atomic_store(&self->pending, false);
    atomic_store(&self->store->empty_wal_wanted, false);
    if (checkpoint(self, CHECKPOINT_PASSIVE) && checkpoint(self, CHECKPOINT_TRUNCATE)) {
        self->wait_ms = ROUND_MS;
        return;
    }
    atomic_store(&self->store->empty_wal_wanted, true);
    atomic_store(&self->pending, true);
    self->wait_ms = self->wait_ms * 2 < ROUND_MS_MAX ? self->wait_ms * 2 : ROUND_MS_MAX;
}

static void round_once(struct checkpointer *self)
{
    struct store *store = self->store;
    struct error error;
    if (!open_connection(self, &error)) {
        report(self, false, &error);
        return; /* `pending` makes the next round try again */
    }
    uint64_t commits = atomic_load(&store->commits);
    bool quiet = commits == self->commits;
    self->quiet_rounds = quiet ? self->quiet_rounds + 1 : 0;
    self->commits = commits;
    if (!quiet) {
        self->wait_ms = ROUND_MS;
        rollback_record(store, self->db);
    }
    if (self->quiet_rounds >= QUIET_ROUNDS || atomic_load(&store->empty_wal_wanted))
        empty_wal(self);
    else if (atomic_load(&store->wal_pages) >= PASSIVE_PAGES)
        checkpoint(self, CHECKPOINT_PASSIVE);
}

static void *run(void *argument)
{
    struct checkpointer *self = argument;
    pthread_setname_np(pthread_self(), "checkpointer");
    while (wait_for_work(self))
        round_once(self);
    return NULL;
}

static void free_self(struct checkpointer *self)
{
    db_close(self->db);
    pthread_cond_destroy(&self->wake);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

bool checkpointer_start(struct store *store, struct error *error)
{
    struct checkpointer *self = xcalloc(1, sizeof(*self));
    self->store = store;
    self->wait_ms = ROUND_MS;
    pthread_mutex_init(&self->mutex, NULL);
    cond_init_timed(&self->wake);
    int rc = pthread_create(&self->thread, NULL, run, self);
    if (rc != 0) {
        free_self(self);
        return fail(error, ERR_UNAVAILABLE, "The store cannot start a thread: %s.", strerror(rc));
    }
    store->checkpointer = self;
    return true;
}

void checkpointer_stop(struct store *store)
{
    struct checkpointer *self = store->checkpointer;
    if (!self)
        return;
    pthread_mutex_lock(&self->mutex);
    self->stopping = true;
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->mutex);
    pthread_join(self->thread, NULL);
    free_self(self);
    store->checkpointer = NULL;
}

void checkpointer_notify(struct store *store)
{
    struct checkpointer *self = store->checkpointer;
    if (!self || atomic_exchange(&self->pending, true))
        return;
    pthread_mutex_lock(&self->mutex);
    pthread_cond_signal(&self->wake);
    pthread_mutex_unlock(&self->mutex);
}
