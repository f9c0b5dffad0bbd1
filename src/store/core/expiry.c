/* Removes rows whose time has passed, a bounded number at a time. */
#include "store/audit.h"
#include "store/core/internal.h"

static bool expire(struct db *db, enum sql sql, int64_t until_ms, struct expiry *expiry,
                   struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    stmt_i64(&stmt, 1, until_ms);
    stmt_i64(&stmt, 2, EXPIRE_STEP_MAX);
    if (!stmt_run(&stmt, error))
        return false;
    int64_t removed = stmt_changes(&stmt);
    expiry->removed += removed;
    expiry->more |= removed >= EXPIRE_STEP_MAX;
    return true;
}

bool expiry_apply(struct db *db, void *argument, struct error *error)
{
    struct expiry *expiry = argument;
    return expire(db, SQL_TOKEN_EXPIRE, expiry->now_ms, expiry, error) &&
           expire(db, SQL_EXCHANGE_EXPIRE, expiry->now_ms, expiry, error) &&
           expire(db, SQL_AUDIT_EXPIRE, expiry->now_ms - AUDIT_LIFE_MS, expiry, error);
}
