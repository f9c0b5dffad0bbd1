/* Asynchronous reports of a marketing service's API: a report is made, looked at until it is done,
 * and fetched from a URL. The URL is at this host, and takes no key. */
#include "sandbox/records/dialect.h"
#include "sandbox/records/query_jobs.h"

#include <string.h>

static void answer(struct records_exchange *exchange, int status, struct str json)
{
    exchange->out->status = status;
    exchange->out->body = json;
}

static void refuse(struct records_exchange *exchange, int status, const char *why)
{
    answer(exchange, status,
           arena_printf(exchange->arena, "{\"status\":1,\"substatus\":0,\"value\":\"%s\"}", why));
}

static struct str form_part(struct records_exchange *exchange, const char *name)
{
    const struct request_part part = {PART_FORM, str_from(name)};
    return request_part(exchange->request, &part);
}

static void create(struct records_exchange *exchange)
{
    struct query_job job;
    if (!form_part(exchange, "start_date").data || !form_part(exchange, "end_date").data)
        refuse(exchange, 200, "start_date and end_date are required");
    else if (!query_job_add(exchange->request->host, exchange->request->body, false,
                            exchange->arena, &job))
        refuse(exchange, 200, "the report is too long");
    else
        answer(exchange, 200,
               arena_printf(exchange->arena,
                            "{\"status\":0,\"substatus\":0,\"value\":{\"report_id\":\"%s\"}}",
                            job.id));
}

static void show(struct records_exchange *exchange)
{
    const struct sandbox_request *request = exchange->request;
    struct query_job job;
    if (!query_job_find(request->host, records_parameter(exchange, "report_id"), true,
                        exchange->arena, &job)) {
        refuse(exchange, 404, "there is no such report");
        return;
    }
    bool is_done = job.state == JOB_COMPLETE;
    answer(exchange, 200,
           arena_printf(exchange->arena,
                        "{\"status\":0,\"substatus\":0,\"value\":{\"report_id\":\"%s\","
                        "\"status\":\"%s\",\"download_url\":%s%s%.*s%s%s%s}}",
                        job.id, is_done ? "DONE" : "STARTED", is_done ? "\"" : "null",
                        is_done ? (request->over_tls ? "https://" : "http://") : "",
                        is_done ? (int)request->authority.len : 0, request->authority.data,
                        is_done ? "/reports/" : "", is_done ? job.id : "",
                        is_done ? "?signature=sandbox\"" : ""));
}

/* --- results --- */

/* "a,b,c" of the form. */
static void add_fields(const struct sample_entity *entity, struct str names,
                       const struct sample_field **fields, size_t *count)
{
    bool more = names.len > 0;
    while (more && *count < SAMPLE_FIELDS_MAX) {
        struct str name = names;
        more = str_cut(names, ',', &name, &names);
        const struct sample_field *field = sample_field_find(entity, name);
        if (field)
            fields[(*count)++] = field;
    }
}

static void print_results(struct records_exchange *exchange, const struct sample_entity *entity,
                          const struct parameters *form)
{
    struct arena *arena = exchange->arena, scratch = {.kind = ARENA_PLAIN};
    const struct sample_field **fields =
        arena_array(arena, const struct sample_field *, SAMPLE_FIELDS_MAX + 1);
    struct buf body = buf_in(arena, RECORDS_BODY_MAX);
    size_t count = 0, rows = sample_row_count(entity), shown = 0;
    add_fields(entity, STR("start_date,end_date"), fields, &count);
    add_fields(entity, parameters_get(form, STR("dimensions")), fields, &count);
    add_fields(entity, parameters_get(form, STR("metrics")), fields, &count);
    add_fields(entity, parameters_get(form, STR("discrepancy_metrics")), fields, &count);
    buf_add_cstr(&body, "{\"results\":[");
    for (size_t row = 0; row < rows; row++) {
        struct sample_cell start = sample_cell(entity, fields[0], row, &scratch);
        if (!str_eq(start.text, parameters_get(form, STR("start_date"))))
            continue;
        buf_add_cstr(&body, shown++ > 0 ? ",{" : "{");
        sample_print_fields(&body, entity, fields, count, row, &scratch);
        buf_add_char(&body, '}');
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    buf_add_cstr(&body, "]}");
    answer(exchange, 200, buf_str(&body));
}

static void fetch(struct records_exchange *exchange)
{
    struct arena *arena = exchange->arena;
    struct parameters *form = arena_new(arena, struct parameters);
    const struct sample_entity *entity = records_entity(exchange, 0);
    struct str path = exchange->request->path;
    const char *slash = memrchr(path.data, '/', path.len);
    struct str id = {slash + 1, path.len - (size_t)(slash - path.data) - 1};
    struct query_job job;
    if (!entity || !query_job_find(exchange->request->host, id, false, arena, &job) ||
        !parameters_parse(job.query, arena, form))
        refuse(exchange, 404, "there is no such file");
    else
        print_results(exchange, entity, form);
}

void report_answer(struct records_exchange *exchange)
{
    if (str_ends(exchange->request->path, STR("/create_async_report")))
        create(exchange);
    else if (str_ends(exchange->request->path, STR("/get_report_status")))
        show(exchange);
    else
        fetch(exchange);
}
