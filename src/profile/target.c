/* Resolving the targets of profiles. */
#include "profile/target.h"

#include "connector/connector.h"
#include "profile/registration.h"
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

struct target *profile_target_of_input(const struct profile_context *context, struct str account,
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
                       .account = account,
                   },
                   arena);
    return target;
}

static bool find_connector(const struct profile_context *context, struct store_reader *reader,
                           const struct profile *profile, struct arena *arena,
                           const struct connector **ret_connector, struct error *error)
{
    struct connector_key key = {profile->key.account, profile->key.region,
                                profile->connector_label};
    if (!registration_connector(context, reader, profile->connector_type, key, arena, ret_connector,
                                error))
        return false;
    if (!*ret_connector && key.label.len > 0)
        return registration_fail_removed(key.label, error);
    return (*ret_connector && connector_is_built(*ret_connector)) ||
           fail(error, ERR_INTERNAL, "The profile is for a connector unknown here.");
}

bool profile_target_of_row(const struct profile_context *context, struct store_reader *reader,
                           const struct profile *profile, struct arena *arena,
                           struct target *ret_target, struct error *error)
{
    const struct connector *connector;
    struct value *properties;
    if (!find_connector(context, reader, profile, arena, &connector, error))
        return false;
    if (!json_parse(profile->properties, arena, &properties))
        return fail(error, ERR_INTERNAL, "The profile's properties cannot be read.");
    target_resolve(ret_target,
                   &(struct target_source){
                       .connector = connector,
                       .env = context->connectors,
                       .properties = properties->count > 0 ? properties->items[0] : properties,
                       .private_routes = routes_of(context, profile->connection_mode),
                       .account = profile->key.account,
                   },
                   arena);
    return true;
}
