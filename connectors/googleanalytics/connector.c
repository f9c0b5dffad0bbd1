/* Google Analytics (Universal Analytics): OAuth tokens, ready or for a code or a refresh token; the
 * list of the user's accounts proves them. */
#include "connector/http/http_connector.h"

static const struct connector_url api[] = {{.url = "https://www.googleapis.com"}};
static const struct connector_url token[] = {{.url = "https://oauth2.googleapis.com"}};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(token),
             .token_path = "/token",
         }},
};

static const struct connector_call probes[] = {
    {.method = "GET",
     .path = "/analytics/v3/management/accountSummaries?max-results=1",
     .needs = "/kind"},
};

#define QUOTA(reason, what)                                                                        \
    {                                                                                              \
        STEP_API, .status = 403, .at = "/error/errors/0/reason", .equals = (reason),               \
                  .kind = VERDICT_THROTTLED, .hint = (what)                                        \
    }

static const struct connector_rule rules[] = {
    QUOTA("userRateLimitExceeded", "Try again in a few minutes."),
    QUOTA("rateLimitExceeded", "Try again in a few minutes."),
    QUOTA("quotaExceeded", "The project's quota is used up. Try again tomorrow."),
    QUOTA("dailyLimitExceeded", "The day's quota is used up. Try again tomorrow."),
    {STEP_API, .status = 403, .at = "/error/status", .equals = "RESOURCE_EXHAUSTED",
     .kind = VERDICT_THROTTLED, .hint = "Try again later."},
    {STEP_API, .status = 403, .at = "/error/errors/0/reason", .equals = "accessNotConfigured",
     .kind = VERDICT_FORBIDDEN,
     .hint = "Enable the Google Analytics API in the client's Google Cloud project."},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "The user needs an Analytics account, and the token the scope "
             "https://www.googleapis.com/auth/analytics.readonly."},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "Get a new access token, or give a refresh token."},

    {STEP_TOKEN, .at = "/error", .equals = "invalid_grant", .kind = VERDICT_REJECTED,
     .hint =
         "A code works once and soon expires. A refresh token ends when its user takes it back, "
         "after six months without use, and after seven days while the consent screen is in "
         "testing. Get a new one."},
    {STEP_TOKEN, .at = "/error", .equals = "redirect_uri_mismatch", .kind = VERDICT_REJECTED,
     .hint = "redirectUri must be the one that the code was asked for with."},
    {STEP_TOKEN, .at = "/error", .equals = "deleted_client", .kind = VERDICT_REJECTED,
     .hint = "Make a new OAuth client in the Google Cloud project."},
};

static const struct http_connector http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
};

const struct connector connector_googleanalytics = {
    .type = STR("Googleanalytics"),
    .key = STR("GoogleAnalytics"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
};
