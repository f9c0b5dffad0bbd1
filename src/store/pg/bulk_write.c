/* PostgreSQL's driver: one statement for many rows. A batch runs the same few statements for each
 * of its changes, and what a small one costs is mostly its beginning and end, here and in
 * PostgreSQL. So those that run ahead are gathered, and each kind goes as one whose parameters are
 * arrays.
 *
 * What is gathered is sent later than it was said. Of one table only one kind of statement is held
 * at a time, so that on each table everything happens in the order in which it was said; between
 * tables no order matters, since they become durable together. Whether each row did what it is for
 * is seen by how many there are: no row of a table can answer twice to one statement. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "store/core/store.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_BYTES_MAX = 4 * 1024 * 1024, /* of one parameter: then what is held is sent */
    COLUMN_MAX = 256 * 1024 * 1024,   /* that, and the largest value more */
    KEPT_MAX = 256 * 1024,            /* memory of a column that is kept for the next batch */
    TEXT_MAX = 4096,
};

enum table { PROFILES, CLIENT_TOKENS, EXCHANGES, AUDIT, TABLE_COUNT };

/* What is gathered, and what it writes to. All else waits for what is held to be sent first. */
static const struct kind {
    enum sql sql;
    enum table table;
    int shared; /* parameters at the end that are the same for all rows */
} kinds[] = {
    {SQL_PROFILE_INSERT, PROFILES, 0},
    {SQL_PROFILE_REPLACE, PROFILES, 0},
    {SQL_PROFILE_DELETE, PROFILES, 0},
    {SQL_TOKEN_ANSWER, CLIENT_TOKENS, 1},
    {SQL_EXCHANGE_DISCARD, EXCHANGES, 0},
    {SQL_EXCHANGE_CONSUME, EXCHANGES, 0},
    {SQL_AUDIT_ADD, AUDIT, 0},
};

struct many {
    const struct kind *kind;
    int rows;       /* 0: nothing is held */
    bool is_change; /* each row must change one */
    int count;      /* of parameters */
    unsigned types[SQL_PARAMS_MAX];
    struct buf columns[SQL_PARAMS_MAX]; /* of each parameter an array, as it is sent */
};

struct bulk_write {
    struct many tables[TABLE_COUNT];
};

struct bulk_write *bulk_write_new(void)
{
    struct bulk_write *gathered = xcalloc(1, sizeof(*gathered));
    for (int i = 0; i < TABLE_COUNT; i++) {
        for (int j = 0; j < SQL_PARAMS_MAX; j++)
            gathered->tables[i].columns[j] = buf_on_heap(COLUMN_MAX);
    }
    return gathered;
}

static void let_go(struct many *many)
{
    many->rows = 0;
    for (int i = 0; i < many->count; i++) {
        if (many->columns[i].cap > KEPT_MAX)
            buf_done(&many->columns[i]);
        else
            buf_clear(&many->columns[i]);
    }
}

void bulk_write_discard(struct bulk_write *gathered)
{
    for (int i = 0; gathered && i < TABLE_COUNT; i++)
        let_go(&gathered->tables[i]);
}

void bulk_write_free(struct bulk_write *gathered)
{
    for (int i = 0; gathered && i < TABLE_COUNT; i++) {
        for (int j = 0; j < SQL_PARAMS_MAX; j++)
            buf_done(&gathered->tables[i].columns[j]);
    }
    free(gathered);
}

/* --- the text --- */

/* A row's own values instead of the parameters. */
static void add_for_row(struct buf *text, struct str part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (part.data[i] == '$')
            buf_add_cstr(text, "many.p");
        else
            buf_add_char(text, part.data[i]);
    }
}

/* unnest($1, $2) AS many (p1, p2): a row for each place of the arrays. */
static void add_source(struct buf *text, int count)
{
    for (int i = 1; i <= count; i++)
        buf_printf(text, "%s$%d", i == 1 ? "unnest(" : ", ", i);
    for (int i = 1; i <= count; i++)
        buf_printf(text, "%sp%d", i == 1 ? ") AS many (" : ", ", i);
    buf_add_char(text, ')');
}

/* What stands in the parentheses that were just opened. */
static struct str in_parentheses(const char *start)
{
    const char *at = start;
    for (int depth = 1; *at; at++) {
        depth += (*at == '(') - (*at == ')');
        if (depth == 0)
            break;
    }
    return (struct str){start, (size_t)(at - start)};
}

/* INSERT … VALUES (…) becomes INSERT … SELECT … FROM many. */
static void add_insert(struct buf *text, const char *sql, int count)
{
    static const char word[] = " VALUES (";
    const char *found = strstr(sql, word);
    struct str values = in_parentheses(found + sizeof(word) - 1);
    buf_add(text, (struct str){sql, (size_t)(found - sql)});
    buf_add_cstr(text, " SELECT ");
    add_for_row(text, values);
    buf_add_cstr(text, " FROM ");
    add_source(text, count);
    buf_add_cstr(text, values.data + values.len + 1);
}

