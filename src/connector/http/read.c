/* Reading records by description: rows of http/read_source.h in, pages of connector/reading.h out.
 */
#include "connector/http/read_call.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/url.h"
#include "wire/json_items.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

#include <string.h>

enum { BESIDE_MAX = 1024 }; /* bytes of a statement beside its fields and filters */

bool read_fail_page(const struct read_call *reading, const char *message)
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
            scope_allows(connection->arena, &connection->scope, row->given, row->equals) &&
            scope_allows(connection->arena, &connection->scope, row->flag, "true"))
            return row;
    }
    return NULL;
}

/* A cursor that stands for a job belongs to the row that has one. */
static const struct read_source *source_for(const struct read_call *reading, struct str cursor)
{
    const struct read_source *source = find_source(reading);
    return source && source->large && read_cursor_job(cursor).data ? source->large : source;
}

bool read_call_begin(struct vendor_connection *connection, const struct read_query *query,
                     struct str cursor, struct read_call *ret_reading)
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
    ret_reading->source = is_name ? source_for(ret_reading, cursor) : NULL;
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
            return refuse(reading,
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
    if (reading->source->paging == READ_KEY && !read_split_key(reading, cursor, &offset, &key))
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

/* Sets {read.where}, and what bounds are named. */
static void set_filters(const struct read_call *reading, struct str fields, struct value *read)
{
    struct arena *arena = reading->connection->arena;
    const struct read_where_request request = {
        .dialect = reading->source->dialect,
        .name_marks = reading->reads->name_marks,
        .query = reading->query,
        .now_ms = now_ms(reading->connection),
        .most = where_room(fields),
    };
    read_bounds(&request, arena, read);
    value_put_text(arena, read, "where", read_where(&request, arena));
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
    if (gives_filters(reading, cursor))
        set_filters(reading, fields, read);
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

static bool keep_item(void *context, struct str text)
{
    struct buf *last = context;
    buf_clear(last);
    buf_add(last, text);
    return true;
}

/* The same, of records that are not flat; a number, too. */
static struct str last_nested_key(struct arena *arena, const struct read_page *page,
                                  const char *name)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    struct buf last = buf_in(&scratch, JSON_ITEMS_ITEM_MAX);
    struct buf rest = buf_in(&scratch, READ_PAGE_MAX);
    struct json_items items;
    struct value *record = NULL;
    struct str key = STR_NULL;
    json_items_init(&items, page->path, &scratch, &rest);
    items.item = keep_item;
    items.context = &last;
    if (json_items_push(&items, page->body) &&
        json_parse_answer(buf_str(&last), &scratch, &record) == JSON_READ)
        key = pointer_text(&scratch, record, arena_printf(&scratch, "/%s", name).data);
    key = key.data ? arena_copy(arena, key) : STR_NULL;
    arena_done(&scratch);
    return key;
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
    connection->read_key = !source->key ? STR_NULL
                           : source->is_nested
                               ? last_nested_key(connection->arena, page, source->key)
                               : last_key(connection->arena, page->body, source->key);
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

static bool take_page(const struct read_call *reading, struct str cursor, struct str target,
                      struct read_page *page, struct vendor_response *response)
{
    const struct read_source *source = reading->source;
    const struct connector_call *call =
        cursor.data && source->later ? source->later : &source->call;
    return source->is_lone ? read_page_take_lone(reading->connection, call, target, page, response)
                           : read_page_take(reading->connection, call, target, page, response);
}

static bool read_list(const struct read_call *reading, struct str cursor, struct read_page *page)
{
    struct vendor_connection *connection = reading->connection;
    struct vendor_response response = {0};
    struct str target;
    if (!set_page(reading, cursor) || !read_set_statement(reading, cursor) ||
        !page_target(reading, cursor, &target))
        return false;
    struct str at =
        template_fill(page->arena, reading->source->at, &connection->scope, ESCAPE_NONE);
    page->format = READ_JSON;
    page->path = arena_cstr(page->arena, at);
    if (!take_page(reading, cursor, target, page, &response))
        return fail_call(reading, &response);
    note_page(reading, &response, page);
    return true;
}

/* The vendor may not take the query for a job, such as one with a field that jobs do not have: then
 * the page that was read counts. False: the call may succeed later, and so may the whole. */
static bool use_job(struct read_call *reading, struct read_page *page)
{
    struct vendor_connection *connection = reading->connection;
    const struct read_page list = *page;
    reading->source = reading->source->large;
    if (read_job_page(reading, STR_NULL, page))
        return true;
    *page = list;
    connection->read_leads = false;
    enum verdict_kind kind = connection->verdict.kind;
    bool is_refused =
        kind == VERDICT_MISCONFIGURED || kind == VERDICT_FORBIDDEN || kind == VERDICT_ABSENT;
    return is_refused && vendor_accept(connection, STEP_API);
}

bool http_read(struct vendor_connection *connection, const struct read_query *query,
               struct str cursor, struct read_page *ret_page)
{
    struct read_call reading;
    connection->read_leads = false;
    if (!read_call_begin(connection, query, cursor, &reading))
        return false;
    if (reading.source->job)
        return read_job_page(&reading, cursor, ret_page);
    if (!read_list(&reading, cursor, ret_page))
        return false;
    bool is_due = !cursor.data && reading.source->large && read_job_is_due(&reading, ret_page);
    return !is_due || use_job(&reading, ret_page);
}
