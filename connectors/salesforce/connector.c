/* Salesforce: OAuth tokens, ready or for a code, a refresh token or a signed assertion; the list
 * of the data API's resources proves them. */
#include "connector/http/http_connector.h"
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

static const char *const domains[] = {"salesforce.com", "force.com", "cloudforce.com"};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grant_type = "credentials.oAuth2GrantType",
             .grants = GRANT_REFRESH | GRANT_CODE | GRANT_JWT_BEARER,
             .client = CLIENT_APP,
             .token_urls = LIST(token),
             .token_path = "/services/oauth2/token",
         }},
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
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check that instanceUrl is the organization's My Domain host.",
     .causes = CAUSE_ADDRESS},

    SALESFORCE_LOGIN_RULES,
};

static const char *const errors[] = {"/0/errorCode"};

static const struct http_connector http = {
    .private_tokens = "usePrivateLinkForMetadataAndAuthorization",
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .domains = LIST(domains),
};

const struct connector connector_salesforce = {
    .type = STR("Salesforce"),
    .key = STR("Salesforce"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .modes = MODE_PRIVATE,
    .ops = &http_ops,
    .http = &http,
};
