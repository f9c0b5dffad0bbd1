/* Amplitude: an API key and a secret key as HTTP Basic; the events list proves them. */
#include "connector/http/http_connector.h"

/* The United States' data centre. There is no property for a host: who has his project in the
 * European one (analytics.eu.amplitude.com) says so in the endpoint map. */
static const struct connector_url api[] = {
    {.url = "https://amplitude.com"},
};

static const struct connector_auth auth[] = {
    {.basic = &(const struct connector_basic){"{credentials.apiKey}", "{credentials.secretKey}"}},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/api/2/events/list", .needs = "/data"},
};

/* The bodies of refusals are not documented: only the status decides. */
static const struct connector_rule rules[] = {
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED,
     .hint = "Check the API key and the secret key in the project's settings."},
    {STEP_API, .status = 403, .kind = VERDICT_REJECTED,
     .hint = "Check that both keys are of one project, that the project is in this data centre "
             "(the endpoint map names the European one), and that its plan has this API."},
};

static const struct http_connector http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
};

const struct connector connector_amplitude = {
    .type = STR("Amplitude"),
    .key = STR("Amplitude"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
};