/* UPDATE … WHERE gets FROM many, DELETE … WHERE gets USING many. */
static void add_change(struct buf *text, const char *sql, int count)
{
    const char *found = strstr(sql, " WHERE ");
    add_for_row(text, (struct str){sql, (size_t)(found - sql)});
    buf_add_cstr(text, sql[0] == 'U' ? " FROM " : " USING ");
    add_source(text, count);
    add_for_row(text, str_from(found));
}

static void add_text(struct buf *text, const struct many *many)
{
    const char *sql = pg_text((int)many->kind->sql);
    int count = many->count - many->kind->shared;
    if (sql[0] == 'I')
        add_insert(text, sql, count);
    else
        add_change(text, sql, count);
}

/* --- the values --- */

/* An array's binary form (PostgreSQL's array_send): how many dimensions, whether there are NULLs,
 * the items' type, how many items, the first one's number; then each item behind its length. */
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

static void add_row(struct many *many, const struct kind *kind, const struct pg_stmt *stmt)
{
    if (many->rows == 0) {
        many->kind = kind;
        many->is_change = stmt->is_change;
        many->count = stmt->count;
        memcpy(many->types, stmt->types, sizeof(many->types));
        for (int i = 0; i < many->count; i++)
            begin_column(&many->columns[i], stmt->types[i]);
    }
    for (int i = 0; i < many->count; i++)
        add_value(&many->columns[i], stmt->values[i], stmt->lengths[i]);
    many->rows++;
}

/* A parameter of the first row; NULL has the length -1. */
static const char *first_value(const struct many *many, int i, int *ret_length)
{
    const char *at = many->columns[i].data + AT_FIRST;
    uint32_t big;
    memcpy(&big, at, sizeof(big));
    *ret_length = (int)be32toh(big);
    return *ret_length < 0 ? NULL : at + sizeof(big);
}

static bool shares(const struct many *many, const struct pg_stmt *stmt)
{
    for (int i = many->count - many->kind->shared; i < many->count; i++) {
        int length;
        const char *value = first_value(many, i, &length);
        if (!value || !stmt->values[i] || length != stmt->lengths[i] ||
            memcmp(value, stmt->values[i], (size_t)length) != 0)
            return false;
    }
    return true;
}

static bool has_room(const struct many *many)
{
    for (int i = 0; i < many->count; i++) {
        if (many->columns[i].len > HELD_BYTES_MAX)
            return false;
    }
    return many->rows < STORE_BATCH_MAX;
}

/* --- sending --- */

static unsigned array_of(unsigned type)
{
    return type == PG_BYTEA ? PG_BYTEA_ARRAY : type == PG_INT8 ? PG_INT8_ARRAY : PG_TEXT_ARRAY;
}

static void bind_first_row(struct pg_stmt *stmt, const struct many *many, int from)
{
    for (int i = from; i < many->count; i++) {
        stmt->types[i] = many->types[i];
        stmt->values[i] = first_value(many, i, &stmt->lengths[i]);
    }
}

static void bind_arrays(struct pg_stmt *stmt, const struct many *many, int count)
{
    uint32_t rows = htobe32((uint32_t)many->rows);
    for (int i = 0; i < count; i++) {
        const struct buf *column = &many->columns[i];
        memcpy(column->data + AT_ROWS, &rows, sizeof(rows));
        stmt->types[i] = array_of(many->types[i]);
        stmt->values[i] = column->data;
        stmt->lengths[i] = (int)column->len;
    }
}

static bool send_held(struct pg_db *db, struct many *many, struct error *error)
{
    struct buf text = buf_on_heap(TEXT_MAX);
    struct pg_stmt stmt = {.which = (int)many->kind->sql, .count = many->count};
    int arrays = many->rows > 1 ? many->count - many->kind->shared : 0;
    int rows = many->is_change ? many->rows : PG_ANY_ROWS;
    if (arrays > 0) {
        add_text(&text, many);
        stmt.text = buf_str(&text).data;
        stmt.which += PG_MANY;
    }
    bind_arrays(&stmt, many, arrays);
    bind_first_row(&stmt, many, arrays);
    bool ok = pg_queue_stmt(db, &stmt, rows, error);
    buf_done(&text);
    let_go(many);
    return ok;
}

bool bulk_write_send(struct pg_db *db, struct error *error)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        struct many *many = &db->gathered->tables[i];
        if (many->rows > 0 && !send_held(db, many, error))
            return false;
    }
    return true;
}

static const struct kind *kind_of(int which)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if ((int)kinds[i].sql == which)
            return &kinds[i];
    }
    return NULL;
}

bool bulk_write_add(struct pg_db *db, const struct pg_stmt *stmt, struct error *error)
{
    const struct kind *kind = kind_of(stmt->which);
    if (!kind)
        return bulk_write_send(db, error) &&
               pg_queue_stmt(db, stmt, stmt->is_change ? 1 : PG_ANY_ROWS, error);
    struct many *many = &db->gathered->tables[kind->table];
    bool fits = many->rows == 0 || (many->kind == kind && shares(many, stmt) && has_room(many));
    if (!fits && !send_held(db, many, error))
        return false;
    add_row(many, kind, stmt);
    return true;
}
