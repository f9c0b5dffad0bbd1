/* The store: a database file (SQLite) or a PostgreSQL database, with one API.
 *
 * Reads go through a reader, one database connection for a thread. Writes of all requests go to one
 * committer, which makes many of them durable with one sync (group commit). SQL is in this room
 * only, once, in the dialect that both databases share. Tables have headers of their own:
 * profiles.h, connectors.h, flows.h, tags.h, client_tokens.h, token_grants.h, token_states.h,
 * stored_credentials.h, credential_events.h, jobs.h, access_keys.h, audit.h, meta.h. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct secret;
struct store;
struct store_reader;
struct db; /* the connection inside a write; only the store uses its members */

struct store_config {
    const char *data_dir; /* exists; the database is DIR/headgate.db */
    /* Instead of a directory: a PostgreSQL database, as libpq's connection URI or keywords (manual,
     * "Connection Strings"); NULL: none. The password may be in it, or separate. */
    const char *url;
    const struct secret *password; /* NULL: none, or libpq finds one; must outlive the store */
    int connections;               /* to it, for reading: at least 1 */
    /* The wall clock, for expiry: milliseconds since the epoch. NULL: clock_wall_ms. */
    int64_t (*now_ms)(void);
    /* Between two looks for expired rows, and before the first one; ten times as long after a look
     * that found none. 0: a minute. */
    int64_t expiry_pace_ms;
};

/* store_open opens or creates the database, runs migrations, and starts the committer and the
 * checkpointer. A second server on the same directory is refused. Command line tools use
 * store_attach, which works beside a server: no committer thread and no lock on the directory;
 * writes commit one by one on the caller's thread. A running server sees such a write after its
 * readers have rested.
 *
 * The directory must belong to the caller and be writable by its owner only. The database is
 * created with mode 0600 and refused when others may open it. Errors are ERR_UNAVAILABLE with what
 * to do.
 *
 * Any number of nodes may share a PostgreSQL database. The first one creates the tables in the
 * schema "headgate", under a lock. */
_must_use_ bool store_open(const struct store_config *config, struct store **ret_store,
                           struct error *error);
_must_use_ bool store_attach(const struct store_config *config, struct store **ret_store,
                             struct error *error);
/* Commits queued writes, then closes. Every reader must have been closed or put back. */
void store_close(struct store *store);
/* The process stops: from now on nothing waits for a remote database beyond `mono_ms`
 * (clock_mono_ms), however long it is silent. Any thread; no effect on a store in a file. */
void store_stop_by(struct store *store, int64_t mono_ms);

/* --- reading --- */

/* A reader is used by one thread at a time. Its transaction stays open between calls and is renewed
 * when this process has committed since it began, so every acknowledged change is seen.
 * store_reader_rest ends it: call it before the thread waits for something else. */
_must_use_ bool store_reader_open(struct store *store, struct store_reader **ret_reader,
                                  struct error *error);
void store_reader_rest(struct store_reader *reader);
void store_reader_close(struct store_reader *reader);

/* Whether a server may be using the store at this moment: with SQLite one that holds the lock of
 * the directory, which is asked for; a PostgreSQL database may always have nodes. */
bool store_may_have_server(const struct store *store);

/* Whether reads wait for a network: then they must not run on event loops. */
bool store_is_remote(const struct store *store);

/* The one clock of all processes that share the store, in milliseconds since the epoch: the wall
 * clock of this machine for a store in a file, the database's for one that is remote. The latter is
 * counted on from the last measurement with the monotonic clock, so a step of this machine's wall
 * clock does not move it; opening the store as a node is the first measurement. Any thread. */
int64_t store_clock_ms(const struct store *store);
/* Measures the database's clock again, if the last measurement is older than STORE_CLOCK_MS and the
 * database answers at once. Does nothing with a store in a file. May wait, as a read does. */
void store_clock_measure(struct store *store);
enum {
    STORE_CLOCK_MS = 5 * 1000,
    STORE_CLOCK_ANSWER_MS = 1000, /* a measurement that takes longer is too inexact */
};

/* A pool of readers, for threads that read seldom. store_reader_put rests the reader. With a remote
 * store taking waits while all connections are in use, so hold a reader briefly. */
_must_use_ bool store_reader_take(struct store *store, struct store_reader **ret_reader,
                                  struct error *error);
void store_reader_put(struct store *store, struct store_reader *reader);

/* The same for reading single rows by their keys (the functions called ..._find) and nothing else:
 * with a remote store all point readers share one connection, and taking one never waits. */
_must_use_ bool store_point_reader_take(struct store *store, struct store_reader **ret_reader,
                                        struct error *error);
void store_point_reader_put(struct store *store, struct store_reader *reader);

/* --- writing --- */

/* One write of a batch, run on the committer's thread. False undoes this write alone; its caller
 * gets the error after the batch was committed. A batch may run more than once, so a write must
 * depend only on its argument and on rows. Must not block. */
typedef bool store_apply_fn(struct db *db, void *argument, struct error *error);

struct store_write {
    store_apply_fn *apply;
    void *argument;
    /* Called on the committer's thread once the batch is durable (ok) or has failed (error is set).
     * Must not block. */
    void (*done)(struct store_write *write);
    bool ok;
    struct error error;
    /* The rows that this write deletes must be gone from the files before `done` is called. A
     * reader with an open transaction blocks that, so the caller's must rest; after STORE_SCRUB_MS
     * the write is reported all the same, and the WAL is emptied later. */
    bool scrub;
    struct store_write *next; /* used by the queue */
};

enum {
    STORE_QUEUE_MAX = 8192, /* queued writes */
    STORE_BATCH_MAX = 256,  /* writes a transaction */
    STORE_SCRUB_MS = 2000,
};

/* Queues a write and returns. ERR_UNAVAILABLE when the store is closing, ERR_THROTTLING when its
 * queue is full. */
_must_use_ bool store_post(struct store *store, struct store_write *write, struct error *error);

/* Queues a write and blocks until it is durable. Never call it on an event loop. */
_must_use_ bool store_apply(struct store *store, store_apply_fn *apply, void *argument, bool scrub,
                            struct error *error);

extern const struct metric metric_writes_throttled; /* writes that the queue had no room for */
extern const struct metric metric_commits_failed;
extern const struct metric metric_commit_seconds; /* observed in microseconds */
extern const struct metric metric_commit_writes;  /* how many a commit made durable */

struct store_counts {
    uint64_t commits; /* batches committed since the start */
    uint64_t writes;  /* in those batches */
    size_t queued;    /* writes in the queue now */
    bool failing;     /* the last batch could not be committed */
    int64_t bytes;    /* of the database's files; 0 with PostgreSQL */
};
struct store_counts store_counts(const struct store *store);
