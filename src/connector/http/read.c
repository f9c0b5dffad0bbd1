/* Reading records by description: rows of http/read_source.h in, pages of connector/reading.h out.
 *
 * A cursor is what the next page is asked for with: the path and query of a URL (READ_URL), the
 * vendor's own text (READ_CURSOR), or "OFFSET KEY" (READ_KEY). */
#include "connector/http/internal.h"
#include "connector/http/read_source.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/url.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

#include <string.h>

enum { BESIDE_MAX = 1024 }; /* bytes of a statement beside its fields and filters */

struct read_call {
    struct vendor_connection *connection;
    const struct read_query *query;
    const struct connector_reads *reads;
    const struct read_source *source;
};

static bool fail_page(const struct read_call *reading, const char *message)
{
    return vendor_fail(reading->connection, VERDICT_UNREACHABLE, STEP_API, str_from(message), NULL);
}

static bool refuse(const struct read_call *reading, struct str message, const char *hint)
{
    return vendor_fail(reading->connection, VERDICT_MISCONFIGURED, STEP_NONE, message, hint);
}

/* --- the row --- */

static const struct read_source *find_source(const struct read_call *reading)
{
    struct vendor_connection *connection = reading->connection;
    for (size_t i = 0; i < reading->reads->count; i++) {
        const struct read_source *row = &reading->reads->rows[i];
        if ((!row->of || entity_pattern_fits(str_from(row->of), reading->query->entity)) &&
            scope_allows(connection->arena, &connection->scope, row->given, row->equals))
            return row;
    }
    return NULL;
}

static bool begin(struct vendor_connection *connection, const struct read_query *query,
                  struct read_call *ret_reading)
{
    *ret_reading = (struct read_call){
        .connection = connection,
        .query = query,
        .reads = connection->target->connector->http->reads,
    };
    connection->scope.source = query->properties;
    entity_scope_set(connection, query->entity, query->entity);
    bool is_name =
        ret_reading->reads && read_name_is_fit(ret_reading->reads->name_marks, query->entity);
    ret_reading->source = is_name ? find_source(ret_reading) : NULL;
    if (!ret_reading->source) {
        ignore_failure(
            entity_absent(connection, query->entity,
                          is_name ? "has no records that can be read" : "is no entity here"));
        return false;
    }
    return !ret_reading->source->refusal ||
           refuse(ret_reading, str_from(ret_reading->source->refusal), NULL);
}

/* --- what calls can name --- */

static bool has_field(const struct read_query *query, const char *name)
{
    for (size_t i = 0; i < query->field_count; i++) {
        if (str_eq(query->fields[i], str_from(name)))
            return true;
    }
    return false;
}

static size_t fields_size(const struct read_call *reading)
{
    const struct read_query *query = reading->query;
    size_t size = str_from(reading->source->key).len + 1;
    for (size_t i = 0; i < query->field_count; i++)
        size += query->fields[i].len + 1;
    return size;
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
            return refuse(reading,
                          arena_printf(arena, "%.*s has no field %.*s", STR_ARG(query->entity),
                                       STR_ARG(query->fields[i])),
                          "DescribeConnectorEntity shows the fields that there are.");
        if (i > 0)
            buf_add_char(&fields, ',');
        buf_add(&fields, query->fields[i]);
    }
    if (reading->source->key && !has_field(query, reading->source->key)) {
        buf_add_char(&fields, ',');
        buf_add_cstr(&fields, reading->source->key);
    }
    *ret_fields = buf_str(&fields);
    return true;
}

static int64_t now_ms(const struct vendor_connection *connection)
{
    const struct connector_env *env = connection->target->env;
    return env->wall_ms ? env->wall_ms() : clock_wall_ms();
}

/* "OFFSET KEY". False: it is no cursor of ours. */
static bool split_key(const struct read_call *reading, struct str cursor,
                      unsigned long long *ret_offset, struct str *ret_key)
{
    struct str offset;
    *ret_offset = 0;
    *ret_key = STR_NULL;
    if (!cursor.data)
        return true;
    return (str_cut(cursor, ' ', &offset, ret_key) && str_to_u64(offset, INT64_MAX, ret_offset) &&
            (ret_key->len == 0 || read_name_is_fit("-_", *ret_key))) ||
           fail_page(reading, "the place to go on from cannot be read");
}

static int64_t size_of(const struct read_call *reading)
{
    const struct read_source *source = reading->source;
    const struct value *given =
        source->size_given ? scope_value(&reading->connection->scope, source->size_given) : NULL;
    return given && given->kind == VALUE_INTEGER ? given->integer : source->size;
}

static bool set_page(const struct read_call *reading, struct str cursor)
{
    struct vendor_connection *connection = reading->connection;
    struct arena *arena = connection->arena;
    struct value *page = value_structure(arena);
    unsigned long long offset = 0;
    struct str key = STR_NULL;
    if (reading->source->paging == READ_KEY && !split_key(reading, cursor, &offset, &key))
        return false;
    value_put_integer(arena, page, "size", size_of(reading));
    value_put_integer(arena, page, "offset", (int64_t)offset);
    if (key.len > 0)
        value_put_text(arena, page, "key", key);
    if (reading->source->paging == READ_CURSOR)
        value_put_text(arena, page, "cursor", cursor);
    connection->scope.page = page;
    return true;
}

