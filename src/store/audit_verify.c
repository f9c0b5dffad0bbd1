/* Walks over each chain from its anchor to its head.
 *
 * Nodes write meanwhile, and with PostgreSQL each statement sees what was committed before it. So
 * the bounds are read first, then the rows up to the head, and what lies behind the head is
 * compared with the bounds as they are then; an anchor that moves while its chain is read is read
 * again. */
#include "store/audit_verify.h"

#include "base/clock.h"
#include "store/core/audit_chain.h"
#include "store/core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PROBLEM_SIZE = 512, PROBLEMS_TOLD_MAX = 100 };

struct audit_walk {
    struct audit_check *check;
    struct store_reader *reader;
    struct audit_macs *macs;
    struct arena arena; /* of a page */
    struct error *error;
    int64_t chain;
    struct audit_link at; /* the last row that was seen */
    bool knows_before;    /* at.mac is that of the row before the next one */
    bool has_begun;       /* a row was seen */
};

__attribute__((format(printf, 2, 3))) static void problem(struct audit_walk *walk,
                                                          const char *format, ...)
{
    char text[PROBLEM_SIZE];
    va_list arguments;
    if (walk->check->problems++ >= PROBLEMS_TOLD_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    walk->check->tell(text);
}

/* --- a row --- */

static void check_gap(struct audit_walk *walk, int64_t number)
{
    int64_t first = walk->at.seq + 1, last = number - 1;
    if (number == first)
        return;
    walk->knows_before = false;
    if (first == last)
        problem(walk, "Audit entry %lld of chain %lld is missing.", (long long)first,
                (long long)walk->chain);
    else
        problem(walk, "Audit entries %lld to %lld of chain %lld are missing.", (long long)first,
                (long long)last, (long long)walk->chain);
}

static bool read_bound(struct audit_walk *walk, enum audit_bound_kind kind,
                       struct audit_bound *ret_bound)
{
    struct db *db;
    bool row;
    *ret_bound = (struct audit_bound){.chain = walk->chain, .kind = kind};
    if (!reader_begin(walk->reader, &db, walk->error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUND_GET);
    stmt_i64(&stmt, 1, walk->chain * AUDIT_BOUND_KINDS + (int)kind);
    if (!stmt_step(&stmt, &row, walk->error))
        return false;
    if (row)
        audit_bound_read(&stmt, walk->macs, &walk->arena, ret_bound);
    return true;
}

/* The first rows may have expired since the anchor was read. */
static bool follow_anchor(struct audit_walk *walk)
{
    struct audit_bound anchor;
    if (!read_bound(walk, AUDIT_ANCHOR, &anchor))
        return false;
    if (anchor.is_sealed && anchor.link.seq > walk->at.seq)
        walk->at = anchor.link;
    return true;
}

/* The row's own MAC is what the next one is checked with, so that one change is one problem. */
static void check_row(struct audit_walk *walk, const struct audit_row *row)
{
    unsigned char should_be[AUDIT_MAC_SIZE];
    char when[CLOCK_TEXT_SIZE];
    check_gap(walk, row->number);
    audit_row_mac(walk->macs, &row->entry, audit_row_position(row), walk->at.mac, should_be);
    bool is_whole = row->mac.len == AUDIT_MAC_SIZE;
    bool fits =
        is_whole && (!walk->knows_before || memcmp(row->mac.data, should_be, AUDIT_MAC_SIZE) == 0);
    clock_text(row->entry.at_ms, when);
    if (!fits)
        problem(walk, "Audit entry %lld of chain %lld (%s, %.*s) was changed, moved or added.",
                (long long)row->number, (long long)walk->chain, when,
                STR_ARG(row->entry.operation));
    walk->at.seq = row->number;
    walk->knows_before = is_whole;
    if (is_whole)
        memcpy(walk->at.mac, row->mac.data, AUDIT_MAC_SIZE);
    walk->check->rows++;
}

/* --- a chain --- */

static bool check_rows(struct audit_walk *walk, int64_t last)
{
    struct audit_row *rows;
    size_t count;
    do {
        if (!audit_read_chain(walk->reader, &walk->arena, walk->chain, walk->at.seq, last, &rows,
                              &count, walk->error))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!walk->has_begun && rows[i].number != walk->at.seq + 1 && !follow_anchor(walk))
                return false;
            walk->has_begun = true;
            if (rows[i].number > walk->at.seq)
                check_row(walk, &rows[i]);
        }
        arena_reset(&walk->arena);
    } while (count == AUDIT_PAGE_MAX);
    return true;
}

static void check_end(struct audit_walk *walk, const struct audit_bound *head)
{
    int64_t missing = head->link.seq - walk->at.seq;
    if (missing > 0)
        problem(walk, "Audit entries missing at the end of chain %lld: %lld.",
                (long long)walk->chain, (long long)missing);
    else if (missing == 0 && walk->knows_before &&
             memcmp(head->link.mac, walk->at.mac, AUDIT_MAC_SIZE) != 0)
        problem(walk, "The newest audit entry of chain %lld is not the one that its head names.",
                (long long)walk->chain);
}

