/* Marketo: the client shows its id and secret at the instance's identity endpoint and gets a token
 * for an hour; the description of leads proves it. Failures come with status 200. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connector/http/write_source.h"
#include "connectors/catalogue_sets.h"

static const char *const services[] = {"/rest/v1", "/rest", "/identity"};

static const struct connector_url instance[] = {
    {.given = "instanceUrl",
     .url = "{instanceUrl}",
     .bare_domain = "mktorest.com",
     .drop = LIST(services)},
};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_CLIENT_CREDENTIALS,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(instance),
             .token_path = "/identity/oauth/token",
             .policy = {.rotation = ROTATION_NEVER, .same_until_end = true},
         }},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/rest/v1/leads/describe.json", .needs = "/result"},
};

#define LATER "Try again later."
#define CODE(text) STEP_API, .at = "/errors/0/code", .equals = (text)
#define HINT_TOKEN "The access token is missing, invalid or expired."

static const struct connector_rule rules[] = {
    {CODE("600"), .kind = VERDICT_REJECTED, .renewable = true, .hint = HINT_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {CODE("601"), .kind = VERDICT_REJECTED, .renewable = true, .hint = HINT_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {CODE("602"), .kind = VERDICT_REJECTED, .renewable = true, .hint = HINT_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {CODE("603"), .kind = VERDICT_FORBIDDEN,
     .hint = "Give the API user's role the permission Read-Only Lead (for custom objects also "
             "Read-Only Custom Object), or add this server's IP address to the allowlist for API "
             "access.",
     .causes = CAUSE_PERMISSION | CAUSE_POLICY},
    {CODE("606"), .kind = VERDICT_THROTTLED,
     .hint = "The limit is 100 calls in 20 seconds. Try again in a minute.", .causes = CAUSE_LIMIT},
    {CODE("607"), .kind = VERDICT_THROTTLED,
     .hint = "The daily quota is used up. It is renewed at midnight, US Central Time.",
     .causes = CAUSE_LIMIT},
    {CODE("615"), .kind = VERDICT_THROTTLED,
     .hint = "Too many concurrent calls. Try again in a minute.", .causes = CAUSE_LIMIT},
    {CODE("1029"), .kind = VERDICT_THROTTLED,
     .hint = "The queue has ten exports, or the day's 500 MB of exports are used up. Try again "
             "later.",
     .causes = CAUSE_LIMIT},
    {CODE("502"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {CODE("604"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {CODE("608"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {CODE("611"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {CODE("614"), .kind = VERDICT_UNREACHABLE,
     .hint = "Check that instanceUrl is the subscription's, and try again later.",
     .causes = CAUSE_ADDRESS | CAUSE_OUTAGE},
    {CODE("713"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {CODE("719"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {CODE("610"), .kind = VERDICT_MISCONFIGURED,
     .hint = "Check that instanceUrl is the subscription's REST host.", .causes = CAUSE_ADDRESS},
    {STEP_API, .status = 2, .at = "/success", .equals = "false", .kind = VERDICT_MISCONFIGURED},

    {STEP_TOKEN, .at = "/error", .equals = "unauthorized", .kind = VERDICT_REJECTED,
     .hint = "Check clientId, and that instanceUrl is that of the same subscription.",
     .causes = CAUSE_CLIENT | CAUSE_ADDRESS},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_client", .kind = VERDICT_REJECTED,
     .hint = "Check clientId and clientSecret.", .causes = CAUSE_CLIENT},
};

static const char *const errors[] = {"/errors/0/code"};

/* --- entities --- */

/* A flow's filters become the time range of a bulk extract, which has no other filters on fields.
 */
static const char *const ranges[] = {"LESS_THAN", "GREATER_THAN", "BETWEEN"};
static const char *const true_or_false[] = {"true", "false"};

static const struct entity_type types[] = {
    {.type = "datetime", .operators = LIST(ranges)},
    {.type = "boolean", .values = LIST(true_or_false)},
    {0},
};

