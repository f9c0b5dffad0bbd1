/* Bulk writes of a help desk's API: records are written when they come, and the job that the vendor
 * makes of them is "working" when it is first asked for, and "completed" then. */
#include "sandbox/records/bulk.h"
#include "wire/json_items.h"
#include "wire/json_value.h"

#include "base/encode.h"

#include <string.h>

/* Always false. */
static bool refuse(struct records_exchange *exchange, int status, struct str json)
{
    exchange->out->status = status;
    exchange->out->body = json;
    return false;
}

/* --- what is asked for --- */

/* The path's last segment, without ".json". */
static struct str last_segment(struct str path)
{
    static const struct str suffix = STR(".json");
    const char *slash = memrchr(path.data, '/', path.len);
    struct str name = path;
    if (slash)
        name = (struct str){slash + 1, path.len - (size_t)(slash - path.data) - 1};
    if (str_ends(name, suffix))
        name.len -= suffix.len;
    return name;
}

static bool read_operation(struct bulk *bulk)
{
    struct str verb = last_segment(bulk->exchange->request->path);
    bulk->entity = records_entity(bulk->exchange, 1);
    bulk->operation = str_eq(verb, STR("create_many"))   ? BULK_CREATE
                      : str_eq(verb, STR("update_many")) ? BULK_UPDATE
                                                         : BULK_CREATE_OR_UPDATE;
    return (bulk->entity && bulk_takes(bulk->entity)) ||
           refuse(bulk->exchange, 404,
                  STR("{\"error\":\"InvalidEndpoint\",\"description\":\"Not found\"}"));
}

static bool take_record(void *context, struct str record)
{
    struct bulk *bulk = context;
    if (bulk->count == bulk->exchange->reply->page)
        return false;
    bulk_plan(bulk, record);
    return true;
}

static bool refuse_missing(const struct bulk *bulk)
{
    struct arena *arena = bulk->exchange->arena;
    return refuse(bulk->exchange, 400,
                  arena_printf(arena,
                               "{\"error\":\"ParameterMissing\",\"description\":\"Required "
                               "parameter missing: %.*s\"}",
                               STR_ARG(bulk->entity->name)));
}

static bool read_records(struct bulk *bulk)
{
    struct records_exchange *exchange = bulk->exchange;
    struct arena *arena = exchange->arena;
    struct buf rest = buf_in(arena, JSON_ITEMS_ITEM_MAX);
    struct json_items items;
    struct value *beside = NULL;
    const char *path = arena_cstr(arena, arena_printf(arena, "/%.*s", STR_ARG(bulk->entity->name)));
    json_items_init(&items, path, arena, &rest);
    items.item = take_record;
    items.context = bulk;
    bool taken = json_items_push(&items, exchange->request->body);
    if (!taken && items.fault == JSON_ITEMS_STOPPED)
        return refuse(exchange, 400,
                      arena_printf(arena,
                                   "{\"error\":\"TooManyValues\",\"description\":\"Too many "
                                   "values in parameter %.*s\",\"max_count\":%zu}",
                                   STR_ARG(bulk->entity->name), exchange->reply->page));
    return (taken && !rest.overflow && bulk->count > 0 &&
            json_parse(buf_str(&rest), arena, &beside)) ||
           refuse_missing(bulk);
}

/* {"organization":{…}} */
static bool read_lone(struct bulk *bulk)
{
    struct records_exchange *exchange = bulk->exchange;
    struct buf record = buf_in(exchange->arena, RECORDS_BODY_MAX);
    struct value *body = NULL;
    struct str name = bulk->entity->name;
    if (name.len > 0)
        name.len--; /* without its s */
    bool is_json = json_parse(exchange->request->body, exchange->arena, &body);
    const struct value *found = is_json ? value_get(body, arena_cstr(exchange->arena, name)) : NULL;
    if (!found)
        return refuse_missing(bulk);
    value_encode(&record, found);
    bulk_plan(bulk, buf_str(&record));
    return true;
}

/* --- what becomes of it --- */

void bulk_apply(struct bulk *bulk)
{
    struct arena *arena = bulk->exchange->arena;
    struct written_change *changes = arena_array(arena, struct written_change, bulk->count);
    size_t count = 0;
    for (size_t i = 0; i < bulk->count; i++) {
        const struct bulk_item *item = &bulk->items[i];
        if (item->error)
            continue;
        changes[count] = (struct written_change){
            .entity = bulk->entity, .row = item->row, .cells = item->cells, .count = item->count};
        count++;
    }
    if (records_write(bulk->exchange, changes, count) == WRITTEN)
        return;
    for (size_t i = 0; i < bulk->count; i++) {
        if (bulk->items[i].error)
            continue;
        bulk->items[i].error = "StorageLimitExceeded";
        bulk->items[i].details = STR("The sandbox keeps no more records of this account");
    }
}

