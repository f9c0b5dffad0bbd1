/* Pardot (Account Engagement): OAuth tokens of its owner's login service, ready or for a code or a
 * refresh token, and the business unit; the account's own record proves both. */
#include "base/error.h"
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connectors/catalogue_sets.h"
#include "connectors/salesforce/login_rules.h"
#include "wire/value.h"

static const struct connector_url api[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}"},
    {.flag = "isSandboxEnvironment", .url = "https://pi.demo.pardot.com"},
    {.url = "https://pi.pardot.com"},
};

static const struct connector_url login[] = {
    {.flag = "isSandboxEnvironment", .url = "https://test.salesforce.com"},
    {.url = "https://login.salesforce.com"},
};

/* "id" is the identity URL, which ends in the organization's id and the user's. */
static const struct connector_consent consent = {
    .urls = LIST(login),
    .path = "/services/oauth2/authorize",
    .scope = "pardot_api api refresh_token",
    .account = TEXT_LIST("/id"),
    .account_is_url = true,
};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_APP,
             .token_urls = LIST(login),
             .token_path = "/services/oauth2/token",
             .consent = &consent,
             .policy = {.probe = PROBE_INTROSPECTION,
                        .probe_path = "/services/oauth2/introspect",
                        .life_s = 2 * 60 * 60,
                        .idle_s = 30 * 24 * 60 * 60},
             .api_elsewhere = true, /* instance_url is the CRM's */
         }},
};

/* Of a session. */
static const struct connector_end end = {
    .introspection = "/services/oauth2/introspect",
    .at = "/exp",
    .form = TIME_S,
    .moves_with_use = true,
};

static const struct connector_header unit[] = {
    {"Pardot-Business-Unit-Id", "{businessUnitId}"},
};

static const struct connector_call probes[] = {
    {.method = "GET",
     .path = "/api/account/version/4/do/read?format=json",
     .headers = LIST(unit),
     .needs = "/account"},
};

#define CODE(number) STEP_API, .at = "/@attributes/err_code", .equals = (number)
#define NEW_TOKEN "Get new tokens from a new login, with the scope pardot_api."
#define UNIT                                                                                       \
    "businessUnitId must be that of a business unit in the organization and environment that the " \
    "token is for."

/* The code decides, whatever the status: it comes with 200 and with 4xx. */
static const struct connector_rule rules[] = {
    {CODE("184"), .kind = VERDICT_REJECTED, .renewable = true, .hint = NEW_TOKEN,
     .causes = CAUSE_CREDENTIAL | CAUSE_PERMISSION},
    {CODE("1"), .kind = VERDICT_REJECTED, .hint = NEW_TOKEN,
     .causes = CAUSE_CREDENTIAL | CAUSE_PERMISSION},
    {CODE("15"), .kind = VERDICT_REJECTED,
     .hint = "Check that the user has access to Account Engagement, and get new tokens from a new "
             "login.",
     .causes = CAUSE_CREDENTIAL | CAUSE_PERMISSION},
    {CODE("46"), .kind = VERDICT_FORBIDDEN,
     .hint = "Ask an administrator to give the user permission for this operation.",
     .causes = CAUSE_PERMISSION},
    {CODE("49"), .kind = VERDICT_FORBIDDEN,
     .hint = "Ask an administrator to give the user access to this operation.",
     .causes = CAUSE_PERMISSION},
    {CODE("53"), .kind = VERDICT_BLOCKED,
     .hint = "Ask an administrator to allow this server's IP address.", .causes = CAUSE_POLICY},
    {CODE("76"), .kind = VERDICT_FORBIDDEN,
     .hint = "API access is disabled for the account. Ask Salesforce's support.",
     .causes = CAUSE_ACCOUNT},
    {CODE("66"), .kind = VERDICT_THROTTLED,
     .hint = "Too many concurrent calls. Try again in a minute.", .causes = CAUSE_LIMIT},
    {CODE("122"), .kind = VERDICT_THROTTLED,
     .hint = "The daily limit of calls is used up. Try again tomorrow.", .causes = CAUSE_LIMIT},
    {CODE("181"), .kind = VERDICT_MISCONFIGURED, .hint = UNIT, .causes = CAUSE_OBJECT},
    {CODE("182"), .kind = VERDICT_MISCONFIGURED, .hint = UNIT, .causes = CAUSE_OBJECT},
    {CODE("185"), .kind = VERDICT_MISCONFIGURED, .hint = UNIT, .causes = CAUSE_OBJECT},
    {CODE("201"), .kind = VERDICT_MISCONFIGURED, .hint = UNIT, .causes = CAUSE_OBJECT},
    {CODE("89"), .kind = VERDICT_MISCONFIGURED,
     .hint = "The account does not support version 4 of the API.", .causes = CAUSE_UNSUPPORTED},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true, .hint = NEW_TOKEN,
     .causes = CAUSE_CREDENTIAL | CAUSE_PERMISSION},
    {STEP_API, .status = 200, .at = "/@attributes/stat", .equals = "fail",
     .kind = VERDICT_MISCONFIGURED},

    SALESFORCE_LOGIN_RULES,
};

