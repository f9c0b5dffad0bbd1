/* Resolving the targets of profiles. */
#include "profile/target.h"

#include "connector/connector.h"
#include "wire/restjson.h"

static const struct private_routes *routes_of(const struct profile_context *context,
                                              struct str connection_mode)
{
    return str_eq(connection_mode, STR("Private")) ? context->private_routes : NULL;
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

struct target *profile_target_of_input(const struct profile_context *context,
                                       const struct value *input, struct arena *arena)
{
    const struct value *properties;
    const struct connector *connector =
        read_union(value_get(input, "connectorProfileConfig"), arena, &properties);
    if (!connector)
        return NULL;
    struct target *target = arena_new(arena, struct target);
    target_resolve(target,
                   &(struct target_source){
                       .connector = connector,
                       .env = context->connectors,
                       .properties = properties,
                       .private_routes = routes_of(context, value_text(input, "connectionMode")),
                   },
                   arena);
    return target;
}

bool profile_target_of_row(const struct profile_context *context, const struct profile *profile,
                           struct arena *arena, struct target *ret_target, struct error *error)
{
    const struct connector *connector = connector_find(
        profile->connector_type, profile->connector_label, profile->key.account, arena);
    struct value *properties;
    if (!connector || !connector_is_built(connector))
        return fail(error, ERR_INTERNAL, "The profile is for a connector unknown here.");
    if (!json_parse(profile->properties, arena, &properties))
        return fail(error, ERR_INTERNAL, "The profile's properties cannot be read.");
    target_resolve(ret_target,
                   &(struct target_source){
                       .connector = connector,
                       .env = context->connectors,
                       .properties = properties->count > 0 ? properties->items[0] : properties,
                       .private_routes = routes_of(context, profile->connection_mode),
                   },
                   arena);
    return true;
}
