/* Where a profile's calls go: base URLs from its properties, the vendor's own hosts, the operator's
 * endpoint map, and what came with a token. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "connector/http/http_connector.h"
#include "connector/http/template.h"
#include "connector/http/verify.h"
#include "connector/url.h"

struct endpoint {
    struct url url;
    const struct connector_call *probe; /* what proves credentials there; NULL: the usual probes */
};

/* The first URL that applies. `env` is NULL when only the form matters. ERR_VALIDATION when a
 * property makes no URL, or none applies. */
bool endpoint_choose(const struct connector_env *env, const struct connector *connector,
                     const struct connector_urls *urls, const struct scope *scope,
                     struct arena *arena, struct endpoint *ret_endpoint, struct error *error);

/* The whole URL of an OAuth token endpoint. */
bool endpoint_token_url(const struct connector_env *env, const struct connector *connector,
                        const struct connector_oauth2 *oauth2, const struct scope *scope,
                        struct arena *arena, struct str *ret_url, struct error *error);

/* Where the API is for these tokens: their instance_url when there is one that may be used, else as
 * the properties say. */
bool endpoint_api(const struct connector_env *env, const struct connector *connector,
                  const struct scope *scope, const struct oauth_tokens *tokens, struct arena *arena,
                  struct endpoint *ret_endpoint, struct error *error);

/* A token's instance_url is used when it is https within the vendor's domains, or the origin that
 * the configuration leads to anyway: nothing is sent to a third host because an answer says so. */
bool endpoint_is_trusted(const struct connector_env *env, const struct connector *connector,
                         const struct scope *scope, struct str instance_url, struct arena *arena,
                         struct url *ret_url);
