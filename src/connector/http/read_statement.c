/* What the calls of a reading can name: fields, the page's place, filters, and the statement that
 * is made of them. */
#include "connector/http/read_call.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "wire/json_value.h"

enum {
    BESIDE_MAX = 1024, /* bytes of a statement beside its fields and filters */
    OFFSET_MAX = 32,   /* bytes of a cursor beside filters */
};

static bool has_field(const struct read_query *query, const char *name)
{
    for (size_t i = 0; i < query->field_count; i++) {
        if (str_eq(query->fields[i], str_from(name)))
            return true;
    }
    return false;
}

/* NULL: by its name alone. */
static const struct read_naming *naming_of(const struct read_call *reading, size_t field)
{
    const struct connector_reads *reads = reading->reads;
    const struct str *types = reading->query->described;
    for (size_t i = 0; types && i < reads->namings.count; i++) {
        if (str_eq_nocase(str_from(reads->namings.rows[i].type), types[field]))
            return &reads->namings.rows[i];
    }
    return NULL;
}

static size_t fields_size(const struct read_call *reading)
{
    const struct read_query *query = reading->query;
    size_t size = str_from(reading->source->key).len + 1;
    for (size_t i = 0; i < query->field_count; i++) {
        const struct read_naming *naming = naming_of(reading, i);
        size += query->fields[i].len + 1;
        size += naming ? str_from(naming->before).len + str_from(naming->after).len : 0;
    }
    return size;
}

enum csv_value read_type_value(const struct connector_reads *reads, struct str type)
{
    for (size_t i = 0; i < reads->types.count; i++) {
        if (str_eq_nocase(type, str_from(reads->types.rows[i].type)))
            return reads->types.rows[i].value;
    }
    return CSV_VALUE_TEXT;
}

static bool is_left_out(const struct read_call *reading, size_t field)
{
    return reading->source->job && reading->query->types &&
           read_type_value(reading->reads, reading->query->types[field]) == CSV_VALUE_NONE;
}

static void add_field(const struct read_call *reading, size_t field, struct buf *fields)
{
    const struct read_naming *naming = naming_of(reading, field);
    if (fields->len > 0)
        buf_add_char(fields, ',');
    buf_add_cstr(fields, naming ? naming->before : NULL);
    buf_add(fields, reading->query->fields[field]);
    buf_add_cstr(fields, naming ? naming->after : NULL);
}

/* With commas, and with the key that pages go by. STR_NULL: none are named. */
static bool list_fields(const struct read_call *reading, struct str *ret_fields)
{
    const struct read_query *query = reading->query;
    struct arena *arena = reading->connection->arena;
    *ret_fields = STR_NULL;
    if (query->field_count == 0)
        return !reading->source->names_fields ||
               vendor_fail(reading->connection, VERDICT_INTERNAL, STEP_NONE,
                           STR("the query names no fields"), NULL);
    struct buf fields = buf_in(arena, fields_size(reading));
    for (size_t i = 0; i < query->field_count; i++) {
        if (!read_name_is_fit(reading->reads->name_marks, query->fields[i]))
            return read_refuse(reading,
                               arena_printf(arena, "%.*s has no field %.*s", STR_ARG(query->entity),
                                            STR_ARG(query->fields[i])),
                               "DescribeConnectorEntity shows the fields that there are.");
        if (is_left_out(reading, i))
            continue;
        add_field(reading, i, &fields);
    }
    if (reading->source->key && !has_field(query, reading->source->key)) {
        buf_add_char(&fields, ',');
        buf_add_cstr(&fields, reading->source->key);
    }
    *ret_fields = buf_str(&fields);
    return true;
}

static void list_parts(const struct read_call *reading, struct value *read)
{
    const struct connector_texts *parts = &reading->source->parts;
    struct buf names = buf_in(reading->connection->arena, READ_STATEMENT_MAX);
    for (size_t i = 0; i < parts->count; i++) {
        if (reading->query->field_count > 0 && !has_field(reading->query, parts->rows[i]))
            continue;
        buf_add_cstr(&names, names.len > 0 ? "," : NULL);
        buf_add_cstr(&names, parts->rows[i]);
    }
    value_put_text(reading->connection->arena, read, "parts",
                   names.len > 0 ? buf_str(&names) : STR_NULL);
}

