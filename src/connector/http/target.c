/* Resolving the target of a declarative connector. The order is fixed: the scope first (properties,
 * and what the connector derives from them), since every template is filled from it; then each list
 * of URLs, once; then the origins. The credentials choose one of the connector's methods of
 * authentication later, once they are known; the token URL of each method is resolved already, as
 * it counts as a recipient whichever method is chosen. */
#include "connector/http/target.h"

static const struct connector_urls *account_urls(const struct http_connector *http)
{
    for (size_t i = 0; i < http->probes.count; i++) {
        if (http->probes.rows[i].account)
            return http->probes.rows[i].account;
    }
    return NULL;
}

/* STR_NULL when it cannot be called. */
static struct str token_url(struct arena *arena, const struct endpoint *endpoint, const char *path)
{
    if (!endpoint_use(endpoint, NULL))
        return STR_NULL;
    struct str base = url_text(arena, &endpoint->url);
    return path ? arena_printf(arena, "%.*s%s", STR_ARG(base), path) : base;
}

static void choose_endpoints(struct target *target)
{
    const struct http_connector *http = target->connector->http;
    const struct connector_urls *account = account_urls(http);
    struct http_target *own = target->http;
    endpoint_choose(target, &http->api, &own->scope, &own->api);
    if (account)
        endpoint_choose(target, account, &own->scope, &own->account);
    own->tokens = arena_array(target->arena, struct endpoint, http->auth.count);
    own->token_urls = arena_array(target->arena, struct str, http->auth.count);
    for (size_t i = 0; i < http->auth.count; i++) {
        const struct connector_oauth2 *oauth2 = http->auth.rows[i].oauth2;
        if (!oauth2)
            continue;
        endpoint_choose(target, &oauth2->token_urls, &own->scope, &own->tokens[i]);
        own->token_urls[i] = token_url(target->arena, &own->tokens[i], oauth2->token_path);
    }
}

/* Which method authenticates depends on the credentials, so the token URL of each counts. */
static void collect_origins(struct target *target)
{
    const struct http_connector *http = target->connector->http;
    const struct http_target *own = target->http;
    struct str *origins = arena_array(target->arena, struct str, http->auth.count + 1);
    size_t count = 0;
    if (endpoint_use(&own->api, NULL))
        origins[count++] = url_text(target->arena, &own->api.url);
    for (size_t i = 0; i < http->auth.count; i++) {
        if (own->token_urls[i].data)
            origins[count++] = own->token_urls[i];
    }
    target_set_origins(target, origins, count);
}

static void choose_route(struct target *target)
{
    const struct http_connector *http = target->connector->http;
    const struct scope *scope = &target->http->scope;
    if (http->private_service)
        target->private_service = scope_text(target->arena, scope, http->private_service);
    target->tokens_are_public =
        http->private_tokens && !scope_allows(target->arena, scope, http->private_tokens, "true");
}

void http_resolve(struct target *target)
{
    struct error error;
    target->http = arena_new(target->arena, struct http_target);
    *target->http = (struct http_target){0};
    if (!scope_make(target->connector, target->properties, NULL, target->arena,
                    &target->http->scope, &error)) {
        target->fault = error_keep(target->arena, &error);
        return;
    }
    choose_endpoints(target);
    collect_origins(target);
    choose_route(target);
}

void http_choose_auth(struct target *target)
{
    struct http_target *own = target->http;
    if (target->fault)
        return;
    own->scope.credentials = target->credentials;
    own->auth = auth_choose(target->arena, target->connector, &own->scope);
    if (!own->auth || !own->auth->oauth2)
        return;
    size_t row = (size_t)(own->auth - target->connector->http->auth.rows);
    own->material = oauth2_material(target->arena, own->auth->oauth2, &own->scope);
    own->token = &own->tokens[row];
    own->token_url = own->token_urls[row];
}

bool target_trusts(const struct target *target, struct str instance_url, struct url *ret_url)
{
    const struct http_connector *http = target->connector->http;
    const struct endpoint *api = &target->http->api;
    if (!str_contains(instance_url, STR("://")) ||
        !url_parse(target->arena, instance_url, NULL, ret_url, NULL))
        return false;
    return (endpoint_use(api, NULL) && url_same_origin(ret_url, &api->url)) ||
           endpoint_keep_host(ret_url, &http->hosts) ||
           endpoint_keep_host(ret_url, &http->instances);
}

void target_api(const struct target *target, const struct oauth_tokens *tokens,
                struct endpoint *ret_endpoint)
{
    struct url url;
    *ret_endpoint = target->http->api;
    if (tokens->instance_url.data && target_trusts(target, tokens->instance_url, &url))
        *ret_endpoint = (struct endpoint){.url = url};
}

bool http_needs_grant(const struct target *target, unsigned grants)
{
    const struct http_target *http = target->http;
    const struct connector_oauth2 *oauth2 = http && http->auth ? http->auth->oauth2 : NULL;
    return oauth2 && http->material.access_token.len == 0 &&
           oauth2_grants(oauth2, &http->material, grants) != 0 &&
           oauth2_grants(oauth2, &http->material, ~grants) == 0;
}
