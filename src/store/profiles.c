/* The profiles table. */
#include "store/profiles.h"

#include "store/core/internal.h"
#include "store/db/rows.h"
#include "store/oauth_tokens.h"
#include "store/token_grants.h"

#include <stdlib.h>
#include <string.h>

struct profile_key profile_key_copy(struct arena *arena, struct profile_key key)
{
    return (struct profile_key){
        .account = arena_copy(arena, key.account),
        .region = arena_copy(arena, key.region),
        .name = arena_copy(arena, key.name),
    };
}

static void bind_key(struct stmt *stmt, struct profile_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.name);
}

/* The twelve columns that every query of profiles begins with. */
static void read_columns(const struct stmt *stmt, struct arena *arena, struct profile *profile)
{
    profile->version = column_i64(stmt, 0);
    profile->connector_type = column_text(stmt, 1, arena);
    profile->connector_label = column_text(stmt, 2, arena);
    profile->connection_mode = column_text(stmt, 3, arena);
    profile->kms_arn = column_text(stmt, 4, arena);
    profile->credentials_arn = column_text(stmt, 5, arena);
    profile->properties = column_text(stmt, 6, arena);
    profile->created_at_ms = column_i64(stmt, 7);
    profile->updated_at_ms = column_i64(stmt, 8);
    profile->provisioning.status = column_text(stmt, 9, arena);
    profile->provisioning.cause = column_text(stmt, 10, arena);
    profile->provisioning.message = column_text(stmt, 11, arena);
}

bool profile_find(struct store_reader *reader, struct arena *arena, struct profile_key key,
                  struct profile *ret_profile, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_FIND);
    bind_key(&stmt, key);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (*ret_found) {
        ret_profile->key = profile_key_copy(arena, key);
        read_columns(&stmt, arena, ret_profile);
        ret_profile->sealed_credentials = column_bytes(&stmt, 12, arena);
        ret_profile->credentials_version = column_i64(&stmt, 13);
    }
    return true;
}

struct listing {
    const struct profile_filter *filter;
    size_t limit;
    struct arena *arena;
    struct rows rows;
};

static void add(struct listing *listing, const struct stmt *stmt)
{
    struct profile *profile = rows_add(&listing->rows);
    profile->key.account = listing->filter->account;
    profile->key.region = listing->filter->region;
    profile->key.name = column_text(stmt, 12, listing->arena);
    read_columns(stmt, listing->arena, profile);
}

/* `name` is where the names begin, or the only one. */
static void bind_list(struct stmt *stmt, enum sql sql, struct str name,
                      const struct listing *listing)
{
    const struct profile_filter *filter = listing->filter;
    int number = 3;
    bind_key(stmt, (struct profile_key){filter->account, filter->region, name});
    if (sql != SQL_PROFILE_LIST)
        stmt_text(stmt, ++number, filter->connector_type);
    if (sql == SQL_PROFILE_LIST_LABEL || sql == SQL_PROFILE_LIST_ONE)
        stmt_text(stmt, ++number, filter->connector_label);
    if (sql != SQL_PROFILE_LIST_ONE)
        stmt_i64(stmt, ++number, (int64_t)listing->limit);
}

static bool run_list(struct db *db, enum sql sql, struct str name, struct listing *listing,
                     struct error *error)
{
    bool row = true;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    bind_list(&stmt, sql, name, listing);
    while (row) {
        if (!stmt_step(&stmt, &row, error))
            return false;
        if (row)
            add(listing, &stmt);
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static bool list_names(struct db *db, struct listing *listing, struct error *error)
{
    const struct profile_filter *filter = listing->filter;
    struct str *names = arena_array(listing->arena, struct str, filter->name_count);
    struct str last = filter->after_name;
    memcpy(names, filter->names, filter->name_count * sizeof(*names));
    qsort(names, filter->name_count, sizeof(*names), compare_names);
    for (size_t i = 0; i < filter->name_count && listing->rows.count < listing->limit; i++) {
        if (str_compare(names[i], last) <= 0) /* before the start, or a name given twice */
            continue;
        if (!run_list(db, SQL_PROFILE_LIST_ONE, names[i], listing, error))
            return false;
        last = names[i];
    }
    return true;
}

static enum sql list_of(const struct profile_filter *filter)
{
    if (filter->connector_label.data)
        return SQL_PROFILE_LIST_LABEL;
    return filter->connector_type.data ? SQL_PROFILE_LIST_TYPE : SQL_PROFILE_LIST;
}

bool profile_list(struct store_reader *reader, struct arena *arena,
                  const struct profile_filter *filter, size_t limit, struct profile **ret_profiles,
                  size_t *ret_count, struct error *error)
{
    struct db *db;
    struct listing listing = {
        .filter = filter,
        .limit = limit,
        .arena = arena,
        .rows = rows_of(arena, sizeof(struct profile)),
    };
    struct str start = filter->after_name.data ? filter->after_name : STR("");
    if (!reader_begin(reader, &db, error))
        return false;
    bool ok = filter->name_count > 0 ? list_names(db, &listing, error)
                                     : run_list(db, list_of(filter), start, &listing, error);
    if (!ok)
        return false;
    *ret_profiles = listing.rows.items;
    *ret_count = listing.rows.count;
    return true;
}

static void read_old(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct profile *profile = item;
    profile->key.account = column_text(stmt, 0, arena);
    profile->key.region = column_text(stmt, 1, arena);
    profile->key.name = column_text(stmt, 2, arena);
    profile->version = column_i64(stmt, 3);
    profile->properties = column_text(stmt, 4, arena);
    profile->sealed_credentials = column_bytes(stmt, 5, arena);
}

bool profile_list_old(struct store_reader *reader, struct arena *arena, size_t limit,
                      struct profile **ret_profiles, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct profile));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_LIST_OLD);
    stmt_i64(&stmt, 1, (int64_t)limit);
    if (!rows_read(&rows, &stmt, read_old, error))
        return false;
    *ret_profiles = rows.items;
    *ret_count = rows.count;
    return true;
}

