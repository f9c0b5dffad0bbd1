/* SAP OData: a user's name and password, or OAuth with the system's own addresses; the root of the
 * catalog of services, of OData version 2 or 4, proves either. */
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connector/http/url.h"
#include "connector/http/write_source.h"
#include "connectors/catalogue_sets.h"
#include "connectors/sapodata/entities.h"
#include "connectors/sapodata/write.h"
#include "wire/value.h"

/* --- the catalog's address --- */

/* "https://host", "https://host:PORT"; with what comes after a host the port could not follow. */
static bool read_host(const struct value *properties, struct arena *arena, struct url *url,
                      struct error *error)
{
    int port = (int)value_integer(properties, "portNumber", 443);
    if (!connector_url_parse(arena, value_text(properties, "applicationHostUrl"), NULL,
                             "applicationHostUrl", url, error))
        return false;
    if (url->path.len > 0)
        return fail(error, ERR_VALIDATION,
                    "Validation exception: applicationHostUrl must hold no path. The path of the "
                    "catalog goes into applicationServicePath.");
    bool usual = url->port == (str_eq(url->scheme, STR("https")) ? 443 : 80);
    if (!usual && url->port != port)
        return fail(error, ERR_VALIDATION,
                    "Validation exception: applicationHostUrl names port %d and portNumber is %d.",
                    url->port, port);
    url->port = port;
    return true;
}

/* Of the catalog, and so of the services in it: they are of the same version. */
static bool is_version_4(struct str path)
{
    return str_contains(path, STR("/odata4/")) || str_contains(path, STR("/v4/"));
}

static bool derive(const struct value *properties, struct arena *arena, struct value *derived,
                   struct error *error)
{
    struct str path = value_text(properties, "applicationServicePath");
    struct url url;
    if (!read_host(properties, arena, &url, error))
        return false;
    struct str whole = arena_printf(arena, "%.*s%s%.*s", STR_ARG(url_origin(arena, &url)),
                                    str_starts(path, STR("/")) ? "" : "/", STR_ARG(path));
    if (!connector_url_parse(arena, whole, NULL, "applicationServicePath", &url, error))
        return false;
    value_put_text(arena, derived, "url", url_text(arena, &url));
    value_put_text(arena, derived, "odata", is_version_4(url.path) ? STR("4") : STR("2"));
    return true;
}

static bool check(const struct value *properties, const struct value *credentials,
                  struct error *error)
{
    (void)properties;
    const struct value *oauth = value_get(credentials, "oAuthCredentials");
    if (oauth && value_get(credentials, "basicAuthCredentials"))
        return fail(
            error, ERR_VALIDATION,
            "Validation exception: give basicAuthCredentials or oAuthCredentials, not both, "
            "for connector: SAPODATA");
    if (str_contains(value_text(oauth, "clientId"), STR(":")))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: clientId must not contain a colon for connector: "
                    "SAPODATA");
    return true;
}

static const struct connector_url api[] = {{.url = "{derived.url}"}};

/* --- who asks --- */

static const struct connector_url token[] = {
    {.given = "oAuthProperties.tokenUrl", .url = "{oAuthProperties.tokenUrl}", .exact = true},
};

static const struct connector_url authorize[] = {
    {.given = "oAuthProperties.authCodeUrl", .url = "{oAuthProperties.authCodeUrl}", .exact = true},
};

/* An answer does not say whose account it is. */
static const struct connector_consent consent = {
    .urls = LIST(authorize),
    .scopes = "oAuthProperties.oAuthScopes",
};

/* An OAuth client is a user of the system, of type "System". */
static const struct connector_auth auth[] = {
    {.given = "credentials.basicAuthCredentials",
     .basic = &(const struct connector_basic){"{credentials.basicAuthCredentials.username}",
                                              "{credentials.basicAuthCredentials.password}"}},
    {.given = "credentials.oAuthCredentials",
     .oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials.oAuthCredentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(token),
             .basic = true,
             .consent = &consent,
             .basic_is_user = true,
         }},
};

/* --- what is asked --- */

#define USUAL_PARAMS                                                                               \
    {.name = "sap-client", .value = "{clientNumber}", .given = "clientNumber"},                    \
        {.name = "sap-language", .value = "{logonLanguage}", .given = "logonLanguage"},            \
    {                                                                                              \
        .name = "saml2", .value = "disabled", .given = "credentials.basicAuthCredentials",         \
        .flag = "disableSSO"                                                                       \
    }
const struct connector_param sapodata_query[SAPODATA_QUERY_COUNT] = {USUAL_PARAMS};

