/* The table credential_events, which has the events of runs as well. Their kind is in how the name
 * begins, here and in the statements. */
#include "store/event_queue.h"

#include "base/clock.h"
#include "store/core/internal.h"
#include "store/db/rows.h"

static void bind_key(struct stmt *stmt, struct event_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.subject);
}

static void read_event(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct queued_event *event = item;
    event->seq = column_i64(stmt, 0);
    event->body = column_text(stmt, 1, arena);
}

bool event_queue_list(struct store_reader *reader, struct arena *arena, struct event_key key,
                      size_t limit, struct queued_event **ret_events, size_t *ret_count,
                      struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct queued_event));
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CREDENTIAL_EVENT_LIST);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 4, (int64_t)limit);
    if (!rows_read(&rows, &stmt, read_event, error))
        return false;
    *ret_events = rows.items;
    *ret_count = rows.count;
    return true;
}

static void read_count(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct event_queue_count *count = item;
    count->account = column_text(stmt, 0, arena);
    int64_t kind = column_i64(stmt, 1);
    count->kind = kind >= 0 && kind < EVENT_KINDS ? (enum event_kind)kind : EVENTS_OF_CREDENTIALS;
    count->waiting = column_i64(stmt, 2);
    count->oldest_seq = column_i64(stmt, 3);
}

bool event_queue_count(struct store_reader *reader, struct arena *arena,
                       struct event_queue_count **ret_counts, size_t *ret_count,
                       struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct event_queue_count));
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CREDENTIAL_EVENT_COUNT);
    if (!rows_read(&rows, &stmt, read_count, error))
        return false;
    *ret_counts = rows.items;
    *ret_count = rows.count;
    return true;
}

/* A job that waits for its next try keeps waiting: its subject's events come in order. */
static bool add_job(struct db *db, struct event_key key, struct error *error)
{
    bool for_bus = str_starts(key.subject, STR(EVENT_FOR_BUS));
    const struct job_row job = {
        .key = {for_bus ? EVENT_BUS_JOB : WEBHOOK_JOB, key.account, key.region, key.subject},
        .due_at_ms = clock_wall_ms(),
        .fence = job_new_fence(),
        .payload = STR(""),
    };
    return job_insert_or_lock(db, &job, error);
}

static bool add_event(struct db *db, struct event_key key, struct str body, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CREDENTIAL_EVENT_ADD);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 4, job_new_fence());
    stmt_text(&stmt, 5, body);
    return stmt_run(&stmt, error);
}

bool event_queue_add(struct db *db, struct event_key key, struct str body, struct error *error)
{
    return add_event(db, key, body, error) && add_job(db, key, error);
}

bool event_queue_drop(struct db *db, struct event_key key, int64_t seq, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CREDENTIAL_EVENT_DROP);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 4, seq);
    return stmt_run(&stmt, error);
}

static bool has_events(struct db *db, struct event_key key, bool *ret_has, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CREDENTIAL_EVENT_LIST);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 4, 1);
    return stmt_step(&stmt, ret_has, error);
}

/* Who adds an event locks the job's row, or waits until it is gone and then adds a job of its own:
 * so what this does not see has a job. */
bool event_queue_continue(struct db *db, struct event_key key, bool *ret_more, struct error *error)
{
    return has_events(db, key, ret_more, error) && (!*ret_more || add_job(db, key, error));
}

bool event_queue_trim(struct db *db, struct str account, enum event_kind kind, int64_t keep,
                      int64_t *ret_removed, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CREDENTIAL_EVENT_TRIM);
    stmt_text(&stmt, 1, account);
    stmt_i64(&stmt, 2, keep);
    stmt_i64(&stmt, 3, kind);
    if (!stmt_run(&stmt, error))
        return false;
    *ret_removed = stmt_changes(&stmt);
    return true;
}
