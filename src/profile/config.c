/* Rules across the members of connectorProfileConfig that no single constraint can say. */
#include "profile/config.h"

#include "base/buf.h"
#include "base/encode.h"
#include "wire/api_ids.h"

enum { PROPERTIES_JSON_MAX = 512 * 1024 }; /* a body's bytes, each escaped at worst as two */

/* What the model gives as this connector's properties; NULL when it has none at all. */
static const struct shape *properties_shape(const struct connector *connector)
{
    const struct shape *properties = &api_shapes[API_SHAPE_ConnectorProfileProperties];
    for (size_t i = 0; i < properties->member_count; i++) {
        if (str_eq(properties->members[i].name, connector->key))
            return &api_shapes[properties->members[i].shape];
    }
    return NULL;
}

/* Clients that leave out empty structures (Terraform's "custom_connector {}") send an empty union
 * where every member of the connector's structure is optional. */
static bool may_be_empty(const struct shape *properties)
{
    for (size_t i = 0; i < properties->member_count; i++) {
        if (properties->members[i].required)
            return false;
    }
    return true;
}

static struct str list_keys(struct arena *arena, const struct value *one_of)
{
    struct buf keys = buf_in(arena, 1024);
    for (size_t i = 0; i < one_of->count; i++) {
        buf_add_cstr(&keys, i == 0 ? "" : i + 1 == one_of->count ? " and " : ", ");
        buf_add(&keys, one_of->names[i]);
    }
    return buf_str(&keys);
}

static bool read_union(const struct value *one_of, const char *member,
                       const struct connector *connector, struct str owner, struct arena *arena,
                       const struct value **ret_value, struct error *error)
{
    if (one_of->count == 0)
        return fail(error, ERR_VALIDATION,
                    "%s is empty; give exactly one connector, %.*s, since %.*s is for it.", member,
                    STR_ARG(connector->key), STR_ARG(owner));
    if (one_of->count > 1)
        return fail(error, ERR_VALIDATION,
                    "%s has %.*s; give exactly one connector, %.*s, since %.*s is for it.", member,
                    STR_ARG(list_keys(arena, one_of)), STR_ARG(connector->key), STR_ARG(owner));
    if (!str_eq(one_of->names[0], connector->key))
        return fail(error, ERR_VALIDATION, "%s is for %.*s, but %.*s is for %.*s.", member,
                    STR_ARG(one_of->names[0]), STR_ARG(owner), STR_ARG(connector->key));
    *ret_value = one_of->items[0];
    return true;
}

bool profile_config_read(const struct value *config, const struct connector *connector,
                         struct str owner, struct arena *arena, struct profile_config *ret_config,
                         struct error *error)
{
    const struct value *properties = value_get(config, "connectorProfileProperties");
    const struct value *credentials = value_get(config, "connectorProfileCredentials");
    const struct shape *shape = properties_shape(connector);
    *ret_config = (struct profile_config){0};
    if (properties->count == 0 && shape && may_be_empty(shape))
        ret_config->properties = value_structure(arena);
    else if (!read_union(properties, "connectorProfileProperties", connector, owner, arena,
                         &ret_config->properties, error))
        return false;
    return !credentials || read_union(credentials, "connectorProfileCredentials", connector, owner,
                                      arena, &ret_config->credentials, error);
}

struct str profile_config_properties_json(struct arena *arena, const struct connector *connector,
                                          const struct value *properties)
{
    struct buf json = buf_in(arena, PROPERTIES_JSON_MAX);
    buf_add_char(&json, '{');
    encode_json_string(&json, connector->key);
    buf_add_char(&json, ':');
    value_encode(&json, properties);
    buf_add_char(&json, '}');
    return buf_str(&json);
}
