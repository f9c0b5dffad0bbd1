/* Reads everything that is stored. */
#include "store/fsck.h"

#include "store/fsck_read.h"
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

/* A page of a table whose key is a profile's. */
static bool read_page(struct store_reader *reader, enum sql sql, struct profile_key after,
                      struct str not_key, row_fn *read, struct rows *rows, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    stmt_text(&stmt, 1, after.account);
    stmt_text(&stmt, 2, after.region);
    stmt_text(&stmt, 3, after.name);
    stmt_i64(&stmt, 4, not_key.data ? FSCK_RENEW_PAGE : FSCK_PAGE);
    if (not_key.data)
        stmt_bytes(&stmt, 5, not_key);
    return rows_read(rows, &stmt, read, error);
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

static bool list_tokens(struct store_reader *reader, enum sql sql, struct arena *arena,
                        struct profile_key after, struct str not_key,
                        struct oauth_tokens_owned **ret_tokens, size_t *ret_count,
                        struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct oauth_tokens_owned));
    if (!read_page(reader, sql, after, not_key, read_oauth_tokens, &rows, error))
        return false;
    *ret_tokens = rows.items;
    *ret_count = rows.count;
    return true;
}

bool fsck_oauth_tokens(struct store_reader *reader, struct arena *arena, struct profile_key after,
                       struct str not_key, struct oauth_tokens_owned **ret_tokens,
                       size_t *ret_count, struct error *error)
{
    return list_tokens(reader, not_key.data ? SQL_SEALED_OAUTH_TOKENS : SQL_FSCK_OAUTH_TOKENS,
                       arena, after, not_key, ret_tokens, ret_count, error);
}

bool fsck_previous_tokens(struct store_reader *reader, struct arena *arena,
                          struct profile_key after, struct str not_key,
                          struct oauth_tokens_owned **ret_tokens, size_t *ret_count,
                          struct error *error)
{
    return list_tokens(reader, not_key.data ? SQL_SEALED_PREVIOUS_TOKENS : SQL_FSCK_PREVIOUS_TOKENS,
                       arena, after, not_key, ret_tokens, ret_count, error);
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
                       struct str not_key, struct token_grant **ret_grants, size_t *ret_count,
                       struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct token_grant));
    struct str start = {after ? (const char *)after : "", after ? TOKEN_GRANT_ID_SIZE : 0};
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt =
        stmt_open(db, not_key.data ? SQL_SEALED_TOKEN_GRANTS : SQL_FSCK_TOKEN_GRANTS);
    stmt_bytes(&stmt, 1, start);
    stmt_i64(&stmt, 2, not_key.data ? FSCK_RENEW_PAGE : FSCK_PAGE);
    if (not_key.data)
        stmt_bytes(&stmt, 3, not_key);
    if (!rows_read(&rows, &stmt, read_token_grant, error))
        return false;
    *ret_grants = rows.items;
    *ret_count = rows.count;
    return true;
}

bool fsck_read_strayed(struct store_reader *reader, enum sql strayed, row_fn *read,
                       struct rows *rows, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, strayed);
    stmt_i64(&stmt, 1, STRAYED_MAX);
    return rows_read(rows, &stmt, read, error);
}

bool fsck_count(struct store_reader *reader, enum sql count, size_t *ret_count, struct error *error)
{
    struct db *db;
    bool row;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, count);
    if (!stmt_step(&stmt, &row, error))
        return false;
    *ret_count = (size_t)column_i64(&stmt, 0);
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
    struct rows rows = rows_of(arena, sizeof(struct strayed_profile));
    if (!fsck_read_strayed(reader, SQL_FSCK_STRAYED, read_strayed, &rows, error))
        return false;
    *ret_strayed = rows.items;
    *ret_count = rows.count;
    return true;
}

static void read_id(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct str *id = item;
    *id = column_text(stmt, 0, arena);
}

bool fsck_revived_keys(struct store_reader *reader, struct arena *arena, struct str **ret_ids,
                       size_t *ret_count, struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct str));
    if (!fsck_read_strayed(reader, SQL_FSCK_REVIVED_KEYS, read_id, &rows, error))
        return false;
    *ret_ids = rows.items;
    *ret_count = rows.count;
    return true;
}

/* --- tags and jobs --- */

static void read_tagged(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct tagged *tagged = item;
    tagged->account = column_text(stmt, 0, arena);
    tagged->region = column_text(stmt, 1, arena);
    tagged->kind = column_text(stmt, 2, arena);
    tagged->name = column_text(stmt, 3, arena);
}

bool fsck_tags(struct store_reader *reader, struct arena *arena, size_t *ret_tags,
               struct tagged **ret_stray, size_t *ret_count, struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct tagged));
    if (!fsck_count(reader, SQL_FSCK_TAG_COUNT, ret_tags, error) ||
        !fsck_read_strayed(reader, SQL_FSCK_TAGS, read_tagged, &rows, error))
        return false;
    *ret_stray = rows.items;
    *ret_count = rows.count;
    return true;
}

static void read_job(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct job_row *row = item;
    row->key.account = column_text(stmt, 0, arena);
    row->key.region = column_text(stmt, 1, arena);
    row->key.name = column_text(stmt, 2, arena);
    row->payload = column_text(stmt, 3, arena);
    row->attempts = column_i64(stmt, 4);
}

bool fsck_jobs(struct store_reader *reader, struct arena *arena, struct job_key after,
               struct job_row **ret_rows, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct job_row));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FSCK_JOBS);
    stmt_text(&stmt, 1, after.account);
    stmt_text(&stmt, 2, after.region);
    stmt_text(&stmt, 3, after.name);
    stmt_text(&stmt, 4, after.kind);
    stmt_i64(&stmt, 5, FSCK_PAGE);
    if (!rows_read(&rows, &stmt, read_job, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    return true;
}
