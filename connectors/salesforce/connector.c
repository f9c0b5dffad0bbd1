/* Salesforce: OAuth tokens, ready or for a code, a refresh token or a signed assertion; the list
 * of the data API's resources proves them. */
#include "connector/filter_operators.h"
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connector/http/write_source.h"
#include "connectors/catalogue_sets.h"
#include "connectors/salesforce/login_rules.h"

/* The version that AppFlow uses for profiles made since June 2023. */
#define DATA_API "/services/data/v58.0/"

/* The login hosts serve no data: there the token's owner is asked for. */
static const struct connector_call userinfo = {
    .method = "GET",
    .path = "/services/oauth2/userinfo",
    .needs = "/user_id",
};

/* The host that browsers show; its My Domain host serves the API and logins. */
#define LIGHTNING .pages = ".lightning.force.com", .pages_api = ".my.salesforce.com"

/* An instance_url that came with a token goes before these. */
static const struct connector_url api[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", LIGHTNING},
    {.flag = "isSandboxEnvironment", .url = "https://test.salesforce.com", .probe = &userinfo},
    {.url = "https://login.salesforce.com", .probe = &userinfo},
};

/* A My Domain host serves every grant, also where an organization has closed the login hosts. */
static const struct connector_url token[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .vendor_hosts_only = true, LIGHTNING},
    {.flag = "isSandboxEnvironment", .url = "https://test.salesforce.com"},
    {.url = "https://login.salesforce.com"},
};

/* The hosts of logins. Beside the generic ones these are the forms of My Domain, of production and
 * of each kind of organization with partitioned domains (Metadata API, MyDomainSettings,
 * domainPartition; a sandbox is "acme--name.sandbox.my.salesforce.com"). Customers' pages are
 * served on other domains: force.com, my.site.com, my.salesforce-sites.com. */
static const char *const hosts[] = {
    "login.salesforce.com",           "test.salesforce.com",         "*.my.salesforce.com",
    "*.sandbox.my.salesforce.com",    "*.develop.my.salesforce.com", "*.scratch.my.salesforce.com",
    "*.demo.my.salesforce.com",       "*.free.my.salesforce.com",    "*.patch.my.salesforce.com",
    "*.trailblaze.my.salesforce.com",
};

/* An organization's instance, "na1.salesforce.com", as it was before My Domain. */
static const char *const instances[] = {"*.salesforce.com"};

/* The hosts of logins stand for every organization of their kind, whatever its own host is. */
static const struct connector_url audiences[] = {
    {.flag = "isSandboxEnvironment", .url = "https://test.salesforce.com"},
    {.url = "https://login.salesforce.com"},
};

/* "id" is the identity URL, which ends in the organization's id and the user's. */
static const struct connector_consent consent = {
    .urls = LIST(token),
    .path = "/services/oauth2/authorize",
    .scope = "api refresh_token",
    .account = TEXT_LIST("/id"),
    .account_is_url = true,
};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grant_type = "credentials.oAuth2GrantType",
             .grants = GRANT_REFRESH | GRANT_CODE | GRANT_JWT_BEARER,
             .client = CLIENT_APP,
             .token_urls = LIST(token),
             .token_path = "/services/oauth2/token",
             .assertion =
                 &(const struct connector_assertion){.audiences = LIST(audiences), .life_s = 120},
             .consent = &consent,
             .policy = {.probe = PROBE_INTROSPECTION,
                        .probe_path = "/services/oauth2/introspect",
                        .life_s = 2 * 60 * 60,
                        .idle_s = 30 * 24 * 60 * 60},
         }},
};

/* Of a session. */
static const struct connector_end end = {
    .introspection = "/services/oauth2/introspect",
    .at = "/exp",
    .form = TIME_S,
    .moves_with_use = true,
};

/* Not /limits: that one is for users who may view the setup. */
static const struct connector_call probes[] = {
    {.method = "GET", .path = DATA_API, .needs = "/sobjects"},
};

#define HINT_TOKEN "Get a new access token, or provide a refresh token and an app that may use it."

