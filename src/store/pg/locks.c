/* PostgreSQL's driver: locks of a session. */
#include "store/pg/internal.h"

#include "base/buf.h"
#include "base/clock.h"

enum { LIST_MAX = 1024 * 1024 };

static bool run_with_list(struct pg_db *db, int which, const int64_t *keys, size_t count,
                          struct error *error)
{
    struct buf list = buf_on_heap(LIST_MAX);
    buf_add_char(&list, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(&list, ',');
        buf_add_i64(&list, keys[i]);
    }
    buf_add_char(&list, '}');
    struct pg_stmt *stmt = pg_stmt_new(db, which);
    pg_bind_text(stmt, 1, buf_str(&list));
    bool ok = pg_queue_stmt(db, stmt, PG_ANY_ROWS, error);
    pg_stmt_free(db, stmt);
    buf_done(&list);
    return ok;
}

static bool is_among(const struct pg_result *result, int64_t key)
{
    for (int row = 0; row < libpq.ntuples(result); row++) {
        if (pg_read_i64(result, row, 0) == key)
            return true;
    }
    return false;
}

struct swap_try {
    const struct lock_swap *swap;
    bool *taken;
};

static bool try_swap(struct pg_db *db, void *argument, struct error *error)
{
    const struct swap_try *try = argument;
    const struct lock_swap *swap = try->swap;
    if (swap->released_count > 0 &&
        !run_with_list(db, PG_UNLOCK, swap->released, swap->released_count, error))
        return false;
    if (!run_with_list(db, PG_LOCK, swap->wanted, swap->wanted_count, error) ||
        !pg_drain(db, PG_READ_MS, error))
        return false;
    for (size_t i = 0; i < swap->wanted_count; i++)
        try->taken[i] = is_among(db->last, swap->wanted[i]);
    return true;
}

bool pg_swap_locks(struct db *base, const struct lock_swap *swap, bool *ret_taken,
                   struct error *error)
{
    struct pg_db *db = pg_of(base);
    struct swap_try try = {swap, ret_taken};
    if (pg_ask_patiently(db, try_swap, &try, PG_NEVER_PROBES, clock_mono_ms() + PG_READ_MS, error))
        return true;
    if (db->conn && db->failure == DB_FAILED_AGAIN)
        pg_fail_lost(db, NULL); /* what is to be given back ends with the session */
    return false;
}

int64_t pg_connections(const struct db *db)
{
    return pg_of(db)->connections;
}
