/* Queries of the content vault's REST API: POST PATH/query with VQL in `q`, and PATH/query/ID with
 * pagesize and pageoffset ("Vault Query Language" of the vendor's developer site). An ID is the
 * query itself, so that a page works after a restart, too. Long and rich texts are cut after 250
 * characters unless LONGTEXT() or RICHTEXT() asks for all of them. */
#include "sandbox/records/dialect.h"
#include "sandbox/records/soql.h"

#include "base/encode.h"

#include <string.h>

enum { SHORT_TEXT = 250 /* characters */ };

struct vql_asked {
    struct records_exchange *exchange;
    struct str query; /* as it came */
    struct str plain; /* without functions */
    /* Names of fields that LONGTEXT() and RICHTEXT() are asked for, each within commas. */
    struct str long_texts, rich_texts;
    struct soql_query soql;
    size_t size;
};

static bool refuse(struct records_exchange *exchange, const char *type, struct str message)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(&body,
               "{\"responseStatus\":\"FAILURE\",\"errors\":[{\"type\":\"%s\",\"message\":", type);
    encode_json_string(&body, utf8_is_valid(message) ? message : STR("The query is not valid."));
    buf_add_cstr(&body, "}]}");
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
    return false;
}

/* --- what is asked for --- */

/* "SELECT id, LONGTEXT(summary__c) FROM …" without the function. */
static struct str take_function(struct arena *arena, struct str query, struct str function,
                                struct str *ret_names)
{
    struct buf plain = buf_in(arena, SOQL_MAX), names = buf_in(arena, SOQL_MAX);
    struct str rest = query, before, name;
    buf_add_char(&names, ',');
    for (const char *at; (at = memmem(rest.data, rest.len, function.data, function.len));) {
        before = (struct str){rest.data, (size_t)(at - rest.data)};
        rest = (struct str){at + function.len, rest.len - before.len - function.len};
        buf_add(&plain, before);
        if (!str_cut(rest, ')', &name, &rest))
            break;
        buf_add(&plain, name);
        buf_add(&names, str_trim(name));
        buf_add_char(&names, ',');
    }
    buf_add(&plain, rest);
    *ret_names = buf_str(&names);
    return buf_str(&plain);
}

static bool read_page(struct vql_asked *asked)
{
    struct records_exchange *exchange = asked->exchange;
    struct str path = exchange->request->path;
    const char *slash = memrchr(path.data, '/', path.len);
    struct str id = {slash + 1, path.len - (size_t)(slash - path.data) - 1};
    unsigned long long offset;
    if (!decode_base64url(exchange->arena, id, &asked->query) || asked->query.len == 0 ||
        !str_to_u64(records_parameter(exchange, "pageoffset"), SAMPLE_ROWS_MAX, &offset))
        return refuse(exchange, "INVALID_DATA", STR("The query ID is not valid, or has expired."));
    asked->soql.query.offset = (size_t)offset;
    asked->size = records_page_size(exchange, records_parameter(exchange, "pagesize"));
    return true;
}

static bool read_query(struct vql_asked *asked)
{
    struct records_exchange *exchange = asked->exchange;
    struct request_part q = {PART_FORM, STR("q")}, url = {PART_QUERY, STR("q")};
    bool is_page = !str_ends(exchange->request->path, STR("/query"));
    struct soql_refusal refusal;
    size_t offset = 0;
    asked->query = request_part(exchange->request, &q);
    if (!asked->query.data)
        asked->query = request_part(exchange->request, &url);
    if (is_page ? !read_page(asked) : !asked->query.data)
        return is_page
                   ? false
                   : refuse(exchange, "PARAMETER_REQUIRED", STR("Missing required parameter [q]"));
    if (asked->query.len > SOQL_MAX)
        return refuse(exchange, "INCORRECT_QUERY_SYNTAX_ERROR", STR("The query is too long."));
    offset = asked->soql.query.offset;
    asked->plain =
        take_function(exchange->arena, asked->query, STR("LONGTEXT("), &asked->long_texts);
    asked->plain =
        take_function(exchange->arena, asked->plain, STR("RICHTEXT("), &asked->rich_texts);
    if (!soql_parse(LANGUAGE_VQL, asked->plain, exchange->set, exchange->arena, &asked->soql,
                    &refusal))
        return refuse(exchange,
                      strcmp(refusal.code, "INVALID_FIELD") == 0 ? "ATTRIBUTE_NOT_SUPPORTED"
                                                                 : "INCORRECT_QUERY_SYNTAX_ERROR",
                      refusal.message);
    if (is_page)
        asked->soql.query.offset = offset;
    else
        asked->size = records_page_size(exchange, STR_NULL);
    if (!is_page && asked->soql.page_size > 0 && asked->soql.page_size < asked->size)
        asked->size = asked->soql.page_size;
    return true;
}

