/* Trend Micro's server security: a secret key in a header of its own. Who may not view keys is
 * known all the same, so that refusal proves the key, and a list of computers decides. */
#include "connector/http/http_connector.h"

/* There is no property for a host: who is somewhere else (a region of Cloud One, a manager of his
 * own at port 4119) says so in the endpoint map. */
static const struct connector_url api[] = {
    {.url = "https://app.deepsecurity.trendmicro.com"},
};

static const struct connector_header key[] = {
    {"api-secret-key", "{credentials.apiSecretKey}"},
    {"api-version", "v1"},
};

static const struct connector_auth auth[] = {
    {.headers = &(const struct connector_headers)LIST(key)},
};

static const struct connector_call probes[] = {
    {.method = "GET",
     .path = "/api/apikeys/current",
     .needs = "/ID",
     .suffices = 403,
     .conclusive = true},
    {.method = "POST",
     .path = "/api/computers/search",
     .body = "{\"maxItems\":1}",
     .content_type = "application/json",
     .needs = "/computers"},
};

static const struct connector_rule rules[] = {
    {STEP_API, .status = 200, .at = "/active", .equals = "false", .kind = VERDICT_REJECTED,
     .hint = "The API key is not active."},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED,
     .hint = "Check the secret key, and that it is of this manager and not expired."},
    {STEP_API, .status = 403, .at = "/message", .kind = VERDICT_FORBIDDEN,
     .hint = "Give the key's role the right to view computers."},
    /* The API explains each refusal: this came from something before it. */
    {STEP_API, .status = 403, .kind = VERDICT_MISCONFIGURED,
     .hint = "It is not the vendor's API that refused. Check the operator's endpoint map."},
};

static const struct http_connector http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
};

const struct connector connector_trendmicro = {
    .type = STR("Trendmicro"),
    .key = STR("Trendmicro"),
    .roles = ROLE_SOURCE,
    .modes = MODE_PRIVATE,
    .ops = &http_ops,
    .http = &http,
};
