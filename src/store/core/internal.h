/* Shared by the files of the core, which use each other downwards only: open.c on top; then
 * committer.c, batch.c, clock.c, maintenance.c, rollback_check.c; audit_chain.c,
 * idempotency_claims.c, reader.c; store.c, datadir.c and notices.c at the bottom. */
#pragma once

#include "store/core/store.h"
#include "store/db/db.h"
#include "store/db/notice.h"

#include <pthread.h>
#include <stdatomic.h>

struct audit_chain;
struct committer;
struct checkpointer;
struct idempotency_claims;
struct advisory_locks;
struct pg_server;

struct store {
    char *path;                        /* of SQLite's database file; NULL with PostgreSQL */
    struct pg_server *server;          /* NULL with SQLite */
    const char *location;              /* of the database, for messages */
    int lock_fd;                       /* holds DIR/lock; -1 when attached, or with PostgreSQL */
    int64_t (*now_ms)(void);           /* wall clock */
    _Atomic int64_t clock_offset_ms;   /* clock.c: of the database's clock from the monotonic one */
    _Atomic int64_t clock_measured_ms; /* monotonic; 0: never */
    int64_t expiry_pace_ms;            /* of store_config */
    struct db *writer; /* the committer's alone; when attached, of the holder of writer_mutex */
    pthread_mutex_t writer_mutex; /* attached only */

    _Atomic uint64_t commits; /* grows after each COMMIT, before its writes are reported */
    _Atomic uint64_t batches; /* for store_counts */
    _Atomic uint64_t writes;
    _Atomic bool closing; /* queued writes are still committed, with a shorter time limit */
    _Atomic bool failing; /* the last batch failed; the writer's, so that it is reported once */

    struct committer *committer;       /* NULL when attached */
    struct checkpointer *checkpointer; /* NULL when attached, or with PostgreSQL */
    pthread_mutex_t checkpoint_mutex;  /* one checkpoint at a time */
    _Atomic int wal_pages;             /* in the WAL after the last commit */
    _Atomic bool empty_wal_wanted;     /* the WAL may still hold deleted data */
    int restart_at_pages;              /* the writer's: length at which it restarts the WAL */
    int64_t recorded_ms;               /* rollback_check.c: what DIR/newest-change says */

    pthread_mutex_t readers_mutex;
    struct store_reader *readers; /* idle ones */
    int readers_resting;
    int readers_open;          /* all that were not closed */
    int readers_max;           /* with PostgreSQL: taking one more waits; 0: no limit */
    pthread_cond_t reader_put; /* a reader became idle or was closed */

    struct store_reader *point_readers; /* idle ones; with PostgreSQL only */
    int point_readers_resting;

    struct audit_chain *audit;
    struct idempotency_claims *claims;
    struct advisory_locks *locks; /* shows claims to other nodes; NULL with SQLite */
};

/* --- notices.c --- */

/* Logs an event; a db_notice_fn. */
void store_notice(enum db_notice notice, const char *detail);

/* --- store.c --- */

_must_use_ bool store_connect(const struct store *store, enum db_use use, struct db **ret_db,
                              struct error *error);
/* Refuses a database that a newer version wrote. */
_must_use_ bool store_check_version(struct store *store, int64_t *ret_version, struct error *error);

/* --- clock.c --- */

enum { STORE_CLOCK_TRIES = 3 };

/* The first measurement of the database's clock, over a connection that is in no transaction. */
_must_use_ bool store_clock_begin(struct store *store, struct db *db, struct error *error);

/* --- datadir.c --- */

_must_use_ bool datadir_check(const char *dir, struct error *error);
/* The lock ends with the descriptor. ERR_UNAVAILABLE when another process holds it. */
_must_use_ bool datadir_lock(const char *dir, int *ret_fd, struct error *error);
/* Whether a process holds that lock. The look holds it itself for a moment, which is shorter than
 * a starting server waits for it. */
bool datadir_is_locked(const char *dir);
/* Whether the database exists; it must be a regular file that only its owner may open. */
_must_use_ bool datadir_find_file(const char *path, bool *ret_found, struct error *error);

/* --- rollback_check.c; all for a database file --- */

/* Whether the database's newest audit entry is older than the one that was recorded beside it
 * (*ret_ms, wall clock). */
_must_use_ bool rollback_check(const struct store *store, struct db *db, bool *ret_went_back,
                               int64_t *ret_ms, struct error *error);
/* At the start, under the directory's lock: warns, and removes the file of an older version. */
_must_use_ bool rollback_check_start(struct store *store, struct error *error);
/* No database file: ERR_UNAVAILABLE with what to do if there was one. */
_must_use_ bool rollback_check_missing(const struct store *store, struct error *error);
/* Records the newest audit entry if it is newer than the record. One thread at a time. */
void rollback_record(struct store *store, struct db *db);
/* The warning, as a sentence. */
void rollback_describe(int64_t recorded_ms, char *text, size_t size);

/* --- reader.c --- */

_must_use_ bool reader_begin(struct store_reader *reader, struct db **ret_db, struct error *error);
struct db *reader_db(struct store_reader *reader); /* outside of its transactions */
int64_t reader_now_ms(const struct store_reader *reader);
void readers_close(struct store *store);

/* --- idempotency_claims.c --- */

struct idempotency_claims *idempotency_claims_new(void);
void idempotency_claims_free(struct idempotency_claims *claims); /* NULL is fine */

/* --- maintenance.c --- */

enum { EXPIRY_PACE_MS = 60 * 1000 }; /* unless store_config says otherwise */
enum { EXPIRE_STEP_MAX = 1000 }; /* rows of a table that one step removes, to keep batches short */
struct expiry {
    int64_t now_ms;
    int64_t removed;
    bool more; /* a step's limit was reached */
};
_must_use_ bool expiry_apply(struct db *db, void *expiry,
                             struct error *error); /* a store_apply_fn */

/* After each batch, before and after its writes are reported. */
void wal_before_report(struct store *store, bool committed, bool scrub);
void wal_after_report(struct store *store);

_must_use_ bool checkpointer_start(struct store *store, struct error *error);
void checkpointer_stop(struct store *store);
void checkpointer_notify(struct store *store); /* after a commit; cheap */

/* --- batch.c --- */

/* Commits a chain of writes as one transaction and reports each. A write without `done` is the
 * store's own and is not counted. False: the batch was retried for its whole time limit and given
 * up. */
_must_use_ bool batch_commit(struct store *store, struct store_write *batch, struct error *error);
void batch_report(struct store_write *batch, bool ok, const struct error *error);

/* --- committer.c --- */

_must_use_ bool committer_start(struct store *store, struct error *error);
void committer_stop(struct store *store); /* commits what is queued */
_must_use_ bool committer_post(struct committer *committer, struct store_write *write,
                               struct error *error);