static const struct connector_rule rules[] = {
    {STEP_API, .status = 401, .at = "/0/message", .contains = "not valid for use with the REST API",
     .kind = VERDICT_REJECTED, .hint = "Give the connected app the scope api, and log in again.",
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true, .hint = HINT_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    /* The userinfo endpoint's word for a token that it does not know. */
    {STEP_API, .status = 403, .contains = "Bad_OAuth_Token", .kind = VERDICT_REJECTED,
     .renewable = true, .hint = HINT_TOKEN, .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 403, .at = "/0/errorCode", .equals = "REQUEST_LIMIT_EXCEEDED",
     .kind = VERDICT_THROTTLED,
     .hint = "The organization has used up its API requests of the last 24 hours.",
     .causes = CAUSE_LIMIT},
    {STEP_API, .status = 403, .at = "/0/errorCode", .equals = "TXN_SECURITY_METERING_ERROR",
     .kind = VERDICT_THROTTLED, .hint = "Try again in a few minutes.", .causes = CAUSE_LIMIT},
    {STEP_API, .status = 403, .at = "/0/errorCode", .equals = "API_DISABLED_FOR_ORG",
     .kind = VERDICT_FORBIDDEN,
     .hint = "The organization's edition does not include the API, or the user lacks \"API "
             "Enabled\".",
     .causes = CAUSE_ACCOUNT | CAUSE_PERMISSION},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Ask an administrator to check the user's permissions (\"API Enabled\") and the "
             "connected app's policies.",
     .causes = CAUSE_PERMISSION},
    /* Of queries, and of jobs, which are removed without a word. */
    {STEP_API, .status = 204, .kind = VERDICT_ACCEPTED, .enough = true},
    {STEP_API, .status = 400, .at = "/0/errorCode", .equals = "INVALID_TYPE",
     .kind = VERDICT_ABSENT, .hint = "There is no such object, or the user may not read it.",
     .causes = CAUSE_OBJECT | CAUSE_PERMISSION},
    {STEP_API, .status = 400, .at = "/0/errorCode", .equals = "INVALID_FIELD",
     .kind = VERDICT_MISCONFIGURED,
     .hint = "Check the fields and filters of the flow, and that the user may read these fields.",
     .causes = CAUSE_OBJECT | CAUSE_PERMISSION},
    {STEP_API, .status = 400, .at = "/0/message", .contains = "compound data not supported",
     .kind = VERDICT_MISCONFIGURED,
     .hint = "Leave out the flow's compound fields, whose parts are fields of their own, or set "
             "dataTransferApi to REST_SYNC.",
     .causes = CAUSE_OBJECT},
    {STEP_API, .status = 400, .at = "/0/errorCode", .equals = "INVALID_QUERY_LOCATOR",
     .kind = VERDICT_MISCONFIGURED,
     .hint = "The query is too old to be continued. Run the flow again.", .causes = CAUSE_OBJECT},
    {STEP_API, .status = 400, .at = "/0/errorCode", .equals = "QUERY_TIMEOUT",
     .kind = VERDICT_UNREACHABLE,
     .hint = "The organization took too long to answer. Let the flow read fewer records, by a "
             "filter on a date.",
     .causes = CAUSE_OUTAGE},
    {STEP_API, .status = 400, .kind = VERDICT_MISCONFIGURED,
     .hint = "The organization does not take the request. Check the flow's object, fields and "
             "filters.",
     .causes = CAUSE_OBJECT},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check that instanceUrl is the organization's My Domain host.",
     .causes = CAUSE_ADDRESS},

    SALESFORCE_LOGIN_RULES,
};

static const char *const errors[] = {"/0/errorCode"};

/* --- entities --- */

static const char *const equal[] = {"EQUAL_TO"};

static const struct entity_type types[] = {
    {.type = "string", .operators = LIST(filter_texts)},
    {.type = "double", .operators = LIST(filter_numbers)},
    {.type = "int", .operators = LIST(filter_numbers)},
    {.type = "date", .operators = LIST(filter_times)},
    {.type = "datetime", .operators = LIST(filter_times), .is_time = true},
    {.type = "boolean", .operators = LIST(equal), .values = LIST(filter_true_or_false)},
    {.operators = LIST(equal)},
};

