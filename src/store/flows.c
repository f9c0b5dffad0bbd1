/* The flows table. */
#include "store/flows.h"

#include "base/buf.h"
#include "store/core/internal.h"
#include "store/db/rows.h"
#include "store/tags.h"

enum {
    USERS_SHOWN_MAX = 10,
    USERS_TEXT_MAX = ERROR_MESSAGE_MAX - 512, /* bytes; the rest is for the sentence around them */
};

static void bind_key(struct stmt *stmt, struct flow_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.name);
}

static void bind_values(struct stmt *stmt, const struct flow_row *row)
{
    stmt_i64(stmt, 4, row->version);
    stmt_i64(stmt, 5, row->updated_at_ms);
    stmt_text(stmt, 6, row->status);
    stmt_text(stmt, 7, row->trigger_type);
    stmt_text(stmt, 8, row->source_profile);
    stmt_text(stmt, 9, row->destination_profile);
    stmt_text(stmt, 10, row->summary);
    stmt_text(stmt, 11, row->definition);
    stmt_bytes(stmt, 12, row->mac);
}

/* The nine columns that every query of flows begins with. */
static void read_listed(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct flow_row *row = item;
    row->key.name = column_text(stmt, 0, arena);
    row->version = column_i64(stmt, 1);
    row->created_at_ms = column_i64(stmt, 2);
    row->updated_at_ms = column_i64(stmt, 3);
    row->status = column_text(stmt, 4, arena);
    row->trigger_type = column_text(stmt, 5, arena);
    row->source_profile = column_text(stmt, 6, arena);
    row->destination_profile = column_text(stmt, 7, arena);
    row->summary = column_text(stmt, 8, arena);
}

static void read_whole(const struct stmt *stmt, struct arena *arena, struct flow_row *row)
{
    read_listed(stmt, arena, row);
    row->definition = column_text(stmt, 9, arena);
    row->mac = column_bytes(stmt, 10, arena);
}

bool flow_row_find(struct store_reader *reader, struct arena *arena, struct flow_key key,
                   struct flow_row *ret_row, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_FIND);
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

static bool list(struct store_reader *reader, enum sql sql, struct flow_key after, size_t limit,
                 row_fn *read, struct rows *rows, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    bind_key(&stmt, after);
    stmt_i64(&stmt, 4, (int64_t)limit);
    return rows_read(rows, &stmt, read, error);
}

bool flow_row_list(struct store_reader *reader, struct arena *arena, struct flow_key after,
                   size_t limit, struct flow_row **ret_rows, size_t *ret_count, struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct flow_row));
    if (!after.name.data)
        after.name = STR("");
    if (!list(reader, SQL_FLOW_LIST, after, limit, read_listed, &rows, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++) {
        (*ret_rows)[i].key.account = after.account;
        (*ret_rows)[i].key.region = after.region;
    }
    return true;
}

static void read_owned(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct flow_row *row = item;
    read_whole(stmt, arena, row);
    row->key.account = column_text(stmt, 11, arena);
    row->key.region = column_text(stmt, 12, arena);
}

bool flow_row_list_all(struct store_reader *reader, struct arena *arena, struct flow_key after,
                       size_t limit, struct flow_row **ret_rows, size_t *ret_count,
                       struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct flow_row));
    if (!list(reader, SQL_FSCK_FLOWS, after, limit, read_owned, &rows, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    return true;
}

/* --- writes --- */

static bool check_quota(struct db *db, struct flow_key key, struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_COUNT);
    stmt_text(&stmt, 1, key.account);
    stmt_text(&stmt, 2, key.region);
    if (!stmt_step(&stmt, &row, error))
        return false;
    return column_i64(&stmt, 0) <= FLOWS_PER_ACCOUNT_MAX ||
           fail(error, ERR_QUOTA, "The account may have at most %d flows.", FLOWS_PER_ACCOUNT_MAX);
}

static bool check_profile(struct db *db, struct flow_key flow, struct str profile,
                          struct error *error)
{
    bool found;
    if (!profile.data)
        return true;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_VERSION);
    bind_key(&stmt, (struct flow_key){flow.account, flow.region, profile});
    if (!stmt_step(&stmt, &found, error))
        return false;
    return found || fail(error, ERR_NOT_FOUND, "Connector Profile with name %.*s does not exist.",
                         STR_ARG(profile));
}

/* Under the lock of flow_rows_check_unused: a profile that is there stays until the commit, unless
 * it is deleted by force. */
static bool check_profiles(struct db *db, const struct flow_row *row, struct error *error)
{
    return check_profile(db, row->key, row->source_profile, error) &&
           check_profile(db, row->key, row->destination_profile, error);
}

/* The quota is counted after the insert, so that a taken name is reported first; a failing write is
 * undone as a whole. */
