/* The committer (group commit): a thread that owns the write connection, takes all queued writes
 * and commits them as one batch (batch.c). While a batch is being synced the next one queues up, so
 * under load one sync serves up to STORE_BATCH_MAX writes, and without load a write waits for its
 * own sync only.
 *
 * Expired rows are removed by a write of the committer's own, added to a batch when its time has
 * come. When a batch was given up after its retry limit, all writes that queued meanwhile fail with
 * it: they have waited as long, and would each wait for the same limit again. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "store/core/internal.h"
#include "work/cpu_slots.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    EXPIRE_MORE_MS = 200,    /* while there is a backlog */
    EXPIRE_IDLE_FACTOR = 10, /* after a step that found nothing, times the store's pace */
};

struct committer {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct store_write *first;
    struct store_write **last; /* where the next one is linked */
    size_t length;
    bool asleep;
    bool closing;
    int64_t expire_at_ms; /* monotonic; the thread's own from here on */
    struct expiry expiry;
    struct store_write expire;
};

/* Dequeues up to STORE_BATCH_MAX writes. Called with the mutex held. */
static struct store_write *take(struct committer *committer)
{
    struct store_write *batch = committer->first, **end = &committer->first;
    for (size_t i = 0; i < STORE_BATCH_MAX && *end; i++) {
        end = &(*end)->next;
        committer->length--;
    }
    committer->first = *end;
    if (!committer->first)
        committer->last = &committer->first;
    if (batch)
        *end = NULL;
    assert((committer->first == NULL) == (committer->length == 0));
    return batch;
}

/* False when the store closes and the queue is empty. The batch is empty (NULL) at expiry time. */
static bool wait_for_batch(struct committer *committer, struct store_write **ret_batch)
{
    pthread_mutex_lock(&committer->mutex);
    committer->asleep = true;
    while (!committer->first && !committer->closing) {
        if (!cond_wait_until(&committer->wake, &committer->mutex, committer->expire_at_ms))
            break;
    }
    committer->asleep = false;
    bool ends = committer->closing && !committer->first;
    *ret_batch = take(committer);
    pthread_mutex_unlock(&committer->mutex);
    return !ends;
}

static void plan_expiry(struct committer *committer)
{
    int64_t pace_ms = committer->store->expiry_pace_ms;
    int64_t wait_ms = committer->expiry.more          ? EXPIRE_MORE_MS
                      : committer->expiry.removed > 0 ? pace_ms
                                                      : EXPIRE_IDLE_FACTOR * pace_ms;
    committer->expire_at_ms = clock_mono_ms() + wait_ms;
}

/* Fails the writes that queued while a batch was retried. */
static void fail_waiting(struct committer *committer, const struct error *reason)
{
    struct error error = {0};
    pthread_mutex_lock(&committer->mutex);
    struct store_write *waiting = committer->first;
    committer->first = NULL;
    committer->last = &committer->first;
    committer->length = 0;
    pthread_mutex_unlock(&committer->mutex);
    fail(&error, reason->code, "%s",
         store_is_remote(committer->store)
             ? "The change was not applied: the store's database did not respond."
             : reason->message);
    batch_report(waiting, false, &error);
}

static void commit(struct committer *committer, struct store_write *batch)
{
    struct error error = {0};
    bool expires = clock_mono_ms() >= committer->expire_at_ms;
    if (expires) {
        committer->expiry = (struct expiry){.now_ms = committer->store->now_ms()};
        committer->expire.next = batch;
        batch = &committer->expire;
    }
    if (batch && !batch_commit(committer->store, batch, &error))
        fail_waiting(committer, &error);
    if (expires)
        plan_expiry(committer);
}

static void *run(void *argument)
{
    struct committer *committer = argument;
    pthread_setname_np(pthread_self(), "committer");
    struct store_write *batch;
    while (wait_for_batch(committer, &batch))
        commit(committer, batch);
    return NULL;
}

bool committer_start(struct store *store, struct error *error)
{
    struct committer *committer = xcalloc(1, sizeof(*committer));
    committer->store = store;
    committer->last = &committer->first;
    committer->expire_at_ms = clock_mono_ms() + store->expiry_pace_ms;
    committer->expire = (struct store_write){.apply = expiry_apply, .argument = &committer->expiry};
    pthread_mutex_init(&committer->mutex, NULL);
    cond_init_timed(&committer->wake);
    int rc = pthread_create(&committer->thread, NULL, run, committer);
    if (rc != 0) {
        free(committer);
        return fail(error, ERR_UNAVAILABLE, "The store cannot start a thread: %s.", strerror(rc));
    }
    store->committer = committer;
    return true;
}

