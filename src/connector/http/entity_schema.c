/* Entities that a connector's entities.json has: the published schema of a vendor that has no call
 * for it.
 *
 *     {"source": "https://vendor.example/docs/api",
 *      "entities": [{"name": "tickets", "label": "Tickets", "fields": [
 *          {"name": "id", "type": "Integer", "key": true, "filter": ["EQUAL_TO"]}]}]}
 *
 * docs/internals/entities.md has all members; a test reads every file. */
#include "connector/http/entity_source.h"

#include "base/embedded.h"
#include "connector/connector.h"
#include "wire/json_value.h"

extern const struct embedded_file entity_schemas[];
extern const size_t entity_schemas_count;

struct str entity_schema_text(const char *name)
{
    for (size_t i = 0; name && i < entity_schemas_count; i++) {
        if (str_eq(entity_schemas[i].name, str_from(name)))
            return entity_schemas[i].content;
    }
    return STR_NULL;
}

static const struct value *read_entities(const struct connector_entities *entities,
                                         struct arena *arena)
{
    struct str text = entity_schema_text(entities->schema);
    struct value *schema;
    return text.data && json_parse(text, arena, &schema) ? value_get(schema, "entities") : NULL;
}

bool entity_schema_list(const struct connector_entities *entities, struct str within,
                        struct arena *arena, struct entity_list *list)
{
    const struct value *rows = read_entities(entities, arena);
    for (size_t i = 0; rows && i < rows->count; i++) {
        const struct value *row = rows->items[i];
        struct str group = value_text(row, "group"), parent = value_text(row, "within");
        const struct entity entity = {
            .group = group.data ? group : STR("Objects"),
            .name = value_text(row, "name"),
            .label = value_text(row, "label"),
            .nested = value_flag(row, "nested", false),
        };
        bool is_wanted = within.data ? str_eq(parent, within) : !parent.data;
        if (is_wanted && !entity_list_add(list, &entity))
            return false;
    }
    return true;
}

static struct connector_texts texts_of(const struct value *list, struct arena *arena)
{
    struct connector_texts texts = {0};
    if (!list || list->kind != VALUE_LIST)
        return texts;
    const char **rows = arena_array(arena, const char *, list->count);
    for (size_t i = 0; i < list->count; i++)
        rows[i] = arena_cstr(arena, list->items[i]->text);
    return (struct connector_texts){rows, list->count};
}

/* Operators are those of the type, unless the field has its own. */
static void set_type(const struct connector_entities *entities, const struct value *row,
                     struct arena *arena, struct entity_field *field)
{
    const struct value *filter = value_get(row, "filter");
    entity_field_set_type(&entities->types, true, field);
    if (filter)
        field->operators = texts_of(filter, arena);
    if (value_get(row, "values"))
        field->values = texts_of(value_get(row, "values"), arena);
    field->is_time = value_flag(row, "time", field->is_time);
}

static bool add_field(const struct connector_entities *entities, unsigned roles,
                      const struct value *row, struct arena *arena, struct entity_fields *fields)
{
    struct entity_field field = {
        .name = value_text(row, "name"),
        .label = value_text(row, "label"),
        .description = value_text(row, "description"),
        .type = value_text(row, "type"),
        .writes = texts_of(value_get(row, "writes"), arena),
        .is_key = value_flag(row, "key", false),
        .is_hidden = !value_flag(row, "read", true),
        .creatable = value_flag(row, "create", false),
        .updatable = value_flag(row, "update", false),
        .upsertable = value_flag(row, "upsert", false),
        .nullable = value_flag(row, "null", false),
        .defaulted = value_flag(row, "defaulted", false),
    };
    set_type(entities, row, arena, &field);
    return entity_fields_add(fields, entity_field_value(arena, roles, &field));
}

/* By its name, or as one of those that the row's `of` has the pattern of. */
static bool describes(const struct value *row, struct str name)
{
    struct str of = value_text(row, "of");
    return str_eq(value_text(row, "name"), name) || (of.len > 0 && entity_pattern_fits(of, name));
}

bool entity_schema_describe(const struct connector_entities *entities, unsigned roles,
                            struct str name, struct arena *arena, struct entity_fields *fields)
{
    const struct value *rows = read_entities(entities, arena);
    for (size_t i = 0; rows && i < rows->count; i++) {
        const struct value *of = value_get(rows->items[i], "fields");
        if (!describes(rows->items[i], name))
            continue;
        for (size_t j = 0; of && j < of->count; j++) {
            if (!add_field(entities, roles, of->items[j], arena, fields))
                return false;
        }
    }
    return true;
}
