/* Salesforce, call by call: tokens, code, refresh, assertion; what each answer means. */
#include "connector_script.h"
#include "wire/errors.h"

#include <stdio.h>
#include <string.h>

#define HOST "https://acme.my.salesforce.com"
#define PROPERTIES "{\"instanceUrl\":\"" HOST "\"}"
#define PROBE(host, token)                                                                         \
    "GET " host "/services/data/v58.0/\nAccept: application/json\n"                                \
    "Authorization: Bearer " token "\n\n"
#define USERINFO(host, token)                                                                      \
    "GET " host "/services/oauth2/userinfo\nAccept: application/json\n"                            \
    "Authorization: Bearer " token "\n\n"
#define TOKEN(host, body)                                                                          \
    "POST " host "/services/oauth2/token\nAccept: application/json\n"                              \
    "Content-Type: application/x-www-form-urlencoded\n\n" body
#define RESOURCES "{\"sobjects\":\"/services/data/v58.0/sobjects\"}"
#define EXPIRED                                                                                    \
    "[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]"
#define REFRESH(token)                                                                             \
    "grant_type=refresh_token&refresh_token=" token "&client_id=app-id&client_secret=app-secret"
#define CODE                                                                                       \
    "grant_type=authorization_code&code=c0de%3D%3D&redirect_uri=https%3A%2F%2Fr.example%2Fcb"      \
    "&client_id=app-id&client_secret=app-secret"
#define CODE_GIVEN                                                                                 \
    "{\"oAuthRequest\":{\"authCode\":\"c0de==\",\"redirectUri\":\"https://r.example/cb\"}}"

static struct script script;

static bool run(const struct scripted *steps, size_t count, const char *properties,
                const char *credentials, const struct oauth_tokens *stored)
{
    script.steps = steps;
    script.count = count;
    return script_verify(&script, "Salesforce", properties, credentials, stored);
}

#define RUN(steps, ...) run(steps, sizeof(steps) / sizeof((steps)[0]), __VA_ARGS__)

static void a_ready_token_is_shown_to_the_data_api(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{PROBE(HOST, "t0ken!x"), 200, .body = RESOURCES}};
    assert_true(RUN(steps, "{\"instanceUrl\":\"acme.my.SALESFORCE.com/\"}",
                    "{\"accessToken\":\"t0ken!x\"}", NULL));
    assert_verdict(&script, VERDICT_ACCEPTED, STEP_API, 200, NULL);
    assert_null(script.tokens.access_token.data); /* nothing to store beside the credentials */
    assert_string_equal(script_log(&script), "");
}

static void without_an_instance_the_login_host_knows_whose_token_it_is(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {USERINFO("https://login.salesforce.com", "t0ken"), 200, .body = "{\"user_id\":\"005\"}"}};
    assert_true(RUN(steps, "{}", "{\"accessToken\":\"t0ken\"}", NULL));
    static const struct scripted sandbox[] = {
        {USERINFO("https://test.salesforce.com", "t0ken"), 403, .body = "Bad_OAuth_Token"}};
    script.next = 0;
    assert_false(
        RUN(sandbox, "{\"isSandboxEnvironment\":true}", "{\"accessToken\":\"t0ken\"}", NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 403, "Bad_OAuth_Token");
}

static void a_stale_token_is_renewed(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {PROBE(HOST, "dummyAccessToken"), 401, .body = EXPIRED},
        {TOKEN(HOST, REFRESH("r3fresh")), 200,
         .body = "{\"access_token\":\"new-token\",\"instance_url\":\"" HOST "\"}"},
        {PROBE(HOST, "new-token"), 200, .body = RESOURCES},
    };
    script.app_secret = "app-secret";
    assert_true(RUN(steps, PROPERTIES,
                    "{\"accessToken\":\"dummyAccessToken\",\"refreshToken\":\"r3fresh\"}", NULL));
    assert_str(script.tokens.access_token, "new-token");
    assert_str(script.tokens.refresh_token, "r3fresh"); /* not rotated: kept */
    assert_str(script.tokens.instance_url, HOST);
    assert_string_equal(script_log(&script),
                        "app Salesforce  \n"
                        "begin refresh_token " HOST "/services/oauth2/token r3fresh\n"
                        "save new-token r3fresh " HOST "\n"
                        "end saved  \n");
}

static void a_rotated_refresh_token_takes_the_place_of_the_old(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TOKEN(HOST, REFRESH("r3fresh")), 200,
         .body = "{\"access_token\":\"new-token\",\"refresh_token\":\"r0tated\"}"},
        {PROBE(HOST, "new-token"), 200, .body = RESOURCES},
    };
    script.app_secret = "app-secret";
    assert_true(RUN(steps, PROPERTIES, "{\"refreshToken\":\"r3fresh\"}", NULL));
    assert_str(script.tokens.refresh_token, "r0tated");
    assert_str(script.saved.refresh_token, "r0tated");
}

