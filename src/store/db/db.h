/* The driver: one connection to a database, its prepared statements and transactions. Everything
 * that the rest of the store says to a database goes through these functions. What differs between
 * databases is in their drivers, sqlite*.c and pg*.c, each a table of functions (driver.h).
 *
 * A connection is used by one thread at a time. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

/* Every statement of the store by name; the texts are in statements.inc. */
enum sql {
#define STATEMENT(name, text) name,
#include "store/db/statements.inc"
#undef STATEMENT
    SQL_COUNT
};

enum { SQL_PARAMS_MAX = 16 };

enum db_use {
    DB_READ,       /* refuses to write */
    DB_FIND,       /* PostgreSQL: looks up single rows, over a connection that all of these share */
    DB_WRITE,      /* the committer's, or a command line tool's */
    DB_CHECKPOINT, /* SQLite: moves the log into the database file; never waits for others */
};

void db_close(struct db *db); /* NULL is fine */

/* --- the schema --- */

/* Version of the schema: 0 for a new database. Fails with what to do for one that cannot be read,
 * is damaged, or belongs to another application. */
bool db_version(struct db *db, int64_t *ret_version, struct error *error);
bool db_set_version(struct db *db, int64_t version, struct error *error); /* in a transaction */
/* In a write transaction: nobody else changes the schema until it ends. */
bool db_lock_schema(struct db *db, struct error *error);
/* Statements without parameters, for migrations. */
bool db_script(struct db *db, const char *sql, struct error *error);

/* --- transactions --- */

bool db_begin_read(struct db *db, struct error *error);
bool db_begin_write(struct db *db, struct error *error);
bool db_commit(struct db *db, struct error *error);
void db_rollback(struct db *db); /* does nothing outside of a transaction */

/* One write inside a transaction, undone alone. */
bool db_savepoint(struct db *db, struct error *error);
bool db_savepoint_keep(struct db *db, struct error *error);
bool db_savepoint_undo(struct db *db, struct error *error);

/* Until the transaction ends nobody else passes here: what is counted then counts all that others
 * have added, and they will count what this one adds. */
bool db_lock_counts(struct db *db, struct error *error);

/* The transaction can no longer be committed: the disk is full, a page is damaged, the connection
 * is gone, … */
bool db_is_lost(const struct db *db);

/* --- running ahead, which only a database across a network does --- */

/* Begins a write transaction in which statements that write are sent without waiting for their
 * answers. Each is taken to do what it is for: with stmt_change, to change a row. What reads waits
 * as usual. No marks. */
bool db_begin_pipelined(struct db *db, struct error *error);
/* Waits for all answers and commits if each statement did what it was taken to do. *ret_held false:
 * one did not, and nothing was committed; what did not come true must be found out by running the
 * writes one by one. */
bool db_commit_pipelined(struct db *db, bool *ret_held, struct error *error);

enum db_failure {
    DB_FAILED,       /* trying again will not help */
    DB_FAILED_AGAIN, /* nothing was committed, and the same may succeed when it is tried again */
    DB_FAILED_BUSY,  /* another process kept the database for as long as one waits for it */
    DB_FATE_UNKNOWN, /* the connection went while the commit was under way: ask db_resolve_commit */
};
/* Why the last function that failed did so. */
enum db_failure db_failure(const struct db *db);
/* Finds out whether the transaction whose fate is unknown was committed, over a new connection.
 * Waits until it is known or `until_ms` (clock_mono_ms) has passed: false. */
bool db_resolve_commit(struct db *db, int64_t until_ms, bool *ret_committed, struct error *error);

/* --- statements --- */

/* A prepared statement in use: bind, step until there is no row, done. Texts and bytes are bound by
 * reference and must live until then. A failure to bind is told by the next step. */
struct stmt {
    struct db *db;
    void *handle;
    const uint8_t *places; /* SQLite: from $n to its own numbering */
    int rc;
};

struct stmt stmt_open(struct db *db, enum sql sql);
void stmt_done(struct stmt *stmt);
#define _cleanup_stmt_ _cleanup_(stmt_done)

void stmt_text(struct stmt *stmt, int number, struct str text); /* $number; STR_NULL binds NULL */
void stmt_bytes(struct stmt *stmt, int number, struct str bytes);
void stmt_i64(struct stmt *stmt, int number, int64_t value);

bool stmt_step(struct stmt *stmt, bool *ret_row, struct error *error);
bool stmt_run(struct stmt *stmt, struct error *error); /* one step; a row or none is the same */
/* One step of a statement that is there to change one row. *ret_changed false: it changed none. */
bool stmt_change(struct stmt *stmt, bool *ret_changed, struct error *error);
int64_t stmt_changes(struct stmt *stmt); /* rows that the last step changed */

/* Columns of the row, counted from 0; copied into the arena. NULL reads as STR_NULL, 0. */
struct str column_text(const struct stmt *stmt, int column, struct arena *arena);
struct str column_bytes(const struct stmt *stmt, int column, struct arena *arena);
int64_t column_i64(const struct stmt *stmt, int column);
