/* A short list of names with their addresses, searched from its beginning. */
#include "net/private_routes.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct private_routes {
    size_t count;
    struct private_route rows[];
};

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    return text.len > 0 && text.len <= PRIVATE_ROUTE_NAME_MAX;
}

static bool is_ipv6(struct str text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.len < 4 || text.len > sizeof(copy) || text.data[0] != '[' ||
        text.data[text.len - 1] != ']')
        return false;
    memcpy(copy, text.data + 1, text.len - 2);
    copy[text.len - 2] = '\0';
    return inet_pton(AF_INET6, copy, &address) == 1;
}

/* Nothing in it that libcurl's list of such hosts would read as more than a host. */
static bool is_host(struct str text)
{
    if (is_ipv6(text))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!(ascii_is_alnum(c) || c == '.' || c == '-' || c == '_'))
            return false;
    }
    return text.len > 0 && text.len <= PRIVATE_ROUTE_HOST_MAX;
}

static bool read_route(const char *text, struct private_route *route)
{
    struct str address;
    unsigned long long port = 0;
    if (!str_cut(str_from(text), '=', &route->name, &address) || !is_name(route->name))
        return false;
    const char *colon = strrchr(address.data, ':');
    if (!colon || !str_to_u64(str_from(colon + 1), 65535, &port) || port == 0)
        return false;
    route->host = (struct str){address.data, (size_t)(colon - address.data)};
    if (!is_host(route->host))
        return false;
    snprintf(route->connect_to, sizeof(route->connect_to), "::%.*s:%llu", STR_ARG(route->host),
             port);
    return true;
}

static bool fill(struct private_routes *routes, const char *const *texts, size_t count,
                 struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct private_route *route = &routes->rows[i];
        if (!read_route(texts[i], route))
            return fail(error, ERR_VALIDATION,
                        "The private route %s is not NAME=HOST:PORT, with the name of a "
                        "PrivateLink service or of a host.",
                        texts[i]);
        if (private_routes_find(routes, route->name))
            return fail(error, ERR_VALIDATION, "There are two private routes for %.*s.",
                        STR_ARG(route->name));
        routes->count++;
    }
    return true;
}

bool private_routes_new(const char *const *texts, size_t count, struct private_routes **ret_routes,
                        struct error *error)
{
    if (count > PRIVATE_ROUTES_MAX)
        return fail(error, ERR_VALIDATION, "There are %zu private routes; at most %d are taken.",
                    count, PRIVATE_ROUTES_MAX);
    struct private_routes *routes = xcalloc(1, sizeof(*routes) + count * sizeof(routes->rows[0]));
    if (!fill(routes, texts, count, error)) {
        private_routes_free(routes);
        return false;
    }
    *ret_routes = routes;
    return true;
}

void private_routes_free(struct private_routes *routes)
{
    free(routes);
}

const struct private_route *private_routes_find(const struct private_routes *routes,
                                                struct str name)
{
    for (size_t i = 0; routes && i < routes->count; i++) {
        if (str_eq_nocase(routes->rows[i].name, name))
            return &routes->rows[i];
    }
    return NULL;
}