void committer_stop(struct store *store)
{
    struct committer *committer = store->committer;
    if (!committer)
        return;
    pthread_mutex_lock(&committer->mutex);
    committer->closing = true;
    store->closing = true;
    pthread_cond_signal(&committer->wake);
    pthread_mutex_unlock(&committer->mutex);
    pthread_join(committer->thread, NULL);
    assert(!committer->first); /* every write was reported */
    pthread_cond_destroy(&committer->wake);
    pthread_mutex_destroy(&committer->mutex);
    free(committer);
    store->committer = NULL;
}

static const char *const limit_name[] = {"committer"};

const struct metric metric_writes_throttled = {
    "headgate_throttled_total",
    .labels = {{"limit", 1, limit_name, NULL}},
    METRIC_SERIES(1),
};

static bool may_queue(const struct committer *committer, struct error *error)
{
    if (committer->closing)
        return fail(error, ERR_UNAVAILABLE, "The server is stopping.");
    if (committer->length < STORE_QUEUE_MAX)
        return true;
    metrics_count(&metric_writes_throttled, 0, 0);
    return fail(error, ERR_THROTTLING, "Rate exceeded: too many writes are waiting for the disk.");
}

bool committer_post(struct committer *committer, struct store_write *write, struct error *error)
{
    pthread_mutex_lock(&committer->mutex);
    bool ok = may_queue(committer, error);
    if (ok) {
        write->next = NULL;
        *committer->last = write;
        committer->last = &write->next;
        committer->length++;
        assert(committer->length <= STORE_QUEUE_MAX);
    }
    bool wakes = ok && committer->asleep;
    if (wakes)
        committer->asleep = false; /* one signal is enough */
    pthread_mutex_unlock(&committer->mutex);
    if (wakes) /* after unlocking, since the thread locks the mutex first */
        pthread_cond_signal(&committer->wake);
    return ok;
}

/* --- store.h --- */

static void post_attached(struct store *store, struct store_write *write)
{
    struct error error = {0}; /* the write has it too */
    write->next = NULL;
    pthread_mutex_lock(&store->writer_mutex);
    ignore_failure(batch_commit(store, write, &error)); /* the write's `done` gets the outcome */
    pthread_mutex_unlock(&store->writer_mutex);
}

bool store_post(struct store *store, struct store_write *write, struct error *error)
{
    if (store->committer)
        return committer_post(store->committer, write, error);
    post_attached(store, write);
    return true;
}

struct waiting_write {
    struct store_write write;
    struct slot_wait wait;
};

static void wake_waiter(struct store_write *write)
{
    slot_wait_end(&((struct waiting_write *)write)->wait);
}

bool store_apply(struct store *store, store_apply_fn *apply, void *argument, bool scrub,
                 struct error *error)
{
    struct waiting_write waiting = {
        .write = {.apply = apply, .argument = argument, .done = wake_waiter, .scrub = scrub}};
    slot_wait_init(&waiting.wait);
    bool ok = store_post(store, &waiting.write, error);
    if (ok) {
        slot_wait(&waiting.wait);
        ok = waiting.write.ok;
        if (!ok && error)
            *error = waiting.write.error;
    }
    slot_wait_done(&waiting.wait);
    return ok;
}

/* --- counts --- */

static size_t count_queued(struct committer *committer)
{
    pthread_mutex_lock(&committer->mutex);
    size_t length = committer->length;
    pthread_mutex_unlock(&committer->mutex);
    return length;
}

static int64_t file_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

/* With the WAL, which is large for a while after many changes. */
static int64_t count_bytes(const struct store *store)
{
    char wal[PATH_MAX];
    if (!store->path)
        return 0;
    snprintf(wal, sizeof(wal), "%s-wal", store->path);
    return file_size(store->path) + file_size(wal);
}

struct store_counts store_counts(const struct store *store)
{
    return (struct store_counts){
        .commits = atomic_load(&store->batches),
        .writes = atomic_load(&store->writes),
        .queued = store->committer ? count_queued(store->committer) : 0,
        .failing = atomic_load(&store->failing),
        .bytes = count_bytes(store),
    };
}
