/* What the files of PostgreSQL's driver share. */
#pragma once

#include "base/random.h"
#include "net/libpq.h"
#include "store/db/driver.h"
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
    PG_MANY = PG_STATEMENT_COUNT, /* and an enum sql: the same for many rows (bulk_write.c) */
    PG_PREPARED_COUNT = PG_MANY + SQL_COUNT
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
    struct pg_stmt *next; /* in the list of those that rest */
    int which;            /* enum sql, or one of those above */
    const char *text;     /* NULL: pg_text(which) */
    int count;            /* of its parameters; one that is not bound is NULL */
    unsigned types[SQL_PARAMS_MAX];
    const char *values[SQL_PARAMS_MAX];
    int lengths[SQL_PARAMS_MAX];
    unsigned char numbers[SQL_PARAMS_MAX][8];
    bool sent;
    bool is_change;           /* it is there to change one row */
    bool ahead;               /* its answer has not been waited for */
    struct pg_result *result; /* NULL as long as there is none */
    int row;                  /* the next one */
};

/* What the answer to something that was sent must be. */
struct pg_expected {
    int16_t prepared;              /* the statement that becomes usable; -1: none */
    int rows;                      /* how many it must have changed, or PG_ANY_ROWS */
    struct pg_result **ret_result; /* who wants it; NULL: it stays in db->last */
};
enum { PG_ANY_ROWS = -1 };

struct pg_db {
    struct db base;
    const struct pg_server *server;
    enum db_use use;
    struct pg_conn *conn; /* NULL when it was lost, or never was */
    int64_t connections;  /* how many there were */
    unsigned tries;       /* to connect */
    bool complained;      /* that there is none, in the log */
    bool in_transaction;
    bool lost;               /* see db_is_lost */
    enum db_failure failure; /* of the last function that failed */
    bool committing;         /* a COMMIT was sent and not answered */
    bool ahead;
    bool held;                    /* all that ran ahead did what it was taken to do */
    struct pg_expected *expected; /* answers that have not been read */
    size_t expected_count, expected_capacity;
    struct pg_result *last;      /* what pg_drain read last */
    struct pg_stmt *resting;     /* statements that nobody uses */
    struct bulk_write *gathered; /* what runs ahead and has not been sent */
    char writer[UUID_SIZE];      /* names this connection's commits: see commit.c */
    int64_t batch;               /* number of the last one that was begun */
    bool prepared[PG_PREPARED_COUNT];
};

static inline struct pg_db *pg_of(const struct db *db)
{
    return (struct pg_db *)db;
}

extern const struct db_driver pg_driver;

/* --- server.c --- */

/* Waits, some seconds for each host. A host that takes the connection and then is silent or closes
 * it keeps libpq from trying the next one: so each try begins with another host. */
struct pg_conn *pg_server_connect(const struct pg_server *server, unsigned tries);
/* The server's own. */
struct read_batcher *pg_server_read_batcher(const struct pg_server *server);
struct circuit_breaker *pg_server_breaker(const struct pg_server *server);

/* --- circuit_breaker.c --- */

/* One that asks the server for something, for as long as it takes to give up. */
struct breaker_attempt {
    int64_t begun_ms;
    bool probes; /* the server is silent, and this one finds out whether it still is */
};

struct circuit_breaker *circuit_breaker_new(void);
void circuit_breaker_free(struct circuit_breaker *breaker); /* NULL is fine */
/* False: the server is silent, and another one is finding out whether it still is. */
bool circuit_breaker_check(struct circuit_breaker *breaker, struct error *error);
/* The same for one that may find out, if no other does. False also when the server was found silent
 * after `since_ms` (clock_mono_ms), when the caller's wait began: it has waited for nothing
 * already. True must be followed by circuit_breaker_leave. */
bool circuit_breaker_enter(struct circuit_breaker *breaker, int64_t since_ms,
                           struct breaker_attempt *ret_attempt, struct error *error);
enum { PG_NEVER_PROBES = 0 }; /* as `since_ms`: for one that leaves finding out to others */
/* `timed_out`: it has waited for as long as it may, and for nothing. */
void circuit_breaker_leave(struct circuit_breaker *breaker, const struct breaker_attempt *attempt,
                           bool timed_out);
