/* The flow_runs table. */
#include "store/flow_runs.h"

#include "base/clock.h"
#include "store/core/internal.h"
#include "store/db/rows.h"

#define BEHIND_ALL_IDS STR("~") /* ids are of hexadecimal digits and hyphens */

static void bind_flow(struct stmt *stmt, struct flow_key flow)
{
    stmt_text(stmt, 1, flow.account);
    stmt_text(stmt, 2, flow.region);
    stmt_text(stmt, 3, flow.name);
}

/* The columns that every query of runs begins with. */
static void read_listed(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct flow_run_row *row = item;
    row->flow.name = column_text(stmt, 0, arena);
    row->id = column_text(stmt, 1, arena);
    row->state = column_text(stmt, 2, arena);
    row->started_at_ms = column_i64(stmt, 3);
    row->updated_at_ms = column_i64(stmt, 4);
    row->counts.records = column_i64(stmt, 5);
    row->counts.bytes_read = column_i64(stmt, 6);
    row->counts.bytes_written = column_i64(stmt, 7);
    row->counts.put_failures = column_i64(stmt, 8);
    row->message = column_text(stmt, 9, arena);
    row->slot_ms = column_i64(stmt, 10);
    row->window_from_ms = column_i64(stmt, 11);
    row->window_to_ms = column_i64(stmt, 12);
    row->tables = column_text(stmt, 13, arena);
}

static bool list(struct db *db, struct arena *arena, struct flow_key flow, struct str before,
                 size_t limit, struct flow_run_row **ret_rows, size_t *ret_count,
                 struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct flow_run_row));
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_LIST);
    bind_flow(&stmt, flow);
    stmt_text(&stmt, 4, before.data ? before : BEHIND_ALL_IDS);
    stmt_i64(&stmt, 5, (int64_t)limit);
    if (!rows_read(&rows, &stmt, read_listed, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*ret_rows)[i].flow = flow;
    return true;
}

bool flow_run_list(struct store_reader *reader, struct arena *arena, struct flow_key flow,
                   struct str before, size_t limit, struct flow_run_row **ret_rows,
                   size_t *ret_count, struct error *error)
{
    struct db *db;
    return reader_begin(reader, &db, error) &&
           list(db, arena, flow, before, limit, ret_rows, ret_count, error);
}

bool flow_run_list_newest(struct store_reader *reader, struct arena *arena, struct flow_key first,
                          struct str last, struct flow_run_row **ret_rows, size_t *ret_count,
                          struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct flow_run_row));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_NEWEST);
    bind_flow(&stmt, first);
    stmt_text(&stmt, 4, last);
    if (!rows_read(&rows, &stmt, read_listed, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    for (size_t i = 0; i < rows.count; i++) {
        (*ret_rows)[i].flow.account = first.account;
        (*ret_rows)[i].flow.region = first.region;
    }
    return true;
}

bool flow_run_read(struct db *db, struct arena *arena, struct flow_key flow, struct str id,
                   struct flow_run_row *ret_row, bool *ret_found, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_FIND);
    bind_flow(&stmt, flow);
    stmt_text(&stmt, 4, id);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (!*ret_found)
        return true;
    read_listed(&stmt, arena, ret_row);
    ret_row->definition = column_text(&stmt, 14, arena);
    ret_row->mac = column_bytes(&stmt, 15, arena);
    ret_row->progress = column_text(&stmt, 16, arena);
    ret_row->progress_mac = column_bytes(&stmt, 17, arena);
    ret_row->flow.account = arena_copy(arena, flow.account);
    ret_row->flow.region = arena_copy(arena, flow.region);
    return true;
}

bool flow_run_find(struct store_reader *reader, struct arena *arena, struct flow_key flow,
                   struct str id, struct flow_run_row *ret_row, bool *ret_found,
                   struct error *error)
{
    struct db *db;
    return reader_begin(reader, &db, error) &&
           flow_run_read(db, arena, flow, id, ret_row, ret_found, error);
}

