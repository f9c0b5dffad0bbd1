/* Readers: one read-only connection each, whose transaction is kept as long as nothing was
 * committed, so that a look-up by key costs no transaction. */
#include "store/inside.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

enum { READERS_KEPT = 8 }; /* in the pool, resting */

struct store_reader {
    struct store *store;
    struct db *db;
    bool open;     /* a transaction is */
    uint64_t seen; /* store->commits when it began */
    struct store_reader *next;
};

bool store_reader_open(struct store *store, struct store_reader **ret_reader, struct error *error)
{
    struct db *db;
    if (!db_open(store->path, DB_READ, &db, error))
        return false;
    struct store_reader *reader = xcalloc(1, sizeof(*reader));
    reader->store = store;
    reader->db = db;
    pthread_mutex_lock(&store->readers_mutex);
    store->readers_open++;
    pthread_mutex_unlock(&store->readers_mutex);
    *ret_reader = reader;
    return true;
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
    pthread_mutex_lock(&store->readers_mutex);
    store->readers_open--;
    pthread_mutex_unlock(&store->readers_mutex);
}

bool store_reader_take(struct store *store, struct store_reader **ret_reader, struct error *error)
{
    pthread_mutex_lock(&store->readers_mutex);
    struct store_reader *reader = store->readers;
    if (reader) {
        store->readers = reader->next;
        store->readers_resting--;
    }
    pthread_mutex_unlock(&store->readers_mutex);
    if (!reader)
        return store_reader_open(store, ret_reader, error);
    *ret_reader = reader;
    return true;
}

void store_reader_put(struct store *store, struct store_reader *reader)
{
    store_reader_rest(reader);
    pthread_mutex_lock(&store->readers_mutex);
    bool keep = store->readers_resting < READERS_KEPT;
    if (keep) {
        reader->next = store->readers;
        store->readers = reader;
        store->readers_resting++;
    }
    pthread_mutex_unlock(&store->readers_mutex);
    if (!keep)
        store_reader_close(reader);
}

void readers_close(struct store *store)
{
    while (store->readers) {
        struct store_reader *next = store->readers->next;
        store_reader_close(store->readers);
        store->readers = next;
    }
    assert(store->readers_open == 0);
}

/* The counter is read before the transaction begins: what is committed in between is seen without
 * being counted, and the transaction is renewed once too often. */
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

int64_t reader_now_ms(const struct store_reader *reader)
{
    return reader->store->now_ms();
}