static const char *const messages[] = {"/err"};

/* An organization's id for it: the key prefix 0Uv, with or without the three letters that make
 * letter case not count. Whether one is required is checked with the calls. */
static bool check(const struct value *properties, const struct value *credentials,
                  struct error *error)
{
    struct str id = value_text(properties, "businessUnitId");
    bool good = id.len == 0 || ((id.len == 15 || id.len == 18) && str_starts(id, STR("0Uv")));
    (void)credentials;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        good = good && ascii_is_alnum(c);
    }
    return good || fail(error, ERR_VALIDATION,
                        "Validation exception: businessUnitId must be an id of 18 letters and "
                        "digits that begins with 0Uv");
}

static const char *const errors[] = {"/@attributes/err_code", "/code"};

/* --- entities --- */

/* Objects that version 4 can query, and their fields with the parameters that its queries have, are
 * entities.json's. What differs from account to account are the custom fields of prospects, and
 * those of prospect accounts, for which alone there is a description. */
static const char *const true_or_false[] = {"true", "false"};

static const struct entity_type types[] = {
    {.type = "boolean", .values = LIST(true_or_false)},
    {0},
};

static const struct entity_field_source fields[] = {
    {.of = "prospect",
     .items = {.call = {.method = "GET",
                        .path = "/api/customField/version/4/do/query?format=json&sort_by=id"
                                "&sort_order=ascending&limit={page.size}&offset={page.offset}",
                        .headers = LIST(unit),
                        .needs = "/result"},
               .pages = {.kind = PAGES_OFFSET, .size = 200},
               .at = "/result/customField",
               .lone = true},
     .name = "{item.field_id}",
     .label = "{item.name}",
     .type = "{item.type}"},
    {.of = "prospectAccount",
     .items = {.call = {.method = "GET",
                        .path = "/api/prospectAccount/version/4/do/describe?format=json",
                        .headers = LIST(unit),
                        .needs = "/result"},
               .at = "/result/field",
               .lone = true},
     .name = "{item.@attributes.id}",
     .label = "{item.@attributes.label}",
     .type = "{item.@attributes.type}"},
};

static const struct connector_entities entities = {
    .schema = "pardot",
    .types = LIST(types),
    .fields = LIST(fields),
};

/* --- records --- */

/* Times are in the zone of the API's user. Which parameters a query has differs by object: those of
 * fields that entities.json says can be filtered by, and those of the time by which each is read
 * incrementally. */
static const struct read_literal literals[] = {
    {"timestamp", READ_TIME, 0},  {"datetime", READ_TIME, 0}, {"date", READ_TIME, 0},
    {"integer", READ_INTEGER, 0}, {"string", READ_TEXT, 0},   {"boolean", READ_FLAG, 0},
};

#define SAME(name)                                                                                 \
    {                                                                                              \
        name, "EQUAL_TO", name                                                                     \
    }
#define EQUALITIES                                                                                 \
    SAME("name"), SAME("list_id"), SAME("tag_id"), SAME("object_id"), SAME("type"),                \
        SAME("prospect_id"), SAME("visitor_id"), SAME("email_id"), SAME("file_id"),                \
        SAME("form_id"), SAME("form_handler_id"), SAME("landing_page_id"),                         \
        {"score", "EQUAL_TO", "score_equal_to"},                                                   \
    {                                                                                              \
        "grade", "EQUAL_TO", "grade_equal_to"                                                      \
    }
