/* Amplitude: an API key and a secret key as HTTP Basic; the events list proves them. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connectors/catalogue_sets.h"

/* The data center in the United States. There is no property for a host: the operator's endpoint
 * map names the European one (analytics.eu.amplitude.com). */
static const struct connector_url api[] = {
    {.url = "https://amplitude.com"},
};

static const struct connector_auth auth[] = {
    {.basic = &(const struct connector_basic){"{credentials.apiKey}", "{credentials.secretKey}"}},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/api/2/events/list", .needs = "/data"},
};

/* The bodies of refusals are not documented. Those that were seen have a member "error", which
 * tells Amplitude's own 403 from a firewall's. */
static const struct connector_rule rules[] = {
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED,
     .hint = "Check the API key and the secret key of the project.", .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 403, .at = "/error", .kind = VERDICT_REJECTED,
     .hint = "Check that both keys belong to the same project, that the project is in this data "
             "center (the operator's endpoint map names the European one), and that its plan "
             "includes this API.",
     .causes = CAUSE_CREDENTIAL | CAUSE_ADDRESS | CAUSE_ACCOUNT},
};

/* --- entities --- */

static const char *const true_or_false[] = {"true", "false"};

static const struct entity_type types[] = {
    {.type = "boolean", .values = LIST(true_or_false)},
    {0},
};

/* What the Export API gives. No call describes it, since customers' own properties are objects. */
static const struct connector_entities entities = {.schema = "amplitude", .types = LIST(types)};

static const struct http_connector http = {
    .life = {.basic_is_key = true},
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .entities = &entities,
};

static const struct catalogue_entry catalogue = {
    .name = "Amplitude",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_DAILY,
    .destinations = TEXT_LIST("S3", "LookoutMetrics", "CustomConnector"),
};

const struct connector connector_amplitude = {
    .type = STR("Amplitude"),
    .key = STR("Amplitude"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
