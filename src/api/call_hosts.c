/* The configuration's unions name the connector, and its properties lead to the hosts. */
#include "api/call_hosts.h"

enum { HOSTS_MAX = 64 * 1024 };

/* "scheme://host:port" of a URL. */
static struct str origin_of(struct str url)
{
    size_t slashes = 0;
    for (size_t i = 0; i < url.len; i++) {
        slashes += url.data[i] == '/';
        if (slashes == 3)
            return (struct str){url.data, i};
    }
    return url;
}

/* The list is sorted, so what is equal stands together. */
static struct str join(struct arena *arena, const struct str *urls, size_t count)
{
    struct buf hosts = buf_in(arena, HOSTS_MAX);
    struct str previous = STR_NULL;
    for (size_t i = 0; i < count; i++) {
        struct str origin = origin_of(urls[i]);
        if (previous.data && str_eq(origin, previous))
            continue;
        if (previous.data)
            buf_add_char(&hosts, '\n');
        buf_add(&hosts, origin);
        previous = origin;
    }
    return buf_str(&hosts);
}

struct str hosts_of(const struct service *service, const struct connector *connector,
                    const struct value *properties, struct arena *arena)
{
    struct str *urls;
    size_t count;
    connector_origins(&service->connectors, connector, properties, arena, &urls, &count);
    return join(arena, urls, count);
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
    return hosts_of(request->service, connector, properties, request->arena);
}
