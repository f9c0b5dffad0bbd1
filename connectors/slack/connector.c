/* Slack: a user's OAuth token, ready or for an authorization code; who it belongs to, and a look at
 * the channels, prove it. Failures come with status 200. */
#include "connector/http/http_connector.h"

static const struct connector_url home[] = {{.url = "https://slack.com"}};

static const struct connector_url workspace[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .bare_domain = "slack.com"},
};

/* A refresh token has no member in the credentials, but the code of an app with token rotation
 * brings one. */
static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(home),
             .token_path = "/api/oauth.v2.access",
             .basic = true,
             .tokens_at = "/authed_user", /* what stands at the top is a bot's */
         }},
};

/* The first needs no scope, so it cannot tell whether any was given. */
static const struct connector_call probes[] = {
    {.method = "POST",
     .path = "/api/auth.test",
     .needs = "/user_id",
     .account_at = "/url",
     .account = &(const struct connector_urls)LIST(workspace)},
    {.method = "GET", .path = "/api/conversations.list?limit=1", .needs = "/channels"},
};

#define NEW_TOKEN "Get a new access token."
#define LATER "Try again in a minute."
#define FAILS(step, code, is, what)                                                                \
    {                                                                                              \
        (step), .at = "/error", .equals = (code), .kind = (is), .hint = (what)                     \
    }

static const struct connector_rule rules[] = {
    FAILS(STEP_API, "missing_scope", VERDICT_FORBIDDEN,
          "Give the app the user scopes channels:history, channels:read, groups:history, "
          "groups:read, im:history, im:read, mpim:history and mpim:read, and install it again."),
    FAILS(STEP_API, "no_permission", VERDICT_FORBIDDEN, "Let an administrator allow the app."),
    FAILS(STEP_API, "access_denied", VERDICT_FORBIDDEN, "Let an administrator allow the app."),
    FAILS(STEP_API, "account_inactive", VERDICT_REJECTED,
          "The token's user, or the app, is no longer in the workspace. Install the app again as a "
          "user who is."),
    FAILS(STEP_API, "ratelimited", VERDICT_THROTTLED, "Try again later."),
    FAILS(STEP_API, "accesslimited", VERDICT_THROTTLED, LATER),
    FAILS(STEP_API, "internal_error", VERDICT_UNREACHABLE, LATER),
    FAILS(STEP_API, "fatal_error", VERDICT_UNREACHABLE, LATER),
    FAILS(STEP_API, "request_timeout", VERDICT_UNREACHABLE, LATER),
    FAILS(STEP_API, "service_unavailable", VERDICT_UNREACHABLE, LATER),
    FAILS(STEP_API, "team_added_to_org", VERDICT_UNREACHABLE, LATER),
    {STEP_API, .status = 200, .at = "/ok", .equals = "false", .kind = VERDICT_REJECTED,
     .renewable = true, .hint = NEW_TOKEN},

    FAILS(STEP_TOKEN, "ratelimited", VERDICT_THROTTLED, "Try again later."),
    FAILS(STEP_TOKEN, "internal_error", VERDICT_UNREACHABLE, LATER),
    FAILS(STEP_TOKEN, "fatal_error", VERDICT_UNREACHABLE, LATER),
    FAILS(STEP_TOKEN, "service_unavailable", VERDICT_UNREACHABLE, LATER),
    FAILS(STEP_TOKEN, "bad_redirect_uri", VERDICT_REJECTED,
          "redirectUri must be the one that the code was asked for with."),
    FAILS(STEP_TOKEN, "invalid_refresh_token", VERDICT_REJECTED,
          "The refresh token was used before or is revoked. Get a new code."),
    FAILS(STEP_TOKEN, "invalid_client_id", VERDICT_REJECTED, "Check clientId."),
    FAILS(STEP_TOKEN, "bad_client_secret", VERDICT_REJECTED, "Check clientSecret."),
    {STEP_TOKEN, .status = 200, .at = "/ok", .equals = "false", .kind = VERDICT_REJECTED,
     .hint = "A code works once and for ten minutes. Get a new one."},
};

static const struct http_connector http = {
    .api = LIST(home),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
};

const struct connector connector_slack = {
    .type = STR("Slack"),
    .key = STR("Slack"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
};
