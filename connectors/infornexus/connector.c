/* Infor Nexus: each request is signed with the secret access key, and a data key stands beside it;
 * a query for one order proves both. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connectors/catalogue_sets.h"
#include "connectors/infornexus/entities.h"

/* The API's own path, in the ways in which it is written, is no part of an instance. */
static const char *const drop[] = {"/rest/3.1.0", "/rest/310", "/rest/3.1", "/rest"};

/* "network.infornexus.com", its test systems, or the older gtnexus.com. */
static const struct connector_url api[] = {
    {.given = "instanceUrl",
     .url = "{instanceUrl}",
     .bare_domain = "infornexus.com",
     .drop = LIST(drop)},
};

/* The data key is not signed. Its header has changed its name; clients send either, so both. */
static const struct connector_header data_key[] = {
    {"x-nexus-api-key", "{credentials.datakey}"},
    {"dataKey", "{credentials.datakey}"},
};

static const struct connector_signed hmac = {
    .scheme = "HMAC_1",
    .key_id = "{credentials.accessKeyId}",
    .secret = "{credentials.secretAccessKey}",
    .user = "{credentials.userId}",
    .date_header = "x-dapi-date",
    .headers = LIST(data_key),
};

static const struct connector_auth auth[] = {
    {.signed_request = &hmac},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/rest/3.1/OrderDetail/query?limit=1", .needs = "/resultInfo"},
};

/* The bodies of refusals are not documented: only the status decides. */
static const struct connector_rule rules[] = {
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED,
     .hint = "Check the access key id, the user id and the secret access key, and this server's "
             "clock.",
     .causes = CAUSE_CREDENTIAL | CAUSE_CLOCK},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check instanceUrl: https://network.infornexus.com, without a path.",
     .causes = CAUSE_ADDRESS},
};

static const struct connector_entities entities = {
    .list = infornexus_list,
    .describe = infornexus_describe,
};

/* --- records --- */

/* OQL looks like the condition of a SQL query. Which escapes its texts have, and whether a date may
 * have a time behind it, is not documented: so a text that needs one is not given, and a time is
 * given as the day that has it, both ends within. Nor is the zone in which a day begins: bounds are
 * a day apart. */
static const struct read_literal literals[] = {
    {"string", READ_TEXT, 0}, {"number", READ_NUMBER, 0}, {"datetime", READ_DATE, 0}};
static const struct read_wrap wraps[] = {{"datetime", "'", "'"}};
#define ORDERED (READ_NUMBERS | READ_TIMES)
static const struct read_condition conditions[] = {
    {"EQUAL_TO", READ_NUMBERS | 1 << READ_TEXT, " = ", NULL},
    {"LESS_THAN", ORDERED, " <= ", NULL},
    {"LESS_THAN_OR_EQUAL_TO", ORDERED, " <= ", NULL},
    {"GREATER_THAN", ORDERED, " >= ", NULL},
    {"GREATER_THAN_OR_EQUAL_TO", ORDERED, " >= ", NULL},
};
static const struct read_dialect oql = {
    .texts = {.quote = "'", .unfit = "'\\"},
    .literals = LIST(literals),
    .wraps = LIST(wraps),
    .conditions = LIST(conditions),
    .between = " AND ",
    .or = " OR ",
    .or_before = "(",
    .or_after = ")",
    .zone_s = 24 * 60 * 60,
};

static const struct connector_param params[] = {
    {.name = "oql", .value = "{read.where}", .given = "read.where"},
};

static const struct read_source sources[] = {
    {.call = {.method = "GET",
              .path = "/rest/3.1/{entity.name}/query?offset={page.offset}&limit={page.size}",
              .query = LIST(params),
              .needs = "/resultInfo"},
     .is_lone = true, /* "result" is left out when nothing is found */
     .dialect = &oql,
     .at = "/result",
     .paging = READ_OFFSET,
     .size = 1000,
     .more = {"/resultInfo/hasMore", "true", false},
     .missing = 404},
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "_.$"};

static const struct http_connector http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .entities = &entities,
    .reads = &reads,
};

static const struct catalogue_entry catalogue = {
    .name = "Infor Nexus",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "LookoutMetrics"),
};

const struct connector connector_infornexus = {
    .type = STR("Infornexus"),
    .key = STR("InforNexus"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
