/* Choosing among URLs: the first row that applies, made from the properties, or the operator's own
 * endpoint in its place. */
#include "connector/http/endpoint.h"

#include "connector/connector.h"

#include <stdlib.h>
#include <string.h>

/* A template that is one placeholder and nothing else holds a whole URL of the user's. */
static bool is_whole_placeholder(const char *template)
{
    size_t len = strlen(template);
    return len > 2 && template[0] == '{' && strchr(template, '}') == template + len - 1;
}

static bool is_vendors_own(const struct connector_url *row)
{
    return row->derived_host || strchr(row->url, '{') == NULL;
}

static struct str override_of(const struct target *target)
{
    const struct connector_env *env = target->env;
    if (!env || !env->endpoint_override)
        return STR_NULL;
    return env->endpoint_override(env->endpoint_context, target->connector->type);
}

bool endpoint_is_overridden(const struct target *target)
{
    return override_of(target).data != NULL;
}

/* The longest of the domains that the host is, or is within. STR_NULL: none. */
static struct str domain_of(const struct connector *connector, const struct url *url)
{
    struct str longest = STR_NULL;
    for (size_t i = 0; i < connector->http->domains.count; i++) {
        const struct connector_texts one = {&connector->http->domains.rows[i], 1};
        struct str domain = str_from(connector->http->domains.rows[i]);
        if (domain.len > longest.len && connector_url_in_domains(url, &one))
            longest = domain;
    }
    return longest;
}

/* With the label "api", "example.com", "app.example.com" and "acme.example.com" become
 * "api.example.com"; a host that begins with the label stays. */
static void put_label(struct arena *arena, const struct connector *connector, const char *label,
                      struct url *url)
{
    struct str domain = domain_of(connector, url), first, rest;
    if (!label || !domain.data ||
        (str_cut(url->host, '.', &first, &rest) && str_eq(first, str_from(label))))
        return;
    url->host = arena_printf(arena, "%s.%.*s", label, STR_ARG(domain));
}

/* People copy the address that the browser shows, which serves no API. */
static bool is_api_host(struct arena *arena, const struct connector_url *row, const struct url *url,
                        const char *name, struct error *error)
{
    struct str account = url->host;
    if (!row->pages || !str_ends(url->host, str_from(row->pages)))
        return true;
    account.len -= strlen(row->pages);
    struct str host = arena_printf(arena, "%.*s%s", STR_ARG(account), row->pages_api);
    return fail(error, ERR_VALIDATION,
                "Validation exception: %s names the host of the web pages, %.*s. Use the API's "
                "host: https://%.*s",
                name, STR_ARG(url->host), STR_ARG(host));
}

static void drop_ending(struct url *url, const struct connector_texts *drop)
{
    for (size_t i = 0; i < drop->count; i++) {
        struct str ending = str_from(drop->rows[i]);
        if (str_ends(url->path, ending))
            url->path.len -= ending.len;
    }
}

/* A slash at the end, or a query, may be all that tells an endpoint from its neighbour. */
static bool parse_exact(struct arena *arena, struct str text, const char *name, struct url *ret_url,
                        struct error *error)
{
    struct str before = text, query = STR_NULL;
    bool has_query = str_cut(text, '?', &before, &query);
    if (!connector_url_parse(arena, before, NULL, name, ret_url, error))
        return false;
    size_t slashes = 0;
    while (ret_url->path.len > 0 && before.data[before.len - 1 - slashes] == '/')
        slashes++;
    for (size_t i = 0; i < query.len; i++) {
        if (query.data[i] <= ' ' || query.data[i] > '~' || strchr("\"#<>\\^`{|}", query.data[i]))
            return fail(error, ERR_VALIDATION,
                        "Validation exception: %s has a character that no URL has.", name);
    }
    ret_url->path =
        arena_printf(arena, "%.*s%.*s%s%.*s", STR_ARG(ret_url->path), (int)slashes,
                     before.data + before.len - slashes, has_query ? "?" : "", STR_ARG(query));
    return true;
}

