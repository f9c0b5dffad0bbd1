/* Veeva Vault: a login with user name and password gives a session of one Vault, which must be the
 * one that was asked for; the session's own user proves that the API may be used. */
#include "connector/filter_operators.h"
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connector/http/template.h"
#include "connector/http/url.h"
#include "connectors/catalogue_sets.h"

/* Old versions stay as they are, for years. */
#define API "/api/v24.1"
#define DOMAIN "veevavault.com"

static const struct connector_url api[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .bare_domain = DOMAIN},
};

static bool derive(const struct value *properties, struct arena *arena, struct value *derived,
                   struct error *error)
{
    struct str instance = value_text(properties, "instanceUrl");
    struct url url;
    if (instance.data && !connector_url_parse(arena, instance, DOMAIN, "instanceUrl", &url, error))
        return false;
    value_put_text(arena, derived, "host", instance.data ? url.host : STR_NULL);
    return true;
}

/* A user who may not enter the requested Vault is logged in to another one of theirs. */
static const char *wrong_vault(const struct scope *scope, const struct value *answer,
                               struct arena *arena)
{
    const struct value *vaults = value_get(answer, "vaultIds");
    struct str wanted = scope_text(arena, scope, "derived.host");
    int64_t id = value_integer(answer, "vaultId", -1);
    for (size_t i = 0; i < vaults->count; i++) {
        struct url url;
        if (value_integer(vaults->items[i], "id", -2) == id &&
            url_parse(arena, value_text(vaults->items[i], "url"), NULL, &url, NULL) &&
            str_eq(url.host, wanted))
            return NULL;
    }
    return "The login ended in another Vault than the one that instanceUrl names: give this user "
           "access to it, or check instanceUrl.";
}

static const struct connector_header shown[] = {{"Authorization", "{session.token}"}};

static const struct connector_auth auth[] = {
    {.session =
         &(const struct connector_session){
             .login = {.method = "POST",
                       .path = API "/auth",
                       .body = "username={credentials.username}&password={credentials.password}"
                               "&vaultDNS={derived.host}",
                       .content_type = "application/x-www-form-urlencoded",
                       .needs = "/vaultIds"},
             .token = "/sessionId",
             .headers = LIST(shown),
             .end = {.method = "DELETE", .path = API "/session"},
             .wrong = wrong_vault,
         }},
};

/* A user without API access can log in, but not do this. */
static const struct connector_call probes[] = {
    {.method = "GET", .path = API "/objects/users/me", .needs = "/users"},
};

#define TYPE(name) STEP_NONE, .at = "/errors/0/type", .equals = name