static void a_revoked_refresh_token_is_a_rejection(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {PROBE(HOST, "dummyAccessToken"), 401, .body = EXPIRED},
        {TOKEN(HOST, REFRESH("r3fresh")), 400,
         .body = "{\"error\":\"invalid_grant\",\"error_description\":"
                 "\"expired access/refresh token\"}"},
    };
    script.app_secret = "app-secret";
    assert_false(RUN(steps, PROPERTIES,
                     "{\"accessToken\":\"dummyAccessToken\",\"refreshToken\":\"r3fresh\"}", NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 400, "expired access/refresh token");
    assert_null(script.tokens.access_token.data);
    assert_null(strstr(script_log(&script), "save"));
    assert_non_null(strstr(script_log(&script), "end"));
}

static void without_an_app_the_rejection_of_the_token_stands(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {PROBE(HOST, "dummyAccessToken"), 401, .body = EXPIRED}};
    assert_false(RUN(steps, PROPERTIES,
                     "{\"accessToken\":\"dummyAccessToken\",\"refreshToken\":\"r3fresh\"}", NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 401, "Session expired or invalid");
    assert_str(script.verdict.hint,
               "Get a new access token, or provide a refresh token and an app that may use it. It "
               "cannot be renewed: No OAuth app is set up for Salesforce.");
}

static void a_code_without_an_app_is_a_misconfiguration(void **state)
{
    (void)state;
    assert_false(run(NULL, 0, PROPERTIES, CODE_GIVEN, NULL));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_APP, 0,
                   "No OAuth app is set up for Salesforce.");
    assert_null(strstr(script_log(&script), "begin"));
}

/* What a verdict says of who has to do something, and whether a private connection tries again. */
static void an_app_that_cannot_be_read_is_told_for_what_it_is(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum verdict_kind kind;
        bool passes;
    } cases[] = {
        {ERR_UNAVAILABLE, VERDICT_INTERNAL, true},
        {ERR_INTERNAL, VERDICT_INTERNAL, false},
        {ERR_THROTTLING, VERDICT_THROTTLED, false},
        {ERR_CONNECTOR_SERVER, VERDICT_UNREACHABLE, false},
        {ERR_ACCESS_DENIED, VERDICT_MISCONFIGURED, false},
        {ERR_NOT_FOUND, VERDICT_MISCONFIGURED, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        script.app_error = cases[i].error;
        assert_false(run(NULL, 0, PROPERTIES, CODE_GIVEN, NULL));
        assert_verdict(&script, cases[i].kind, STEP_APP, 0, "The app is away.");
        assert_int_equal(script.verdict.transient, cases[i].passes);
    }
}

/* It is renewed with another app or later; what the vendor said of the token stands meanwhile. */
static void a_rejected_token_whose_app_cannot_be_read(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {PROBE(HOST, "dummyAccessToken"), 401, .body = EXPIRED}};
    static const char both[] = "{\"accessToken\":\"dummyAccessToken\",\"refreshToken\":\"r\"}";
    script.app_error = ERR_THROTTLING;
    assert_false(RUN(steps, PROPERTIES, both, NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 401, "Session expired or invalid");
    assert_true(str_ends(script.verdict.hint, STR("It cannot be renewed: The app is away.")));
    script.app_error = ERR_UNAVAILABLE; /* the store: nothing is decided yet */
    script.next = 0;
    assert_false(RUN(steps, PROPERTIES, both, NULL));
    assert_verdict(&script, VERDICT_INTERNAL, STEP_APP, 0, "The app is away.");
    assert_true(script.verdict.transient);
}

static void a_code_is_exchanged_once_and_remembered(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TOKEN("https://login.salesforce.com", CODE), 200,
         .body = "{\"access_token\":\"new-token\",\"refresh_token\":\"r1\",\"instance_url\":"
                 "\"https://other.my.salesforce.com/\",\"issued_at\":\"1700000000000\"}"},
        {PROBE("https://other.my.salesforce.com", "new-token"), 200, .body = RESOURCES},
    };
    script.app_secret = "app-secret";
    assert_true(RUN(steps, "{\"isSandboxEnvironment\":false}", CODE_GIVEN, NULL));
    assert_str(script.tokens.access_token, "new-token");
    assert_int_equal(script.tokens.expires_at_ms, 0); /* the vendor never says */
    assert_string_equal(
        script_log(&script),
        "app Salesforce  \n"
        "begin authorization_code https://login.salesforce.com/services/oauth2/token c0de==\n"
        "save new-token r1 https://other.my.salesforce.com/\n"
        "end saved  \n");
}

