/* The collections resource of the CRM's REST API: up to 200 records are added, changed, added or
 * changed by an external id, or deleted, each with an outcome of its own. */
#include "sandbox/records/collection.h"
#include "wire/json_items.h"
#include "wire/json_value.h"

#include "base/encode.h"

static const struct str resource = STR("/composite/sobjects");

bool collection_refuse(struct records_exchange *exchange, int status, const char *code,
                       struct str message)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_add_cstr(&body, "[{\"message\":");
    encode_json_string(&body, utf8_is_valid(message) ? message : STR("Invalid text"));
    buf_printf(&body, ",\"errorCode\":\"%s\"}]", code);
    exchange->out->status = status;
    exchange->out->body = buf_str(&body);
    return false;
}

/* --- what is asked for --- */

/* "" or "/ENTITY/FIELD" */
static struct str path_rest(struct str path)
{
    for (size_t at = 0; at + resource.len <= path.len; at++) {
        struct str rest = {path.data + at, path.len - at};
        if (str_starts(rest, resource))
            return (struct str){rest.data + resource.len, rest.len - resource.len};
    }
    return STR("");
}

static bool read_upsert(struct collection *collection, struct str rest)
{
    struct records_exchange *exchange = collection->exchange;
    struct str entity = {rest.data + 1, rest.len - 1}, field = STR("");
    str_cut(entity, '/', &entity, &field);
    collection->operation = COLLECTION_UPSERT;
    collection->entity = sample_find_nocase(exchange->set, entity);
    if (!collection->entity || collection->entity->refused.data)
        return collection_refuse(exchange, 404, "NOT_FOUND",
                                 STR("The requested resource does not exist"));
    collection->external = sample_field_find_nocase(collection->entity, field);
    if (collection->external &&
        (collection->external->is_external || collection->external == collection->entity->key))
        return true;
    return collection_refuse(
        exchange, 404, "NOT_FOUND",
        arena_printf(exchange->arena,
                     "Provided external ID field does not exist or is not accessible: "
                     "%.*s",
                     STR_ARG(field)));
}

static bool read_operation(struct collection *collection)
{
    struct str method = collection->exchange->request->head->method;
    struct str rest = path_rest(collection->exchange->request->path);
    if (str_eq(method, STR("DELETE")))
        collection->operation = COLLECTION_DELETE;
    else if (str_eq(method, STR("POST")))
        collection->operation = COLLECTION_INSERT;
    else
        collection->operation = COLLECTION_UPDATE;
    return rest.len < 2 || read_upsert(collection, rest);
}

static bool refuse_many(struct collection *collection)
{
    struct records_exchange *exchange = collection->exchange;
    return collection_refuse(
        exchange, 400, "EXCEEDED_ID_LIMIT",
        arena_printf(exchange->arena,
                     "record limit reached. cannot submit more than %zu records into "
                     "this call",
                     exchange->reply->page));
}

static bool take_record(void *context, struct str record)
{
    struct collection *collection = context;
    if (collection->count == collection->exchange->reply->page)
        return false;
    collection_plan(collection, record);
    return true;
}

static bool read_records(struct collection *collection)
{
    struct records_exchange *exchange = collection->exchange;
    struct buf rest = buf_in(exchange->arena, JSON_ITEMS_ITEM_MAX);
    struct json_items items;
    struct value *beside = NULL;
    json_items_init(&items, "/records", exchange->arena, &rest);
    items.item = take_record;
    items.context = collection;
    bool taken = json_items_push(&items, exchange->request->body);
    if (!taken && items.fault == JSON_ITEMS_STOPPED)
        return refuse_many(collection);
    if (!taken || rest.overflow || !json_parse(buf_str(&rest), exchange->arena, &beside) ||
        !value_get(beside, "records"))
        return collection_refuse(exchange, 400, "JSON_PARSER_ERROR",
                                 STR("The body must be a JSON object with a list of records."));
    collection->all_or_none = value_flag(beside, "allOrNone", false);
    return true;
}