/* Every answer has status 200. The types are part of the API's contract, the messages are not. */
static const struct connector_rule rules[] = {
    {STEP_NONE, .at = "/responseStatus", .equals = "EXCEPTION", .kind = VERDICT_UNREACHABLE,
     .hint = "The Vault had an internal error. Try again.", .causes = CAUSE_OUTAGE},
    {TYPE("USERNAME_OR_PASSWORD_INCORRECT"), .kind = VERDICT_REJECTED,
     .hint = "Check user name and password; the user name has a domain (user@domain.com). Several "
             "wrong passwords lock the user.",
     .causes = CAUSE_CREDENTIAL},
    {TYPE("NO_PASSWORD_PROVIDED"), .kind = VERDICT_REJECTED, .hint = "Provide the password.",
     .causes = CAUSE_CREDENTIAL},
    {TYPE("INACTIVE_USER"), .kind = VERDICT_REJECTED,
     .hint = "The user does not exist in this Vault, or is inactive.", .causes = CAUSE_USER},
    {TYPE("USER_LOCKED_OUT"), .kind = VERDICT_REJECTED,
     .hint = "The user is locked. Ask an administrator to unlock the user, or wait.",
     .causes = CAUSE_USER},
    {TYPE("PASSWORD_CHANGE_REQUIRED"), .kind = VERDICT_REJECTED,
     .hint = "Log in to the Vault once and change the password.", .causes = CAUSE_NEW_PASSWORD},
    {TYPE("INSUFFICIENT_ACCESS"), .kind = VERDICT_FORBIDDEN,
     .hint = "Give the user a security profile whose permission set allows API access.",
     .causes = CAUSE_PERMISSION},
    {TYPE("OPERATION_NOT_ALLOWED"), .kind = VERDICT_FORBIDDEN,
     .hint = "Ask an administrator to give the user permission for this operation.",
     .causes = CAUSE_PERMISSION},
    {TYPE("CONFIGURATION_MODE_ENABLED"), .kind = VERDICT_FORBIDDEN,
     .hint = "Only administrators have access while the Vault is in configuration mode.",
     .causes = CAUSE_PERMISSION},
    {TYPE("API_LIMIT_EXCEEDED"), .kind = VERDICT_THROTTLED, .hint = "Try again in a minute.",
     .causes = CAUSE_LIMIT},
    {TYPE("INVALID_SESSION_ID"), .kind = VERDICT_UNREACHABLE,
     .hint = "The Vault ended the session at once. Try again.", .causes = CAUSE_OUTAGE},
    {TYPE("MALFORMED_URL"), .kind = VERDICT_MISCONFIGURED,
     .hint = "Check that instanceUrl is the Vault's own host.", .causes = CAUSE_ADDRESS},
    {TYPE("METHOD_NOT_SUPPORTED"), .kind = VERDICT_MISCONFIGURED},
    {TYPE("INVALID_DATA"), .kind = VERDICT_MISCONFIGURED},
    {TYPE("PARAMETER_REQUIRED"), .kind = VERDICT_MISCONFIGURED},
    {TYPE("INCORRECT_QUERY_SYNTAX_ERROR"), .kind = VERDICT_MISCONFIGURED},
    {TYPE("ATTRIBUTE_NOT_SUPPORTED"), .kind = VERDICT_MISCONFIGURED},
    {TYPE("UNEXPECTED_ERROR"), .kind = VERDICT_UNREACHABLE, .hint = "Try again.",
     .causes = CAUSE_OUTAGE},
    {TYPE("RACE_CONDITION"), .kind = VERDICT_BUSY, .hint = "Try again.", .causes = CAUSE_BUSY},
    {TYPE("OPERATION_IN_PROGRESS"), .kind = VERDICT_BUSY, .hint = "Try again.",
     .causes = CAUSE_BUSY},
    {STEP_TOKEN, .at = "/responseStatus", .equals = "FAILURE", .kind = VERDICT_REJECTED},
    {STEP_API, .at = "/responseStatus", .equals = "FAILURE", .kind = VERDICT_UNREACHABLE},
    {STEP_NONE, .header = "X-VaultAPI-DowntimeExpectedDurationMinutes", .kind = VERDICT_UNREACHABLE,
     .hint = "The Vault is down for maintenance. Try again later.", .causes = CAUSE_OUTAGE},
};

static const char *const errors[] = {"/responseStatus"};

/* --- entities --- */

/* What may stand in VQL's WHERE ("Queryable Field Types"): no long texts and formulas, and of
 * lookups only those that are searchable, which the metadata does not say. */
static const struct entity_type types[] = {
    {.type = "LongText"},
    {.type = "RichText"},
    {.type = "Formula"},
    {.type = "Lookup"},
    {.type = "File"},
    {.type = "Attachment"},
    {.type = "Number", .operators = LIST(filter_numbers)},
    {.type = "Currency", .operators = LIST(filter_numbers)},
    {.type = "Percent", .operators = LIST(filter_numbers)},
    {.type = "Date", .operators = LIST(filter_times)},
    {.type = "DateTime", .operators = LIST(filter_times)},
    {.type = "Time", .operators = LIST(filter_times)},
    {.type = "Boolean", .operators = LIST(filter_equal), .values = LIST(filter_true_or_false)},
    {.type = "ID", .operators = LIST(filter_equal)},
    {.type = "id", .operators = LIST(filter_equal)},
    {.type = "Object", .operators = LIST(filter_equal)},
    {.type = "ParentObject", .operators = LIST(filter_equal)},
    {.type = "ObjectReference", .operators = LIST(filter_equal)},
    {.operators = LIST(filter_texts)},
};

static const struct entity_list_source lists[] = {
    {.items = {.call = {.method = "GET", .path = API "/metadata/vobjects"},
               .at = "/objects",
               .where = {"/status/0", "active__v", false}},
     .name = "{item.name}",
     .label = "{item.label}"},
    {.within = "documents",
     .items = {.call = {.method = "GET", .path = API "/metadata/objects/documents/types"},
               .at = "/types"},
     .name = "{item.value}",
     .under = "documents/types/",
     .label = "{item.label}"},
};

/* An object that does not exist is a FAILURE whose type is that of any address or data that is not
 * understood. */