static const struct read_bound updated[] = {
    {"updated_at", "GREATER_THAN", "updated_after"},
    {"updated_at", "LESS_THAN", "updated_before"},
    EQUALITIES,
};
static const struct read_bound created[] = {
    {"created_at", "GREATER_THAN", "created_after"},
    {"created_at", "LESS_THAN", "created_before"},
    EQUALITIES,
};
static const struct read_dialect by_update = {
    .literals = LIST(literals),
    .bounds = LIST(updated),
    .fields = TEXT_LIST("updated_at"),
    .zone_s = 24 * 60 * 60,
};
static const struct read_dialect by_creation = {
    .literals = LIST(literals),
    .bounds = LIST(created),
    .fields = TEXT_LIST("created_at"),
    .zone_s = 24 * 60 * 60,
};
/* Without a time. */
static const struct read_dialect by_value = {.literals = LIST(literals), .bounds = LIST(updated)};

#define GIVEN(parameter)                                                                           \
    {                                                                                              \
        .name = parameter, .value = "{read." parameter "}", .given = "read." parameter             \
    }
static const struct connector_param parameters[] = {
    {.name = "id_greater_than", .value = "{page.key}", .given = "page.key"},
    GIVEN("updated_after"),
    GIVEN("updated_before"),
    GIVEN("created_after"),
    GIVEN("created_before"),
    GIVEN("name"),
    GIVEN("list_id"),
    GIVEN("tag_id"),
    GIVEN("object_id"),
    GIVEN("type"),
    GIVEN("prospect_id"),
    GIVEN("visitor_id"),
    GIVEN("email_id"),
    GIVEN("file_id"),
    GIVEN("form_id"),
    GIVEN("form_handler_id"),
    GIVEN("landing_page_id"),
    GIVEN("score_equal_to"),
    GIVEN("grade_equal_to"),
};

/* In the order of ids, each page behind the last id of the one before. */
#define QUERY(object, member, filters, more)                                                       \
    {                                                                                              \
        .of = object,                                                                              \
        .call = {.method = "GET",                                                                  \
                 .path = "/api/{entity.name}/version/4/do/query?format=json&sort_by=id"            \
                         "&sort_order=ascending&limit={page.size}" more,                           \
                 .headers = LIST(unit),                                                            \
                 .query = LIST(parameters),                                                        \
                 .needs = "/result"},                                                              \
        .is_lone = true, .dialect = &filters, .at = "/result/" member, .paging = READ_KEY,         \
        .size = 200, .key = "id", .ends_empty = true, .is_nested = true                            \
    }

static const struct read_source sources[] = {
    {.of = "visit",
     .refusal = "The vendor lists visits of visitors or prospects that are named: visit cannot be "
                "read"},
    QUERY("visitorActivity", "visitor_activity", by_update, ""),
    QUERY("listMembership", "list_membership", by_update, ""),
    QUERY("emailClick", "emailClick", by_creation, "&output=bulk"),
    QUERY("customField", "{entity.name}", by_creation, ""),
    QUERY("lifecycleHistory", "{entity.name}", by_creation, ""),
    QUERY("opportunity", "{entity.name}", by_creation, ""),
    QUERY("tagObject", "{entity.name}", by_creation, ""),
    QUERY("user", "{entity.name}", by_creation, ""),
    QUERY("campaign", "{entity.name}", by_value, ""),
    QUERY("lifecycleStage", "{entity.name}", by_value, ""),
    QUERY(NULL, "{entity.name}", by_update, ""),
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "_"};

static const struct http_connector http = {
    .reads = &reads,
    .life = {.idle_is_conditional = true},
    .end = &end,
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .messages = LIST(messages),
    .check = check,
    .entities = &entities,
};

static const struct catalogue_entry catalogue = {
    .name = "Salesforce Pardot",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "EventBridge", "LookoutMetrics"),
};

const struct connector connector_pardot = {
    .type = STR("Pardot"),
    .key = STR("Pardot"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