/* Nested, so that leads can be listed without the permission for custom objects. */
static const struct entity_list_source lists[] = {
    {.within = "customobjects",
     .items = {.call = {.method = "GET", .path = "/rest/v1/customobjects.json"}, .at = "/result"},
     .name = "customobjects/{item.name}",
     .label = "{item.displayName}"},
};

static const struct entity_field_source fields[] = {
    /* Fields without "rest" are of the SOAP API alone. */
    {.of = "leads",
     .items = {.call = {.method = "GET", .path = "/rest/v1/leads/describe.json"},
               .at = "/result",
               .where = {"/rest/name", NULL, false}},
     .name = "{item.rest.name}",
     .label = "{item.displayName}",
     .type = "{item.dataType}",
     .is_key = {"/rest/name", "id", false},
     .creatable = {"/rest/readOnly", "true", true},
     .updatable = {"/rest/readOnly", "true", true},
     .upsertable = {"/rest/readOnly", "true", true},
     .nullable = {"/rest/readOnly", "true", true}},
    {.of = "customobjects/*",
     .items = {.call = {.method = "GET",
                        .path = "/rest/v1/customobjects/{entity.last}/describe.json"},
               .at = "/result/0/fields",
               .missing_kind = VERDICT_MISCONFIGURED},
     .name = "{item.name}",
     .label = "{item.displayName}",
     .description = "{item.description}",
     .type = "{item.dataType}",
     .is_key = {"/name", "marketoGUID", false},
     .queryable = {"/name", "updatedAt", false}, /* the extract's only time range */
     .is_time = {"/name", "updatedAt", false},
     .creatable = {"/updateable", "true", false},
     .updatable = {"/updateable", "true", false},
     .upsertable = {"/updateable", "true", false},
     .nullable = {"/updateable", "true", false}},
};

/* The schema has the times that extracts of leads go by, and activities, whose fields no call
 * describes. */
static const struct connector_entities entities = {
    .schema = "marketo",
    .types = LIST(types),
    .lists = LIST(lists),
    .fields = LIST(fields),
};

/* --- records --- */

/* Bulk extracts. A range has whole seconds. Leads can be extracted by updatedAt in some
 * subscriptions alone, and by the time of any field's change, which the field does not show. */
static const struct read_literal literals[] = {
    {"datetime", READ_UNIX_S, 0}, {"timestamp", READ_UNIX_S, 0}, {"date", READ_UNIX_S, 0}};
static const struct read_dialect times = {.literals = LIST(literals)};

static const struct read_range lead_ranges[] = {{"updatedAt", "updatedAt", false},
                                                {"createdAt", "createdAt", true}};
static const struct read_range activity_ranges[] = {{"activityDate", "createdAt", true}};
static const struct read_range object_ranges[] = {{"updatedAt", "updatedAt", true}};

/* Bytes are those of the file, not of a compressed form. */
static const struct connector_header piece[] = {{"Range", "bytes={page.offset}-{page.last}"},
                                                {"Accept-Encoding", "identity"}};

/* The vendor asks for a look a minute at most. 31 days are the longest range. */
#define EXTRACT(resource, first, times)                                                            \
    {                                                                                              \
        .create = {.method = "POST",                                                               \
                   .path = "/bulk/v1/" resource "/export/create.json",                             \
                   .content_type = "application/json",                                             \
                   .needs = "/result"},                                                            \
        .body = "{\"format\":\"CSV\",\"fields\":[{read.names}],\"filter\":{\"{read.range}\":{"     \
                "\"startAt\":\"{read.begins}\",\"endAt\":\"{read.ends}\"}}}",                      \
        .enqueue = {.method = "POST",                                                              \
                    .path = "/bulk/v1/" resource "/export/{page.job}/enqueue.json",                \
                    .needs = "/result"},                                                           \
        .cancel = {.method = "POST",                                                               \
                   .path = "/bulk/v1/" resource "/export/{page.job}/cancel.json",                  \
                   .needs = "/result"},                                                            \
        .state = {.method = "GET",                                                                 \
                  .path = "/bulk/v1/" resource "/export/{page.job}/status.json",                   \
                  .needs = "/result"},                                                             \
        .file = {.method = "GET",                                                                  \
                 .path = "/bulk/v1/" resource "/export/{page.job}/file.json",                      \
                 .accept = "text/csv",                                                             \
                 .headers = LIST(piece)},                                                          \
        .id = "/result/0/exportId", .state_at = "/result/0/status", .size = "/result/0/fileSize",  \
        .count = "/result/0/numberOfRecords", .message = "/result/0/errorMsg",                     \
        .created = "Created", .done = "Completed", .running = TEXT_LIST("Queued", "Processing"),   \
        .key = first, .ranges = LIST(times), .range_s = 31 * 24 * 60 * 60 - 2,                     \
        .since_s = 1167609600 /* 2007 */, .pause_ms = 60 * 1000, .null = "null"                    \
    }
