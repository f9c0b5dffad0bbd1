/* Honeycode: OAuth tokens. Its service is closed, and was never documented for others: what took
 * its place is the operator's to name, and a look at a workbook that does not exist proves a token
 * there. */
#include "connector/http/http_connector.h"
#include "connectors/catalogue_sets.h"

/* Where it was. */
static const struct connector_url api[] = {
    {.url = "https://honeycode.us-west-2.amazonaws.com",
     .closed =
         "Amazon closed Honeycode on 29 February 2024. Only a service that took its place can "
         "be used, when the operator of this server names it (--endpoint Honeycode=URL)."},
};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_APP,
             .token_urls = LIST(api),
             .token_path = "/oauth/token",
         }},
};

/* The profile names no workbook. */
static const struct connector_call probes[] = {
    {.method = "GET",
     .path = "/workbooks/00000000-0000-0000-0000-000000000000/tables?maxResults=1"},
};

#define ERROR(code, name) STEP_API, .status = (code), .header = "x-amzn-ErrorType", .contains = name
#define HINT_TOKEN "Get a new access token, or provide a refresh token."

static const struct connector_rule rules[] = {
    {ERROR(404, "ResourceNotFoundException"), .kind = VERDICT_ACCEPTED},
    {STEP_API, .status = 200, .at = "/tables", .kind = VERDICT_ACCEPTED},
    {STEP_API, .status = 200, .at = "/tables", .absent = true, .kind = VERDICT_UNREACHABLE,
     .hint = "The response is not a list of tables.", .causes = CAUSE_ADDRESS},
    {ERROR(403, "AccessDeniedException"), .kind = VERDICT_FORBIDDEN,
     .hint = "Give the user access to workbooks.", .causes = CAUSE_PERMISSION},
    {STEP_API, .status = 403, .kind = VERDICT_REJECTED, .renewable = true, .hint = HINT_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true, .hint = HINT_TOKEN,
     .causes = CAUSE_CREDENTIAL},
    {STEP_API, .status = 402, .kind = VERDICT_THROTTLED,
     .hint = "Wait until the quota is renewed, or have it raised.", .causes = CAUSE_LIMIT},
    {ERROR(400, "ThrottlingException"), .kind = VERDICT_THROTTLED, .hint = "Try again later.",
     .causes = CAUSE_LIMIT},
};

static const char *const errors[] = {"x-amzn-ErrorType"};

static const struct http_connector http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
};

/* Which scopes the real service returned is not documented: none are here. */
static const struct catalogue_entry catalogue = {
    .name = "Amazon Honeycode",
};

const struct connector connector_honeycode = {
    .type = STR("Honeycode"),
    .key = STR("Honeycode"),
    .roles = ROLE_DESTINATION,
    .ops = &http_ops,
    .http = &http,
    .catalogue = &catalogue,
};
