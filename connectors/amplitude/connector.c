/* Amplitude: an API key and a secret key as HTTP Basic; the events list proves them. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
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

/* --- records --- */

/* The Export API (amplitude.com/docs/apis/analytics/export). Hours go by server_upload_time, in
 * UTC, and are complete two hours after their end. A query is of 365 days at most. */
static const struct connector_param hours[] = {{.name = "start", .value = "{read.begins}"},
                                               {.name = "end", .value = "{read.ends}"}};
static const struct read_archive events = {
    .call = {.method = "GET",
             .path = "/api/2/export",
             .query = LIST(hours),
             .accept = "application/zip, application/json"},
    .field = "server_upload_time",
    .none = 404,
    .too_much = 400,
    .too_slow = 504,
    .back_s = 365 * 24 * 60 * 60,
    .late_s = 2 * 60 * 60,
};
static const struct read_literal literals[] = {{"datetime", READ_UNIX_S, 0},
                                               {"timestamp", READ_UNIX_S, 0}};
static const struct read_dialect times = {.literals = LIST(literals)};
static const struct read_source sources[] = {
    {.of = "events", .dialect = &times, .archive = &events},
};
static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "_$"};

static const struct http_connector http = {
    .life = {.basic_is_key = true},
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .entities = &entities,
    .reads = &reads,
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
