/* What every connector's description says of its entities is held against the API's model: calls,
 * pointers, operators that its own tasks may use, write operations, and the schemas' files. */
#include "cmocka_all.h"

#include "connector/connector.h"
#include "connector/http/entity_source.h"
#include "wire/api_ids.h"
#include "wire/json_value.h"
#include "wire/shape.h"

#include <string.h>

static struct arena arena;

static bool is_value_of(const struct shape *shape, struct str text)
{
    for (size_t i = 0; i < shape->enum_count; i++) {
        if (str_eq(shape->enum_values[i], text))
            return true;
    }
    return false;
}

/* Flows name operators under the connector's own key. A destination has none of its own: there any
 * of the API's will do. */
static const struct shape *operators_of(const struct connector *connector)
{
    const struct shape *of_all = &api_shapes[API_SHAPE_ConnectorOperator];
    const struct shape_member *member = shape_find_member(of_all, connector->key);
    return member ? &api_shapes[member->shape] : shape_by_name(STR("Operator"));
}

static void check_operators(const struct connector *connector, const struct connector_texts *words)
{
    for (size_t i = 0; i < words->count; i++) {
        struct str word = str_from(words->rows[i]);
        if (!is_value_of(operators_of(connector), word))
            fail_msg("%.*s has no operator %.*s", STR_ARG(connector->type), STR_ARG(word));
    }
}

static void check_pointer(const char *pointer)
{
    assert_true(!pointer || *pointer == '\0' || *pointer == '/');
}

static void check_items(const struct entity_items *items)
{
    const struct entity_pages *pages = &items->pages;
    bool follows = pages->kind == PAGES_CURSOR || pages->kind == PAGES_LINK;
    assert_true(items->call.method && items->call.path && items->call.path[0] == '/');
    assert_non_null(items->at);
    check_pointer(items->at);
    check_pointer(items->where.at);
    assert_true(!follows == !pages->next);
    assert_true(!pages->total || pages->kind == PAGES_OFFSET);
    assert_true(pages->kind == PAGES_NONE || follows || pages->size > 0);
}

static void check_fields(const struct entity_field_source *source)
{
    const struct entity_flag flags[] = {
        source->is_key,     source->is_hidden, source->queryable,
        source->is_time,    source->creatable, source->updatable,
        source->upsertable, source->nullable,  source->defaulted,
    };
    check_items(&source->items);
    assert_non_null(source->name);
    assert_non_null(source->type);
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
        check_pointer(flags[i].at);
    for (size_t i = 0; i < source->writes.count; i++) {
        const struct connector_texts *words = &source->writes.rows[i].operations;
        for (size_t j = 0; j < words->count; j++)
            assert_true(
                is_value_of(shape_by_name(STR("WriteOperationType")), str_from(words->rows[j])));
    }
}

static void descriptions(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct connector_entities *entities =
            connector->http ? connector->http->entities : NULL;
        if (!entities)
            continue;
        assert_true(connector_has_entities(connector));
        assert_true(entities->schema || entities->list || entities->lists.count > 0);
        assert_true(entities->schema || entities->describe || entities->fields.count > 0);
        for (size_t j = 0; j < entities->types.count; j++)
            check_operators(connector, &entities->types.rows[j].operators);
        for (size_t j = 0; j < entities->lists.count; j++) {
            check_items(&entities->lists.rows[j].items);
            assert_non_null(entities->lists.rows[j].name);
        }
        for (size_t j = 0; j < entities->fields.count; j++)
            check_fields(&entities->fields.rows[j]);
        for (size_t j = 0; j < entities->checks.count; j++)
            assert_true(entities->checks.rows[j].of && entities->checks.rows[j].call.path);
    }
}

/* --- schemas --- */

static void check_members(const struct value *value, const char *const *allowed)
{
    assert_int_equal(value->kind, VALUE_STRUCTURE);
    for (size_t i = 0; i < value->count; i++) {
        bool known = false;
        for (size_t j = 0; allowed[j]; j++)
            known = known || str_eq(value->names[i], str_from(allowed[j]));
        if (!known)
            fail_msg("no member %.*s", STR_ARG(value->names[i]));
    }
}

static void check_texts(const struct value *list)
{
    for (size_t i = 0; list && i < list->count; i++)
        assert_int_equal(list->items[i]->kind, VALUE_STRING);
}

static void check_field(const struct connector *connector, const struct value *field)
{
    static const char *const members[] = {
        "name", "label", "description", "type",   "filter", "values", "writes",    "key",
        "read", "time",  "create",      "update", "upsert", "null",   "defaulted", NULL};
    const struct value *filter = value_get(field, "filter"), *writes = value_get(field, "writes");
    check_members(field, members);
    assert_true(entity_name_is_fit(value_text(field, "name")));
    assert_true(value_text(field, "type").len > 0);
    check_texts(value_get(field, "values"));
    for (size_t i = 0; filter && i < filter->count; i++)
        assert_true(is_value_of(operators_of(connector), filter->items[i]->text));
    for (size_t i = 0; writes && i < writes->count; i++)
        assert_true(is_value_of(shape_by_name(STR("WriteOperationType")), writes->items[i]->text));
}

static void check_schema(const struct connector *connector, const struct value *schema)
{
    static const char *const members[] = {"source", "entities", NULL};
    static const char *const of_entity[] = {"name",   "label", "group",  "within",
                                            "nested", "of",    "fields", NULL};
    const struct value *entities = value_get(schema, "entities");
    check_members(schema, members);
    assert_true(str_starts(value_text(schema, "source"), STR("https://")));
    for (size_t i = 0; i < entities->count; i++) {
        const struct value *entity = entities->items[i], *fields = value_get(entity, "fields");
        check_members(entity, of_entity);
        assert_true(entity_name_is_fit(value_text(entity, "name")));
        assert_true(fields || value_flag(entity, "nested", false));
        for (size_t j = 0; fields && j < fields->count; j++)
            check_field(connector, fields->items[j]);
    }
}

static void schemas(void **state)
{
    (void)state;
    size_t found = 0;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct connector_entities *entities =
            connector->http ? connector->http->entities : NULL;
        struct value *schema;
        if (!entities || !entities->schema)
            continue;
        struct str text = entity_schema_text(entities->schema);
        if (!text.data || !json_parse(text, &arena, &schema))
            fail_msg("%s: no entities.json, or it is none", entities->schema);
        check_schema(connector, schema);
        found++;
    }
    assert_true(found > 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptions),
        cmocka_unit_test(schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