static bool find_newest(struct audit_walk *walk, int64_t *ret_number)
{
    bool row;
    struct db *db;
    if (!reader_begin(walk->reader, &db, walk->error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_LAST);
    stmt_i64(&stmt, 1, audit_position(walk->chain, 0));
    stmt_i64(&stmt, 2, audit_position(walk->chain + 1, 0));
    if (!stmt_step(&stmt, &row, walk->error))
        return false;
    *ret_number = audit_position_seq(column_i64(&stmt, 0));
    return true;
}

/* Rows that no head covers; the head is read after them, as it moves together with new rows. */
static bool check_behind(struct audit_walk *walk)
{
    struct audit_bound head;
    int64_t newest;
    if (!find_newest(walk, &newest) || !read_bound(walk, AUDIT_HEAD, &head))
        return false;
    if (newest > head.link.seq)
        problem(walk, "Chain %lld has audit entries behind its end, up to entry %lld.",
                (long long)walk->chain, (long long)newest);
    return true;
}

/* Rows at or before the anchor have expired, and are gone; those that are not covered have no MAC.
 */
static bool check_before(struct audit_walk *walk, const struct audit_bound *anchor)
{
    bool row;
    struct db *db;
    if (!reader_begin(walk->reader, &db, walk->error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_COUNT_BEFORE);
    stmt_i64(&stmt, 1, audit_position(walk->chain, 0));
    stmt_i64(&stmt, 2, audit_position(walk->chain, anchor->link.seq));
    if (!stmt_step(&stmt, &row, walk->error))
        return false;
    if (column_i64(&stmt, 0) > 0)
        problem(walk, "Audit entries before the begin of chain %lld: %lld.", (long long)walk->chain,
                (long long)column_i64(&stmt, 0));
    walk->check->unchained += (size_t)column_i64(&stmt, 1);
    return true;
}

static bool check_chain(struct audit_walk *walk, const struct audit_bound *anchor,
                        const struct audit_bound *head)
{
    size_t rows = walk->check->rows;
    if (!anchor->is_sealed || !head->is_sealed) {
        problem(walk, "The %s of the audit's chain %lld is missing or was changed.",
                anchor->is_sealed ? "end" : "begin", (long long)walk->chain);
        return true;
    }
    walk->at = anchor->link;
    walk->knows_before = true;
    walk->has_begun = false;
    if (!check_before(walk, anchor) || !check_rows(walk, head->link.seq))
        return false;
    if (!walk->has_begun && head->link.seq > walk->at.seq && !follow_anchor(walk))
        return false;
    check_end(walk, head);
    if (!check_behind(walk))
        return false;
    walk->check->chains += walk->check->rows > rows;
    if (walk->check->since_ms == 0 || anchor->at_ms > walk->check->since_ms)
        walk->check->since_ms = anchor->at_ms;
    return true;
}

/* --- all --- */

struct all_bounds {
    struct audit_bound of[AUDIT_CHAINS_SHARED][AUDIT_BOUND_KINDS];
    size_t count;
};

static bool read_bounds(struct audit_walk *walk, struct all_bounds *bounds)
{
    struct db *db;
    if (!reader_begin(walk->reader, &db, walk->error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUNDS);
    for (bool row = true; row;) {
        struct audit_bound bound;
        if (!stmt_step(&stmt, &row, walk->error))
            return false;
        if (!row)
            break;
        audit_bound_read(&stmt, walk->macs, &walk->arena, &bound);
        if (bound.chain >= 0 && bound.chain < AUDIT_CHAINS_SHARED)
            bounds->of[bound.chain][bound.kind] = bound;
        bounds->count++;
    }
    return true;
}

/* Rows with a position that belongs to no chain, and before there is a chain. */
static bool check_others(struct audit_walk *walk, int64_t chains)
{
    bool row;
    struct db *db;
    if (!reader_begin(walk->reader, &db, walk->error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_COUNT_OTHERS);
    stmt_i64(&stmt, 1, audit_position(chains, 0));
    if (!stmt_step(&stmt, &row, walk->error))
        return false;
    if (column_i64(&stmt, 0) > 0)
        problem(walk, "Audit entries that belong to no chain: %lld.",
                (long long)column_i64(&stmt, 0));
    return true;
}

static bool verify(struct audit_walk *walk, int64_t chains)
{
    struct all_bounds bounds = {.count = 0};
    if (!read_bounds(walk, &bounds) || !check_others(walk, bounds.count > 0 ? chains : 0))
        return false;
    for (walk->chain = 0; bounds.count > 0 && walk->chain < chains; walk->chain++) {
        struct audit_bound *of = bounds.of[walk->chain];
        if (!check_chain(walk, &of[AUDIT_ANCHOR], &of[AUDIT_HEAD]))
            return false;
    }
    return true;
}

bool audit_verify(struct store *store, struct store_reader *reader, struct audit_check *check,
                  struct error *error)
{
    struct secret *key = atomic_load(&store->audit->key);
    struct audit_walk walk = {.check = check, .reader = reader, .error = error};
    if (!key)
        return fail(error, ERR_INTERNAL, "The audit's key is not known.");
    walk.macs = audit_macs_new(key);
    bool ok = verify(&walk, store->audit->count);
    audit_macs_free(walk.macs);
    arena_done(&walk.arena);
    return ok;
}
