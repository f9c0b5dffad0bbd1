/* The driver: one connection to a database, its prepared statements and transactions. Everything
 * that the rest of the store says to a database goes through these functions, so that another
 * database means another file beside sqlite.c and nothing above it.
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
#include "store/statements.inc"
#undef STATEMENT
    SQL_COUNT
};

enum {
    SQL_PARAMS_MAX = 16,
    DB_BUSY_MS = 5000, /* how long a connection waits for another process to give way */
};

enum db_use {
    DB_READ,       /* refuses to write */
    DB_WRITE,      /* the committer's, or a command line tool's */
    DB_CHECKPOINT, /* moves the log into the database file; never waits for others */
};

bool db_open(const char *path, enum db_use use, struct db **ret_db, struct error *error);
void db_close(struct db *db); /* NULL is fine */

/* --- the file as a whole --- */

/* Makes a database that is there whole, `fill` included, or not at all. The caller holds the
 * directory's lock and has found that there is none. */
typedef bool db_fill_fn(struct db *db, struct error *error);
bool db_create(const char *dir, const char *path, db_fill_fn *fill, struct error *error);

/* Version of the schema: 0 for a new file. Fails with what to do for a file that is no database, is
 * damaged, or belongs to another application. */
bool db_version(struct db *db, int64_t *ret_version, struct error *error);
bool db_set_version(struct db *db, int64_t version, struct error *error); /* in a transaction */
/* Settings that stay in the file: write-ahead log. Outside of a transaction. */
bool db_prepare_file(struct db *db, struct error *error);
/* Statements without parameters, for migrations. */
bool db_script(struct db *db, const char *sql, struct error *error);

/* --- transactions --- */

bool db_begin_read(struct db *db, struct error *error);
bool db_begin_write(struct db *db, struct error *error);
bool db_commit(struct db *db, struct error *error);
void db_rollback(struct db *db); /* does nothing outside of a transaction */

/* One write inside a transaction, undone alone. */
bool db_mark(struct db *db, struct error *error);
bool db_mark_keep(struct db *db, struct error *error);
bool db_mark_undo(struct db *db, struct error *error);

/* The transaction can no longer be committed: the disk is full, a page is damaged, … */
bool db_is_lost(const struct db *db);

/* --- the write-ahead log --- */

enum db_checkpoint_mode {
    DB_CHECKPOINT_PASSIVE,  /* what can be moved while others read and write */
    DB_CHECKPOINT_RESTART,  /* everything; the next write starts at the log's beginning */
    DB_CHECKPOINT_TRUNCATE, /* everything; the log is empty afterwards */
};

/* Waits at most `limit_ms` for readers. *ret_whole: nothing was left to move, and for RESTART and
 * TRUNCATE the log was begun anew. True with *ret_whole false when others were in the way. */
bool db_checkpoint(struct db *db, enum db_checkpoint_mode mode, int64_t limit_ms, bool *ret_whole,
                   struct error *error);
int db_log_pages(const struct db *db); /* in the log after this connection's last commit */

/* --- statements --- */

/* A prepared statement in use: bind, step until there is no row, done. Texts and bytes are bound by
 * reference and must live until then. A failure to bind is told by the next step. */
struct stmt {
    struct db *db;
    void *handle;
    const uint8_t *places; /* from $n to the driver's own numbering */
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
int64_t stmt_changes(const struct stmt *stmt);         /* rows that the last step changed */

/* Columns of the row, counted from 0; copied into the arena. NULL reads as STR_NULL, 0. */
struct str column_text(const struct stmt *stmt, int column, struct arena *arena);
struct str column_bytes(const struct stmt *stmt, int column, struct arena *arena);
int64_t column_i64(const struct stmt *stmt, int column);
