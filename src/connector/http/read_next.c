/* What follows a page: the rest of it, or its last key, says how the next one is asked for.
 *
 * A cursor is the path and query of a URL (READ_URL), the vendor's own text (READ_CURSOR), "OFFSET
 * KEY" (READ_KEY), "OFFSET FILTERS" (READ_OFFSET), or what read_job.c makes of a job. */
#include "connector/http/read_call.h"

#include "base/url.h"
#include "wire/json_pointer.h"
#include "wire/json_value.h"

static const char unknown[] = "what follows the page is not known before it is decoded";

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

/* Whether `more` is so, and the page says it: what is so without a word is no promise. */
static bool says_more(const struct read_call *reading, const struct value *rest)
{
    const struct entity_flag *more = &reading->source->more;
    struct arena *arena = reading->connection->arena;
    return more->at && pointer_text(arena, rest, more->at).data &&
           entity_flag_holds(arena, more, rest);
}

/* Where `next` leads; STR_NULL: to nothing. */
static bool follow(const struct read_call *reading, const struct value *rest, struct str *ret_next)
{
    const struct read_source *source = reading->source;
    struct arena *arena = reading->connection->arena;
    const struct entity_flag leads = {.at = source->next};
    *ret_next = STR_NULL;
    if (!entity_flag_holds(arena, &leads, rest))
        return !says_more(reading, rest) ||
               read_fail_page(reading, "there is a next page, and nothing that names it");
    if (source->more.at && !entity_flag_holds(arena, &source->more, rest))
        return true;
    *ret_next = pointer_text(arena, rest, source->next);
    return source->paging != READ_URL || take_link(reading, *ret_next, ret_next);
}

static const char no_key[] = "the last record of a page has no key to go on from";
static const char no_nested_key[] =
    "the last record of a page has no key to go on from, or more than 50,000 values";

_Static_assert(JSON_ANSWER_NODES_MAX == 50 * 1000, "as the message says");

static bool follow_key(const struct read_call *reading, const struct read_page_end *end,
                       struct str *ret_next)
{
    const struct read_page *page = end->page;
    uint64_t size = (uint64_t)reading->source->size;
    unsigned long long offset;
    struct str key;
    *ret_next = STR_NULL;
    if (!read_split_key(reading, end->cursor, &offset, &key))
        return false;
    uint64_t full = reading->source->ends_empty ? 1 : size;
    bool is_last = page->total >= 0 ? offset + size >= (uint64_t)page->total : end->records < full;
    if (is_last)
        return true;
    bool is_behind = end->records > 0;
    if (is_behind && !read_name_is_fit("-_", page->key))
        return read_fail_page(reading, reading->source->is_nested ? no_nested_key : no_key);
    *ret_next = arena_printf(reading->connection->arena, "%llu %.*s", is_behind ? 0 : offset + size,
                             STR_ARG(is_behind ? page->key : key));
    return true;
}

static bool follow_offset(const struct read_call *reading, const struct value *rest,
                          const struct read_page_end *end, struct str *ret_next)
{
    const struct vendor_connection *connection = reading->connection;
    const struct read_source *source = reading->source;
    struct arena *arena = connection->arena;
    unsigned long long offset;
    struct str where;
    *ret_next = STR_NULL;
    uint64_t records = end->records;
    if (!read_split_offset(reading, end->cursor, &offset, &where))
        return false;
    bool has_more = source->more.at ? entity_flag_holds(arena, &source->more, rest)
                                    : records >= (uint64_t)read_page_size(reading);
    if (has_more && records == 0)
        return read_fail_page(reading, "a page without a record is not the last one");
    if (!end->cursor.data && connection->scope.read)
        where = value_text(connection->scope.read, "where");
    if (has_more)
        *ret_next = arena_printf(arena, "%llu %.*s", offset + records, STR_ARG(where));
    return true;
}

/* What the vendor says of the page beside its list. */
static bool check_faults(const struct read_call *reading, const struct value *rest)
{
    struct vendor_connection *connection = reading->connection;
    const struct read_source *source = reading->source;
    for (size_t i = 0; i < source->faults.count; i++) {
        const struct read_fault *fault = &source->faults.rows[i];
        if (!entity_flag_holds(connection->arena, &fault->when, rest))
            continue;
        struct str message =
            fault->message ? pointer_text(connection->arena, rest, fault->message) : STR_NULL;
        return vendor_fail_status(connection, fault->kind, STEP_API, 200,
                                  message.data ? message : STR("the page is no good one"),
                                  fault->hint);
    }
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
           read_fail_page(reading, read ? "the response has no list of records"
                                        : "what stands beside the records cannot be read");
}

/* Whether nothing says what follows a page before it is decoded. */
static bool is_blind(enum read_paging paging, const struct read_page *page)
{
    bool has_key = page->total >= 0 && page->key.data;
    return paging == READ_OFFSET || paging == READ_WHOLE || (paging == READ_KEY && !has_key);
}

static bool find_next(const struct read_call *reading, const struct read_page_end *end,
                      struct str *ret_next)
{
    struct value *json;
    enum read_paging paging = reading->source->paging;
    if (end->page->leads) {
        *ret_next = end->page->next;
        return true;
    }
    if (end->records == READ_RECORDS_UNKNOWN && is_blind(paging, end->page))
        return read_fail_page(reading, unknown);
    if (!parse_rest(reading, end->rest, &json))
        return false;
    if (!check_faults(reading, json))
        return false;
    switch (paging) {
    case READ_WHOLE:
        return true;
    case READ_KEY:
        return follow_key(reading, end, ret_next);
    case READ_OFFSET:
        return follow_offset(reading, json, end, ret_next);
    case READ_URL:
    case READ_CURSOR:
        break;
    }
    return follow(reading, json, ret_next);
}

bool http_read_next(struct vendor_connection *connection, const struct read_query *query,
                    const struct read_page_end *end, struct arena *arena, struct str *ret_cursor)
{
    struct read_call reading;
    struct str next = STR_NULL, cursor = end->cursor;
    *ret_cursor = STR_NULL;
    if (!read_call_begin(connection, query, cursor, &reading) || !find_next(&reading, end, &next))
        return false;
    if (next.len > READ_CURSOR_MAX)
        return read_fail_page(&reading, "what names the next page is longer than 8 KiB");
    if (next.data && cursor.data && str_eq(next, cursor))
        return read_fail_page(&reading, "the vendor gives the same next page twice");
    *ret_cursor = next.data ? arena_copy(arena, next) : STR_NULL;
    return vendor_accept(connection, STEP_API);
}

_Static_assert(READ_CURSOR_MAX == 8 * 1024, "as the message says");