/* The flow applies all filters itself, so they take of the URL what the fields leave. */
static size_t where_room(struct str fields)
{
    size_t taken = read_url_len(fields) + BESIDE_MAX;
    size_t room = taken < READ_STATEMENT_MAX ? READ_STATEMENT_MAX - taken : 0;
    return room < READ_WHERE_MAX ? room : READ_WHERE_MAX;
}

/* An offset counts records that fit the filters of its query. A later try of the run may give the
 * vendor others, as what it describes may be known by then, or no longer; so from an offset on,
 * none are given: what they would have kept of the records that are passed over was seen. */
static bool gives_filters(const struct read_call *reading, struct str cursor)
{
    const struct read_source *source = reading->source;
    return source->dialect && !(source->filters_first && cursor.data) &&
           value_get(reading->connection->scope.page, "offset")->integer == 0;
}

static struct str make_where(const struct read_call *reading, struct str fields)
{
    const struct read_where_request request = {
        .dialect = reading->source->dialect,
        .name_marks = reading->reads->name_marks,
        .query = reading->query,
        .now_ms = now_ms(reading->connection),
        .most = where_room(fields),
    };
    return read_where(&request, reading->connection->arena);
}

static bool set_statement(const struct read_call *reading, struct str cursor)
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
    if (gives_filters(reading, cursor))
        value_put_text(arena, read, "where", make_where(reading, fields));
    if (source->behind && value_get(connection->scope.page, "key"))
        value_put_text(arena, read, "after",
                       template_fill(arena, source->behind, &connection->scope, ESCAPE_NONE));
    if (!source->statement)
        return true;
    struct str statement = template_fill(arena, source->statement, &connection->scope, ESCAPE_NONE);
    struct buf escaped = buf_in(arena, READ_STATEMENT_MAX);
    encode_percent(&escaped, statement, NULL);
    value_put_text(arena, read, "statement", statement);
    return (statement.data && !escaped.overflow) || vendor_fail_long(connection);
}

/* --- a page --- */

/* The value of the last member of that name in the text. Records that are sorted by it are flat,
 * and in a string the quotes would be escaped. */
static struct str last_key(struct arena *arena, struct str body, const char *name)
{
    struct str quoted = arena_printf(arena, "\"%s\"", name);
    for (size_t at = body.len; at > quoted.len; at--) {
        struct str rest = {body.data + at - quoted.len, body.len - at + quoted.len};
        if (rest.data[0] != '"' || !str_starts(rest, quoted) || rest.data[-1] == '\\')
            continue;
        rest = (struct str){rest.data + quoted.len, rest.len - quoted.len};
        while (rest.len > 0 && strchr(" \t\r\n:", rest.data[0]))
            rest = (struct str){rest.data + 1, rest.len - 1};
        struct str before, value;
        if (str_starts(rest, STR("\"")) && str_cut(rest, '"', &before, &rest) &&
            str_cut(rest, '"', &value, &rest))
            return arena_copy(arena, value);
    }
    return STR_NULL;
}

static void note_page(const struct read_call *reading, const struct vendor_response *response,
                      const struct read_page *page)
{
    struct vendor_connection *connection = reading->connection;
    const struct read_source *source = reading->source;
    unsigned long long total;
    const struct str *header =
        source->total ? client_header(&response->http, str_from(source->total)) : NULL;
    bool has_total = header && str_to_u64(*header, INT64_MAX, &total);
    connection->read_total = has_total ? (int64_t)total : -1;
    connection->read_key =
        source->key ? last_key(connection->arena, page->body, source->key) : STR_NULL;
}

/* Always false. The vendor may say of the entity's name that it leads nowhere. */
static bool fail_call(const struct read_call *reading, const struct vendor_response *response)
{
    struct vendor_connection *connection = reading->connection;
    struct verdict verdict = connection->verdict;
    int missing = reading->source->missing;
    bool says_status = missing != 0 && verdict.status == missing && !response->html;
    if (verdict.kind != VERDICT_ABSENT && !says_status)
        return false;
    return vendor_fail_status(connection, VERDICT_ABSENT, STEP_API, verdict.status, verdict.message,
                              "ListConnectorEntities shows the entities that there are.");
}

/* STR_NULL: what the call says. */
static bool page_target(const struct read_call *reading, struct str cursor, struct str *ret_target)
{
    const struct read_source *source = reading->source;
    struct vendor_connection *connection = reading->connection;
    *ret_target = source->paging == READ_URL ? cursor : STR_NULL;
    if (ret_target->data || !source->root)
        return true;
    *ret_target = template_fill(connection->arena, source->root, &connection->scope, ESCAPE_NONE);
    return str_starts(*ret_target, STR("/")) ||
           entity_absent(connection, reading->query->entity, "is no path of an entity");
}

