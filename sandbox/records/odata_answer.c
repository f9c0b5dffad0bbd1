/* Entity sets of OData, of version 2 and 4: PATH/SET with $filter, $orderby, $select, $top, $skip,
 * a count, and pages of the service's own, whose links have $skiptoken. */
#include "sandbox/records/odata.h"
#include "sandbox/records/odata_query.h"

#include "base/encode.h"

enum {
    REFUSED_MAX = 16 * 1024, /* bytes of an error's answer */
    LINK_MAX = 64 * 1024,    /* bytes of a link: more than a request's target has */
};

struct odata_asked {
    struct records_exchange *exchange;
    int version;
    struct sample_query query;
    size_t skip, top, done; /* `done`: records on the pages before */
    size_t size;
};

void odata_refuse(struct records_exchange *exchange, int version, int status, struct str message)
{
    struct buf body = buf_in(exchange->arena, REFUSED_MAX);
    buf_printf(&body, "{\"error\":{\"code\":\"%s\",\"message\":",
               version == 2 ? "005056A509B11EE1B9A8FEC11C23378E" : "/IWBEP/CM_V4_COS/021");
    if (version == 2)
        buf_add_cstr(&body, "{\"lang\":\"en\",\"value\":");
    encode_json_string(&body, utf8_is_valid(message) ? message : STR("Invalid request"));
    buf_add_cstr(&body, version == 2 ? "}}}" : "}}");
    exchange->out->status = status;
    exchange->out->body = buf_str(&body);
}

static void refuse(const struct odata_asked *asked, int status, struct str message)
{
    odata_refuse(asked->exchange, asked->version, status, message);
}

/* --- the request --- */

/* $select: names of fields, which must be there. NULL as `why`: all of them are. */
static bool read_select(struct odata_asked *asked, struct str *ret_why)
{
    struct records_exchange *exchange = asked->exchange;
    struct str names = records_parameter(exchange, "$select");
    bool more = names.len > 0 && !str_eq(names, STR("*"));
    size_t count = 0;
    const struct sample_field **fields =
        arena_array(exchange->arena, const struct sample_field *, SAMPLE_FIELDS_MAX);
    while (more) {
        struct str name = names;
        more = str_cut(names, ',', &name, &names);
        const struct sample_field *field =
            count < SAMPLE_FIELDS_MAX ? sample_field_find(asked->query.entity, str_trim(name))
                                      : NULL;
        if (!field) {
            *ret_why =
                arena_printf(exchange->arena, "Invalid select property '%.*s'", STR_ARG(name));
            return false;
        }
        fields[count++] = field;
    }
    asked->query.field_count = count;
    asked->query.fields = records_fields(exchange, asked->query.entity, count > 0 ? fields : NULL,
                                         &asked->query.field_count);
    return true;
}

static size_t number_of(const struct records_exchange *exchange, const char *name, size_t usual)
{
    unsigned long long number;
    return str_to_u64(records_parameter(exchange, name), SAMPLE_ROWS_MAX, &number) ? (size_t)number
                                                                                   : usual;
}

/* Prefer: odata.maxpagesize=500 */
static size_t read_size(const struct records_exchange *exchange)
{
    static const struct str name = STR("odata.maxpagesize=");
    struct request_part part = {PART_HEADER, STR("Prefer")};
    struct str asked = request_part(exchange->request, &part);
    return records_page_size(exchange, str_starts(asked, name) ? (struct str){asked.data + name.len,
                                                                              asked.len - name.len}
                                                               : STR_NULL);
}

static bool read_token(struct odata_asked *asked)
{
    unsigned long long done;
    struct str token = records_parameter(asked->exchange, "$skiptoken"), plain;
    if (!token.data)
        return true;
    if (!decode_base64url(asked->exchange->arena, token, &plain) ||
        !str_to_u64(plain, SAMPLE_ROWS_MAX, &done))
        return false;
    asked->done = (size_t)done;
    return true;
}

/* --- the answer --- */

/* The request's own query with another token; version 2 has the address, and leaves the client's
 * number out; version 4 has what follows the service's path. */
static void print_link(struct buf *out, const struct odata_asked *asked, size_t done)
{
    const struct sandbox_request *request = asked->exchange->request;
    struct arena *arena = asked->exchange->arena;
    struct str rest = request->query;
    struct buf link = buf_in(arena, LINK_MAX);
    bool more = rest.len > 0;
    if (asked->version == 2)
        buf_printf(&link, "https://%.*s%.*s?", STR_ARG(request->authority), STR_ARG(request->path));
    else
        buf_printf(&link, "%.*s?", STR_ARG(asked->query.entity->name));
    while (more) {
        struct str parameter = rest;
        more = str_cut(rest, '&', &parameter, &rest);
        if (!str_starts(parameter, STR("%24skiptoken=")) &&
            !str_starts(parameter, STR("$skiptoken=")) &&
            (asked->version == 4 || !str_starts(parameter, STR("sap-client="))))
            buf_printf(&link, "%.*s&", STR_ARG(parameter));
    }
    struct str token = encode_base64url(arena, arena_printf(arena, "%zu", done));
    buf_printf(&link, "%%24skiptoken=%.*s", STR_ARG(token));
    encode_json_string(out, utf8_is_valid(buf_str(&link)) ? buf_str(&link) : STR(""));
}

