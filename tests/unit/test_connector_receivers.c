/* Who receives a secret. The client secret of the operator's app, or of the app of an AWS account,
 * goes to fixed addresses only, whatever a profile's properties say; stored credentials go on being
 * sent only while the whole base URL to which they go stays the same. */
#include "connector_script.h"

#include "base/url.h"
#include "connector/http/internal.h"
#include "wire/restjson.h"
#include "wire/shape.h"

#include <regex.h>
#include <stdio.h>

static struct script script;

/* --- secrets of apps --- */

/* Written apart from the connectors' own tables: all that may ever receive an app's secret. */
static const struct {
    const char *type;
    const char *token_urls; /* an extended regular expression for the whole URL */
} receivers_of_app_secrets[] = {
    {"Honeycode", "^https://honeycode\\.us-west-2\\.amazonaws\\.com/oauth/token$"},
    {"Pardot", "^https://(login|test)\\.salesforce\\.com/services/oauth2/token$"},
    {"Salesforce", "^https://((login|test)\\.salesforce\\.com|"
                   "[a-z0-9][a-z0-9_-]*(\\.(sandbox|develop|scratch|demo|free|patch|trailblaze))?"
                   "\\.my\\.salesforce\\.com)/services/oauth2/token$"},
};

static const char *const hostile[] = {
    "https://evil.example",
    "http://login.salesforce.com",
    "https://evil.secure.force.com/services/apexrest/steal",
    "https://evil.my.salesforce.com:8443/services/apexrest/steal",
    "https://evil.my.salesforce.com/services/apexrest/steal",
    "https://evil--qa.sandbox.my.salesforce.com:444/x",
    "https://login.salesforce.com:8443/steal",
    "https://test.salesforce.com/steal",
    "https://a.b.my.salesforce.com",
    "https://my.salesforce.com",
    "https://salesforce.com",
    "https://na1.salesforce.com",
    "https://evil.my.salesforce.com.evil.example",
    "https://evilmy.salesforce.com",
    "https://evil.my.salesforce-sites.com",
    "https://evil.my.site.com",
    "https://evil.cloudforce.com",
    "https://evil--c.vf.force.com",
    "https://pi.pardot.com:8443/steal",
    "evil.my.salesforce.com:8443/steal",
    "login.salesforce.com",
    "https://honeycode.us-west-2.amazonaws.com.evil.example",
    "evil",
    "../steal",
    "@evil.example",
    "{derived.url}",
};

static const char *token_urls_of(const struct connector *connector)
{
    size_t count = sizeof(receivers_of_app_secrets) / sizeof(*receivers_of_app_secrets);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(connector->type, str_from(receivers_of_app_secrets[i].type)))
            return receivers_of_app_secrets[i].token_urls;
    }
    fail_msg("%s sends an app's secret, and this test does not know where to",
             connector->type.data);
    return NULL;
}

static const struct shape *properties_of(const struct connector *connector)
{
    const struct shape *all = shape_by_name(STR("ConnectorProfileProperties"));
    return &api_shapes[shape_find_member(all, connector->key)->shape];
}

/* The shape as JSON, with every string `text` and every boolean `flag`; of several strings only
 * that with the number `only`, unless it is -1. Returns how many strings there are. */
static int add_properties(struct buf *out, const struct shape *shape, const char *text, bool flag,
                          int only, int count)
{
    const char *comma = "";
    buf_add_char(out, '{');
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        const struct shape *inner = &api_shapes[member->shape];
        bool wanted = inner->type == SHAPE_STRUCTURE || inner->type == SHAPE_BOOLEAN;
        if (inner->type == SHAPE_STRING)
            wanted = only < 0 || only == count++;
        if (!wanted)
            continue;
        buf_printf(out, "%s\"%.*s\":", comma, STR_ARG(member->name));
        comma = ",";
        if (inner->type == SHAPE_STRUCTURE)
            count = add_properties(out, inner, text, flag, only, count);
        else
            buf_printf(out, inner->type == SHAPE_BOOLEAN ? "%s" : "\"%s\"",
                       inner->type == SHAPE_BOOLEAN ? flag ? "true" : "false" : text);
    }
    buf_add_char(out, '}');
    return count;
}

