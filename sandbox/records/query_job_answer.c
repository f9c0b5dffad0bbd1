/* Query jobs of the CRM's Bulk API 2.0: a job is made, looked at until it is complete, and its
 * records are read as CSV, each value in quotes, from locator to locator. A locator is an offset.
 */
#include "sandbox/records/dialect.h"
#include "sandbox/records/query_jobs.h"
#include "sandbox/records/soql.h"

#include "base/encode.h"
#include "net/http1/parser.h"

#include <string.h>

static const char *const states[] = {
    [JOB_UPLOAD_COMPLETE] = "UploadComplete",
    [JOB_IN_PROGRESS] = "InProgress",
    [JOB_COMPLETE] = "JobComplete",
    [JOB_ABORTED] = "Aborted",
};

static void refuse(struct records_exchange *exchange, int status, const char *code,
                   struct str message)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(&body, "[{\"errorCode\":\"%s\",\"message\":", code);
    encode_json_string(&body, message);
    buf_add_cstr(&body, "}]");
    exchange->out->status = status;
    exchange->out->body = buf_str(&body);
}

static void refuse_state(struct records_exchange *exchange, const char *message)
{
    refuse(exchange, 400, "INVALIDJOBSTATE", str_from(message));
}

/* "" for the list of jobs, else what follows "/jobs/query/". */
static struct str path_behind(struct str path)
{
    static const struct str resource = STR("/jobs/query");
    const char *at = memmem(path.data, path.len, resource.data, resource.len);
    struct str rest = {at + resource.len, (size_t)(path.data + path.len - at) - resource.len};
    return rest.len > 0 ? (struct str){rest.data + 1, rest.len - 1} : rest;
}

static struct str json_part(const struct records_exchange *exchange, const char *name)
{
    struct request_part part = {PART_JSON, str_from(name)};
    return request_part(exchange->request, &part);
}

static void print_job(struct records_exchange *exchange, const struct query_job *job, size_t rows)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(&body,
               "{\"id\":\"%s\",\"operation\":\"%s\",\"createdById\":\"0055g00000AbCdEAAV\","
               "\"createdDate\":\"2024-01-01T12:00:00.000+0000\","
               "\"systemModstamp\":\"2024-01-01T12:00:00.000+0000\",\"state\":\"%s\","
               "\"concurrencyMode\":\"Parallel\",\"contentType\":\"CSV\",\"apiVersion\":58.0,"
               "\"lineEnding\":\"LF\",\"columnDelimiter\":\"COMMA\",\"jobType\":\"V2Query\","
               "\"numberRecordsProcessed\":%zu,\"retries\":0,\"totalProcessingTime\":0}",
               job->id, job->with_deleted ? "queryAll" : "query", states[job->state], rows);
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}

/* --- the query --- */

static bool has_nested(const struct sample_query *query)
{
    for (size_t i = 0; i < query->field_count; i++) {
        if (query->fields[i]->kind == SAMPLE_NESTED)
            return true;
    }
    return false;
}

/* False: refused, as when the job is made. */
static bool parse(struct records_exchange *exchange, const struct query_job *job,
                  struct soql_query *ret_soql)
{
    struct soql_refusal refusal;
    if (!soql_parse(LANGUAGE_SOQL, job->query, exchange->set, exchange->arena, ret_soql,
                    &refusal)) {
        refuse(exchange, 400, refusal.code, refusal.message);
        return false;
    }
    ret_soql->query.with_deleted = job->with_deleted;
    if (!ret_soql->counts && !has_nested(&ret_soql->query))
        return true;
    refuse(exchange, 400, "API_ERROR",
           ret_soql->counts ? STR("Aggregate Relationship not supported in Bulk Query")
                            : STR("Selecting compound data not supported in Bulk Query"));
    return false;
}

static void create(struct records_exchange *exchange)
{
    struct str operation = json_part(exchange, "operation"), query = json_part(exchange, "query");
    bool with_deleted = str_eq(operation, STR("queryAll"));
    struct query_job job = {.query = query, .with_deleted = with_deleted};
    struct soql_query soql;
    if (!with_deleted && !str_eq(operation, STR("query"))) {
        refuse(exchange, 400, "INVALIDJOB", STR("Invalid operation"));
    } else if (!query.data || !utf8_is_valid(query) || query.len > SOQL_MAX) {
        refuse(exchange, 400, "MALFORMED_QUERY", STR("A query has to be specified"));
    } else if (parse(exchange, &job, &soql)) {
        query_job_add(exchange->request->host, query, with_deleted, exchange->arena, &job);
        print_job(exchange, &job, 0);
    }
}

/* --- results --- */

static void print_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.data[i]);
    }
}

/* Nothing between the quotes is null. */
static void print_value(struct buf *out, const struct sample_forms *forms,
                        const struct sample_cell *cell, struct arena *arena)
{
    struct buf json = buf_in(arena, SAMPLE_TEXT_MAX);
    buf_add_char(out, '"');
    if (cell->kind == SAMPLE_TEXT) {
        print_text(out, cell->text);
    } else if (cell->kind != SAMPLE_NULL) {
        sample_print(&json, forms, cell);
        struct str text = buf_str(&json);
        if (str_starts(text, STR("\"")))
            text = (struct str){text.data + 1, text.len - 2};
        buf_add(out, text);
    }
    buf_add_char(out, '"');
}

