/* The connectors table. */
#include "store/connectors.h"

#include "store/core/internal.h"
#include "store/db/rows.h"
#include "store/tags.h"

static void bind_key(struct stmt *stmt, struct connector_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.label);
}

static void bind_values(struct stmt *stmt, const struct connector_row *row)
{
    stmt_i64(stmt, 4, row->version);
    stmt_i64(stmt, 5, row->updated_at_ms);
    stmt_text(stmt, 6, row->function_arn);
    stmt_text(stmt, 7, row->description);
    stmt_text(stmt, 8, row->summary);
    stmt_text(stmt, 9, row->configuration);
    stmt_bytes(stmt, 10, row->mac);
}

/* The seven columns that every query of connectors begins with. */
static void read_listed(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct connector_row *row = item;
    row->key.label = column_text(stmt, 0, arena);
    row->version = column_i64(stmt, 1);
    row->registered_at_ms = column_i64(stmt, 2);
    row->updated_at_ms = column_i64(stmt, 3);
    row->function_arn = column_text(stmt, 4, arena);
    row->description = column_text(stmt, 5, arena);
    row->summary = column_text(stmt, 6, arena);
}

static void read_whole(const struct stmt *stmt, struct arena *arena, struct connector_row *row)
{
    read_listed(stmt, arena, row);
    row->configuration = column_text(stmt, 7, arena);
    row->mac = column_bytes(stmt, 8, arena);
}

bool connector_row_find(struct store_reader *reader, struct arena *arena, struct connector_key key,
                        struct connector_row *ret_row, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONNECTOR_FIND);
    bind_key(&stmt, key);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (!*ret_found)
        return true;
    read_whole(&stmt, arena, ret_row);
    ret_row->key.account = arena_copy(arena, key.account);
    ret_row->key.region = arena_copy(arena, key.region);
    return true;
}

static void read_owned(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct connector_row *row = item;
    read_whole(stmt, arena, row);
    row->key.account = column_text(stmt, 9, arena);
    row->key.region = column_text(stmt, 10, arena);
}

bool connector_row_list_all(struct store_reader *reader, struct arena *arena,
                            struct connector_key after, size_t limit,
                            struct connector_row **ret_rows, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct connector_row));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FSCK_CONNECTORS);
    bind_key(&stmt, after);
    stmt_i64(&stmt, 4, (int64_t)limit);
    if (!rows_read(&rows, &stmt, read_owned, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    return true;
}

bool connector_row_list(struct store_reader *reader, struct arena *arena,
                        struct connector_key after, size_t limit, struct connector_row **ret_rows,
                        size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct connector_row));
    if (!reader_begin(reader, &db, error))
        return false;
    if (!after.label.data)
        after.label = STR("");
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONNECTOR_LIST);
    bind_key(&stmt, after);
    stmt_i64(&stmt, 4, (int64_t)limit);
    if (!rows_read(&rows, &stmt, read_listed, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++) {
        (*ret_rows)[i].key.account = after.account;
        (*ret_rows)[i].key.region = after.region;
    }
    return true;
}

/* --- writes --- */

static bool check_quota(struct db *db, struct connector_key key, struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONNECTOR_COUNT);
    stmt_text(&stmt, 1, key.account);
    stmt_text(&stmt, 2, key.region);
    if (!stmt_step(&stmt, &row, error))
        return false;
    return column_i64(&stmt, 0) <= CONNECTORS_PER_ACCOUNT_MAX ||
           fail(error, ERR_QUOTA, "The account may have at most %d registered connectors.",
                CONNECTORS_PER_ACCOUNT_MAX);
}

/* The quota is counted after the insert, so that a taken label is reported first; a failing write
 * is undone as a whole. */
bool connector_row_insert(struct db *db, const struct connector_row *row, struct error *error)
{
    bool inserted;
    if (!db_lock_counts(db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONNECTOR_INSERT);
    bind_key(&stmt, row->key);
    bind_values(&stmt, row);
    stmt_i64(&stmt, 11, row->registered_at_ms);
    if (!stmt_change(&stmt, &inserted, error))
        return false;
    if (!inserted)
        return fail(error, ERR_CONFLICT, "Connector with label %.*s is already registered.",
                    STR_ARG(row->key.label));
    return check_quota(db, row->key, error);
}

static bool is_there(struct db *db, struct connector_key key, bool *ret_found, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONNECTOR_VERSION);
    bind_key(&stmt, key);
    return stmt_step(&stmt, ret_found, error);
}

static bool fail_not_found(struct connector_key key, struct error *error)
{
    return fail(error, ERR_NOT_FOUND, "Connector:%.*s is not registered.", STR_ARG(key.label));
}

bool connector_row_replace(struct db *db, const struct connector_row *row, int64_t expected_version,
                           struct error *error)
{
    bool replaced, found;
    if (row->version <= expected_version)
        return fail(error, ERR_INTERNAL, "A connector's version must grow.");
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONNECTOR_REPLACE);
    bind_key(&stmt, row->key);
    bind_values(&stmt, row);
    stmt_i64(&stmt, 11, expected_version);
    if (!stmt_change(&stmt, &replaced, error))
        return false;
    if (replaced)
        return true;
    if (!is_there(db, row->key, &found, error))
        return false;
    return found ? fail(error, ERR_CONFLICT,
                        "Connector with label %.*s was changed by another "
                        "request.",
                        STR_ARG(row->key.label))
                 : fail_not_found(row->key, error);
}

static bool check_unused(struct db *db, struct connector_key key, struct error *error)
{
    bool used;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONNECTOR_USER);
    bind_key(&stmt, key);
    if (!stmt_step(&stmt, &used, error))
        return false;
    if (!used)
        return true;
    struct arena arena = {0};
    struct str profile = column_text(&stmt, 0, &arena);
    fail(error, ERR_CONFLICT,
         "Connector with label %.*s is in use by connector profile %.*s. Delete its profiles "
         "first, or set forceDelete.",
         STR_ARG(key.label), STR_ARG(profile));
    arena_done(&arena);
    return false;
}

/* The lock that connector_row_hold takes too comes first, so that the look at the profiles sees all
 * that were added to the connector. */
bool connector_row_delete(struct db *db, struct connector_key key, bool force, struct error *error)
{
    bool deleted;
    if (!db_lock_counts(db, error) || (!force && !check_unused(db, key, error)))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONNECTOR_DELETE);
    bind_key(&stmt, key);
    if (!stmt_change(&stmt, &deleted, error))
        return false;
    if (!deleted)
        return fail_not_found(key, error);
    return tags_delete(db, &(struct tagged){key.account, key.region, STR("connector"), key.label},
                       error);
}

bool connector_row_hold(struct db *db, struct connector_key key, struct error *error)
{
    bool found;
    if (!db_lock_counts(db, error) || !is_there(db, key, &found, error))
        return false;
    return found || fail(error, ERR_NOT_FOUND,
                         "Connector:%.*s is not registered. Please register it first before "
                         "creating ConnectorProfile.",
                         STR_ARG(key.label));
}
