/* ServiceNow: a user's name and password, or OAuth tokens (ready, for a code, a refresh token, or a
 * user's name and password); a look at the list of tables proves them. */
#include "connector/filter_operators.h"
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connectors/catalogue_sets.h"

static const struct connector_url instance[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .bare_domain = "service-now.com"},
};

static const struct connector_basic user = {
    .user = "{credentials.username}",
    .password = "{credentials.password}",
};

/* Scopes are a setting of the instance's app. An answer does not say whose account it is. */
static const struct connector_consent consent = {
    .urls = LIST(instance),
    .path = "/oauth_auth.do",
};

/* An app beside a user means that the user's password is shown to the token endpoint only. */
static const struct connector_auth auth[] = {
    {.given = "credentials.oAuth2Credentials",
     .oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials.oAuth2Credentials",
             .grants = GRANT_REFRESH | GRANT_CODE | GRANT_PASSWORD,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(instance),
             .token_path = "/oauth_token.do",
             .consent = &consent,
             .policy = {.rotation = ROTATION_NEVER, .absolute_s = 100 * 24 * 60 * 60},
             .login = &user,
         }},
    {.basic = &user},
};

/* Reading this table is the least that AppFlow needs. */
static const struct connector_call probes[] = {
    {.method = "GET",
     .path = "/api/now/table/sys_db_object?sysparm_limit=1&sysparm_fields=name",
     .needs = "/result"},
};

#define ASLEEP                                                                                     \
    "The instance hibernates. Wake it at developer.servicenow.com, and try again in a few "        \
    "minutes."

static const struct connector_rule rules[] = {
    {STEP_API, .status = 200, .contains = "Instance Hibernating", .kind = VERDICT_UNREACHABLE,
     .hint = ASLEEP, .causes = CAUSE_OUTAGE},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "The password or the token is not valid, or the user is unknown, locked or inactive.",
     .causes = CAUSE_CREDENTIAL | CAUSE_USER},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Let the user read the tables sys_db_object, sys_dictionary and sys_glide_object.",
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check the instance's name in instanceUrl.", .causes = CAUSE_ADDRESS},

    {STEP_TOKEN, .status = 200, .contains = "Instance Hibernating", .kind = VERDICT_UNREACHABLE,
     .hint = ASLEEP, .causes = CAUSE_OUTAGE},
    /* One answer for a wrong secret, code, refresh token or password. */
    {STEP_TOKEN, .status = 401, .at = "/error", .equals = "server_error", .kind = VERDICT_REJECTED,
     .hint = "Check clientId, clientSecret and, if one is used, the password. A code works once, "
             "expires soon and needs its own redirectUri; a refresh token expires after 100 days.",
     .causes = CAUSE_CLIENT | CAUSE_CREDENTIAL | CAUSE_GRANT | CAUSE_REDIRECT},
};

static const char *const errors[] = {"/error/message"};

/* --- entities --- */

/* Internal types as sys_glide_object gives each its scalar type; what is not here is text. */
static const struct entity_type types[] = {
    {.type = "integer", .operators = LIST(filter_numbers)},
    {.type = "longint", .operators = LIST(filter_numbers)},
    {.type = "decimal", .operators = LIST(filter_numbers)},
    {.type = "float", .operators = LIST(filter_numbers)},
    {.type = "percent_complete", .operators = LIST(filter_numbers)},
    {.type = "currency", .operators = LIST(filter_numbers)},
    {.type = "currency2", .operators = LIST(filter_numbers)},
    {.type = "price", .operators = LIST(filter_numbers)},
    {.type = "auto_increment", .operators = LIST(filter_numbers)},
    {.type = "order_index", .operators = LIST(filter_numbers)},
    {.type = "glide_date_time", .operators = LIST(filter_times), .is_time = true},
    {.type = "due_date", .operators = LIST(filter_times), .is_time = true},
    {.type = "glide_date", .operators = LIST(filter_times)},
    {.type = "glide_time", .operators = LIST(filter_times)},
    {.type = "glide_duration", .operators = LIST(filter_times)},
    {.type = "boolean", .operators = LIST(filter_equal), .values = LIST(filter_true_or_false)},
    {.type = "GUID", .operators = LIST(filter_equal)},
    {.type = "reference", .operators = LIST(filter_equal)},
    {.operators = LIST(filter_texts)},
};

/* What bounds a page; instances have some 5,000 tables. */
#define PAGE                                                                                       \
    "&sysparm_exclude_reference_link=true&sysparm_limit={page.size}"                               \
    "&sysparm_offset={page.offset}"

static const struct entity_list_source lists[] = {
    {.items = {.call = {.method = "GET",
                        .path = "/api/now/table/sys_db_object?sysparm_query=ORDERBYname"
                                "&sysparm_fields=name,label" PAGE},
               .pages = {.kind = PAGES_OFFSET, .size = 1000, .total = "X-Total-Count"},
               .at = "/result"},
     .name = "{item.name}",
     .label = "{item.label}"},
};

