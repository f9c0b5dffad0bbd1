/* Marketo: the client shows its id and secret at the instance's identity endpoint and gets a token
 * for an hour; the description of leads proves it. Failures come with status 200. */
#include "connector/http/http_connector.h"

static const char *const services[] = {"/rest/v1", "/rest", "/identity"};

static const struct connector_url instance[] = {
    {.given = "instanceUrl",
     .url = "{instanceUrl}",
     .bare_domain = "mktorest.com",
     .drop = LIST(services)},
};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_CLIENT_CREDENTIALS,
             .client = CLIENT_IN_CREDENTIALS,
             .token_urls = LIST(instance),
             .token_path = "/identity/oauth/token",
         }},
};

static const struct connector_call probes[] = {
    {.method = "GET", .path = "/rest/v1/leads/describe.json", .needs = "/result"},
};

#define LATER "Try again later."
#define SAYS(text, is, what)                                                                       \
    {                                                                                              \
        STEP_API, .at = "/errors/0/code", .equals = (text), .kind = (is), .hint = (what)           \
    }
#define SPENT(text)                                                                                \
    {                                                                                              \
        STEP_API, .at = "/errors/0/code", .equals = (text), .kind = VERDICT_REJECTED,              \
                  .renewable = true, .hint = "Check clientId and clientSecret."                    \
    }

static const struct connector_rule rules[] = {
    SPENT("600"),
    SPENT("601"),
    SPENT("602"),
    SAYS(
        "603", VERDICT_FORBIDDEN,
        "Give the API user's role the permission Read-Only Lead, and this server's address a place "
        "in the list of allowed addresses."),
    SAYS("606", VERDICT_THROTTLED, "More than 100 calls in 20 seconds. Try again in a minute."),
    SAYS("607", VERDICT_THROTTLED,
         "The day's calls are used up; they are counted anew at midnight, US Central Time."),
    SAYS("615", VERDICT_THROTTLED, "Too many calls at once. Try again in a minute."),
    SAYS("500", VERDICT_UNREACHABLE, LATER),
    SAYS("502", VERDICT_UNREACHABLE, LATER),
    SAYS("604", VERDICT_UNREACHABLE, LATER),
    SAYS("608", VERDICT_UNREACHABLE, LATER),
    SAYS("611", VERDICT_UNREACHABLE, LATER),
    SAYS("614", VERDICT_UNREACHABLE,
         "Check that instanceUrl is the subscription's, and try again later."),
    SAYS("713", VERDICT_UNREACHABLE, LATER),
    SAYS("719", VERDICT_UNREACHABLE, LATER),
    {STEP_API, .status = 2, .at = "/success", .equals = "false", .kind = VERDICT_MISCONFIGURED,
     .hint = "Check that instanceUrl is the subscription's REST host."},

    {STEP_TOKEN, .at = "/error", .equals = "unauthorized", .kind = VERDICT_REJECTED,
     .hint = "Check clientId, and that instanceUrl is the same subscription's."},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_client", .kind = VERDICT_REJECTED,
     .hint = "Check clientId and clientSecret."},
};

static const struct http_connector http = {
    .api = LIST(instance),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
};

const struct connector connector_marketo = {
    .type = STR("Marketo"),
    .key = STR("Marketo"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .ops = &http_ops,
    .http = &http,
};