/* The token that every write will need is asked for with the first read. */
static const struct connector_header fetch[] = {{"X-CSRF-Token", "Fetch"}};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/", .query = SAPODATA_QUERY, .headers = LIST(fetch), .needs = "/d"},
};

#define HINT_PASSWORD                                                                              \
    "Check the credentials and clientNumber. The system answers in the same way for a locked "     \
    "user."
#define LOGON_CAUSES (CAUSE_CREDENTIAL | CAUSE_USER | CAUSE_OBJECT)
#define HINT_SERVICE "Give the user the authorization S_SERVICE for the catalog service."
#define HINT_SSO                                                                                   \
    "The system redirects to single sign-on. Set disableSSO, if it allows logon without it."

static const struct connector_rule rules[] = {
    /* To a change: nothing is said beside it. */
    {STEP_API, .status = 204, .kind = VERDICT_ACCEPTED, .enough = true},
    /* The check comes after the logon, and only reading was asked for. Its words are in the user's
     * language; the header is not. */
    {STEP_API, .status = 403, .header = "X-CSRF-Token", .equals = "Required",
     .kind = VERDICT_ACCEPTED, .enough = true},
    {STEP_API, .header = "sap-err-id", .equals = "ICFLOGONREQUIRED", .kind = VERDICT_REJECTED,
     .renewable = true, .hint = HINT_PASSWORD, .causes = LOGON_CAUSES},
    {STEP_NONE, .contains = "is not available in this system", .kind = VERDICT_MISCONFIGURED,
     .hint = "Check clientNumber.", .causes = CAUSE_OBJECT},
    /* Its page is the system's own, whatever the form. */
    {STEP_API, .status = 401, .header = "WWW-Authenticate", .kind = VERDICT_REJECTED,
     .renewable = true, .hint = HINT_PASSWORD, .causes = LOGON_CAUSES},
    /* The document of a service in XML, from systems that ignore the request for JSON (RFC 5023).
     */
    {STEP_API, .status = 200, .contains = "http://www.w3.org/2007/app", .kind = VERDICT_ACCEPTED,
     .enough = true},
    {STEP_API, .status = 200, .at = "/value", .kind = VERDICT_ACCEPTED, .enough = true},
    {STEP_API, .status = 200, .page = true, .contains = "SAMLRequest",
     .kind = VERDICT_MISCONFIGURED, .hint = HINT_SSO, .causes = CAUSE_OBJECT},
    /* Fields of the system's logon pages, so that another's login page is not taken for it. */
    {STEP_API, .status = 200, .page = true, .contains = "sap-system-login",
     .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "The response is the system's logon page. " HINT_PASSWORD, .causes = LOGON_CAUSES},
    {STEP_API, .status = 200, .page = true, .contains = "sap-password", .kind = VERDICT_REJECTED,
     .hint = "The system requires the password to be changed.", .causes = CAUSE_NEW_PASSWORD},
    {STEP_API, .status = 3, .kind = VERDICT_MISCONFIGURED, .hint = HINT_SSO,
     .causes = CAUSE_OBJECT},
    {STEP_API, .status = 403, .contains = "Service cannot be reached",
     .kind = VERDICT_MISCONFIGURED,
     .hint = "The service is not active: activate the path's node in transaction SICF.",
     .causes = CAUSE_ADDRESS},
    /* Errors in XML. */
    {STEP_API, .status = 403, .contains = "/2007/08/dataservices/metadata",
     .kind = VERDICT_FORBIDDEN, .hint = HINT_SERVICE, .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN, .hint = HINT_SERVICE,
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check applicationServicePath: it is the path of the catalog service, not of a "
             "service in it.",
     .causes = CAUSE_ADDRESS},
    /* The OAuth client is a user of the system, and its logon fails as any user's does. */
    {STEP_TOKEN, .status = 401, .page = true, .header = "WWW-Authenticate",
     .kind = VERDICT_REJECTED,
     .hint = "Check clientId and clientSecret: the OAuth client is a "
             "user of the system, which may also be locked.",
     .causes = CAUSE_CLIENT},
};

/* --- records --- */

/* OData version 2 (odata.org, "Overview", 6) and 4.01 (URL Conventions, 5.1.1). Texts are compared
 * as they are or, by the database, without regard to case, so "eq" finds at least what the flow
 * keeps; "ne" would lose some. Numbers of 64 bits and decimals have suffixes in version 2 that
 * services take or refuse: filters by them are the flow's. */
static const struct read_escape escapes[] = {{'\'', "''"}};

