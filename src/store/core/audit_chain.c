/* Position, MAC and head of new audit rows. */
#include "store/core/audit_chain.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "store/core/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROW_TEXT_MAX = 64 * 1024, /* bytes of a row's content as its MAC covers it */
    NUMBER_SIZE = 8,
};

static const char damaged[] =
    "The audit's chain %lld does not fit its head: the audit was changed in the database. Nothing "
    "is written to it until headgate audit verify was read and headgate audit accept was run, or "
    "the server runs with --audit-required no.";

/* --- the key --- */

struct audit_chain *audit_chain_new(bool is_shared)
{
    struct audit_chain *chain = xcalloc(1, sizeof(*chain));
    chain->count = is_shared ? AUDIT_CHAINS_SHARED : 1;
    return chain;
}

void audit_chain_free(struct audit_chain *chain)
{
    if (!chain)
        return;
    audit_macs_free(chain->macs);
    secret_free(atomic_load(&chain->key));
    free(chain);
}

struct audit_macs *audit_macs_new(const struct secret *key)
{
    struct audit_macs *macs = xcalloc(1, sizeof(*macs));
    macs->cmac = crypto_cmac_new(secret_reveal(key));
    macs->text = buf_on_heap(ROW_TEXT_MAX);
    return macs;
}

void audit_macs_free(struct audit_macs *macs)
{
    if (!macs)
        return;
    crypto_cmac_free(macs->cmac);
    buf_done(&macs->text);
    free(macs);
}

bool audit_chain_macs(struct audit_chain *chain, struct audit_macs **ret_macs, struct error *error)
{
    struct secret *key = atomic_load(&chain->key);
    if (!key)
        return fail(error, ERR_INTERNAL, "The audit's key is not known.");
    if (!chain->macs)
        chain->macs = audit_macs_new(key);
    *ret_macs = chain->macs;
    return true;
}

/* --- positions and MACs --- */

int64_t audit_position(int64_t chain, int64_t seq)
{
    assert(seq >= 0 && seq < (int64_t)1 << AUDIT_SEQ_BITS);
    return (chain << AUDIT_SEQ_BITS) + seq;
}

int64_t audit_position_chain(int64_t position)
{
    return position >> AUDIT_SEQ_BITS;
}

int64_t audit_position_seq(int64_t position)
{
    return position & (((int64_t)1 << AUDIT_SEQ_BITS) - 1);
}

static void add_number(struct buf *text, int64_t number)
{
    unsigned char bytes[NUMBER_SIZE];
    crypto_put_u64(bytes, (uint64_t)number);
    buf_add(text, (struct str){(const char *)bytes, sizeof(bytes)});
}

/* The length comes first, so that no two lists of texts look the same; NULL has none. */
static void add_text(struct buf *text, struct str part)
{
    add_number(text, part.data ? (int64_t)part.len : -1);
    if (part.len > 0)
        buf_add(text, part);
}

static void add_mac(struct buf *text, const unsigned char mac[AUDIT_MAC_SIZE])
{
    buf_add(text, (struct str){(const char *)mac, AUDIT_MAC_SIZE});
}

void audit_row_mac(struct audit_macs *macs, const struct audit_entry *entry, int64_t position,
                   const unsigned char before[AUDIT_MAC_SIZE],
                   unsigned char ret_mac[AUDIT_MAC_SIZE])
{
    const int64_t numbers[] = {position, entry->at_ms, entry->version, entry->repeated,
                               entry->last_at_ms};
    const struct str texts[] = {entry->account,       entry->region,  entry->request_id,
                                entry->access_key_id, entry->os_user, entry->operation,
                                entry->resource,      entry->outcome, entry->detail};
    struct buf *text = &macs->text;
    buf_clear(text);
    buf_add(text, STR("row"));
    add_mac(text, before);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        add_number(text, numbers[i]);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        add_text(text, texts[i]);
    crypto_cmac(macs->cmac, buf_str(text), ret_mac);
}

static void bound_mac(struct audit_macs *macs, const struct audit_bound *bound,
                      unsigned char ret_mac[AUDIT_MAC_SIZE])
{
    struct buf *text = &macs->text;
    buf_clear(text);
    buf_add(text, STR("bound"));
    add_number(text, bound->chain);
    add_number(text, bound->kind);
    add_number(text, bound->link.seq);
    add_number(text, bound->at_ms);
    add_mac(text, bound->link.mac);
    crypto_cmac(macs->cmac, buf_str(text), ret_mac);
}

/* --- bounds --- */

static int64_t bound_id(int64_t chain, enum audit_bound_kind kind)
{
    return chain * AUDIT_BOUND_KINDS + kind;
}

