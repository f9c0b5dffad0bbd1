/* Writes of leads by a marketing service's API: each of a list is created, or updated by its email
 * ("Sync Leads"); the results are in the order of the list. */
#include "sandbox/records/bulk.h"
#include "wire/json_items.h"
#include "wire/json_value.h"

#include "base/encode.h"

/* Always false; failures have status 200. */
static bool refuse(struct records_exchange *exchange, const char *code, const char *message)
{
    exchange->out->status = 200;
    exchange->out->body = arena_printf(exchange->arena,
                                       "{\"requestId\":\"sandbox\",\"success\":false,\"errors\":[{"
                                       "\"code\":\"%s\",\"message\":\"%s\"}]}",
                                       code, message);
    return false;
}

static bool take_record(void *context, struct str record)
{
    struct bulk *bulk = context;
    if (bulk->count == bulk->exchange->reply->page)
        return false;
    bulk_plan(bulk, record);
    return true;
}

static bool read_records(struct bulk *bulk)
{
    struct records_exchange *exchange = bulk->exchange;
    struct arena *arena = exchange->arena;
    struct buf rest = buf_in(arena, JSON_ITEMS_ITEM_MAX);
    struct json_items items;
    struct value *beside = NULL;
    json_items_init(&items, "/input", arena, &rest);
    items.item = take_record;
    items.context = bulk;
    bool taken = json_items_push(&items, exchange->request->body);
    if (!taken && items.fault == JSON_ITEMS_STOPPED)
        return refuse(exchange, "1003", "Too many records: at most 300");
    if (!taken || rest.overflow || !json_parse(buf_str(&rest), arena, &beside))
        return refuse(exchange, "609", "Invalid JSON");
    if (!str_eq(value_text(beside, "action"), STR("createOrUpdate")) ||
        !str_eq(value_text(beside, "lookupField"), STR("email")))
        return refuse(exchange, "1003", "The sandbox takes createOrUpdate by email");
    return true;
}

static void print_result(struct buf *out, const struct bulk *bulk, const struct bulk_item *item)
{
    if (item->error) {
        buf_printf(
            out, "{\"status\":\"skipped\",\"reasons\":[{\"code\":\"%s\",\"message\":", item->error);
        encode_json_string(out, item->details);
        buf_add_cstr(out, "}]}");
        return;
    }
    struct sample_cell key =
        sample_cell(bulk->entity, bulk->entity->key, item->row, bulk->exchange->arena);
    buf_printf(out, "{\"id\":%lld,\"status\":\"%s\"}", (long long)key.number,
               item->adds ? "created" : "updated");
}

void sync_answer(struct records_exchange *exchange)
{
    struct bulk bulk = {
        .exchange = exchange,
        .entity = records_entity(exchange, 0),
        .operation = BULK_CREATE_OR_UPDATE,
        .items = arena_array(exchange->arena, struct bulk_item, exchange->reply->page),
        .lookup = {.arena = exchange->arena},
    };
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    if (!bulk.entity || !bulk_takes(bulk.entity)) {
        refuse(exchange, "610", "Requested resource not found");
        return;
    }
    if (!read_records(&bulk))
        return;
    bulk_apply(&bulk);
    buf_add_cstr(&body, "{\"requestId\":\"sandbox\",\"success\":true,\"result\":[");
    for (size_t i = 0; i < bulk.count; i++) {
        buf_add_cstr(&body, i > 0 ? "," : NULL);
        print_result(&body, &bulk, &bulk.items[i]);
    }
    buf_add_cstr(&body, "]}");
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}