bool flow_run_read_newest(struct db *db, struct arena *arena, struct flow_key flow,
                          struct flow_run_row *ret_row, bool *ret_found, struct error *error)
{
    struct flow_run_row *rows;
    size_t count;
    if (!list(db, arena, flow, STR_NULL, 1, &rows, &count, error))
        return false;
    *ret_found = count > 0;
    if (*ret_found)
        *ret_row = rows[0];
    return true;
}

/* --- beginning a run --- */

static bool has_ended(const struct flow_run_row *row)
{
    return !str_eq(row->state, FLOW_RUN_IN_PROGRESS) &&
           !str_eq(row->state, FLOW_RUN_CANCEL_STARTED);
}

static bool check_flow(struct db *db, struct flow_key flow, int64_t version, struct error *error)
{
    bool found;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_STATE);
    bind_flow(&stmt, flow);
    if (!stmt_step(&stmt, &found, error))
        return false;
    if (!found)
        return fail(error, ERR_NOT_FOUND, "Flow with name %.*s does not exist.",
                    STR_ARG(flow.name));
    return column_i64(&stmt, 2) == version ||
           fail(error, ERR_CONFLICT,
                "Conflict executing request: Flow was changed by another request: %.*s",
                STR_ARG(flow.name));
}

/* A run that has begun and ended since the caller looked counts as one in progress. */
static bool check_no_other(struct db *db, const struct flow_run_row *row, struct error *error)
{
    struct arena arena = {0};
    struct flow_run_row newest;
    bool found = false;
    bool ok = flow_run_read_newest(db, &arena, row->flow, &newest, &found, error);
    if (ok && found && (!has_ended(&newest) || str_compare(newest.id, row->id) >= 0))
        ok = fail(error, ERR_CONFLICT, "Conflict executing request: Flow %.*s is already running",
                  STR_ARG(row->flow.name));
    arena_done(&arena);
    return ok;
}

static bool check_quota(struct db *db, struct flow_key flow, struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_COUNT_ACTIVE);
    stmt_text(&stmt, 1, FLOW_RUN_JOB);
    stmt_text(&stmt, 2, flow.account);
    stmt_text(&stmt, 3, flow.region);
    stmt_i64(&stmt, 4, FLOW_RUNS_ACTIVE_MAX);
    if (!stmt_step(&stmt, &row, error))
        return false;
    return column_i64(&stmt, 0) < FLOW_RUNS_ACTIVE_MAX ||
           fail(error, ERR_QUOTA, "The account may have at most %d runs of flows at a time.",
                FLOW_RUNS_ACTIVE_MAX);
}

static bool insert_row(struct db *db, const struct flow_run_row *row, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_INSERT);
    bind_flow(&stmt, row->flow);
    stmt_text(&stmt, 4, row->id);
    stmt_text(&stmt, 5, FLOW_RUN_IN_PROGRESS);
    stmt_i64(&stmt, 6, row->started_at_ms);
    stmt_text(&stmt, 7, row->definition);
    stmt_bytes(&stmt, 8, row->mac);
    stmt_i64(&stmt, 9, row->slot_ms);
    stmt_i64(&stmt, 10, row->window_from_ms);
    stmt_i64(&stmt, 11, row->window_to_ms);
    return stmt_run(&stmt, error);
}

static bool trim(struct db *db, struct flow_key flow, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_TRIM);
    bind_flow(&stmt, flow);
    stmt_i64(&stmt, 4, FLOW_RUNS_KEPT_MAX);
    return stmt_run(&stmt, error);
}

static struct job_row job_of(const struct flow_run_row *row)
{
    return (struct job_row){
        .key = {FLOW_RUN_JOB, row->flow.account, row->flow.region, row->flow.name},
        .due_at_ms = clock_wall_ms(),
        .fence = job_new_fence(),
        .payload = row->id,
    };
}

bool flow_run_insert(struct db *db, const struct flow_run_row *row, int64_t flow_version,
                     struct error *error)
{
    const struct job_row job = job_of(row);
    return db_lock_counts(db, error) && check_flow(db, row->flow, flow_version, error) &&
           check_no_other(db, row, error) && check_quota(db, row->flow, error) &&
           insert_row(db, row, error) && trim(db, row->flow, error) &&
           job_insert(db, &job, STR(""), error);
}

/* --- changing a run --- */

