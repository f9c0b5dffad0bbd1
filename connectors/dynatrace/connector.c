/* Dynatrace: an API token. Its own record says whether it is switched off or over, the list of
 * problems whether it may read what flows read. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connectors/catalogue_sets.h"

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

static const struct connector_end end = {
    .call = &probes[0],
    .at = "/expirationDate",
    .form = TIME_TEXT,
    .absent_is_never = true,
};

#define HINT_URL                                                                                   \
    "Check instanceUrl: https://ENVIRONMENT.live.dynatrace.com (not the apps host), or "           \
    "https://HOST/e/ENVIRONMENT."
#define HINT_TOKEN "Check the token, and that it belongs to this environment."

static const struct connector_rule rules[] = {
    {STEP_API, .status = 200, .at = "/enabled", .equals = "false", .kind = VERDICT_REJECTED,
     .hint = "The token is disabled. Enable it, or use another one.", .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 200, .at = "/expirationDate", .past = true, .kind = VERDICT_REJECTED,
     .hint = "The token has expired. Create a new one.", .causes = CAUSE_CREDENTIAL},
    /* The host of the web pages, not of the API. */
    {STEP_API, .status = 200, .page = true, .kind = VERDICT_MISCONFIGURED,
     .hint = "The response is a web page. " HINT_URL, .causes = CAUSE_ADDRESS},
    {STEP_API, .status = 3, .kind = VERDICT_MISCONFIGURED,
     .hint = "The response is a redirect, which is not followed. " HINT_URL,
     .causes = CAUSE_ADDRESS},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .hint = HINT_TOKEN,
     .causes = CAUSE_CREDENTIAL | CAUSE_ADDRESS},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Give the token the scope problems.read.", .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 404, .at = "/error/message", .contains = "token", .kind = VERDICT_REJECTED,
     .hint = HINT_TOKEN, .causes = CAUSE_CREDENTIAL | CAUSE_ADDRESS},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED, .hint = HINT_URL,
     .causes = CAUSE_ADDRESS},
};

static const char *const errors[] = {"/error/message"};

/* No call describes problems. */
static const struct connector_entities entities = {.schema = "dynatrace"};

/* --- records --- */

/* The problem selector: field("value"), with commas for AND. Which escapes it has is not
 * documented, so a text that needs one is not put in. */
static const struct read_literal literals[] = {{"", READ_TEXT, 0},
                                               {"string", READ_TEXT, 0},
                                               {"boolean", READ_FLAG, 0},
                                               {"list", READ_TEXT, 0},
                                               {"struct", READ_TEXT, 0}};
static const struct read_condition conditions[] = {
    {"EQUAL_TO", 1 << READ_TEXT | 1 << READ_FLAG, "(", NULL}};

/* Those that records do not have, or have as objects, which the flow cannot compare with a text. */
#define ASKED_ONLY                                                                                 \
    "affectedEntities", "impactedEntities", "managementZoneIds", "managementZones",                \
        "problemFilterIds", "problemFilterNames", "rootCauseEntity", "text", "underMaintenance"

/* A problem's times are milliseconds, which the flow compares as numbers, too. */
static const struct read_literal times[] = {
    {"", READ_UNIX_MS, 0},     {"datetime", READ_UNIX_MS, 0}, {"timestamp", READ_UNIX_MS, 0},
    {"date", READ_UNIX_MS, 0}, {"long", READ_UNIX_MS, 0},     {"integer", READ_UNIX_MS, 0}};

/* The problems that began or ended in the range. Without a range it is the last two hours. */
static const struct read_bound range[] = {
    {"startTime", "GREATER_THAN", "from"},
    {"startTime", "LESS_THAN", "to"},
};
static const struct read_needed needed[] = {
    {"from", "problems are read by a range of times: the flow needs a filter on startTime, such as "
             "BETWEEN, with DATA_TYPE datetime and the time from which on they are read, or to be "
             "incremental by it"},
};

static const struct read_dialect selector = {
    .texts = {.quote = "\"", .unfit = "\"\\~"},
    .literals = LIST(literals),
    .bound_literals = LIST(times),
    .conditions = LIST(conditions),
    .bounds = LIST(range),
    .needed = LIST(needed),
    .fields = TEXT_LIST("startTime", "displayId", "impactLevel", "problemId", "severityLevel",
                        "status", ASKED_ONLY),
    .fields_alone = true,
    .between = ",",
    .close = ")",
};

#define PROBLEMS "/api/v2/problems?pageSize={page.size}"
#define PARTS                                                                                      \
    {                                                                                              \
        .name = "fields", .value = "{read.parts}", .given = "read.parts"                           \
    }

static const struct connector_param first_page[] = {
    PARTS,
    {.name = "sort", .value = "%2BstartTime"},
    {.name = "from", .value = "{read.from}", .given = "read.from"},
    {.name = "to", .value = "{read.to}", .given = "read.to"},
    {.name = "problemSelector", .value = "{read.where}", .given = "read.where"},
};

/* A nextPageKey stands for all but the page's size and fields, and goes without the rest. */
static const struct connector_param later_page[] = {PARTS};
static const struct connector_call later = {
    .method = "GET",
    .path = PROBLEMS "&nextPageKey={page.cursor}",
    .query = LIST(later_page),
};

static const struct read_source sources[] = {
    {.of = "problem",
     .call = {.method = "GET", .path = PROBLEMS, .query = LIST(first_page)},
     .later = &later,
     .dialect = &selector,
     .apart = TEXT_LIST(ASKED_ONLY),
     .filters_first = true,
     .parts = TEXT_LIST("evidenceDetails", "impactAnalysis", "recentComments"),
     .at = "/problems",
     .paging = READ_CURSOR,
     .size = 50,
     .next = "/nextPageKey"},
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "_"};

static const struct http_connector http = {
    .life = {.key = "until the token's end date, if it was given one, or it is disabled"},
    .end = &end,
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .entities = &entities,
    .reads = &reads,
    .wait = {"X-RateLimit-Reset", WAIT_UNTIL_US},
    .quota = {.left = "X-RateLimit-Remaining", .renewed = {"X-RateLimit-Reset", WAIT_UNTIL_US}},
};

static const struct catalogue_entry catalogue = {
    .name = "Dynatrace",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "LookoutMetrics"),
    .flows = {.changed_field = "startTime"},
};

const struct connector connector_dynatrace = {
    .type = STR("Dynatrace"),
    .key = STR("Dynatrace"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
