/* What is kept. Reads go through a reader (one connection to the database a thread); writes of all
 * requests meet in one committer that makes many of them durable with one sync (group commit).
 * SQL stands in this room only, once, in the dialect that SQLite and PostgreSQL share. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct secret;
struct store;
struct store_reader;
struct db; /* a connection inside a write; only rooms of the store touch its insides */

struct store_config {
    const char *data_dir; /* exists; the database is DIR/headgate.db */
    /* Instead of a directory: a PostgreSQL server's database, as libpq's connection URI or words
     * (its manual, "Connection Strings"); NULL: none. The password may stand there, or apart. */
    const char *url;
    const struct secret *password; /* NULL: none, or libpq finds one; lives as long as the store */
    int connections;               /* to it, for reading: at least 1 */
    /* What time it is, for what expires: milliseconds since the epoch. NULL: clock_wall_ms. */
    int64_t (*now_ms)(void);
    /* Between two looks for expired rows, and before the first one; ten times as long after a look
     * that found none. 0: a minute. */
    int64_t expiry_pace_ms;
};

/* Opens or makes the database, runs migrations, starts committer and checkpointer. A second server
 * on the same directory is refused; command line tools may open it beside a server (store_attach:
 * no committer thread, no lock on the directory; writes commit one by one on the caller's thread).
 * A running server sees such a write once its readers have rested.
 *
 * The directory must belong to the caller and be writable by nobody else; the database is made with
 * mode 0600 and refused when others may touch it. Errors are ERR_UNAVAILABLE with what to do. */
/* A server's database is shared by any number of nodes. Its tables are made in the schema
 * "headgate", under a lock, by whoever is first. */
bool store_open(const struct store_config *config, struct store **ret_store, struct error *error);
bool store_attach(const struct store_config *config, struct store **ret_store, struct error *error);
/* Commits what is queued, then closes. Every reader must have been closed or put back. */
void store_close(struct store *store);

/* --- reading --- */

/* A reader belongs to one thread at a time. Its transaction stays open between calls and is renewed
 * whenever a commit happened anywhere in this process since it began, so that what was answered is
 * always seen; store_reader_rest ends it (call it before the thread waits for something else). */
bool store_reader_open(struct store *store, struct store_reader **ret_reader, struct error *error);
void store_reader_rest(struct store_reader *reader);
void store_reader_close(struct store_reader *reader);

/* Its calls wait for a network: not for event loops. */
bool store_is_remote(const struct store *store);

/* For threads that read seldom: a pool. store_reader_put rests the reader. Taking waits only where
 * the store is remote, and there for one that somebody holds: hold it for a moment. */
bool store_reader_take(struct store *store, struct store_reader **ret_reader, struct error *error);
void store_reader_put(struct store *store, struct store_reader *reader);

/* The same for looking up single rows by their keys (the functions called ..._find), and nothing
 * else: where the store is remote, all of these share one connection, and none waits for a free
 * one. */
bool store_point_reader_take(struct store *store, struct store_reader **ret_reader,
                             struct error *error);
void store_point_reader_put(struct store *store, struct store_reader *reader);

/* --- writing --- */

/* One write of a batch, run on the committer's thread: false undoes this write alone, and is
 * reported to its caller only after the batch's fate is known. Run again when the batch is: so it
 * depends on nothing but its argument and the rows. Must not wait for anything. */
typedef bool store_apply_fn(struct db *db, void *argument, struct error *error);

struct store_write {
    store_apply_fn *apply;
    void *argument;
    /* Called on the committer's thread once the batch is durable (ok) or has failed (error is set).
     * Must not wait either. */
    void (*done)(struct store_write *write);
    bool ok;
    struct error error;
    /* What this write removes must be gone from the files before done is called. Whoever waits for
     * it must have rested his readers: an open one keeps the log from being emptied, and after
     * STORE_SCRUB_MS the write is reported all the same and the log emptied later. */
    bool scrub;
    struct store_write *next; /* the queue's own */
};

enum {
    STORE_QUEUE_MAX = 8192, /* writes that wait */
    STORE_BATCH_MAX = 256,  /* writes a transaction */
    STORE_SCRUB_MS = 2000,
};

/* Queues a write. False at once (ERR_UNAVAILABLE) when the store is closing or its queue full. */
bool store_post(struct store *store, struct store_write *write, struct error *error);

/* Queues a write and waits until it is durable. Never call it on an event loop. */
bool store_apply(struct store *store, store_apply_fn *apply, void *argument, bool scrub,
                 struct error *error);

struct store_counts {
    uint64_t commits; /* batches that were committed since the start */
    uint64_t writes;  /* that they held */
    size_t queued;    /* writes that wait now */
    bool failing;     /* the last batch could not be committed */
    int64_t bytes;    /* of the database's files; 0 when it is a server's, which knows better */
};
struct store_counts store_counts(const struct store *store);