void circuit_breaker_close(struct circuit_breaker *breaker); /* the server said something */

typedef bool pg_ask_fn(struct pg_db *db, void *argument, struct error *error);
/* Asks what can be asked again over another connection, perhaps of another server, until it is
 * answered or `until_ms`; not at all where circuit_breaker_enter says so, to which `since_ms` goes.
 */
bool pg_ask_patiently(struct pg_db *db, pg_ask_fn *ask, void *argument, int64_t since_ms,
                      int64_t until_ms, struct error *error);

/* --- connect.c --- */

/* Connects if there is no connection; tries again until `until_ms`. */
bool pg_ensure(struct pg_db *db, int64_t until_ms, struct error *error);
/* The connection is of no use any more, and what was under way is lost, or its fate unknown. */
bool pg_fail_lost(struct pg_db *db, struct error *error);
void pg_close(struct db *db);

/* --- pipeline.c --- */

/* Sends something without waiting for its answer. */
bool pg_queue_text(struct pg_db *db, const char *text, struct error *error);
bool pg_queue_stmt(struct pg_db *db, const struct pg_stmt *stmt, int rows, struct error *error);
/* The same for a read among others; *ret_result is set, or not, by pg_drain. */
bool pg_queue_stmt_for(struct pg_db *db, const struct pg_stmt *stmt, struct pg_result **ret_result,
                       struct error *error);
int64_t pg_changed_rows(struct pg_result *result);
/* Waits for the answers to all that was sent; the last one's result is in db->last. False when any
 * failed. */
bool pg_drain(struct pg_db *db, int64_t limit_ms, struct error *error);
/* One text and its answer. */
bool pg_say(struct pg_db *db, const char *text, struct error *error);
/* Several statements at once; no rows. Outside of pipeline mode, which the connection is in before
 * and after. */
bool pg_simple(struct pg_db *db, const char *text, struct error *error);

/* --- error.c --- */

/* Sets the error for a result that is one, and why it failed. */
bool pg_fail_result(struct pg_db *db, const struct pg_result *result, struct error *error);

/* --- pg.c --- */
const char *pg_text(int which); /* of a statement */
/* A statement of this driver's own, sent with its answer waited for. */
struct pg_stmt *pg_stmt_new(struct pg_db *db, int which);
void pg_stmt_free(struct pg_db *db, struct pg_stmt *stmt);
void pg_bind_text(struct pg_stmt *stmt, int number, struct str text);
void pg_bind_i64(struct pg_stmt *stmt, int number, int64_t value);
int64_t pg_read_i64(const struct pg_result *result, int row, int column);

/* --- read_batcher.c --- */

struct read_batcher *read_batcher_new(void);
void read_batcher_free(struct read_batcher *line); /* NULL is fine */
/* Runs a read that gives one row at most, from any thread, and waits for its result. */
bool read_batcher_read(struct read_batcher *line, const struct pg_server *server,
                       struct pg_stmt *stmt, struct error *error);

/* --- bulk_write.c --- */

struct bulk_write *bulk_write_new(void);
void bulk_write_free(struct bulk_write *gathered);    /* NULL is fine */
void bulk_write_discard(struct bulk_write *gathered); /* what was not sent; NULL is fine */
/* A statement that runs ahead: its values are copied, and it is sent together with others. */
bool bulk_write_add(struct pg_db *db, const struct pg_stmt *stmt, struct error *error);
/* Before anything else is sent. */
bool bulk_write_send(struct pg_db *db, struct error *error);

/* --- commit.c --- */
bool pg_begin_write(struct db *db, struct error *error);
bool pg_commit(struct db *db, struct error *error);
void pg_rollback(struct db *db);
bool pg_begin_pipelined(struct db *db, struct error *error);
bool pg_commit_pipelined(struct db *db, bool *ret_held, struct error *error);
bool pg_resolve_commit(struct db *db, int64_t until_ms, bool *ret_committed, struct error *error);

/* --- schema.c --- */
bool pg_version(struct db *db, int64_t *ret_version, struct error *error);
bool pg_set_version(struct db *db, int64_t version, struct error *error);
bool pg_lock_schema(struct db *db, struct error *error);
bool pg_script(struct db *db, const char *sql, struct error *error);
