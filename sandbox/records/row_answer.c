/* The rows resource of the CRM's REST API: one record is added, changed, added or changed by an
 * external id, or deleted ("REST API Developer Guide", "sObject Basic Information", "sObject Rows",
 * "sObject Rows by External ID"). An external id that several records have is answered with 400,
 * where the CRM answers 300 and their URLs. */
#include "sandbox/records/collection.h"
#include "wire/json_value.h"

#include "base/encode.h"

#include <string.h>

/* "ENTITY", "ENTITY/ID" or "ENTITY/FIELD/VALUE" */
struct row_path {
    struct str entity, second, third; /* STR_NULL: there is none */
};

static const struct str resource = STR("/sobjects/");

static struct row_path read_path(struct str path)
{
    struct row_path row = {0};
    for (size_t at = 0; at + resource.len <= path.len && !row.entity.data; at++) {
        struct str rest = {path.data + at, path.len - at};
        if (str_starts(rest, resource))
            row.entity = (struct str){rest.data + resource.len, rest.len - resource.len};
    }
    if (str_cut(row.entity, '/', &row.entity, &row.second))
        str_cut(row.second, '/', &row.second, &row.third);
    return row;
}

static bool refuse_missing(struct records_exchange *exchange)
{
    (void)collection_refuse(exchange, 404, "NOT_FOUND",
                            STR("The requested resource does not exist"));
    return false;
}

static enum collection_operation operation_of(struct str method, const struct row_path *path)
{
    if (str_eq(method, STR("POST")))
        return COLLECTION_INSERT;
    if (str_eq(method, STR("DELETE")))
        return COLLECTION_DELETE;
    return path->third.data ? COLLECTION_UPSERT : COLLECTION_UPDATE;
}

/* What is asked for. The record is found by the value of `external`; STR_NULL: it is new. */
static bool read_row(struct collection *collection, struct str *ret_value)
{
    struct records_exchange *exchange = collection->exchange;
    struct row_path path = read_path(exchange->request->path);
    struct str value = path.third.data ? path.third : path.second;
    const struct sample_entity *entity = sample_find_nocase(exchange->set, path.entity);
    if (!entity || entity->refused.data || !entity->key)
        return refuse_missing(exchange);
    const struct sample_field *field =
        path.third.data ? sample_field_find_nocase(entity, path.second) : entity->key;
    if (!field || (!field->is_external && field != entity->key))
        return refuse_missing(exchange);
    collection->operation = operation_of(exchange->request->head->method, &path);
    collection->entity = entity;
    collection->external = field;
    *ret_value = STR_NULL;
    if (!value.data ||
        (decode_percent(exchange->arena, value, ret_value) && utf8_is_valid(*ret_value)))
        return true;
    return refuse_missing(exchange);
}

static bool has_member(const struct value *object, struct str name)
{
    for (size_t i = 0; i < object->count; i++) {
        if (str_eq_nocase(object->names[i], name))
            return true;
    }
    return false;
}

/* The body with the member that stands in the path, as a collection has it. */
static bool read_record(const struct collection *collection, struct str value,
                        struct str *ret_record)
{
    struct records_exchange *exchange = collection->exchange;
    struct str body = str_trim(exchange->request->body), name = collection->external->name;
    struct buf record = buf_in(exchange->arena, RECORDS_BODY_MAX);
    struct value *parsed;
    *ret_record = body;
    if (!json_parse(body, exchange->arena, &parsed) || parsed->kind != VALUE_STRUCTURE ||
        body.data[0] != '{')
        return collection_refuse(exchange, 400, "JSON_PARSER_ERROR",
                                 STR("The body must be a JSON object."));
    if (!value.data)
        return true;
    if (has_member(parsed, name))
        return collection_refuse(exchange, 400, "INVALID_FIELD",
                                 arena_printf(exchange->arena,
                                              "The %.*s field should not be specified in the "
                                              "sobject data.",
                                              STR_ARG(name)));
    struct str members = {body.data + 1, body.len - 2};
    buf_add_char(&record, '{');
    encode_json_string(&record, name);
    buf_add_char(&record, ':');
    encode_json_string(&record, value);
    buf_add_cstr(&record, str_trim(members).len > 0 ? "," : NULL);
    buf_add(&record, members);
    buf_add_char(&record, '}');
    *ret_record = buf_str(&record);
    return true;
}

/* --- the answer --- */

static int status_of(const struct collection_item *item)
{
    bool is_gone = strcmp(item->code, "ENTITY_IS_DELETED") == 0 ||
                   (strcmp(item->code, "INVALID_CROSS_REFERENCE_KEY") == 0 && !item->field.data);
    return is_gone ? 404 : 400;
}

static void answer_fault(struct records_exchange *exchange, const struct collection_item *item)
{
    struct buf body = buf_in(exchange->arena, RECORDS_BODY_MAX);
    buf_add_cstr(&body, "[{\"message\":");
    encode_json_string(&body, utf8_is_valid(item->message) ? item->message : STR(""));
    buf_printf(&body, ",\"errorCode\":\"%s\",\"fields\":[", item->code);
    if (item->field.data)
        encode_json_string(&body, item->field);
    buf_add_cstr(&body, "]}]");
    exchange->out->status = status_of(item);
    exchange->out->body = buf_str(&body);
}

static void answer_done(struct collection *collection, const struct collection_item *item)
{
    struct records_exchange *exchange = collection->exchange;
    bool upserts = collection->operation == COLLECTION_UPSERT;
    exchange->out->status = 204;
    exchange->out->body = STR("");
    if (!upserts && collection->operation != COLLECTION_INSERT)
        return;
    struct sample_cell key =
        sample_cell(item->entity, item->entity->key, item->row, exchange->arena);
    exchange->out->status = item->adds ? 201 : 200;
    exchange->out->body = arena_printf(
        exchange->arena, "{\"id\":\"%.*s\",\"success\":true,\"errors\":[]%s}", STR_ARG(key.text),
        !upserts     ? ""
        : item->adds ? ",\"created\":true"
                     : ",\"created\":false");
}

void row_answer(struct records_exchange *exchange)
{
    struct collection_item item = {0};
    struct collection collection = {
        .exchange = exchange, .lookup = {.arena = exchange->arena}, .items = &item};
    struct str value, record;
    if (!read_row(&collection, &value))
        return;
    if (collection.operation == COLLECTION_DELETE)
        collection_plan_delete(&collection, value);
    else if (read_record(&collection, value, &record))
        collection_plan(&collection, record);
    else
        return;
    if (!item.code && item.entity != collection.entity) {
        refuse_missing(exchange);
        return;
    }
    collection_apply(&collection);
    if (item.code)
        answer_fault(exchange, &item);
    else
        answer_done(&collection, &item);
}
