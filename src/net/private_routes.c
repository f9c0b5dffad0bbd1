/* A short list of routes, searched from its beginning. */
#include "net/private_routes.h"

#include "base/alloc.h"
#include "base/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACCOUNT_DIGITS = 12 };

#define FORM "[ACCOUNT:]NAME[@CALLED]=[http://]HOST:PORT"

/* How AWS names endpoint services, and the model's pattern for privateLinkServiceName. */
static const struct str service_prefix = STR("com.amazonaws.vpce.");
static const struct str every_account = STR("*");

struct private_routes {
    size_t count;
    struct private_route rows[];
};

static bool is_service(struct str name)
{
    return name.len > service_prefix.len &&
           str_eq_nocase((struct str){name.data, service_prefix.len}, service_prefix);
}

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

static bool is_pattern(struct str text)
{
    struct str rest = text;
    if (str_starts(text, STR("*.")))
        rest = (struct str){text.data + 2, text.len - 2};
    return is_host(rest);
}

/* What is before the first colon is an account if it is "*" or digits; names have colons, too. */
static bool read_account(struct str *text, struct str *ret_account)
{
    struct str account, rest;
    if (!str_cut(*text, ':', &account, &rest))
        return true;
    bool digits = str_is_digits(account);
    if (!digits && !str_eq(account, every_account))
        return true;
    *ret_account = account;
    *text = rest;
    return !digits || account.len == ACCOUNT_DIGITS;
}

static bool read_names(struct str text, struct private_route *route)
{
    if (!read_account(&text, &route->account))
        return false;
    route->name = text;
    if (str_cut(text, '@', &route->name, &route->called) && !is_pattern(route->called))
        return false;
    return is_name(route->name);
}

static bool read_address(struct str text, struct private_route *route)
{
    static const struct str http = STR("http://");
    unsigned long long port = 0;
    route->plain = str_starts(text, http);
    if (route->plain)
        text = (struct str){text.data + http.len, text.len - http.len};
    const char *colon = memrchr(text.data, ':', text.len);
    if (!colon || !str_to_u64(str_from(colon + 1), 65535, &port) || port == 0)
        return false;
    route->host = (struct str){text.data, (size_t)(colon - text.data)};
    if (!is_host(route->host))
        return false;
    snprintf(route->connect_to, sizeof(route->connect_to), "::%.*s:%llu", STR_ARG(route->host),
             port);
    return true;
}

static bool read_route(const char *text, struct private_route *route, struct error *error)
{
    struct str names, address;
    if (!str_cut(str_from(text), '=', &names, &address) || !read_names(names, route) ||
        !read_address(address, route))
        return fail(error, ERR_VALIDATION,
                    "The private route %s is not " FORM ", with the name of a PrivateLink service "
                    "or of a host.",
                    text);
    if (route->plain && !route->called.data && is_service(route->name))
        return fail(error, ERR_VALIDATION,
                    "The private route %s needs the host that is called, NAME@CALLED: without TLS "
                    "no certificate proves it.",
                    text);
    if (!route->called.data && !is_service(route->name))
        route->called = route->name;
    return true;
}

static bool same_names(const struct private_route *a, const struct private_route *b)
{
    return str_eq(a->account, b->account) && str_eq_nocase(a->name, b->name) &&
           str_eq_nocase(a->called, b->called);
}

static bool is_repeated(const struct private_routes *routes, const struct private_route *route)
{
    for (size_t i = 0; i < routes->count; i++) {
        if (same_names(&routes->rows[i], route))
            return true;
    }
    return false;
}

static bool fill(struct private_routes *routes, const char *const *texts, size_t count,
                 struct str account, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        struct private_route *route = &routes->rows[i];
        route->account = account;
        if (!read_route(texts[i], route, error))
            return false;
        if (is_repeated(routes, route))
            return fail(error, ERR_VALIDATION, "There are two private routes for %.*s.",
                        STR_ARG(route->name));
        routes->count++;
    }
    return true;
}

bool private_routes_new(const char *const *texts, size_t count, struct str account,
                        struct private_routes **ret_routes, struct error *error)
{
    if (count > PRIVATE_ROUTES_MAX)
        return fail(error, ERR_VALIDATION, "There are %zu private routes; at most %d are taken.",
                    count, PRIVATE_ROUTES_MAX);
    struct private_routes *routes = xcalloc(1, sizeof(*routes) + count * sizeof(routes->rows[0]));
    if (!fill(routes, texts, count, account, error)) {
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

static bool serves(const struct private_route *route, struct str account, struct str service,
                   struct str host)
{
    if (!str_eq(route->account, account) && !str_eq(route->account, every_account))
        return false;
    if (!str_eq_nocase(route->name, service.len > 0 ? service : host))
        return false;
    return !route->called.data || url_host_matches(host, route->called);
}

const struct private_route *private_routes_find(const struct private_routes *routes,
                                                struct str account, struct str service,
                                                struct str host)
{
    for (size_t i = 0; routes && i < routes->count; i++) {
        if (serves(&routes->rows[i], account, service, host))
            return &routes->rows[i];
    }
    return NULL;
}
