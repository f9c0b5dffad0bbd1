/* Reading records by description: rows of http/read_source.h in, pages of connector/reading.h out.
 */
#include "connector/http/read_call.h"

#include "base/buf.h"
#include "wire/json_items.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

#include <string.h>

bool read_fail_page(const struct read_call *reading, const char *message)
{
    return vendor_fail(reading->connection, VERDICT_UNREACHABLE, STEP_API, str_from(message), NULL);
}

bool read_refuse(const struct read_call *reading, struct str message, const char *hint)
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
           read_refuse(ret_reading, str_from(ret_reading->source->refusal), NULL);
}

enum { BESIDE_LIST_MAX = 256 * 1024 }; /* bytes of a page beside its list */

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
    struct str *last = context;
    *last = text;
    return true;
}

/* The same, of records that are not flat; a number, too. A record is of any length here, since the
 * decoder tells of those that are too long. */
static struct str last_nested_key(struct arena *arena, const struct read_page *page,
                                  const char *name)
{
    struct arena scratch = arena_beside(page->arena);
    struct buf rest = buf_in(&scratch, BESIDE_LIST_MAX);
    struct json_items items;
    struct value *record = NULL;
    struct str key = STR_NULL, last = STR_NULL;
    json_items_init(&items, page->path, &scratch, &rest);
    items.in_place = true;
    items.item = keep_item;
    items.context = &last;
    if (json_items_push(&items, page->body) &&
        json_parse_answer(last, &scratch, &record) == JSON_READ)
        key = pointer_text(&scratch, record, arena_printf(&scratch, "/%s", name).data);
    key = key.data ? arena_copy(arena, key) : STR_NULL;
    arena_done(&scratch);
    return key;
}

static void note_page(const struct read_call *reading, const struct vendor_response *response,
                      struct read_page *page)
{
    const struct read_source *source = reading->source;
    unsigned long long total;
    const struct str *header =
        source->total ? client_header(&response->http, str_from(source->total)) : NULL;
    bool has_total = header && str_to_u64(*header, INT64_MAX, &total);
    page->total = has_total ? (int64_t)total : -1;
    page->key = !source->key        ? STR_NULL
                : source->is_nested ? last_nested_key(page->arena, page, source->key)
                                    : last_key(page->arena, page->body, source->key);
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
    if (!read_set_page(reading, cursor) || !read_set_statement(reading, cursor) ||
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
    enum verdict_kind kind = connection->verdict.kind;
    bool is_refused =
        kind == VERDICT_MISCONFIGURED || kind == VERDICT_FORBIDDEN || kind == VERDICT_ABSENT;
    return is_refused && vendor_accept(connection, STEP_API);
}

bool http_read(struct vendor_connection *connection, const struct read_query *query,
               struct str cursor, struct read_page *ret_page)
{
    struct read_call reading;
    ret_page->leads = false;
    if (!read_call_begin(connection, query, cursor, &reading))
        return false;
    if (reading.source->export)
        return read_export_page(&reading, cursor, ret_page);
    if (reading.source->archive)
        return read_archive_page(&reading, cursor, ret_page);
    if (reading.source->job)
        return read_job_page(&reading, cursor, ret_page);
    if (!read_list(&reading, cursor, ret_page))
        return false;
    bool is_due = !cursor.data && reading.source->large && read_job_is_due(&reading, ret_page);
    return !is_due || use_job(&reading, ret_page);
}
