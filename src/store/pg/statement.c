/* The PostgreSQL driver: a statement's text, memory and parameters.
 *
 * Parameters and columns are in PostgreSQL's binary format. A statement's struct points to the
 * bound values; it is reused for the next statement of its connection. */
#include "store/pg/internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define IN_SQLITE(text)

static const char *const texts[PG_PREPARED_COUNT] = {
#define STATEMENT(name, text) [name] = (text),
#define STATEMENT_BULK(name, table, shared, text, bulk)                                            \
    [name] = (text), [PG_BULK + (name)] = (bulk),
#include "store/db/statements.inc"
#undef STATEMENT
    [PG_STAMP] = ("INSERT INTO writers (id, batch, at_ms) VALUES ($1, $2, $3)"
                  " ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, at_ms = excluded.at_ms"),
    [PG_RESOLVE] = ("INSERT INTO writers (id, batch, at_ms) VALUES ($1, 0, $2)"
                    " ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms RETURNING batch"),
    [PG_LOCK] = ("SELECT key FROM unnest(CAST(CAST($1 AS TEXT) AS BIGINT[])) AS key"
                 " WHERE pg_try_advisory_lock(key)"),
    [PG_UNLOCK] = ("SELECT pg_advisory_unlock(key)"
                   " FROM unnest(CAST(CAST($1 AS TEXT) AS BIGINT[])) AS key"),
};

static const struct {
    enum sql_table table;
    int shared;
} bulk_forms[SQL_COUNT] = {
#define STATEMENT(name, text)
#define STATEMENT_BULK(name, table, shared, text, bulk) [name] = {table, shared},
#include "store/db/statements.inc"
#undef STATEMENT
};

const char *pg_text(int which)
{
    return texts[which];
}

bool pg_bulk_form(int which, enum sql_table *ret_table, int *ret_shared)
{
    if (which >= SQL_COUNT || !texts[PG_BULK + which])
        return false;
    *ret_table = bulk_forms[which].table;
    *ret_shared = bulk_forms[which].shared;
    return true;
}

/* The highest $n. */
static int count_parameters(const char *text)
{
    int count = 0;
    while ((text = strchr(text, '$')) != NULL) {
        int number = (int)strtol(++text, NULL, 10);
        count = number > count ? number : count;
    }
    return count;
}

struct pg_stmt *pg_stmt_new(struct pg_db *db, int which)
{
    struct pg_stmt *stmt = db->idle;
    if (stmt)
        db->idle = stmt->next;
    else
        stmt = xcalloc(1, sizeof(*stmt));
    stmt->which = which;
    stmt->count = count_parameters(texts[which]);
    return stmt;
}

void pg_stmt_free(struct pg_db *db, struct pg_stmt *stmt)
{
    libpq_clear(&stmt->result);
    memset(stmt, 0, sizeof(*stmt));
    stmt->next = db->idle;
    db->idle = stmt;
}

/* A NULL has a type too, which the statement is prepared with. */
static void bind(struct pg_stmt *stmt, int number, unsigned type, const char *data, size_t size)
{
    assert(number >= 1 && number <= stmt->count && stmt->count <= SQL_PARAMS_MAX);
    stmt->types[number - 1] = type;
    stmt->values[number - 1] = data;
    stmt->lengths[number - 1] = (int)size;
}

void pg_bind_text(struct pg_stmt *stmt, int number, struct str text)
{
    bind(stmt, number, PG_TEXT, text.data, text.len);
}

void pg_bind_bytes(struct pg_stmt *stmt, int number, struct str bytes)
{
    bind(stmt, number, PG_BYTEA, bytes.data, bytes.len);
}

void pg_bind_i64(struct pg_stmt *stmt, int number, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    memcpy(stmt->numbers[number - 1], &big, sizeof(big));
    bind(stmt, number, PG_INT8, (const char *)stmt->numbers[number - 1], sizeof(big));
}

int64_t pg_read_i64(const struct pg_result *result, int row, int column)
{
    uint64_t big;
    if (libpq.ntuples(result) <= row || libpq.getisnull(result, row, column))
        return 0;
    /* An integer literal of a statement is an int4, of 4 bytes, unless it is cast. */
    assert(libpq.getlength(result, row, column) == sizeof(big));
    memcpy(&big, libpq.getvalue(result, row, column), sizeof(big));
    return (int64_t)be64toh(big);
}
