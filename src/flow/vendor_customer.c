/* A key has a line for each of its parts, none of which may have a line break. */
#include "flow/vendor_customer.h"

#include "connector/connector.h"
#include "connector/http/http_connector.h"

struct str vendor_customer_key(const struct connector *connector, struct str host,
                               const struct profile_key *profile, struct arena *arena)
{
    struct str name = connector_name(connector, arena);
    struct str key = arena_printf(arena, "%.*s\n%.*s\n%.*s", STR_ARG(profile->account),
                                  STR_ARG(name), STR_ARG(host));
    if (connector->http && connector->http->quota.is_hosts)
        return key;
    return arena_printf(arena, "%.*s\n%.*s\n%.*s", STR_ARG(key), STR_ARG(profile->region),
                        STR_ARG(profile->name));
}

struct str vendor_customers_prefix(struct str account, struct arena *arena)
{
    return arena_printf(arena, "%.*s\n", STR_ARG(account));
}

struct vendor_customer vendor_customer_of(struct str key)
{
    struct vendor_customer customer = {0};
    struct str rest = key, of_profile = STR_NULL;
    bool ok = str_cut(rest, '\n', &customer.account, &rest) &&
              str_cut(rest, '\n', &customer.connector, &rest);
    if (!ok || !str_cut(rest, '\n', &customer.host, &of_profile))
        customer.host = rest;
    else if (!str_cut(of_profile, '\n', &customer.region, &customer.profile))
        customer.region = of_profile;
    return customer;
}
