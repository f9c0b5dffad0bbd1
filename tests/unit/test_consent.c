/* What a consent is made of: the secrets that bind it, the address that each connector sends a
 * browser to, and what is read of the vendor's answer. */
#include "connector_script.h"

#include "auth/oauth_app.h"
#include "base/buf.h"
#include "connector/custom/declared.h"
#include "connector/http/consent.h"
#include "connector/target.h"
#include "profile/consent.h"
#include "wire/json_value.h"
#include "wire/shape.h"

#include <string.h>

#define BACK STR("https://hg.example/connect/callback/X")
#define BACK_ESCAPED "https%3A%2F%2Fhg.example%2Fconnect%2Fcallback%2FX"
#define CODE "\"oAuthRequest\":{\"authCode\":\"none\",\"redirectUri\":\"https://hg.example/\"}"
#define CLIENT "\"clientId\":\"c+1\",\"clientSecret\":\"secret\","

static struct script script;

/* --- secrets --- */

static void secrets_have_one_form(void **state)
{
    (void)state;
    struct str one = consent_secret_new(&script.arena), other = consent_secret_new(&script.arena);
    assert_true(consent_is_secret(one) && consent_is_secret(other));
    assert_false(str_eq(one, other));
    assert_false(consent_is_secret(STR("")));
    assert_false(consent_is_secret((struct str){one.data, one.len - 1}));
    assert_false(consent_is_secret(STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/")));
    assert_int_equal(consent_id_of(&script.arena, one).len, CONSENT_ID_SIZE - 1);
    assert_false(str_eq(consent_id_of(&script.arena, one), consent_id_of(&script.arena, other)));
}

static void state_names_its_row(void **state)
{
    (void)state;
    struct arena *arena = &script.arena;
    struct str secret = consent_secret_new(arena), id, half;
    struct str good = arena_printf(arena, "0123456789abcdef0123456789abcdef.%.*s", STR_ARG(secret));
    assert_true(consent_state_split(good, &id, &half));
    assert_str(id, "0123456789abcdef0123456789abcdef");
    assert_true(str_eq(half, secret));
    const struct str wrong[] = {
        STR(""),
        {good.data, good.len - 1},
        arena_printf(arena, "%.*sA", STR_ARG(good)),
        arena_printf(arena, "0123456789abcdef0123456789abcdeX.%.*s", STR_ARG(secret)),
        arena_printf(arena, "0123456789abcdef0123456789abcdef-%.*s", STR_ARG(secret)),
        arena_printf(arena, "0123456789abcdef.123456789abcdef.%.*s", STR_ARG(secret)),
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(consent_state_split(wrong[i], &id, &half));
}

/* RFC 7636, appendix B, has the pair. */
static void verifiers_are_those_of_pkce(void **state)
{
    (void)state;
    struct arena *arena = &script.arena;
    assert_str(consent_challenge(arena, STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
               "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    struct str seed = consent_secret_new(arena);
    struct str one = consent_verifier(arena, seed, STR("s1"));
    assert_int_equal(one.len, CONSENT_SECRET_TEXT);
    assert_true(str_eq(one, consent_verifier(arena, seed, STR("s1"))));
    assert_false(str_eq(one, consent_verifier(arena, seed, STR("s2"))));
    assert_null(consent_verifier(arena, STR(""), STR("s1")).data);
}

static void forms_belong_to_a_link_and_a_browser(void **state)
{
    (void)state;
    struct arena *arena = &script.arena;
    struct str token = consent_form_token(arena, STR("link"), STR("browser"));
    assert_true(str_eq(token, consent_form_token(arena, STR("link"), STR("browser"))));
    assert_false(str_eq(token, consent_form_token(arena, STR("link2"), STR("browser"))));
    assert_false(str_eq(token, consent_form_token(arena, STR("link"), STR("browser2"))));
}

/* --- the address --- */

static bool find_app(void *context, struct str type, struct arena *arena, struct oauth_app *ret_app,
                     struct error *error)
{
    (void)context, (void)type, (void)arena, (void)error;
    *ret_app = (struct oauth_app){STR("app-id"), STR("app-secret")};
    return true;
}

static bool place_with(const struct connector *connector, const char *properties,
                       const char *credentials, const struct consent_wish *wish,
                       struct consent_place *ret_place)
{
    const char *type = arena_cstr(&script.arena, connector->type);
    struct oauth_apps *apps = oauth_apps_new(&(struct oauth_apps_config){.find = find_app});
    const struct connector_env env = {.apps = apps};
    struct target target;
    target_resolve(&target,
                   &(struct target_source){
                       .connector = connector,
                       .env = &env,
                       .properties = script_part(&script, type, "Properties", properties),
                   },
                   &script.arena);
    target_set_credentials(&target, script_part(&script, type, "Credentials", credentials));
    bool ok = consent_place(&target, wish, ret_place, &script.error);
    oauth_apps_free(apps);
    return ok;
}

static bool place_of(const char *type, const char *properties, const char *credentials,
                     struct str scope, struct consent_place *ret_place)
{
    const struct consent_wish wish = {.scope = scope, .redirect_uri = BACK};
    return place_with(connector_by_type(str_from(type)), properties, credentials, &wish, ret_place);
}

static const struct {
    const char *type, *properties, *credentials, *url;
    bool without_pkce;
} places[] = {
    {"Salesforce", "{\"isSandboxEnvironment\":true}", "{" CODE "}",
     "https://test.salesforce.com/services/oauth2/authorize?response_type=code&client_id=app-id"
     "&redirect_uri=" BACK_ESCAPED "&scope=api%20refresh_token",
     false},
    {"Salesforce", "{\"instanceUrl\":\"https://acme.my.salesforce.com/x\"}", "{" CODE "}",
     "https://acme.my.salesforce.com/services/oauth2/authorize?response_type=code"
     "&client_id=app-id&redirect_uri=" BACK_ESCAPED "&scope=api%20refresh_token",
     false},
    {"Pardot", "{\"businessUnitId\":\"0Uv000000000001CAA\"}", "{" CODE "}",
     "https://login.salesforce.com/services/oauth2/authorize?response_type=code&client_id=app-id"
     "&redirect_uri=" BACK_ESCAPED "&scope=pardot_api%20api%20refresh_token",
     false},
    {"Zendesk", "{\"instanceUrl\":\"acme\"}", "{" CLIENT CODE "}",
     "https://acme.zendesk.com/oauth/authorizations/new?response_type=code&client_id=c%2B1"
     "&redirect_uri=" BACK_ESCAPED "&scope=read%20write",
     false},
    {"Slack", "{\"instanceUrl\":\"acme\"}", "{" CLIENT CODE "}",
     "https://slack.com/oauth/v2/authorize?response_type=code&client_id=c%2B1"
     "&redirect_uri=" BACK_ESCAPED
     "&user_scope=channels%3Ahistory%2Cchannels%3Aread%2Cgroups%3Ahistory%2Cgroups%3Aread"
     "%2Cim%3Ahistory%2Cim%3Aread%2Cmpim%3Ahistory%2Cmpim%3Aread",
     true},
    {"Googleanalytics", "{}", "{" CLIENT CODE "}",
     "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=c%2B1"
     "&redirect_uri=" BACK_ESCAPED
     "&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fanalytics.readonly"
     "&access_type=offline&prompt=consent",
     false},
    {"Servicenow", "{\"instanceUrl\":\"acme\"}", "{\"oAuth2Credentials\":{" CLIENT CODE "}}",
     "https://acme.service-now.com/oauth_auth.do?response_type=code&client_id=c%2B1"
     "&redirect_uri=" BACK_ESCAPED,
     false},
    {"SAPOData",
     "{\"applicationHostUrl\":\"https://sap.example\",\"portNumber\":443,"
     "\"applicationServicePath\":\"/sap\",\"clientNumber\":\"100\",\"oAuthProperties\":{"
     "\"tokenUrl\":\"https://sap.example/t\",\"authCodeUrl\":\"https://sap.example/a?x=1\","
     "\"oAuthScopes\":[\"one\",\"two\"]}}",
     "{\"oAuthCredentials\":{" CLIENT CODE "}}",
     "https://sap.example/a?x=1&response_type=code&client_id=c%2B1"
     "&redirect_uri=" BACK_ESCAPED "&scope=one%20two",
     false},
};

static void each_connector_has_its_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        struct consent_place place;
        assert_true(place_of(places[i].type, places[i].properties, places[i].credentials, STR_NULL,
                             &place));
        assert_str(place.url, places[i].url);
        assert_int_equal(place.with_pkce, !places[i].without_pkce);
    }
}

static void the_address_is_the_vendors(void **state)
{
    (void)state;
    struct consent_place place;
    assert_true(place_of("Zendesk", "{\"instanceUrl\":\"acme\"}", "{" CLIENT CODE "}", STR("read"),
                         &place));
    assert_str(place.origin, "https://acme.zendesk.com:443");
    assert_str(place.host, "acme.zendesk.com");
    assert_str(place.scope, "read");
    /* The app's secret would go to a host of the caller's choice. */
    assert_true(place_of("Salesforce", "{\"instanceUrl\":\"https://evil.example\"}", "{" CODE "}",
                         STR_NULL, &place));
    assert_str(place.host, "login.salesforce.com");
    assert_false(place_of("Servicenow", "{\"instanceUrl\":\"acme\"}",
                          "{\"username\":\"u\",\"password\":\"p\"}", STR_NULL, &place));
    assert_non_null(strstr(script.error.message, "not of the kind"));
}

#define EU "https://eu.vendor.example/authorize"
#define US "https://us.vendor.example/authorize"
#define US_OLD "https://us.vendor.example/v1/authorize"
#define TENANT "https://{{tenant}}.vendor.example/authorize"

/* Of a registered connector that declares `urls`, with a profile whose token URL is of the US. */
static bool place_of_registered(const char *urls, const char *wished,
                                struct consent_place *ret_place)
{
    struct connector connector = *connector_by_type(CUSTOM_CONNECTOR);
    const struct consent_wish wish = {.authorization_url = str_from(wished), .redirect_uri = BACK};
    struct str text = arena_printf(
        &script.arena, "{\"authenticationConfig\":{\"oAuth2Defaults\":{\"authURL\":[%s]}}}", urls);
    struct value *configuration;
    assert_true(json_parse(text, &script.arena, &configuration));
    connector.http = custom_description_new(&script.arena, configuration);
    return place_with(&connector,
                      "{\"oAuth2Properties\":{\"tokenUrl\":\"https://us.vendor.example/token\","
                      "\"oAuth2GrantType\":\"AUTHORIZATION_CODE\"}}",
                      "{\"authenticationType\":\"OAUTH2\",\"oauth2\":{" CLIENT CODE "}}", &wish,
                      ret_place);
}

static void of_several_addresses_one_is_chosen(void **state)
{
    static const struct {
        const char *urls, *wished;
        const char *url;   /* that it begins with; NULL: none is chosen */
        const char *fault; /* of the message then */
    } cases[] = {
        {"\"" EU "\"", NULL, EU "?", NULL},
        {"\"" EU "\",\"" US "\"", NULL, US "?", NULL},
        {"\"" EU "\",\"" US "\"", EU, EU "?", NULL},
        {"\"" US "\",\"" US "\"", NULL, US "?", NULL},
        {"\"" TENANT "\",\"" EU "\"", NULL, EU "?", NULL},
        {"\"" US "\",\"" US_OLD "\"", US_OLD, US_OLD "?", NULL},
        {"\"" US "\",\"" US_OLD "\"", NULL, NULL, "declares several authorization URLs"},
        {"\"" US "\",\"" US_OLD "\"", NULL, NULL, US ", " US_OLD},
        {"\"" EU "\"", US, NULL, "does not declare this authorization URL. It declares: " EU},
        {"\"" TENANT "\"", NULL, NULL, "not of the kind"},
        {"", NULL, NULL, "not of the kind"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct consent_place place;
        bool chosen = place_of_registered(cases[i].urls, cases[i].wished, &place);
        assert_int_equal(chosen, cases[i].url != NULL);
        if (chosen)
            assert_true(str_starts(place.url, str_from(cases[i].url)));
        else if (!strstr(script.error.message, cases[i].fault))
            fail_msg("%s: %s", cases[i].urls, script.error.message);
    }
}

static void only_what_is_declared_can_be_chosen(void **state)
{
    const struct consent_wish wish = {.authorization_url = STR(EU), .redirect_uri = BACK};
    struct consent_place place;
    (void)state;
    assert_false(place_with(connector_by_type(STR("Zendesk")), "{\"instanceUrl\":\"acme\"}",
                            "{" CLIENT CODE "}", &wish, &place));
    assert_non_null(strstr(script.error.message, "has one authorization URL"));
}

/* Of many the first ones are named. */
static void a_long_list_is_cut(void **state)
{
    struct buf urls = buf_in(&script.arena, 64 * 1024);
    struct consent_place place;
    (void)state;
    for (int i = 0; i < 50; i++)
        buf_printf(&urls, "%s\"" US "/%d\"", i > 0 ? "," : "", i);
    assert_false(place_of_registered(urls.data, NULL, &place));
    assert_non_null(strstr(script.error.message, US "/0, " US "/1, "));
    assert_non_null(strstr(script.error.message, " more"));
}

/* --- the answer --- */

static void accounts_are_read_whole_or_not(void **state)
{
    (void)state;
    static const char *const pointers[] = {"/team_id", "/user/id"};
    static const struct connector_texts two = LIST(pointers), none = {0};
    struct value *json;
    assert_true(json_parse(STR("{\"team_id\":\"T1\",\"user\":{\"id\":7}}"), &script.arena, &json));
    assert_str(consent_account(&script.arena, json, &two), "T1/7");
    assert_null(consent_account(&script.arena, json, &none).data);
    assert_true(json_parse(STR("{\"team_id\":\"T1\"}"), &script.arena, &json));
    assert_null(consent_account(&script.arena, json, &two).data);
    assert_null(consent_account(&script.arena, NULL, &two).data);
}

static void the_same_account_has_the_same_id(void **state)
{
    (void)state;
    static const struct {
        const char *type, *one, *other;
        bool same;
    } cases[] = {
        {"Salesforce", "https://login.salesforce.com/id/00D1/0051",
         "https://acme.my.salesforce.com/id/00D1/0051", true},
        {"Pardot", "https://login.salesforce.com/id/00D1/0051",
         "https://acme.my.salesforce.com/id/00D1/0051", true},
        {"Salesforce", "https://login.salesforce.com/id/00D1/0051",
         "https://login.salesforce.com/id/00D1/0052", false},
        {"Salesforce", "https://login.salesforce.com/id/00D1/0051",
         "https://login.salesforce.com/id/00D2/0051", false},
        {"Salesforce", "https://login.salesforce.com/id/00D1/0051", "", false},
        {"Slack", "T1/7", "T1/7", true},
        {"Slack", "x/T1/7", "T1/7", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct connector *connector = connector_by_type(str_from(cases[i].type));
        assert_int_equal(consent_same_account(consent_auth(connector)->oauth2,
                                              str_from(cases[i].one), str_from(cases[i].other)),
                         cases[i].same);
    }
}

static void missing_scopes_are_listed(void **state)
{
    (void)state;
    static const struct {
        const char *wanted, *granted, *missing;
        bool has_refresh_token;
    } cases[] = {
        {"", "", "", false},
        {"a b", "b a c", "", false},
        {"a b c", "b", "a c", false},
        {"a,b", "b,a", "", false},
        {"a", "ab", "a", false},
        {"api refresh_token", "api", "", true},
        {"api refresh_token", "api", "refresh_token", false},
        {"openid offline_access", "openid", "", true},
        {" a  b ", "a b", "", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_str(consent_missing_scopes(&script.arena, str_from(cases[i].wanted),
                                          str_from(cases[i].granted), cases[i].has_refresh_token),
                   cases[i].missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_have_one_form),
        TEST(state_names_its_row),
        TEST(verifiers_are_those_of_pkce),
        TEST(forms_belong_to_a_link_and_a_browser),
        TEST(each_connector_has_its_address),
        TEST(the_address_is_the_vendors),
        TEST(of_several_addresses_one_is_chosen),
        TEST(only_what_is_declared_can_be_chosen),
        TEST(a_long_list_is_cut),
        TEST(accounts_are_read_whole_or_not),
        TEST(missing_scopes_are_listed),
        TEST(the_same_account_has_the_same_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
