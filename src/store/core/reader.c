/* Readers: one read-only connection each, used by one thread at a time.
 *
 * A reader's transaction stays open between reads and is renewed only when this process has
 * committed since it began (store->commits), so a look-up by key normally costs no BEGIN and no
 * COMMIT, and still sees every acknowledged change. store_reader_rest ends it, which SQLite needs
 * for emptying its WAL.
 *
 * store_reader_take gets one from a pool. With PostgreSQL the pool has at most readers_max
 * connections, and taking waits for a free one; point readers (store_point_reader_take) have no
 * connection of their own there, but share the read batcher's (pg/read_batcher.c). */
#include "store/core/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/timed.h"
#include "work/cpu_slots.h"

#include <assert.h>
#include <stdlib.h>

enum {
    READERS_KEPT = 8, /* idle in the pool; with PostgreSQL all are kept */
    POINT_READERS_KEPT = 64,
    READER_WAIT_MS = 10 * 1000,
};

struct store_reader {
    struct store *store;
    struct db *db;
    bool open;     /* a transaction is open */
    uint64_t seen; /* store->commits when it began */
    struct store_reader *next;
};

/* The caller has counted the reader in readers_open; a point reader is not counted. */
static bool open_reader(struct store *store, enum db_use use, struct store_reader **ret_reader,
                        struct error *error)
{
    struct db *db;
    if (!store_connect(store, use, &db, error))
        return false;
    struct store_reader *reader = xcalloc(1, sizeof(*reader));
    reader->store = store;
    reader->db = db;
    *ret_reader = reader;
    return true;
}

static void uncount_reader(struct store *store)
{
    pthread_mutex_lock(&store->readers_mutex);
    store->readers_open--;
    pthread_cond_signal(&store->reader_put);
    pthread_mutex_unlock(&store->readers_mutex);
}

/* Gets an idle reader and counts it as in use, or returns NULL. The caller holds readers_mutex. */
static struct store_reader *take_idle(struct store *store)
{
    struct store_reader *reader = store->readers;
    if (reader) {
        store->readers = reader->next;
        store->readers_resting--;
    }
    return reader;
}

bool store_reader_open(struct store *store, struct store_reader **ret_reader, struct error *error)
{
    pthread_mutex_lock(&store->readers_mutex);
    *ret_reader = take_idle(store);
    store->readers_open += !*ret_reader;
    pthread_mutex_unlock(&store->readers_mutex);
    if (*ret_reader || open_reader(store, DB_READ, ret_reader, error))
        return true;
    uncount_reader(store);
    return false;
}

void store_reader_rest(struct store_reader *reader)
{
    if (reader->open)
        db_rollback(reader->db);
    reader->open = false;
}

void store_reader_close(struct store_reader *reader)
{
    struct store *store = reader->store;
    store_reader_rest(reader);
    db_close(reader->db);
    free(reader);
    uncount_reader(store);
}

/* Gets an idle reader, or NULL and the right to open one; false when neither was free in time. */
static bool take_or_reserve(struct store *store, struct store_reader **ret_reader)
{
    int64_t until_ms = clock_mono_ms() + READER_WAIT_MS;
    bool in_time = true, waits = false;
    pthread_mutex_lock(&store->readers_mutex);
    while (in_time && !store->readers && store->readers_max > 0 &&
           store->readers_open >= store->readers_max) {
        if (!waits)
            slot_release();
        waits = true;
        in_time = cond_wait_until(&store->reader_put, &store->readers_mutex, until_ms);
    }
    struct store_reader *reader = in_time ? take_idle(store) : NULL;
    store->readers_open += in_time && !reader;
    pthread_mutex_unlock(&store->readers_mutex);
    if (waits)
        slot_acquire();
    *ret_reader = reader;
    return in_time;
}

bool store_reader_take(struct store *store, struct store_reader **ret_reader, struct error *error)
{
    if (!take_or_reserve(store, ret_reader))
        return fail(error, ERR_UNAVAILABLE,
                    "All %d connections to the store's database were in use for %d s.",
                    store->readers_max, READER_WAIT_MS / 1000);
    if (*ret_reader || open_reader(store, DB_READ, ret_reader, error))
        return true;
    uncount_reader(store);
    return false;
}

void store_reader_put(struct store *store, struct store_reader *reader)
{
    store_reader_rest(reader);
    pthread_mutex_lock(&store->readers_mutex);
    bool keep = store->readers_resting < READERS_KEPT ||
                (store->readers_max > 0 && store->readers_open <= store->readers_max);
    if (keep) {
        reader->next = store->readers;
        store->readers = reader;
        store->readers_resting++;
        pthread_cond_signal(&store->reader_put);
    }
    pthread_mutex_unlock(&store->readers_mutex);
    if (!keep)
        store_reader_close(reader);
}

/* --- point readers --- */

static void close_point_reader(struct store_reader *reader)
{
    db_close(reader->db);
    free(reader);
}

bool store_point_reader_take(struct store *store, struct store_reader **ret_reader,
                             struct error *error)
{
    if (!store_is_remote(store))
        return store_reader_take(store, ret_reader, error);
    pthread_mutex_lock(&store->readers_mutex);
    struct store_reader *reader = store->point_readers;
    if (reader) {
        store->point_readers = reader->next;
        store->point_readers_resting--;
    }
    pthread_mutex_unlock(&store->readers_mutex);
    *ret_reader = reader;
    return reader || open_reader(store, DB_FIND, ret_reader, error);
}

void store_point_reader_put(struct store *store, struct store_reader *reader)
{
    if (!store_is_remote(store)) {
        store_reader_put(store, reader);
        return;
    }
    store_reader_rest(reader);
    pthread_mutex_lock(&store->readers_mutex);
    bool keep = store->point_readers_resting < POINT_READERS_KEPT;
    if (keep) {
        reader->next = store->point_readers;
        store->point_readers = reader;
        store->point_readers_resting++;
    }
    pthread_mutex_unlock(&store->readers_mutex);
    if (!keep)
        close_point_reader(reader);
}

void readers_close(struct store *store)
{
    while (store->point_readers) {
        struct store_reader *next = store->point_readers->next;
        close_point_reader(store->point_readers);
        store->point_readers = next;
    }
    while (store->readers) {
        struct store_reader *next = store->readers->next;
        store_reader_close(store->readers);
        store->readers = next;
    }
    assert(store->readers_open == 0);
}

/* The counter is read before the transaction begins: a commit in between is seen by the transaction
 * and not counted, so at worst the transaction is renewed once too often. */
bool reader_begin(struct store_reader *reader, struct db **ret_db, struct error *error)
{
    uint64_t commits = atomic_load(&reader->store->commits);
    if (reader->open && (reader->seen != commits || db_is_lost(reader->db)))
        store_reader_rest(reader);
    if (!reader->open && !db_begin_read(reader->db, error))
        return false;
    reader->open = true;
    reader->seen = commits;
    *ret_db = reader->db;
    return true;
}

struct db *reader_db(struct store_reader *reader)
{
    return reader->db;
}

int64_t reader_now_ms(const struct store_reader *reader)
{
    return reader->store->now_ms();
}
