/* Entities of Snowflake. SHOW and DESC need no warehouse, so nothing is started and nothing is paid
 * for, and their rows come as JSON. A schema is named DATABASE.SCHEMA and a table
 * DATABASE.SCHEMA.TABLE, as in statements. */
#include "connectors/snowflake/entities.h"

#include "connector/http/connection.h"
#include "connector/http/entity_source.h"
#include "connectors/snowflake/names.h"
#include "wire/json_pointer.h"

enum {
    PAGE_ROWS = 500,       /* few enough for an answer without further parts */
    NAME_MAX_BYTES = 1024, /* of the name that the next page begins after: identifiers have at most
                            * 255 characters */
    CELL_NAME = 1,         /* of SHOW TERSE: created_on, name, kind, database_name, schema_name */
    COLUMN_NAME = 0,       /* of DESC TABLE: name, type, kind, null?, default, primary key, … */
    COLUMN_TYPE,
    COLUMN_KIND,
    COLUMN_NULLABLE,
    COLUMN_DEFAULT,
    COLUMN_IS_KEY,
};

/* Not there, or the role has no privilege on it. */
static const struct entity_flag missing[] = {{"/code", "002003", false},
                                             {"/code", "002043", false}};

static const struct entity_items rows = {
    .call = SNOWFLAKE_QUERY("{entity.statement}", "/data/rowset"),
    .at = "/data/rowset",
    .missing_when = LIST(missing),
};

struct str snowflake_cell(const struct value *row, size_t index)
{
    bool is_text =
        row->kind == VALUE_LIST && index < row->count && row->items[index]->kind == VALUE_STRING;
    return is_text ? row->items[index]->text : STR_NULL;
}

/* Reads all rows of a statement's answer. */
static bool read_rows(struct vendor_connection *connection, struct str statement,
                      struct entity_reader *reader)
{
    reader->items = &rows;
    entity_statement_set(connection, statement);
    if (!entity_items_read(connection, reader))
        return false;
    return !pointer_find(reader->rest, "/data/chunks/0") ||
           vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                       STR("the answer has further parts, which are not read"), NULL);
}

/* --- lists --- */

struct snowflake_listing {
    struct vendor_connection *connection;
    struct entity_list *list;
    struct str within; /* path of the database or schema */
    bool nested;
    size_t count;    /* rows of this page */
    struct buf last; /* name of the last row */
};

/* Flows load into tables, and this schema has none. */
static bool is_hidden(const struct snowflake_listing *listing, struct str name)
{
    return listing->nested && str_eq(name, STR("INFORMATION_SCHEMA"));
}

/* The API's model lets neither mark into entitiesPath, by which nested entities are asked for. */
static bool can_be_path(struct str name)
{
    return !str_contains(name, STR("\"")) && !str_contains(name, STR("$"));
}

static bool take_name(void *context, const struct value *row, struct arena *scratch)
{
    struct snowflake_listing *listing = context;
    struct str name = snowflake_cell(row, CELL_NAME);
    struct entity entity = {
        .group = STR("Objects"),
        .name = arena_printf(scratch, "%.*s.%.*s", STR_ARG(listing->within),
                             STR_ARG(snowflake_identifier(scratch, name))),
        .label = name,
    };
    entity.nested = listing->nested && can_be_path(entity.name);
    listing->count++;
    buf_clear(&listing->last);
    buf_add(&listing->last, name.len <= NAME_MAX_BYTES ? name : STR(""));
    return name.len == 0 || is_hidden(listing, name) || entity_list_add(listing->list, &entity);
}

/* The rows after those that were read: names come in order. */
static struct str page_of(struct arena *arena, const char *command,
                          const struct snowflake_listing *listing)
{
    struct str last = buf_str(&listing->last);
    return arena_printf(arena, "%s %.*s LIMIT %d%s%.*s", command, STR_ARG(listing->within),
                        PAGE_ROWS, last.len > 0 ? " FROM " : "",
                        STR_ARG(last.len > 0 ? snowflake_literal(arena, last) : last));
}

static bool list_pages(struct snowflake_listing *listing, const char *command)
{
    struct vendor_connection *connection = listing->connection;
    struct arena *arena = vendor_config(connection)->arena;
    for (int pages = 0; pages < ENTITY_PAGES_MAX; pages++) {
        struct entity_reader reader = {.each = take_name, .context = listing};
        struct str before = arena_copy(arena, buf_str(&listing->last));
        listing->count = 0;
        bool read = read_rows(connection, page_of(arena, command, listing), &reader);
        if (reader.stopped)
            return entity_too_many(connection, "entities", listing->list->no_room);
        if (!read || listing->count < PAGE_ROWS)
            return read;
        if (str_eq(before, buf_str(&listing->last)))
            return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                               STR("the list gives the same page twice"), NULL);
    }
    return entity_too_many(connection, "pages", false);
}

static bool list_in(struct vendor_connection *connection, struct str within, bool nested,
                    struct entity_list *list)
{
    struct snowflake_listing listing = {.connection = connection,
                                        .list = list,
                                        .within = within,
                                        .nested = nested,
                                        .last = buf_on_heap(NAME_MAX_BYTES)};
    bool listed = list_pages(&listing, nested ? "SHOW TERSE SCHEMAS IN DATABASE"
                                              : "SHOW TERSE TABLES IN SCHEMA");
    buf_done(&listing.last);
    return listed && vendor_accept(connection, STEP_API);
}

bool snowflake_list(struct vendor_connection *connection, const struct entity_query *query,
                    struct entity_list *list)
{
    const struct value *properties = vendor_config(connection)->target->properties;
    if (!query->name.data)
        return list_in(connection, snowflake_first(value_text(properties, "stage")), true, list);
    return snowflake_is_path(query->name, 2)
               ? list_in(connection, query->name, false, list)
               : entity_absent(connection, query->name, "has no nested entities");
}

/* --- columns --- */

/* A virtual column has kind VIRTUAL_COLUMN, and is computed. */
static bool take_column(void *context, const struct value *row, struct arena *scratch)
{
    const struct entity_field field = {
        .name = snowflake_cell(row, COLUMN_NAME),
        .type = snowflake_cell(row, COLUMN_TYPE),
        .is_key = str_eq(snowflake_cell(row, COLUMN_IS_KEY), STR("Y")),
        .creatable = str_eq(snowflake_cell(row, COLUMN_KIND), STR("COLUMN")),
        .nullable = str_eq(snowflake_cell(row, COLUMN_NULLABLE), STR("Y")),
        .defaulted = snowflake_cell(row, COLUMN_DEFAULT).data != NULL,
    };
    return entity_fields_add(context, entity_field_value(scratch, ROLE_DESTINATION, &field));
}

bool snowflake_describe(struct vendor_connection *connection, const struct entity_query *query,
                        struct entity_fields *fields)
{
    struct entity_reader reader = {.each = take_column, .context = fields};
    if (!snowflake_is_path(query->name, 3))
        return entity_absent(connection, query->name, "is no DATABASE.SCHEMA.TABLE");
    struct str statement =
        arena_printf(vendor_config(connection)->arena, "DESC TABLE %.*s", STR_ARG(query->name));
    bool read = read_rows(connection, statement, &reader);
    if (reader.stopped)
        return entity_too_many(connection, "fields", fields->no_room);
    return read && vendor_accept(connection, STEP_API);
}
