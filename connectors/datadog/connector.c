/* Datadog: an API key and an application key in headers of their own; one call proves both. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
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

/* The first says "Forbidden" alike, whatever the reason. */
static const char *const messages[] = {"/errors/1"};

static const char *const errors[] = {"/errors"};

/* No call describes what queries give. */
static const struct connector_entities entities = {.schema = "datadog"};

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
    .wait = {"X-RateLimit-Reset", WAIT_SECONDS},
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