#define SMALL_NUMBERS                                                                              \
    {"Edm.String", READ_TEXT, 0}, {"Edm.Boolean", READ_FLAG, 0}, {"Edm.Byte", READ_INTEGER, 0},    \
        {"Edm.SByte", READ_INTEGER, 0}, {"Edm.Int16", READ_INTEGER, 0},                            \
    {                                                                                              \
        "Edm.Int32", READ_INTEGER, 0                                                               \
    }
static const struct read_literal literals_2[] = {
    SMALL_NUMBERS,
    {"Edm.DateTime", READ_TIME_T, 0},
    {"Edm.DateTimeOffset", READ_TIME_MS, 0},
};
static const struct read_wrap wraps_2[] = {{"Edm.DateTime", "datetime'", "'"},
                                           {"Edm.DateTimeOffset", "datetimeoffset'", "'"}};
static const struct read_literal literals_4[] = {
    SMALL_NUMBERS,
    {"Edm.Int64", READ_INTEGER, 0},
    {"Edm.Decimal", READ_NUMBER, 0},
    {"Edm.DateTimeOffset", READ_TIME_MS, 0},
    {"Edm.Date", READ_DATE, 0},
};

#define ORDERED (READ_NUMBERS | READ_TIMES)
static const struct read_condition conditions[] = {
    {"EQUAL_TO", ~0U, " eq ", NULL},
    {"LESS_THAN", ORDERED, " lt ", NULL},
    {"GREATER_THAN", ORDERED, " gt ", NULL},
    {"LESS_THAN_OR_EQUAL_TO", ORDERED, " le ", NULL},
    {"GREATER_THAN_OR_EQUAL_TO", ORDERED, " ge ", NULL},
};

#define LANGUAGE                                                                                   \
    .texts = {.quote = "'", .escapes = LIST(escapes)}, .conditions = LIST(conditions),             \
    .between = " and ", .or_before = "(", .or = " or ", .or_after = ")"
static const struct read_dialect filters_2 = {LANGUAGE, .literals = LIST(literals_2),
                                              .wraps = LIST(wraps_2)};
static const struct read_dialect filters_4 = {LANGUAGE, .literals = LIST(literals_4)};

/* The page's size is the service's own unless it heeds the preference. The client stands in a
 * header as well, since the link to the next page may leave it out. */
static const struct connector_header page_headers[] = {
    {"Prefer", "odata.maxpagesize={page.size}"},
    {"sap-client", "{clientNumber}"},
};

static const struct connector_param page_query[] = {
    USUAL_PARAMS,
    {.name = "%24format", .value = "json"},
    {.name = "%24select", .value = "{read.fields}", .given = "read.fields"},
    {.name = "%24filter", .value = "{read.where}", .given = "read.where"},
};

#define ENTITY_SET                                                                                 \
    .call = {.method = "GET",                                                                      \
             .path = "/",                                                                          \
             .query = LIST(page_query),                                                            \
             .headers = LIST(page_headers)},                                                       \
    .root = "{entity.name}", .missing = 404, .paging = READ_URL, .size = 1000,                     \
    .size_given = "source.paginationConfig.maxPageSize", .names_fields = true
static const struct read_source sources[] = {
    {.given = "derived.odata",
     .equals = "4",
     ENTITY_SET,
     .dialect = &filters_4,
     .at = "/value",
     .next = "/@odata.nextLink"},
    {ENTITY_SET, .dialect = &filters_2, .at = "/d/results", .next = "/d/__next"},
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "/_-.;="};

static const struct connector_writes writes = {.write = sapodata_write};

static const char *const messages[] = {"/error/message/value"};

static const char *const errors[] = {"/error/code"};

static const struct connector_entities entities = {
    .list = sapodata_list,
    .describe = sapodata_describe,
};

static const struct http_connector http = {
    .life = {.refresh =
                 "until the end that the OAuth client's registration sets; 7 days by default "
                 "on SAP BTP"},
    .entities = &entities,
    .reads = &reads,
    .writes = &writes,
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .quota = {.is_hosts = true},
    .errors = LIST(errors),
    .messages = LIST(messages),
    .private_service = "privateLinkServiceName",
    .derive = derive,
    .check = check,
};

static const struct catalogue_entry catalogue = {
    .name = "SAP OData",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST("S3", "Redshift", "CustomerProfiles", "SAPOData", "CustomConnector"),
    .needs_private_service = true,
    .flows = {.complete_is_daily = true, .writes = TEXT_LIST("INSERT", "UPDATE", "UPSERT")},
};

const struct connector connector_sapodata = {
    .type = STR("SAPOData"),
    .key = STR("SAPOData"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .modes = MODE_PRIVATE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
