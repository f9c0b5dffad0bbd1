/* Building the API's ConnectorEntityField. */
#include "connector/entity_field.h"

#include "connector/entities.h"

static void put_texts(struct arena *arena, struct value *structure, const char *name,
                      const struct connector_texts *texts)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < texts->count; i++)
        value_append(arena, list, value_string(arena, str_from(texts->rows[i])));
    value_put(arena, structure, name, list);
}

static struct value *type_details(struct arena *arena, const struct entity_field *field)
{
    struct value *details = value_structure(arena), *v1 = value_structure(arena);
    value_put_text(arena, v1, "fieldType", field->type.data ? field->type : STR(""));
    put_texts(arena, v1, "filterOperators", &field->operators);
    put_texts(arena, v1, "supportedValues", &field->values);
    value_put(arena, details, "v1", v1);
    return details;
}

static struct value *source_properties(struct arena *arena, const struct entity_field *field)
{
    struct value *properties = value_structure(arena);
    value_put_flag(arena, properties, "isRetrievable", !field->is_hidden);
    value_put_flag(arena, properties, "isQueryable", field->operators.count > 0);
    if (field->is_time)
        value_put_flag(arena, properties, "isTimestampFieldForIncrementalQueries", true);
    return properties;
}

static struct value *destination_properties(struct arena *arena, const struct entity_field *field)
{
    struct value *properties = value_structure(arena);
    value_put_flag(arena, properties, "isCreatable", field->creatable);
    value_put_flag(arena, properties, "isNullable", field->nullable);
    value_put_flag(arena, properties, "isUpsertable", field->upsertable);
    value_put_flag(arena, properties, "isUpdatable", field->updatable);
    if (field->defaulted)
        value_put_flag(arena, properties, "isDefaultedOnCreate", true);
    put_texts(arena, properties, "supportedWriteOperations", &field->writes);
    return properties;
}

struct value *entity_field_value(struct arena *arena, unsigned roles,
                                 const struct entity_field *field)
{
    struct value *value = value_structure(arena);
    struct str label = field->label.len > 0 ? field->label : field->name;
    struct str description = field->description.len > 0 ? field->description : label;
    value_put_text(arena, value, "identifier", field->name);
    value_put_text(arena, value, "label", entity_text(arena, label, ENTITY_LABEL_MAX));
    if (field->is_key)
        value_put_flag(arena, value, "isPrimaryKey", true);
    value_put(arena, value, "supportedFieldTypeDetails", type_details(arena, field));
    value_put_text(arena, value, "description",
                   entity_text(arena, description, ENTITY_DESCRIPTION_MAX));
    if (roles & ROLE_SOURCE)
        value_put(arena, value, "sourceProperties", source_properties(arena, field));
    if (roles & ROLE_DESTINATION)
        value_put(arena, value, "destinationProperties", destination_properties(arena, field));
    return value;
}
