/* ServiceNow: a user's name and password, or OAuth tokens (ready, for a code, a refresh token, or a
 * user's name and password); a look at the list of tables proves them. */
#include "connector/http/http_connector.h"

static const struct connector_url instance[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}", .bare_domain = "service-now.com"},
};

static const struct connector_basic user = {
    .user = "{credentials.username}",
    .password = "{credentials.password}",
};

/* An app beside a user means that the user's password is shown to the token endpoint only. */
static const struct connector_auth auth[] = {
    {.given = "credentials.oAuth2Credentials",
     .oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials.oAuth2Credentials",
             .grants = GRANT_REFRESH | GRANT_CODE | GRANT_PASSWORD,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(instance),
             .token_path = "/oauth_token.do",
             .login = &user,
         }},
    {.basic = &user},
};

/* Reading this table is the least that AppFlow needs. */
static const struct connector_call probes[] = {
    {.method = "GET",
     .path = "/api/now/table/sys_db_object?sysparm_limit=1&sysparm_fields=name",
     .needs = "/result"},
};

#define ASLEEP                                                                                     \
    "The instance hibernates. Wake it at developer.servicenow.com, and try again in a few "        \
    "minutes."

static const struct connector_rule rules[] = {
    {STEP_API, .status = 200, .contains = "Instance Hibernating", .kind = VERDICT_UNREACHABLE,
     .hint = ASLEEP, .causes = CAUSE_OUTAGE},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true,
     .hint = "The password or the token is not valid, or the user is unknown, locked or inactive.",
     .causes = CAUSE_CREDENTIAL | CAUSE_USER},
    {STEP_API, .status = 403, .kind = VERDICT_FORBIDDEN,
     .hint = "Let the user read the tables sys_db_object, sys_dictionary and sys_glide_object.",
     .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 404, .kind = VERDICT_MISCONFIGURED,
     .hint = "Check the instance's name in instanceUrl.", .causes = CAUSE_ADDRESS},

    {STEP_TOKEN, .status = 200, .contains = "Instance Hibernating", .kind = VERDICT_UNREACHABLE,
     .hint = ASLEEP, .causes = CAUSE_OUTAGE},
    /* One answer for a wrong secret, code, refresh token or password. */
    {STEP_TOKEN, .status = 401, .at = "/error", .equals = "server_error", .kind = VERDICT_REJECTED,
     .hint = "Check clientId, clientSecret and, if one is used, the password. A code works once, "
             "expires soon and needs its own redirectUri; a refresh token expires after 100 days.",
     .causes = CAUSE_CLIENT | CAUSE_CREDENTIAL | CAUSE_GRANT | CAUSE_REDIRECT},
};

static const char *const errors[] = {"/error/message"};

static const struct http_connector http = {
    .api = LIST(instance),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
};

const struct connector connector_servicenow = {
    .type = STR("Servicenow"),
    .key = STR("ServiceNow"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
};