static bool read_ids(struct collection *collection)
{
    struct records_exchange *exchange = collection->exchange;
    struct str ids = records_parameter(exchange, "ids"), id;
    bool more = ids.len > 0;
    if (!more || !utf8_is_valid(ids))
        return collection_refuse(exchange, 400, "MISSING_ARGUMENT",
                                 STR("The ids parameter is missing"));
    while (more) {
        id = ids;
        more = str_cut(ids, ',', &id, &ids);
        if (collection->count == exchange->reply->page)
            return refuse_many(collection);
        collection_plan_delete(collection, id);
    }
    collection->all_or_none = str_eq_nocase(records_parameter(exchange, "allOrNone"), STR("true"));
    return true;
}

/* --- what becomes of it --- */

static void refuse_rest(struct collection *collection, const char *code, struct str message)
{
    for (size_t i = 0; i < collection->count; i++) {
        struct collection_item *item = &collection->items[i];
        if (item->code)
            continue;
        item->code = code;
        item->message = message;
    }
}

static bool has_refused(const struct collection *collection)
{
    for (size_t i = 0; i < collection->count; i++)
        if (collection->items[i].code)
            return true;
    return false;
}

void collection_apply(struct collection *collection)
{
    struct records_exchange *exchange = collection->exchange;
    struct written_change *changes =
        arena_array(exchange->arena, struct written_change, collection->count);
    size_t count = 0;
    if (collection->all_or_none && has_refused(collection))
        refuse_rest(collection, "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                    STR("Record rolled back because not all records were valid and the request "
                        "was using AllOrNone header"));
    for (size_t i = 0; i < collection->count; i++) {
        const struct collection_item *item = &collection->items[i];
        if (!item->code)
            changes[count++] = (struct written_change){item->entity, item->row, item->deletes,
                                                       item->cells, item->count};
    }
    enum written_fault fault = records_write(exchange, changes, count);
    if (fault == WRITTEN_NO_ROOM)
        refuse_rest(collection, "STORAGE_LIMIT_EXCEEDED", STR("storage limit exceeded"));
    else if (fault == WRITTEN_NO_FILE)
        refuse_rest(collection, "UNKNOWN_EXCEPTION",
                    STR("The sandbox cannot write its file of records"));
}

static void print_item(struct buf *out, const struct collection *collection,
                       const struct collection_item *item)
{
    if (item->code) {
        buf_printf(
            out, "{\"success\":false,\"errors\":[{\"statusCode\":\"%s\",\"message\":", item->code);
        encode_json_string(out, utf8_is_valid(item->message) ? item->message : STR(""));
        buf_add_cstr(out, ",\"fields\":[");
        if (item->field.data)
            encode_json_string(out, item->field);
        buf_add_cstr(out, "]}]}");
        return;
    }
    struct sample_cell key =
        sample_cell(item->entity, item->entity->key, item->row, collection->exchange->arena);
    buf_printf(out, "{\"id\":\"%.*s\",\"success\":true,\"errors\":[]", STR_ARG(key.text));
    if (collection->operation == COLLECTION_UPSERT)
        buf_printf(out, ",\"created\":%s", item->adds ? "true" : "false");
    buf_add_char(out, '}');
}

void collection_answer(struct records_exchange *exchange)
{
    struct collection collection = {
        .exchange = exchange,
        .lookup = {.arena = exchange->arena},
        .items = arena_array(exchange->arena, struct collection_item, exchange->reply->page)};
    if (!read_operation(&collection) ||
        !(collection.operation == COLLECTION_DELETE ? read_ids(&collection)
                                                    : read_records(&collection)))
        return;
    collection_apply(&collection);
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_add_char(&body, '[');
    for (size_t i = 0; i < collection.count; i++) {
        if (i > 0)
            buf_add_char(&body, ',');
        print_item(&body, &collection, &collection.items[i]);
    }
    buf_add_char(&body, ']');
    exchange->out->status = 200;
    exchange->out->body = buf_str(&body);
}
