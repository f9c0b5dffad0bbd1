/* Datadog: an API key and an application key in headers of their own; one call proves both. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connectors/catalogue_sets.h"

/* People copy the address of a call. */
static const char *const drop[] = {"/api/v2", "/api/v1", "/api"};

/* Each site has its own API host, "api." and the site; keys belong to one site. */
static const struct connector_url api[] = {
    {.given = "instanceUrl",
     .url = "{instanceUrl}",
     .bare_domain = "datadoghq.com",
     .label = "api",
     .drop = LIST(drop)},
};

/* The sites (docs.datadoghq.com/getting_started/site). What stands before one is the web pages'
 * host
 * ("app"), or an organization's subdomain for them. */
static const char *const domains[] = {
    "datadoghq.com",     "us3.datadoghq.com", "us5.datadoghq.com",
    "ap1.datadoghq.com", "ap2.datadoghq.com", "uk1.datadoghq.com",
    "datadoghq.eu",      "ddog-gov.com",      "us2.ddog-gov.com",
};

static const struct connector_header keys[] = {
    {"DD-API-KEY", "{credentials.apiKey}"},
    {"DD-APPLICATION-KEY", "{credentials.applicationKey}"},
};

static const struct connector_auth auth[] = {
    {.headers = &(const struct connector_headers)LIST(keys)},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/api/v2/validate_keys", .needs = "/status"},
};

#define HINT_KEYS                                                                                  \
    "Check the API key, the application key, and that instanceUrl is the site that they belong "   \
    "to."

static const struct connector_rule rules[] = {
    {STEP_API, .status = 200, .at = "/status", .equals = "ok", .kind = VERDICT_ACCEPTED},
    {STEP_API, .status = 200, .at = "/error", .kind = VERDICT_MISCONFIGURED,
     .hint = "Check the flow's filter on query.", .causes = CAUSE_OBJECT}, /* without series */
    {STEP_API, .status = 200, .at = "/status", .kind = VERDICT_UNREACHABLE,
     .hint = "The response does not confirm the keys. Try again.", .causes = CAUSE_OUTAGE},
    /* The load balancer, not the API. */
    {STEP_API, .status = 403, .contains = "administrative rules", .kind = VERDICT_BLOCKED,
     .hint = "The vendor's gateway blocked the request before it reached the API. Try again.",
     .causes = CAUSE_GATEWAY},
    {STEP_API, .status = 403, .at = "/errors/1", .contains = "permission",
     .kind = VERDICT_FORBIDDEN,
     .hint = "Give the application key the scopes for the data to be read, or give its owner the "
             "role.",
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .hint = HINT_KEYS,
     .causes = CAUSE_CREDENTIAL | CAUSE_ADDRESS},
    {STEP_API, .status = 403, .kind = VERDICT_REJECTED, .hint = HINT_KEYS,
     .causes = CAUSE_CREDENTIAL | CAUSE_ADDRESS},
};

/* The first of `errors` says "Forbidden" alike, whatever the reason. */
static const char *const messages[] = {"/errors/1", "/error"};

static const char *const errors[] = {"/errors"};

/* No call describes what queries give. */
static const struct connector_entities entities = {.schema = "datadog"};

/* --- records --- */

/* Records have neither what is searched for nor a range, so the vendor alone applies these. */
static const struct read_literal log_literals[] = {
    {"", READ_TEXT, 0}, {"string", READ_TEXT, 0}, {"datetime", READ_TIME_MS, 0}};
static const struct read_bound log_bounds[] = {
    {"query", "EQUAL_TO", "query"},       {"from", "GREATER_THAN", "from"},
    {"from", "LESS_THAN", "to"},          {"indexes", "EQUAL_TO", "index"},
    {"storage_tier", "EQUAL_TO", "tier"},
};
#define LOG_RANGE                                                                                  \
    "logs are read by a range of times: the flow needs a filter on from, BETWEEN, or to be "       \
    "incremental by it"