static void an_own_app_is_not_replaced_by_the_operators(void **state)
{
    (void)state;
    script.app_secret = "app-secret"; /* but there is no access to Secrets Manager */
    assert_false(run(NULL, 0, "{}",
                     "{\"refreshToken\":\"r3fresh\",\"clientCredentialsArn\":"
                     "\"arn:aws:secretsmanager:us-east-1:123456789012:secret:app\"}",
                     NULL));
    assert_int_equal(script.verdict.kind, VERDICT_MISCONFIGURED);
    assert_int_equal(script.verdict.step, STEP_APP);
    assert_true(str_starts(script.verdict.message, STR("clientCredentialsArn cannot be read")));
    assert_string_equal(script_log(&script), "");
}

static void an_earlier_exchange_of_the_code_is_taken_up(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {PROBE("https://na1.salesforce.com", "earlier"), 200, .body = RESOURCES}};
    static const enum grant_journal_state states[] = {GRANT_JOURNAL_RESUME};
    script.app_secret = "app-secret";
    script.states = states;
    script.resumed = (struct oauth_tokens){.access_token = STR("earlier"),
                                           .instance_url = STR("https://na1.salesforce.com")};
    assert_true(RUN(steps, PROPERTIES, CODE_GIVEN, NULL));
    assert_str(script.tokens.access_token, "earlier");
    assert_null(strstr(script_log(&script), "save"));
}

static void a_used_code_is_not_sent(void **state)
{
    (void)state;
    static const enum grant_journal_state states[] = {GRANT_JOURNAL_USED};
    script.app_secret = "app-secret";
    script.states = states;
    assert_false(run(NULL, 0, PROPERTIES, CODE_GIVEN, NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 0, NULL);
}

static void an_assertion_needs_no_app(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TOKEN(HOST, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
                     "aGVh.cGF5.c2ln"),
         200, .body = "{\"access_token\":\"new-token\",\"token_type\":\"Bearer\"}"},
        {PROBE(HOST, "new-token"), 200, .body = RESOURCES},
    };
    assert_true(RUN(steps, PROPERTIES,
                    "{\"oAuth2GrantType\":\"JWT_BEARER\",\"jwtToken\":\"aGVh.cGF5.c2ln\"}", NULL));
    assert_null(script.tokens.refresh_token.data);
    assert_string_equal(script_log(&script),
                        "begin urn:ietf:params:oauth:grant-type:jwt-bearer " HOST
                        "/services/oauth2/token aGVh.cGF5.c2ln\n"
                        "save new-token  \n"
                        "end saved  \n");
}

static void stored_tokens_come_before_the_credentials(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {PROBE("https://na1.salesforce.com", "stored"), 200, .body = RESOURCES}};
    struct oauth_tokens stored = {.access_token = STR("stored"),
                                  .refresh_token = STR("r2"),
                                  .instance_url = STR("https://na1.salesforce.com")};
    assert_true(RUN(steps, PROPERTIES, CODE_GIVEN, &stored));
    assert_str(script.tokens.access_token, "stored");
    assert_str(script.tokens.refresh_token, "r2");
    assert_string_equal(script_log(&script), "");
}

static void the_app_is_not_shown_to_hosts_outside_the_vendors(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TOKEN("https://login.salesforce.com", CODE), 200,
         .body = "{\"access_token\":\"new-token\",\"instance_url\":\"https://evil.example\"}"},
        {PROBE("https://salesforce.com.evil.example", "new-token"), 404, .body = ""},
    };
    script.app_secret = "app-secret";
    assert_false(
        RUN(steps, "{\"instanceUrl\":\"https://salesforce.com.evil.example\"}", CODE_GIVEN, NULL));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 404, NULL);
    assert_str(
        script.verdict.hint,
        "Check that instanceUrl is the organization's My Domain host. The token endpoint named an "
        "instance_url outside of the vendor's domains; nothing was sent there.");
    assert_null(script.saved.instance_url.data);
}

