/* The API's ConnectorConfiguration and ConnectorDetail of registered connectors. */
#include "api/registered_connector.h"

#include "connector/catalogue.h"
#include "wire/api_ids.h"
#include "wire/restjson.h"

/* Of an own connector, as seen from the real service. */
#define REGISTERED_BY STR("CUSTOM")
#define PROVISIONING_TYPE STR("LAMBDA")

/* By reference: the members are written, and not changed. */
static void put_members(struct arena *arena, struct value *structure, const struct value *from)
{
    for (size_t i = 0; i < from->count; i++)
        value_put(arena, structure, from->names[i].data, from->items[i]);
}

static bool has_mode(const struct value *configuration, struct str mode)
{
    const struct value *modes = value_get(configuration, "connectorModes");
    for (size_t i = 0; modes && i < modes->count; i++) {
        if (str_eq(modes->items[i]->text, mode))
            return true;
    }
    return false;
}

/* A connector cannot declare them: they are those of its type. */
static struct value *destinations(struct arena *arena)
{
    const struct connector_texts *types =
        &connector_by_type(CUSTOM_CONNECTOR)->catalogue->destinations;
    struct value *list = value_list(arena);
    for (size_t i = 0; i < types->count; i++)
        value_append(arena, list, value_string(arena, str_from(types->rows[i])));
    return list;
}

static struct value *provisioning(struct arena *arena, struct str function_arn)
{
    struct value *config = value_structure(arena), *lambda = value_structure(arena);
    value_put_text(arena, lambda, "lambdaArn", function_arn);
    value_put(arena, config, "lambda", lambda);
    return config;
}

struct value *registered_configuration(struct arena *arena, const struct registration *registration)
{
    const struct value *declared = registration->configuration.api;
    const struct connector_row *row = &registration->row;
    struct value *configuration = value_structure(arena);
    value_put_flag(arena, configuration, "canUseAsSource", has_mode(declared, STR("SOURCE")));
    value_put_flag(arena, configuration, "canUseAsDestination",
                   has_mode(declared, STR("DESTINATION")));
    value_put(arena, configuration, "supportedDestinationConnectors", destinations(arena));
    value_put_flag(arena, configuration, "isPrivateLinkEnabled", false);
    value_put_flag(arena, configuration, "isPrivateLinkEndpointUrlRequired", false);
    value_put_text(arena, configuration, "connectorType", CUSTOM_CONNECTOR);
    value_put_text(arena, configuration, "connectorLabel", row->key.label);
    value_put_text(arena, configuration, "connectorDescription",
                   value_text(declared, "connectorName"));
    put_members(arena, configuration, declared);
    value_put_text(arena, configuration, "connectorProvisioningType", PROVISIONING_TYPE);
    value_put(arena, configuration, "connectorProvisioningConfig",
              provisioning(arena, row->function_arn));
    value_put_time(arena, configuration, "registeredAt", row->registered_at_ms);
    value_put_text(arena, configuration, "registeredBy", REGISTERED_BY);
    return configuration;
}

bool registered_detail(struct arena *arena, const struct connector_row *row,
                       struct value **ret_detail)
{
    struct value *summary, *detail = value_structure(arena);
    struct error error;
    if (!restjson_decode_stored(&api_shapes[API_SHAPE_ConnectorDetail], row->summary, arena,
                                &summary, &error))
        return false;
    value_put_text(arena, detail, "connectorDescription", row->description);
    put_members(arena, detail, summary);
    value_put_text(arena, detail, "applicationType", value_text(summary, "connectorName"));
    value_put_text(arena, detail, "connectorType", CUSTOM_CONNECTOR);
    value_put_text(arena, detail, "connectorLabel", row->key.label);
    value_put_time(arena, detail, "registeredAt", row->registered_at_ms);
    value_put_text(arena, detail, "registeredBy", REGISTERED_BY);
    value_put_text(arena, detail, "connectorProvisioningType", PROVISIONING_TYPE);
    *ret_detail = detail;
    return true;
}
