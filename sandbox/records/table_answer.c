/* The Table API of a service desk: PATH/table/NAME with sysparm_query, sysparm_fields,
 * sysparm_limit and sysparm_offset ("Table API" of the vendor's developer site). */
#include "sandbox/records/dialect.h"
#include "sandbox/records/table_query.h"

#include "base/encode.h"

#include <string.h>

struct table_asked {
    struct records_exchange *exchange;
    const struct sample_entity *entity;
    const struct sample_field *const *fields;
    size_t field_count;
    size_t offset, limit, total;
    bool with_links; /* references are objects with a link */
};

static void refuse(struct records_exchange *exchange, struct str message)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_add_cstr(&body, "{\"error\":{\"message\":");
    encode_json_string(&body, utf8_is_valid(message) ? message : STR("Invalid table"));
    buf_add_cstr(&body, ",\"detail\":null},\"status\":\"failure\"}");
    exchange->out->status = 400;
    exchange->out->body = buf_str(&body);
}

/* sysparm_fields: names that there are; without it all. */
static void read_fields(struct table_asked *table)
{
    struct arena *arena = table->exchange->arena;
    struct str names = records_parameter(table->exchange, "sysparm_fields");
    const struct sample_field **fields =
        arena_array(arena, const struct sample_field *, SAMPLE_FIELDS_MAX);
    bool more = names.len > 0;
    size_t count = 0;
    while (more && count < SAMPLE_FIELDS_MAX) {
        struct str name = names;
        more = str_cut(names, ',', &name, &names);
        fields[count] = sample_field_find(table->entity, str_trim(name));
        count += fields[count] != NULL;
    }
    table->field_count = count;
    table->fields = records_fields(table->exchange, table->entity, count > 0 ? fields : NULL,
                                   &table->field_count);
}

/* {"link": URL, "value": KEY}; the table of a reference that names none is the record's own. */
static void print_link(struct buf *out, const struct table_asked *table,
                       const struct sample_field *field, struct str key)
{
    struct str other = sample_reference(field);
    buf_printf(out, "{\"link\":\"https://%.*s/api/now/table/%.*s/%.*s\",\"value\":\"%.*s\"}",
               STR_ARG(table->exchange->request->authority),
               STR_ARG(other.data ? other : table->entity->name), STR_ARG(key), STR_ARG(key));
}

static void print_row(struct buf *out, const struct table_asked *table, size_t row,
                      struct arena *scratch)
{
    const struct sample_forms *forms = &table->entity->set->forms;
    buf_add_char(out, '{');
    for (size_t i = 0; i < table->field_count; i++) {
        const struct sample_field *field = table->fields[i];
        struct sample_cell cell = sample_cell(table->entity, field, row, scratch);
        bool is_reference = field->is_exact && field != table->entity->key;
        if (i > 0)
            buf_add_char(out, ',');
        encode_json_string(out, field->name);
        buf_add_char(out, ':');
        if (table->with_links && is_reference && cell.kind == SAMPLE_TEXT)
            print_link(out, table, field, cell.text);
        else
            sample_print(out, forms, &cell);
    }
    buf_add_char(out, '}');
}

/* The same request at another offset. */
static void print_page_link(struct buf *out, const struct table_asked *table, size_t offset,
                            const char *name)
{
    const struct sandbox_request *request = table->exchange->request;
    struct str rest = request->query, parameter;
    bool more = rest.len > 0;
    if (out->len > 0)
        buf_add_char(out, ',');
    buf_printf(out, "<https://%.*s%.*s?", STR_ARG(request->authority), STR_ARG(request->path));
    while (more) {
        parameter = rest;
        more = str_cut(rest, '&', &parameter, &rest);
        if (!str_starts(parameter, STR("sysparm_offset=")))
            buf_printf(out, "%.*s&", STR_ARG(parameter));
    }
    buf_printf(out, "sysparm_offset=%zu>;rel=\"%s\"", offset, name);
}

static struct str links(const struct table_asked *table)
{
    struct buf out = buf_in(table->exchange->arena, RECORDS_BODY_MAX);
    size_t offset = table->offset, limit = table->limit;
    print_page_link(&out, table, 0, "first");
    if (offset > 0)
        print_page_link(&out, table, offset > limit ? offset - limit : 0, "prev");
    if (offset + limit < table->total)
        print_page_link(&out, table, offset + limit, "next");
    print_page_link(&out, table, (table->total - 1) / limit * limit, "last");
    return buf_str(&out);
}

/* X-Total-Count, and Link where there is more than one page. */
static void add_headers(const struct table_asked *table)
{
    struct records_exchange *exchange = table->exchange;
    struct sandbox_response *out = exchange->out;
    struct http_header *headers =
        arena_array(exchange->arena, struct http_header, out->header_count + 2);
    struct str suppressed = records_parameter(exchange, "sysparm_suppress_pagination_header");
    size_t count = out->header_count;
    if (count > 0)
        memcpy(headers, out->headers, count * sizeof(*headers));
    headers[count++] = (struct http_header){STR("X-Total-Count"),
                                            arena_printf(exchange->arena, "%zu", table->total)};
    if (table->total > table->limit && !str_eq(suppressed, STR("true")))
        headers[count++] = (struct http_header){STR("Link"), links(table)};
    out->headers = headers;
    out->header_count = count;
}

static size_t read_offset(const struct records_exchange *exchange)
{
    unsigned long long offset;
    return str_to_u64(records_parameter(exchange, "sysparm_offset"), SAMPLE_ROWS_MAX, &offset)
               ? (size_t)offset
               : 0;
}

static void print_rows(struct table_asked *table, const struct sample_query *query)
{
    struct records_exchange *exchange = table->exchange;
    struct arena scratch = {.kind = ARENA_PLAIN};
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    struct sample_rows rows = query_select(query, exchange->arena);
    table->total = rows.count;
    buf_add_cstr(&body, "{\"result\":[");
    for (size_t i = 0; i < table->limit && table->offset + i < rows.count; i++) {
        if (i > 0)
            buf_add_char(&body, ',');
        print_row(&body, table, rows.rows[table->offset + i], &scratch);
        arena_reset(&scratch);
    }
    buf_add_cstr(&body, "]}");
    arena_done(&scratch);
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}

void table_answer(struct records_exchange *exchange)
{
    struct table_asked table = {
        .exchange = exchange,
        .entity = records_entity(exchange, 0),
        .offset = read_offset(exchange),
        .limit = records_page_size(exchange, records_parameter(exchange, "sysparm_limit")),
        .with_links =
            !str_eq(records_parameter(exchange, "sysparm_exclude_reference_link"), STR("true")),
    };
    struct sample_query query = {.entity = table.entity, .limit = SIZE_MAX};
    if (!table.entity) {
        refuse(exchange, arena_printf(exchange->arena, "Invalid table %.*s",
                                      STR_ARG(str_behind(exchange->request->path, '/', 4))));
        return;
    }
    if (!table_query_read(records_parameter(exchange, "sysparm_query"), exchange->arena, &query)) {
        refuse(exchange, STR("Query too long"));
        return;
    }
    read_fields(&table);
    print_rows(&table, &query);
    add_headers(&table);
}