static const struct entity_field_source fields[] = {
    {.of = "documents/types/*",
     .items = {.call = {.method = "GET",
                        .path = API "/metadata/objects/documents/types/{entity.last}"},
               .at = "/properties",
               .where = {"/disabled", "true", true},
               .missing_kind = VERDICT_MISCONFIGURED},
     .name = "{item.name}",
     .label = "{item.label}",
     .description = "{item.helpContent}",
     .type = "{item.type}",
     .is_key = {"/name", "id", false},
     .queryable = {"/queryable", "true", false},
     .is_time = {"/name", "version_modified_date__v", false}},
    {.of = "*__*",
     .items = {.call = {.method = "GET", .path = API "/metadata/vobjects/{entity.name}"},
               .at = "/object/fields",
               .where = {"/status/0", "active__v", false},
               .missing_kind = VERDICT_MISCONFIGURED},
     .name = "{item.name}",
     .label = "{item.label}",
     .description = "{item.help_content}",
     .type = "{item.type}",
     .is_key = {"/name", "id", false},
     .queryable = {"", NULL, false},
     .is_time = {"/name", "modified_date__v", false}},
};

static const struct connector_entities entities = {
    .schema = "veeva", /* "documents", in which the types of documents are */
    .types = LIST(types),
    .lists = LIST(lists),
    .fields = LIST(fields),
};

/* --- records --- */

/* VQL. Values of picklists are lists in records, and are compared here alone; so are texts in
 * parts, since LIKE has no wildcard in front. */
static const struct read_literal literals[] = {
    {"String", READ_TEXT, 0},   {"ID", READ_TEXT, 0},          {"Object", READ_TEXT, 0},
    {"Number", READ_NUMBER, 0}, {"Currency", READ_NUMBER, 0},  {"Percent", READ_NUMBER, 0},
    {"Boolean", READ_FLAG, 0},  {"DateTime", READ_TIME_MS, 0}, {"Date", READ_DATE, 0},
};
static const struct read_wrap wraps[] = {{"DateTime", "'", "'"}, {"Date", "'", "'"}};

#define ORDERED (READ_NUMBERS | READ_TIMES)
static const struct read_condition conditions[] = {
    {"EQUAL_TO", ~0U, " = ", NULL},
    {"LESS_THAN", ORDERED, " < ", NULL},
    {"GREATER_THAN", ORDERED, " > ", NULL},
    {"LESS_THAN_OR_EQUAL_TO", ORDERED, " <= ", NULL},
    {"GREATER_THAN_OR_EQUAL_TO", ORDERED, " >= ", NULL},
};

static const struct read_escape escapes[] = {{'\\', "\\\\"}, {'\'', "\\'"}};

static const struct read_dialect vql = {
    .texts = {.quote = "'", .escapes = LIST(escapes), .unfit = "%*"},
    .literals = LIST(literals),
    .wraps = LIST(wraps),
    .conditions = LIST(conditions),
    .before = " WHERE ",
    .between = " AND ",
    .or_before = "(",
    .or = " OR ",
    .or_after = ")",
};

/* Without these the first 250 characters are given. */
static const struct read_naming namings[] = {{"LongText", "LONGTEXT(", ")"},
                                             {"RichText", "RICHTEXT(", ")"}};

static const struct connector_call next_page = {.method = "POST", .path = "/"};

static const struct read_source sources[] = {
    {.of = "documents", .refusal = "This version does not read documents yet"},
    {.of = "documents/types/*", .refusal = "This version does not read documents yet"},
    {.call = {.method = "POST",
              .path = API "/query",
              .body = "q={read.statement}",
              .content_type = "application/x-www-form-urlencoded"},
     .later = &next_page,
     .dialect = &vql,
     .statement = "SELECT {read.fields} FROM {entity.name}{read.where}",
     .statement_max = 50 * 1000,
     .at = "/data",
     .paging = READ_URL,
     .size = 1000,
     .next = "/responseDetails/next_page",
     .names_fields = true},
};

static const struct connector_reads reads = {
    .rows = sources,
    .count = sizeof(sources) / sizeof(*sources),
    .name_marks = "/_",
    .namings = LIST(namings),
};

static const struct http_connector http = {
    .reads = &reads,
    .quota = {.is_hosts = true}, /* the Vault's */
    .life = {.password = "until the password ends by the Vault's security policy, or is changed"},
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .derive = derive,
    .entities = &entities,
};

/* That it moves files as well is inferred from includeSourceFiles among its source properties. */
static const struct catalogue_entry catalogue = {
    .name = "Veeva",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "LookoutMetrics"),
    .moves_files = true,
    .flows = {.document_member = "documentType",
              .document_objects = "documents/",
              .document_destination = "S3"},
};

const struct connector connector_veeva = {
    .type = STR("Veeva"),
    .key = STR("Veeva"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
