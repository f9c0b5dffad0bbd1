/* Reads runs of flows, with their jobs, for `headgate check`. */
#include "store/fsck.h"
#include "store/fsck_read.h"

static void read_run(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct fsck_flow_run *found = item;
    found->run = (struct flow_run_row){
        .flow = {column_text(stmt, 0, arena), column_text(stmt, 1, arena),
                 column_text(stmt, 2, arena)},
        .id = column_text(stmt, 3, arena),
        .state = column_text(stmt, 4, arena),
        .definition = column_text(stmt, 5, arena),
        .mac = column_bytes(stmt, 6, arena),
        .slot_ms = column_i64(stmt, 9),
        .window_from_ms = column_i64(stmt, 10),
        .window_to_ms = column_i64(stmt, 11),
    };
    found->job = column_text(stmt, 7, arena);
    found->has_flow = column_text(stmt, 8, arena).data != NULL;
}

bool fsck_flow_runs(struct store_reader *reader, struct arena *arena, struct flow_key after,
                    struct str id, struct fsck_flow_run **ret_runs, size_t *ret_count,
                    struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct fsck_flow_run));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FSCK_FLOW_RUNS);
    stmt_text(&stmt, 1, after.account);
    stmt_text(&stmt, 2, after.region);
    stmt_text(&stmt, 3, after.name);
    stmt_text(&stmt, 4, id);
    stmt_i64(&stmt, 5, FSCK_RUNS_PAGE);
    if (!rows_read(&rows, &stmt, read_run, error))
        return false;
    *ret_runs = rows.items;
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
}

bool fsck_flow_run_jobs(struct store_reader *reader, struct arena *arena, size_t *ret_runs,
                        struct job_row **ret_stray, size_t *ret_count, struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct job_row));
    if (!fsck_count(reader, SQL_FSCK_FLOW_RUN_COUNT, ret_runs, error) ||
        !fsck_read_strayed(reader, SQL_FSCK_FLOW_RUN_JOBS, read_job, &rows, error))
        return false;
    *ret_stray = rows.items;
    *ret_count = rows.count;
    return true;
}