static void an_instance_must_be_https_unless_configured_so(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TOKEN("http://127.0.0.1:9000", CODE), 200,
         .body = "{\"access_token\":\"t1\",\"instance_url\":\"http://acme.my.salesforce.com\"}"},
        {PROBE("http://127.0.0.1:9000", "t1"), 200, .body = RESOURCES},
    };
    script.app_secret = "app-secret";
    script.endpoint = "http://127.0.0.1:9000/";
    assert_true(RUN(steps, "{\"instanceUrl\":\"http://127.0.0.1:9000\"}", CODE_GIVEN, NULL));
    assert_null(script.tokens.instance_url.data);
    static const struct scripted same[] = {
        {TOKEN("http://127.0.0.1:9000", CODE), 200,
         .body = "{\"access_token\":\"t2\",\"instance_url\":\"http://127.0.0.1:9000/\"}"},
        {PROBE("http://127.0.0.1:9000", "t2"), 200, .body = RESOURCES},
    };
    script.next = 0;
    assert_true(RUN(same, "{}", CODE_GIVEN, NULL));
    assert_str(script.tokens.instance_url, "http://127.0.0.1:9000/");
}

static const struct {
    int status;
    const char *body;
    enum verdict_kind kind;
    const char *words;
} api_answers[] = {
    {401,
     "[{\"message\":\"This session is not valid for use with the REST API\",\"errorCode\":"
     "\"INVALID_SESSION_ID\"}]",
     VERDICT_REJECTED, "This session is not valid for use with the REST API"},
    {403,
     "[{\"message\":\"TotalRequests Limit exceeded.\",\"errorCode\":"
     "\"REQUEST_LIMIT_EXCEEDED\"}]",
     VERDICT_THROTTLED, "TotalRequests Limit exceeded."},
    {403,
     "[{\"message\":\"The REST API is not enabled for this Organization.\",\"errorCode\":"
     "\"API_DISABLED_FOR_ORG\"}]",
     VERDICT_FORBIDDEN, "The REST API is not enabled for this Organization."},
    {403, "[{\"message\":\"insufficient access\",\"errorCode\":\"INSUFFICIENT_ACCESS\"}]",
     VERDICT_FORBIDDEN, "insufficient access"},
    {404, "[{\"message\":\"The requested resource does not exist\",\"errorCode\":\"NOT_FOUND\"}]",
     VERDICT_MISCONFIGURED, "The requested resource does not exist"},
    {302, "", VERDICT_MISCONFIGURED, NULL},
    {200, "<!DOCTYPE html><html>log in</html>", VERDICT_MISCONFIGURED, NULL},
    {200, "{\"sobj", VERDICT_UNREACHABLE, NULL},
    {200, "{}", VERDICT_UNREACHABLE, NULL},
};

static void each_answer_of_the_api_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(api_answers) / sizeof(*api_answers); i++) {
        struct scripted step = {PROBE(HOST, "t0ken"), api_answers[i].status,
                                .body = api_answers[i].body};
        script = (struct script){.app_secret = "app-secret"};
        assert_false(run(&step, 1, PROPERTIES,
                         "{\"accessToken\":\"t0ken\",\"refreshToken\":\"r3fresh\"}", NULL));
        assert_verdict(&script, api_answers[i].kind, STEP_API, api_answers[i].status,
                       api_answers[i].words);
        script_done(&script);
    }
}

static const struct {
    int status;
    const char *error, *description;
    enum verdict_kind kind;
} token_answers[] = {
    {400, "invalid_grant", "expired authorization code", VERDICT_REJECTED},
    {400, "invalid_grant", "authentication failure", VERDICT_REJECTED},
    {400, "invalid_grant", "request not supported on this domain", VERDICT_MISCONFIGURED},
    {400, "invalid_grant", "login rate exceeded", VERDICT_THROTTLED},
    {400, "invalid_client_id", "client identifier invalid", VERDICT_REJECTED},
    {400, "invalid_client", "invalid client credentials", VERDICT_REJECTED},
    {400, "redirect_uri_mismatch", "redirect_uri must match configuration", VERDICT_REJECTED},
    {400, "inactive_user", "user is inactive", VERDICT_REJECTED},
    {400, "inactive_org", "organization is inactive", VERDICT_REJECTED},
    {400, "unsupported_grant_type", "grant type not supported", VERDICT_MISCONFIGURED},
    {400, "invalid_request", "missing required parameter", VERDICT_MISCONFIGURED},
    {400, "unknown_error", "retry your request", VERDICT_UNREACHABLE},
    {500, "server_error", "oops", VERDICT_UNREACHABLE},
    {200, "invalid_grant", "as some do", VERDICT_REJECTED},
};

static void each_answer_of_the_token_endpoint_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(token_answers) / sizeof(*token_answers); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"error\":\"%s\",\"error_description\":\"%s\"}",
                 token_answers[i].error, token_answers[i].description);
        struct scripted step = {TOKEN(HOST, CODE), token_answers[i].status, .body = body};
        script = (struct script){.app_secret = "app-secret"};
        assert_false(run(&step, 1, PROPERTIES, CODE_GIVEN, NULL));
        assert_verdict(&script, token_answers[i].kind, STEP_TOKEN, token_answers[i].status,
                       token_answers[i].description);
        assert_null(strstr(script_log(&script), "save"));
        script_done(&script);
    }
}