/* In the script's arena; *ret_count strings could be set. */
static struct target resolved(const struct connector *connector, const char *text, bool flag,
                              int only, int *ret_count)
{
    static const struct connector_env env;
    struct target target;
    struct value *properties;
    struct buf json = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    *ret_count = add_properties(&json, properties_of(connector), text, flag, only, 0);
    assert_true(json_parse(buf_str(&json), &script.arena, &properties));
    struct target_source source = {.connector = connector, .env = &env, .properties = properties};
    target_resolve(&target, &source, &script.arena);
    return target;
}

static int assert_fixed(const struct connector *connector, size_t auth, const char *text, bool flag,
                        int only)
{
    regex_t pattern;
    int count;
    struct target target = resolved(connector, text, flag, only, &count);
    struct str url = target.http->token_urls[auth];
    assert_int_equal(regcomp(&pattern, token_urls_of(connector), REG_EXTENDED | REG_NOSUB), 0);
    if (url.data && regexec(&pattern, arena_cstr(&script.arena, url), 0, NULL, 0) != 0)
        fail_msg("%s with \"%s\" sends an app's secret to %.*s", connector->type.data, text,
                 STR_ARG(url));
    assert_true(endpoint_is_fixed(&target.http->tokens[auth]) || !url.data);
    regfree(&pattern);
    return count;
}

static void assert_all_fixed(const struct connector *connector, size_t auth)
{
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
        for (int flag = 0; flag < 2; flag++) {
            int count = assert_fixed(connector, auth, hostile[i], flag, -1);
            for (int only = 0; only < count; only++)
                assert_fixed(connector, auth, hostile[i], flag, only);
            arena_done(&script.arena);
        }
    }
}

/* Every connector, every property of the model, one at a time and all together. */
static void secrets_of_apps_go_to_fixed_addresses_only(void **state)
{
    (void)state;
    size_t found = 0;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        for (size_t auth = 0; connector->http && auth < connector->http->auth.count; auth++) {
            const struct connector_oauth2 *oauth2 = connector->http->auth.rows[auth].oauth2;
            if (!oauth2 || oauth2->client != CLIENT_APP)
                continue;
            assert_all_fixed(connector, auth);
            found++;
        }
    }
    assert_int_equal(found, sizeof(receivers_of_app_secrets) / sizeof(*receivers_of_app_secrets));
}

/* The engine's own rule, for a description that breaks it. */
static const struct connector_url token[] = {{.given = "tokenUrl", .url = "{tokenUrl}"}};
static const struct connector_url api[] = {{.url = "https://api.acme.example"}};
static const struct connector_auth auth[] = {{
    .oauth2 =
        &(const struct connector_oauth2){
            .members = "credentials",
            .grants = GRANT_REFRESH,
            .client = CLIENT_APP,
            .token_urls = LIST(token),
        },
}};
static const struct connector_call probes[] = {{.method = "GET", .path = "/me"}};
static const struct http_connector acme_http = {
    .api = LIST(api), .auth = LIST(auth), .probes = LIST(probes)};
static const struct connector acme = {
    .type = STR("Acme"), .key = STR("Acme"), .ops = &http_ops, .http = &acme_http};

static void an_app_is_not_read_for_a_token_url_of_the_profile(void **state)
{
    (void)state;
    struct value *properties = value_structure(&script.arena);
    struct value *credentials = value_structure(&script.arena);
    value_put_text(&script.arena, properties, "tokenUrl", STR("https://evil.example/token"));
    value_put_text(&script.arena, credentials, "refreshToken", STR("r"));
    script.app_secret = "app-secret";
    assert_false(script_verify_with(&script, &acme, properties, credentials, NULL));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_APP, 0,
                   "The token URL comes from the profile's properties, and the app's client secret "
                   "is sent only to the vendor's own hosts.");
    assert_string_equal(script_log(&script), "");
}

/* --- Salesforce, whose token host may be a property's --- */

#define HOST "https://acme.my.salesforce.com"
#define LOGIN "https://login.salesforce.com"
#define ASKS(verb, host, path, more) verb " " host path "\nAccept: application/json\n" more
#define TOKEN(host, body)                                                                          \
    ASKS("POST", host, "/services/oauth2/token",                                                   \
         "Content-Type: application/x-www-form-urlencoded\n\n" body)
