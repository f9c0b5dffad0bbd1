/* The audit table. */
#include "store/audit.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

bool audit_add(struct db *db, const struct audit_entry *entry, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_ADD);
    stmt_i64(&stmt, 1, entry->at_ms);
    stmt_text(&stmt, 2, entry->account);
    stmt_text(&stmt, 3, entry->region);
    stmt_text(&stmt, 4, entry->request_id);
    stmt_text(&stmt, 5, entry->access_key_id);
    stmt_text(&stmt, 6, entry->operation);
    stmt_text(&stmt, 7, entry->resource);
    stmt_text(&stmt, 8, entry->outcome);
    stmt_text(&stmt, 9, entry->detail);
    stmt_i64(&stmt, 10, entry->version);
    return stmt_run(&stmt, error);
}

static void read_row(const struct stmt *stmt, struct arena *arena, struct str account,
                     struct audit_entry *entry)
{
    *entry = (struct audit_entry){
        .at_ms = column_i64(stmt, 0),
        .account = account,
        .region = column_text(stmt, 1, arena),
        .request_id = column_text(stmt, 2, arena),
        .access_key_id = column_text(stmt, 3, arena),
        .operation = column_text(stmt, 4, arena),
        .resource = column_text(stmt, 5, arena),
        .outcome = column_text(stmt, 6, arena),
        .detail = column_text(stmt, 7, arena),
    };
}

bool audit_list(struct store_reader *reader, struct arena *arena, struct str account,
                int64_t after_ms, size_t limit, struct audit_entry **ret_entries, size_t *ret_count,
                struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct audit_entry));
    struct str owner = arena_copy(arena, account);
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_AUDIT_LIST);
    stmt_text(&stmt, 1, account);
    stmt_i64(&stmt, 2, after_ms);
    stmt_i64(&stmt, 3, (int64_t)limit);
    for (bool row = true; row;) {
        if (!stmt_step(&stmt, &row, error))
            return false;
        if (row)
            read_row(&stmt, arena, owner, rows_add(&rows));
    }
    *ret_entries = rows.items;
    *ret_count = rows.count;
    return true;
}
