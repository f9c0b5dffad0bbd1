/* Singular: a key as it is in Authorization; failures may come inside of a 200. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connectors/catalogue_sets.h"

static const struct connector_url api[] = {
    {.url = "https://api.singular.net"},
};

static const struct connector_header key[] = {
    {"Authorization", "{credentials.apiKey}"},
};

static const struct connector_auth auth[] = {
    {.headers = &(const struct connector_headers)LIST(key)},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/api/custom_dimensions", .needs = "/value"},
};

#define HINT_KEY "Check the API key: Developer Tools, API Keys, the reporting key."

#define HINT_ACCESS "Ask for a key with access to reporting."
#define SAYS(text) STEP_API, .status = 200, .at = "/value", .contains = (text)

/* In {"status": 0, "substatus": 0, "value": …} a status that is not 0 makes the value a message,
 * whose wordings are not published. */
static const struct connector_rule rules[] = {
    {STEP_API, .status = 200, .at = "/status", .equals = "0", .kind = VERDICT_ACCEPTED},
    {SAYS("limit"), .kind = VERDICT_THROTTLED, .hint = "Try again later.", .causes = CAUSE_LIMIT},
    {SAYS("too many"), .kind = VERDICT_THROTTLED, .hint = "Try again later.",
     .causes = CAUSE_LIMIT},
    {SAYS("api key"), .kind = VERDICT_REJECTED, .hint = HINT_KEY, .causes = CAUSE_CREDENTIAL},
    {SAYS("unauthor"), .kind = VERDICT_REJECTED, .hint = HINT_KEY, .causes = CAUSE_CREDENTIAL},
    {SAYS("permission"), .kind = VERDICT_FORBIDDEN, .hint = HINT_ACCESS,
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 200, .at = "/status", .kind = VERDICT_UNREACHABLE,
     .hint = "The response reports a failure; its message gives the reason."},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .hint = HINT_KEY,
     .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 403, .at = "/value", .contains = "permission", .kind = VERDICT_FORBIDDEN,
     .hint = HINT_ACCESS, .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 403, .kind = VERDICT_REJECTED, .hint = HINT_KEY,
     .causes = CAUSE_CREDENTIAL},
};

static const char *const messages[] = {"/value", "/error_message"};

static const char *const errors[] = {"/status"};

/* --- entities --- */

/* Reports are filtered by dimensions and a range of dates. */
static const char *const equal[] = {"EQUAL_TO"};

static const struct entity_type types[] = {
    {.type = "date", .operators = LIST(equal)},
    {.type = "dimension", .shown = "string", .operators = LIST(equal)},
    {.type = "metric", .shown = "number"},
    {0},
};

static const char dimension[] = "dimension", metric[] = "metric";

/* What customers have of their own beside the schema's. */
static const struct entity_field_source fields[] = {
    {.of = "reporting",
     .items = {.call = {.method = "GET", .path = "/api/custom_dimensions"},
               .at = "/value/custom_dimensions"},
     .name = "{item.id}",
     .label = "{item.display_name}",
     .type = dimension,
     .queryable.at = ""},
    {.of = "reporting",
     .items = {.call = {.method = "GET", .path = "/api/cohort_metrics"}, .at = "/value/metrics"},
     .name = "{item.name}",
     .label = "{item.display_name}",
     .type = metric,
     .is_hidden.at = ""}, /* they need periods, which a flow cannot name */
};

static const struct connector_entities entities = {
    .schema = "singular",
    .types = LIST(types),
    .fields = LIST(fields),
};

/* --- records --- */

/* A report is made for a range of days, over which it adds up: its records have the range. */
static const struct read_literal literals[] = {
    {"", READ_DATE, 0}, {"date", READ_DATE, 0}, {"datetime", READ_DATE, 0}};
static const struct read_bound range[] = {
    {"start_date", "EQUAL_TO", "start"},
    {"end_date", "EQUAL_TO", "end"},
};
#define NEEDS_RANGE                                                                                \
    "a report is made for a range of days: the flow needs filters on start_date and end_date, "    \
    "each "                                                                                        \
    "with EQUAL_TO and a day"
static const struct read_needed needed[] = {{"start", NEEDS_RANGE}, {"end", NEEDS_RANGE}};
static const struct read_dialect days = {
    .literals = LIST(literals),
    .bounds = LIST(range),
    .needed = LIST(needed),
    .fields = TEXT_LIST("start_date", "end_date"),
    .fields_alone = true,
};

/* Asynchronous reports. The file is at another host, with a signature in its URL. */
static const char *const running[] = {"QUEUED", "STARTED"};
static const struct read_job report = {
    .create = {.method = "POST",
               .path = "/api/v2.0/create_async_report",
               .body = "start_date={read.start}&end_date={read.end}&dimensions={read.dimensions}"
                       "&metrics={read.metrics}&discrepancy_metrics={read.discrepancy}"
                       "&time_breakdown=all&format=json",
               .content_type = "application/x-www-form-urlencoded",
               .needs = "/value/report_id"},
    .id = "/value/report_id",
    .state = {.method = "GET", .path = "/api/v2.0/get_report_status?report_id={page.job}"},
    .state_at = "/value/status",
    .running = LIST(running),
    .done = "DONE",
    .message = "/value/error_message",
    .url_at = "/value/download_url",
    .at = "/results",
    .forgotten = 404,
};

static const struct read_source sources[] = {
    {.of = "reporting", .dialect = &days, .job = &report, .names_fields = true},
};

/* Types as they are shown. What networks and trackers count apart from each other is a list of its
 * own. */
static const struct read_list lists[] = {
    {.type = "string", .name = "dimensions"},
    {.type = "number",
     .name = "discrepancy",
     .fields = TEXT_LIST("adn_clicks", "adn_installs", "tracker_clicks", "tracker_installs")},
    {.type = "number", .name = "metrics"},
};

static const struct connector_reads reads = {
    .rows = sources,
    .count = sizeof(sources) / sizeof(*sources),
    .name_marks = "_",
    .lists = LIST(lists),
};

static const struct http_connector http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .messages = LIST(messages),
    .entities = &entities,
    .reads = &reads,
};

static const struct catalogue_entry catalogue = {
    .name = "Singular",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_HOURLY,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "LookoutMetrics"),
};

const struct connector connector_singular = {
    .type = STR("Singular"),
    .key = STR("Singular"),
    .roles = ROLE_SOURCE,
    .modes = MODE_PRIVATE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
