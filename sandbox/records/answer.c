/* Hands a request for records to the dialect that its route names. */
#include "sandbox/records/answer.h"

#include "sandbox/records/dialect.h"

#include <string.h>

const struct sample_field *const *records_fields(const struct records_exchange *exchange,
                                                 const struct sample_entity *entity,
                                                 const struct sample_field *const *fields,
                                                 size_t *count)
{
    const struct records_reply *reply = exchange->reply;
    size_t all = fields ? *count : entity->field_count, kept = 0;
    const struct sample_field **left =
        arena_array(exchange->arena, const struct sample_field *, all);
    for (size_t i = 0; i < all; i++) {
        const struct sample_field *field = fields ? fields[i] : &entity->fields[i];
        bool without = false;
        for (size_t k = 0; k < reply->without_count && !without; k++)
            without = str_eq(reply->without[k], field->name);
        if (!without)
            left[kept++] = field;
    }
    *count = kept;
    return left;
}

size_t records_page_size(const struct records_exchange *exchange, struct str asked)
{
    const struct records_reply *reply = exchange->reply;
    unsigned long long size;
    if (!str_to_u64(asked, SAMPLE_ROWS_MAX, &size))
        return reply->page;
    if (size < reply->page_least)
        return reply->page_least;
    return size < reply->page_most ? (size_t)size : reply->page_most;
}

struct str records_parameter(const struct records_exchange *exchange, const char *name)
{
    struct request_part part = {PART_QUERY, str_from(name)};
    return request_part(exchange->request, &part);
}

const struct sample_entity *records_entity(const struct records_exchange *exchange, size_t back)
{
    struct str name = exchange->reply->entity, path = exchange->request->path;
    static const struct str suffix = STR(".json");
    for (size_t i = 0; i <= back && !exchange->reply->entity.data; i++) {
        const char *slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
        if (!slash)
            return NULL;
        name = (struct str){slash + 1, path.len - (size_t)(slash - path.data) - 1};
        path.len = (size_t)(slash - path.data);
    }
    if (str_ends(name, suffix))
        name.len -= suffix.len;
    const struct sample_entity *entity = sample_find(exchange->set, name);
    return entity && !entity->refused.data ? entity : NULL;
}

void records_print(struct buf *out, const struct records_exchange *exchange,
                   const struct sample_entity *entity, const size_t *rows, size_t count)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    size_t field_count = 0;
    const struct sample_field *const *fields = records_fields(exchange, entity, NULL, &field_count);
    for (size_t i = 0; i < count; i++) {
        buf_add_cstr(out, i > 0 ? ",{" : "{");
        sample_print_fields(out, entity, fields, field_count, rows[i], &scratch);
        buf_add_char(out, '}');
        arena_reset(&scratch);
    }
    arena_done(&scratch);
}

enum written_fault records_write(const struct records_exchange *exchange,
                                 const struct written_change *changes, size_t count)
{
    const struct records_place *place = exchange->place;
    return written_apply(place->written, place->vendor, exchange->request->host, place->set,
                         changes, count, exchange->now_ms);
}

void records_look_again(struct records_exchange *exchange)
{
    const struct records_place *place = exchange->place;
    exchange->set = written_view(place->written, place->vendor, exchange->request->host, place->set,
                                 exchange->arena);
}

static void odata2_answer(struct records_exchange *exchange)
{
    odata_answer(exchange, 2);
}

static void odata4_answer(struct records_exchange *exchange)
{
    odata_answer(exchange, 4);
}

static void odata2_write(struct records_exchange *exchange)
{
    odata_write(exchange, 2);
}

static void odata4_write(struct records_exchange *exchange)
{
    odata_write(exchange, 4);
}

static void (*const dialects[])(struct records_exchange *exchange) = {
    [RECORDS_SOQL] = soql_answer,
    [RECORDS_QUERY_JOB] = query_job_answer,
    [RECORDS_LIST] = list_answer,
    [RECORDS_EXPORT] = export_answer,
    [RECORDS_TABLE] = table_answer,
    [RECORDS_ODATA_2] = odata2_answer,
    [RECORDS_ODATA_4] = odata4_answer,
    [RECORDS_VQL] = vql_answer,
    [RECORDS_EXTRACT] = extract_answer,
    [RECORDS_PAGES] = pages_answer,
    [RECORDS_REPORT] = report_answer,
    [RECORDS_HOURS] = hours_answer,
    [RECORDS_COLLECTION] = collection_answer,
    [RECORDS_ROW] = row_answer,
    [RECORDS_BULK] = bulk_answer,
    [RECORDS_BULK_LONE] = bulk_lone_answer,
    [RECORDS_JOB] = job_answer,
    [RECORDS_ODATA_2_WRITE] = odata2_write,
    [RECORDS_ODATA_4_WRITE] = odata4_write,
    [RECORDS_SYNC] = sync_answer,
    [RECORDS_COPY_INTO] = copy_into_answer,
    [RECORDS_COPY] = copy_answer,
};

const struct sandbox_response *records_answer(const struct records_place *place,
                                              const struct sandbox_response *response,
                                              struct sandbox_request *request, int64_t now_ms)
{
    struct sandbox_response *out = arena_new(request->arena, struct sandbox_response);
    struct records_exchange exchange = {
        place, place->set, response->records, request, request->arena, now_ms, out};
    bool writes = response->records->dialect >= RECORDS_COLLECTION;
    *out = *response;
    out->template = NULL;
    if (place->written)
        written_begin(place->written, writes);
    if (place->set)
        records_look_again(&exchange);
    dialects[response->records->dialect](&exchange);
    if (place->written)
        written_end(place->written);
    return out;
}
