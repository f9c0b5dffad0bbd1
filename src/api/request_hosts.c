/* The configuration's unions name the connector, and its properties lead to the hosts; so do the
 * stored profile's. */
#include "api/request_hosts.h"

#include "store/profiles.h"
#include "wire/restjson.h"

static struct str hosts_of(struct api_request *request, const struct connector *connector,
                           const struct value *properties)
{
    return connector_hosts(&request->service->connectors, connector, properties, request->arena);
}

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

static struct str hosts_of_new_config(struct api_request *request)
{
    const struct value *config = value_get(request->input, "connectorProfileConfig");
    bool later = str_eq(value_text(request->input, "connectionMode"), STR("Private"));
    const struct value *properties;
    if (!config || later)
        return STR_NULL;
    const struct connector *connector = read_union(config, request->arena, &properties);
    return connector ? hosts_of(request, connector, properties) : STR("unknown");
}

/* A profile that does not exist leads nowhere, and its operation fails without a call. */
static bool hosts_of_stored_profile(struct api_request *request, struct str *ret_hosts)
{
    struct profile profile;
    struct value *properties;
    bool found = false;
    struct profile_key key = {request->caller.account, request->caller.region,
                              value_text(request->input, "connectorProfileName")};
    if (key.name.len == 0)
        return true;
    if (!profile_find(request->reader, request->arena, key, &profile, &found, &request->error))
        return false;
    const struct connector *connector = found ? connector_by_type(profile.connector_type) : NULL;
    if (!connector || !json_parse(profile.properties, request->arena, &properties) ||
        properties->count != 1)
        return true;
    *ret_hosts = hosts_of(request, connector, properties->items[0]);
    return true;
}

bool request_hosts_are_stored(const struct operation *operation)
{
    return operation->hosts == CALLS_STORED_PROFILE;
}

bool request_hosts(struct api_request *request, struct str *ret_hosts)
{
    *ret_hosts = STR_NULL;
    switch (request->operation->hosts) {
    case CALLS_NONE:
        break;
    case CALLS_NEW_CONFIG:
        *ret_hosts = hosts_of_new_config(request);
        break;
    case CALLS_STORED_PROFILE:
        return hosts_of_stored_profile(request, ret_hosts);
    }
    return true;
}
