/* The table of access keys. */
#include "store/access_keys.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

static void read_row(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct access_key *key = item;
    key->id = column_text(stmt, 0, arena);
    key->account = column_text(stmt, 1, arena);
    key->sealed_secret = column_bytes(stmt, 2, arena);
    key->created_at_ms = column_i64(stmt, 3);
    key->version = column_i64(stmt, 4);
    key->limits = column_text(stmt, 5, arena);
    key->last_used_ms = column_i64(stmt, 6);
    key->sealed_state = column_bytes(stmt, 7, arena);
}

bool access_key_find(struct store_reader *reader, struct arena *arena, struct str id,
                     struct access_key *ret_key, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_ACCESS_KEY_FIND);
    stmt_text(&stmt, 1, id);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (*ret_found)
        read_row(&stmt, arena, ret_key);
    return true;
}

bool access_key_list(struct store_reader *reader, struct arena *arena, struct access_key **ret_keys,
                     size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct access_key));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_ACCESS_KEY_LIST);
    if (!rows_read(&rows, &stmt, read_row, error))
        return false;
    *ret_keys = rows.items;
    *ret_count = rows.count;
    return true;
}

bool access_key_insert(struct db *db, const struct access_key *key, struct error *error)
{
    bool inserted;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_ACCESS_KEY_INSERT);
    stmt_text(&stmt, 1, key->id);
    stmt_text(&stmt, 2, key->account);
    stmt_bytes(&stmt, 3, key->sealed_secret);
    stmt_i64(&stmt, 4, key->created_at_ms);
    stmt_i64(&stmt, 5, key->version);
    stmt_text(&stmt, 6, key->limits);
    if (!stmt_change(&stmt, &inserted, error))
        return false;
    return inserted ||
           fail(error, ERR_CONFLICT, "The access key %.*s exists already.", STR_ARG(key->id));
}

bool access_key_reseal(struct db *db, const struct access_key *key, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_ACCESS_KEY_RESEAL);
    stmt_text(&stmt, 1, key->id);
    stmt_bytes(&stmt, 2, key->sealed_secret);
    stmt_i64(&stmt, 3, key->version);
    return stmt_run(&stmt, error);
}

bool access_key_delete(struct db *db, struct str id, struct error *error)
{
    bool deleted;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_ACCESS_KEY_DELETE);
    stmt_text(&stmt, 1, id);
    if (!stmt_change(&stmt, &deleted, error))
        return false;
    return deleted || fail(error, ERR_NOT_FOUND, "There is no access key %.*s.", STR_ARG(id));
}

bool access_key_note_use(struct db *db, struct str id, int64_t at_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_ACCESS_KEY_NOTE_USE);
    stmt_text(&stmt, 1, id);
    stmt_i64(&stmt, 2, at_ms);
    return stmt_run(&stmt, error);
}