/* The global describe: objects, events (Name__e) and change events (NameChangeEvent) alike. */
static const struct entity_list_source lists[] = {
    {.items = {.call = {.method = "GET", .path = DATA_API "sobjects"}, .at = "/sobjects"},
     .name = "{item.name}",
     .label = "{item.label}"},
};

/* Which writes can find a record by a field: all but inserts by the id, upserts by an external id.
 */
static const char *const by_id[] = {"UPDATE", "UPSERT"};
static const char *const by_external_id[] = {"UPSERT"};
static const struct entity_writes writes[] = {
    {{"/type", "id", false}, LIST(by_id)},
    {{"/externalId", "true", false}, LIST(by_external_id)},
};

static const struct entity_field_source fields[] = {
    {.items = {.call = {.method = "GET", .path = DATA_API "sobjects/{entity.name}/describe"},
               .at = "/fields",
               .missing = 404},
     .name = "{item.name}",
     .label = "{item.label}",
     .type = "{item.type}",
     .is_key = {"/type", "id", false},
     .queryable = {"/filterable", "true", false},
     .creatable = {"/createable", "true", false},
     .updatable = {"/updateable", "true", false},
     .upsertable = {"/updateable", "true", false},
     .nullable = {"/nillable", "true", false},
     .defaulted = {"/defaultedOnCreate", "true", false},
     .writes = LIST(writes)},
};

static const struct connector_entities entities = {
    .types = LIST(types),
    .lists = LIST(lists),
    .fields = LIST(fields),
};

/* --- records --- */

/* SOQL (SOQL and SOSL Reference, "Quoted String Escape Sequences", "Date Formats"). Texts are
 * compared without regard to case, so = and LIKE find at least what the flow keeps; != would lose
 * some. Fields of other types cannot be filtered by, or only by some of their values. */
