/* The profiles table. */
#include "store/profiles.h"

#include "store/core/internal.h"
#include "store/credential_end_job.h"
#include "store/db/rows.h"
#include "store/event_jobs.h"
#include "store/oauth_tokens.h"
#include "store/token_grants.h"
#include "store/token_states.h"

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

/* The six behind them where a whole row is read. */
static void read_more_columns(const struct stmt *stmt, struct arena *arena, struct profile *profile)
{
    profile->sealed_credentials = column_bytes(stmt, 12, arena);
    profile->credentials_version = column_i64(stmt, 13);
    profile->credentials_hash = column_i64(stmt, 14);
    profile->previous_until_ms = column_i64(stmt, 15);
    profile->previous_refused = column_text(stmt, 16, arena);
    profile->fell_back_at_ms = column_i64(stmt, 17);
}

static void read_reported(const struct stmt *stmt, int first, struct arena *arena,
                          struct profile_reported *reported)
{
    reported->state = column_text(stmt, first, arena);
    reported->level = column_i64(stmt, first + 1);
    reported->end_ms = column_i64(stmt, first + 2);
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
        read_more_columns(&stmt, arena, ret_profile);
        read_reported(&stmt, 18, arena, &ret_profile->reported);
    }
    return true;
}

bool profile_load(struct store *store, struct arena *arena, struct profile_key key,
                  struct profile *ret_profile, bool *ret_found, struct error *error)
{
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool ok = profile_find(reader, arena, key, ret_profile, ret_found, error);
    store_point_reader_put(store, reader);
    return ok;
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
        size_t used = listing->arena->used;
        if (row)
            add(listing, &stmt);
        if (!rows_have_room(&listing->rows, used, error))
            return false;
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

static void read_whole(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct profile *profile = item;
    read_columns(stmt, arena, profile);
    read_more_columns(stmt, arena, profile);
    profile->key.account = column_text(stmt, 18, arena);
    profile->key.region = column_text(stmt, 19, arena);
    profile->key.name = column_text(stmt, 20, arena);
}

void profile_read_row(const struct stmt *stmt, struct arena *arena, struct profile *profile)
{
    read_whole(stmt, arena, profile);
    read_reported(stmt, 21, arena, &profile->reported);
}

static bool list_whole(struct store_reader *reader, enum sql sql, struct arena *arena,
                       struct profile_key after, struct str not_key, size_t limit,
                       struct profile **ret_profiles, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct profile));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    bind_key(&stmt, after);
    stmt_i64(&stmt, 4, (int64_t)limit);
    if (not_key.data)
        stmt_bytes(&stmt, 5, not_key);
    if (!rows_read(&rows, &stmt, read_whole, error))
        return false;
    *ret_profiles = rows.items;
    *ret_count = rows.count;
    return true;
}

bool profile_list_all(struct store_reader *reader, struct arena *arena, struct profile_key after,
                      struct str not_key, size_t limit, struct profile **ret_profiles,
                      size_t *ret_count, struct error *error)
{
    return list_whole(reader, not_key.data ? SQL_SEALED_PROFILES : SQL_FSCK_PROFILES, arena, after,
                      not_key, limit, ret_profiles, ret_count, error);
}

bool previous_list_all(struct store_reader *reader, struct arena *arena, struct profile_key after,
                       struct str not_key, size_t limit, struct profile **ret_profiles,
                       size_t *ret_count, struct error *error)
{
    return list_whole(reader, not_key.data ? SQL_SEALED_PREVIOUS : SQL_FSCK_PREVIOUS, arena, after,
                      not_key, limit, ret_profiles, ret_count, error);
}

bool profile_reseal(struct db *db, const struct profile *profile, struct str old, bool *ret_done,
                    struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_RESEAL);
    bind_key(&stmt, profile->key);
    stmt_i64(&stmt, 4, profile->version);
    stmt_bytes(&stmt, 5, profile->sealed_credentials);
    stmt_i64(&stmt, 6, profile->credentials_version);
    stmt_bytes(&stmt, 7, old);
    return stmt_change(&stmt, ret_done, error);
}