/* The address of an entity in the set at a path. */
struct str odata_address(const struct records_exchange *exchange, struct str path,
                         const struct sample_entity *entity, size_t row)
{
    struct arena *arena = exchange->arena;
    struct buf address = buf_in(arena, SAMPLE_TEXT_MAX);
    struct sample_cell cell = sample_cell(entity, entity->key, row, arena);
    buf_printf(&address, "https://%.*s%.*s('%.*s')", STR_ARG(exchange->request->authority),
               STR_ARG(path), STR_ARG(cell.text));
    return utf8_is_valid(buf_str(&address)) ? buf_str(&address) : STR("");
}

void odata_print_metadata(struct buf *out, const struct sample_entity *entity, struct str address)
{
    buf_add_cstr(out, "\"__metadata\":{\"id\":");
    encode_json_string(out, address);
    buf_add_cstr(out, ",\"uri\":");
    encode_json_string(out, address);
    buf_printf(out, ",\"type\":\"%.*sType\"},", STR_ARG(entity->name));
}

static void print_rows(struct buf *out, const struct odata_asked *asked, const size_t *rows,
                       size_t count)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    for (size_t i = 0; i < count; i++) {
        buf_add_cstr(out, i > 0 ? ",{" : "{");
        if (asked->version == 2 && asked->query.entity->key)
            odata_print_metadata(out, asked->query.entity,
                                 odata_address(asked->exchange, asked->exchange->request->path,
                                               asked->query.entity, rows[i]));
        sample_print_fields(out, asked->query.entity, asked->query.fields, asked->query.field_count,
                            rows[i], &scratch);
        buf_add_char(out, '}');
        arena_reset(&scratch);
    }
    arena_done(&scratch);
}

static void print_page(struct odata_asked *asked)
{
    struct records_exchange *exchange = asked->exchange;
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    struct sample_rows all = query_select(&asked->query, exchange->arena);
    bool is_2 = asked->version == 2;
    bool counts = str_eq(records_parameter(exchange, is_2 ? "$inlinecount" : "$count"),
                         is_2 ? STR("allpages") : STR("true"));
    size_t first = asked->skip < all.count ? asked->skip : all.count;
    size_t total = all.count - first < asked->top ? all.count - first : asked->top;
    size_t done = asked->done < total ? asked->done : total;
    size_t count = total - done < asked->size ? total - done : asked->size;
    buf_add_cstr(&body, is_2 ? "{\"d\":{" : "{\"@odata.context\":\"$metadata\",");
    if (counts)
        buf_printf(&body, is_2 ? "\"__count\":\"%zu\"," : "\"@odata.count\":%zu,", all.count);
    buf_add_cstr(&body, is_2 ? "\"results\":[" : "\"value\":[");
    print_rows(&body, asked, all.rows + first + done, count);
    buf_add_char(&body, ']');
    if (done + count < total) {
        buf_add_cstr(&body, is_2 ? ",\"__next\":" : ",\"@odata.nextLink\":");
        print_link(&body, asked, done + count);
    }
    buf_add_cstr(&body, is_2 ? "}}" : "}");
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}

void odata_answer(struct records_exchange *exchange, int version)
{
    struct odata_asked asked = {.exchange = exchange,
                                .version = version,
                                .query = {.entity = records_entity(exchange, 0), .limit = SIZE_MAX},
                                .skip = number_of(exchange, "$skip", 0),
                                .top = number_of(exchange, "$top", SIZE_MAX),
                                .size = read_size(exchange)};
    struct arena *arena = exchange->arena;
    struct str filter = records_parameter(exchange, "$filter"), why = STR_NULL;
    struct str order = records_parameter(exchange, "$orderby");
    if (!asked.query.entity) {
        refuse(&asked, 404, STR("Resource not found for the segment."));
        return;
    }
    if (!read_token(&asked))
        why = STR("Invalid skip token");
    else if (records_parameter(exchange, "$expand").data)
        why = STR("Property to be expanded not found");
    else if (read_select(&asked, &why) &&
             (filter.len == 0 || odata_filter_read(filter, version, arena, &asked.query, &why)) &&
             order.len > 0)
        odata_order_read(order, arena, &asked.query, &why);
    if (why.data)
        refuse(&asked, 400, why);
    else
        print_page(&asked);
}
