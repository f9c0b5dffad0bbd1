/* Origins say who receives credentials. Without TLS nobody proves to be the host that is meant, and
 * the way that leads there counts as well. */
#include "profile/receivers.h"

#include "wire/restjson.h"

struct receivers {
    struct str *origins;
    size_t count;
};

static struct receivers receivers_of(const struct profile_change *change,
                                     const struct value *properties)
{
    struct receivers receivers;
    connector_origins(change->context->connectors, change->connector, properties, change->arena,
                      &receivers.origins, &receivers.count);
    return receivers;
}

static bool same_origins(const struct receivers *a, const struct receivers *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = str_eq(a->origins[i], b->origins[i]);
    return same;
}

static bool all_prove_themselves(const struct receivers *receivers)
{
    for (size_t i = 0; i < receivers->count; i++) {
        if (!str_starts(receivers->origins[i], STR("https:")))
            return false;
    }
    return true;
}

static bool same_way(const struct profile_change *change, const struct profile *current,
                     const struct value *old_properties)
{
    const struct connector *connector = change->connector;
    const struct value *properties = change->config.properties;
    const char *service = connector->http->private_service,
               *tokens = connector->http->private_tokens;
    if (change->is_private != str_eq(current->connection_mode, STR("Private")))
        return false;
    if (!change->is_private)
        return true;
    bool same_service =
        !service || str_eq(value_text(properties, service), value_text(old_properties, service));
    bool same_tokens = !tokens || value_flag(properties, tokens, false) ==
                                      value_flag(old_properties, tokens, false);
    return same_service && same_tokens;
}

bool profile_same_receivers(const struct profile_change *change, const struct profile *current)
{
    struct value *before;
    bool same_mode = change->is_private == str_eq(current->connection_mode, STR("Private"));
    if (same_mode && str_eq(change->profile.properties, current->properties))
        return true; /* as stored, which is how a deployment tool mostly sends them again */
    if (!json_parse(current->properties, change->arena, &before))
        return false;
    const struct value *old_properties = before->count > 0 ? before->items[0] : before;
    struct receivers old = receivers_of(change, old_properties);
    struct receivers new = receivers_of(change, change->config.properties);
    return same_origins(&old, &new) &&
           (all_prove_themselves(&new) || same_way(change, current, old_properties));
}
