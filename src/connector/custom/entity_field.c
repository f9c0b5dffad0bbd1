/* The contract's field as the API's ConnectorEntityField. A member that the connector does not give
 * is left out, but for flags, which are false, and filter operators, which the type has. */
#include "connector/custom/entities.h"

#include "connector/connector.h"
#include "connector/filter_operators.h"

enum { /* of the API's model */
       CUSTOM_PROPERTIES_MAX = 50,
       CUSTOM_NAME_MAX = 128,
       CUSTOM_VALUE_MAX = 2048,
};

static const char *const groups[] = {"CONTAINS"};

/* FieldDefinition of both SDKs; Struct and ByteArray have none. */
static const struct {
    const char *type;
    struct connector_texts operators;
} operators_of_types[] = {
    {"Integer", LIST(filter_numbers)},
    {"Float", LIST(filter_numbers)},
    {"Double", LIST(filter_numbers)},
    {"Long", LIST(filter_numbers)},
    {"Short", LIST(filter_numbers)},
    {"BigInteger", LIST(filter_numbers)},
    {"BigDecimal", LIST(filter_numbers)},
    {"Date", LIST(filter_times)},
    {"DateTime", LIST(filter_times)},
    {"String", LIST(filter_texts)},
    {"Boolean", LIST(filter_equal)},
    {"Map", LIST(groups)},
    {"List", LIST(groups)},
};

static struct value *usual_operators(struct arena *arena, struct str type)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < sizeof(operators_of_types) / sizeof(*operators_of_types); i++) {
        if (!str_eq(type, str_from(operators_of_types[i].type)))
            continue;
        const struct connector_texts *operators = &operators_of_types[i].operators;
        for (size_t j = 0; j < operators->count; j++)
            value_append(arena, list, value_string(arena, str_from(operators->rows[j])));
    }
    return list;
}

bool custom_field_takes(const struct value *field, struct str operation)
{
    const struct value *given = value_get(field, "filterOperators");
    struct str type = value_text(field, "dataType");
    for (size_t i = 0; given && i < given->count; i++) {
        if (given->items[i]->kind == VALUE_STRING && str_eq(given->items[i]->text, operation))
            return true;
    }
    for (size_t i = 0; i < sizeof(operators_of_types) / sizeof(*operators_of_types); i++) {
        if (!given && str_eq(type, str_from(operators_of_types[i].type)))
            return connector_texts_have(&operators_of_types[i].operators, operation);
    }
    return false;
}

/* NULL puts nothing. The value is written and not changed. */
static void put_given(struct arena *arena, struct value *structure, const char *name,
                      const struct value *given)
{
    if (given)
        value_put(arena, structure, name, (struct value *)given);
}

static void put_flag(struct arena *arena, struct value *structure, const char *name,
                     const struct value *given)
{
    value_put_flag(arena, structure, name, value_flag(given, name, false));
}

/* The contract's list, or an empty one. */
static void put_list(struct arena *arena, struct value *structure, const char *name,
                     const struct value *given)
{
    put_given(arena, structure, name, given ? given : value_list(arena));
}

static void put_range(struct arena *arena, struct value *structure, const char *name,
                      const struct value *given)
{
    if (!given)
        return;
    struct value *range = value_structure(arena);
    put_given(arena, range, "maximum", value_get(given, "maxRange"));
    put_given(arena, range, "minimum", value_get(given, "minRange"));
    value_put(arena, structure, name, range);
}

static struct value *type_details(struct arena *arena, const struct value *field)
{
    struct value *details = value_structure(arena), *v1 = value_structure(arena);
    const struct value *constraints = value_get(field, "constraints");
    const struct value *operators = value_get(field, "filterOperators");
    struct str type = value_text(field, "dataType");
    value_put_text(arena, v1, "fieldType", type);
    put_given(arena, v1, "filterOperators", operators ? operators : usual_operators(arena, type));
    put_list(arena, v1, "supportedValues", value_get(constraints, "allowedValues"));
    value_put_text(arena, v1, "valueRegexPattern",
                   value_text(constraints, "allowedValuesRegexPattern"));
    value_put_text(arena, v1, "supportedDateFormat", value_text(constraints, "allowedDateFormat"));
    put_range(arena, v1, "fieldValueRange", value_get(constraints, "allowedValueRange"));
    put_range(arena, v1, "fieldLengthRange", value_get(constraints, "allowedLengthRange"));
    value_put(arena, details, "v1", v1);
    return details;
}

static struct value *source_properties(struct arena *arena, const struct value *read)
{
    struct value *properties = value_structure(arena);
    put_flag(arena, properties, "isRetrievable", read);
    put_flag(arena, properties, "isQueryable", read);
    put_flag(arena, properties, "isTimestampFieldForIncrementalQueries", read);
    return properties;
}

static struct value *destination_properties(struct arena *arena, const struct value *write)
{
    struct value *properties = value_structure(arena);
    put_flag(arena, properties, "isCreatable", write);
    put_flag(arena, properties, "isNullable", write);
    put_flag(arena, properties, "isUpsertable", write);
    put_flag(arena, properties, "isUpdatable", write);
    put_flag(arena, properties, "isDefaultedOnCreate", write);
    put_list(arena, properties, "supportedWriteOperations",
             value_get(write, "supportedWriteOperations"));
    return properties;
}

/* CustomProperties of the API's model maps names to texts; anything else has no place there. */
static void put_custom(struct arena *arena, struct value *value, const struct value *given)
{
    struct value *map = value_new(arena, VALUE_MAP);
    for (size_t i = 0; given && i < given->count && map->count < CUSTOM_PROPERTIES_MAX; i++) {
        const struct value *item = given->items[i];
        if (item->kind == VALUE_STRING && item->text.len <= CUSTOM_VALUE_MAX &&
            given->names[i].len <= CUSTOM_NAME_MAX)
            value_put(arena, map, arena_cstr(arena, given->names[i]), given->items[i]);
    }
    if (map->count > 0)
        value_put(arena, value, "customProperties", map);
}

struct value *custom_field_value(struct arena *arena, const struct value *field)
{
    struct value *value = value_structure(arena);
    struct str name = value_text(field, "fieldName"), label = value_text(field, "label");
    struct str description = value_text(field, "description");
    const struct value *read = value_get(field, "readProperties");
    const struct value *write = value_get(field, "writeProperties");
    label = label.len > 0 ? label : name;
    description = description.len > 0 ? description : label;
    value_put_text(arena, value, "identifier", name);
    value_put_text(arena, value, "label", entity_text(arena, label, ENTITY_LABEL_MAX));
    put_flag(arena, value, "isPrimaryKey", field);
    value_put_text(arena, value, "defaultValue", value_text(field, "defaultValue"));
    put_flag(arena, value, "isDeprecated", field);
    value_put(arena, value, "supportedFieldTypeDetails", type_details(arena, field));
    value_put_text(arena, value, "description",
                   entity_text(arena, description, ENTITY_DESCRIPTION_MAX));
    if (read)
        value_put(arena, value, "sourceProperties", source_properties(arena, read));
    if (write)
        value_put(arena, value, "destinationProperties", destination_properties(arena, write));
    put_custom(arena, value, value_get(field, "customProperties"));
    return value;
}
