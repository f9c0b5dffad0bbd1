/* Registered connectors: what their declaration refuses, and who receives credentials. */
#include "custom_fixture.h"

#include "connector/custom/declared.h"
#include "connector/custom/token_url.h"

#include <string.h>

/* --- the declaration --- */

static const struct {
    const char *properties, *credentials;
    const char *message; /* behind "Validation exception: "; NULL: it is accepted */
} checks[] = {
    {SETTINGS(URL_SETTING), BASIC, NULL},
    {SETTINGS(URL_SETTING ",\"tier\":\"large\",\"undeclared\":\"x\""), BASIC, NULL},
    {SETTINGS(URL_SETTING), NULL, NULL},
    {"{}", NULL, "connector Own needs instanceUrl in profileProperties"},
    {SETTINGS("\"tier\":\"large\""), BASIC, "connector Own needs instanceUrl in profileProperties"},
    {SETTINGS(URL_SETTING ",\"tier\":\"medium\""), BASIC,
     "tier in profileProperties must be one of those that connector Own supplies: small, large"},
    {SETTINGS(URL_SETTING ",\"batch\":\"7\""), BASIC,
     "batch is a setting of connector Own for flows (scope SOURCE_AND_DESTINATION): leave it out "
     "of profileProperties"},
    {SETTINGS(URL_SETTING), "{\"authenticationType\":\"APIKEY\",\"apiKey\":{\"apiKey\":\"k\"}}",
     "connector Own does not take authenticationType APIKEY, but BASIC, OAUTH2, CUSTOM"},
    {SETTINGS(URL_SETTING), "{\"authenticationType\":\"BASIC\",\"apiKey\":{\"apiKey\":\"k\"}}",
     "authenticationType BASIC needs the member basic in the credentials"},

    {SETTINGS(URL_SETTING), CUSTOM("Token", "\"token\":\"t\""), NULL},
    {SETTINGS(URL_SETTING), CUSTOM("Token", "\"token\":\"t\",\"kind\":\"k2\""), NULL},
    {SETTINGS(URL_SETTING), CUSTOM("Bare", "\"any\":\"t\""), NULL},
    {SETTINGS(URL_SETTING), CUSTOM("Token", "\"kind\":\"k2\""),
     "connector Own needs token in credentialsMap"},
    {SETTINGS(URL_SETTING), CUSTOM("Token", "\"token\":\"t\",\"kind\":\"k3\""),
     "kind in credentialsMap must be one of those that connector Own supplies: k1, k2"},
    {SETTINGS(URL_SETTING), CUSTOM("Other", "\"token\":\"t\""),
     "connector Own declares no customAuthenticationType Other"},

    {AT(TOKEN_URL, "CLIENT_CREDENTIALS", AUDIENCE), OAUTH2(APP), NULL},
    {AT("https://acme.custom.example/token", "AUTHORIZATION_CODE", AUDIENCE), OAUTH2(APP "," CODE),
     NULL},
    {AT("https://operator.example/token", "CLIENT_CREDENTIALS", AUDIENCE), OAUTH2(APP), NULL},
    {AT("https://evil.example/token", "CLIENT_CREDENTIALS", AUDIENCE), OAUTH2(APP),
     "oAuth2Properties.tokenUrl is none of the token URLs that connector Own declares: " TOKEN_URL
     ", https://{{tenant}}.custom.example/token. The operator of this server can allow further "
     "ones (--connector-token-url)."},
    {AT(TOKEN_URL, "JWT_BEARER", AUDIENCE ",\"assertion\":\"a.b.c\""), OAUTH2(APP),
     "connector Own does not take oAuth2GrantType JWT_BEARER, but CLIENT_CREDENTIALS, "
     "AUTHORIZATION_CODE"},
    {AT(TOKEN_URL, "CLIENT_CREDENTIALS", ""), OAUTH2(APP),
     "connector Own needs audience in tokenUrlCustomProperties"},
    {AT(TOKEN_URL, "CLIENT_CREDENTIALS", "\"audience\":\"a3\""), OAUTH2(APP),
     "audience in tokenUrlCustomProperties must be one of those that connector Own supplies: a1, "
     "a2"},
    {SETTINGS(URL_SETTING), OAUTH2(APP),
     "connector Own needs audience in tokenUrlCustomProperties"},
    {AT(TOKEN_URL, "AUTHORIZATION_CODE", AUDIENCE), OAUTH2(APP),
     "AuthCode cannot be blank for connector: CUSTOMCONNECTOR"},
};

static void the_declaration_decides_what_a_profile_may_have(void **state)
{
    (void)state;
    static const struct str allowed[] = {STR("https://operator.example/token")};
    const struct connector *connector = connector_of(usual);
    script.token_urls = allowed;
    script.token_url_count = 1;
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        script.error = (struct error){0};
        bool good = script_check_with(&script, connector, properties_of(checks[i].properties),
                                      credentials_of(checks[i].credentials));
        const char *message = checks[i].message ? checks[i].message : "";
        const char *found = strstr(script.error.message, ": ");
        assert_string_equal(found ? found + 2 : "", message);
        assert_int_equal(good, checks[i].message == NULL);
        assert_int_equal(script.error.code, good ? ERR_NONE : ERR_VALIDATION);
    }
}