/* The number of the first that takes the field; that behind the last: none does. */
static size_t list_of(const struct read_call *reading, size_t field)
{
    const struct read_query *query = reading->query;
    size_t i = 0;
    for (; i < reading->reads->lists.count; i++) {
        const struct read_list *list = &reading->reads->lists.rows[i];
        if (query->described && str_eq_nocase(query->described[field], str_from(list->type)) &&
            (list->fields.count == 0 || connector_texts_have(&list->fields, query->fields[field])))
            break;
    }
    return i;
}

static void put_list(const struct read_call *reading, size_t number, struct value *read)
{
    const struct read_query *query = reading->query;
    const struct read_list *list = &reading->reads->lists.rows[number];
    struct buf names = buf_in(reading->connection->arena, fields_size(reading));
    for (size_t i = 0; i < query->field_count; i++) {
        if (list_of(reading, i) != number)
            continue;
        if (names.len > 0)
            buf_add_char(&names, ',');
        buf_add(&names, query->fields[i]);
    }
    value_put_text(reading->connection->arena, read, list->name, buf_str(&names));
}

static int64_t now_ms(const struct vendor_connection *connection)
{
    const struct connector_env *env = connection->target->env;
    return env->wall_ms ? env->wall_ms() : clock_wall_ms();
}

bool read_split_key(const struct read_call *reading, struct str cursor,
                    unsigned long long *ret_offset, struct str *ret_key)
{
    struct str offset;
    *ret_offset = 0;
    *ret_key = STR_NULL;
    if (!cursor.data)
        return true;
    return (str_cut(cursor, ' ', &offset, ret_key) && str_to_u64(offset, INT64_MAX, ret_offset) &&
            (ret_key->len == 0 || read_name_is_fit("-_", *ret_key))) ||
           read_fail_page(reading, "the place to go on from cannot be read");
}

/* "OFFSET FILTERS" */
bool read_split_offset(const struct read_call *reading, struct str cursor,
                       unsigned long long *ret_offset, struct str *ret_where)
{
    struct str offset;
    *ret_offset = 0;
    *ret_where = STR_NULL;
    return !cursor.data ||
           (str_cut(cursor, ' ', &offset, ret_where) &&
            str_to_u64(offset, INT64_MAX, ret_offset)) ||
           read_fail_page(reading, "the place to go on from cannot be read");
}

int64_t read_page_size(const struct read_call *reading)
{
    const struct read_source *source = reading->source;
    const struct value *given =
        source->size_given ? scope_value(&reading->connection->scope, source->size_given) : NULL;
    return given && given->kind == VALUE_INTEGER ? given->integer : source->size;
}

bool read_set_page(const struct read_call *reading, struct str cursor)
{
    struct vendor_connection *connection = reading->connection;
    struct arena *arena = connection->arena;
    struct value *page = value_structure(arena);
    const struct read_source *source = reading->source;
    unsigned long long offset = 0;
    struct str key = STR_NULL, where;
    if (source->paging == READ_KEY && !read_split_key(reading, cursor, &offset, &key))
        return false;
    if (source->paging == READ_OFFSET && !read_split_offset(reading, cursor, &offset, &where))
        return false;
    if (source->paging == READ_KEY && key.len == 0)
        key = str_from(source->key_first);
    value_put_integer(arena, page, "size", read_page_size(reading));
    value_put_integer(arena, page, "offset", (int64_t)offset);
    if (key.len > 0)
        value_put_text(arena, page, "key", key);
    if (source->paging == READ_CURSOR)
        value_put_text(arena, page, "cursor", cursor);
    connection->scope.page = page;
    return true;
}

