/* Entities of Infor Nexus. No call lists types of objects or describes one, and customers add
 * fields and types of their own ("$Name"): so fields are those that one object of the type has. */
#include "connectors/infornexus/entities.h"

#include "connector/connector.h"
#include "connector/entity_field.h"
#include "connector/http/connection.h"
#include "connector/http/entity_source.h"
#include "wire/json_pointer.h"

/* Types that the developer site names. Others can be described, though they are not listed. */
static const struct {
    struct str name, label;
} objects[] = {
    {STR("InvoiceDetail"), STR("Invoice")},
    {STR("OrderDetail"), STR("Order")},
    {STR("PackingListDetail"), STR("Packing list")},
};

bool infornexus_list(struct vendor_connection *connection, const struct entity_query *query,
                     struct entity_list *list)
{
    if (query->name.data)
        return entity_absent(connection, query->name, "has no nested entities");
    for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
        const struct entity entity = {
            .group = STR("Objects"), .name = objects[i].name, .label = objects[i].label};
        if (!entity_list_add(list, &entity))
            return entity_too_many(connection, "entities", list->no_room);
    }
    return vendor_accept(connection, STEP_API);
}

/* --- fields --- */

static const char *const comparable[] = {"BETWEEN", "EQUAL_TO"};
static const char *const equal[] = {"EQUAL_TO"};
static const char *const true_or_false[] = {"true", "false"};

static const struct entity_type types[] = {
    {.type = "array"},
    {.type = "boolean", .operators = LIST(equal), .values = LIST(true_or_false)},
    {.type = "datetime", .operators = LIST(comparable), .is_time = true},
    {.type = "object"},
    {.operators = LIST(comparable)},
};

static const struct entity_types all_types = LIST(types);

/* "2024-01-31", and what may follow a date. */
static bool is_date(struct str text)
{
    static const char form[] = "0000-00-00";
    if (text.len < sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == '-' ? text.data[i] != '-' : !ascii_is_digit(text.data[i]))
            return false;
    }
    return true;
}

static struct str type_of(const struct value *value)
{
    if (value->kind == VALUE_STRUCTURE)
        return STR("object");
    if (value->kind == VALUE_LIST)
        return STR("array");
    if (value->kind == VALUE_BOOLEAN)
        return STR("boolean");
    if (value->kind == VALUE_INTEGER || value->kind == VALUE_DOUBLE)
        return STR("number");
    return value->kind == VALUE_STRING && is_date(value->text) ? STR("datetime") : STR("string");
}

struct object_fields {
    struct entity_fields *fields;
    struct arena scratch; /* of one field */
};

static bool add_field(struct object_fields *read, struct str within, struct str name,
                      const struct value *value)
{
    arena_reset(&read->scratch);
    struct entity_field field = {
        .name = arena_printf(&read->scratch, "%.*s%s%.*s", STR_ARG(within),
                             within.len > 0 ? "." : "", STR_ARG(name)),
        .type = type_of(value),
        .nullable = true,
    };
    entity_field_set_type(&all_types, true, &field);
    return entity_fields_add(read->fields, entity_field_value(&read->scratch, ROLE_SOURCE, &field));
}

/* An object's members, and those of its members, which queries name by a path with dots. */
static bool add_members(struct object_fields *read, struct str within, const struct value *object)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct value *value = object->items[i];
        if (!add_field(read, within, object->names[i], value))
            return false;
        if (within.len == 0 && value->kind == VALUE_STRUCTURE &&
            !add_members(read, object->names[i], value))
            return false;
    }
    return true;
}

static bool read_object(struct vendor_connection *connection, const struct value *object,
                        struct entity_fields *fields)
{
    struct object_fields read = {
        .fields = fields,
        .scratch = {.kind = ARENA_PLAIN, .meter = vendor_config(connection)->arena->meter}};
    bool fits = add_members(&read, STR(""), object);
    arena_done(&read.scratch);
    return fits ? vendor_accept(connection, STEP_API)
                : entity_too_many(connection, "fields", fields->no_room);
}

bool infornexus_describe(struct vendor_connection *connection, const struct entity_query *query,
                         struct entity_fields *fields)
{
    static const struct connector_call call = {
        .method = "GET", .path = "/rest/3.1/{entity.name}/query?limit=1", .needs = "/resultInfo"};
    struct vendor_response response;
    entity_scope_set(connection, query->name, query->name);
    if (!vendor_call(connection, &call, &response))
        return vendor_verdict(connection).status == 404 &&
               entity_absent(connection, query->name, "is no type of objects here");
    const struct value *object = pointer_find(response.json, "/result/0");
    if (!object || object->kind != VALUE_STRUCTURE)
        return entity_absent(connection, query->name,
                             "has no object yet, from which its fields could be seen");
    return read_object(connection, object, fields);
}