static void a_declaration_without_anything_takes_nothing(void **state)
{
    (void)state;
    const struct connector *connector = connector_of("{\"isSuccess\":true}");
    assert_true(script_check_with(&script, connector, properties_of("{}"), NULL));
    assert_false(script_check_with(&script, connector, properties_of("{}"), credentials_of(BASIC)));
    assert_string_equal(script.error.message, "Validation exception: connector Own does not take "
                                              "authenticationType BASIC, but none");
}

/* What its author got past a registration must not be read as another kind of value. */
static void a_declaration_of_wrong_kinds_is_read_as_empty(void **state)
{
    (void)state;
    const struct connector *connector = connector_of(
        "{\"authenticationConfig\":{\"isOAuth2Supported\":true,\"oAuth2Defaults\":{\"tokenURL\":[1,"
        "{}],\"oAuthScopes\":[5,[]],\"oAuth2CustomProperties\":[\"x\"]}},"
        "\"connectorRuntimeSetting\":[7,{\"key\":4}]}");
    assert_false(script_check_with(&script, connector,
                                   properties_of(AT(TOKEN_URL, "CLIENT_CREDENTIALS", "")),
                                   credentials_of(OAUTH2(APP))));
    assert_non_null(strstr(script.error.message, "none of the token URLs"));
}

static void place_holders_end_at_what_follows_them(void **state)
{
    (void)state;
    static const struct {
        struct str declared, url;
        bool matches;
    } rows[] = {
        {STR("https://a.example/t"), STR("https://a.example/t"), true},
        {STR("https://a.example/t"), STR("https://a.example/t/"), false},
        {STR("https://a.example/t"), STR("https://a.example/T"), false},
        {STR("https://{{x}}.a.example/t"), STR("https://one.a.example/t"), true},
        {STR("https://{{x}}.a.example/t"), STR("https://o-n_e.b.a.example/t"), true},
        {STR("https://{{x}}.a.example/t"), STR("https://.a.example/t"), false},
        {STR("https://{{x}}.a.example/t"), STR("https://evil.example/.a.example/t"), false},
        {STR("https://{{x}}.a.example/t"), STR("https://evil.example?.a.example/t"), false},
        {STR("https://{{x}}.a.example/t"), STR("https://u@evil.example#.a.example/t"), false},
        {STR("https://{{x}}.a.example/t"), STR("https://evil.example:1.a.example/t"), false},
        {STR("https://a.example/{{x}}/{{y}}/t"), STR("https://a.example/1/2/t"), true},
        {STR("https://a.example/{{x}}/{{y}}/t"), STR("https://a.example/1/2/3/t"), false},
        {STR("https://a.example/{{x}}"), STR("https://a.example/"), false},
        {STR("https://a.example/{{x}}"), STR("https://a.example/z"), true},
        {STR("https://{{x}}{{y}}.a/t"), STR("https://ab.a/t"), true},
        {STR("https://{{x}}.x{{y}}.a/t"), STR("https://.x.x.xx.a/t"), true},
        {STR("https://a.example/{{x"), STR("https://a.example/z"), false},
        {STR("{{x}}"), STR("https://a.example"), false},
        {STR(""), STR("https://a.example"), false},
        {STR_NULL, STR("https://a.example"), false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(custom_token_url_matches(rows[i].declared, rows[i].url), rows[i].matches);
}

/* --- where credentials go --- */

static void the_function_and_the_token_url_are_the_recipients(void **state)
{
    (void)state;
    struct connector_env env = {0};
    struct target target, moved;
    const struct connector *connector = connector_of(usual);
    struct target_source source = {
        .connector = connector,
        .env = &env,
        .properties = properties_of(AT(TOKEN_URL, "CLIENT_CREDENTIALS", AUDIENCE)),
        .account = STR(SCRIPT_ACCOUNT),
    };
    target_resolve(&target, &source, &script.arena);
    assert_str(target_hosts(&target),
               "function:arn:aws:lambda:eu-west-3:123456789012:function:own\n"
               "https://login.custom.example");
    source.properties =
        properties_of(AT("https://acme.custom.example/token", "CLIENT_CREDENTIALS", AUDIENCE));
    target_resolve(&moved, &source, &script.arena);
    assert_true(target_same_recipients(&target, &target));
    assert_false(target_same_recipients(&target, &moved));
    source.properties = properties_of(SETTINGS(URL_SETTING));
    target_resolve(&target, &source, &script.arena);
    source.properties = properties_of(SETTINGS("\"instanceUrl\":\"https://y\""));
    target_resolve(&moved, &source, &script.arena);
    assert_false(target_same_recipients(&target, &moved)); /* the function goes where that says */
    ((struct custom_connector *)connector->custom)->function_arn = STR("arn:aws:lambda:other");
    target_resolve(&moved, &source, &script.arena);
    assert_false(target_same_recipients(&target, &moved));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_declaration_decides_what_a_profile_may_have),
        TEST(a_declaration_without_anything_takes_nothing),
        TEST(a_declaration_of_wrong_kinds_is_read_as_empty),
        TEST(place_holders_end_at_what_follows_them),
        TEST(the_function_and_the_token_url_are_the_recipients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