static struct stmt open_change(struct db *db, enum sql sql, const struct flow_run_row *row)
{
    struct stmt stmt = stmt_open(db, sql);
    bind_flow(&stmt, row->flow);
    stmt_text(&stmt, 4, row->id);
    stmt_text(&stmt, 5, row->state);
    return stmt;
}

static bool change(struct stmt *stmt, const struct flow_run_row *row, struct error *error)
{
    bool changed;
    if (!stmt_change(stmt, &changed, error))
        return false;
    return changed || fail(error, ERR_LOST_RACE, "Run %.*s of flow %.*s is not %.*s any more.",
                           STR_ARG(row->id), STR_ARG(row->flow.name), STR_ARG(row->state));
}

bool flow_run_move(struct db *db, const struct flow_run_row *row, struct str state, int64_t now_ms,
                   struct error *error)
{
    const struct job_row job = job_of(row);
    _cleanup_stmt_ struct stmt stmt = open_change(db, SQL_FLOW_RUN_MOVE, row);
    stmt_text(&stmt, 6, state);
    stmt_i64(&stmt, 7, now_ms);
    return change(&stmt, row, error) && job_insert_new(db, &job, error);
}

bool flow_run_checkpoint(struct db *db, const struct flow_run_row *row, bool *ret_changed,
                         struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_CHECKPOINT);
    bind_flow(&stmt, row->flow);
    stmt_text(&stmt, 4, row->id);
    stmt_i64(&stmt, 5, row->updated_at_ms);
    stmt_i64(&stmt, 6, row->counts.records);
    stmt_i64(&stmt, 7, row->counts.bytes_read);
    stmt_i64(&stmt, 8, row->counts.bytes_written);
    stmt_i64(&stmt, 9, row->counts.put_failures);
    stmt_text(&stmt, 10, row->progress);
    stmt_bytes(&stmt, 11, row->progress_mac);
    return stmt_change(&stmt, ret_changed, error);
}

bool flow_run_show(struct db *db, const struct flow_run_row *row, struct str message,
                   bool *ret_changed, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_SHOW);
    bind_flow(&stmt, row->flow);
    stmt_text(&stmt, 4, row->id);
    stmt_text(&stmt, 5, message);
    return stmt_change(&stmt, ret_changed, error);
}

bool flow_run_end(struct db *db, const struct flow_run_row *row, struct str state,
                  struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = open_change(db, SQL_FLOW_RUN_END, row);
    stmt_text(&stmt, 6, state);
    stmt_i64(&stmt, 7, row->updated_at_ms);
    stmt_i64(&stmt, 8, row->counts.records);
    stmt_i64(&stmt, 9, row->counts.bytes_read);
    stmt_i64(&stmt, 10, row->counts.bytes_written);
    stmt_i64(&stmt, 11, row->counts.put_failures);
    stmt_text(&stmt, 12, row->message);
    stmt_text(&stmt, 13, row->progress);
    stmt_bytes(&stmt, 14, row->progress_mac);
    stmt_text(&stmt, 15, row->tables);
    return change(&stmt, row, error);
}

/* --- deleting a flow --- */

bool flow_runs_check_ended(struct db *db, struct flow_key flow, struct error *error)
{
    struct arena arena = {0};
    struct flow_run_row newest;
    bool found = false;
    bool ok =
        db_lock_counts(db, error) && flow_run_read_newest(db, &arena, flow, &newest, &found, error);
    if (ok && found && !has_ended(&newest))
        ok = fail(error, ERR_CONFLICT,
                  "Conflict executing request: Flow has a run in progress, please set forceDelete "
                  "to true or cancel the run: %.*s",
                  STR_ARG(flow.name));
    arena_done(&arena);
    return ok;
}

static bool delete_by(struct db *db, enum sql sql, struct flow_key flow, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    bind_flow(&stmt, flow);
    return stmt_run(&stmt, error);
}

bool flow_runs_delete(struct db *db, struct flow_key flow, struct error *error)
{
    const struct job_key job = {FLOW_RUN_JOB, flow.account, flow.region, flow.name};
    return delete_by(db, SQL_FLOW_RUNS_DELETE, flow, error) && job_drop(db, &job, error);
}
