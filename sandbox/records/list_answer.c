/* Lists of a help desk's API, by cursor ("page[size]", "page[after]") or by page ("per_page",
 * "page"): developer.zendesk.com, "Pagination". */
#include "sandbox/records/dialect.h"

#include "base/encode.h"

/* Cursors look like nothing that a client could count with. */
static struct str make_cursor(struct arena *arena, size_t row)
{
    return encode_base64url(arena, arena_printf(arena, "row %zu", row));
}

static bool read_cursor(struct str cursor, struct arena *arena, size_t *ret_row)
{
    static const struct str start = STR("row ");
    unsigned long long row;
    struct str plain;
    if (!decode_base64url(arena, cursor, &plain) || !str_starts(plain, start) ||
        !str_to_u64((struct str){plain.data + start.len, plain.len - start.len}, SAMPLE_ROWS_MAX,
                    &row))
        return false;
    *ret_row = (size_t)row;
    return true;
}

static void refuse(struct records_exchange *exchange, int status, const char *json)
{
    exchange->out->status = status;
    exchange->out->body = str_from(json);
}

/* The address of another page of the same list: its path, and the query that is given. */
static void print_url(struct buf *out, const struct records_exchange *exchange, struct str query)
{
    const struct sandbox_request *request = exchange->request;
    buf_printf(out, "\"https://%.*s%.*s?%.*s\"", STR_ARG(request->authority),
               STR_ARG(request->path), STR_ARG(query));
}

static void print_cursors(struct buf *out, const struct records_exchange *exchange, size_t next,
                          size_t size, bool more)
{
    struct arena *arena = exchange->arena;
    struct str cursor = make_cursor(arena, next);
    buf_printf(out, "],\"meta\":{\"has_more\":%s,\"after_cursor\":", more ? "true" : "false");
    if (more)
        buf_printf(out, "\"%.*s\"", STR_ARG(cursor));
    else
        buf_add_cstr(out, "null");
    buf_add_cstr(out, ",\"before_cursor\":null},\"links\":{\"prev\":null,\"next\":");
    if (more)
        print_url(out, exchange,
                  arena_printf(arena, "page%%5Bafter%%5D=%.*s&page%%5Bsize%%5D=%zu",
                               STR_ARG(cursor), size));
    else
        buf_add_cstr(out, "null");
    buf_add_cstr(out, "}}");
}

static void print_numbers(struct buf *out, const struct records_exchange *exchange, size_t page,
                          size_t size, size_t total)
{
    struct arena *arena = exchange->arena;
    bool more = page * size < total;
    buf_add_cstr(out, "],\"next_page\":");
    if (more)
        print_url(out, exchange, arena_printf(arena, "page=%zu&per_page=%zu", page + 1, size));
    else
        buf_add_cstr(out, "null");
    buf_add_cstr(out, ",\"previous_page\":");
    if (page > 1)
        print_url(out, exchange, arena_printf(arena, "page=%zu&per_page=%zu", page - 1, size));
    else
        buf_add_cstr(out, "null");
    buf_printf(out, ",\"count\":%zu}", total);
}

static size_t page_number(const struct records_exchange *exchange)
{
    unsigned long long page;
    return str_to_u64(records_parameter(exchange, "page"), SAMPLE_ROWS_MAX, &page) && page > 0
               ? (size_t)page
               : 1;
}

void list_answer(struct records_exchange *exchange)
{
    const struct sample_entity *entity = records_entity(exchange, 0);
    struct str asked = records_parameter(exchange, "page[size]");
    struct str after = records_parameter(exchange, "page[after]");
    bool by_cursor = asked.data || after.data;
    size_t first = 0, page = page_number(exchange);
    size_t size =
        records_page_size(exchange, by_cursor ? asked : records_parameter(exchange, "per_page"));
    if (!entity) {
        refuse(exchange, 404, "{\"error\":\"InvalidEndpoint\",\"description\":\"Not found\"}");
        return;
    }
    if (after.data && !read_cursor(after, exchange->arena, &first)) {
        refuse(exchange, 400,
               "{\"errors\":[{\"code\":\"InvalidPaginationParameter\","
               "\"title\":\"page[after] is not valid\"}]}");
        return;
    }
    struct sample_query query = {
        .entity = entity, .offset = by_cursor ? first : (page - 1) * size, .limit = SIZE_MAX};
    struct sample_rows rows = query_select(&query, exchange->arena);
    size_t count = rows.count < size ? rows.count : size;
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(&body, "{\"%.*s\":[", STR_ARG(entity->name));
    records_print(&body, exchange, entity, rows.rows, count);
    if (by_cursor)
        print_cursors(&body, exchange, first + count, size, count < rows.count);
    else
        print_numbers(&body, exchange, page, size, sample_row_count(entity));
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}
