/* Row ids of profiles in SQLite, derived from their keys.
 *
 * A table's rows are a B-tree ordered by row id; a look-up by name normally walks the index's tree
 * and then the table's. Here a profile's row id is a hash of (account, region, name), so a look-up
 * walks the table's tree alone (ONE_PROFILE in statements.inc). A row whose id is not the hash,
 * because the hash was taken or an older version wrote it, is found through the index as usual.
 *
 * The price: rows are in no order, so neighbours by name are on different pages. Measured on a
 * million profiles with 4 MiB of cache, against ids in order of creation (and names in that order,
 * the best case): a look-up 1.25 pages instead of 2.56, and 4.8 us of processor instead of 7.5; a
 * list of 100 rows 129 pages instead of 19, and 327 us instead of 79; a create 65 us instead of 36,
 * an update 31 instead of 25, a delete as before; the file 9 % larger. Small rows, with the sealed
 * credentials in a table of their own, gave little of that: 2.19 pages a look-up without the hash,
 * and 50 us an update. docs/performance.md has the table. */
#include "store/sqlite/internal.h"

enum {
    HASH_BITS = 34,          /* with the bit above them a row id takes five bytes */
    MOVES_A_COMMIT = 20000,  /* keeps the WAL small while an older database is migrated */
    CHECKPOINT_WAIT_MS = 500 /* for a tool that reads at the same time */
};

/* SQLite's own ids are smaller, so one look at the smallest id tells whether there are any. */
#define FIRST_ROWID ((int64_t)1 << HASH_BITS)

/* FNV-1a. Two keys may have the same hash: look-ups compare the key too. */
static uint64_t mix(uint64_t hash, const unsigned char *bytes, int count)
{
    for (int i = 0; i < count; i++)
        hash = (hash ^ bytes[i]) * 0x100000001B3U;
    return hash;
}

/* profile_rowid(account, region, name). Its results are stored in files: never change it. */
static void profile_rowid(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint64_t hash = 0xCBF29CE484222325U;
    for (int i = 0; i < count; i++) {
        const void *text =
            sqlite3_value_blob(values[i]); /* as text SQLite would copy it to terminate it */
        hash = mix(hash, text, sqlite3_value_bytes(values[i]));
        hash = mix(hash, (const unsigned char *)"", 1);
    }
    hash *= 0x9E3779B97F4A7C15U;
    sqlite3_result_int64(context, FIRST_ROWID + (int64_t)(hash >> (64 - HASH_BITS)));
}

int sqlite_add_functions(sqlite3 *handle)
{
    return sqlite3_create_function_v2(handle, "profile_rowid", 3,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                      profile_rowid, NULL, NULL, NULL);
}

/* An error reads as "none": the next statement that needs the page reports it. */
bool sqlite_has_stray_profiles(struct db *base)
{
    sqlite3 *handle = sqlite_of(base)->handle;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(handle, "SELECT EXISTS (SELECT 1 FROM profiles WHERE rowid < $1)",
                                -1, &stmt, NULL);
    bool found = rc == SQLITE_OK && sqlite3_bind_int64(stmt, 1, FIRST_ROWID) == SQLITE_OK &&
                 sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) != 0;
    sqlite3_finalize(stmt);
    return found;
}

/* Moves the row with the smallest id to its derived id, or behind the last row when that is taken.
 */
static const char *const move_one =
    "UPDATE profiles SET rowid = CASE WHEN EXISTS (SELECT 1 FROM profiles AS other WHERE"
    " other.rowid = profile_rowid(profiles.account, profiles.region, profiles.name))"
    " THEN (SELECT max(rowid) + 1 FROM profiles) ELSE profile_rowid(account, region, name) END"
    " WHERE rowid = (SELECT min(rowid) FROM profiles) AND rowid < $1";

static bool move_some(struct db *base, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, move_one, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(stmt, 1, FIRST_ROWID);
    bool moved = rc == SQLITE_OK;
    for (int i = 0; moved && i < MOVES_A_COMMIT; i++) {
        moved = sqlite3_step(stmt) == SQLITE_DONE && sqlite3_changes64(db->handle) > 0;
        rc = sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    return (rc == SQLITE_OK || sqlite_fail(db, rc, error)) && db_commit(base, error);
}

bool sqlite_move_profiles(struct db *db, struct error *error)
{
    bool whole, ok = true;
    while (ok && sqlite_has_stray_profiles(db)) {
        ok = db_begin_write(db, error) && move_some(db, error);
        db_rollback(db); /* does nothing after a commit */
        ok = ok && sqlite_checkpoint(db, CHECKPOINT_PASSIVE, CHECKPOINT_WAIT_MS, &whole, error);
    }
    return ok;
}