static const struct {
    const char *properties, *credentials, *message;
} refused[] = {
    {"{}", "{}", "Validation exception: AuthCode cannot be blank for connector: SALESFORCE"},
    {"{}", "{\"oAuthRequest\":{\"redirectUri\":\"https://r.example\"}}",
     "Validation exception: AuthCode cannot be blank for connector: SALESFORCE"},
    {"{}",
     "{\"oAuth2GrantType\":\"CLIENT_CREDENTIALS\",\"clientCredentialsArn\":"
     "\"arn:aws:secretsmanager:us-east-1:123456789012:secret:app\"}",
     "Validation exception: AuthCode cannot be blank for connector: SALESFORCE"},
    {"{}", "{\"oAuth2GrantType\":\"AUTHORIZATION_CODE\",\"jwtToken\":\"a.b.c\"}",
     "Validation exception: AuthCode cannot be blank for connector: SALESFORCE"},
    {"{}", "{\"oAuth2GrantType\":\"JWT_BEARER\"}",
     "Validation exception: JwtToken cannot be blank for connector: SALESFORCE"},
    {"{\"instanceUrl\":\"https://acme--qa.sandbox.lightning.force.com\"}",
     "{\"refreshToken\":\"r\"}",
     "Validation exception: instanceUrl names the host of the web pages, "
     "acme--qa.sandbox.lightning.force.com. Use the API's host: "
     "https://acme--qa.sandbox.my.salesforce.com"},
    {"{\"instanceUrl\":\"acme.lightning.force.com\"}", "{\"accessToken\":\"t\"}",
     "Validation exception: instanceUrl names the host of the web pages, acme.lightning.force.com. "
     "Use the API's host: https://acme.my.salesforce.com"},
    {"{}", "{\"oAuthRequest\":{\"authCode\":\"c0de\"}}",
     "Validation exception: RedirectUri cannot be blank for connector: SALESFORCE"},
    {"{}", "{\"accessToken\":\"a\\u0001b\"}",
     "Validation exception: the credentials must not contain control characters"},
    {"{\"instanceUrl\":\"https://a@b.salesforce.com\"}", "{\"accessToken\":\"t\"}",
     "Validation exception: instanceUrl must not hold a user name or password."},
    {"{\"instanceUrl\":\"ftp://b.salesforce.com\"}", NULL,
     "Validation exception: instanceUrl must begin with https:// or http://."},
};

static void what_cannot_work_is_refused_before_any_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        script.error = (struct error){0};
        assert_false(
            script_check(&script, "Salesforce", refused[i].properties, refused[i].credentials));
        assert_int_equal(script.error.code, ERR_VALIDATION);
        assert_string_equal(script.error.message, refused[i].message);
    }
    assert_true(script_check(&script, "Salesforce", "{}", NULL));
    assert_true(script_check(&script, "Salesforce", "{}", "{\"jwtToken\":\"a.b.c\"}"));
    assert_true(script_check(&script, "Salesforce", "{}", "{\"refreshToken\":\"r\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ready_token_is_shown_to_the_data_api),
        TEST(without_an_instance_the_login_host_knows_whose_token_it_is),
        TEST(a_stale_token_is_renewed),
        TEST(a_rotated_refresh_token_takes_the_place_of_the_old),
        TEST(a_revoked_refresh_token_is_a_rejection),
        TEST(without_an_app_the_rejection_of_the_token_stands),
        TEST(a_code_without_an_app_is_a_misconfiguration),
        TEST(an_app_that_cannot_be_read_is_told_for_what_it_is),
        TEST(a_rejected_token_whose_app_cannot_be_read),
        TEST(a_code_is_exchanged_once_and_remembered),
        TEST(an_own_app_is_not_replaced_by_the_operators),
        TEST(an_earlier_exchange_of_the_code_is_taken_up),
        TEST(a_used_code_is_not_sent),
        TEST(an_assertion_needs_no_app),
        TEST(stored_tokens_come_before_the_credentials),
        TEST(the_app_is_not_shown_to_hosts_outside_the_vendors),
        TEST(an_instance_must_be_https_unless_configured_so),
        TEST(each_answer_of_the_api_has_its_meaning),
        TEST(each_answer_of_the_token_endpoint_has_its_meaning),
        TEST(what_cannot_work_is_refused_before_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
