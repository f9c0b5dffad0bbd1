/* Expiry of audit rows. Each chain loses its oldest rows, and its anchor moves behind the last one
 * that is removed, in the same transaction: what is left can still be verified.
 *
 * Rows of a chain are removed in their order only, so a row whose time is older than that of a row
 * before it (a clock was set back) stays until that one has expired. */
#include "store/core/audit_chain.h"
#include "store/core/internal.h"

#include <string.h>

static bool read_oldest(struct db *db, int64_t *ret_ms, struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_OLDEST);
    if (!stmt_step(&stmt, &row, error))
        return false;
    *ret_ms = column_i64(&stmt, 0);
    return true;
}

struct anchors {
    struct audit_bound bounds[AUDIT_CHAINS_SHARED];
    size_t count;
};

static bool read_anchors(struct db *db, struct audit_macs *macs, struct anchors *anchors,
                         struct error *error)
{
    struct arena arena = {0};
    bool ok = true, row = true;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUNDS);
    while (row && (ok = stmt_step(&stmt, &row, error)) && row) {
        struct audit_bound bound;
        audit_bound_read(&stmt, macs, &arena, &bound);
        if (bound.kind == AUDIT_ANCHOR && bound.is_sealed && anchors->count < AUDIT_CHAINS_SHARED)
            anchors->bounds[anchors->count++] = bound;
    }
    arena_done(&arena);
    return ok;
}

/* Moves the anchor in memory behind the expired rows; *ret_count: how many there are. A row without
 * a MAC does not belong there: audit_verify reports it. */
static bool find_expired(struct db *db, int64_t until_ms, struct audit_bound *anchor,
                         int64_t *ret_count, struct error *error)
{
    struct arena arena = {0};
    bool ok = true, row = true;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_EXPIRED);
    stmt_i64(&stmt, 1, audit_position(anchor->chain, anchor->link.seq));
    stmt_i64(&stmt, 2, audit_position(anchor->chain + 1, 0));
    stmt_i64(&stmt, 3, EXPIRE_STEP_MAX);
    *ret_count = 0;
    while (row && (ok = stmt_step(&stmt, &row, error)) && row) {
        struct str mac = column_bytes(&stmt, 2, &arena);
        if (column_i64(&stmt, 1) > until_ms || mac.len != AUDIT_MAC_SIZE)
            break;
        anchor->link.seq = audit_position_seq(column_i64(&stmt, 0));
        memcpy(anchor->link.mac, mac.data, AUDIT_MAC_SIZE);
        anchor->at_ms = column_i64(&stmt, 1);
        ++*ret_count;
    }
    arena_done(&arena);
    return ok;
}

static bool remove_rows(struct db *db, const struct audit_bound *from, const struct audit_bound *to,
                        struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_TRIM);
    stmt_i64(&stmt, 1, audit_position(from->chain, from->link.seq));
    stmt_i64(&stmt, 2, audit_position(to->chain, to->link.seq));
    return stmt_run(&stmt, error);
}

/* Where another node moved the anchor first, its next look removes the rest. */
static bool expire_chain(struct db *db, struct audit_macs *macs, const struct audit_bound *anchor,
                         int64_t until_ms, int64_t *removed, struct error *error)
{
    struct audit_bound to = *anchor;
    int64_t count;
    bool moved;
    if (!find_expired(db, until_ms, &to, &count, error))
        return false;
    if (count == 0)
        return true;
    if (!audit_bound_move(db, macs, &anchor->link, &to, &moved, error))
        return false;
    if (!moved)
        return true;
    *removed += count;
    return remove_rows(db, anchor, &to, error);
}

/* Of a version that did not chain rows, or accepted as they were. */
static bool expire_unchained(struct db *db, int64_t until_ms, int64_t *removed, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_EXPIRE);
    stmt_i64(&stmt, 1, until_ms);
    stmt_i64(&stmt, 2, EXPIRE_STEP_MAX);
    if (!stmt_run(&stmt, error))
        return false;
    *removed += stmt_changes(&stmt);
    return true;
}

bool audit_expire(struct db *db, int64_t until_ms, int64_t *ret_removed, struct error *error)
{
    struct audit_macs *macs = NULL;
    struct anchors anchors = {.count = 0};
    int64_t oldest_ms;
    *ret_removed = 0;
    if (!read_oldest(db, &oldest_ms, error))
        return false;
    if (!atomic_load(&db_audit(db)->key) || oldest_ms == 0 || oldest_ms > until_ms)
        return true;
    if (!audit_chain_macs(db_audit(db), &macs, error) ||
        !expire_unchained(db, until_ms, ret_removed, error) ||
        !read_anchors(db, macs, &anchors, error))
        return false;
    for (size_t i = 0; i < anchors.count && *ret_removed < EXPIRE_STEP_MAX; i++) {
        if (!expire_chain(db, macs, &anchors.bounds[i], until_ms, ret_removed, error))
            return false;
    }
    return true;
}
