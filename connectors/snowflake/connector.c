/* Snowflake: a login with user name and password gives a session, in which the warehouse is used
 * and the stage is described. Where the account is follows from its name and region. */
#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/template.h"
#include "connector/loading.h"
#include "connectors/catalogue_sets.h"
#include "connectors/snowflake/entities.h"
#include "connectors/snowflake/load.h"
#include "connectors/snowflake/names.h"

#include <string.h>

#define DOMAIN ".snowflakecomputing"

/* --- where an account is --- */

struct snowflake_account {
    struct str name;   /* of an organization's account, or a locator */
    struct str region; /* as it is in the host, cloud included; empty: none */
    const char *top;   /* of the domain */
    bool is_private;   /* by PrivateLink */
};

static bool cut_end(struct str *text, const char *end)
{
    if (!str_ends(*text, str_from(end)))
        return false;
    text->len -= strlen(end);
    return true;
}

/* These regions came before the others, and their hosts name no cloud (Snowflake's documentation,
 * "Account identifiers"). China's are left as they are given. */
static bool names_no_cloud(struct str region)
{
    static const char *const old[] = {"us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-1",
                                      "ap-southeast-2"};
    for (size_t i = 0; i < sizeof(old) / sizeof(*old); i++) {
        if (str_eq(region, str_from(old[i])))
            return true;
    }
    return str_contains(region, STR(".")) || str_starts(region, STR("cn-"));
}

/* AppFlow's property holds an AWS Region; Oregon is where accounts are whose host names none. */
static struct str region_in_host(struct arena *arena, const struct snowflake_account *account,
                                 struct str region)
{
    bool organization = str_contains(account->name, STR("-"));
    if (organization || region.len == 0)
        return STR("");
    if (account->is_private)
        return region;
    if (str_eq(region, STR("us-west-2")))
        return STR("");
    return names_no_cloud(region) ? region : arena_printf(arena, "%.*s.aws", STR_ARG(region));
}

/* What people have of an account: its name or locator, alone or with a region, or its address. */
static void read_account(struct arena *arena, const struct value *properties,
                         struct snowflake_account *account)
{
    struct str text = arena_lower(arena, value_text(properties, "accountName"));
    struct str region = arena_lower(arena, value_text(properties, "region"));
    struct str rest = STR_NULL;
    *account = (struct snowflake_account){.top = "com"};
    if (str_starts(text, STR("https://")))
        text = (struct str){text.data + 8, text.len - 8};
    while (cut_end(&text, "/"))
        continue;
    if (cut_end(&text, DOMAIN ".cn"))
        account->top = "cn";
    else
        cut_end(&text, DOMAIN ".com");
    account->is_private =
        cut_end(&text, ".privatelink") || value_text(properties, "privateLinkServiceName").len > 0;
    account->name = text;
    if (str_cut(text, '.', &account->name, &rest))
        account->region = rest;
    else
        account->region = region_in_host(arena, account, region);
    if (str_starts(account->region, STR("cn-")))
        account->top = "cn";
}

static bool account_is_good(const struct snowflake_account *account)
{
    for (size_t i = 0; i < account->name.len; i++) {
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789_-", account->name.data[i], 38))
            return false;
    }
    return account->name.len > 0;
}

/* Hosts have dashes where accounts of organizations have underscores. */
static struct str host_of(struct arena *arena, const struct snowflake_account *account)
{
    struct str host = arena_printf(arena, "%.*s%s%.*s%s" DOMAIN ".%s", STR_ARG(account->name),
                                   account->region.len > 0 ? "." : "", STR_ARG(account->region),
                                   account->is_private ? ".privatelink" : "", account->top);
    for (size_t i = 0; i < host.len; i++) {
        char *c = (char *)host.data + i;
        *c = *c == '_' ? '-' : *c;
    }
    return host;
}

/* Replicated accounts have a suffix in their global address that is no part of the name. */
static struct str name_at_login(const struct snowflake_account *account)
{
    struct str name = account->name;
    if (!str_eq(account->region, STR("global")))
        return name;
    while (name.len > 0 && name.data[name.len - 1] != '-')
        name.len--;
    return name.len > 1 ? (struct str){name.data, name.len - 1} : account->name;
}

/* --- names in statements --- */

/* The API's pattern for warehouses lets no quotes pass, so a name that needs them gets them here.
 */
static struct str warehouse_name(struct arena *arena, struct str warehouse)
{
    return snowflake_is_plain(warehouse) ? warehouse
                                         : arena_printf(arena, "\"%.*s\"", STR_ARG(warehouse));
}

static bool is_one_line(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == '"')
            return false;
    }
    return str_trim(text).len > 0;
}