/* --- the page --- */

static bool is_cut(const struct vql_asked *asked, const struct sample_field *field)
{
    struct str name = arena_printf(asked->exchange->arena, ",%.*s,", STR_ARG(field->name));
    return (str_eq(field->type, STR("LongText")) && !str_contains(asked->long_texts, name)) ||
           (str_eq(field->type, STR("RichText")) && !str_contains(asked->rich_texts, name));
}

static struct str first_characters(struct str text, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
        if (count > most)
            return (struct str){text.data, i};
    }
    return text;
}

static void print_row(struct buf *out, const struct vql_asked *asked,
                      const struct sample_field *const *fields, size_t count, size_t row)
{
    const struct sample_entity *entity = asked->soql.query.entity;
    struct arena scratch = {.kind = ARENA_PLAIN};
    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        struct sample_cell cell = sample_cell(entity, fields[i], row, &scratch);
        if (cell.kind == SAMPLE_TEXT && is_cut(asked, fields[i]))
            cell.text = first_characters(cell.text, SHORT_TEXT);
        if (i > 0)
            buf_add_char(out, ',');
        encode_json_string(out, fields[i]->name);
        buf_add_char(out, ':');
        sample_print(out, &entity->set->forms, &cell);
    }
    buf_add_char(out, '}');
    arena_done(&scratch);
}

static void print_details(struct buf *out, const struct vql_asked *asked, size_t count,
                          size_t total)
{
    size_t offset = asked->soql.query.offset, next = offset + count;
    struct str path = asked->exchange->request->path, api = path;
    const char *at = memmem(path.data, path.len, "/query", strlen("/query"));
    api.len = at ? (size_t)(at - path.data) : path.len;
    buf_printf(out,
               "{\"responseStatus\":\"SUCCESS\",\"responseDetails\":{\"pagesize\":%zu,"
               "\"pageoffset\":%zu,\"size\":%zu,\"total\":%zu",
               asked->size, offset, count, total);
    if (next < total)
        buf_printf(out, ",\"next_page\":\"%.*s/query/%.*s?pagesize=%zu&pageoffset=%zu\"",
                   STR_ARG(api), STR_ARG(encode_base64url(asked->exchange->arena, asked->query)),
                   asked->size, next);
    buf_add_cstr(out, "},\"data\":[");
}

void vql_answer(struct records_exchange *exchange)
{
    struct vql_asked asked = {.exchange = exchange};
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    if (!read_query(&asked))
        return;
    struct sample_query *query = &asked.soql.query;
    size_t offset = query->offset, count = query->field_count;
    query->offset = 0;
    struct sample_rows rows = query_select(query, exchange->arena);
    query->offset = offset < rows.count ? offset : rows.count;
    size_t left = rows.count - query->offset, shown = left < asked.size ? left : asked.size;
    const struct sample_field *const *fields =
        records_fields(exchange, query->entity, query->fields, &count);
    print_details(&body, &asked, shown, rows.count);
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            buf_add_char(&body, ',');
        print_row(&body, &asked, fields, count, rows.rows[query->offset + i]);
    }
    buf_add_cstr(&body, "]}");
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}