static const struct read_escape escapes[] = {
    {'\\', "\\\\"}, {'\'', "\\'"}, {'"', "\\\""}, {'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"},
};
static const struct read_escape in_like[] = {{'%', "\\%"}, {'_', "\\_"}};

static const struct read_literal literals[] = {
    {"string", READ_TEXT, 0},      {"picklist", READ_TEXT, 0}, {"phone", READ_TEXT, 0},
    {"email", READ_TEXT, 0},       {"url", READ_TEXT, 0},      {"id", READ_WORD, 18},
    {"reference", READ_WORD, 18},  {"double", READ_NUMBER, 0}, {"currency", READ_NUMBER, 0},
    {"percent", READ_NUMBER, 0},   {"int", READ_INTEGER, 0},   {"boolean", READ_FLAG, 0},
    {"datetime", READ_TIME_MS, 0}, {"date", READ_DATE, 0},
};

#define ORDERED (READ_NUMBERS | READ_TIMES)
static const struct read_condition conditions[] = {
    {"EQUAL_TO", ~0U, " = ", NULL},         {"CONTAINS", 1 << READ_TEXT, " LIKE ", "%"},
    {"LESS_THAN", ORDERED, " < ", NULL},    {"LESS_THAN_OR_EQUAL_TO", ORDERED, " <= ", NULL},
    {"GREATER_THAN", ORDERED, " > ", NULL}, {"GREATER_THAN_OR_EQUAL_TO", ORDERED, " >= ", NULL},
};

static const struct read_dialect soql = {
    .texts = {.quote = "'", .escapes = LIST(escapes), .in_pattern = LIST(in_like)},
    .literals = LIST(literals),
    .conditions = LIST(conditions),
    .before = " WHERE ",
    .between = " AND ",
    .or_before = "(",
    .or = " OR ",
    .or_after = ")",
};

#define STATEMENT                                                                                  \
    .dialect = &soql, .statement = "SELECT {read.fields} FROM {entity.name}{read.where}",          \
    .names_fields = true

/* A page has 2,000 records, or fewer of long ones. */
#define QUERY(resource)                                                                            \
    .call = {.method = "GET", .path = DATA_API resource "?q={read.statement}"}, .at = "/records",  \
    .paging = READ_URL, .next = "/nextRecordsUrl", .more = {"/done", "true", true}, STATEMENT

/* Bulk API 2.0 ("Query with Bulk API 2.0"). Its CSV has every value in quotes, and nothing between
 * them for null. */
#define JOBS DATA_API "jobs/query"
#define JOB JOBS "/{page.job}"

static const char *const running[] = {"UploadComplete", "InProgress"};
static const struct connector_param result_params[] = {
    {.name = "locator", .value = "{page.cursor}", .given = "page.cursor"},
};

#define QUERY_JOB(name, operation)                                                                 \
    static const struct read_job name = {                                                          \
        .create = {.method = "POST",                                                               \
                   .path = JOBS,                                                                   \
                   .content_type = "application/json",                                             \
                   .body = "{\"operation\":\"" operation                                           \
                           "\",\"query\":\"{read.statement}\",\"contentType\":\"CSV\","            \
                           "\"columnDelimiter\":\"COMMA\",\"lineEnding\":\"LF\"}"},                \
        .id = "/id",                                                                               \
        .state = {.method = "GET", .path = JOB},                                                   \
        .state_at = "/state",                                                                      \
        .running = LIST(running),                                                                  \
        .done = "JobComplete",                                                                     \
        .message = "/errorMessage",                                                                \
        .results = {.method = "GET",                                                               \
                    .path = JOB "/results?maxRecords={page.size}",                                 \
                    .accept = "text/csv",                                                          \
                    .query = LIST(result_params)},                                                 \
        .locator = "Sforce-Locator",                                                               \
        .last = "null",                                                                            \
        .count = "Sforce-NumberOfRecords",                                                         \
        .forgotten = 404,                                                                          \
        .abort = {.method = "PATCH",                                                               \
                  .path = JOB,                                                                     \
                  .content_type = "application/json",                                              \
                  .body = "{\"state\":\"Aborted\"}"},                                              \
        .remove = {.method = "DELETE", .path = JOB},                                               \
    }

QUERY_JOB(query_job, "query");
QUERY_JOB(query_all_job, "queryAll");

/* Some 9 MB a page of records with 25 fields. */
#define BULK_SIZE 20000

/* The service reads by Bulk API 2.0 from so many records on (User Guide, "Salesforce API
 * preference"). */
#define BULK_FROM 1000000

static const struct read_source bulk = {.job = &query_job, .size = BULK_SIZE, STATEMENT};
static const struct read_source bulk_all = {.job = &query_all_job, .size = BULK_SIZE, STATEMENT};

#define AUTOMATIC(row) .large = &(row), .large_from = BULK_FROM, .total_at = "totalSize"
#define API(name) .given = "source.dataTransferApi", .equals = (name)
#define DELETED .flag = "source.includeDeletedRecords"

static const struct read_source sources[] = {
    {API("BULKV2"), DELETED, .job = &query_all_job, .size = BULK_SIZE, STATEMENT},
    {API("BULKV2"), .job = &query_job, .size = BULK_SIZE, STATEMENT},
    {API("REST_SYNC"), DELETED, QUERY("queryAll")},
    {API("REST_SYNC"), QUERY("query")},
    {DELETED, QUERY("queryAll"), AUTOMATIC(bulk_all)},
    {QUERY("query"), AUTOMATIC(bulk)},
};

static const struct read_type read_types[] = {
    {"double", CSV_VALUE_NUMBER}, {"currency", CSV_VALUE_NUMBER}, {"percent", CSV_VALUE_NUMBER},
    {"int", CSV_VALUE_NUMBER},    {"long", CSV_VALUE_NUMBER},     {"boolean", CSV_VALUE_FLAG},
    {"datetime", CSV_VALUE_TIME}, {"address", CSV_VALUE_NONE},    {"location", CSV_VALUE_NONE},
    {"base64", CSV_VALUE_NONE},
};

static const struct connector_reads reads = {
    .rows = sources,
    .count = sizeof(sources) / sizeof(*sources),
    .name_marks = "_.",
    .types = LIST(read_types),
    .utc = "+0000",
};

/* --- writes --- */

/* sObject Collections: results are in the order of the records, and one that fails leaves the
 * others as they are. */
#define COLLECTION DATA_API "composite/sobjects"
#define RESULTS                                                                                    \
    .limits = {.records = 200, .bytes = 2 * 1024 * 1024},                                          \
    .results = {.at = "",                                                                          \
                .good = {"/success", "true", false},                                               \
                .id = "/id",                                                                       \
                .code = "/errors/0/statusCode",                                                    \
                .message = "/errors/0/message",                                                    \
                .again = TEXT_LIST("UNABLE_TO_LOCK_ROW"),                                          \
                .gone = TEXT_LIST("ENTITY_IS_DELETED")}
#define RECORDS                                                                                    \
    .form = WRITE_BODY, .before = "{\"allOrNone\":false,\"records\":[", .after = "]}",             \
    .members = "\"attributes\":{\"type\":\"{entity.name}\"}",                                      \
    .no_members = TEXT_LIST("attributes"), RESULTS
#define BODY(verb, resource)                                                                       \
    .call = {.method = (verb), .path = (resource), .content_type = "application/json"}

static const struct write_source destinations[] = {
    {.operations = ~0U,
     .given = "destination.dataTransferApi",
     .equals = "BULKV2",
     .refusal = "This version does not write by Bulk API 2.0: set dataTransferApi to AUTOMATIC or "
                "REST_SYNC"},
    {.operations = 1 << WRITE_INSERT, BODY("POST", COLLECTION), RECORDS},
    {.operations = 1 << WRITE_UPDATE,
     BODY("PATCH", COLLECTION),
     .key = WRITE_KEY_OWN,
     .key_field = "Id",
     .key_member = "id",
     RECORDS},
    {.operations = 1 << WRITE_UPSERT,
     BODY("PATCH", COLLECTION "/{entity.name}/{write.key}"),
     .key = WRITE_KEY_GIVEN,
     RECORDS},
    {.operations = 1 << WRITE_DELETE,
     .call = {.method = "DELETE", .path = COLLECTION "?ids={write.ids}&allOrNone=false"},
     .form = WRITE_IDS,
     .key = WRITE_KEY_OWN,
     .key_field = "Id",
     RESULTS},
};

static const struct connector_writes writes_to = {
    .rows = destinations,
    .count = sizeof(destinations) / sizeof(*destinations),
    .name_marks = "_",
};

static const struct http_connector http = {
    .life = {.idle_is_conditional = true},
    .end = &end,
    .private_tokens = "usePrivateLinkForMetadataAndAuthorization",
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    /* REST API Developer Guide, "Limit Info Header": "api-usage=18/5000", of the organization, over
     * 24 hours; there is no time at which it begins anew. */
    .quota = {.used = "Sforce-Limit-Info", .used_name = "api-usage", .is_hosts = true},
    .hosts = LIST(hosts),
    .instances = LIST(instances),
    .entities = &entities,
    .reads = &reads,
    .writes = &writes_to,
};

/* The API reference's sample of DescribeConnector. What newer members hold is inferred: the model's
 * transfer APIs, and the grants that a profile can be made with. */
static const struct catalogue_metadata metadata[] = {
    {"oAuthScopes", TEXT_LIST("api", "refresh_token", "id")},
    {"dataTransferApis", TEXT_LIST("AUTOMATIC", "BULKV2", "REST_SYNC")},
    {"oauth2GrantTypesSupported", TEXT_LIST("AUTHORIZATION_CODE", "JWT_BEARER")},
};

static const struct catalogue_entry catalogue = {
    .name = "Salesforce",
    .triggers = TRIGGERS_POLLED | TRIGGER_EVENT,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "EventBridge", "LookoutMetrics"),
    .metadata = LIST(metadata),
    /* Refused by the real service: hashicorp/terraform-provider-aws issue 34482. */
    .flows = {.needs_projection = true, .delete_key = "Id"},
};

const struct connector connector_salesforce = {
    .type = STR("Salesforce"),
    .key = STR("Salesforce"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .modes = MODE_PRIVATE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