bool profile_set_credentials_version(struct db *db, const struct profile *profile, bool *ret_done,
                                     struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_SET_CREDENTIALS_VERSION);
    bind_key(&stmt, profile->key);
    stmt_i64(&stmt, 4, profile->version);
    return stmt_change(&stmt, ret_done, error);
}

static bool check_quota(struct db *db, struct profile_key key, int64_t quota, struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_COUNT);
    stmt_text(&stmt, 1, key.account);
    stmt_text(&stmt, 2, key.region);
    stmt_i64(&stmt, 3, quota + 1);
    if (!stmt_step(&stmt, &row, error))
        return false;
    if (column_i64(&stmt, 0) <= quota)
        return true;
    return fail(error, ERR_QUOTA, "The account may have at most %lld connector profiles.",
                (long long)quota);
}

static bool insert_row(struct db *db, const struct profile *profile, bool *ret_inserted,
                       struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_INSERT);
    bind_key(&stmt, profile->key);
    stmt_i64(&stmt, 4, profile->version);
    stmt_text(&stmt, 5, profile->connector_type);
    stmt_text(&stmt, 6, profile->connector_label);
    stmt_text(&stmt, 7, profile->connection_mode);
    stmt_text(&stmt, 8, profile->kms_arn);
    stmt_text(&stmt, 9, profile->credentials_arn);
    stmt_text(&stmt, 10, profile->properties);
    stmt_i64(&stmt, 11, profile->created_at_ms);
    stmt_i64(&stmt, 12, profile->updated_at_ms);
    stmt_bytes(&stmt, 13, profile->sealed_credentials);
    stmt_text(&stmt, 14, profile->provisioning.status);
    stmt_i64(&stmt, 15, profile->credentials_version);
    return stmt_change(&stmt, ret_inserted, error);
}

/* The quota is counted after the insert, so that a taken name is reported first; a failing write is
 * undone as a whole. The lock is taken before both, so that no transaction waits for it while it
 * holds a name. */
bool profile_insert(struct db *db, const struct profile *profile, int64_t quota,
                    struct error *error)
{
    bool inserted;
    if (quota > 0 && !db_lock_counts(db, error))
        return false;
    if (!insert_row(db, profile, &inserted, error))
        return false;
    if (!inserted)
        return fail(error, ERR_CONFLICT, "ConnectorProfile with name %.*s already exists.",
                    STR_ARG(profile->key.name));
    return quota <= 0 || check_quota(db, profile->key, quota, error);
}

static bool fail_not_found(struct profile_key key, struct error *error)
{
    return fail(error, ERR_NOT_FOUND, "Connector Profile with name %.*s does not exist.",
                STR_ARG(key.name));
}

/* Reports why a replacement changed no row. */
static bool fail_to_replace(struct db *db, struct profile_key key, struct error *error)
{
    bool found;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_VERSION);
    bind_key(&stmt, key);
    if (!stmt_step(&stmt, &found, error))
        return false;
    if (!found)
        return fail_not_found(key, error);
    return fail(error, ERR_CONFLICT,
                "Connector Profile with name %.*s was changed by another request.",
                STR_ARG(key.name));
}

bool profile_replace(struct db *db, const struct profile *profile, int64_t expected_version,
                     struct error *error)
{
    bool replaced;
    if (profile->version <= expected_version)
        return fail(error, ERR_INTERNAL, "A profile's version must grow.");
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_REPLACE);
    bind_key(&stmt, profile->key);
    stmt_i64(&stmt, 4, expected_version);
    stmt_i64(&stmt, 5, profile->version);
    stmt_text(&stmt, 6, profile->connection_mode);
    stmt_text(&stmt, 7, profile->properties);
    stmt_i64(&stmt, 8, profile->updated_at_ms);
    stmt_bytes(&stmt, 9, profile->sealed_credentials);
    stmt_text(&stmt, 10, profile->provisioning.status);
    stmt_text(&stmt, 11, profile->provisioning.cause);
    stmt_text(&stmt, 12, profile->provisioning.message);
    stmt_i64(&stmt, 13, profile->credentials_version);
    if (!stmt_change(&stmt, &replaced, error))
        return false;
    return replaced || fail_to_replace(db, profile->key, error);
}

bool profile_delete(struct db *db, struct profile_key key, struct error *error)
{
    bool deleted;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_DELETE);
    bind_key(&stmt, key);
    if (!stmt_change(&stmt, &deleted, error))
        return false;
    if (!deleted)
        return fail_not_found(key, error);
    return oauth_tokens_delete(db, key, error) &&
           token_grants_discard(db, key.account, key.region, key.name, error);
}
