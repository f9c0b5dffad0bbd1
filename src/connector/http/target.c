/* Choosing among URLs. */
#include "connector/http/target.h"

#include <stdlib.h>
#include <string.h>

/* A template that is one place and nothing else holds a whole URL of the user's. */
static bool is_whole_placeholder(const char *template)
{
    size_t len = strlen(template);
    return len > 2 && template[0] == '{' && strchr(template, '}') == template + len - 1;
}

static bool is_vendors_own(const struct connector_url *row)
{
    return row->derived_host || strchr(row->url, '{') == NULL;
}

static struct str override_of(const struct connector_env *env, const struct connector *connector)
{
    if (!env || !env->endpoint_override)
        return STR_NULL;
    return env->endpoint_override(env->endpoint_context, connector->type);
}

/* "example.com" and "app.example.com" become "api.example.com" when the label is "api". */
static void put_label(struct arena *arena, const struct connector *connector, const char *label,
                      struct url *url)
{
    struct str wanted = str_from(label), first, rest;
    if (!label || !url_in_domains(url, &connector->http->domains) ||
        !str_cut(url->host, '.', &first, &rest) || str_eq(first, wanted))
        return;
    struct str base = str_eq(first, STR("app")) || str_eq(first, STR("www")) ? rest : url->host;
    url->host = arena_printf(arena, "%s.%.*s", label, STR_ARG(base));
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
    if (!url_parse(arena, before, NULL, name, ret_url, error))
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

static bool url_of_row(const struct connector_env *env, const struct connector *connector,
                       const struct connector_url *row, const struct scope *scope,
                       struct arena *arena, struct url *ret_url, struct error *error)
{
    struct str override = is_vendors_own(row) ? override_of(env, connector) : STR_NULL;
    if (override.data)
        return url_parse(arena, override, NULL, "The operator's endpoint", ret_url, error);
    if (env && row->closed)
        return fail(error, ERR_VALIDATION, "%s", row->closed);
    enum template_escape escape = is_whole_placeholder(row->url) ? ESCAPE_NONE : ESCAPE_HOST;
    struct str url = template_fill(arena, row->url, scope, escape);
    const char *name = row->given ? row->given : "connectorProfileProperties";
    if (row->exact)
        return parse_exact(arena, url, name, ret_url, error);
    if (!url_parse(arena, url, row->bare_domain, name, ret_url, error))
        return false;
    put_label(arena, connector, row->label, ret_url);
    drop_ending(ret_url, &row->drop);
    return true;
}

static bool row_applies(const struct connector_url *row, const struct scope *scope,
                        struct arena *arena)
{
    return scope_allows(arena, scope, row->given, NULL) &&
           scope_allows(arena, scope, row->flag, "true");
}

static bool is_at_vendor(const struct url *url, const struct connector *connector)
{
    return str_eq(url->scheme, STR("https")) && url_in_domains(url, &connector->http->domains);
}

bool endpoint_choose(const struct connector_env *env, const struct connector *connector,
                     const struct connector_urls *urls, const struct scope *scope,
                     struct arena *arena, struct endpoint *ret_endpoint, struct error *error)
{
    for (size_t i = 0; i < urls->count; i++) {
        const struct connector_url *row = &urls->rows[i];
        struct url url = {0};
        if (!row_applies(row, scope, arena))
            continue;
        if (!url_of_row(env, connector, row, scope, arena, &url, error))
            return false;
        if (row->vendor_hosts_only && !is_at_vendor(&url, connector))
            continue;
        *ret_endpoint = (struct endpoint){url, row->probe};
        return true;
    }
    const char *wanted = urls->count > 0 ? urls->rows[0].given : NULL;
    return fail(error, ERR_VALIDATION, "Validation exception: %s is needed for connector: %.*s",
                wanted ? wanted : "An address", STR_ARG(connector->type));
}

bool endpoint_token_url(const struct connector_env *env, const struct connector *connector,
                        const struct connector_oauth2 *oauth2, const struct scope *scope,
                        struct arena *arena, struct str *ret_url, struct error *error)
{
    struct endpoint endpoint;
    if (!endpoint_choose(env, connector, &oauth2->token_urls, scope, arena, &endpoint, error))
        return false;
    struct str base = url_text(arena, &endpoint.url);
    *ret_url =
        arena_printf(arena, "%.*s%s", STR_ARG(base), oauth2->token_path ? oauth2->token_path : "");
    return true;
}

bool endpoint_is_trusted(const struct connector_env *env, const struct connector *connector,
                         const struct scope *scope, struct str instance_url, struct arena *arena,
                         struct url *ret_url)
{
    struct endpoint configured;
    if (!str_contains(instance_url, STR("://")) ||
        !url_parse(arena, instance_url, NULL, "instance_url", ret_url, NULL))
        return false;
    if (is_at_vendor(ret_url, connector))
        return true;
    return endpoint_choose(env, connector, &connector->http->api, scope, arena, &configured,
                           NULL) &&
           url_same_origin(ret_url, &configured.url);
}

bool endpoint_api(const struct connector_env *env, const struct connector *connector,
                  const struct scope *scope, const struct oauth_tokens *tokens, struct arena *arena,
                  struct endpoint *ret_endpoint, struct error *error)
{
    struct url url;
    if (tokens->instance_url.data &&
        endpoint_is_trusted(env, connector, scope, tokens->instance_url, arena, &url)) {
        *ret_endpoint = (struct endpoint){.url = url};
        return true;
    }
    return endpoint_choose(env, connector, &connector->http->api, scope, arena, ret_endpoint,
                           error);
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static size_t sort_without_repeats(struct str *list, size_t count)
{
    size_t kept = 0;
    qsort(list, count, sizeof(*list), by_bytes);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !str_eq(list[kept - 1], list[i]))
            list[kept++] = list[i];
    }
    return kept;
}

/* Which way of authenticating is taken depends on the credentials, so every way's token URL counts
 * that the properties make one for. */
void connector_origins(const struct connector_env *env, const struct connector *connector,
                       const struct value *properties, struct arena *arena,
                       struct str **ret_origins, size_t *ret_count)
{
    struct str *origins = arena_array(arena, struct str, connector->http->auth.count + 2);
    struct scope scope;
    struct endpoint api;
    size_t count = 0;
    if (connector->http->receiver)
        origins[count++] = connector->http->receiver(properties, arena);
    *ret_origins = origins;
    *ret_count = 0;
    if (!scope_make(connector, properties, NULL, arena, &scope, NULL))
        return;
    if (endpoint_choose(env, connector, &connector->http->api, &scope, arena, &api, NULL))
        origins[count++] = url_origin(arena, &api.url);
    for (size_t i = 0; i < connector->http->auth.count; i++) {
        const struct connector_oauth2 *oauth2 = connector->http->auth.rows[i].oauth2;
        struct str url;
        if (oauth2 && endpoint_token_url(env, connector, oauth2, &scope, arena, &url, NULL))
            origins[count++] = url;
    }
    *ret_count = sort_without_repeats(origins, count);
}

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

struct str connector_hosts(const struct connector_env *env, const struct connector *connector,
                           const struct value *properties, struct arena *arena)
{
    struct str *urls;
    size_t count;
    connector_origins(env, connector, properties, arena, &urls, &count);
    return join(arena, urls, count);
}
