/* The audit table. */
#include "store/audit.h"

#include "base/encode.h"
#include "store/core/audit_chain.h"
#include "store/core/internal.h"
#include "store/db/rows.h"

#include <string.h>

/* --- the key --- */

void store_use_audit_key(struct store *store, const struct secret *service_secret)
{
    unsigned char key[CRYPTO_HASH_SIZE];
    crypto_hmac(secret_reveal(service_secret), STR("audit chain 1"), key);
    struct secret *none = NULL;
    struct secret *own = secret_new((struct str){(const char *)key, sizeof(key)});
    explicit_bzero(key, sizeof(key));
    if (!atomic_compare_exchange_strong(&store->audit->key, &none, own))
        secret_free(own);
}

void store_set_audit_optional(struct store *store, bool optional)
{
    atomic_store(&store->audit->optional, optional);
}

uint64_t store_audit_rows_lost(const struct store *store)
{
    return atomic_load(&store->audit->lost);
}

uint64_t store_audit_cut_off(const struct store *store)
{
    return atomic_load(&store->audit->cut_off);
}

/* --- adding --- */

static bool insert(struct db *db, const struct audit_entry *entry, int64_t position,
                   const unsigned char mac[AUDIT_MAC_SIZE], struct error *error)
{
    const struct str texts[] = {entry->account,       entry->region,  entry->request_id,
                                entry->access_key_id, entry->os_user, entry->operation,
                                entry->resource,      entry->outcome, entry->detail};
    int number = 3;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_ADD);
    stmt_i64(&stmt, 1, position);
    stmt_i64(&stmt, 2, entry->at_ms);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        stmt_text(&stmt, number++, texts[i]);
    stmt_i64(&stmt, number++, entry->version);
    stmt_i64(&stmt, number++, entry->repeated);
    stmt_i64(&stmt, number++, entry->last_at_ms);
    stmt_bytes(&stmt, number, (struct str){(const char *)mac, AUDIT_MAC_SIZE});
    return stmt_run(&stmt, error);
}

static bool add(struct db *db, const struct audit_entry *entry, struct error *error)
{
    struct audit_entry cut = *entry;
    unsigned char mac[AUDIT_MAC_SIZE];
    int64_t position;
    cut.detail = utf8_cut(entry->detail, AUDIT_DETAIL_MAX);
    return audit_chain_next(db, &cut, &position, mac, error) &&
           insert(db, &cut, position, mac, error);
}

/* A savepoint of its own keeps the change when the row fails. */
static bool add_or_lose(struct db *db, const struct audit_entry *entry, struct error *error)
{
    struct audit_chain *chain = db_audit(db);
    struct audit_mark mark = audit_chain_mark(chain);
    struct error reason = {0};
    if (!db_savepoint(db, error))
        return false;
    if (add(db, entry, &reason))
        return db_savepoint_keep(db, error);
    audit_chain_undo(chain, &mark);
    if (db_is_lost(db) || !db_savepoint_undo(db, error))
        return fail(error, reason.code, "%s", reason.message);
    atomic_fetch_add(&chain->lost, 1);
    store_notice(NOTICE_AUDIT_ROW_LOST, reason.message);
    return true;
}

bool audit_add(struct db *db, const struct audit_entry *entry, struct error *error)
{
    struct audit_chain *chain = db_audit(db);
    return chain->is_alone && atomic_load(&chain->optional) ? add_or_lose(db, entry, error)
                                                            : add(db, entry, error);
}

static bool run(struct db *db, enum sql sql, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    return stmt_run(&stmt, error);
}

bool audit_begin_anew(struct db *db, struct error *error)
{
    audit_chain_forget(db_audit(db));
    return run(db, SQL_AUDIT_UNCHAIN, error) && run(db, SQL_AUDIT_UNBIND, error) &&
           audit_chains_begin(db, error);
}

/* --- reading --- */

static void read_row(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct audit_row *row = item;
    int64_t position = column_i64(stmt, 0);
    row->chain = audit_position_chain(position);
    row->number = audit_position_seq(position);
    row->entry = (struct audit_entry){
        .at_ms = column_i64(stmt, 1),
        .account = column_text(stmt, 2, arena),
        .region = column_text(stmt, 3, arena),
        .request_id = column_text(stmt, 4, arena),
        .access_key_id = column_text(stmt, 5, arena),
        .os_user = column_text(stmt, 6, arena),
        .operation = column_text(stmt, 7, arena),
        .resource = column_text(stmt, 8, arena),
        .outcome = column_text(stmt, 9, arena),
        .detail = column_text(stmt, 10, arena),
        .version = column_i64(stmt, 11),
        .repeated = column_i64(stmt, 12),
        .last_at_ms = column_i64(stmt, 13),
    };
    row->mac = column_bytes(stmt, 14, arena);
}

int64_t audit_row_position(const struct audit_row *row)
{
    return audit_position(row->chain, row->number);
}

bool audit_list(struct store_reader *reader, struct arena *arena, const struct audit_filter *filter,
                size_t limit, struct audit_row **ret_rows, size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct audit_row));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_LIST);
    stmt_i64(&stmt, 1, filter->after_ms);
    stmt_i64(&stmt, 2, filter->after_position);
    stmt_text(&stmt, 3, filter->account);
    stmt_i64(&stmt, 4, (int64_t)limit);
    if (!rows_read(&rows, &stmt, read_row, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    return true;
}

bool audit_read_chain(struct store_reader *reader, struct arena *arena, int64_t chain,
                      int64_t after, int64_t last, struct audit_row **ret_rows, size_t *ret_count,
                      struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct audit_row));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_READ_CHAIN);
    stmt_i64(&stmt, 1, audit_position(chain, after));
    stmt_i64(&stmt, 2, audit_position(chain, last));
    stmt_i64(&stmt, 3, AUDIT_PAGE_MAX);
    if (!rows_read(&rows, &stmt, read_row, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    return true;
}

bool audit_ends(struct store_reader *reader, struct arena *arena, struct audit_end **ret_ends,
                size_t *ret_count, struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct audit_end));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_BOUNDS);
    for (bool row = true; row;) {
        if (!stmt_step(&stmt, &row, error))
            return false;
        if (!row || column_i64(&stmt, 0) % AUDIT_BOUND_KINDS != AUDIT_HEAD)
            continue;
        struct audit_end *end = rows_add(&rows);
        *end = (struct audit_end){column_i64(&stmt, 0) / AUDIT_BOUND_KINDS, column_i64(&stmt, 1)};
    }
    *ret_ends = rows.items;
    *ret_count = rows.count;
    return true;
}
