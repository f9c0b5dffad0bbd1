/* Counts and replacements of sealed values. */
#include "store/sealed.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

static void read_count(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct sealed_count *count = item;
    count->kind = column_text(stmt, 0, arena);
    count->key_id = column_bytes(stmt, 1, arena);
    count->count = column_i64(stmt, 2);
}

bool sealed_counts(struct store_reader *reader, struct arena *arena,
                   struct sealed_count **ret_counts, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct sealed_count));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_SEALED_COUNT);
    if (!rows_read(&rows, &stmt, read_count, error))
        return false;
    *ret_counts = rows.items;
    *ret_count = rows.count;
    return true;
}

bool sealed_profile_replace(struct db *db, struct profile_key key, struct str sealed,
                            struct str old, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_RENEW);
    stmt_text(&stmt, 1, key.account);
    stmt_text(&stmt, 2, key.region);
    stmt_text(&stmt, 3, key.name);
    stmt_bytes(&stmt, 4, sealed);
    stmt_bytes(&stmt, 5, old);
    return stmt_run(&stmt, error);
}

bool sealed_access_key_replace(struct db *db, struct str id, struct str sealed, struct str old,
                               struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_ACCESS_KEY_RENEW);
    stmt_text(&stmt, 1, id);
    stmt_bytes(&stmt, 2, sealed);
    stmt_bytes(&stmt, 3, old);
    return stmt_run(&stmt, error);
}
