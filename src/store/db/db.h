/* The database API: one connection, its transactions and prepared statements. The rest of the store
 * talks to a database only through these functions; they dispatch to the connection's driver,
 * SQLite (sqlite/) or PostgreSQL (pg/), each of which is a table of functions (driver.h).
 *
 * SQL is written once, in statements.inc, in the dialect that both share. A connection is used by
 * one thread at a time. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

extern const struct metric metric_store_errors; /* errors of either kind of database */

/* Every statement of the store by name. */
enum sql {
#define STATEMENT(name, text) name,
#include "store/db/statements.inc"
#undef STATEMENT
    SQL_COUNT
};

/* The tables of statements that have a bulk form. */
enum sql_table {
    TABLE_PROFILES,
    TABLE_OAUTH_TOKENS,
    TABLE_CLIENT_TOKENS,
    TABLE_TOKEN_GRANTS,
    TABLE_AUDIT,
    TABLE_JOBS,
    TABLE_TOKEN_STATES,
    TABLE_COUNT
};

enum { SQL_PARAMS_MAX = 17 };

enum db_use {
    DB_READ,       /* refuses to write */
    DB_FIND,       /* PostgreSQL: reads single rows over one connection that all of these share */
    DB_WRITE,      /* the committer's, or a command line tool's */
    DB_CHECKPOINT, /* SQLite: moves the WAL into the database file; never waits for a lock */
};

void db_close(struct db *db); /* NULL is fine */

/* What the store adds audit rows with; carried by the connection, which makes nothing of it. */
struct audit_chain;
void db_set_audit(struct db *db, struct audit_chain *chain);
struct audit_chain *db_audit(const struct db *db);

/* --- the schema --- */

/* The schema's version, 0 for a new database. ERR_UNAVAILABLE with what to do for a database that
 * cannot be read, is damaged, or belongs to another application. */
_must_use_ bool db_version(struct db *db, int64_t *ret_version, struct error *error);
_must_use_ bool db_set_version(struct db *db, int64_t version,
                               struct error *error); /* in a transaction */
/* In a write transaction: no other process changes the schema until it ends. */
_must_use_ bool db_lock_schema(struct db *db, struct error *error);
/* Runs statements without parameters, for migrations. */
_must_use_ bool db_script(struct db *db, const char *sql, struct error *error);

/* The wall clock of the database's machine, outside of a transaction: milliseconds since the epoch.
 */
_must_use_ bool db_now_ms(struct db *db, int64_t *ret_ms, struct error *error);

/* --- transactions --- */

_must_use_ bool db_begin_read(struct db *db, struct error *error);
_must_use_ bool db_begin_write(struct db *db, struct error *error);
_must_use_ bool db_commit(struct db *db, struct error *error);
void db_rollback(struct db *db); /* does nothing outside of a transaction */

/* One write inside a transaction, which can be undone alone. */
_must_use_ bool db_savepoint(struct db *db, struct error *error);
_must_use_ bool db_savepoint_keep(struct db *db, struct error *error);
_must_use_ bool db_savepoint_undo(struct db *db, struct error *error);

/* Serializes writers that count rows: until the transaction ends, no other one passes here, so a
 * count sees every row that others have added. */
_must_use_ bool db_lock_counts(struct db *db, struct error *error);

/* The transaction can no longer be committed: disk full, damaged page, lost connection, … */
bool db_is_lost(const struct db *db);

/* --- pipelined transactions, which only a database across a network has --- */

/* Begins a write transaction whose writes are sent without waiting for their results. Each is
 * assumed to succeed, one of stmt_change to change a row; the assumptions are checked at commit.
 * Reads wait as usual. No savepoints. */
_must_use_ bool db_begin_pipelined(struct db *db, struct error *error);
/* Waits for all results and commits if every assumption held. *ret_held false: one did not and
 * nothing was committed; running the writes one by one finds out which. */
_must_use_ bool db_commit_pipelined(struct db *db, bool *ret_held, struct error *error);

enum db_failure {
    DB_FAILED,       /* trying again gives the same result */
    DB_FAILED_AGAIN, /* nothing was committed; the same may succeed on retry */
    DB_FAILED_BUSY,  /* another process held the lock for the whole busy timeout */
    DB_FATE_UNKNOWN, /* the connection was lost during COMMIT: call db_resolve_commit */
};
/* Why the last function that failed did so. */
enum db_failure db_failure(const struct db *db);
/* After DB_FATE_UNKNOWN: finds out over a new connection whether the transaction was committed.
 * False when that is still unknown at `until_ms` (clock_mono_ms). */
_must_use_ bool db_resolve_commit(struct db *db, int64_t until_ms, bool *ret_committed,
                                  struct error *error);

/* --- statements --- */

/* A prepared statement in use: bind, step until there is no row, done. Texts and bytes are bound by
 * reference and must stay valid until then. An error of binding is returned by the next step. */
struct stmt {
    struct db *db;
    void *handle;
    const uint8_t *param_indexes; /* SQLite: from $n to its own numbering */
    int rc;
};

struct stmt stmt_open(struct db *db, enum sql sql);
void stmt_done(struct stmt *stmt);
#define _cleanup_stmt_ _cleanup_(stmt_done)

void stmt_text(struct stmt *stmt, int number, struct str text); /* $number; STR_NULL binds NULL */
void stmt_bytes(struct stmt *stmt, int number, struct str bytes);
void stmt_i64(struct stmt *stmt, int number, int64_t value);

_must_use_ bool stmt_step(struct stmt *stmt, bool *ret_row, struct error *error);
_must_use_ bool stmt_run(struct stmt *stmt,
                         struct error *error); /* one step; a row or none is the same */
/* One step of a statement that should change one row. *ret_changed false: it changed none. */
_must_use_ bool stmt_change(struct stmt *stmt, bool *ret_changed, struct error *error);
int64_t stmt_changes(struct stmt *stmt); /* rows that the last step changed */

/* Columns of the row, counted from 0; copied into the arena. NULL reads as STR_NULL, 0. */
struct str column_text(const struct stmt *stmt, int column, struct arena *arena);
struct str column_bytes(const struct stmt *stmt, int column, struct arena *arena);
int64_t column_i64(const struct stmt *stmt, int column);