/* `more`: how many are to be added to those that are there. */
static bool check_quota(struct db *db, struct profile_key key, int64_t quota, int64_t more,
                        struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_COUNT);
    stmt_text(&stmt, 1, key.account);
    stmt_text(&stmt, 2, key.region);
    stmt_i64(&stmt, 3, quota + 1);
    if (!stmt_step(&stmt, &row, error))
        return false;
    if (column_i64(&stmt, 0) + more <= quota)
        return true;
    return fail(error, ERR_QUOTA, "The account may have at most %lld connector profiles.",
                (long long)quota);
}

bool profile_has_room(struct store_reader *reader, struct profile_key key, int64_t quota,
                      struct error *error)
{
    struct db *db;
    return quota <= 0 ||
           (reader_begin(reader, &db, error) && check_quota(db, key, quota, 1, error));
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
    stmt_i64(&stmt, 16, profile->credentials_hash);
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
    return quota <= 0 || check_quota(db, profile->key, quota, 0, error);
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

static void bind_replacement(struct stmt *stmt, const struct profile *profile,
                             int64_t expected_version)
{
    bind_key(stmt, profile->key);
    stmt_i64(stmt, 4, expected_version);
    stmt_i64(stmt, 5, profile->version);
    stmt_text(stmt, 6, profile->connection_mode);
    stmt_text(stmt, 7, profile->properties);
    stmt_i64(stmt, 8, profile->updated_at_ms);
    stmt_bytes(stmt, 9, profile->sealed_credentials);
    stmt_text(stmt, 10, profile->provisioning.status);
    stmt_text(stmt, 11, profile->provisioning.cause);
    stmt_text(stmt, 12, profile->provisioning.message);
    stmt_i64(stmt, 13, profile->credentials_version);
    stmt_i64(stmt, 14, profile->credentials_hash);
}

static bool run_replacement(struct db *db, struct stmt *stmt, const struct profile *profile,
                            int64_t expected_version, struct error *error)
{
    bool replaced;
    if (profile->version <= expected_version)
        return fail(error, ERR_INTERNAL, "A profile's version must grow.");
    if (!stmt_change(stmt, &replaced, error))
        return false;
    return replaced || fail_to_replace(db, profile->key, error);
}

bool profile_replace(struct db *db, const struct profile *profile, int64_t expected_version,
                     struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_REPLACE);
    bind_replacement(&stmt, profile, expected_version);
    return run_replacement(db, &stmt, profile, expected_version, error);
}

bool profile_replace_keeping(struct db *db, const struct profile *profile, int64_t expected_version,
                             const struct previous_keeping *keeping, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_REPLACE_KEEPING);
    bind_replacement(&stmt, profile, expected_version);
    stmt_i64(&stmt, 15, keeping->until_ms);
    stmt_text(&stmt, 16, keeping->refused);
    stmt_i64(&stmt, 17, keeping->fell_back_at_ms);
    return run_replacement(db, &stmt, profile, expected_version, error);
}

bool profile_read_secret(struct db *db, struct profile_key key, struct arena *arena,
                         struct profile_secret_row *ret_row, struct error *error)
{
    bool found;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_SECRET);
    bind_key(&stmt, key);
    *ret_row = (struct profile_secret_row){0};
    if (!stmt_step(&stmt, &found, error))
        return false;
    if (found)
        *ret_row = (struct profile_secret_row){
            .arn = column_text(&stmt, 0, arena),
            .label = column_text(&stmt, 1, arena),
            .credentials_version = column_i64(&stmt, 2),
            .previous_version = column_i64(&stmt, 3),
        };
    return true;
}

static bool delete_end(struct db *db, struct profile_key key, struct error *error)
{
    const struct job_key job = {CREDENTIAL_END_JOB, key.account, key.region, key.name};
    return job_drop(db, &job, error);
}

/* The job first, as where it ends: in another order the two could wait for each other. */
static bool delete_events(struct db *db, struct profile_key key, struct error *error)
{
    const struct job_key job = {WEBHOOK_JOB, key.account, key.region, key.name};
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CREDENTIAL_EVENT_DELETE);
    bind_key(&stmt, key);
    return job_drop(db, &job, error) && stmt_run(&stmt, error);
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
    return oauth_tokens_delete(db, key, error) && token_state_delete(db, key, error) &&
           delete_end(db, key, error) && delete_events(db, key, error) &&
           token_grants_discard(db, key.account, key.region, key.name, error);
}
