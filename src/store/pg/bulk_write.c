/* The PostgreSQL driver: bulk writes. A batch runs the same few statements for each of its changes,
 * and most of a small statement's cost is its begin and end, here and in PostgreSQL. So rows of
 * pipelined statements are collected, and each kind is sent as one statement whose parameters are
 * arrays (STATEMENT_BULK in statements.inc; the arrays are unnested into rows there).
 *
 * Collected rows are sent later than they were issued. For each table only one kind of statement is
 * held at a time, so on each table everything happens in the order in which it was issued; between
 * tables the order does not matter, since they become durable together. Whether each row changed
 * what it should is seen by their number, because a row of a table matches at most one item of the
 * arrays. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "store/core/store.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_BYTES_MAX = 4 * 1024 * 1024, /* of one parameter: then the rows are sent */
    COLUMN_MAX = 256 * 1024 * 1024,   /* HELD_BYTES_MAX and the largest value */
    KEPT_MAX = 256 * 1024,            /* memory of a column that is kept for the next batch */
};

/* Rows of one statement for one table. */
struct held {
    int which;      /* enum sql */
    int shared;     /* parameters at the end that are the same for all rows */
    int rows;       /* 0: nothing is held */
    bool is_change; /* each row must change one */
    int count;      /* of parameters */
    unsigned types[SQL_PARAMS_MAX];
    struct buf columns[SQL_PARAMS_MAX]; /* an array for each parameter, as it is sent */
};

struct bulk_write {
    struct held tables[TABLE_COUNT];
};

struct bulk_write *bulk_write_new(void)
{
    struct bulk_write *bulk = xcalloc(1, sizeof(*bulk));
    for (int i = 0; i < TABLE_COUNT; i++) {
        for (int j = 0; j < SQL_PARAMS_MAX; j++)
            bulk->tables[i].columns[j] = buf_on_heap(COLUMN_MAX);
    }
    return bulk;
}

static void clear(struct held *held)
{
    held->rows = 0;
    for (int i = 0; i < held->count; i++) {
        if (held->columns[i].cap > KEPT_MAX)
            buf_done(&held->columns[i]);
        else
            buf_clear(&held->columns[i]);
    }
}

void bulk_write_discard(struct bulk_write *bulk)
{
    for (int i = 0; bulk && i < TABLE_COUNT; i++)
        clear(&bulk->tables[i]);
}

void bulk_write_free(struct bulk_write *bulk)
{
    for (int i = 0; bulk && i < TABLE_COUNT; i++) {
        for (int j = 0; j < SQL_PARAMS_MAX; j++)
            buf_done(&bulk->tables[i].columns[j]);
    }
    free(bulk);
}

/* --- the values --- */

/* An array's binary form (PostgreSQL's array_send): how held dimensions, whether there are NULLs,
 * the items' type, how held items, the first one's number; then each item behind its length. */
enum { AT_ROWS = 12, AT_FIRST = 20 };

static void add_number(struct buf *column, uint32_t number)
{
    uint32_t big = htobe32(number);
    buf_add(column, (struct str){(const char *)&big, sizeof(big)});
}

static void begin_column(struct buf *column, unsigned type)
{
    const uint32_t head[] = {1, 1, type, 0, 1};
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        add_number(column, head[i]);
}

static void add_value(struct buf *column, const char *value, int length)
{
    add_number(column, value ? (uint32_t)length : UINT32_MAX);
    if (value)
        buf_add(column, (struct str){value, (size_t)length});
}

static void add_row(struct held *held, int shared, const struct pg_stmt *stmt)
{
    if (held->rows == 0) {
        held->which = stmt->which;
        held->shared = shared;
        held->is_change = stmt->is_change;
        held->count = stmt->count;
        memcpy(held->types, stmt->types, sizeof(held->types));
        for (int i = 0; i < held->count; i++)
            begin_column(&held->columns[i], stmt->types[i]);
    }
    for (int i = 0; i < held->count; i++)
        add_value(&held->columns[i], stmt->values[i], stmt->lengths[i]);
    held->rows++;
}

/* A parameter of the first row; NULL has the length -1. */
static const char *first_value(const struct held *held, int i, int *ret_length)
{
    const char *at = held->columns[i].data + AT_FIRST;
    uint32_t big;
    memcpy(&big, at, sizeof(big));
    *ret_length = (int)be32toh(big);
    return *ret_length < 0 ? NULL : at + sizeof(big);
}

static bool shares(const struct held *held, const struct pg_stmt *stmt)
{
    for (int i = held->count - held->shared; i < held->count; i++) {
        int length;
        const char *value = first_value(held, i, &length);
        if (!value || !stmt->values[i] || length != stmt->lengths[i] ||
            memcmp(value, stmt->values[i], (size_t)length) != 0)
            return false;
    }
    return true;
}

static bool has_room(const struct held *held)
{
    for (int i = 0; i < held->count; i++) {
        if (held->columns[i].len > HELD_BYTES_MAX)
            return false;
    }
    return held->rows < STORE_BATCH_MAX;
}

/* --- sending --- */

static unsigned array_of(unsigned type)
{
    return type == PG_BYTEA ? PG_BYTEA_ARRAY : type == PG_INT8 ? PG_INT8_ARRAY : PG_TEXT_ARRAY;
}

static void bind_first_row(struct pg_stmt *stmt, const struct held *held, int from)
{
    for (int i = from; i < held->count; i++) {
        stmt->types[i] = held->types[i];
        stmt->values[i] = first_value(held, i, &stmt->lengths[i]);
    }
}

static void bind_arrays(struct pg_stmt *stmt, const struct held *held, int count)
{
    uint32_t rows = htobe32((uint32_t)held->rows);
    for (int i = 0; i < count; i++) {
        const struct buf *column = &held->columns[i];
        memcpy(column->data + AT_ROWS, &rows, sizeof(rows));
        stmt->types[i] = array_of(held->types[i]);
        stmt->values[i] = column->data;
        stmt->lengths[i] = (int)column->len;
    }
}

static bool send_held(struct pg_db *db, struct held *held, struct error *error)
{
    bool is_bulk = held->rows > 1;
    struct pg_stmt stmt = {.which = held->which + (is_bulk ? PG_BULK : 0), .count = held->count};
    int arrays = is_bulk ? held->count - held->shared : 0;
    int rows = held->is_change ? held->rows : PG_ANY_ROWS;
    bind_arrays(&stmt, held, arrays);
    bind_first_row(&stmt, held, arrays);
    bool ok = pg_queue_stmt(db, &stmt, rows, error);
    clear(held);
    return ok;
}

bool bulk_write_send(struct pg_db *db, struct error *error)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        struct held *held = &db->bulk->tables[i];
        if (held->rows > 0 && !send_held(db, held, error))
            return false;
    }
    return true;
}

bool bulk_write_add(struct pg_db *db, const struct pg_stmt *stmt, struct error *error)
{
    enum sql_table table;
    int shared;
    if (!pg_bulk_form(stmt->which, &table, &shared))
        return bulk_write_send(db, error) &&
               pg_queue_stmt(db, stmt, stmt->is_change ? 1 : PG_ANY_ROWS, error);
    struct held *held = &db->bulk->tables[table];
    bool fits =
        held->rows == 0 || (held->which == stmt->which && shares(held, stmt) && has_room(held));
    if (!fits && !send_held(db, held, error))
        return false;
    add_row(held, shared, stmt);
    return true;
}
