/* Reads what a sandbox file says of its vendor's records: their entities, and the forms in which
 * the vendor writes values. */
#include "sandbox/records/load_records.h"
#include "base/embedded.h"
#include "sandbox/records/maker.h"
#include "sandbox/records/sample_time.h"
#include "wire/restjson.h"

static const struct member_rule records_members[] = {
    {"numbers", VALUE_STRING, true},      {"ids", VALUE_STRING, true},
    {"time", VALUE_STRING, true},         {"day", VALUE_STRING, true},
    {"described", VALUE_STRUCTURE, true}, {"types", VALUE_STRUCTURE, true},
    {"fields", VALUE_STRUCTURE, false},   {"entities", VALUE_STRUCTURE, true},
};

/* Those of connectors, which describe what no call of the vendor does: connectors/meson.build. */
extern const struct embedded_file entity_schemas[];
extern const size_t entity_schemas_count;

static const struct member_rule described_members[] = {
    {"schema", VALUE_STRING, false},    {"read", VALUE_STRING, false},
    {"list", VALUE_STRING, true},       {"name", VALUE_STRING, true},
    {"type", VALUE_STRING, true},       {"nullable", VALUE_STRING, false},
    {"required", VALUE_STRING, false},  {"filterable", VALUE_STRING, false},
    {"sortable", VALUE_STRING, false},  {"length", VALUE_STRING, false},
    {"precision", VALUE_STRING, false}, {"scale", VALUE_STRING, false},
    {"choices", VALUE_STRING, false},   {"refers", VALUE_STRING, false},
    {"label", VALUE_STRING, false},     {"creatable", VALUE_STRING, false},
    {"updatable", VALUE_STRING, false}, {"defaulted", VALUE_STRING, false},
    {"unique", VALUE_STRING, false},    {"external", VALUE_STRING, false},
};

static const struct member_rule entity_members[] = {
    {"described", VALUE_STRING, false}, {"schema", VALUE_STRING, false},
    {"rows", VALUE_INTEGER, false},     {"ids", VALUE_STRING, false},
    {"fields", VALUE_STRUCTURE, false}, {"refused", VALUE_STRING, false},
    {"numbers", VALUE_STRING, false},   {"time", VALUE_STRING, false},
    {"day", VALUE_STRING, false},
};

static const char *const number_names[] = {
    [NUMBERS_PLAIN] = "plain",
    [NUMBERS_DOUBLE] = "double",
    [NUMBERS_QUOTED] = "quoted",
    [NUMBERS_TEXT] = "text",
};

static const char *const id_names[] = {
    [IDS_CHECKED] = "checked",
    [IDS_NUMBER] = "number",
    [IDS_HEX] = "hex",
    [IDS_DIGITS] = "digits",
};

/* The place of `name` among the names. */
static bool find_name(const struct reader *reader, struct str where, const char *const *names,
                      size_t count, struct str name, size_t *ret_at)
{
    for (*ret_at = 0; *ret_at < count; (*ret_at)++)
        if (str_eq(str_from(names[*ret_at]), name))
            return true;
    return reader_fail(reader, where, "there is no \"%.*s\".", STR_ARG(name));
}

/* Those that are given; all others stay. */
static bool load_forms(const struct reader *reader, struct str where, const struct value *value,
                       struct sample_forms *forms)
{
    struct str numbers = value_text(value, "numbers"), time = value_text(value, "time"),
               day = value_text(value, "day");
    size_t found;
    if (numbers.data) {
        if (!find_name(reader, reader_in(reader, where, STR("numbers")), number_names,
                       sizeof(number_names) / sizeof(number_names[0]), numbers, &found))
            return false;
        forms->numbers = (enum sample_numbers)found;
    }
    forms->time = time.data ? time : forms->time;
    forms->day = day.data ? day : forms->day;
    return (sample_time_form_is_fit(forms->time) && sample_time_form_is_fit(forms->day)) ||
           reader_fail(reader, where, "time and day must be forms such as %%Y-%%m-%%d.");
}

static bool load_ids(const struct reader *reader, struct str where, const struct value *value,
                     struct sample_forms *forms)
{
    size_t ids;
    if (!find_name(reader, reader_in(reader, where, STR("ids")), id_names,
                   sizeof(id_names) / sizeof(id_names[0]), value_text(value, "ids"), &ids))
        return false;
    forms->ids = (enum sample_ids)ids;
    return true;
}

/* An entity with forms of its own has a set of its own, with the same entities. */
static bool load_own_forms(const struct reader *reader, struct str where, const struct value *value,
                           struct sample_entity *entity)
{
    struct sample_set *own = arena_new(reader->arena, struct sample_set);
    *own = *entity->set;
    entity->set = own;
    return load_forms(reader, where, value, &own->forms);
}

