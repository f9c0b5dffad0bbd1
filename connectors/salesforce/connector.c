/* Salesforce: OAuth tokens, ready or for a code, a refresh token or a signed assertion; the list
 * of the data API's resources proves them. */
#include "connector/http/http_connector.h"

/* The version that AppFlow uses for profiles made since June 2023. */
#define DATA_API "/services/data/v58.0/"

/* The login hosts serve no data: there the token's owner is asked for. */
static const struct connector_call userinfo = {
    .method = "GET",
    .path = "/services/oauth2/userinfo",
    .needs = "/user_id",
};

/* An instance_url that came with a token goes before these. */
static const struct connector_url api[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}"},
    {.flag = "isSandboxEnvironment", .url = "https://test.salesforce.com", .probe = &userinfo},
    {.url = "https://login.salesforce.com", .probe = &userinfo},
};

/* A My Domain host serves every grant, also where an organization has closed the login hosts. */
static const struct connector_url token[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .vendor_hosts_only = true},
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

#define NEW_TOKENS "Get new tokens from a new login."

static const struct connector_rule rules[] = {
    {STEP_API, .status = 401, .at = "/0/message", .contains = "not valid for use with the REST API",
     .kind = VERDICT_REJECTED, .hint = "Give the connected app the scope api, and log in again."},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "Get a new access token, or give a refresh token and an app that may use it."},
    /* The userinfo endpoint's word for a token that it does not know. */
    {STEP_API, .status = 403, .contains = "Bad_OAuth_Token", .kind = VERDICT_REJECTED,
     .renewable = true,
     .hint = "Get a new access token, or give a refresh token and an app that may use it."},
    {STEP_API, .status = 403, .at = "/0/errorCode", .equals = "REQUEST_LIMIT_EXCEEDED",
     .kind = VERDICT_THROTTLED,
     .hint = "The organization has used up its API requests of the last 24 hours."},
    {STEP_API, .status = 403, .at = "/0/errorCode", .equals = "TXN_SECURITY_METERING_ERROR",
     .kind = VERDICT_THROTTLED, .hint = "Try again in a few minutes."},
    {STEP_API, .status = 403, .at = "/0/errorCode", .equals = "API_DISABLED_FOR_ORG",
     .kind = VERDICT_FORBIDDEN,
     .hint = "The organization's edition has no API, or the user lacks \"API Enabled\"."},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Let an administrator look at the user's permissions (\"API Enabled\") and at the "
             "connected app's policies."},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check that instanceUrl is the organization's own host."},

    {STEP_TOKEN, .at = "/error", .equals = "rate_limit_exceeded", .kind = VERDICT_THROTTLED,
     .hint = "Try again in a few minutes."},
    {STEP_TOKEN, .at = "/error_description", .contains = "login rate exceeded",
     .kind = VERDICT_THROTTLED, .hint = "Try again in an hour."},
    {STEP_TOKEN, .at = "/error", .equals = "unknown_error", .kind = VERDICT_UNREACHABLE,
     .hint = "Try again."},
    {STEP_TOKEN, .at = "/error_description", .contains = "not supported on this domain",
     .kind = VERDICT_MISCONFIGURED, .hint = "Set instanceUrl to the organization's My Domain."},
    {STEP_TOKEN, .at = "/error_description", .contains = "authorization code",
     .kind = VERDICT_REJECTED,
     .hint = "An authorization code works once and for about 15 minutes. Get a new one."},
    {STEP_TOKEN, .at = "/error_description", .contains = "expired access/refresh token",
     .kind = VERDICT_REJECTED,
     .hint = "The refresh token is expired or revoked; a sixth login of one user to one app "
             "revokes the oldest. " NEW_TOKENS},
    {STEP_TOKEN, .at = "/error_description", .contains = "approved this consumer",
     .kind = VERDICT_REJECTED,
     .hint = "Let an administrator approve the connected app for this user in advance."},
    {STEP_TOKEN, .at = "/error_description", .contains = "audience", .kind = VERDICT_REJECTED,
     .hint = "The assertion's aud must be the login host: https://test.salesforce.com when "
             "isSandboxEnvironment is true, else https://login.salesforce.com."},
    {STEP_TOKEN, .at = "/error", .equals = "redirect_uri_mismatch", .kind = VERDICT_REJECTED,
     .hint = "redirectUri must be the one that the code was asked for with."},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_client_id", .kind = VERDICT_REJECTED,
     .hint = "The app's client id is unknown there: a sandbox's app differs from production's."},
    {STEP_TOKEN, .at = "/error", .equals = "inactive_user", .kind = VERDICT_REJECTED,
     .hint = "Activate the user, or log in as another."},
    {STEP_TOKEN, .at = "/error", .equals = "inactive_org", .kind = VERDICT_REJECTED,
     .hint = "The organization is not active."},
};

static const struct http_connector http = {
    .private_tokens = "usePrivateLinkForMetadataAndAuthorization",
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
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
