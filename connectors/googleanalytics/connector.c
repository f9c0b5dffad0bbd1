/* Google Analytics (Universal Analytics): OAuth tokens, ready or for a code or a refresh token; the
 * list of the user's accounts proves them. */
#include "connector/http/http_connector.h"
#include "connectors/catalogue_sets.h"
#include "connectors/googleanalytics/entities.h"

static const struct connector_url api[] = {{.url = "https://www.googleapis.com"}};
static const struct connector_url token[] = {{.url = "https://oauth2.googleapis.com"}};

static const struct connector_url accounts[] = {{.url = "https://accounts.google.com"}};

/* A refresh token comes with these two parameters only. */
static const struct connector_param offline[] = {
    {.name = "access_type", .value = "offline"},
    {.name = "prompt", .value = "consent"},
};

static const struct connector_consent consent = {
    .urls = LIST(accounts),
    .path = "/o/oauth2/v2/auth",
    .scope = "https://www.googleapis.com/auth/analytics.readonly",
    .extra = LIST(offline),
    .account_in_probes = TEXT_LIST("/username"),
};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(token),
             .token_path = "/token",
             .consent = &consent,
             .policy = {.rotation = ROTATION_NEVER, .idle_s = 180 * 24 * 60 * 60},
         }},
};

static const struct connector_call probes[] = {
    {.method = "GET",
     .path = "/analytics/v3/management/accountSummaries?max-results=1",
     .needs = "/kind"},
};

#define REASON(text) STEP_API, .status = 403, .at = "/error/errors/0/reason", .equals = (text)
#define MINUTES "Try again in a few minutes."

static const struct connector_rule rules[] = {
    {REASON("userRateLimitExceeded"), .kind = VERDICT_THROTTLED, .hint = MINUTES,
     .causes = CAUSE_LIMIT},
    {REASON("rateLimitExceeded"), .kind = VERDICT_THROTTLED, .hint = MINUTES,
     .causes = CAUSE_LIMIT},
    {REASON("quotaExceeded"), .kind = VERDICT_THROTTLED,
     .hint = "The project's quota is used up. Try again tomorrow.", .causes = CAUSE_LIMIT},
    {REASON("dailyLimitExceeded"), .kind = VERDICT_THROTTLED,
     .hint = "The daily quota is used up. Try again tomorrow.", .causes = CAUSE_LIMIT},
    {REASON("accessNotConfigured"), .kind = VERDICT_FORBIDDEN,
     .hint = "Enable the Google Analytics API in the client's Google Cloud project.",
     .causes = CAUSE_CLIENT},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "The user needs an Analytics account, and the token the scope "
             "https://www.googleapis.com/auth/analytics.readonly.",
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "Get a new access token, or provide a refresh token.", .causes = CAUSE_CREDENTIAL},

    {STEP_TOKEN, .at = "/error_subtype", .kind = VERDICT_REJECTED,
     .hint = "The organization's session control requires the user to sign in again. Get a new "
             "refresh token.",
     .causes = CAUSE_POLICY | CAUSE_GRANT},
    {STEP_TOKEN, .grants = GRANT_REFRESH, .at = "/error", .equals = "invalid_grant",
     .kind = VERDICT_REJECTED,
     .hint = "The refresh token is invalid. It ends when the user revokes it, after six months "
             "without use, and after seven days while the app's consent screen is in testing. Get "
             "a new one.",
     .causes = CAUSE_GRANT},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_grant", .kind = VERDICT_REJECTED,
     .hint = "A code works once and expires soon. Get a new one.", .causes = CAUSE_GRANT},
    {STEP_TOKEN, .at = "/error", .equals = "redirect_uri_mismatch", .kind = VERDICT_REJECTED,
     .hint = "redirectUri must be the one that the code was requested with.",
     .causes = CAUSE_REDIRECT},
    {STEP_TOKEN, .at = "/error", .equals = "deleted_client", .kind = VERDICT_REJECTED,
     .hint = "Create a new OAuth client in the Google Cloud project.", .causes = CAUSE_CLIENT},
    {STEP_TOKEN, .at = "/error", .equals = "disabled_client", .kind = VERDICT_REJECTED,
     .hint = "Enable the OAuth client in the Google Cloud project, or use another one.",
     .causes = CAUSE_CLIENT},
};

static const char *const errors[] = {"/error/message"};

static const struct http_connector http = {
    .life = {.young_s = 7 * LIFE_DAY_S,
             .young = "an OAuth app in Testing gives refresh tokens for 7 days"},
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .entities = &googleanalytics_entities,
};

/* The scope is inferred: the User Guide asks for read-only access. */
static const struct catalogue_metadata metadata[] = {
    {"oAuthScopes", TEXT_LIST("https://www.googleapis.com/auth/analytics.readonly")},
};

static const struct catalogue_entry catalogue = {
    .name = "Google Analytics",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_DAILY,
    .destinations = TEXT_LIST("S3", "LookoutMetrics", "Upsolver", "CustomConnector"),
    .metadata = LIST(metadata),
    .flows = {.only_json = true},
};

const struct connector connector_googleanalytics = {
    .type = STR("Googleanalytics"),
    .key = STR("GoogleAnalytics"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