/* Without an end, logs that come during the run would be read as long as they come. */
static const struct read_needed log_needs[] = {
    {"query", "logs are searched for: the flow needs a filter on query, which may be *"},
    {"from", LOG_RANGE},
    {"to", LOG_RANGE},
};
static const struct read_dialect log_search = {
    .literals = LIST(log_literals),
    .bounds = LIST(log_bounds),
    .needed = LIST(log_needs),
    .fields = TEXT_LIST("query", "from", "indexes", "storage_tier"),
    .fields_alone = true,
};

static const struct connector_param log_params[] = {
    {.name = "filter%5Bquery%5D", .value = "{read.query}"},
    {.name = "filter%5Bfrom%5D", .value = "{read.from}"},
    {.name = "filter%5Bto%5D", .value = "{read.to}"},
    {.name = "filter%5Bindexes%5D", .value = "{read.index}", .given = "read.index"},
    {.name = "filter%5Bstorage_tier%5D", .value = "{read.tier}", .given = "read.tier"},
    {.name = "page%5Bcursor%5D", .value = "{page.cursor}", .given = "page.cursor"},
};

/* A search that took too long gives what it has found by then. */
static const struct read_fault log_faults[] = {
    {{"/meta/status", "timeout", false},
     VERDICT_UNREACHABLE,
     NULL,
     "The search took too long, and gave only a part of the logs. Let the flow read a shorter "
     "range."},
};

static const struct read_literal metric_literals[] = {
    {"", READ_TEXT, 0}, {"string", READ_TEXT, 0}, {"datetime", READ_UNIX_S, 0}};
static const struct read_bound metric_bounds[] = {
    {"query", "EQUAL_TO", "query"},
    {"from_to_date", "GREATER_THAN", "from"},
    {"from_to_date", "LESS_THAN", "to"},
};
#define METRIC_RANGE                                                                               \
    "metrics are read by a range of times: the flow needs a filter on from_to_date, BETWEEN, or "  \
    "to be incremental by it"
static const struct read_needed metric_needs[] = {
    {"query", "metrics are queried: the flow needs a filter on query"},
    {"from", METRIC_RANGE},
    {"to", METRIC_RANGE},
};
static const struct read_dialect metric_query = {
    .literals = LIST(metric_literals),
    .bounds = LIST(metric_bounds),
    .needed = LIST(metric_needs),
    .fields = TEXT_LIST("query", "from_to_date"),
    .fields_alone = true,
};

static const struct read_fault metric_faults[] = {
    {{"/status", "error", false},
     VERDICT_MISCONFIGURED,
     "/error",
     "Check the flow's filter on query."},
};

static const struct read_source sources[] = {
    {.of = "log-queries",
     .call = {.method = "GET",
              .path = "/api/v2/logs/events?sort=timestamp&page%5Blimit%5D={page.size}",
              .query = LIST(log_params)},
     .dialect = &log_search,
     .apart = TEXT_LIST("query", "from", "indexes", "storage_tier"),
     .at = "/data",
     .paging = READ_CURSOR,
     .size = 1000,
     .next = "/meta/page/after",
     .faults = LIST(log_faults)},
    {.of = "metrics-timeseries",
     .call = {.method = "GET",
              .path = "/api/v1/query?from={read.from}&to={read.to}&query={read.query}"},
     .dialect = &metric_query,
     .apart = TEXT_LIST("query", "from_to_date"),
     .at = "/series",
     .faults = LIST(metric_faults)},
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "-_"};

static const struct http_connector http = {
    .life = {.key = "no end published; until the key is revoked, or its user is disabled"},
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .entities = &entities,
    .messages = LIST(messages),
    .domains = LIST(domains),
    .reads = &reads,
    .wait = {"X-RateLimit-Reset", WAIT_SECONDS},
    .quota = {.left = "X-RateLimit-Remaining", .renewed = {"X-RateLimit-Reset", WAIT_SECONDS}},
};

static const struct catalogue_entry catalogue = {
    .name = "Datadog",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON),
};

const struct connector connector_datadog = {
    .type = STR("Datadog"),
    .key = STR("Datadog"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