/* A table has the columns of the table that it extends: incident extends task. */
static const struct entity_parent parent = {
    .call = {.method = "GET",
             .path = "/api/now/table/sys_db_object?sysparm_query=name%3D{entity.name}"
                     "&sysparm_fields=super_class.name&sysparm_limit=1",
             .needs = "/result"},
    .at = "/result/0/super_class.name",
};

/* The row of type "collection" is the table itself. */
static const struct entity_field_source fields[] = {
    {.items = {.call = {.method = "GET",
                        .path = "/api/now/table/sys_dictionary?sysparm_query=nameIN{entity.names}"
                                "%5Einternal_type!%3Dcollection%5Eactive%3Dtrue"
                                "%5EORDERBYname%5EORDERBYelement"
                                "&sysparm_fields=element,column_label,internal_type,mandatory,"
                                "primary" PAGE},
               .pages = {.kind = PAGES_OFFSET, .size = 1000, .total = "X-Total-Count"},
               .at = "/result",
               .where = {"/element", NULL, false}},
     .parent = &parent,
     .name = "{item.element}",
     .label = "{item.column_label}",
     .type = "{item.internal_type}",
     .is_key = {"/element", "sys_id", false},
     .queryable = {"", NULL, false},
     .nullable = {"/mandatory", "true", true}},
};

/* Names become parts of an encoded query, whose conditions and lists have these marks. */
static const struct connector_entities entities = {
    .no_marks = "^,=",
    .types = LIST(types),
    .lists = LIST(lists),
    .fields = LIST(fields),
};

/* --- records --- */

/* Encoded queries ("Operators available for filters and queries"). Texts are compared without
 * regard to case. There are no quotes: a value that could be read as more than a value is not sent,
 * and neither is NULL, which means no value. Texts of references are compared with what they show.
 * In which zone the instance reads a time is a setting of the user. */
static const struct read_literal literals[] = {
    {"string", READ_TEXT, 0},          {"choice", READ_TEXT, 0},
    {"email", READ_TEXT, 0},           {"GUID", READ_WORD, 32},
    {"reference", READ_WORD, 32},      {"integer", READ_INTEGER, 0},
    {"longint", READ_INTEGER, 0},      {"decimal", READ_NUMBER, 0},
    {"float", READ_NUMBER, 0},         {"boolean", READ_FLAG, 0},
    {"glide_date_time", READ_TIME, 0}, {"due_date", READ_TIME, 0},
    {"datetime", READ_TIME, 0},        {"date", READ_DATE, 0},
    {"glide_date", READ_DATE, 0},
};

#define ORDERED (READ_NUMBERS | READ_TIMES)
static const struct read_condition conditions[] = {
    {"EQUAL_TO", ~0U, "=", NULL},         {"CONTAINS", 1 << READ_TEXT, "LIKE", NULL},
    {"LESS_THAN", ORDERED, "<", NULL},    {"LESS_THAN_OR_EQUAL_TO", ORDERED, "<=", NULL},
    {"GREATER_THAN", ORDERED, ">", NULL}, {"GREATER_THAN_OR_EQUAL_TO", ORDERED, ">=", NULL},
};

static const struct read_dialect encoded_query = {
    .texts = {.unfit = "^=<>!@,%:", .unfit_words = TEXT_LIST("NULL")},
    .literals = LIST(literals),
    .conditions = LIST(conditions),
    .between = "^",
    .or = "^OR",
    .after = "^",
    .zone_s = 24 * 60 * 60,
};

static const struct connector_param parameters[] = {
    {.name = "sysparm_query", .value = "{read.statement}"},
    {.name = "sysparm_fields", .value = "{read.fields}", .given = "read.fields"},
};

static const struct read_source sources[] = {
    {.call = {.method = "GET",
              .path = "/api/now/table/{entity.name}?sysparm_display_value=false" PAGE,
              .query = LIST(parameters)},
     .dialect = &encoded_query,
     .statement = "{read.after}{read.where}ORDERBYsys_id",
     .at = "/result",
     .paging = READ_KEY,
     .size = 1000,
     .key = "sys_id",
     .behind = "sys_id>{page.key}^",
     .total = "X-Total-Count",
     .missing = 400},
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "_."};

static const struct http_connector http = {
    .api = LIST(instance),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .entities = &entities,
    .reads = &reads,
};

static const struct catalogue_entry catalogue = {
    .name = "ServiceNow",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "LookoutMetrics"),
    .flows = {.changed_field = "sys_updated_on"},
};

const struct connector connector_servicenow = {
    .type = STR("Servicenow"),
    .key = STR("ServiceNow"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