static bool read_mac(struct str bytes, unsigned char mac[AUDIT_MAC_SIZE])
{
    bool fits = bytes.len == AUDIT_MAC_SIZE;
    memset(mac, 0, AUDIT_MAC_SIZE);
    if (fits)
        memcpy(mac, bytes.data, AUDIT_MAC_SIZE);
    return fits;
}

void audit_bound_read(const struct stmt *stmt, struct audit_macs *macs, struct arena *arena,
                      struct audit_bound *ret_bound)
{
    unsigned char is[AUDIT_MAC_SIZE], should_be[AUDIT_MAC_SIZE];
    int64_t id = column_i64(stmt, 0);
    ret_bound->chain = id / AUDIT_BOUND_KINDS;
    ret_bound->kind = (enum audit_bound_kind)(id % AUDIT_BOUND_KINDS);
    ret_bound->link.seq = column_i64(stmt, 1);
    bool whole = read_mac(column_bytes(stmt, 2, arena), ret_bound->link.mac);
    ret_bound->at_ms = column_i64(stmt, 3);
    whole &= read_mac(column_bytes(stmt, 4, arena), is);
    bound_mac(macs, ret_bound, should_be);
    ret_bound->is_sealed = whole && id >= 0 && memcmp(is, should_be, sizeof(is)) == 0;
}

static struct str mac_bytes(const unsigned char mac[AUDIT_MAC_SIZE])
{
    return (struct str){(const char *)mac, AUDIT_MAC_SIZE};
}

static void bind_bound(struct stmt *stmt, struct audit_macs *macs, const struct audit_bound *bound,
                       unsigned char seal[AUDIT_MAC_SIZE])
{
    bound_mac(macs, bound, seal);
    stmt_i64(stmt, 1, bound_id(bound->chain, bound->kind));
    stmt_i64(stmt, 2, bound->link.seq);
    stmt_bytes(stmt, 3, mac_bytes(bound->link.mac));
    stmt_i64(stmt, 4, bound->at_ms);
    stmt_bytes(stmt, 5, mac_bytes(seal)); /* which must live until the statement has run */
}

bool audit_bound_move(struct db *db, struct audit_macs *macs, const struct audit_link *from,
                      const struct audit_bound *to, bool *ret_moved, struct error *error)
{
    unsigned char seal[AUDIT_MAC_SIZE];
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUND_MOVE);
    bind_bound(&stmt, macs, to, seal);
    stmt_i64(&stmt, 6, from->seq);
    stmt_bytes(&stmt, 7, mac_bytes(from->mac));
    return stmt_change(&stmt, ret_moved, error);
}

static bool put_bound(struct db *db, struct audit_macs *macs, const struct audit_bound *bound,
                      struct error *error)
{
    unsigned char seal[AUDIT_MAC_SIZE];
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUND_PUT);
    bind_bound(&stmt, macs, bound, seal);
    return stmt_run(&stmt, error);
}

/* The highest number in a chain, of rows that an earlier version wrote, or that were accepted. */
static bool find_last(struct db *db, int64_t chain, int64_t *ret_seq, struct error *error)
{
    bool row;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_LAST);
    stmt_i64(&stmt, 1, audit_position(chain, 0));
    stmt_i64(&stmt, 2, audit_position(chain + 1, 0));
    if (!stmt_step(&stmt, &row, error))
        return false;
    *ret_seq = audit_position_seq(column_i64(&stmt, 0));
    return true;
}

static bool begin_chain(struct db *db, struct audit_macs *macs, int64_t number, struct error *error)
{
    struct audit_bound bound = {.chain = number, .at_ms = clock_wall_ms()};
    if (!find_last(db, number, &bound.link.seq, error))
        return false;
    for (int kind = 0; kind < AUDIT_BOUND_KINDS; kind++) {
        bound.kind = (enum audit_bound_kind)kind;
        if (!put_bound(db, macs, &bound, error))
            return false;
    }
    return true;
}

static bool has_bounds(struct db *db, bool *ret_any, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUNDS);
    return stmt_step(&stmt, ret_any, error);
}

bool audit_chains_begin(struct db *db, struct error *error)
{
    struct audit_chain *chain = db_audit(db);
    struct audit_macs *macs = NULL;
    bool any;
    if (!audit_chain_macs(chain, &macs, error) || !has_bounds(db, &any, error))
        return false;
    for (int64_t i = 0; !any && i < chain->count; i++) {
        if (!begin_chain(db, macs, i, error))
            return false;
    }
    return true;
}

/* --- the head --- */

void audit_chain_begin(struct audit_chain *chain, bool is_alone)
{
    chain->tail = chain->head;
    chain->is_alone = is_alone;
}