/* The flow applies all filters itself, so they take of the statement what the fields leave. */
static size_t where_room(const struct read_call *reading, struct str fields)
{
    size_t in_body = (size_t)reading->source->statement_max;
    size_t most = in_body > 0 ? in_body : READ_STATEMENT_MAX;
    size_t taken = (in_body > 0 ? fields.len : read_url_len(fields)) + BESIDE_MAX;
    size_t room = taken < most ? most - taken : 0;
    return room < READ_WHERE_MAX ? room : READ_WHERE_MAX;
}

static bool is_behind_offset(const struct read_call *reading, struct str cursor)
{
    return reading->source->paging == READ_OFFSET && cursor.data;
}

/* An offset counts records that fit the filters of its query. A later try of the run may give the
 * vendor others, as what it describes may be known by then, or no longer; so from an offset on,
 * none are given: what they would have kept of the records that are passed over was seen. */
static bool gives_filters(const struct read_call *reading, struct str cursor)
{
    const struct read_source *source = reading->source;
    return source->dialect && !(source->filters_first && cursor.data) &&
           (is_behind_offset(reading, cursor) ||
            value_get(reading->connection->scope.page, "offset")->integer == 0);
}

/* A cursor with an offset has the filters that the offset counts by. */
static size_t where_most(const struct read_call *reading, struct str fields)
{
    size_t room = where_room(reading, fields), most = READ_CURSOR_MAX - OFFSET_MAX;
    return reading->source->paging == READ_OFFSET && room > most ? most : room;
}

/* Sets {read.where}, and what bounds are named. */
static bool set_filters(const struct read_call *reading, struct str cursor, struct str fields,
                        struct value *read)
{
    struct arena *arena = reading->connection->arena;
    unsigned long long offset;
    struct str where;
    struct read_where_request request = {
        .dialect = reading->source->dialect,
        .name_marks = reading->reads->name_marks,
        .query = reading->query,
        .now_ms = now_ms(reading->connection),
        .most = where_most(reading, fields),
        .apart = &reading->source->apart,
    };
    read_bounds(&request, arena, read);
    if (!is_behind_offset(reading, cursor))
        where = read_where(&request, arena);
    else if (!read_split_offset(reading, cursor, &offset, &where)) /* those that it counts by */
        return false;
    value_put_text(arena, read, "where", where);
    return !request.problem.data || read_refuse(reading, request.problem,
                                                "Change the flow's filters: "
                                                "DescribeConnectorEntity shows what fields can be "
                                                "filtered by.");
}

static bool set_statement(const struct read_call *reading, struct value *read)
{
    struct vendor_connection *connection = reading->connection;
    struct arena *arena = connection->arena;
    const struct read_source *source = reading->source;
    size_t in_body = (size_t)source->statement_max;
    struct str statement =
        template_fill_within(arena, source->statement, &connection->scope, ESCAPE_NONE,
                             in_body > 0 ? in_body : READ_STATEMENT_MAX);
    value_put_text(arena, read, "statement", statement);
    if (in_body > 0)
        return statement.data ||
               read_refuse(reading,
                           arena_printf(arena,
                                        "the query of all fields and filters is longer than the "
                                        "%zu bytes that the vendor takes",
                                        in_body),
                           "Let the flow read fewer fields.");
    return (statement.data && read_url_len(statement) <= READ_STATEMENT_MAX) ||
           vendor_fail_long(connection);
}

bool read_set_statement(const struct read_call *reading, struct str cursor)
{
    struct vendor_connection *connection = reading->connection;
    const struct read_source *source = reading->source;
    struct arena *arena = connection->arena;
    struct value *read = value_structure(arena);
    struct str fields;
    connection->scope.read = read;
    if (!list_fields(reading, &fields))
        return false;
    value_put_text(arena, read, "fields", fields);
    list_parts(reading, read);
    for (size_t i = 0; i < reading->reads->lists.count; i++)
        put_list(reading, i, read);
    if (gives_filters(reading, cursor) && !set_filters(reading, cursor, fields, read))
        return false;
    if (source->behind && value_get(connection->scope.page, "key"))
        value_put_text(arena, read, "after",
                       template_fill(arena, source->behind, &connection->scope, ESCAPE_NONE));
    return !source->statement || set_statement(reading, read);
}
