/* Shared by the files of the PostgreSQL driver, which use each other downwards only:
 *
 *   pg.c                               the driver's table; statements as db.h has them
 *   advisory_locks.c  read_batcher.c  commit.c
 *   connection.c                       connecting, settings, schema
 *   bulk_write.c
 *   pipeline.c                         sending and receiving; what errors mean
 *   statement.c  server.c  circuit_breaker.c
 */
#pragma once

#include "base/random.h"
#include "store/db/driver.h"
#include "store/db/notice.h"
#include "store/pg/libpq.h"
#include "store/pg/pg.h"

enum {
    PG_READ_MS = 10 * 1000,
    PG_WRITE_MS = 30 * 1000, /* the answer to a statement, or a commit, that writes */
    PG_NAP_US = 100 * 1000,  /* between tries to connect */
    PG_OPEN_MS = 2000,       /* for the first connection: each try begins with another host */
};

/* Statements that only this driver has. */
enum {
    PG_STAMP = SQL_COUNT, /* writer, batch, time */
    PG_RESOLVE,           /* writer, time */
    PG_LOCK,              /* list of keys */
    PG_UNLOCK,
    PG_STATEMENT_COUNT,
    PG_BULK = PG_STATEMENT_COUNT, /* + an enum sql: its bulk form (bulk_write.c) */
    PG_PREPARED_COUNT = PG_BULK + SQL_COUNT
};

/* Object ids of types: the same in every database (pg_type.dat). */
enum {
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_TEXT = 25,
    PG_BYTEA_ARRAY = 1001,
    PG_TEXT_ARRAY = 1009,
    PG_INT8_ARRAY = 1016,
};

struct pg_stmt {
    struct pg_stmt *next; /* in the connection's list of idle ones */
    int which;            /* enum sql, or one of those above */
    int count;            /* of its parameters; an unbound one is NULL */
    unsigned types[SQL_PARAMS_MAX];
    const char *values[SQL_PARAMS_MAX];
    int lengths[SQL_PARAMS_MAX];
    unsigned char numbers[SQL_PARAMS_MAX][8];
    bool sent;
    bool is_change;           /* it should change one row */
    bool pipelined;           /* sent without waiting for its result */
    struct pg_result *result; /* NULL as long as there is none */
    int row;                  /* the next one */
};

/* The result that a sent statement must have. */
struct pg_expected {
    int16_t prepared;              /* the statement that its answer prepares; -1: none */
    int rows;                      /* how many it must have changed, or PG_ANY_ROWS */
    struct pg_result **ret_result; /* where the result goes; NULL: db->last */
};
enum { PG_ANY_ROWS = -1 };

/* A write connection's transaction; pg_move_to is its only mover. */
enum pg_transaction {
    PG_NONE,
    PG_OPEN,       /* one statement at a time */
    PG_PIPELINED,  /* writes are sent without waiting for results */
    PG_COMMITTING, /* COMMIT was sent and is not answered: a lost connection leaves it unknown */
    PG_LOST,       /* can only be rolled back */
};

struct pg_db {
    struct db base;
    const struct pg_server *server;
    enum db_use use;
    struct pg_conn *conn; /* NULL: not connected */
    int64_t connections;  /* how many there were */
    unsigned tries;       /* to connect */
    bool complained;      /* NOTICE_PG_UNREACHABLE was given */
    enum pg_transaction transaction;
    enum db_failure failure;      /* of the last function that failed */
    bool held;                    /* every result so far was the expected one */
    struct pg_expected *expected; /* results that have not been read */
    size_t expected_count, expected_capacity;
    struct pg_result *last;  /* what pg_drain read last */
    struct pg_stmt *idle;    /* statements that are not in use */
    struct bulk_write *bulk; /* rows that have not been sent; DB_WRITE only */
    char writer[UUID_SIZE];  /* names this connection's commits: see commit.c */
    int64_t batch;           /* number of the last transaction that was begun */
    bool prepared[PG_PREPARED_COUNT];
};

static inline struct pg_db *pg_of(const struct db *db)
{
    return (struct pg_db *)db;
}

/* The parts of the URL that are a list with an item for each host. */
enum { PG_LIST_HOST, PG_LIST_HOSTADDR, PG_LIST_PORT, PG_LIST_COUNT };

struct pg_server {
    char *url;
    const struct secret *password;
    db_notice_fn *notice;
    struct read_batcher *batcher;
    struct circuit_breaker *breaker;
    char *lists[PG_LIST_COUNT]; /* NULL: not given */
    int64_t connect_ms;         /* how long connecting may take, over all hosts */
    _Atomic int64_t stop_ms;    /* monotonic: no wait lasts longer; INT64_MAX: the process stays */
};

/* --- circuit_breaker.c --- */

/* A request to the server, from its begin to its result or timeout. */
struct breaker_attempt {
    int64_t begun_ms;
    uint64_t probe; /* number of the probe; 0: it is none */
};

struct circuit_breaker *circuit_breaker_new(db_notice_fn *notice);
void circuit_breaker_free(struct circuit_breaker *breaker); /* NULL is fine */
/* False while a probe is under way. */
_must_use_ bool circuit_breaker_check(struct circuit_breaker *breaker, struct error *error);
/* Begins an attempt, as the probe if the breaker is open. False while another one probes, and when
 * the breaker opened after `since_ms` (clock_mono_ms), when the caller's wait began: it has waited
 * for this server once. True must be followed by circuit_breaker_leave. */
_must_use_ bool circuit_breaker_enter(struct circuit_breaker *breaker, int64_t since_ms,
                                      struct breaker_attempt *ret_attempt, struct error *error);
