/* What the files of the store share. */
#pragma once

#include "store/core/store.h"
#include "store/db/db.h"

#include <pthread.h>
#include <stdatomic.h>

struct committer;
struct checkpointer;
struct idempotency_claims;
struct advisory_locks;
struct pg_server;

struct store {
    char *path;               /* of SQLite's database; NULL when it is a server's */
    struct pg_server *server; /* NULL when it is SQLite's */
    const char *place;        /* of the database, for sentences */
    int lock_fd;              /* holds DIR/lock; -1 when attached, or a server's */
    int64_t (*now_ms)(void);  /* wall clock */
    int64_t expiry_pace_ms;   /* of store_config */
    struct db *writer;        /* the committer's alone; when attached, whoever holds writer_mutex */
    pthread_mutex_t writer_mutex; /* attached only */

    _Atomic uint64_t commits; /* moves after each COMMIT, before its writes are reported */
    _Atomic uint64_t batches; /* what store_counts tells */
    _Atomic uint64_t writes;
    _Atomic bool closing; /* what is left is committed, without much patience */
    _Atomic bool failing; /* the last batch failed; set by the writer, so that it is logged once */

    struct committer *committer;       /* NULL when attached */
    struct checkpointer *checkpointer; /* NULL when attached */
    pthread_mutex_t checkpoint_mutex;  /* one checkpoint at a time */
    _Atomic int log_pages;             /* in the write-ahead log after the last commit */
    _Atomic bool empty_log_wanted;     /* deleted bytes may still stand in the log */
    int restart_at_pages;              /* the writer's: when it begins the log anew */

    pthread_mutex_t readers_mutex;
    struct store_reader *readers; /* resting ones */
    int readers_resting;
    int readers_open;          /* all that were not closed */
    int readers_max;           /* a server's: whoever wants one more waits; 0: any number */
    pthread_cond_t reader_put; /* to the pool, or closed */

    struct store_reader *point_readers; /* resting ones; of a server's database only */
    int point_readers_resting;

    struct idempotency_claims *claims;
    struct advisory_locks *locks; /* what other nodes see of the claims; NULL when there are none */
};

/* store.c */
bool store_connect(const struct store *store, enum db_use use, struct db **ret_db,
                   struct error *error);
/* Refuses what a newer program wrote. */
bool store_check_version(struct store *store, int64_t *ret_version, struct error *error);

/* directory.c: a database file; `dir` is the data directory. */
bool store_open_alone(struct store *store, const char *dir, struct error *error);
bool store_open_beside(struct store *store, const char *dir, struct error *error);

/* remote.c */
bool store_open_node(struct store *store, const char *dir, struct error *error);
bool store_open_tool(struct store *store, const char *dir, struct error *error);

/* wal_length.c: after each batch, before and after its writes are reported. */
void wal_before_report(struct store *store, bool committed, bool scrub);
void wal_after_report(struct store *store);

/* datadir.c */
bool datadir_check(const char *dir, struct error *error);
/* The lock ends with the descriptor. ERR_UNAVAILABLE when another process has it. */
bool datadir_lock(const char *dir, int *ret_fd, struct error *error);
/* Whether the database is there, and is a file that nobody else may open. */
bool datadir_find_file(const char *path, bool *ret_found, struct error *error);

/* batch.c: commits a chain of writes as one transaction and reports each. A write without `done` is
 * the store's own and is not counted. False: it was tried for as long as may be, and given up. */
bool batch_commit(struct store *store, struct store_write *batch, struct error *error);
void batch_report(struct store_write *batch, bool ok, const struct error *error);

/* committer.c */
bool committer_start(struct store *store, struct error *error);
void committer_stop(struct store *store); /* commits what is queued */
bool committer_post(struct committer *committer, struct store_write *write, struct error *error);
size_t committer_length(struct committer *committer); /* writes that wait */

/* checkpointer.c */
bool checkpointer_start(struct store *store, struct error *error);
void checkpointer_stop(struct store *store);
void checkpointer_notify(struct store *store); /* something was committed; cheap */

/* expiry.c */
enum { EXPIRY_PACE_MS = 60 * 1000 }; /* unless store_config says otherwise */
enum { EXPIRE_STEP_MAX = 1000 }; /* rows of a kind that one step removes, to keep batches short */
struct expiry {
    int64_t now_ms;
    int64_t removed;
    bool more; /* a step's limit was reached */
};
bool expiry_apply(struct db *db, void *expiry, struct error *error); /* a store_apply_fn */

/* reader.c */
bool reader_begin(struct store_reader *reader, struct db **ret_db, struct error *error);
int64_t reader_now_ms(const struct store_reader *reader);
void readers_close(struct store *store);

/* idempotency_claims.c */
struct idempotency_claims *idempotency_claims_new(void);
void idempotency_claims_free(struct idempotency_claims *claims); /* NULL is fine */