#define APP "&client_id=app-id&client_secret=app-secret"
#define REFRESH "grant_type=refresh_token&refresh_token=r" APP
#define CODE "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fr.example" APP
#define CODE_GIVEN "{\"oAuthRequest\":{\"authCode\":\"c\",\"redirectUri\":\"https://r.example\"}}"
#define PROBE(path) ASKS("GET", "%s", path, "Authorization: Bearer t1\n\n")

static bool run(const struct scripted *steps, size_t count, const char *properties,
                const char *credentials)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    script.app_secret = "app-secret";
    return script_verify(&script, "Salesforce", properties, credentials, NULL);
}

/* Where an app's secret goes for each instanceUrl: to My Domain's own hosts at port 443 and a fixed
 * path, else to the login host. */
static void the_app_goes_to_fixed_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *instance, *request;
    } cases[] = {
        {"https://acme.my.salesforce.com:8443/services/apexrest/steal", TOKEN(HOST, REFRESH)},
        {"https://ACME.my.salesforce.com./", TOKEN(HOST, REFRESH)},
        {"acme.my.salesforce.com", TOKEN(HOST, REFRESH)},
        {"https://acme--qa.sandbox.my.salesforce.com/x",
         TOKEN("https://acme--qa.sandbox.my.salesforce.com", REFRESH)},
        {"https://acme-dev-ed.develop.my.salesforce.com",
         TOKEN("https://acme-dev-ed.develop.my.salesforce.com", REFRESH)},
        {"https://test.salesforce.com:444/x", TOKEN("https://test.salesforce.com", REFRESH)},
        {"https://evil.secure.force.com/services/apexrest/steal", TOKEN(LOGIN, REFRESH)},
        {"https://evil.cloudforce.com", TOKEN(LOGIN, REFRESH)},
        {"https://a.b.my.salesforce.com", TOKEN(LOGIN, REFRESH)},
        {"https://evil.salesforce.com", TOKEN(LOGIN, REFRESH)},
        {"http://acme.my.salesforce.com", TOKEN(LOGIN, REFRESH)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted step = {cases[i].request, 400, .body = "{\"error\":\"invalid_grant\"}"};
        const char *properties =
            arena_printf(&script.arena, "{\"instanceUrl\":\"%s\"}", cases[i].instance).data;
        assert_false(run(&step, 1, properties, "{\"refreshToken\":\"r\"}"));
        assert_int_equal(script.next, 1);
    }
}