enum { PG_NEVER_PROBES = 0 }; /* as `since_ms` */
/* Ends an attempt. `timed_out`: it had no answer within its time limit. */
void circuit_breaker_leave(struct circuit_breaker *breaker, const struct breaker_attempt *attempt,
                           bool timed_out);
void circuit_breaker_close(struct circuit_breaker *breaker); /* the server answered something */

/* --- server.c --- */

/* Blocks for some seconds a host. libpq does not try the next host when one accepts the connection
 * and then hangs or closes it: so each try begins with another host. */
struct pg_conn *pg_server_connect(const struct pg_server *server, unsigned tries);
/* Whether a connection that is begun now is there, or has failed, before the process stops. */
bool pg_server_may_connect(const struct pg_server *server);

/* --- statement.c --- */

const char *pg_text(int which);
/* The bulk form's table, and how many parameters at the end are the same for all rows. False: the
 * statement has no bulk form. */
bool pg_bulk_form(int which, enum sql_table *ret_table, int *ret_shared);
struct pg_stmt *pg_stmt_new(struct pg_db *db, int which);
void pg_stmt_free(struct pg_db *db, struct pg_stmt *stmt);
void pg_bind_text(struct pg_stmt *stmt, int number, struct str text);
void pg_bind_bytes(struct pg_stmt *stmt, int number, struct str bytes);
void pg_bind_i64(struct pg_stmt *stmt, int number, int64_t value);
int64_t pg_read_i64(const struct pg_result *result, int row, int column);

/* --- pipeline.c --- */

void pg_move_to(struct pg_db *db, enum pg_transaction to);
/* Closes the connection, if there is one, and forgets what was expected of it. */
void pg_drop(struct pg_db *db);
/* The same after a failure: the transaction is lost, or the fate of its COMMIT unknown. */
bool pg_fail_lost(struct pg_db *db, struct error *error);

/* Sends something without waiting for its result. */
_must_use_ bool pg_queue_text(struct pg_db *db, const char *text, struct error *error);
_must_use_ bool pg_queue_stmt(struct pg_db *db, const struct pg_stmt *stmt, int rows,
                              struct error *error);
/* The same for a read among others; *ret_result is set by pg_drain, if it succeeds so far. */
_must_use_ bool pg_queue_stmt_for(struct pg_db *db, const struct pg_stmt *stmt,
                                  struct pg_result **ret_result, struct error *error);
int64_t pg_changed_rows(struct pg_result *result);
/* Waits for the results of everything that was sent; the last one is in db->last. False when any
 * failed. */
_must_use_ bool pg_drain(struct pg_db *db, int64_t limit_ms, struct error *error);
/* One text and its result. */
_must_use_ bool pg_run(struct pg_db *db, const char *text, struct error *error);
/* Several statements in one text; no rows. Leaves pipeline mode for that time. */
_must_use_ bool pg_run_script(struct pg_db *db, const char *text, struct error *error);

/* --- bulk_write.c --- */

struct bulk_write *bulk_write_new(void);
void bulk_write_free(struct bulk_write *bulk);    /* NULL is fine */
void bulk_write_discard(struct bulk_write *bulk); /* rows that were not sent; NULL is fine */
/* Adds a pipelined statement: its values are copied, and it is sent together with others. */
_must_use_ bool bulk_write_add(struct pg_db *db, const struct pg_stmt *stmt, struct error *error);
/* Must be called before anything else is sent. */
_must_use_ bool bulk_write_send(struct pg_db *db, struct error *error);

/* --- connection.c --- */

struct pg_db *pg_connection_new(const struct pg_server *server, enum db_use use);
/* Connects if there is no connection; tries again until `until_ms`. */
_must_use_ bool pg_ensure(struct pg_db *db, int64_t until_ms, struct error *error);
/* For a new write connection: warns of settings that lose data, and cleans up. */
void pg_check_server(struct pg_db *db);
void pg_close(struct db *db);

typedef bool pg_ask_fn(struct pg_db *db, void *argument, struct error *error);
/* Runs a read, on new connections too (of another host, perhaps), until it succeeds or `until_ms`.
 * Fails at once where circuit_breaker_enter does, which gets `since_ms`. */
_must_use_ bool pg_ask_patiently(struct pg_db *db, pg_ask_fn *ask, void *argument, int64_t since_ms,
                                 int64_t until_ms, struct error *error);

_must_use_ bool pg_version(struct db *db, int64_t *ret_version, struct error *error);
_must_use_ bool pg_now_ms(struct db *db, int64_t *ret_ms, struct error *error);
_must_use_ bool pg_set_version(struct db *db, int64_t version, struct error *error);
_must_use_ bool pg_lock_schema(struct db *db, struct error *error);
_must_use_ bool pg_script(struct db *db, const char *sql, struct error *error);

/* --- commit.c --- */

_must_use_ bool pg_begin_write(struct db *db, struct error *error);
_must_use_ bool pg_commit(struct db *db, struct error *error);
void pg_rollback(struct db *db);
_must_use_ bool pg_begin_pipelined(struct db *db, struct error *error);
_must_use_ bool pg_commit_pipelined(struct db *db, bool *ret_held, struct error *error);
_must_use_ bool pg_resolve_commit(struct db *db, int64_t until_ms, bool *ret_committed,
                                  struct error *error);

/* --- read_batcher.c --- */

struct read_batcher *read_batcher_new(void);
void read_batcher_free(struct read_batcher *batcher); /* NULL is fine */
/* Runs a read that gives one row at most, from any thread, and waits for its result. */
_must_use_ bool read_batcher_read(struct read_batcher *batcher, const struct pg_server *server,
                                  struct pg_stmt *stmt, struct error *error);
