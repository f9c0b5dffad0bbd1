/* The SQLite driver, and the functions that only a database in a file has. They take connections of
 * sqlite_open. */
#pragma once

#include "store/db/db.h"

enum { SQLITE_BUSY_MS = 5000 }; /* longest wait for a lock that another process holds */

_must_use_ bool sqlite_open(const char *path, enum db_use use, struct db **ret_db,
                            struct error *error);

/* Creates a database atomically, with what `fill` writes. The caller holds the directory's lock and
 * knows that there is no database. */
typedef bool sqlite_fill_fn(struct db *db, struct error *error);
_must_use_ bool sqlite_create(const char *dir, const char *path, sqlite_fill_fn *fill,
                              struct error *error);
/* Gives a finished file its name, durably. */
_must_use_ bool sqlite_publish(const char *dir, const char *unfinished, const char *path,
                               struct error *error);
/* Copies into a new file, atomically. With `checked` every page's checksum is verified; without,
 * the original may have been written by another program, without valid checksums. */
_must_use_ bool sqlite_copy(const char *from, bool checked, const char *to, struct error *error);
/* Settings that stay in the file: room for checksums, WAL mode. Outside of a transaction. */
_must_use_ bool sqlite_prepare_file(struct db *db, struct error *error);

/* Whether there are profiles whose row id is not derived from their key, as older versions wrote
 * them (profile_rowid.c). Reads one page. */
bool sqlite_has_stray_profiles(struct db *db);
/* Gives them the derived row id, in several transactions. Those that were not moved because of an
 * error are still found, more slowly. */
_must_use_ bool sqlite_move_profiles(struct db *db, struct error *error);

/* Reads every page and compares every index with its rows: ERR_UNAVAILABLE with the first defect.
 */
_must_use_ bool sqlite_check(struct db *db, struct error *error);

/* --- the write-ahead log --- */

enum checkpoint_mode {
    CHECKPOINT_PASSIVE,  /* moves what readers and writers do not block */
    CHECKPOINT_RESTART,  /* moves everything; the next write starts at the WAL's beginning */
    CHECKPOINT_TRUNCATE, /* moves everything and empties the WAL */
};

/* Waits at most `limit_ms` for readers. *ret_whole: everything was moved, and for RESTART and
 * TRUNCATE the WAL starts anew. True with *ret_whole false when readers or another process blocked
 * it. */
_must_use_ bool sqlite_checkpoint(struct db *db, enum checkpoint_mode mode, int64_t limit_ms,
                                  bool *ret_whole, struct error *error);
int sqlite_wal_pages(const struct db *db); /* after this connection's last commit */
