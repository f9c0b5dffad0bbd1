/* Statements on many rows of the jobs table. */
#include "store/job_times.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

static void read_backlog(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct job_backlog *row = item;
    row->payload = column_text(stmt, 0, arena);
    row->minute = column_i64(stmt, 1);
    row->count = column_i64(stmt, 2);
}

bool job_backlog_list(struct store_reader *reader, struct arena *arena, struct str kind,
                      int64_t now_ms, int64_t until_ms, size_t payload_count,
                      struct job_backlog **ret_rows, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct job_backlog));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_JOB_BACKLOG);
    stmt_text(&stmt, 1, kind);
    stmt_i64(&stmt, 2, now_ms);
    stmt_i64(&stmt, 3, until_ms);
    stmt_i64(&stmt, 4, (int64_t)payload_count);
    if (!rows_read(&rows, &stmt, read_backlog, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    return true;
}

bool job_hasten(struct db *db, const struct job_hastening *hastening, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_JOB_HASTEN);
    stmt_text(&stmt, 1, hastening->kind);
    stmt_i64(&stmt, 2, hastening->now_ms);
    stmt_i64(&stmt, 3, hastening->until_ms);
    stmt_text(&stmt, 4, hastening->payload);
    stmt_i64(&stmt, 5, hastening->count);
    return stmt_run(&stmt, error);
}

static bool replan(struct db *db, enum sql sql, const struct job_row *row, int64_t before_ms,
                   struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    stmt_text(&stmt, 1, row->key.kind);
    stmt_text(&stmt, 2, row->key.account);
    stmt_text(&stmt, 3, row->key.region);
    stmt_text(&stmt, 4, row->key.name);
    stmt_i64(&stmt, 5, before_ms);
    if (sql == SQL_JOB_REPLAN) {
        stmt_i64(&stmt, 6, row->due_at_ms);
        stmt_text(&stmt, 7, row->payload);
    }
    return stmt_run(&stmt, error);
}

bool job_replan(struct db *db, const struct job_row *row, int64_t before_ms, struct error *error)
{
    if (before_ms == 0)
        return row->due_at_ms == 0 || job_insert_new(db, row, error);
    return replan(db, row->due_at_ms == 0 ? SQL_JOB_PLAN_AWAY : SQL_JOB_REPLAN, row, before_ms,
                  error);
}

bool job_times_back(struct db *db, struct str kind, int64_t now_ms, int64_t by_ms,
                    struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_JOB_TIMES_BACK);
    stmt_text(&stmt, 1, kind);
    stmt_i64(&stmt, 2, now_ms);
    stmt_i64(&stmt, 3, by_ms);
    return stmt_run(&stmt, error);
}

static bool put_off(struct db *db, struct str kind, int64_t before_ms, int64_t now_ms,
                    struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_JOB_TIMES_PUT_OFF);
    stmt_text(&stmt, 1, kind);
    stmt_i64(&stmt, 2, before_ms);
    stmt_i64(&stmt, 3, now_ms);
    return stmt_run(&stmt, error);
}

static bool spread(struct db *db, struct str kind, int64_t before_ms, int64_t now_ms,
                   int64_t spread_ms, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_JOB_TIMES_SPREAD);
    stmt_text(&stmt, 1, kind);
    stmt_i64(&stmt, 2, before_ms);
    stmt_i64(&stmt, 3, now_ms);
    stmt_i64(&stmt, 4, spread_ms);
    stmt_i64(&stmt, 5, now_ms - before_ms);
    return stmt_run(&stmt, error);
}

/* What is put off is due after now_ms, so it is not spread. */
bool job_times_spread(struct db *db, struct str kind, int64_t before_ms, int64_t now_ms,
                      int64_t spread_ms, struct error *error)
{
    return put_off(db, kind, before_ms, now_ms, error) &&
           spread(db, kind, before_ms, now_ms, spread_ms, error);
}