/* Of an instance_url only the host counts, and only a host of Salesforce's own. */
static void an_instance_url_gives_a_host_alone(void **state)
{
    (void)state;
    static const struct {
        const char *instance, *api;
    } cases[] = {
        {"https://acme.my.salesforce.com:8443/evil", HOST},
        {"https://na1.salesforce.com/", "https://na1.salesforce.com"},
        {"https://evil.secure.force.com", NULL},
        {"https://x.y.salesforce.com", NULL},
        {"http://acme.my.salesforce.com", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *answer =
            arena_printf(&script.arena, "{\"access_token\":\"t1\",\"instance_url\":\"%s\"}",
                         cases[i].instance)
                .data;
        const char *probe = arena_printf(&script.arena,
                                         cases[i].api ? PROBE("/services/data/v58.0/")
                                                      : PROBE("/services/oauth2/userinfo"),
                                         cases[i].api ? cases[i].api : LOGIN)
                                .data;
        struct scripted steps[] = {
            {TOKEN(LOGIN, CODE), 200, .body = answer},
            {probe, 200, .body = "{\"sobjects\":1,\"user_id\":1}"},
        };
        assert_true(run(steps, 2, "{}", CODE_GIVEN));
    }
}

/* --- stored credentials --- */

#define SAP(host, path)                                                                            \
    "{\"applicationHostUrl\":\"" host "\",\"applicationServicePath\":\"" path                      \
    "\",\"portNumber\":443,\"clientNumber\":\"100\"}"
#define AT(url) "{\"instanceUrl\":\"" url "\"}"

static const struct {
    const char *type, *before, *after;
    bool same;
} changes[] = {
    {"Dynatrace", AT("https://d.example/e/mine"), AT("https://d.example/e/attacker"), false},
    {"Dynatrace", AT("https://d.example/e/mine"), AT("https://d.example"), false},
    {"Dynatrace", AT("https://d.example/e/mine"), AT("HTTPS://D.example:443/e/mine/"), true},
    {"Dynatrace", AT("https://d.example/e/mine"), AT("https://d.example/e/mine/api/v2"), true},
    {"SAPOData", SAP("https://s.example", "/a"), SAP("https://s.example", "/sap/evil"), false},
    {"SAPOData", SAP("https://s.example", "/a"), SAP("https://S.example", "a/"), true},
    {"Zendesk", AT("acme"), AT("https://acme.zendesk.com/"), true},
    {"Zendesk", AT("acme"), AT("https://acme.zendesk.com:8443"), false},
    {"Zendesk", AT("acme"), AT("http://acme.zendesk.com"), false},
    {"Zendesk", AT("acme"), AT("https://acme.zendesk.com/evil"), false},
    {"Marketo", AT("https://m.example"), AT("https://m.example/evil"), false},
    {"Marketo", AT("https://m.example"), AT("https://m.example/rest/v1"), true},
    {"Servicenow", AT("https://s.example"), AT("https://s.example/evil"), false},
    {"Slack", AT("https://acme.slack.com"), AT("https://acme.slack.com/evil"), true}, /* not used */
    {"Salesforce", AT("https://a.my.salesforce.com"), AT("https://a.my.salesforce.com/x"), false},
    {"Datadog", AT("https://d.example"), AT("https://d.example/evil"), false},
    {"Infornexus", AT("https://i.example"), AT("https://i.example/evil"), false},
    {"Pardot", AT("https://p.example"), AT("https://p.example/evil"), false},
    {"Veeva", AT("https://v.example"), AT("https://v.example/evil"), false},
    {"Redshift", "{\"databaseUrl\":\"jdbc:redshift://r.example/a\"}",
     "{\"databaseUrl\":\"jdbc:redshift://r.example/b\"}", false},
};

static struct target target_of(const char *type, const char *json)
{
    static const struct connector_env env;
    struct target target;
    struct value *properties;
    struct target_source source = {.connector = connector_by_type(str_from(type)), .env = &env};
    assert_true(json_parse(str_from(json), &script.arena, &properties));
    source.properties = properties;
    target_resolve(&target, &source, &script.arena);
    assert_null(target.fault);
    return target;
}

static void stored_credentials_stay_at_their_whole_base_url(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        struct target before = target_of(changes[i].type, changes[i].before);
        struct target after = target_of(changes[i].type, changes[i].after);
        if (target_same_recipients(&before, &after) != changes[i].same)
            fail_msg("%s: %s -> %s", changes[i].type, changes[i].before, changes[i].after);
    }
}

static bool same_text(const struct url *a, const struct url *b)
{
    return str_eq(url_text(&script.arena, a), url_text(&script.arena, b));
}

/* Where one property leads with two paths: either to the same URL, or to another receiver. */
static int assert_path_counts(const struct connector *connector, int only)
{
    int count;
    struct target a = resolved(connector, "https://h.example/one", false, only, &count);
    struct target b = resolved(connector, "https://h.example/two", false, only, &count);
    bool leads = a.http && !a.fault && !b.fault;
    bool same = !leads || same_text(&a.http->api.url, &b.http->api.url);
    for (size_t i = 0; leads && i < connector->http->auth.count; i++) {
        struct str one = a.http->token_urls[i], two = b.http->token_urls[i];
        same = same && (one.data ? str_eq(one, two) : !two.data);
    }
    if (target_same_recipients(&a, &b) && !same)
        fail_msg("%s: property %d", connector->type.data, only);
    return count;
}

static void no_property_moves_a_path_unseen(void **state)
{
    (void)state;
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        if (!connector->http)
            continue;
        int count = assert_path_counts(connector, -1);
        for (int only = 0; only < count; only++)
            assert_path_counts(connector, only);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_of_apps_go_to_fixed_addresses_only),
        TEST(an_app_is_not_read_for_a_token_url_of_the_profile),
        TEST(the_app_goes_to_fixed_addresses),
        TEST(an_instance_url_gives_a_host_alone),
        TEST(stored_credentials_stay_at_their_whole_base_url),
        TEST(no_property_moves_a_path_unseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
