/* Pardot (Account Engagement): OAuth tokens of its owner's login service, ready or for a code or a
 * refresh token, and the business unit; the account's own record proves both. */
#include "base/error.h"
#include "connector/http/http_connector.h"
#include "wire/value.h"

static const struct connector_url api[] = {
    {.given = "instanceUrl", .url = "{instanceUrl}"},
    {.flag = "isSandboxEnvironment", .url = "https://pi.demo.pardot.com"},
    {.url = "https://pi.pardot.com"},
};

static const struct connector_url login[] = {
    {.flag = "isSandboxEnvironment", .url = "https://test.salesforce.com"},
    {.url = "https://login.salesforce.com"},
};

static const struct connector_auth auth[] = {
    {.oauth2 =
         &(const struct connector_oauth2){
             .members = "credentials",
             .grants = GRANT_REFRESH | GRANT_CODE,
             .client = CLIENT_APP,
             .token_urls = LIST(login),
             .token_path = "/services/oauth2/token",
             .api_elsewhere = true, /* instance_url is the CRM's */
         }},
};

static const struct connector_header unit[] = {
    {"Pardot-Business-Unit-Id", "{businessUnitId}"},
};

static const struct connector_call probes[] = {
    {.method = "GET",
     .path = "/api/account/version/4/do/read?format=json",
     .headers = LIST(unit),
     .needs = "/account"},
};

#define CODE(number, is, what)                                                                     \
    {                                                                                              \
        STEP_API, .at = "/@attributes/err_code", .equals = (number), .kind = (is), .hint = (what)  \
    }
#define NEW_TOKEN "Get new tokens from a new login, with the scope pardot_api."
#define UNIT                                                                                       \
    "businessUnitId must be that of a business unit in the organization and environment that the " \
    "token is for."
#define RIGHTS "Let an administrator give the user access to this."

/* The code decides, whatever the status: it comes with 200 and with 4xx. */
static const struct connector_rule rules[] = {
    {STEP_API, .at = "/@attributes/err_code", .equals = "184", .kind = VERDICT_REJECTED,
     .renewable = true, .hint = NEW_TOKEN},
    CODE("1", VERDICT_REJECTED, NEW_TOKEN),
    CODE("15", VERDICT_REJECTED, NEW_TOKEN),
    CODE("46", VERDICT_FORBIDDEN, RIGHTS),
    CODE("49", VERDICT_FORBIDDEN, RIGHTS),
    CODE("53", VERDICT_FORBIDDEN, "Let an administrator allow this server's address."),
    CODE("76", VERDICT_FORBIDDEN, "The account's edition has no API, or it is switched off."),
    CODE("66", VERDICT_THROTTLED, "Too many calls at once. Try again in a minute."),
    CODE("122", VERDICT_THROTTLED, "The day's calls are used up. Try again tomorrow."),
    CODE("181", VERDICT_MISCONFIGURED, UNIT),
    CODE("182", VERDICT_MISCONFIGURED, UNIT),
    CODE("185", VERDICT_MISCONFIGURED, UNIT),
    CODE("201", VERDICT_MISCONFIGURED, UNIT),
    CODE("88", VERDICT_MISCONFIGURED, "The account does not take version 4 of the API."),
    CODE("89", VERDICT_MISCONFIGURED, "The account does not take version 4 of the API."),
    {STEP_API, .status = 401, .kind = VERDICT_REJECTED, .renewable = true, .hint = NEW_TOKEN},
    {STEP_API, .status = 200, .at = "/@attributes/stat", .equals = "fail",
     .kind = VERDICT_MISCONFIGURED, .hint = "Check the profile's properties."},

    {STEP_TOKEN, .at = "/error", .equals = "rate_limit_exceeded", .kind = VERDICT_THROTTLED,
     .hint = "Try again in a few minutes."},
    {STEP_TOKEN, .at = "/error_description", .contains = "login rate exceeded",
     .kind = VERDICT_THROTTLED, .hint = "Try again in an hour."},
    {STEP_TOKEN, .at = "/error", .equals = "unknown_error", .kind = VERDICT_UNREACHABLE,
     .hint = "Try again."},
    {STEP_TOKEN, .at = "/error_description", .contains = "authorization code",
     .kind = VERDICT_REJECTED,
     .hint = "An authorization code works once and for about 15 minutes. Get a new one."},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_grant", .kind = VERDICT_REJECTED,
     .hint = NEW_TOKEN},
    {STEP_TOKEN, .at = "/error", .equals = "redirect_uri_mismatch", .kind = VERDICT_REJECTED,
     .hint = "redirectUri must be the one that the code was asked for with."},
    {STEP_TOKEN, .at = "/error", .equals = "invalid_client_id", .kind = VERDICT_REJECTED,
     .hint = "The app's client id is unknown there: a sandbox's app differs from production's."},
    {STEP_TOKEN, .at = "/error", .equals = "inactive_user", .kind = VERDICT_REJECTED,
     .hint = "Activate the user, or log in as another."},
};

static const char *const messages[] = {"/err"};

/* An organization's id for it: the key prefix 0Uv, with or without the three letters that make
 * letter case not count. That there must be one is told where the calls are checked. */
static bool check(const struct value *properties, const struct value *credentials,
                  struct error *error)
{
    struct str id = value_text(properties, "businessUnitId");
    bool good = id.len == 0 || ((id.len == 15 || id.len == 18) && str_starts(id, STR("0Uv")));
    (void)credentials;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        good = good && ascii_is_alnum(c);
    }
    return good || fail(error, ERR_VALIDATION,
                        "Validation exception: businessUnitId must be an id of 18 letters and "
                        "digits that begins with 0Uv");
}

static const struct http_connector http = {
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .messages = LIST(messages),
    .check = check,
};

const struct connector connector_pardot = {
    .type = STR("Pardot"),
    .key = STR("Pardot"),
    .roles = ROLE_SOURCE,
    .ops = &http_ops,
    .http = &http,
};
