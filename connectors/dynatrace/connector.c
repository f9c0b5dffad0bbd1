/* Dynatrace: an API token. Its own record says whether it is switched off or over, the list of
 * problems whether it may read what flows read. */
#include "connector/http/http_connector.h"

/* People copy the address of a call. */
static const char *const drop[] = {"/api/v2", "/api/v1", "/api"};

/* "abc12345.live.dynatrace.com", or a cluster or gateway of one's own with "/e/ENVIRONMENT". */
static const struct connector_url api[] = {
    {.given = "instanceUrl",
     .url = "{instanceUrl}",
     .bare_domain = "live.dynatrace.com",
     .drop = LIST(drop)},
};

static const struct connector_header token[] = {
    {"Authorization", "Api-Token {credentials.apiToken}"},
};

static const struct connector_auth auth[] = {
    {.headers = &(const struct connector_headers)LIST(token)},
};

static const struct connector_call probes[] = {
    /* Any scope will do for a lookup, says the reference; if not, the next call decides. */
    {.method = "POST",
     .path = "/api/v2/apiTokens/lookup",
     .body = "{\"token\":\"{credentials.apiToken}\"}",
     .content_type = "application/json",
     .needs = "/id",
     .suffices = 403},
    {.method = "GET", .path = "/api/v2/problems?pageSize=1", .needs = "/problems"},
};

#define HINT_URL                                                                                   \
    "Check instanceUrl: https://ENVIRONMENT.live.dynatrace.com (not the apps host), or "           \
    "https://HOST/e/ENVIRONMENT."

static const struct connector_rule rules[] = {
    {STEP_API, .status = 200, .at = "/enabled", .equals = "false", .kind = VERDICT_REJECTED,
     .hint = "The token is switched off. Enable it, or take another."},
    {STEP_API, .status = 200, .at = "/expirationDate", .past = true, .kind = VERDICT_REJECTED,
     .hint = "The token's expiration date is over. Make a new one."},
    /* Not the API, perhaps the host of the web pages. */
    {STEP_API, .status = 200, .page = true, .kind = VERDICT_MISCONFIGURED,
     .hint = "It answered with a web page. " HINT_URL},
    {STEP_API, .status = 3, .kind = VERDICT_MISCONFIGURED,
     .hint = "It answered with a redirect, which is not followed. " HINT_URL},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED,
     .hint = "Check the token, and that it is of this environment."},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Give the token the scope problems.read."},
    {STEP_API, .status = 404, .at = "/error/message", .contains = "token", .kind = VERDICT_REJECTED,
     .hint = "Check the token, and that it is of this environment."},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED, .hint = HINT_URL},
};

static const struct http_connector http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .wait = {"X-RateLimit-Reset", WAIT_UNTIL_US},
};

const struct connector connector_dynatrace = {
    .type = STR("Dynatrace"),
    .key = STR("Dynatrace"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
};
