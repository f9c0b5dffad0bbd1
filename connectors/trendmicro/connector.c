/* Trend Micro's server security: a secret key in a header of its own. Who may not view keys is
 * known all the same, so that refusal proves the key, and a list of computers decides. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connectors/catalogue_sets.h"

/* There is no property for a host: another place (a region of Cloud One, an own manager at port
 * 4119) is named in the endpoint map. */
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

/* Whether the record of a key without a date has no such member is not documented. */
static const struct connector_end end = {
    .call = &probes[0],
    .at = "/expiryDate",
    .form = TIME_MS,
};

/* A gateway's errors have a "message", too, so it is the wording that decides about a 403. */
static const struct connector_rule rules[] = {
    {STEP_API, .status = 200, .at = "/active", .equals = "false", .kind = VERDICT_REJECTED,
     .hint = "The API key is not active.", .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED,
     .hint = "Check the secret key, that it belongs to this manager, and that it has not expired.",
     .causes = CAUSE_CREDENTIAL | CAUSE_ADDRESS},
    {STEP_API, .status = 403, .at = "/message", .contains = "Not authorized",
     .kind = VERDICT_FORBIDDEN, .hint = "Give the key's role the right to view computers.",
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 403, .at = "/message", .kind = VERDICT_BLOCKED,
     .hint =
         "The message is not one of the vendor's API: a firewall or a proxy in between may have "
         "sent it.",
     .causes = CAUSE_GATEWAY},
};

/* Every error has a "message", and a gateway's 403 may have one, too. */
static const char *const errors[] = {"/message"};

/* --- entities --- */

/* Searches compare single values; what is an object or a list of its own cannot be searched for.
 * Times are milliseconds since 1970. */
static const char *const equal[] = {"EQUAL_TO"};
static const char *const true_or_false[] = {"true", "false"};

static const struct entity_type types[] = {
    {.type = "boolean", .operators = LIST(equal), .values = LIST(true_or_false)},
    {.type = "integer", .operators = LIST(equal)},
    {.type = "string", .operators = LIST(equal)},
    {.type = "timestamp", .operators = LIST(equal)},
    {0},
};

/* The resources of the API and their members, which no call describes. */
static const struct connector_entities entities = {.schema = "trendmicro", .types = LIST(types)};

/* --- records --- */

/* Searches in the order of IDs, each behind the last ID of the page before (guide, "Search for
 * resources"). The member is named as the resource, with its words told apart. */
#define SEARCH(resource, member)                                                                   \
    {                                                                                              \
        .of = resource,                                                                            \
        .call = {.method = "POST",                                                                 \
                 .path = "/api/" resource "/search",                                               \
                 .body = "{\"maxItems\":{page.size},\"sortByObjectID\":true,\"searchCriteria\":"   \
                         "[{\"fieldName\":\"ID\",\"idTest\":\"greater-than\","                     \
                         "\"idValue\":{page.key}}]}",                                              \
                 .content_type = "application/json"},                                              \
        .at = "/" member, .paging = READ_KEY, .size = 500, .key = "ID", .key_first = "0",          \
        .is_nested = true, .missing = 404                                                          \
    }

static const struct read_source sources[] = {
    SEARCH("antimalwareconfigurations", "antiMalwareConfigurations"),
    SEARCH("apikeys", "apiKeys"),
    SEARCH("applicationtypes", "applicationTypes"),
    SEARCH("computergroups", "computerGroups"),
    SEARCH("computers", "computers"),
    SEARCH("contexts", "contexts"),
    SEARCH("directorylists", "directoryLists"),
    SEARCH("eventbasedtasks", "eventBasedTasks"),
    SEARCH("fileextensionlists", "fileExtensionLists"),
    SEARCH("filelists", "fileLists"),
    SEARCH("firewallrules", "firewallRules"),
    SEARCH("integritymonitoringrules", "integrityMonitoringRules"),
    SEARCH("intrusionpreventionrules", "intrusionPreventionRules"),
    SEARCH("iplists", "ipLists"),
    SEARCH("loginspectionrules", "logInspectionRules"),
    SEARCH("maclists", "macLists"),
    SEARCH("policies", "policies"),
    SEARCH("portlists", "portLists"),
    SEARCH("roles", "roles"),
    SEARCH("scheduledtasks", "scheduledTasks"),
    SEARCH("schedules", "schedules"),
    SEARCH("statefulconfigurations", "statefulConfigurations"),
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "_"};

static const struct http_connector http = {
    .life = {.key = "until the key's expiry date, or it is disabled"},
    .end = &end,
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .entities = &entities,
    .reads = &reads,
};

static const struct catalogue_entry catalogue = {
    .name = "Trend Micro",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_HOURLY,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "LookoutMetrics"),
};

const struct connector connector_trendmicro = {
    .type = STR("Trendmicro"),
    .key = STR("Trendmicro"),
    .roles = ROLE_SOURCE,
    .modes = MODE_PRIVATE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
