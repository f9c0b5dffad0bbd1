/* Zendesk: an OAuth token, ready or for an authorization code; the own user proves it. */
#include "connector/http/http_connector.h"

static const struct connector_url instance[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .bare_domain = "zendesk.com"},
};

/* A refresh token has no member in the credentials, but a code may bring one: then the access
 * token expires, and a renewal replaces both. */
static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(instance),
             .token_path = "/oauth/tokens",
             .json = true,
             .scope = "read write",
         }},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/api/v2/users/me.json", .needs = "/user/id"},
};

static const struct connector_rule rules[] = {
    /* Who shows nothing, or something that is not looked at, is greeted as "Anonymous user". */
    {STEP_API, .status = 200, .at = "/user/id", .absent = true, .kind = VERDICT_REJECTED,
     .hint = "The account answered as to an anonymous visitor. Get a new access token."},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "The access token is expired, revoked or of another account. Get a new one."},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Give the access token the scopes read and write."},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check the subdomain in instanceUrl."},
    {STEP_API, .status = 409, .kind = VERDICT_UNREACHABLE, .hint = "Try again."},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_grant", .kind = VERDICT_REJECTED,
     .hint = "An authorization code works once and soon expires, and redirectUri must be the one "
             "it was asked for with. Get a new code."},
};

static const struct http_connector http = {
    .api = LIST(instance),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
};

const struct connector connector_zendesk = {
    .type = STR("Zendesk"),
    .key = STR("Zendesk"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .ops = &http_ops,
    .http = &http,
};
