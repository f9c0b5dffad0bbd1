/* The tags table. */
#include "store/tags.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

static void bind_resource(struct stmt *stmt, const struct tagged *tagged)
{
    stmt_text(stmt, 1, tagged->account);
    stmt_text(stmt, 2, tagged->region);
    stmt_text(stmt, 3, tagged->kind);
    stmt_text(stmt, 4, tagged->name);
}

static void read_row(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct tag *tag = item;
    tag->key = column_text(stmt, 0, arena);
    tag->value = column_text(stmt, 1, arena);
}

bool tags_list(struct store_reader *reader, struct arena *arena, const struct tagged *tagged,
               struct tag **ret_tags, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct tag));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TAG_LIST);
    bind_resource(&stmt, tagged);
    if (!rows_read(&rows, &stmt, read_row, error))
        return false;
    *ret_tags = rows.items;
    *ret_count = rows.count;
    return true;
}

static void read_named_row(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct named_tag *named = item;
    read_row(stmt, arena, &named->tag);
    named->name = column_text(stmt, 2, arena);
}

bool tags_list_range(struct store_reader *reader, struct arena *arena, const struct tagged *tagged,
                     struct str last_name, struct named_tag **ret_tags, size_t *ret_count,
                     struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct named_tag));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TAG_LIST_RANGE);
    bind_resource(&stmt, tagged);
    stmt_text(&stmt, 5, last_name);
    if (!rows_read(&rows, &stmt, read_named_row, error))
        return false;
    *ret_tags = rows.items;
    *ret_count = rows.count;
    return true;
}

static bool put(struct db *db, const struct tagged *tagged, const struct tag *tag,
                struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TAG_PUT);
    bind_resource(&stmt, tagged);
    stmt_text(&stmt, 5, tag->key);
    stmt_text(&stmt, 6, tag->value);
    return stmt_run(&stmt, error);
}

static bool check_count(struct db *db, const struct tagged *tagged, struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TAG_COUNT);
    bind_resource(&stmt, tagged);
    if (!stmt_step(&stmt, &row, error))
        return false;
    return column_i64(&stmt, 0) <= TAGS_MAX ||
           fail(error, ERR_VALIDATION,
                "A resource can have at most %d tags; with these it would have %lld.", TAGS_MAX,
                (long long)column_i64(&stmt, 0));
}

bool tags_put(struct db *db, const struct tagged *tagged, const struct tag *tags, size_t count,
              struct error *error)
{
    if (!db_lock_counts(db, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!put(db, tagged, &tags[i], error))
            return false;
    }
    return check_count(db, tagged, error);
}

bool tags_remove(struct db *db, const struct tagged *tagged, const struct str *keys, size_t count,
                 struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TAG_REMOVE);
        bind_resource(&stmt, tagged);
        stmt_text(&stmt, 5, keys[i]);
        if (!stmt_run(&stmt, error))
            return false;
    }
    return true;
}

bool tags_delete(struct db *db, const struct tagged *tagged, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TAGS_DELETE);
    bind_resource(&stmt, tagged);
    return stmt_run(&stmt, error);
}
