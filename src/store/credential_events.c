/* What the profiles table has of events. */
#include "store/credential_events.h"

#include "store/core/internal.h"

static void bind_key(struct stmt *stmt, struct profile_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.name);
}

static struct str or_empty(struct str text)
{
    return text.data ? text : STR("");
}

bool profile_report(struct db *db, struct profile_key key, const struct profile_reported *before,
                    const struct profile_reported *after, bool *ret_reported, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_REPORT);
    bind_key(&stmt, key);
    stmt_text(&stmt, 4, after->state);
    stmt_i64(&stmt, 5, after->level);
    stmt_i64(&stmt, 6, after->end_ms);
    stmt_text(&stmt, 7, or_empty(before->state));
    stmt_i64(&stmt, 8, before->level);
    stmt_i64(&stmt, 9, before->end_ms);
    return stmt_change(&stmt, ret_reported, error);
}

bool profile_report_state(struct db *db, struct profile_key key, struct str state,
                          struct str silent, bool *ret_reported, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_REPORT_STATE);
    bind_key(&stmt, key);
    stmt_text(&stmt, 4, state);
    stmt_text(&stmt, 5, silent);
    return stmt_change(&stmt, ret_reported, error);
}
