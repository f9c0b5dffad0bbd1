/* The columns of previous credentials. */
#include "store/previous_credentials.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

static void bind_key(struct stmt *stmt, struct profile_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.name);
}

static void read_row(const struct stmt *stmt, struct arena *arena, const struct profile *current,
                     struct previous_credentials *previous)
{
    struct profile *profile = &previous->profile;
    *previous = (struct previous_credentials){.profile = *current};
    profile->version = column_i64(stmt, 0);
    profile->credentials_version = column_i64(stmt, 1);
    profile->updated_at_ms = column_i64(stmt, 2);
    profile->connection_mode = column_text(stmt, 3, arena);
    profile->properties = column_text(stmt, 4, arena);
    profile->sealed_credentials = column_bytes(stmt, 5, arena);
    profile->credentials_hash = 0;
    profile->provisioning = (struct provisioning){0};
    if (column_i64(stmt, 6) == profile->credentials_version)
        previous->tokens = (struct oauth_tokens_row){
            .credentials_version = profile->credentials_version,
            .version = column_i64(stmt, 7),
            .sealed = column_bytes(stmt, 8, arena),
        };
}

bool previous_find(struct store_reader *reader, struct arena *arena, const struct profile *current,
                   struct previous_credentials *ret_previous, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PREVIOUS_FIND);
    bind_key(&stmt, current->key);
    stmt_i64(&stmt, 4, current->version);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (*ret_found)
        read_row(&stmt, arena, current, ret_previous);
    return true;
}

static void read_key(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct profile_key *key = item;
    key->account = column_text(stmt, 0, arena);
    key->region = column_text(stmt, 1, arena);
    key->name = column_text(stmt, 2, arena);
}

bool previous_expired(struct store_reader *reader, struct arena *arena, int64_t now_ms,
                      struct profile_key after, struct profile_key **ret_keys, size_t *ret_count,
                      struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct profile_key));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PREVIOUS_EXPIRED);
    stmt_text(&stmt, 1, after.account.data ? after.account : STR(""));
    stmt_text(&stmt, 2, after.region.data ? after.region : STR(""));
    stmt_text(&stmt, 3, after.name.data ? after.name : STR(""));
    stmt_i64(&stmt, 4, now_ms);
    stmt_i64(&stmt, 5, PREVIOUS_EXPIRED_MAX);
    if (!rows_read(&rows, &stmt, read_key, error))
        return false;
    *ret_keys = rows.items;
    *ret_count = rows.count;
    return true;
}

bool previous_remove(struct db *db, struct profile_key key, int64_t now_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PREVIOUS_REMOVE);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 4, now_ms);
    if (!stmt_run(&stmt, error))
        return false;
    _cleanup_stmt_ struct stmt tokens = stmt_open(db, SQL_PREVIOUS_TOKENS_REMOVE);
    bind_key(&tokens, key);
    return stmt_run(&tokens, error);
}

bool previous_refuse(struct db *db, const struct profile *current, struct str words,
                     struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PREVIOUS_REFUSE);
    bind_key(&stmt, current->key);
    stmt_i64(&stmt, 4, current->version);
    stmt_text(&stmt, 5, words);
    return stmt_run(&stmt, error);
}

static bool reseal(struct db *db, enum sql sql, struct profile_key key, struct str sealed,
                   struct str old, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    bind_key(&stmt, key);
    stmt_bytes(&stmt, 4, sealed);
    stmt_bytes(&stmt, 5, old);
    return stmt_run(&stmt, error);
}

bool previous_reseal(struct db *db, struct profile_key key, struct str sealed, struct str old,
                     struct error *error)
{
    return reseal(db, SQL_PREVIOUS_RENEW, key, sealed, old, error);
}

bool previous_tokens_reseal(struct db *db, struct profile_key key, struct str sealed,
                            struct str old, struct error *error)
{
    return reseal(db, SQL_PREVIOUS_TOKENS_RENEW, key, sealed, old, error);
}