static const struct read_export lead_extract = EXTRACT("leads", "id", lead_ranges);
static const struct read_export activity_extract =
    EXTRACT("activities", "marketoGUID", activity_ranges);
static const struct read_export object_extract =
    EXTRACT("customobjects/{entity.last}", "marketoGUID", object_ranges);

#define READ_BY(entities, extract)                                                                 \
    {                                                                                              \
        .of = entities, .dialect = &times, .export = &extract, .names_fields = true                \
    }
static const struct read_source sources[] = {
    READ_BY("leads", lead_extract),
    READ_BY("activities", activity_extract),
    READ_BY("customobjects/*", object_extract),
};

static const struct read_type read_types[] = {
    {"integer", CSV_VALUE_NUMBER}, {"float", CSV_VALUE_NUMBER}, {"currency", CSV_VALUE_NUMBER},
    {"percent", CSV_VALUE_NUMBER}, {"score", CSV_VALUE_NUMBER}, {"reference", CSV_VALUE_NUMBER},
    {"boolean", CSV_VALUE_FLAG},
};

static const struct connector_reads reads = {
    .rows = sources,
    .count = sizeof(sources) / sizeof(*sources),
    .name_marks = "/_-",
    .types = LIST(read_types),
};

/* --- writing --- */

/* Flows to Marketo name no operation: records are created, or updated by their email, or by what
 * the custom object is deduplicated by ("Sync Leads", "Sync Custom Objects"). A call takes 300
 * records and 1 MB. */
#define SYNC(entities, resource, by)                                                               \
    .of = (entities), .operations = 1 << WRITE_UPSERT,                                             \
    .call = {.method = "POST",                                                                     \
             .path = resource,                                                                     \
             .content_type = "application/json",                                                   \
             .needs = "/result"},                                                                  \
    .limits = {.records = 300, .bytes = 900 * 1024}, .form = WRITE_BODY,                           \
    .before = "{\"action\":\"createOrUpdate\"," by ",\"input\":[", .after = "]}"
#define OUTCOMES(key)                                                                              \
    .results = {                                                                                   \
        .at = "/result",                                                                           \
        .good = {"/status", "skipped", true},                                                      \
        .id = (key),                                                                               \
        .code = "/reasons/0/code",                                                                 \
        .message = "/reasons/0/message",                                                           \
    }

static const struct write_source destinations[] = {
    {SYNC("leads", "/rest/v1/leads.json", "\"lookupField\":\"email\""), .key = WRITE_KEY_OWN,
     .key_field = "email", OUTCOMES("/id")},
    {SYNC("customobjects/*", "/rest/v1/customobjects/{entity.last}.json",
          "\"dedupeBy\":\"dedupeFields\""),
     OUTCOMES("/marketoGUID")},
};

static const struct connector_writes writes = {
    .rows = destinations,
    .count = sizeof(destinations) / sizeof(*destinations),
    .name_marks = "/_-",
    .unnamed = WRITE_UPSERT,
};

static const struct http_connector http = {
    .reads = &reads,
    .writes = &writes,
    .quota = {.is_hosts = true}, /* the subscription's */
    .api = LIST(instance),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .entities = &entities,
};

/* The API reference's sample of DescribeConnectors has these frequencies. */
static const struct catalogue_entry catalogue = {
    .name = "Marketo",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_HOURLY,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "LookoutMetrics"),
};

const struct connector connector_marketo = {
    .type = STR("Marketo"),
    .key = STR("Marketo"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
