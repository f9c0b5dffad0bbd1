/* The oauth_tokens table. */
#include "store/oauth_tokens.h"

#include "store/core/internal.h"

static void bind_key(struct stmt *stmt, struct profile_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.name);
}

void oauth_tokens_read_row(const struct stmt *stmt, int first, struct arena *arena,
                           struct oauth_tokens_row *ret_row)
{
    *ret_row = (struct oauth_tokens_row){
        .credentials_version = column_i64(stmt, first),
        .version = column_i64(stmt, first + 1),
        .expires_at_ms = column_i64(stmt, first + 2),
        .sealed = column_bytes(stmt, first + 3, arena),
    };
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
    if (*ret_found) {
        oauth_tokens_read_row(&stmt, 0, arena, ret_row);
        ret_row->refresh_digest = column_bytes(&stmt, 4, arena);
    }
    return true;
}

bool oauth_tokens_put(struct db *db, struct profile_key key, const struct oauth_tokens_row *row,
                      int64_t expected_version, struct str spent, bool keep_older,
                      struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_TOKENS_PUT);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 4, row->credentials_version);
    stmt_i64(&stmt, 5, row->version);
    stmt_i64(&stmt, 6, row->expires_at_ms);
    stmt_bytes(&stmt, 7, row->sealed);
    stmt_bytes(&stmt, 8, row->refresh_digest);
    stmt_i64(&stmt, 9, expected_version);
    stmt_bytes(&stmt, 10, spent.data ? spent : STR(""));
    stmt_i64(&stmt, 11, keep_older);
    return stmt_run(&stmt, error);
}

bool oauth_tokens_delete(struct db *db, struct profile_key key, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_TOKENS_DELETE);
    bind_key(&stmt, key);
    return stmt_run(&stmt, error);
}

bool oauth_tokens_reseal(struct db *db, struct profile_key key, struct str sealed, struct str old,
                         struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_TOKENS_RESEAL);
    bind_key(&stmt, key);
    stmt_bytes(&stmt, 4, sealed);
    stmt_bytes(&stmt, 5, old);
    return stmt_run(&stmt, error);
}
