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
    /* Requests without valid credentials are answered as to an "Anonymous user". */
    {STEP_API, .status = 200, .at = "/user/id", .absent = true, .kind = VERDICT_REJECTED,
     .hint = "The response is that for an anonymous visitor. Get a new access token.",
     .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "The access token is expired, revoked or of another account. Get a new one.",
     .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 403, .at = "/description", .contains = "scope", .kind = VERDICT_FORBIDDEN,
     .hint = "Give the access token the scopes read and write.", .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Ask an administrator to check the role of the token's user.",
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check the subdomain in instanceUrl.", .causes = CAUSE_ADDRESS},
    {STEP_API, .status = 409, .kind = VERDICT_BUSY, .hint = "Try again.", .causes = CAUSE_BUSY},
};

static const char *const errors[] = {"/error"};

static const struct http_connector http = {
    .api = LIST(instance),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
};

const struct connector connector_zendesk = {
    .type = STR("Zendesk"),
    .key = STR("Zendesk"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .ops = &http_ops,
    .http = &http,
};