bool flow_row_insert(struct db *db, const struct flow_row *row, struct error *error)
{
    bool inserted;
    if (!db_lock_counts(db, error) || !check_profiles(db, row, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_INSERT);
    bind_key(&stmt, row->key);
    bind_values(&stmt, row);
    stmt_i64(&stmt, 13, row->created_at_ms);
    if (!stmt_change(&stmt, &inserted, error))
        return false;
    if (!inserted)
        return fail(error, ERR_CONFLICT,
                    "Conflict executing request: Flow with name %.*s already exists",
                    STR_ARG(row->key.name));
    return check_quota(db, row->key, error);
}

static bool fail_not_found(struct flow_key key, struct error *error)
{
    return fail(error, ERR_NOT_FOUND, "Flow with name %.*s does not exist.", STR_ARG(key.name));
}

static bool is_there(struct db *db, struct flow_key key, bool *ret_found, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_STATE);
    bind_key(&stmt, key);
    return stmt_step(&stmt, ret_found, error);
}

static bool fail_not_replaced(struct flow_key key, bool found, struct error *error)
{
    return found ? fail(error, ERR_CONFLICT,
                        "Conflict executing request: Flow was changed by another request: %.*s",
                        STR_ARG(key.name))
                 : fail_not_found(key, error);
}

bool flow_row_replace(struct db *db, const struct flow_row *row, int64_t expected_version,
                      struct error *error)
{
    bool replaced, found;
    if (row->version <= expected_version)
        return fail(error, ERR_INTERNAL, "A flow's version must grow.");
    if (!db_lock_counts(db, error) || !check_profiles(db, row, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_REPLACE);
    bind_key(&stmt, row->key);
    bind_values(&stmt, row);
    stmt_i64(&stmt, 13, expected_version);
    if (!stmt_change(&stmt, &replaced, error))
        return false;
    if (replaced)
        return true;
    return is_there(db, row->key, &found, error) && fail_not_replaced(row->key, found, error);
}

bool flow_row_set_status(struct db *db, const struct flow_row *row, int64_t expected_version,
                         struct error *error)
{
    bool changed, found;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_SET_STATUS);
    bind_key(&stmt, row->key);
    stmt_i64(&stmt, 4, row->version);
    stmt_text(&stmt, 5, row->status);
    stmt_bytes(&stmt, 6, row->mac);
    stmt_i64(&stmt, 7, expected_version);
    if (!stmt_change(&stmt, &changed, error) ||
        (!changed && !is_there(db, row->key, &found, error)))
        return false;
    return changed || fail_not_replaced(row->key, found, error);
}

/* The real service's text (API reference, "DeleteFlow"). An active flow that runs on demand is
 * deleted without a question. */
static bool check_idle(struct db *db, struct flow_key key, struct error *error)
{
    bool found;
    struct arena arena = {0};
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_STATE);
    bind_key(&stmt, key);
    if (!stmt_step(&stmt, &found, error))
        return false;
    bool starts_by_itself = found && str_eq(column_text(&stmt, 0, &arena), STR("Active")) &&
                            !str_eq(column_text(&stmt, 1, &arena), STR("OnDemand"));
    arena_done(&arena);
    return !starts_by_itself ||
           fail(error, ERR_CONFLICT,
                "Conflict executing request: Flow is in active state, please set forceDelete to "
                "true or deactivate the flow: %.*s",
                STR_ARG(key.name));
}

bool flow_row_delete(struct db *db, struct flow_key key, bool force, struct error *error)
{
    bool deleted;
    if (!db_lock_counts(db, error) || (!force && !check_idle(db, key, error)))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_DELETE);
    bind_key(&stmt, key);
    if (!stmt_change(&stmt, &deleted, error))
        return false;
    if (!deleted)
        return fail_not_found(key, error);
    return tags_delete(db, &(struct tagged){key.account, key.region, STR("flow"), key.name}, error);
}

bool flow_row_hold(struct db *db, struct flow_key key, struct error *error)
{
    bool found;
    if (!db_lock_counts(db, error) || !is_there(db, key, &found, error))
        return false;
    return found || fail_not_found(key, error);
}

/* --- profiles that flows use --- */

static void read_name(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct str *name = item;
    *name = column_text(stmt, 0, arena);
}

/* The real service's text (API reference, "DeleteConnectorProfile"). */
static bool fail_used(struct arena *arena, struct str profile, const struct rows *flows,
                      struct error *error)
{
    const struct str *names = flows->items;
    struct buf list = buf_in(arena, USERS_TEXT_MAX);
    for (size_t i = 0; i < flows->count; i++) {
        if (list.len + STR(", ").len + names[i].len <= USERS_TEXT_MAX)
            buf_add_item(&list, names[i]);
    }
    return fail(error, ERR_CONFLICT,
                "Conflict executing request: Connector profile: %.*s is associated with one or "
                "more flows. If you still want to delete it, then make delete request with "
                "forceDelete flag as true. Some of the associated flows are: [%.*s]",
                STR_ARG(profile), STR_ARG(buf_str(&list)));
}

bool flow_rows_check_unused(struct db *db, struct profile_key profile, struct error *error)
{
    struct arena arena = {0};
    struct rows flows = rows_of(&arena, sizeof(struct str));
    if (!db_lock_counts(db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_USERS);
    stmt_text(&stmt, 1, profile.account);
    stmt_text(&stmt, 2, profile.region);
    stmt_text(&stmt, 3, profile.name);
    stmt_i64(&stmt, 4, USERS_SHOWN_MAX);
    bool ok = rows_read(&flows, &stmt, read_name, error) &&
              (flows.count == 0 || fail_used(&arena, profile.name, &flows, error));
    arena_done(&arena);
    return ok;
}