static struct sample_cell key_of(const struct bulk *bulk, const struct bulk_item *item)
{
    return sample_cell(bulk->entity, bulk->entity->key, item->row, bulk->exchange->arena);
}

static void print_result(struct buf *out, const struct bulk *bulk, size_t at)
{
    const struct bulk_item *item = &bulk->items[at];
    bool is_ticket = str_eq(bulk->entity->name, STR("tickets"));
    if (item->error) {
        buf_printf(out, "{\"%s\":%zu,\"error\":\"%s\",\"details\":", is_ticket ? "index" : "id", at,
                   item->error);
        encode_json_string(out, item->details);
        buf_add_cstr(out, is_ticket ? "}" : ",\"status\":\"Failed\"}");
        return;
    }
    long long key = (long long)key_of(bulk, item).number;
    if (!is_ticket)
        buf_printf(out, "{\"id\":%lld,\"status\":\"%s\"}", key, item->adds ? "Created" : "Updated");
    else if (item->adds)
        buf_printf(out, "{\"index\":%zu,\"id\":%lld,\"success\":true}", at, key);
    else
        buf_printf(out,
                   "{\"index\":%zu,\"id\":%lld,\"action\":\"update\",\"status\":\"Updated\","
                   "\"success\":true}",
                   at, key);
}

static struct str print_results(const struct bulk *bulk)
{
    struct buf out = buf_in(bulk->exchange->arena, RECORDS_BODY_MAX);
    buf_add_char(&out, '[');
    for (size_t i = 0; i < bulk->count; i++) {
        if (i > 0)
            buf_add_char(&out, ',');
        print_result(&out, bulk, i);
    }
    buf_add_char(&out, ']');
    return buf_str(&out);
}

static void print_job(struct records_exchange *exchange, const struct written_job *job)
{
    static const char *const states[] = {"queued", "working", "completed"};
    unsigned state = job->asked < 2 ? job->asked : 2;
    struct buf out = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_printf(
        &out,
        "{\"job_status\":{\"id\":\"%s\",\"url\":\"https://%.*s/api/v2/job_statuses/%s.json\","
        "\"total\":%zu,\"progress\":",
        job->name, STR_ARG(exchange->request->authority), job->name, job->total);
    if (state == 0)
        buf_add_cstr(&out, "null");
    else
        buf_printf(&out, "%zu", state == 1 ? job->total / 2 : job->total);
    buf_printf(&out, ",\"status\":\"%s\",\"message\":%s,\"results\":%s}}", states[state],
               state == 2 ? "\"Completed\"" : "null", state == 2 ? job->results : "null");
    exchange->out->status = 200;
    exchange->out->body = buf_str(&out);
}

void bulk_answer(struct records_exchange *exchange)
{
    const struct records_place *place = exchange->place;
    struct bulk bulk = {
        .exchange = exchange,
        .items = arena_array(exchange->arena, struct bulk_item, exchange->reply->page),
        .lookup = {.arena = exchange->arena},
    };
    if (!read_operation(&bulk) || !read_records(&bulk))
        return;
    bulk_apply(&bulk);
    const struct written_job *job =
        place->written ? written_job_add(place->written, place->vendor, exchange->request->host,
                                         place->set, print_results(&bulk), bulk.count)
                       : NULL;
    if (job)
        print_job(exchange, job);
    else
        refuse(exchange, 429, STR("{\"error\":\"TooManyJobs\",\"description\":\"Too many jobs\"}"));
}

void bulk_lone_answer(struct records_exchange *exchange)
{
    struct bulk_item item = {0};
    struct bulk bulk = {.exchange = exchange, .items = &item, .lookup = {.arena = exchange->arena}};
    struct buf out = buf_in(exchange->arena, RECORDS_BODY_MAX);
    if (!read_operation(&bulk) || !read_lone(&bulk))
        return;
    bulk_apply(&bulk);
    if (item.error) {
        buf_add_cstr(&out, "{\"error\":\"RecordInvalid\",\"description\":");
        encode_json_string(&out, item.details);
        buf_add_char(&out, '}');
    } else {
        buf_printf(&out, "{\"%.*s\":{\"id\":%lld}}", (int)bulk.entity->name.len - 1,
                   bulk.entity->name.data, (long long)key_of(&bulk, &item).number);
    }
    exchange->out->status = item.error ? 422 : item.adds ? 201 : 200;
    exchange->out->body = buf_str(&out);
}

void job_answer(struct records_exchange *exchange)
{
    const struct records_place *place = exchange->place;
    const struct written_job *job =
        written_job_ask(place->written, place->vendor, exchange->request->host,
                        last_segment(exchange->request->path));
    if (job)
        print_job(exchange, job);
    else
        refuse(exchange, 404, STR("{\"error\":\"RecordNotFound\",\"description\":\"Not found\"}"));
}