static bool derive(const struct value *properties, struct arena *arena, struct value *derived,
                   struct error *error)
{
    struct str stage = value_text(properties, "stage");
    struct str warehouse = value_text(properties, "warehouse");
    struct snowflake_account account;
    read_account(arena, properties, &account);
    if (account.name.len == 0)
        return fail(error, ERR_VALIDATION,
                    "Validation exception: AccountName cannot be blank for connector: SNOWFLAKE");
    if (!account_is_good(&account))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: accountName must be an account's name, as in "
                    "organization-account, or its locator.");
    if (!snowflake_is_path(stage, 3))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: stage must be Database.Schema.StageName. A name with "
                    "other characters than letters, digits, _ and $ goes in double quotes.");
    if (!is_one_line(warehouse))
        return fail(error, ERR_VALIDATION,
                    "Validation exception: Warehouse cannot be blank for connector: SNOWFLAKE");
    value_put_text(arena, derived, "host", host_of(arena, &account));
    value_put_text(arena, derived, "account", name_at_login(&account));
    value_put_text(arena, derived, "warehouse", warehouse_name(arena, warehouse));
    return true;
}

/* --- what is asked --- */

static const struct connector_url api[] = {
    {.url = "https://{derived.host}", .derived_host = true},
};

static const struct connector_header shown[] = {
    {"Authorization", "Snowflake Token=\"{session.token}\""}};

/* Without a member AUTHENTICATOR user name and password are meant; a programmatic access token may
 * be the password. */
static const struct connector_auth auth[] = {
    {.session =
         &(const struct connector_session){
             .login = {.method = "POST",
                       .path = "/session/v1/login-request?request_id={random.uuid}"
                               "&request_guid={random.uuid}",
                       .body = "{\"data\":{\"CLIENT_APP_ID\":\"Headgate\","
                               "\"CLIENT_APP_VERSION\":\"1\","
                               "\"ACCOUNT_NAME\":\"{derived.account}\","
                               "\"LOGIN_NAME\":\"{credentials.username}\","
                               "\"PASSWORD\":\"{credentials.password}\","
                               "\"CLIENT_ENVIRONMENT\":{\"APPLICATION\":\"Headgate\"},"
                               "\"SESSION_PARAMETERS\":{}}}",
                       .content_type = "application/json",
                       .needs = "/success"},
             .token = "/data/token",
             .headers = LIST(shown),
             .end = {.method = "POST",
                     .path = "/session?delete=true&requestId={random.uuid}",
                     .content_type = "application/json"},
         }},
};

#define QUERY(text) SNOWFLAKE_QUERY(text, "/success")

/* A login does not look whether the warehouse is there. Neither statement starts it. */
static const struct connector_call probes[] = {
    QUERY("USE WAREHOUSE {derived.warehouse}"),
    QUERY("DESC STAGE {stage}"),
};

#define CODE(number) .at = "/code", .equals = number
#define SAYS(text) .at = "/message", .contains = text
#define HINT_MFA                                                                                   \
    "The user needs a second factor. Use a user of type LEGACY_SERVICE, or provide a "             \
    "programmatic access token as the password."
#define HINT_PASSWORD                                                                              \
    "Check user name and password. They are not tried again here: a few wrong passwords lock the " \
    "user for 15 minutes."
#define HINT_ACCOUNT "There is no such account. Check accountName and region."
#define HINT_SESSION "Snowflake ended the session at once. Try again."
#define HINT_OBJECT                                                                                \
    "Check the name, and grant USAGE on it (for a stage on its database and schema, too) to the "  \
    "user's default role."

/* Failures have status 200. The code decides before data.nextAction, which is RETRY_LOGIN beside
 * many codes and means then only that the login may be tried anew. */
