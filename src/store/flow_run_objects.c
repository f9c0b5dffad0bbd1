/* The flow_run_objects table. */
#include "store/flow_run_objects.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

static void bind_run(struct stmt *stmt, struct flow_key flow, struct str run)
{
    stmt_text(stmt, 1, flow.account);
    stmt_text(stmt, 2, flow.region);
    stmt_text(stmt, 3, flow.name);
    stmt_text(stmt, 4, run);
}

static void read_object(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct flow_run_object *object = item;
    object->number = column_i64(stmt, 0);
    object->key = column_text(stmt, 1, arena);
    object->bytes = column_i64(stmt, 2);
    object->records = column_i64(stmt, 3);
    object->sha256 = column_text(stmt, 4, arena);
}

bool flow_run_object_list(struct store_reader *reader, struct arena *arena, struct flow_key flow,
                          struct str run, int64_t first, size_t limit,
                          struct flow_run_object **ret_objects, size_t *ret_count,
                          struct error *error)
{
    struct db *db;
    struct rows rows = rows_of(arena, sizeof(struct flow_run_object));
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_OBJECT_LIST);
    bind_run(&stmt, flow, run);
    stmt_i64(&stmt, 5, first);
    stmt_i64(&stmt, 6, (int64_t)limit);
    if (!rows_read(&rows, &stmt, read_object, error))
        return false;
    *ret_objects = rows.items;
    *ret_count = rows.count;
    return true;
}

bool flow_run_object_insert(struct db *db, struct flow_key flow, struct str run,
                            const struct flow_run_object *object, struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_FLOW_RUN_OBJECT_INSERT);
    bind_run(&stmt, flow, run);
    stmt_i64(&stmt, 5, object->number);
    stmt_text(&stmt, 6, object->key);
    stmt_i64(&stmt, 7, object->bytes);
    stmt_i64(&stmt, 8, object->records);
    stmt_text(&stmt, 9, object->sha256);
    return stmt_run(&stmt, error);
}