static bool own_url(const struct target *target, const struct connector_url *row,
                    const struct scope *scope, struct url *ret_url, struct error *error)
{
    struct arena *arena = target->arena;
    enum template_escape escape = is_whole_placeholder(row->url) ? ESCAPE_NONE : ESCAPE_HOST;
    struct str url = template_fill(arena, row->url, scope, escape);
    const char *name = row->given ? row->given : "connectorProfileProperties";
    if (row->exact)
        return parse_exact(arena, url, name, ret_url, error);
    if (!connector_url_parse(arena, url, row->bare_domain, name, ret_url, error) ||
        !is_api_host(arena, row, ret_url, name, error))
        return false;
    put_label(arena, target->connector, row->label, ret_url);
    drop_ending(ret_url, &row->drop);
    return true;
}

/* The row's own URL must be good also where the operator's endpoint replaces it: the same profile
 * is then valid on a server without that endpoint. */
static void read_row(const struct target *target, const struct connector_url *row,
                     const struct scope *scope, struct endpoint *endpoint)
{
    struct str override = is_vendors_own(row) ? override_of(target) : STR_NULL;
    struct error error;
    *endpoint = (struct endpoint){.row = override.data ? NULL : row, .probe = row->probe};
    bool usable = true;
    if (!own_url(target, row, scope, &endpoint->url, &error)) {
        endpoint->fault = error_keep(target->arena, &error);
        return;
    }
    if (override.data)
        usable = connector_url_parse(target->arena, override, NULL, "The operator's endpoint",
                                     &endpoint->url, &error);
    else if (row->closed)
        usable = fail(&error, ERR_VALIDATION, "%s", row->closed);
    if (!usable)
        endpoint->unusable = error_keep(target->arena, &error);
}

static bool row_applies(const struct connector_url *row, const struct scope *scope,
                        struct arena *arena)
{
    return scope_allows(arena, scope, row->given, NULL) &&
           scope_allows(arena, scope, row->flag, "true");
}

struct str endpoint_first_url(const struct connector_urls *urls, const struct scope *scope,
                              struct arena *arena)
{
    for (size_t i = 0; i < urls->count; i++) {
        if (row_applies(&urls->rows[i], scope, arena))
            return str_from(urls->rows[i].url);
    }
    return STR_NULL;
}

static bool is_https_at(const struct url *url, const struct connector_texts *hosts)
{
    for (size_t i = 0; str_eq(url->scheme, STR("https")) && i < hosts->count; i++) {
        if (url_host_matches(url->host, str_from(hosts->rows[i])))
            return true;
    }
    return false;
}

bool endpoint_keep_host(struct url *url, const struct connector_texts *hosts)
{
    if (!is_https_at(url, hosts))
        return false;
    url->port = 443;
    url->path = STR("");
    return true;
}

void endpoint_choose(const struct target *target, const struct connector_urls *urls,
                     const struct scope *scope, struct endpoint *ret_endpoint)
{
    struct error error;
    for (size_t i = 0; i < urls->count; i++) {
        const struct connector_url *row = &urls->rows[i];
        if (!row_applies(row, scope, target->arena))
            continue;
        read_row(target, row, scope, ret_endpoint);
        if (ret_endpoint->fault || !row->vendor_hosts_only ||
            endpoint_keep_host(&ret_endpoint->url, &target->connector->http->hosts))
            return;
    }
    const char *wanted = urls->count > 0 ? urls->rows[0].given : NULL;
    fail(&error, ERR_VALIDATION, "Validation exception: %s is needed for connector: %.*s",
         wanted ? wanted : "An address", STR_ARG(target->connector->type));
    *ret_endpoint = (struct endpoint){.fault = error_keep(target->arena, &error)};
}

static bool fail_as(struct error *error, const struct error *fault)
{
    return fail(error, fault->code, "%s", fault->message);
}

bool endpoint_check(const struct endpoint *endpoint, struct error *error)
{
    return !endpoint->fault || fail_as(error, endpoint->fault);
}

bool endpoint_use(const struct endpoint *endpoint, struct error *error)
{
    return endpoint_check(endpoint, error) &&
           (!endpoint->unusable || fail_as(error, endpoint->unusable));
}

bool endpoint_is_fixed(const struct endpoint *endpoint)
{
    const struct connector_url *row = endpoint->row;
    return !row || row->vendor_hosts_only || !strchr(row->url, '{');
}
