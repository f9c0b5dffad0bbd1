/* Reads everything that is stored. */
#include "store/fsck.h"

#include "store/core/internal.h"
#include "store/db/rows.h"
#include "store/sqlite/sqlite.h"

#include <string.h>

bool fsck_database(struct store *store, struct error *error)
{
    struct db *db;
    if (store_is_remote(store))
        return true;
    if (!store_connect(store, DB_READ, &db, error))
        return false;
    bool ok = sqlite_check(db, error);
    db_close(db);
    return ok;
}

bool fsck_rollback(struct store *store, struct store_reader *reader, struct arena *arena,
                   struct str *ret_warning, struct error *error)
{
    char text[ERROR_MESSAGE_MAX];
    struct db *db;
    bool went_back;
    int64_t recorded_ms;
    *ret_warning = STR_NULL;
    if (store_is_remote(store))
        return true;
    if (!reader_begin(reader, &db, error) ||
        !rollback_check(store, db, &went_back, &recorded_ms, error))
        return false;
    if (went_back) {
        rollback_describe(recorded_ms, text, sizeof(text));
        *ret_warning = arena_copy(arena, str_from(text));
    }
    return true;
}

static void read_profile(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct profile *profile = item;
    profile->key.account = column_text(stmt, 0, arena);
    profile->key.region = column_text(stmt, 1, arena);
    profile->key.name = column_text(stmt, 2, arena);
    profile->version = column_i64(stmt, 3);
    profile->properties = column_text(stmt, 4, arena);
    profile->sealed_credentials = column_bytes(stmt, 5, arena);
}

/* A page of a table whose key is a profile's. */
static bool read_page(struct store_reader *reader, enum sql sql, struct profile_key after,
                      row_fn *read, struct rows *rows, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    stmt_text(&stmt, 1, after.account);
    stmt_text(&stmt, 2, after.region);
    stmt_text(&stmt, 3, after.name);
    stmt_i64(&stmt, 4, FSCK_PAGE);
    return rows_read(rows, &stmt, read, error);
}

bool fsck_profiles(struct store_reader *reader, struct arena *arena, struct profile_key after,
                   struct profile **ret_profiles, size_t *ret_count, struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct profile));
    if (!read_page(reader, SQL_FSCK_PROFILES, after, read_profile, &rows, error))
        return false;
    *ret_profiles = rows.items;
    *ret_count = rows.count;
    return true;
}

static void read_oauth_tokens(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct oauth_tokens_owned *tokens = item;
    tokens->key.account = column_text(stmt, 0, arena);
    tokens->key.region = column_text(stmt, 1, arena);
    tokens->key.name = column_text(stmt, 2, arena);
    tokens->row.credentials_version = column_i64(stmt, 3);
    tokens->row.version = column_i64(stmt, 4);
    tokens->row.expires_at_ms = column_i64(stmt, 5);
    tokens->row.sealed = column_bytes(stmt, 6, arena);
}

bool fsck_oauth_tokens(struct store_reader *reader, struct arena *arena, struct profile_key after,
                       struct oauth_tokens_owned **ret_tokens, size_t *ret_count,
                       struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct oauth_tokens_owned));
    if (!read_page(reader, SQL_FSCK_OAUTH_TOKENS, after, read_oauth_tokens, &rows, error))
        return false;
    *ret_tokens = rows.items;
    *ret_count = rows.count;
    return true;
}

static void read_token_grant(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct token_grant *grant = item;
    struct str id = column_bytes(stmt, 0, arena);
    memcpy(grant->id, id.data, id.len < TOKEN_GRANT_ID_SIZE ? id.len : TOKEN_GRANT_ID_SIZE);
    grant->account = column_text(stmt, 1, arena);
    grant->region = column_text(stmt, 2, arena);
    grant->profile = column_text(stmt, 3, arena);
    grant->sealed = column_bytes(stmt, 4, arena);
}

bool fsck_token_grants(struct store_reader *reader, struct arena *arena, const unsigned char *after,
                       struct token_grant **ret_grants, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct token_grant));
    struct str start = {after ? (const char *)after : "", after ? TOKEN_GRANT_ID_SIZE : 0};
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FSCK_TOKEN_GRANTS);
    stmt_bytes(&stmt, 1, start);
    stmt_i64(&stmt, 2, FSCK_PAGE);
    if (!rows_read(&rows, &stmt, read_token_grant, error))
        return false;
    *ret_grants = rows.items;
    *ret_count = rows.count;
    return true;
}

static void read_strayed(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct strayed_profile *strayed = item;
    strayed->key.account = column_text(stmt, 0, arena);
    strayed->key.region = column_text(stmt, 1, arena);
    strayed->key.name = column_text(stmt, 2, arena);
    strayed->made = column_i64(stmt, 3);
    strayed->deleted = column_i64(stmt, 4);
    strayed->version = column_i64(stmt, 5);
}

bool fsck_strayed(struct store_reader *reader, struct arena *arena,
                  struct strayed_profile **ret_strayed, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct strayed_profile));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FSCK_STRAYED);
    stmt_i64(&stmt, 1, STRAYED_MAX);
    if (!rows_read(&rows, &stmt, read_strayed, error))
        return false;
    *ret_strayed = rows.items;
    *ret_count = rows.count;
    return true;
}