static void print_row(struct buf *out, const struct sample_query *query, size_t row,
                      struct arena *arena)
{
    struct sample_forms forms = query->entity->set->forms;
    forms.time = STR("%Y-%m-%dT%H:%M:%S.%LZ");
    for (size_t i = 0; i < query->field_count; i++) {
        struct sample_cell cell = sample_cell(query->entity, query->fields[i], row, arena);
        if (i > 0)
            buf_add_char(out, ',');
        print_value(out, &forms, &cell, arena);
    }
    buf_add_char(out, '\n');
}

static void print_header(struct buf *out, const struct sample_query *query)
{
    for (size_t i = 0; i < query->field_count; i++)
        buf_printf(out, "%s\"%.*s\"", i > 0 ? "," : "", STR_ARG(query->fields[i]->name));
    buf_add_char(out, '\n');
}

static void set_headers(struct records_exchange *exchange, struct str locator, size_t count)
{
    struct arena *arena = exchange->arena;
    struct http_header *headers = arena_array(arena, struct http_header, 3);
    headers[0] = (struct http_header){STR("Content-Type"), STR("text/csv;charset=UTF-8")};
    headers[1] = (struct http_header){STR("Sforce-Locator"), locator};
    headers[2] =
        (struct http_header){STR("Sforce-NumberOfRecords"), arena_printf(arena, "%zu", count)};
    exchange->out->headers = headers;
    exchange->out->header_count = 3;
}

static void print_results(struct records_exchange *exchange, const struct sample_query *query,
                          size_t first)
{
    struct arena *arena = exchange->arena, scratch = {.kind = ARENA_PLAIN};
    struct sample_rows rows = query_select(query, arena);
    struct buf body = buf_in(arena, RECORDS_BODY_MAX);
    size_t most = records_page_size(exchange, records_parameter(exchange, "maxRecords"));
    size_t left = first < rows.count ? rows.count - first : 0;
    size_t count = left < most ? left : most;
    print_header(&body, query);
    for (size_t i = 0; i < count; i++) {
        print_row(&body, query, rows.rows[first + i], &scratch);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    struct str offset = arena_printf(arena, "%zu", first + count);
    set_headers(exchange, count < left ? encode_base64url(arena, offset) : STR("null"), count);
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}

static void results(struct records_exchange *exchange, const struct query_job *job)
{
    struct str locator = records_parameter(exchange, "locator"), plain = STR("0");
    unsigned long long first;
    struct soql_query soql;
    if (job->state != JOB_COMPLETE) {
        refuse_state(exchange, "The results of a job can be read once it is complete");
    } else if ((locator.data && !decode_base64url(exchange->arena, locator, &plain)) ||
               !str_to_u64(plain, SAMPLE_ROWS_MAX, &first)) {
        refuse(exchange, 400, "INVALID_QUERY_LOCATOR", STR("invalid query locator"));
    } else if (parse(exchange, job, &soql)) {
        print_results(exchange, &soql.query, (size_t)first);
    }
}

/* --- the job --- */

static void change(struct records_exchange *exchange, struct query_job *job)
{
    struct str host = exchange->request->host, id = str_from(job->id);
    if (str_eq(json_part(exchange, "state"), STR("Aborted")) && query_job_abort(host, id)) {
        job->state = JOB_ABORTED;
        print_job(exchange, job, 0);
    } else {
        refuse_state(exchange, "Only a job in progress can be aborted");
    }
}

static void remove_job(struct records_exchange *exchange, const struct query_job *job)
{
    if (!query_job_remove(exchange->request->host, str_from(job->id))) {
        refuse_state(exchange, "A job in progress cannot be deleted");
        return;
    }
    exchange->out->status = 204;
    exchange->out->body = STR("");
}

static void answer_of_job(struct records_exchange *exchange, struct query_job *job)
{
    struct str method = exchange->request->head->method;
    struct soql_query soql;
    if (str_eq(method, STR("PATCH")))
        change(exchange, job);
    else if (str_eq(method, STR("DELETE")))
        remove_job(exchange, job);
    else if (parse(exchange, job, &soql))
        print_job(exchange, job,
                  job->state == JOB_COMPLETE ? query_select(&soql.query, exchange->arena).count
                                             : 0);
}

void query_job_answer(struct records_exchange *exchange)
{
    struct str id = path_behind(exchange->request->path), rest = STR_NULL;
    bool is_results = str_cut(id, '/', &id, &rest);
    bool polls = !is_results && str_eq(exchange->request->head->method, STR("GET"));
    struct query_job job;
    if (id.len == 0)
        create(exchange);
    else if (!query_job_find(exchange->request->host, id, polls, exchange->arena, &job))
        refuse(exchange, 404, "NOT_FOUND", STR("The requested resource does not exist"));
    else if (is_results)
        results(exchange, &job);
    else
        answer_of_job(exchange, &job);
}
