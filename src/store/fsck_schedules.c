/* Reads schedules of flows, with their jobs, for `headgate check`. */
#include "store/fsck.h"
#include "store/fsck_read.h"

static void read_key(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct flow_key *key = item;
    key->account = column_text(stmt, 0, arena);
    key->region = column_text(stmt, 1, arena);
    key->name = column_text(stmt, 2, arena);
}

static bool list(struct store_reader *reader, struct arena *arena, enum sql sql,
                 struct fsck_flows *ret_flows, struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct flow_key));
    if (!fsck_read_strayed(reader, sql, read_key, &rows, error))
        return false;
    *ret_flows = (struct fsck_flows){rows.items, rows.count};
    return true;
}

bool fsck_schedules(struct store_reader *reader, struct arena *arena, size_t *ret_schedules,
                    struct fsck_flows *ret_without_job, struct fsck_flows *ret_stray_jobs,
                    struct error *error)
{
    return fsck_count(reader, SQL_FSCK_SCHEDULE_COUNT, ret_schedules, error) &&
           list(reader, arena, SQL_FSCK_SCHEDULES, ret_without_job, error) &&
           list(reader, arena, SQL_FSCK_SCHEDULE_JOBS, ret_stray_jobs, error);
}
