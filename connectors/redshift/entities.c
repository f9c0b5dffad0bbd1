/* Entities of Redshift: the tables that the user may see, as SCHEMA.TABLE, and their columns, both
 * from the SQL standard's information_schema, which Redshift has from PostgreSQL. */
#include "redshift.h"

#include "connector/entities.h"
#include "connector/entity_field.h"
#include "connector/http/entity_source.h"

#include <string.h>

#define NAME "CAST(table_schema AS varchar) || '.' || CAST(table_name AS varchar)"

/* Tables alone: nothing can be loaded into a view. */
static const char tables[] =
    "SELECT " NAME " FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND "
    "table_schema <> 'information_schema' AND table_schema NOT LIKE 'pg!_%' ESCAPE '!' "
    "ORDER BY 1";

static const char columns[] = "SELECT column_name, data_type, is_nullable, column_default FROM "
                              "information_schema.columns WHERE " NAME " = ";

enum column { COLUMN_NAME, COLUMN_TYPE, COLUMN_IS_NULLABLE, COLUMN_DEFAULT, COLUMNS };

/* The callback refuses what comes after `max` rows, so that no list is cut without an error. */
bool redshift_query(struct vendor_connection *connection, size_t max, struct sql_rows *rows)
{
    const struct vendor_connection_config *config = vendor_config(connection);
    const struct redshift_target *own = config->target->custom;
    if (own->variant == REDSHIFT_DATA_API)
        return redshift_query_data_api(connection, rows);
    rows->sql = arena_printf(config->arena, "%.*s LIMIT %zu", STR_ARG(rows->sql), max + 1);
    return redshift_query_jdbc(connection, rows);
}

/* --- tables --- */

struct table_list {
    struct entity_list *list;
    size_t count; /* rows, also those whose name the list leaves out */
};

static bool take_table(void *context, const struct str *cells)
{
    struct table_list *tables_read = context;
    const struct entity entity = {.group = STR("Objects"), .name = cells[0]};
    return ++tables_read->count <= ENTITIES_MAX && entity_list_add(tables_read->list, &entity);
}

bool redshift_list(struct vendor_connection *connection, const struct entity_query *entity,
                   struct entity_list *list)
{
    struct table_list read = {.list = list};
    struct sql_rows rows = {
        .sql = str_from(tables), .columns = 1, .each = take_table, .context = &read};
    if (entity->name.data)
        return entity_absent(connection, entity->name, "has no nested entities");
    bool listed = redshift_query(connection, ENTITIES_MAX, &rows);
    if (rows.stopped)
        return entity_too_many(connection, "tables", list->no_room);
    return listed && vendor_accept(connection, STEP_API);
}

/* --- columns --- */

struct column_list {
    struct entity_fields *fields;
    struct arena scratch; /* of one column */
    size_t count;         /* rows */
};

/* What Redshift gives as the default of a column that it numbers itself. */
static bool is_identity(struct str standard)
{
    return str_starts(standard, STR("\"identity\""));
}

static bool take_column(void *context, const struct str *cells)
{
    struct column_list *read = context;
    struct str standard = cells[COLUMN_DEFAULT];
    const struct entity_field field = {
        .name = cells[COLUMN_NAME],
        .type = cells[COLUMN_TYPE],
        .creatable = !is_identity(standard),
        .nullable = str_eq(cells[COLUMN_IS_NULLABLE], STR("YES")),
        .defaulted = standard.data != NULL,
    };
    if (++read->count > ENTITY_FIELDS_MAX)
        return false;
    arena_reset(&read->scratch);
    return entity_fields_add(read->fields,
                             entity_field_value(&read->scratch, ROLE_DESTINATION, &field));
}

/* As a literal. Redshift reads backslashes in it, PostgreSQL does not: none may be there. */
static bool put_literal(struct buf *sql, struct str name)
{
    buf_add_char(sql, '\'');
    if (!str_contains(name, STR(".")))
        buf_add(sql, STR("public."));
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '\'')
            buf_add_char(sql, '\'');
        buf_add_char(sql, name.data[i]);
    }
    buf_add_char(sql, '\'');
    return !memchr(name.data, '\\', name.len) && !memchr(name.data, '\0', name.len);
}

static bool describe(struct vendor_connection *connection, struct str sql, struct column_list *read)
{
    struct sql_rows rows = {.sql = sql, .columns = COLUMNS, .each = take_column, .context = read};
    bool described = redshift_query(connection, ENTITY_FIELDS_MAX, &rows);
    return rows.stopped ? entity_too_many(connection, "columns", read->fields->no_room) : described;
}

bool redshift_describe(struct vendor_connection *connection, const struct entity_query *entity,
                       struct entity_fields *fields)
{
    struct arena *arena = vendor_config(connection)->arena;
    struct column_list read = {.fields = fields,
                               .scratch = {.kind = ARENA_PLAIN, .meter = arena->meter}};
    struct buf sql = buf_in(arena, sizeof(columns) + 2 * entity->name.len + 64);
    buf_add_cstr(&sql, columns);
    bool fit = put_literal(&sql, entity->name);
    buf_add(&sql, STR(" ORDER BY ordinal_position"));
    bool described = fit && describe(connection, buf_str(&sql), &read);
    arena_done(&read.scratch);
    if (!fit || (described && fields->count == 0))
        return entity_absent(connection, entity->name,
                             "is no table here, or the user has no privilege on it");
    return described && vendor_accept(connection, STEP_API);
}
