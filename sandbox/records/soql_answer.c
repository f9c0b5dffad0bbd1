/* The query resource of the CRM's REST API: a first page, and those that locators lead to. A
 * locator is the query itself, so that it works after a restart, too. */
#include "sandbox/records/dialect.h"
#include "sandbox/records/soql.h"

#include "base/encode.h"
#include "net/http1/parser.h"

#include <string.h>

static const struct str locator_start = STR("01g");

struct asked {
    struct str query;
    bool with_deleted;
    size_t offset;
    struct str api; /* "/services/data/v58.0" */
};

static void answer_refusal(struct records_exchange *exchange, const char *code, struct str message)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_add_cstr(&body, "[{\"message\":");
    encode_json_string(&body, message);
    buf_printf(&body, ",\"errorCode\":\"%s\"}]", code);
    exchange->out->status = 400;
    exchange->out->body = buf_str(&body);
}

/* What stands before "/query", and what is behind it. */
static bool split_path(struct str path, struct str *ret_api, struct str *ret_rest)
{
    static const struct str resource = STR("/query");
    for (size_t at = 0; at + resource.len <= path.len; at++) {
        struct str rest = {path.data + at, path.len - at};
        if (!str_starts(rest, resource))
            continue;
        *ret_api = (struct str){path.data, at};
        *ret_rest = (struct str){rest.data + resource.len, rest.len - resource.len};
        return true;
    }
    return false;
}

/* "01g", "A" (with deleted records) or "Q" and the query in base64, "-", the offset. */
static struct str make_locator(const struct asked *asked, size_t offset, struct arena *arena)
{
    struct str plain =
        arena_printf(arena, "%c%.*s", asked->with_deleted ? 'A' : 'Q', STR_ARG(asked->query));
    return arena_printf(arena, "%.*s%.*s-%zu", STR_ARG(locator_start),
                        STR_ARG(encode_base64url(arena, plain)), offset);
}

static bool read_locator(struct str locator, struct arena *arena, struct asked *asked)
{
    unsigned long long offset;
    const char *dash = locator.data ? memrchr(locator.data, '-', locator.len) : NULL;
    if (!dash || !str_starts(locator, locator_start) || dash < locator.data + locator_start.len)
        return false;
    struct str coded = {locator.data + locator_start.len,
                        (size_t)(dash - locator.data) - locator_start.len};
    struct str number = {dash + 1, locator.len - (size_t)(dash - locator.data) - 1}, plain;
    if (!str_to_u64(number, SAMPLE_ROWS_MAX, &offset) || !decode_base64url(arena, coded, &plain) ||
        plain.len == 0 || !utf8_is_valid(plain))
        return false;
    asked->offset = (size_t)offset;
    asked->with_deleted = plain.data[0] == 'A';
    asked->query = (struct str){plain.data + 1, plain.len - 1};
    return true;
}

/* False: refused. */
static bool read_asked(struct records_exchange *exchange, struct asked *ret_asked)
{
    struct request_part q = {PART_QUERY, STR("q")};
    struct str rest = STR_NULL;
    *ret_asked = (struct asked){0};
    split_path(exchange->request->path, &ret_asked->api, &rest);
    if (str_starts(rest, STR("/"))) {
        struct str locator = {rest.data + 1, rest.len - 1};
        if (read_locator(locator, exchange->arena, ret_asked))
            return true;
        answer_refusal(exchange, "INVALID_QUERY_LOCATOR", STR("invalid query locator"));
        return false;
    }
    ret_asked->query = request_part(exchange->request, &q);
    ret_asked->with_deleted = str_eq(rest, STR("All"));
    bool is_text = ret_asked->query.data && utf8_is_valid(ret_asked->query);
    if (is_text && ret_asked->query.len <= SOQL_MAX)
        return true;
    answer_refusal(exchange, "MALFORMED_QUERY",
                   is_text ? arena_printf(exchange->arena,
                                          "SOQL statements cannot be longer than %d characters.",
                                          SOQL_MAX)
                           : STR("A query string has to be specified"));
    return false;
}

/* "Sforce-Query-Options: batchSize=200" */
static struct str batch_size(const struct records_exchange *exchange)
{
    struct request_part part = {PART_HEADER, STR("Sforce-Query-Options")};
    struct str options = request_part(exchange->request, &part), name, size;
    if (!options.data || !str_cut(options, '=', &name, &size) ||
        !str_eq_nocase(str_trim(name), STR("batchSize")))
        return STR_NULL;
    str_cut(size, ',', &size, &name);
    return str_trim(size);
}

static void print_record(struct buf *out, const struct records_exchange *exchange,
                         const struct asked *asked, const struct sample_query *query, size_t row,
                         struct arena *arena)
{
    const struct sample_entity *entity = query->entity;
    size_t count = query->field_count;
    const struct sample_field *const *fields =
        records_fields(exchange, entity, query->fields, &count);
    struct sample_cell key = sample_cell(entity, entity->key, row, arena);
    buf_printf(out, "{\"attributes\":{\"type\":\"%.*s\",\"url\":\"%.*s/sobjects/%.*s/%.*s\"}%s",
               STR_ARG(entity->name), STR_ARG(asked->api), STR_ARG(entity->name), STR_ARG(key.text),
               count > 0 ? "," : "");
    sample_print_fields(out, entity, fields, count, row, arena);
    buf_add_char(out, '}');
}

static void print_page(struct records_exchange *exchange, const struct asked *asked,
                       const struct soql_query *soql)
{
    struct arena *arena = exchange->arena, scratch = {.kind = ARENA_PLAIN};
    struct sample_rows rows = query_select(&soql->query, arena);
    struct buf body = buf_in(arena, RECORDS_BODY_MAX);
    size_t first = asked->offset < rows.count ? asked->offset : rows.count;
    size_t left = soql->counts ? 0 : rows.count - first;
    size_t page = records_page_size(exchange, batch_size(exchange));
    size_t count = left < page ? left : page;
    buf_printf(&body, "{\"totalSize\":%zu,\"done\":%s", rows.count,
               count == left ? "true" : "false");
    if (count < left)
        buf_printf(&body, ",\"nextRecordsUrl\":\"%.*s/query/%.*s\"", STR_ARG(asked->api),
                   STR_ARG(make_locator(asked, first + count, arena)));
    buf_add_cstr(&body, ",\"records\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(&body, ',');
        print_record(&body, exchange, asked, &soql->query, rows.rows[first + i], &scratch);
        arena_reset(&scratch);
    }
    buf_add_cstr(&body, "]}");
    arena_done(&scratch);
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}

void soql_answer(struct records_exchange *exchange)
{
    struct asked asked;
    struct soql_query soql;
    struct soql_refusal refusal;
    if (!read_asked(exchange, &asked))
        return;
    if (!soql_parse(LANGUAGE_SOQL, asked.query, exchange->set, exchange->arena, &soql, &refusal)) {
        answer_refusal(exchange, refusal.code, refusal.message);
        return;
    }
    soql.query.with_deleted = asked.with_deleted;
    print_page(exchange, &asked, &soql);
}
