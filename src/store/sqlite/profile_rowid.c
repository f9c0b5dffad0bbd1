/* Where a profile's row stands in SQLite's file. A table's rows are in a tree ordered by row id,
 * and by name they are found through an index: two trees, whose leaves are read from the file when
 * there are many profiles. So a profile's row id is computed from its key, and a look-up goes
 * straight to the row (statements.inc). That is a short cut only: a row that stands elsewhere,
 * because its place was taken or because an older program put it there, is found through the index
 * as before. */
#include "store/sqlite/internal.h"

#include "base/log.h"

enum {
    PLACE_BITS = 34,         /* with the bit that marks places, a row id takes five bytes */
    MOVES_A_COMMIT = 20000,  /* keeps the log small while an older database is brought up to date */
    CHECKPOINT_WAIT_MS = 500 /* for a tool that reads meanwhile */
};

/* Ids that SQLite gave by itself are below, so that it is seen at once whether there are any. */
#define FIRST_PLACE ((int64_t)1 << PLACE_BITS)

/* FNV-1a. Two keys may have the same place; who looks for one compares the key. */
static uint64_t mix(uint64_t hash, const unsigned char *bytes, int count)
{
    for (int i = 0; i < count; i++)
        hash = (hash ^ bytes[i]) * 0x100000001B3U;
    return hash;
}

/* profile_place(account, region, name). The file keeps what it gives: never change it. */
static void profile_place(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint64_t hash = 0xCBF29CE484222325U;
    for (int i = 0; i < count; i++) {
        const void *text = sqlite3_value_blob(values[i]); /* a text would be copied to end it */
        hash = mix(hash, text, sqlite3_value_bytes(values[i]));
        hash = mix(hash, (const unsigned char *)"", 1);
    }
    hash *= 0x9E3779B97F4A7C15U;
    sqlite3_result_int64(context, FIRST_PLACE + (int64_t)(hash >> (64 - PLACE_BITS)));
}

int sqlite_add_functions(sqlite3 *handle)
{
    return sqlite3_create_function_v2(handle, "profile_place", 3,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                      profile_place, NULL, NULL, NULL);
}

/* Whether a row has an id that SQLite gave. A page that cannot be read is told to whoever needs it,
 * which here is nobody. */
static bool has_stray(sqlite3 *handle)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(handle, "SELECT EXISTS (SELECT 1 FROM profiles WHERE rowid < $1)",
                                -1, &stmt, NULL);
    bool found = rc == SQLITE_OK && sqlite3_bind_int64(stmt, 1, FIRST_PLACE) == SQLITE_OK &&
                 sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int(stmt, 0) != 0;
    sqlite3_finalize(stmt);
    return found;
}

/* The first row of all goes to its place, or behind the last when that is taken. */
static const char *const move_one =
    "UPDATE profiles SET rowid = CASE WHEN EXISTS (SELECT 1 FROM profiles AS other WHERE"
    " other.rowid = profile_place(profiles.account, profiles.region, profiles.name))"
    " THEN (SELECT max(rowid) + 1 FROM profiles) ELSE profile_place(account, region, name) END"
    " WHERE rowid = (SELECT min(rowid) FROM profiles) AND rowid < $1";

static bool move_some(struct db *base, struct error *error)
{
    struct sqlite_db *db = sqlite_of(base);
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, move_one, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(stmt, 1, FIRST_PLACE);
    bool moved = rc == SQLITE_OK;
    for (int i = 0; moved && i < MOVES_A_COMMIT; i++) {
        moved = sqlite3_step(stmt) == SQLITE_DONE && sqlite3_changes64(db->handle) > 0;
        rc = sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    return (rc == SQLITE_OK || sqlite_fail(db, rc, error)) && db_commit(base, error);
}

static bool move_all(struct db *db, struct error *error)
{
    bool whole, ok = true;
    while (ok && has_stray(sqlite_of(db)->handle)) {
        ok = db_begin_write(db, error) && move_some(db, error);
        db_rollback(db); /* does nothing after a commit */
        ok = ok && sqlite_checkpoint(db, CHECKPOINT_PASSIVE, CHECKPOINT_WAIT_MS, &whole, error);
    }
    return ok;
}

void sqlite_move_profiles(struct db *db)
{
    struct error error = {0};
    if (!has_stray(sqlite_of(db)->handle))
        return;
    log_info("Migrating profiles to the new layout (runs once).");
    if (!move_all(db, &error))
        log_warn("The migration of profiles to the new layout continues at the next start; until "
                 "then, lookups of profiles are slower: %s",
                 error.message);
}