/* The JSON of a response. */
static bool load_response_json(const struct reader *reader, struct str where, struct str name,
                               const struct value **ret_value)
{
    const struct sandbox_response *response;
    struct value *value;
    if (!reader_response(reader, where, name, &response))
        return false;
    if (response->template || !json_parse(response->body, reader->arena, &value))
        return reader_fail(reader, where, "the response must be JSON without placeholders.");
    *ret_value = value;
    return true;
}

/* The entity of the connector's schema (connectors/NAME/entities.json). */
static bool load_schema_entity(const struct reader *reader, struct str where, struct str schema,
                               struct str entity, const struct value **ret_value)
{
    struct value *value = NULL;
    for (size_t i = 0; i < entity_schemas_count; i++)
        if (str_eq(entity_schemas[i].name, schema) &&
            !json_parse(entity_schemas[i].content, reader->arena, &value))
            return reader_fail(reader, where, "the schema is not JSON.");
    const struct value *list = value ? value_get(value, "entities") : NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        *ret_value = list->items[i];
        if (str_eq(value_text(*ret_value, "name"), entity))
            return true;
    }
    return reader_fail(reader, where, "there is no response and no schema that describes it.");
}

static bool load_description(const struct reader *reader, struct str where,
                             const struct value *records, const struct value *value,
                             struct str entity, const struct value **ret_value)
{
    struct str response = value_text(value, "described"), schema = value_text(value, "schema");
    return response.data ? load_response_json(reader, reader_in(reader, where, STR("described")),
                                              response, ret_value)
                         : load_schema_entity(reader, where,
                                              value_text(value_get(records, "described"), "schema"),
                                              schema.data ? schema : entity, ret_value);
}

static bool load_entity(const struct reader *reader, struct str where, const struct value *records,
                        const struct value *value, struct sample_entity *entity)
{
    const struct value *description = NULL;
    const struct field_rules rules = {
        .members = value_get(records, "described"),
        .own = value_get(value, "fields"),
        .common = value_get(records, "fields"),
        .types = value_get(records, "types"),
    };
    if (!READER_CHECK(reader, where, value, entity_members))
        return false;
    entity->refused = value_text(value, "refused");
    if (entity->refused.data)
        return true;
    int64_t rows = value_integer(value, "rows", 0);
    if (rows < 1 || rows > SAMPLE_ROWS_MAX)
        return reader_fail(reader, where, "rows must be 1 to %d.", SAMPLE_ROWS_MAX);
    if (!load_own_forms(reader, where, value, entity))
        return false;
    entity->rows = (size_t)rows;
    entity->ids = value_text(value, "ids");
    entity->seed = maker_seed(0, entity->name);
    if (!entity->ids.data)
        entity->ids = STR("");
    return load_description(reader, where, records, value, entity->name, &description) &&
           load_fields(reader, where, description, &rules, entity);
}

/* What is loaded into tables is the client's. */
static bool has_own_records(const struct sandbox_response *response)
{
    return response->records && response->records->dialect < RECORDS_COPY_INTO;
}

bool load_records(struct reader *reader, const struct value *value)
{
    struct str where = STR("records");
    const struct vendor *vendor = reader->vendor;
    for (size_t i = 0; i < vendor->response_count && !value; i++)
        if (has_own_records(&vendor->responses[i]))
            return reader_fail(reader, where, "is missing: responses are made of them.");
    if (!value)
        return true;
    if (!READER_CHECK(reader, where, value, records_members) ||
        !READER_CHECK(reader, reader_in(reader, where, STR("described")),
                      value_get(value, "described"), described_members))
        return false;
    struct sample_set *set = arena_new(reader->arena, struct sample_set);
    const struct value *map = value_get(value, "entities");
    where = reader_in(reader, where, STR("entities"));
    if (!load_forms(reader, STR("records"), value, &set->forms) ||
        !load_ids(reader, STR("records"), value, &set->forms) ||
        !reader_check_map(reader, where, map, VALUE_STRUCTURE))
        return false;
    struct sample_entity *entities = arena_array(reader->arena, struct sample_entity, map->count);
    set->entities = entities;
    set->entity_count = map->count;
    for (size_t i = 0; i < map->count; i++) {
        entities[i].name = map->names[i];
        entities[i].set = set;
        if (!load_entity(reader, reader_in(reader, where, map->names[i]), value, map->items[i],
                         &entities[i]))
            return false;
    }
    reader->vendor->records = set;
    return true;
}
