/* The checkpointer: a thread that moves the write-ahead log into the database file, away from the
 * committer's path. It sleeps without a timer when there is nothing to move. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timed.h"
#include "store/core/internal.h"
#include "store/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROUND_MS = 200,
    ROUND_MS_MAX = 5000, /* when readers stand in the way of an empty log */
    QUIET_ROUNDS = 5,    /* without a commit; then the log is emptied */
    /* 4 MiB. Below it a checkpoint only takes syncs away from the committer. */
    PASSIVE_PAGES = 1024,
};

struct checkpointer {
    struct store *store;
    struct db *db;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    _Atomic bool pending; /* the log may hold something */
    bool stopping;
    int64_t wait_ms;  /* the thread's own from here on */
    uint64_t commits; /* at the last round */
    int quiet_rounds;
    bool failing; /* said in the log already */
};

/* False when the store closes. */
static bool wait_for_work(struct checkpointer *self)
{
    pthread_mutex_lock(&self->mutex);
    while (!self->stopping && !atomic_load(&self->pending))
        pthread_cond_wait(&self->wake, &self->mutex);
    int64_t until_ms = clock_mono_ms() + self->wait_ms;
    while (!self->stopping && cond_wait_until(&self->wake, &self->mutex, until_ms))
        ; /* another commit: it is seen at the round's time */
    bool goes_on = !self->stopping;
    pthread_mutex_unlock(&self->mutex);
    return goes_on;
}

static bool checkpoint(struct checkpointer *self, enum checkpoint_mode mode)
{
    bool whole = false;
    struct error error;
    pthread_mutex_lock(&self->store->checkpoint_mutex);
    bool ok = sqlite_checkpoint(self->db, mode, 0, &whole, &error);
    pthread_mutex_unlock(&self->store->checkpoint_mutex);
    if (!ok && !self->failing)
        log_warn("The write-ahead log (WAL) cannot be checkpointed into the database file: %s",
                 error.message);
    self->failing = !ok;
    return whole;
}

/* TRUNCATE keeps writers out until it ends, so it is left with little to do. */
static void empty_log(struct checkpointer *self)
{
    atomic_store(&self->pending, false);
    atomic_store(&self->store->empty_log_wanted, false);
    if (checkpoint(self, CHECKPOINT_PASSIVE) && checkpoint(self, CHECKPOINT_TRUNCATE)) {
        self->wait_ms = ROUND_MS;
        return;
    }
    atomic_store(&self->store->empty_log_wanted, true);
    atomic_store(&self->pending, true);
    self->wait_ms = self->wait_ms * 2 < ROUND_MS_MAX ? self->wait_ms * 2 : ROUND_MS_MAX;
}

static void round_once(struct checkpointer *self)
{
    struct store *store = self->store;
    uint64_t commits = atomic_load(&store->commits);
    bool quiet = commits == self->commits;
    self->quiet_rounds = quiet ? self->quiet_rounds + 1 : 0;
    self->commits = commits;
    if (!quiet)
        self->wait_ms = ROUND_MS;
    if (self->quiet_rounds >= QUIET_ROUNDS || atomic_load(&store->empty_log_wanted))
        empty_log(self);
    else if (atomic_load(&store->log_pages) >= PASSIVE_PAGES)
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
    bool ok = sqlite_open(store->path, DB_CHECKPOINT, &self->db, error);
    int rc = ok ? pthread_create(&self->thread, NULL, run, self) : 0;
    if (rc != 0)
        ok = fail(error, ERR_UNAVAILABLE, "No thread for the store: %s.", strerror(rc));
    if (!ok) {
        free_self(self);
        return false;
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
