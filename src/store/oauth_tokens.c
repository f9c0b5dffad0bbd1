/* The oauth_tokens table. */
#include "store/oauth_tokens.h"

#include "store/core/internal.h"

static void bind_key(struct stmt *stmt, struct profile_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.name);
}

bool oauth_tokens_find(struct store_reader *reader, struct arena *arena, struct profile_key key,
                       struct oauth_tokens_row *ret_row, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_TOKENS_FIND);
    bind_key(&stmt, key);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (*ret_found)
        *ret_row = (struct oauth_tokens_row){
            .credentials_version = column_i64(&stmt, 0),
            .version = column_i64(&stmt, 1),
            .expires_at_ms = column_i64(&stmt, 2),
            .sealed = column_bytes(&stmt, 3, arena),
        };
    return true;
}

bool oauth_tokens_put(struct db *db, struct profile_key key, const struct oauth_tokens_row *row,
                      int64_t expected_version, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_TOKENS_PUT);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 4, row->credentials_version);
    stmt_i64(&stmt, 5, row->version);
    stmt_i64(&stmt, 6, row->expires_at_ms);
    stmt_bytes(&stmt, 7, row->sealed);
    stmt_i64(&stmt, 8, expected_version);
    return stmt_run(&stmt, error);
}

bool oauth_tokens_delete(struct db *db, struct profile_key key, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_TOKENS_DELETE);
    bind_key(&stmt, key);
    return stmt_run(&stmt, error);
}
