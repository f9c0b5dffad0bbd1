/* Slack: a user's OAuth token, ready or for an authorization code; who it belongs to, and a look at
 * the channels, prove it. Failures come with status 200. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/read_source.h"
#include "connectors/catalogue_sets.h"

static const struct connector_url home[] = {{.url = "https://slack.com"}};

static const struct connector_url workspace[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .bare_domain = "slack.com"},
};

/* The scopes that AppFlow's documentation lists. "scope" would ask for a bot's. PKCE makes an app a
 * public client, which has no secret. */
static const struct connector_consent consent = {
    .urls = LIST(home),
    .path = "/oauth/v2/authorize",
    .scope = "channels:history,channels:read,groups:history,groups:read,im:history,im:read,"
             "mpim:history,mpim:read",
    .scope_param = "user_scope",
    .without_pkce = true,
    .account_in_probes = TEXT_LIST("/team_id", "/user_id"),
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
             .consent = &consent,
             .policy = {.rotation = ROTATION_ALWAYS, .reuse = REUSE_REFUSED},
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
    {API("invalid_cursor"), .kind = VERDICT_MISCONFIGURED,
     .hint = "The place at which the run was to go on has ended. Run the flow again.",
     .causes = CAUSE_OBJECT},
    {API("not_in_channel"), .kind = VERDICT_FORBIDDEN,
     .hint = "The token's user must be a member of the channel.", .causes = CAUSE_PERMISSION},
    {API("channel_not_found"), .kind = VERDICT_ABSENT,
     .hint = "ListConnectorEntities with entitiesPath conversations shows the channels that the "
             "token's user can see.",
     .causes = CAUSE_OBJECT},
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

/* --- entities --- */

static const char *const true_or_false[] = {"true", "false"};

static const struct entity_type types[] = {
    {.type = "Boolean", .values = LIST(true_or_false)},
    {0},
};

/* The vendor wants fewer than 1,000, and lets an app ask twenty times a minute. */
static const struct connector_param pages[] = {
    {.name = "types", .value = "public_channel,private_channel,mpim,im"},
    {.name = "limit", .value = "{page.size}"},
    {.name = "cursor", .value = "{page.cursor}", .given = "page.cursor"},
};

/* A direct message has no name, but the other user's id. */
static const struct entity_list_source lists[] = {
    {.within = "conversations",
     .group = "Channels",
     .items = {.call = {.method = "GET", .path = "/api/conversations.list", .query = LIST(pages)},
               .pages = {.kind = PAGES_CURSOR,
                         .size = 999,
                         .next = "/response_metadata/next_cursor"},
               .at = "/channels"},
     .name = "conversations/{item.id}",
     .label = "{item.name}{item.user}"},
};

/* All channels have the fields of a message. */
static const struct entity_check checks[] = {
    {.of = "conversations/*",
     .call = {.method = "GET",
              .path = "/api/conversations.info?channel={entity.last}",
              .needs = "/channel"}},
};

static const struct connector_entities entities = {
    .schema = "slack",
    .types = LIST(types),
    .lists = LIST(lists),
    .checks = LIST(checks),
};

/* --- records --- */

/* A message's ts is the time at which it was sent, in seconds. The bounds take in their ends. */
static const struct read_literal literals[] = {
    {"datetime", READ_UNIX_S, 0},
    {"timestamp", READ_UNIX_S, 0},
    {"date", READ_UNIX_S, 0},
};
static const struct read_bound bounds[] = {
    {"ts", "GREATER_THAN", "oldest"},
    {"ts", "LESS_THAN", "latest"},
};
static const struct read_dialect sent = {
    .literals = LIST(literals),
    .bounds = LIST(bounds),
    .fields = TEXT_LIST("ts"),
};

/* The vendor recommends 200 a page at most, and gives 15 to some apps, whatever is asked for. */
static const struct connector_param history[] = {
    {.name = "oldest", .value = "{read.oldest}", .given = "read.oldest"},
    {.name = "latest", .value = "{read.latest}", .given = "read.latest"},
    {.name = "cursor", .value = "{page.cursor}", .given = "page.cursor"},
};

static const struct read_source sources[] = {
    {.of = "conversations/*",
     .call = {.method = "GET",
              .path = "/api/conversations.history?channel={entity.last}&inclusive=true"
                      "&limit={page.size}",
              .query = LIST(history)},
     .dialect = &sent,
     .at = "/messages",
     .paging = READ_CURSOR,
     .size = 200,
     .next = "/response_metadata/next_cursor",
     .more = {"/has_more", "true", false}},
    {.of = "conversations",
     .refusal = "Messages are read of one channel: name it as ListConnectorEntities does with "
                "entitiesPath conversations, such as conversations/C012AB3CD"},
};

static const struct connector_reads reads = {
    .rows = sources, .count = sizeof(sources) / sizeof(*sources), .name_marks = "/_"};

static const struct http_connector http = {
    .reads = &reads,
    .api = LIST(home),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .entities = &entities,
};

/* The user scopes that the User Guide's page requires. */
static const struct catalogue_metadata metadata[] = {
    {"oAuthScopes", TEXT_LIST("channels:history", "channels:read", "groups:history", "groups:read",
                              "im:history", "im:read", "mpim:history", "mpim:read")},
};

static const struct catalogue_entry catalogue = {
    .name = "Slack",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON),
    .metadata = LIST(metadata),
};

const struct connector connector_slack = {
    .type = STR("Slack"),
    .key = STR("Slack"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
