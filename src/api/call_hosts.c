/* The configuration's unions name the connector, and its properties lead to the hosts. */
#include "api/call_hosts.h"

/* The connector and its properties, which may be left out where there are none. */
static const struct connector *read_union(const struct value *config, struct arena *arena,
                                          const struct value **ret_properties)
{
    const struct value *properties = value_get(config, "connectorProfileProperties");
    const struct value *credentials = value_get(config, "connectorProfileCredentials");
    bool named = properties && properties->count == 1;
    const struct value *one_of = named ? properties : credentials;
    if (!one_of || one_of->count != 1)
        return NULL;
    *ret_properties = named ? one_of->items[0] : value_structure(arena);
    return connector_by_key(one_of->names[0]);
}

struct str request_hosts(const struct api_request *request)
{
    const struct value *config = value_get(request->input, "connectorProfileConfig");
    bool later = str_eq(value_text(request->input, "connectionMode"), STR("Private"));
    const struct value *properties;
    if (!config || later)
        return STR_NULL;
    const struct connector *connector = read_union(config, request->arena, &properties);
    if (!connector)
        return STR("unknown");
    return connector_hosts(&request->service->connectors, connector, properties, request->arena);
}
