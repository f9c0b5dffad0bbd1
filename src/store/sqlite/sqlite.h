/* SQLite's driver, and what only a database in a file has. The functions take connections that
 * sqlite_open made. */
#pragma once

#include "store/db/db.h"

enum { SQLITE_BUSY_MS = 5000 }; /* how long a connection waits for another process to give way */

bool sqlite_open(const char *path, enum db_use use, struct db **ret_db, struct error *error);

/* Makes a database that is there whole, `fill` included, or not at all. The caller holds the
 * directory's lock and has found that there is none. */
typedef bool sqlite_fill_fn(struct db *db, struct error *error);
bool sqlite_create(const char *dir, const char *path, sqlite_fill_fn *fill, struct error *error);
/* Gives a finished file its name, durably. */
bool sqlite_publish(const char *dir, const char *unfinished, const char *path, struct error *error);
/* Into a new file, whole or not at all. With `checked` the original is one of ours, in its place;
 * otherwise its checksums may not fit, since somebody else has written it. */
bool sqlite_copy(const char *from, bool checked, const char *to, struct error *error);
/* Settings that stay in the file: room for checksums, write-ahead log, the count of commits.
 * Outside of a transaction. */
bool sqlite_prepare_file(struct db *db, struct error *error);

/* Moves profiles to where look-ups by name expect them (profile_rowid.c), which those of an older
 * program are not. Reads one page when there are none. What could not be moved is found all the
 * same, and left to the next call. */
void sqlite_move_profiles(struct db *db);

/* From now on the connection's commits are noted in DIR/mark. Fails, with what to do, when the
 * database has seen fewer commits than the mark says. */
bool sqlite_keep_guard(struct db *db, struct error *error);
/* The same for a database that is not there at all. */
bool sqlite_check_absence(const char *path, struct error *error);

/* Reads every page and holds every index against its rows: ERR_UNAVAILABLE with the first thing
 * that is wrong. */
bool sqlite_check(struct db *db, struct error *error);

/* --- the write-ahead log --- */

enum checkpoint_mode {
    CHECKPOINT_PASSIVE,  /* what can be moved while others read and write */
    CHECKPOINT_RESTART,  /* everything; the next write starts at the log's beginning */
    CHECKPOINT_TRUNCATE, /* everything; the log is empty afterwards */
};

/* Waits at most `limit_ms` for readers. *ret_whole: nothing was left to move, and for RESTART and
 * TRUNCATE the log was begun anew. True with *ret_whole false when others were in the way. */
bool sqlite_checkpoint(struct db *db, enum checkpoint_mode mode, int64_t limit_ms, bool *ret_whole,
                       struct error *error);
int sqlite_log_pages(const struct db *db); /* in the log after this connection's last commit */
