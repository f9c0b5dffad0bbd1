/* The tables of named values and of the operator's OAuth apps. */
#include "store/meta.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

bool meta_read(struct db *db, struct arena *arena, struct str name, struct str *ret_value,
               struct error *error)
{
    bool found;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_META_GET);
    stmt_text(&stmt, 1, name);
    if (!stmt_step(&stmt, &found, error))
        return false;
    *ret_value = found ? column_bytes(&stmt, 0, arena) : STR_NULL;
    return true;
}

bool meta_get(struct store_reader *reader, struct arena *arena, struct str name,
              struct str *ret_value, struct error *error)
{
    struct db *db;
    return reader_begin(reader, &db, error) && meta_read(db, arena, name, ret_value, error);
}

bool meta_put(struct db *db, struct str name, struct str value, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_META_PUT);
    stmt_text(&stmt, 1, name);
    stmt_bytes(&stmt, 2, value);
    return stmt_run(&stmt, error);
}

bool meta_put_once(struct db *db, struct str name, struct str value, bool *ret_put,
                   struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_META_PUT_ONCE);
    stmt_text(&stmt, 1, name);
    stmt_bytes(&stmt, 2, value);
    return stmt_change(&stmt, ret_put, error);
}

bool meta_replace(struct db *db, struct str name, struct str old, struct str value,
                  bool *ret_replaced, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_META_REPLACE);
    stmt_text(&stmt, 1, name);
    stmt_bytes(&stmt, 2, value);
    stmt_bytes(&stmt, 3, old);
    return stmt_change(&stmt, ret_replaced, error);
}

static void read_named(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct meta_value *value = item;
    value->name = column_text(stmt, 0, arena);
    value->value = column_bytes(stmt, 1, arena);
}

bool meta_list(struct store_reader *reader, struct arena *arena, struct str after,
               struct str before, struct meta_value **ret_values, size_t *ret_count,
               struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct meta_value));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_META_LIST);
    stmt_text(&stmt, 1, after);
    stmt_text(&stmt, 2, before);
    if (!rows_read(&rows, &stmt, read_named, error))
        return false;
    *ret_values = rows.items;
    *ret_count = rows.count;
    return true;
}

bool meta_delete_between(struct db *db, struct str after, struct str before, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_META_DELETE_BETWEEN);
    stmt_text(&stmt, 1, after);
    stmt_text(&stmt, 2, before);
    return stmt_run(&stmt, error);
}

static void read_app(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct oauth_app_row *app = item;
    app->connector_type = column_text(stmt, 0, arena);
    app->client_id = column_text(stmt, 1, arena);
    app->sealed_secret = column_bytes(stmt, 2, arena);
    app->updated_at_ms = column_i64(stmt, 3);
}

bool oauth_app_find(struct store_reader *reader, struct arena *arena, struct str connector_type,
                    struct oauth_app_row *ret_app, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_APP_FIND);
    stmt_text(&stmt, 1, connector_type);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (*ret_found)
        read_app(&stmt, arena, ret_app);
    return true;
}

bool oauth_app_list(struct store_reader *reader, struct arena *arena,
                    struct oauth_app_row **ret_apps, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct oauth_app_row));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_APP_LIST);
    if (!rows_read(&rows, &stmt, read_app, error))
        return false;
    *ret_apps = rows.items;
    *ret_count = rows.count;
    return true;
}

bool oauth_app_put(struct db *db, const struct oauth_app_row *app, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_APP_PUT);
    stmt_text(&stmt, 1, app->connector_type);
    stmt_text(&stmt, 2, app->client_id);
    stmt_bytes(&stmt, 3, app->sealed_secret);
    stmt_i64(&stmt, 4, app->updated_at_ms);
    return stmt_run(&stmt, error);
}

bool oauth_app_delete(struct db *db, struct str connector_type, struct error *error)
{
    bool deleted;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_APP_DELETE);
    stmt_text(&stmt, 1, connector_type);
    if (!stmt_change(&stmt, &deleted, error))
        return false;
    return deleted ||
           fail(error, ERR_NOT_FOUND, "There is no OAuth app for %.*s.", STR_ARG(connector_type));
}

bool oauth_app_reseal(struct db *db, const struct oauth_app_row *app, struct str old,
                      struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_OAUTH_APP_RESEAL);
    stmt_text(&stmt, 1, app->connector_type);
    stmt_bytes(&stmt, 2, app->sealed_secret);
    stmt_bytes(&stmt, 3, old);
    return stmt_run(&stmt, error);
}