static const struct connector_rule rules[] = {
    {STEP_NONE, SAYS("is not allowed to access Snowflake"), .kind = VERDICT_BLOCKED,
     .hint = "A network policy of the account or the user blocks this server's IP address.",
     .causes = CAUSE_POLICY},
    {STEP_TOKEN, SAYS("temporarily locked"), .kind = VERDICT_REJECTED,
     .hint = "The user is locked after too many failed logins. Wait 15 minutes, or ask an "
             "administrator to unlock the user.",
     .causes = CAUSE_USER},
    {STEP_TOKEN, SAYS("access disabled"), .kind = VERDICT_REJECTED,
     .hint = "Ask an administrator to enable the user.", .causes = CAUSE_USER},
    {STEP_TOKEN, CODE("390100"), .kind = VERDICT_REJECTED, .hint = HINT_PASSWORD,
     .causes = CAUSE_CREDENTIAL},
    {STEP_TOKEN, CODE("390106"), .kind = VERDICT_REJECTED,
     .hint = "The password has expired. Log in to Snowflake once and change it.",
     .causes = CAUSE_NEW_PASSWORD},
    {STEP_TOKEN, CODE("394508"), .kind = VERDICT_REJECTED, .hint = HINT_MFA,
     .causes = CAUSE_SECOND_FACTOR},
    {STEP_TOKEN, CODE("394400"), .kind = VERDICT_REJECTED,
     .hint = "Check the programmatic access token: it is unknown, disabled or of another user.",
     .causes = CAUSE_CREDENTIAL},
    {STEP_TOKEN, CODE("394401"), .kind = VERDICT_REJECTED,
     .hint = "The programmatic access token has expired. Generate a new one.",
     .causes = CAUSE_CREDENTIAL},
    {STEP_TOKEN, CODE("390201"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_OBJECT,
     .causes = CAUSE_OBJECT | CAUSE_PERMISSION},
    {STEP_TOKEN, CODE("390189"), .kind = VERDICT_MISCONFIGURED,
     .hint = "The user's default role does not exist, or is not granted to the user.",
     .causes = CAUSE_PERMISSION},
    {STEP_TOKEN, CODE("390144"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_ACCOUNT,
     .causes = CAUSE_ADDRESS},
    {STEP_TOKEN, .at = "/data/nextAction", .equals = "PWD_CHANGE", .kind = VERDICT_REJECTED,
     .hint = "Log in to Snowflake once and change the password.", .causes = CAUSE_NEW_PASSWORD},
    {STEP_TOKEN, .at = "/data/nextAction", .equals = "PWD_RESET", .kind = VERDICT_REJECTED,
     .hint = "Ask an administrator to set a new password.", .causes = CAUSE_NEW_PASSWORD},
    {STEP_TOKEN, .at = "/data/nextAction", .contains = "EXT_AUTHN", .kind = VERDICT_REJECTED,
     .hint = HINT_MFA, .causes = CAUSE_SECOND_FACTOR},
    /* Every account's name resolves; hosts of those that do not exist answer with a page. */
    {STEP_TOKEN, .status = 403, .page = true, .kind = VERDICT_BLOCKED,
     .hint = "Check accountName and region: there may be no such account. Otherwise a firewall or "
             "proxy in between blocked the request.",
     .causes = CAUSE_ADDRESS | CAUSE_GATEWAY},
    {STEP_TOKEN, .status = 404, .kind = VERDICT_MISCONFIGURED, .hint = HINT_ACCOUNT,
     .causes = CAUSE_ADDRESS},
    {STEP_TOKEN, .status = 2, .at = "/success", .equals = "false", .kind = VERDICT_REJECTED},

    {STEP_API, CODE("002003"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_OBJECT,
     .causes = CAUSE_OBJECT | CAUSE_PERMISSION},
    {STEP_API, CODE("002043"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_OBJECT,
     .causes = CAUSE_OBJECT | CAUSE_PERMISSION},
    {STEP_API, CODE("003001"), .kind = VERDICT_FORBIDDEN,
     .hint = "Grant the privilege to the user's default role.", .causes = CAUSE_PERMISSION},
    {STEP_API, CODE("390112"), .kind = VERDICT_UNREACHABLE, .hint = HINT_SESSION,
     .causes = CAUSE_OUTAGE},
    {STEP_API, CODE("390111"), .kind = VERDICT_UNREACHABLE, .hint = HINT_SESSION,
     .causes = CAUSE_OUTAGE},
    {STEP_API, CODE("390104"), .kind = VERDICT_UNREACHABLE, .hint = HINT_SESSION,
     .causes = CAUSE_OUTAGE},
    {STEP_API, CODE("333333"), .kind = VERDICT_UNREACHABLE, .hint = "Try again.",
     .causes = CAUSE_OUTAGE},
    {STEP_API, CODE("333334"), .kind = VERDICT_UNREACHABLE, .hint = "Try again.",
     .causes = CAUSE_OUTAGE},
    {STEP_API, .at = "/data/internalError", .equals = "true", .kind = VERDICT_UNREACHABLE,
     .hint = "Snowflake had an internal error. Try again.", .causes = CAUSE_OUTAGE},
    {STEP_API, .status = 2, .at = "/success", .equals = "false", .kind = VERDICT_MISCONFIGURED},
};

static const char *const errors[] = {"/success"};

static const struct connector_entities entities = {
    .list = snowflake_list,
    .describe = snowflake_describe,
};

static const struct http_connector http = {
    .life = {.password_ends_ms = 1793404800000, /* 2026-10-31 */
             .password_ends =
                 "Snowflake ends sign-in with a password alone by the end of October 2026",
             .password = "until the password ends by the account's policy, or is changed"},
    .api = LIST(api),
    .auth = LIST(auth),
    .probes = LIST(probes),
    .rules = LIST(rules),
    .errors = LIST(errors),
    .private_service = "privateLinkServiceName",
    .derive = derive,
    .entities = &entities,
};

static const struct load_ops loads = {.load = snowflake_load};

/* Which supportedRegions the real service returns is not documented: none are here. */
static const struct catalogue_entry catalogue = {
    .name = "Snowflake",
    .needs_private_service = true,
};

const struct connector connector_snowflake = {
    .type = STR("Snowflake"),
    .key = STR("Snowflake"),
    .roles = ROLE_DESTINATION,
    .modes = MODE_PRIVATE,
    .ops = &http_ops,
    .loads = &loads,
    .http = &http,
    .catalogue = &catalogue,
};
