/* Incremental exports of a help desk's API: what changed since a time, in the order in which it
 * changed; "Incremental Exports" of developer.zendesk.com. By cursor no record comes twice; by
 * time those of a page's last second come again on the next page, as the vendor says they may. */
#include "sandbox/records/dialect.h"

#include "base/encode.h"

#include <inttypes.h>

enum { HELD_BACK_S = 60 };

struct exporting {
    struct records_exchange *exchange;
    const struct sample_entity *entity;
    const struct sample_field *order;
    struct sample_rows rows; /* all since the start */
    size_t first, count;     /* of the page */
    size_t size;
    int64_t start_s;
};

static int64_t second_of(const struct exporting *exporting, size_t at)
{
    struct sample_cell cell = sample_cell(exporting->entity, exporting->order,
                                          exporting->rows.rows[at], exporting->exchange->arena);
    return cell.kind == SAMPLE_TIME ? cell.number / 1000 : cell.number;
}

static void select_rows(struct exporting *exporting)
{
    bool is_time = exporting->order->kind == SAMPLE_TIME;
    struct sample_cell start = {.kind = exporting->order->kind,
                                .number = exporting->start_s * (is_time ? 1000 : 1)};
    struct query_condition since = {.kind = QUERY_TEST,
                                    .field = exporting->order,
                                    .operator= QUERY_AT_LEAST,
                                    .values = &start,
                                    .value_count = 1};
    struct sample_query query = {.entity = exporting->entity,
                                 .condition = &since,
                                 .orders = {{.field = exporting->order}},
                                 .order_count = 1,
                                 .limit = SIZE_MAX};
    exporting->rows = query_select(&query, exporting->exchange->arena);
    if (exporting->first > exporting->rows.count)
        exporting->first = exporting->rows.count;
    size_t left = exporting->rows.count - exporting->first;
    exporting->count = left < exporting->size ? left : exporting->size;
}

static void print_url(struct buf *out, const struct exporting *exporting, struct str parameter,
                      struct str value)
{
    const struct sandbox_request *request = exporting->exchange->request;
    buf_printf(out, "\"https://%.*s%.*s?%.*s=%.*s&per_page=%zu\"", STR_ARG(request->authority),
               STR_ARG(request->path), STR_ARG(parameter), STR_ARG(value), exporting->size);
}

static void print_cursor_end(struct buf *out, const struct exporting *exporting)
{
    struct arena *arena = exporting->exchange->arena;
    size_t next = exporting->first + exporting->count;
    struct str cursor =
        encode_base64url(arena, arena_printf(arena, "%" PRId64 " %zu", exporting->start_s, next));
    buf_add_cstr(out, "],\"after_url\":");
    print_url(out, exporting, STR("cursor"), cursor);
    buf_printf(out,
               ",\"after_cursor\":\"%.*s\",\"before_url\":null,\"before_cursor\":null,"
               "\"end_of_stream\":%s}",
               STR_ARG(cursor), next == exporting->rows.count ? "true" : "false");
}

/* A page ends with a second, since the next one begins with it. */
static void extend_to_second(struct exporting *exporting)
{
    size_t next = exporting->first + exporting->count;
    while (exporting->count > 0 && next < exporting->rows.count &&
           second_of(exporting, next) == second_of(exporting, next - 1)) {
        exporting->count++;
        next++;
    }
}

static void print_time_end(struct buf *out, const struct exporting *exporting)
{
    struct arena *arena = exporting->exchange->arena;
    size_t next = exporting->first + exporting->count;
    int64_t end_s = next > 0 ? second_of(exporting, next - 1) : exporting->start_s;
    buf_add_cstr(out, "],\"next_page\":");
    print_url(out, exporting, STR("start_time"), arena_printf(arena, "%" PRId64, end_s));
    buf_printf(out, ",\"count\":%zu,\"end_time\":%" PRId64 ",\"end_of_stream\":%s}",
               exporting->count, end_s, next == exporting->rows.count ? "true" : "false");
}

static bool read_number(struct str text, uint64_t most, int64_t *ret_number)
{
    unsigned long long number;
    if (!str_to_u64(text, most, &number))
        return false;
    *ret_number = (int64_t)number;
    return true;
}

/* "START ROW" in base64. */
static bool read_cursor(struct exporting *exporting, struct str cursor)
{
    struct str plain, start = STR_NULL, row = STR_NULL;
    int64_t first = 0;
    if (!decode_base64url(exporting->exchange->arena, cursor, &plain) ||
        !str_cut(plain, ' ', &start, &row) ||
        !read_number(start, UINT32_MAX, &exporting->start_s) ||
        !read_number(row, SAMPLE_ROWS_MAX, &first))
        return false;
    exporting->first = (size_t)first;
    return true;
}

static bool refuse(struct records_exchange *exchange, int status, const char *json)
{
    exchange->out->status = status;
    exchange->out->body = str_from(json);
    return false;
}

/* Where the page begins. False: refused. */
static bool read_start(struct exporting *exporting, bool by_cursor)
{
    struct records_exchange *exchange = exporting->exchange;
    struct str start = records_parameter(exchange, "start_time");
    struct str cursor = by_cursor ? records_parameter(exchange, "cursor") : STR_NULL;
    if (cursor.data)
        return read_cursor(exporting, cursor) ||
               refuse(exchange, 400,
                      "{\"error\":\"InvalidValue\",\"description\":\"Invalid cursor\"}");
    if (!read_number(start, UINT32_MAX, &exporting->start_s))
        return refuse(exchange, 400,
                      "{\"error\":\"InvalidValue\",\"description\":"
                      "\"Invalid or missing start_time\"}");
    if (exporting->start_s > exchange->now_ms / 1000 - HELD_BACK_S)
        return refuse(exchange, 422,
                      "{\"error\":\"StartTimeTooRecent\",\"description\":"
                      "\"Too recent start_time. Use a start_time older than 1 minute\"}");
    return true;
}

void export_answer(struct records_exchange *exchange)
{
    bool by_cursor = str_ends(exchange->request->path, STR("/cursor.json")) ||
                     str_ends(exchange->request->path, STR("/cursor"));
    struct exporting exporting = {
        .exchange = exchange,
        .entity = records_entity(exchange, by_cursor),
        .size = records_page_size(exchange, records_parameter(exchange, "per_page"))};
    if (exporting.entity)
        exporting.order = sample_field_find(exporting.entity, exchange->reply->order);
    if (!exporting.order) {
        refuse(exchange, 404, "{\"error\":\"InvalidEndpoint\",\"description\":\"Not found\"}");
        return;
    }
    if (!read_start(&exporting, by_cursor))
        return;
    select_rows(&exporting);
    if (!by_cursor)
        extend_to_second(&exporting);
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(&body, "{\"%.*s\":[", STR_ARG(exporting.entity->name));
    records_print(&body, exchange, exporting.entity, exporting.rows.rows + exporting.first,
                  exporting.count);
    if (by_cursor)
        print_cursor_end(&body, &exporting);
    else
        print_time_end(&body, &exporting);
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}
