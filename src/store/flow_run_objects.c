/* The flow_run_objects table. */
#include "store/flow_run_objects.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

#include "base/clock.h"

#define BEHIND_ALL_IDS STR("~") /* ids are of hexadecimal digits and hyphens */

static void bind_flow(struct stmt *stmt, struct flow_key flow)
{
    stmt_text(stmt, 1, flow.account);
    stmt_text(stmt, 2, flow.region);
    stmt_text(stmt, 3, flow.name);
}

static void bind_run(struct stmt *stmt, struct flow_key flow, struct str run)
{
    bind_flow(stmt, flow);
    stmt_text(stmt, 4, run);
}

static void read_object(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct flow_run_object *object = item;
    object->number = column_i64(stmt, 0);
    object->key = column_text(stmt, 1, arena);
    object->bytes = column_i64(stmt, 2);
    object->records = column_i64(stmt, 3);
    object->sha256 = column_text(stmt, 4, arena);
}

bool flow_run_object_list(struct store_reader *reader, struct arena *arena, struct flow_key flow,
                          struct str run, int64_t first, size_t limit,
                          struct flow_run_object **ret_objects, size_t *ret_count,
                          struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct flow_run_object));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_OBJECT_LIST);
    bind_run(&stmt, flow, run);
    stmt_i64(&stmt, 5, first);
    stmt_i64(&stmt, 6, (int64_t)limit);
    if (!rows_read(&rows, &stmt, read_object, error))
        return false;
    *ret_objects = rows.items;
    *ret_count = rows.count;
    return true;
}

bool flow_run_object_insert(struct db *db, struct flow_key flow, struct str run,
                            const struct flow_run_object *object, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_OBJECT_INSERT);
    bind_run(&stmt, flow, run);
    stmt_i64(&stmt, 5, object->number);
    stmt_text(&stmt, 6, object->key);
    stmt_i64(&stmt, 7, object->bytes);
    stmt_i64(&stmt, 8, object->records);
    stmt_text(&stmt, 9, object->sha256);
    return stmt_run(&stmt, error);
}

/* --- old lists --- */

/* The oldest run whose list is kept; BEHIND_ALL_IDS: the flow has no run. */
static bool find_oldest_kept(struct db *db, struct arena *arena, struct flow_key flow,
                             struct str *ret_run, struct error *error)
{
    int64_t listed = 0;
    bool found = true;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_OBJECT_COUNTS);
    bind_flow(&stmt, flow);
    stmt_i64(&stmt, 4, FLOW_LISTS_MAX);
    *ret_run = BEHIND_ALL_IDS;
    while (stmt_step(&stmt, &found, error) && found) {
        bool is_newest = str_eq(*ret_run, BEHIND_ALL_IDS);
        listed += column_i64(&stmt, 1);
        if (listed > FLOW_LISTED_MAX && !is_newest)
            return true;
        *ret_run = column_text(&stmt, 0, arena);
    }
    return !found;
}

/* *ret_last: the newest run whose list is to be removed; STR_NULL: there is none. A run that begins
 * meanwhile is newer than it. */
static bool find_last_removed(struct db *db, struct arena *arena, struct flow_key flow,
                              struct str *ret_last, struct error *error)
{
    struct str kept;
    bool found;
    *ret_last = STR_NULL;
    if (!find_oldest_kept(db, arena, flow, &kept, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_OBJECT_LAST);
    bind_run(&stmt, flow, kept);
    if (!stmt_step(&stmt, &found, error))
        return false;
    if (found)
        *ret_last = column_text(&stmt, 0, arena);
    return true;
}

bool flow_run_objects_trim_later(struct db *db, struct flow_key flow, struct error *error)
{
    const struct job_row job = {
        .key = {FLOW_OBJECTS_JOB, flow.account, flow.region, flow.name},
        .due_at_ms = clock_wall_ms(),
        .fence = job_new_fence(),
        .payload = STR(""),
    };
    struct arena arena = {0};
    struct str last;
    bool ok = find_last_removed(db, &arena, flow, &last, error) &&
              (!last.data || job_insert_or_lock(db, &job, error));
    arena_done(&arena);
    return ok;
}

static bool remove_slice(struct db *db, struct flow_key flow, struct str last, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_OBJECT_TRIM);
    bind_run(&stmt, flow, last);
    stmt_i64(&stmt, 5, FLOW_LISTED_SLICE);
    return stmt_run(&stmt, error);
}

bool flow_run_objects_trim(struct db *db, const struct job_row *job, int64_t lease_until_ms,
                           bool *ret_done, bool *ret_held, struct error *error)
{
    const struct flow_key flow = {job->key.account, job->key.region, job->key.name};
    struct arena arena = {0};
    struct str last;
    bool ok = find_last_removed(db, &arena, flow, &last, error);
    *ret_done = ok && !last.data;
    /* A write that makes more removable finds this job, or waits until it is gone: so what it left
     * is looked for again behind it. */
    if (*ret_done)
        ok = job_finish(db, job, ret_held, error) &&
             (!*ret_held || flow_run_objects_trim_later(db, flow, error));
    else
        ok = ok && remove_slice(db, flow, last, error) &&
             job_extend(db, job, lease_until_ms, ret_held, error);
    arena_done(&arena);
    return ok;
}
