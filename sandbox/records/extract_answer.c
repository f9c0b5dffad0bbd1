/* Bulk extracts of the marketing platform's REST API: create, enqueue, status, file and cancel,
 * below PATH/export ("Bulk Extract" of the vendor's developer site). A job is complete at the first
 * look after it was put in the queue. */
#include "sandbox/records/dialect.h"
#include "sandbox/records/query_jobs.h"
#include "sandbox/records/sample_time.h"

#include "base/encode.h"
#include "wire/json_value.h"

#include <string.h>

enum { RANGE_MAX_S = 31 * 24 * 60 * 60 };

struct extract {
    struct records_exchange *exchange;
    const struct sample_entity *entity;
    const struct sample_field *field; /* that the range is of */
    const struct sample_field **fields;
    size_t field_count;
    int64_t from_ms, to_ms;
};

static bool refuse(struct records_exchange *exchange, const char *code, const char *message)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(&body,
               "{\"requestId\":\"e42b#14272d07d78\",\"success\":false,\"errors\":[{\"code\":\"%s\","
               "\"message\":\"%s\"}]}",
               code, message);
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
    return false;
}

/* --- the job's text --- */

static bool read_field_names(struct extract *extract, const struct value *names)
{
    size_t count = names && names->kind == VALUE_LIST ? names->count : 0;
    extract->fields = arena_array(extract->exchange->arena, const struct sample_field *, count + 1);
    for (size_t i = 0; i < count; i++) {
        extract->fields[i] = sample_field_find(extract->entity, names->items[i]->text);
        if (!extract->fields[i])
            return refuse(extract->exchange, "1006", "Field not found");
    }
    extract->field_count = count;
    return count > 0 || refuse(extract->exchange, "1003", "fields must be given");
}

/* {"createdAt": {"startAt": …, "endAt": …}}; activities call the time of theirs createdAt, too. */
static bool read_range(struct extract *extract, const struct value *filter)
{
    bool is_one = filter && filter->kind == VALUE_STRUCTURE && filter->count == 1;
    const struct value *range = is_one ? filter->items[0] : NULL;
    extract->field = is_one ? sample_field_find(extract->entity, filter->names[0]) : NULL;
    if (is_one && !extract->field)
        extract->field = sample_field_find(extract->entity, STR("activityDate"));
    if (!range || !extract->field || extract->field->kind != SAMPLE_TIME)
        return refuse(extract->exchange, "1035", "Unsupported filter type for target subscription");
    if (!sample_time_parse(value_text(range, "startAt"), false, &extract->from_ms) ||
        !sample_time_parse(value_text(range, "endAt"), false, &extract->to_ms))
        return refuse(extract->exchange, "1003", "startAt and endAt must be given");
    return (extract->to_ms - extract->from_ms) / 1000 <= RANGE_MAX_S ||
           refuse(extract->exchange, "1003", "The range must be 31 days or fewer");
}

static bool read_text(struct extract *extract, struct str text)
{
    struct value *json;
    if (!text.data || !json_parse(text, extract->exchange->arena, &json) ||
        json->kind != VALUE_STRUCTURE)
        return refuse(extract->exchange, "609", "Invalid JSON");
    return read_field_names(extract, value_get(json, "fields")) &&
           read_range(extract, value_get(json, "filter"));
}

static struct sample_rows select_rows(const struct extract *extract)
{
    struct arena *arena = extract->exchange->arena;
    struct sample_cell *cells = arena_array(arena, struct sample_cell, 2);
    struct query_condition *tests = arena_array(arena, struct query_condition, 3);
    for (size_t i = 0; i < 2; i++) {
        cells[i] = (struct sample_cell){.kind = SAMPLE_TIME,
                                        .number = i == 0 ? extract->from_ms : extract->to_ms};
        tests[i] = (struct query_condition){.kind = QUERY_TEST,
                                            .field = extract->field,
                                            .operator= i == 0 ? QUERY_AT_LEAST : QUERY_AT_MOST,
                                            .values = &cells[i],
                                            .value_count = 1};
    }
    tests[2] = (struct query_condition){.kind = QUERY_AND, .left = &tests[0], .right = &tests[1]};
    const struct sample_query query = {.entity = extract->entity,
                                       .condition = &tests[2],
                                       .orders = {{.field = extract->field}},
                                       .order_count = 1,
                                       .limit = SIZE_MAX};
    return query_select(&query, arena);
}

/* --- the file --- */

static void print_text(struct buf *out, struct str text)
{
    bool quotes = str_contains(text, STR(",")) || str_contains(text, STR("\"")) ||
                  str_contains(text, STR("\n")) || str_contains(text, STR("\r"));
    if (quotes)
        buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.data[i]);
    }
    if (quotes)
        buf_add_char(out, '"');
}

static void print_cell(struct buf *out, const struct sample_forms *forms,
                       const struct sample_cell *cell, struct arena *arena)
{
    struct buf json = buf_in(arena, SAMPLE_TEXT_MAX);
    if (cell->kind == SAMPLE_TEXT) {
        print_text(out, cell->text);
        return;
    }
    sample_print(&json, forms, cell); /* null is the word */
    struct str text = buf_str(&json);
    if (str_starts(text, STR("\"")))
        text = (struct str){text.data + 1, text.len - 2};
    print_text(out, text);
}

