/* The database's tables, as information_schema shows them. connectors/redshift/sandbox.json has the
 * same for the Data API. */
#include "sandbox/postgres/internal.h"

enum { OID_VARCHAR = 1043, SIZE_VARIES = -1, COLUMNS_MAX = 4 };

struct sandbox_column {
    const char *name, *type, *nullable, *standard; /* standard NULL: no default */
};

static const struct sandbox_column accounts[] = {
    {"id", "integer", "NO", "\"identity\"(101234, 0, '1,1'::text)"},
    {"name", "character varying", "YES", NULL},
    {"created_at", "timestamp without time zone", "YES", "getdate()"},
};

static const struct sandbox_column orders[] = {
    {"id", "bigint", "NO", NULL},
    {"account_id", "integer", "YES", NULL},
    {"amount", "numeric", "YES", NULL},
    {"placed_at", "timestamp with time zone", "YES", NULL},
};

static const struct sandbox_table {
    const char *name;
    const struct sandbox_column *columns;
    size_t count;
} tables[] = {
    {"public.accounts", accounts, sizeof(accounts) / sizeof(*accounts)},
    {"sales.orders", orders, sizeof(orders) / sizeof(*orders)},
};

void rows_describe(struct buf *out, const char *const *names, int count, int32_t oid, int16_t size)
{
    size_t start;
    pg_message_begin(out, 'T', &start);
    pg_message_i16(out, (int16_t)count);
    for (int i = 0; i < count; i++) {
        pg_message_text(out, str_from(names[i]));
        pg_message_i32(out, 0); /* of no table's column */
        pg_message_i16(out, 0);
        pg_message_i32(out, oid);
        pg_message_i16(out, size);
        pg_message_i32(out, -1); /* no modifier */
        pg_message_i16(out, 0);  /* as text */
    }
    pg_message_end(out, start);
}

void rows_add(struct buf *out, const struct str *cells, int count)
{
    size_t start;
    pg_message_begin(out, 'D', &start);
    pg_message_i16(out, (int16_t)count);
    for (int i = 0; i < count; i++) {
        pg_message_i32(out, cells[i].data ? (int32_t)cells[i].len : -1);
        buf_add(out, cells[i]);
    }
    pg_message_end(out, start);
}

static void answer_tables(struct buf *out)
{
    static const char *const names[] = {"?column?"};
    rows_describe(out, names, 1, OID_VARCHAR, SIZE_VARIES);
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        struct str name = str_from(tables[i].name);
        rows_add(out, &name, 1);
    }
}

static void add_columns(const struct sandbox_table *table, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct sandbox_column *column = &table->columns[i];
        const struct str cells[COLUMNS_MAX] = {
            str_from(column->name), str_from(column->type), str_from(column->nullable),
            column->standard ? str_from(column->standard) : STR_NULL};
        rows_add(out, cells, COLUMNS_MAX);
    }
}

static void answer_columns(struct str statement, struct arena *arena, struct buf *out)
{
    static const char *const names[COLUMNS_MAX] = {"column_name", "data_type", "is_nullable",
                                                   "column_default"};
    rows_describe(out, names, COLUMNS_MAX, OID_VARCHAR, SIZE_VARIES);
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        if (str_contains(statement, arena_printf(arena, " = '%s' ORDER", tables[i].name)))
            add_columns(&tables[i], out);
    }
}

bool tables_answer(struct str statement, struct arena *arena, struct buf *out)
{
    bool of_tables = str_contains(statement, STR(" FROM information_schema.tables "));
    bool of_columns = str_contains(statement, STR(" FROM information_schema.columns "));
    if (of_tables)
        answer_tables(out);
    else if (of_columns)
        answer_columns(statement, arena, out);
    return of_tables || of_columns;
}