struct audit_mark audit_chain_mark(const struct audit_chain *chain)
{
    return (struct audit_mark){chain->is_known, chain->tail};
}

/* Where the head was read only after the mark, no row was written before. */
void audit_chain_undo(struct audit_chain *chain, const struct audit_mark *mark)
{
    chain->tail = mark->was_known ? mark->tail : chain->head;
}

void audit_chain_forget(struct audit_chain *chain)
{
    chain->is_known = false;
}

void audit_chain_committed(struct audit_chain *chain)
{
    if (!chain->is_known)
        return;
    chain->head = chain->tail;
    chain->seen = chain->tail;
}

/* Locks the head's row until the transaction ends: the batch has met another process, perhaps. */
static bool lock_head(struct db *db, int64_t id, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUND_LOCK);
    stmt_i64(&stmt, 1, id);
    return stmt_run(&stmt, error);
}

static bool read_head(struct db *db, struct audit_macs *macs, int64_t chain, bool *ret_found,
                      struct audit_bound *ret_head, struct error *error)
{
    struct arena arena = {0};
    int64_t id = bound_id(chain, AUDIT_HEAD);
    if (!lock_head(db, id, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUND_GET);
    stmt_i64(&stmt, 1, id);
    bool ok = stmt_step(&stmt, ret_found, error);
    if (ok && *ret_found)
        audit_bound_read(&stmt, macs, &arena, ret_head);
    arena_done(&arena);
    return ok;
}

/* The database's head may be newer than what this process committed, and never older. */
static void compare(struct audit_chain *chain, int64_t number, const struct audit_link *link)
{
    char detail[128];
    bool is_older =
        link->seq < chain->seen.seq ||
        (link->seq == chain->seen.seq && memcmp(link->mac, chain->seen.mac, AUDIT_MAC_SIZE) != 0);
    if (number == chain->number && chain->seen.seq > 0 && is_older) {
        atomic_fetch_add(&chain->cut_off, 1);
        snprintf(detail, sizeof(detail), "chain %lld ended at entry %lld, and ends at %lld now.",
                 (long long)number, (long long)chain->seen.seq, (long long)link->seq);
        store_notice(NOTICE_AUDIT_CUT_OFF, detail);
    }
    if (number != chain->number)
        chain->seen = (struct audit_link){0};
}

static bool load_head(struct db *db, struct audit_chain *chain, struct audit_macs *macs,
                      struct error *error)
{
    struct audit_bound head = {0};
    bool found;
    int64_t number = 0;
    if (chain->count > 1) {
        unsigned char byte[1];
        random_bytes(byte, sizeof(byte));
        number = byte[0] % chain->count;
    }
    if (!read_head(db, macs, number, &found, &head, error))
        return false;
    if (!found &&
        (!audit_chains_begin(db, error) || !read_head(db, macs, number, &found, &head, error)))
        return false;
    if (!found || !head.is_sealed)
        return fail(error, ERR_UNAVAILABLE, damaged, (long long)number);
    compare(chain, number, &head.link);
    chain->number = number;
    chain->head = chain->tail = head.link;
    chain->is_known = true;
    return true;
}

bool audit_chain_next(struct db *db, const struct audit_entry *entry, int64_t *ret_position,
                      unsigned char ret_mac[AUDIT_MAC_SIZE], struct error *error)
{
    struct audit_chain *chain = db_audit(db);
    struct audit_macs *macs = NULL;
    if (!audit_chain_macs(chain, &macs, error) ||
        (!chain->is_known && !load_head(db, chain, macs, error)))
        return false;
    *ret_position = audit_position(chain->number, chain->tail.seq + 1);
    audit_row_mac(macs, entry, *ret_position, chain->tail.mac, ret_mac);
    chain->tail.seq++;
    memcpy(chain->tail.mac, ret_mac, AUDIT_MAC_SIZE);
    chain->tail_ms = entry->at_ms;
    return true;
}

bool audit_chain_close(struct db *db, struct error *error)
{
    struct audit_chain *chain = db_audit(db);
    struct audit_macs *macs = NULL;
    bool moved;
    if (!chain->is_known || chain->tail.seq == chain->head.seq)
        return true;
    const struct audit_bound head = {
        .chain = chain->number, .kind = AUDIT_HEAD, .link = chain->tail, .at_ms = chain->tail_ms};
    if (!audit_chain_macs(chain, &macs, error) ||
        !audit_bound_move(db, macs, &chain->head, &head, &moved, error))
        return false;
    return moved || fail(error, ERR_RETRY, "Another process wrote to the audit's chain.");
}
