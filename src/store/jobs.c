/* The jobs table. */
#include "store/jobs.h"

#include "base/clock.h"
#include "base/random.h"
#include "store/core/internal.h"
#include "store/db/rows.h"

enum { FENCES_A_MS = 1000 };

struct job_key job_key_copy(struct arena *arena, struct job_key key)
{
    return (struct job_key){
        .kind = arena_copy(arena, key.kind),
        .account = arena_copy(arena, key.account),
        .region = arena_copy(arena, key.region),
        .name = arena_copy(arena, key.name),
    };
}

/* Microseconds since the epoch, of which the last three digits are random: later leases count up
 * from here, by far fewer than time does. */
int64_t job_new_fence(void)
{
    uint16_t random;
    random_bytes(&random, sizeof(random));
    return clock_wall_ms() * FENCES_A_MS + random % FENCES_A_MS;
}

static void read_row(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct job_row *row = item;
    row->key.kind = column_text(stmt, 0, arena);
    row->key.account = column_text(stmt, 1, arena);
    row->key.region = column_text(stmt, 2, arena);
    row->key.name = column_text(stmt, 3, arena);
    row->due_at_ms = column_i64(stmt, 4);
    row->fence = column_i64(stmt, 5);
    row->lease_until_ms = column_i64(stmt, 6);
    row->attempts = column_i64(stmt, 7);
    row->payload = column_text(stmt, 8, arena);
}

bool job_list_due(struct store_reader *reader, struct arena *arena, const struct job_filter *filter,
                  struct job_row **ret_rows, size_t *ret_count, struct error *error)
{
    static const struct job_row start = {.due_at_ms = INT64_MIN};
    const struct job_row *after = filter->after ? filter->after : &start;
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct job_row));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_JOB_LIST_DUE);
    stmt_text(&stmt, 1, filter->kind);
    stmt_i64(&stmt, 2, filter->now_ms);
    stmt_i64(&stmt, 3, filter->abandoned ? INT64_MAX : filter->now_ms);
    stmt_i64(&stmt, 4, (int64_t)filter->limit);
    stmt_i64(&stmt, 5, after->due_at_ms);
    stmt_text(&stmt, 6, filter->after ? after->key.account : STR(""));
    stmt_text(&stmt, 7, filter->after ? after->key.region : STR(""));
    stmt_text(&stmt, 8, filter->after ? after->key.name : STR(""));
    if (!rows_read(&rows, &stmt, read_row, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    return true;
}

bool job_next_due(struct store_reader *reader, struct str kind, int64_t now_ms, bool *ret_found,
                  int64_t *ret_due_at_ms, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_JOB_NEXT_DUE);
    stmt_text(&stmt, 1, kind);
    stmt_i64(&stmt, 2, now_ms);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (*ret_found)
        *ret_due_at_ms = column_i64(&stmt, 0);
    return true;
}

static void bind_key(struct stmt *stmt, const struct job_key *key)
{
    stmt_text(stmt, 1, key->kind);
    stmt_text(stmt, 2, key->account);
    stmt_text(stmt, 3, key->region);
    stmt_text(stmt, 4, key->name);
}

static bool insert(struct db *db, enum sql sql, const struct job_row *row, struct str owner,
                   struct error *error)
{
    if (row->payload.len > JOB_PAYLOAD_MAX)
        return fail(error, ERR_INTERNAL, "The payload of a %.*s job has %zu bytes, at most %d fit.",
                    STR_ARG(row->key.kind), row->payload.len, JOB_PAYLOAD_MAX);
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    bind_key(&stmt, &row->key);
    stmt_i64(&stmt, 5, row->due_at_ms);
    stmt_i64(&stmt, 6, row->fence);
    stmt_i64(&stmt, 7, row->lease_until_ms);
    stmt_text(&stmt, 8, owner);
    stmt_text(&stmt, 9, row->payload);
    return stmt_run(&stmt, error);
}

bool job_insert(struct db *db, const struct job_row *row, struct str owner, struct error *error)
{
    return insert(db, SQL_JOB_INSERT, row, owner, error);
}

bool job_insert_again(struct db *db, const struct job_row *row, struct error *error)
{
    return insert(db, SQL_JOB_INSERT_AGAIN, row, STR(""), error);
}

bool job_insert_new(struct db *db, const struct job_row *row, struct error *error)
{
    return insert(db, SQL_JOB_INSERT_NEW, row, STR(""), error);
}

bool job_insert_or_lock(struct db *db, const struct job_row *row, struct error *error)
{
    return insert(db, SQL_JOB_INSERT_OR_LOCK, row, STR(""), error);
}

bool job_drop(struct db *db, const struct job_key *key, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_JOB_DROP);
    bind_key(&stmt, key);
    return stmt_run(&stmt, error);
}

/* Binds what each statement of a lease begins with: the key and the fence that must still be the
 * row's. */
static struct stmt open_fenced(struct db *db, enum sql sql, const struct job_row *row)
{
    struct stmt stmt = stmt_open(db, sql);
    bind_key(&stmt, &row->key);
    stmt_i64(&stmt, 5, row->fence);
    return stmt;
}

bool job_is_held(struct store_reader *reader, const struct job_row *row, bool *ret_held,
                 struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = open_fenced(db, SQL_JOB_IS_HELD, row);
    return stmt_step(&stmt, ret_held, error);
}

bool job_lease(struct db *db, const struct job_row *row, struct str owner, int64_t lease_until_ms,
               bool *ret_taken, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = open_fenced(db, SQL_JOB_LEASE, row);
    stmt_i64(&stmt, 6, row->fence + 1);
    stmt_i64(&stmt, 7, lease_until_ms);
    stmt_text(&stmt, 8, owner);
    return stmt_change(&stmt, ret_taken, error);
}

bool job_extend(struct db *db, const struct job_row *row, int64_t lease_until_ms, bool *ret_held,
                struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = open_fenced(db, SQL_JOB_EXTEND, row);
    stmt_i64(&stmt, 6, lease_until_ms);
    return stmt_change(&stmt, ret_held, error);
}

bool job_retry(struct db *db, const struct job_row *row, int64_t due_at_ms, bool *ret_held,
               struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = open_fenced(db, SQL_JOB_RETRY, row);
    stmt_i64(&stmt, 6, due_at_ms);
    stmt_text(&stmt, 7, row->payload);
    return stmt_change(&stmt, ret_held, error);
}

bool job_finish(struct db *db, const struct job_row *row, bool *ret_held, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = open_fenced(db, SQL_JOB_FINISH, row);
    return stmt_change(&stmt, ret_held, error);
}
