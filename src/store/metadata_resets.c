/* The metadata_resets table. */
#include "store/metadata_resets.h"

#include "store/core/internal.h"

static void bind_key(struct stmt *stmt, struct profile_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.name);
}

bool metadata_resets_find(struct store_reader *reader, struct profile_key key,
                          struct metadata_resets *ret_resets, struct error *error)
{
    struct db *db;
    bool found;
    *ret_resets = (struct metadata_resets){0};
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_METADATA_RESETS_FIND);
    bind_key(&stmt, key);
    if (!stmt_step(&stmt, &found, error))
        return false;
    if (found)
        *ret_resets = (struct metadata_resets){column_i64(&stmt, 0), column_i64(&stmt, 1)};
    return true;
}

static bool expire(struct db *db, int64_t now_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_METADATA_RESETS_EXPIRE);
    stmt_i64(&stmt, 1, now_ms - METADATA_RESET_KEPT_MS);
    return stmt_run(&stmt, error);
}

static bool add(struct db *db, enum sql sql, struct profile_key key,
                const struct metadata_resets *more, int64_t now_ms, bool *ret_added,
                struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 4, more->names);
    stmt_i64(&stmt, 5, more->details);
    stmt_i64(&stmt, 6, now_ms);
    return stmt_change(&stmt, ret_added, error);
}

bool metadata_resets_add(struct db *db, struct profile_key key, const struct metadata_resets *more,
                         int64_t now_ms, struct error *error)
{
    bool added;
    if (!expire(db, now_ms, error) ||
        !add(db, SQL_METADATA_RESETS_ADD, key, more, now_ms, &added, error))
        return false;
    return added || fail(error, ERR_NOT_FOUND, "Connector Profile with name %.*s does not exist.",
                         STR_ARG(key.name));
}

bool metadata_resets_add_connector(struct db *db, struct profile_key key,
                                   const struct metadata_resets *more, int64_t now_ms,
                                   struct error *error)
{
    bool added;
    return expire(db, now_ms, error) &&
           add(db, SQL_METADATA_RESETS_ADD_CONNECTOR, key, more, now_ms, &added, error);
}