bool http_read(struct vendor_connection *connection, const struct read_query *query,
               struct str cursor, struct read_page *ret_page)
{
    struct read_call reading;
    struct vendor_response response = {0};
    struct str target;
    if (!begin(connection, query, &reading) || !set_page(&reading, cursor) ||
        !set_statement(&reading, cursor) || !page_target(&reading, cursor, &target))
        return false;
    struct str at =
        template_fill(ret_page->arena, reading.source->at, &connection->scope, ESCAPE_NONE);
    ret_page->format = READ_JSON;
    ret_page->path = arena_cstr(ret_page->arena, at);
    if (!read_page_take(connection, &reading.source->call, target, ret_page, &response))
        return fail_call(&reading, &response);
    note_page(&reading, &response, ret_page);
    return true;
}

/* --- the next page --- */

/* In the folder of the first page. */
static struct str relative(const struct read_call *reading, struct str link)
{
    struct vendor_connection *connection = reading->connection;
    struct str root =
        template_fill(connection->arena, reading->source->root, &connection->scope, ESCAPE_NONE);
    while (root.len > 0 && root.data[root.len - 1] != '/')
        root.len--;
    return arena_printf(connection->arena, "%.*s%.*s", STR_ARG(root), STR_ARG(link));
}

static bool take_link(const struct read_call *reading, struct str link, struct str *ret_next)
{
    struct url_parts parts;
    bool is_relative = !str_starts(link, STR("/")) && !url_split(link, &parts);
    if (reading->source->root && is_relative)
        link = relative(reading, link);
    return vendor_take_link(reading->connection, link, ret_next);
}

/* Where `next` leads; STR_NULL: to nothing. */
static bool follow(const struct read_call *reading, const struct value *rest, struct str *ret_next)
{
    const struct read_source *source = reading->source;
    struct arena *arena = reading->connection->arena;
    const struct entity_flag leads = {.at = source->next};
    *ret_next = STR_NULL;
    if (!entity_flag_holds(arena, &leads, rest) ||
        (source->more.at && !entity_flag_holds(arena, &source->more, rest)))
        return true;
    *ret_next = pointer_text(arena, rest, source->next);
    return source->paging != READ_URL || take_link(reading, *ret_next, ret_next);
}

static bool follow_key(const struct read_call *reading, struct str cursor, uint64_t records,
                       struct str *ret_next)
{
    const struct vendor_connection *connection = reading->connection;
    uint64_t size = (uint64_t)reading->source->size;
    unsigned long long offset;
    struct str key;
    *ret_next = STR_NULL;
    if (!split_key(reading, cursor, &offset, &key))
        return false;
    bool is_last = connection->read_total >= 0 ? offset + size >= (uint64_t)connection->read_total
                                               : records < size;
    if (is_last)
        return true;
    if (records > 0 && !read_name_is_fit("-_", connection->read_key))
        return fail_page(reading, "the last record of a page has no key to go on from");
    bool is_behind = records > 0;
    *ret_next = arena_printf(connection->arena, "%llu %.*s", is_behind ? 0 : offset + size,
                             STR_ARG(is_behind ? connection->read_key : key));
    return true;
}

/* The page without its records has an empty list in their place. */
static bool parse_rest(const struct read_call *reading, struct str rest, struct value **ret_rest)
{
    struct vendor_connection *connection = reading->connection;
    struct str at =
        template_fill(connection->arena, reading->source->at, &connection->scope, ESCAPE_NONE);
    *ret_rest = NULL;
    bool read = json_parse_answer(rest, connection->arena, ret_rest) == JSON_READ;
    const struct value *list =
        read ? pointer_find(*ret_rest, arena_cstr(connection->arena, at)) : NULL;
    return (list && list->kind == VALUE_LIST) ||
           fail_page(reading, read ? "the response has no list of records"
                                   : "what stands beside the records cannot be read");
}

bool http_read_next(struct vendor_connection *connection, const struct read_query *query,
                    struct str cursor, struct str rest, uint64_t records, struct arena *arena,
                    struct str *ret_cursor)
{
    struct read_call reading;
    struct value *json;
    struct str next = STR_NULL;
    *ret_cursor = STR_NULL;
    if (!begin(connection, query, &reading) || !parse_rest(&reading, rest, &json))
        return false;
    enum read_paging paging = reading.source->paging;
    bool found =
        paging == READ_WHOLE || (paging == READ_KEY ? follow_key(&reading, cursor, records, &next)
                                                    : follow(&reading, json, &next));
    if (!found)
        return false;
    if (next.len > READ_CURSOR_MAX)
        return fail_page(&reading, "what names the next page is longer than 8 KiB");
    if (next.data && cursor.data && str_eq(next, cursor))
        return fail_page(&reading, "the vendor gives the same next page twice");
    *ret_cursor = next.data ? arena_copy(arena, next) : STR_NULL;
    return vendor_accept(connection, STEP_API);
}

_Static_assert(READ_CURSOR_MAX == 8 * 1024, "as the message says");