static struct str print_file(const struct extract *extract, const struct sample_rows *rows)
{
    struct arena scratch = {.kind = ARENA_PLAIN};
    struct buf out = buf_in(extract->exchange->arena, RECORDS_BODY_MAX);
    for (size_t i = 0; i < extract->field_count; i++)
        buf_printf(&out, "%s%.*s", i > 0 ? "," : "", STR_ARG(extract->fields[i]->name));
    buf_add_char(&out, '\n');
    for (size_t i = 0; i < rows->count; i++) {
        for (size_t k = 0; k < extract->field_count; k++) {
            struct sample_cell cell =
                sample_cell(extract->entity, extract->fields[k], rows->rows[i], &scratch);
            if (k > 0)
                buf_add_char(&out, ',');
            print_cell(&out, &extract->entity->set->forms, &cell, &scratch);
        }
        buf_add_char(&out, '\n');
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    return buf_str(&out);
}

/* "bytes=FIRST-LAST" */
static void send_file(struct records_exchange *exchange, struct str file)
{
    struct request_part part = {PART_HEADER, STR("Range")};
    struct str range = request_part(exchange->request, &part), unit, first, last;
    unsigned long long from, to;
    exchange->out->status = 200;
    exchange->out->body = file;
    struct http_header *headers = arena_array(exchange->arena, struct http_header, 2);
    headers[0] = (struct http_header){STR("Content-Type"), STR("text/csv;charset=UTF-8")};
    exchange->out->headers = headers;
    exchange->out->header_count = 1;
    if (!range.data || !str_cut(range, '=', &unit, &range) || !str_cut(range, '-', &first, &last) ||
        !str_to_u64(first, file.len - 1, &from) || !str_to_u64(last, INT64_MAX, &to) || from > to)
        return;
    to = to < file.len ? to : file.len - 1;
    exchange->out->status = 206;
    headers[1] = (struct http_header){
        STR("Content-Range"),
        arena_printf(exchange->arena, "bytes %llu-%llu/%zu", from, to, file.len)};
    exchange->out->header_count = 2;
    exchange->out->body = (struct str){file.data + from, (size_t)(to + 1 - from)};
}

/* --- the calls --- */

static void print_job(const struct extract *extract, const struct query_job *job, const char *state)
{
    struct records_exchange *exchange = extract->exchange;
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(
        &body,
        "{\"requestId\":\"e42b#14272d07d78\",\"success\":true,\"result\":[{\"exportId\":\"%s\","
        "\"format\":\"CSV\",\"status\":\"%s\",\"createdAt\":\"2026-01-01T00:00:00Z\"",
        job->id, state);
    if (strcmp(state, "Completed") == 0) {
        struct sample_rows rows = select_rows(extract);
        buf_printf(&body, ",\"numberOfRecords\":%zu,\"fileSize\":%zu", rows.count,
                   print_file(extract, &rows).len);
    }
    buf_add_cstr(&body, "}]}");
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}

static void cancel(const struct extract *extract, const struct query_job *job)
{
    if (query_job_abort(extract->exchange->request->host, str_from(job->id)))
        print_job(extract, job, "Cancelled");
    else
        refuse(extract->exchange, "1003", "The export has ended");
}

static void look(struct extract *extract, const struct query_job *job, struct str call)
{
    struct records_exchange *exchange = extract->exchange;
    struct query_job polled = *job;
    bool is_new = job->state == JOB_UPLOAD_COMPLETE;
    bool enqueues = str_eq(call, STR("enqueue.json"));
    if (str_eq(call, STR("file.json"))) {
        if (job->state != JOB_COMPLETE) {
            refuse(exchange, "1029", "Export is not complete");
            exchange->out->status = 404;
            return;
        }
        struct sample_rows rows = select_rows(extract);
        send_file(exchange, print_file(extract, &rows));
        return;
    }
    if (str_eq(call, STR("cancel.json"))) {
        cancel(extract, job);
        return;
    }
    if (job->state == JOB_ABORTED && !enqueues) {
        print_job(extract, job, "Cancelled");
        return;
    }
    if (enqueues && !is_new) {
        refuse(exchange, "1003", "The export is in the queue already");
        return;
    }
    if (enqueues || !is_new)
        query_job_find(exchange->request->host, str_from(job->id), true, exchange->arena, &polled);
    print_job(extract, job,
              enqueues                       ? "Queued"
              : is_new                       ? "Created"
              : polled.state == JOB_COMPLETE ? "Completed"
                                             : "Processing");
}

/* "…/leads/export/create.json", "…/customobjects/car_c/export/ID/status.json" */
void extract_answer(struct records_exchange *exchange)
{
    static const struct str mark = STR("/export/");
    struct str path = exchange->request->path;
    const char *at = memmem(path.data, path.len, mark.data, mark.len);
    struct extract extract = {.exchange = exchange};
    struct query_job job;
    if (!at)
        return;
    struct str rest = {at + mark.len, path.len - (size_t)(at - path.data) - mark.len}, id, call;
    struct str before = {path.data, (size_t)(at - path.data)};
    const char *slash = memrchr(before.data, '/', before.len);
    struct str name = {slash + 1, before.len - (size_t)(slash - before.data) - 1};
    extract.entity = sample_find(exchange->set, name);
    if (!extract.entity) {
        refuse(exchange, "1013", "Object not found");
        return;
    }
    if (!str_cut(rest, '/', &id, &call)) {
        struct str text = exchange->request->body;
        if (read_text(&extract, text) &&
            query_job_add(exchange->request->host, text, false, exchange->arena, &job))
            print_job(&extract, &job, "Created");
        return;
    }
    if (!query_job_find(exchange->request->host, id, false, exchange->arena, &job))
        refuse(exchange, "1013", "Export not found");
    else if (read_text(&extract, job.query))
        look(&extract, &job, call);
}
