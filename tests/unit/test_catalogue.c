/* The catalogue's entries against the API's model: every type has one, and says nothing that the
 * model does not know or contradicts. */
#include "cmocka_all.h"

#include "connector/catalogue.h"
#include "connector/http/http_connector.h"
#include "wire/api_ids.h"
#include "wire/output_check.h"
#include "wire/restjson.h"
#include "wire/value.h"

static const struct shape *part_of(uint16_t shape, const struct connector *connector)
{
    const struct shape *all = &api_shapes[shape];
    for (size_t i = 0; i < all->member_count; i++) {
        if (str_eq(all->members[i].name, connector->key))
            return &api_shapes[all->members[i].shape];
    }
    return NULL;
}

static bool has_member(const struct shape *shape, const char *name)
{
    for (size_t i = 0; shape && i < shape->member_count; i++) {
        if (str_eq(shape->members[i].name, str_from(name)))
            return true;
    }
    return false;
}

static bool lists(const struct catalogue_entry *entry, struct str type)
{
    for (size_t i = 0; i < entry->destinations.count; i++) {
        if (str_eq(str_from(entry->destinations.rows[i]), type))
            return true;
    }
    return false;
}

static size_t count_of(const struct value *config, const char *name)
{
    const struct value *list = value_get(config, name);
    assert_non_null(list);
    return list->count;
}

/* Member names, types, enum values, patterns and lengths, as the server's own walker reads them. */
static void every_configuration_is_the_models(void **state)
{
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        struct buf json = buf_in(&arena, 64 * 1024), answer = buf_in(&arena, 64 * 1024);
        struct error error = {0};
        struct value *read, *output = value_structure(&arena);
        struct value *config = catalogue_configuration(&arena, connector);
        value_encode(&json, config);
        if (!restjson_decode(&api_shapes[API_SHAPE_ConnectorConfiguration], buf_str(&json), &arena,
                             &read, &error))
            fail_msg("%s: %s", connector->type.data, error.message);
        value_put(&arena, output, "connectorConfiguration", config);
        value_encode(&answer, output);
        if (!output_check(&api_operations[API_OP_DescribeConnector], buf_str(&answer), &arena,
                          &error))
            fail_msg("%s: %s", connector->type.data, error.message);
        assert_int_equal(read->count, config->count);
    }
    arena_done(&arena);
}

static void details_are_the_models(void **state)
{
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        struct buf json = buf_in(&arena, 64 * 1024);
        struct error error = {0};
        struct value *read;
        value_encode(&json, catalogue_detail(&arena, connector_at(i)));
        if (!restjson_decode(&api_shapes[API_SHAPE_ConnectorDetail], buf_str(&json), &arena, &read,
                             &error))
            fail_msg("%s: %s", connector_at(i)->type.data, error.message);
        assert_int_equal(read->count, 3);
    }
    arena_done(&arena);
}

/* Each source has operators in the model, and each that has operators is a source. */
static void sources_have_operators(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct shape *operators = part_of(API_SHAPE_ConnectorOperator, connector);
        assert_int_equal(operators != NULL, !!(connector->roles & ROLE_SOURCE));
        assert_true(!operators || operators->enum_count > 0);
    }
}

/* In both directions: what a source lists can be written to, and each destination is listed, and
 * nothing is listed twice. */
static void destinations_are_consistent(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct connector_texts *rows = &connector->catalogue->destinations;
        size_t listed_by = 0;
        assert_int_equal(rows->count > 0, !!(connector->roles & ROLE_SOURCE));
        for (size_t j = 0; j < rows->count; j++) {
            const struct connector *to = connector_by_type(str_from(rows->rows[j]));
            if (!to || !(to->roles & ROLE_DESTINATION))
                fail_msg("%s: %s is no destination", connector->type.data, rows->rows[j]);
            for (size_t k = 0; k < j; k++)
                assert_string_not_equal(rows->rows[k], rows->rows[j]);
        }
        for (size_t j = 0; j < connector_count(); j++)
            listed_by += lists(connector_at(j)->catalogue, connector->type);
        if ((listed_by > 0) != !!(connector->roles & ROLE_DESTINATION))
            fail_msg("%s is listed by %zu", connector->type.data, listed_by);
        assert_true(!(connector->roles & ROLE_SOURCE) || lists(connector->catalogue, STR("S3")));
    }
}

/* A source can be polled; a schedule has frequencies, and frequencies belong to a schedule. */
static void triggers_go_with_frequencies(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct catalogue_entry *entry = connector->catalogue;
        assert_int_equal(entry->frequencies != 0, !!(entry->triggers & TRIGGER_SCHEDULED));
        if (connector->roles & ROLE_SOURCE) {
            assert_true(entry->triggers & TRIGGER_ON_DEMAND);
            assert_true(entry->frequencies & FREQUENCY_ONCE);
        }
    }
}

/* The members of a connector's structure are the model's, each has values, and none is left out for
 * which values are documented. */
static void metadata_is_the_models(void **state)
{
    (void)state;
    size_t with_scopes = 0;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct shape *shape = part_of(API_SHAPE_ConnectorMetadata, connector);
        for (size_t j = 0; j < connector->catalogue->metadata.count; j++) {
            const struct catalogue_metadata *row = &connector->catalogue->metadata.rows[j];
            if (!has_member(shape, row->member))
                fail_msg("%s: no member %s", connector->type.data, row->member);
            assert_true(row->values.count > 0);
            with_scopes += str_eq(str_from(row->member), STR("oAuthScopes"));
        }
    }
    assert_int_equal(with_scopes, 4);
}

static void private_services_are_the_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct shape *shape = part_of(API_SHAPE_ConnectorProfileProperties, connector);
        assert_int_equal(connector->catalogue->needs_private_service,
                         has_member(shape, "privateLinkServiceName"));
        assert_true(connector->modes & MODE_PRIVATE ||
                    !connector->catalogue->needs_private_service);
    }
}

/* The API reference's sample, as far as its values are still those of the model. */
static void the_documented_sample(void **state)
{
    struct arena arena = {0};
    (void)state;
    const struct connector *connector = connector_by_type(STR("Salesforce"));
    struct value *config = catalogue_configuration(&arena, connector);
    const struct value *metadata = value_get(config, "connectorMetadata");
    assert_true(value_flag(config, "canUseAsSource", false));
    assert_true(value_flag(config, "canUseAsDestination", false));
    assert_true(value_flag(config, "isPrivateLinkEnabled", false));
    assert_false(value_flag(config, "isPrivateLinkEndpointUrlRequired", true));
    assert_int_equal(count_of(config, "supportedSchedulingFrequencies"), 6);
    assert_int_equal(count_of(config, "supportedTriggerTypes"), 3);
    assert_int_equal(count_of(config, "supportedDestinationConnectors"), 12);
    assert_int_equal(metadata->count, 1);
    assert_int_equal(count_of(value_get(metadata, "Salesforce"), "oAuthScopes"), 3);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_configuration_is_the_models),
        cmocka_unit_test(details_are_the_models),
        cmocka_unit_test(sources_have_operators),
        cmocka_unit_test(destinations_are_consistent),
        cmocka_unit_test(triggers_go_with_frequencies),
        cmocka_unit_test(metadata_is_the_models),
        cmocka_unit_test(private_services_are_the_models),
        cmocka_unit_test(the_documented_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
