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
#define ADMIN "Ask an administrator to allow the app."
#define API(code) STEP_API, .at = "/error", .equals = (code)
#define TOKEN(code) STEP_TOKEN, .at = "/error", .equals = (code)

static const struct connector_rule rules[] = {
    {API("missing_scope"), .kind = VERDICT_FORBIDDEN,
     .hint = "Give the app the user scopes channels:history, channels:read, groups:history, "
             "groups:read, im:history, im:read, mpim:history and mpim:read, and install it again.",
     .causes = CAUSE_PERMISSION},
    {API("no_permission"), .kind = VERDICT_FORBIDDEN, .hint = ADMIN, .causes = CAUSE_PERMISSION},
    {API("access_denied"), .kind = VERDICT_FORBIDDEN, .hint = ADMIN, .causes = CAUSE_PERMISSION},
    {API("team_access_not_granted"), .kind = VERDICT_FORBIDDEN, .hint = ADMIN,
     .causes = CAUSE_PERMISSION},
    {API("ekm_access_denied"), .kind = VERDICT_FORBIDDEN,
     .hint = "Administrators have suspended access to the workspace's data.",
     .causes = CAUSE_PERMISSION},
    {API("account_inactive"), .kind = VERDICT_REJECTED,
     .hint = "The token's user was deactivated, or the app is no longer installed in the "
             "workspace. Install the app again as an active user.",
     .causes = CAUSE_USER | CAUSE_ACCOUNT},
    {API("invalid_auth"), .kind = VERDICT_REJECTED, .renewable = true, .hint = NEW_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {API("not_authed"), .kind = VERDICT_REJECTED, .renewable = true, .hint = NEW_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {API("token_expired"), .kind = VERDICT_REJECTED, .renewable = true, .hint = NEW_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {API("token_revoked"), .kind = VERDICT_REJECTED, .renewable = true, .hint = NEW_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {API("not_allowed_token_type"), .kind = VERDICT_REJECTED,
     .hint = "Use a user token (xoxp-…): Slack does not allow this type of token here.",
     .causes = CAUSE_CREDENTIAL},
    {API("two_factor_setup_required"), .kind = VERDICT_REJECTED,
     .hint = "The workspace requires two-factor authentication: the token's user must set it up.",
     .causes = CAUSE_SECOND_FACTOR},
    {API("accesslimited"), .kind = VERDICT_BLOCKED,
     .hint = "Slack limits access from this server's network. Ask an administrator of the "
             "workspace about its allowed IP addresses.",
     .causes = CAUSE_POLICY},
    {API("ratelimited"), .kind = VERDICT_THROTTLED, .hint = "Try again later.",
     .causes = CAUSE_LIMIT},
    {API("internal_error"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {API("fatal_error"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {API("request_timeout"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {API("service_unavailable"), .kind = VERDICT_UNREACHABLE, .hint = LATER,
     .causes = CAUSE_OUTAGE},
    {API("org_login_required"), .kind = VERDICT_UNREACHABLE,
     .hint = "The workspace is migrating to an Enterprise organization. Try again later.",
     .causes = CAUSE_OUTAGE},
    {API("team_added_to_org"), .kind = VERDICT_UNREACHABLE,
     .hint = "The workspace is migrating to an Enterprise organization. Try again later.",
     .causes = CAUSE_OUTAGE},
    {STEP_API, .status = 200, .at = "/ok", .equals = "false", .kind = VERDICT_UNREACHABLE},

    {TOKEN("ratelimited"), .kind = VERDICT_THROTTLED, .hint = "Try again later.",
     .causes = CAUSE_LIMIT},
    {TOKEN("internal_error"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {TOKEN("fatal_error"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {TOKEN("service_unavailable"), .kind = VERDICT_UNREACHABLE, .hint = LATER,
     .causes = CAUSE_OUTAGE},
    {TOKEN("bad_redirect_uri"), .kind = VERDICT_REJECTED,
     .hint = "redirectUri must be the one that the code was requested with.",
     .causes = CAUSE_REDIRECT},
    {TOKEN("invalid_refresh_token"), .kind = VERDICT_REJECTED,
     .hint = "The refresh token is invalid: it was used before or is revoked. Get a new code.",
     .causes = CAUSE_GRANT},
    {TOKEN("invalid_client_id"), .kind = VERDICT_REJECTED, .hint = "Check clientId.",
     .causes = CAUSE_CLIENT},
    {TOKEN("bad_client_secret"), .kind = VERDICT_REJECTED, .hint = "Check clientSecret.",
     .causes = CAUSE_CLIENT},
    {TOKEN("invalid_code"), .kind = VERDICT_REJECTED,
     .hint = "A code works once and for ten minutes. Get a new one.", .causes = CAUSE_GRANT},
    {TOKEN("code_already_used"), .kind = VERDICT_REJECTED,
     .hint = "A code works once and for ten minutes. Get a new one.", .causes = CAUSE_GRANT},
    {TOKEN("code_expired"), .kind = VERDICT_REJECTED,
     .hint = "A code works once and for ten minutes. Get a new one.", .causes = CAUSE_GRANT},
    {TOKEN("oauth_authorization_url_mismatch"), .kind = VERDICT_REJECTED,
     .hint = "Get a new code from https://slack.com/oauth/v2/authorize.", .causes = CAUSE_GRANT},
    {STEP_TOKEN, .status = 200, .at = "/ok", .equals = "false", .kind = VERDICT_REJECTED},
};

static const char *const errors[] = {"/ok"};

static const struct http_connector http = {
    .api = LIST(home),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
};

const struct connector connector_slack = {
    .type = STR("Slack"),
    .key = STR("Slack"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
};
