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
    if (!stmt_change(&stmt, &inserted, error))
        return false;
    return inserted ||
           fail(error, ERR_CONFLICT, "The access key %.*s exists already.", STR_ARG(key->id));
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
