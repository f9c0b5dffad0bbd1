/* The strategies that connectors of the user's own need at their token URL, and a connector that
 * shares its owner's login: call by call. */
#include "connector_script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

#define RUN(steps, ...) run(steps, sizeof(steps) / sizeof((steps)[0]), __VA_ARGS__)

/* --- as a registered connector's own declaration would fill it --- */

static const struct connector_url token[] = {
    {.given = "oAuth2Properties.tokenUrl", .url = "{oAuth2Properties.tokenUrl}", .exact = true},
};
static const struct connector_url api[] = {{.url = "https://api.custom.example"}};
static const struct connector_call probes[] = {{.method = "GET", .path = "/me"}};

enum { PLAIN, AS_JSON, AS_BASIC, SCOPED };

#define OAUTH2(...)                                                                                \
    {                                                                                              \
        .members = "credentials.oauth2", .grant_type = "oAuth2Properties.oAuth2GrantType",         \
        .grants = GRANT_REFRESH | GRANT_CODE | GRANT_JWT_BEARER | GRANT_CLIENT_CREDENTIALS,        \
        .client = CLIENT_IN_CREDENTIALS, .token_urls = LIST(token),                                \
        .params = "oAuth2Properties.tokenUrlCustomProperties", __VA_ARGS__                         \
    }
static const char *const errors[] = {"/message", "/error"};
static const struct connector_oauth2 declared[] = {
    [PLAIN] = OAUTH2(.scope = NULL),
    [AS_JSON] = OAUTH2(.json = true),
    [AS_BASIC] = OAUTH2(.basic = true),
    [SCOPED] = OAUTH2(.scope = "read write"),
};

static bool run(const struct scripted *steps, size_t count, int style, const char *properties,
                const char *credentials, const struct oauth_tokens *stored)
{
    struct connector_auth auth = {.given = "credentials.oauth2", .oauth2 = &declared[style]};
    struct http_connector http = {
        .api = LIST(api),
        .auth = {&auth, 1},
        .probes = LIST(probes),
        .errors = LIST(errors),
    };
    struct connector connector = {
        .type = STR("CustomConnector"),
        .key = STR("CustomConnector"),
        .ops = &http_ops,
        .http = &http,
    };
    script.steps = steps;
    script.count = count;
    script.next = 0;
    return script_verify_with(
        &script, &connector, script_value(&script, "CustomConnectorProfileProperties", properties),
        script_value(&script, "CustomConnectorProfileCredentials", credentials), stored);
}

#define AT(url, grant, more)                                                                       \
    "{\"oAuth2Properties\":{\"tokenUrl\":\"" url "\",\"oAuth2GrantType\":\"" grant "\"" more "}}"
#define URL "https://login.custom.example/oauth/token"
#define OWN(members) "{\"authenticationType\":\"OAUTH2\",\"oauth2\":{" members "}}"
#define APP "\"clientId\":\"cl1ent\",\"clientSecret\":\"s3cret\""
#define CODE "\"oAuthRequest\":{\"authCode\":\"c0de\",\"redirectUri\":\"https://r.example/cb\"}"
#define APP_FORM "&client_id=cl1ent&client_secret=s3cret"
#define FORM_AT(url)                                                                               \
    "POST " url "\nAccept: application/json\nContent-Type: application/x-www-form-urlencoded\n"
#define TOKEN(name) "{\"access_token\":\"" name "\",\"token_type\":\"Bearer\"}"
#define ME(token)                                                                                  \
    {                                                                                              \
        "GET https://api.custom.example/me\nAccept: application/json\nAuthorization: "             \
        "Bearer " token "\n\n",                                                                    \
            200, .body = "{}"                                                                      \
    }

static void a_client_gets_a_token_with_its_scope_and_parameters(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM_AT(URL) "\ngrant_type=client_credentials&scope=read%20write&audience="
                      "https%3A%2F%2Fapi.example&resource=a%2Fb" APP_FORM,
         200, .body = TOKEN("new")},
        ME("new"),
    };
    assert_true(RUN(steps, SCOPED,
                    AT(URL, "CLIENT_CREDENTIALS",
                       ",\"tokenUrlCustomProperties\":{\"audience\":\"https://api.example\","
                       "\"resource\":\"a/b\"}"),
                    OWN(APP), NULL));
    assert_string_equal(script_log(&script), ""); /* nothing was used up */
}

static void a_client_can_show_itself_in_a_header(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM_AT(URL) "Authorization: Basic Y2wxZW50OnMzY3JldA==\n\n"
                      "grant_type=client_credentials",
         200, .body = TOKEN("new")},
        ME("new"),
    };
    assert_true(RUN(steps, AS_BASIC, AT(URL, "CLIENT_CREDENTIALS", ""), OWN(APP), NULL));
}

static void a_code_is_exchanged_once_and_remembered(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM_AT(URL) "\ngrant_type=authorization_code&code=c0de&redirect_uri="
                      "https%3A%2F%2Fr.example%2Fcb&account_id=7" APP_FORM,
         200, .body = "{\"access_token\":\"new\",\"refresh_token\":\"r1\",\"expires_in\":\"60\"}"},
        ME("new"),
    };
    assert_true(
        RUN(steps, PLAIN,
            AT(URL, "AUTHORIZATION_CODE", ",\"tokenUrlCustomProperties\":{\"account_id\":\"7\"}"),
            OWN(APP "," CODE), NULL));
    assert_string_equal(script_log(&script), "begin authorization_code " URL " c0de\n"
                                             "save new r1 \n"
                                             "end saved  \n");
    assert_true(script.tokens.expires_at_ms > 0);
}

static void a_request_can_be_json(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {"POST " URL "\nAccept: application/json\nContent-Type: application/json\n\n"
         "{\"grant_type\":\"authorization_code\",\"code\":\"c0de\",\"redirect_uri\":"
         "\"https://r.example/cb\",\"audience\":\"x\\\"y\",\"client_id\":\"cl1ent\","
         "\"client_secret\":\"s3cret\"}",
         200, .body = TOKEN("new")},
        ME("new"),
    };
    assert_true(RUN(
        steps, AS_JSON,
        AT(URL, "AUTHORIZATION_CODE", ",\"tokenUrlCustomProperties\":{\"audience\":\"x\\\"y\"}"),
        OWN(APP "," CODE), NULL));
}

static void a_stale_token_is_renewed_and_the_refresh_token_replaced(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {NULL, 401, .body = "{}"},
        {FORM_AT(URL) "\ngrant_type=refresh_token&refresh_token=r1&audience=a" APP_FORM, 200,
         .body = "{\"access_token\":\"new\",\"refresh_token\":\"r2\"}"},
        ME("new"),
    };
    assert_true(
        RUN(steps, PLAIN,
            AT(URL, "AUTHORIZATION_CODE", ",\"tokenUrlCustomProperties\":{\"audience\":\"a\"}"),
            OWN(APP ",\"accessToken\":\"dummyAccessToken\",\"refreshToken\":\"r1\""), NULL));
    assert_str(script.tokens.refresh_token, "r2");
}

/* Who is a client with a refresh token of an earlier answer goes on as a client. */
static void a_refused_refresh_ends_in_a_new_start_as_client(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM_AT(URL) "\ngrant_type=refresh_token&refresh_token=r1" APP_FORM, 400,
         .body = "{\"error\":\"invalid_grant\"}"},
        {FORM_AT(URL) "\ngrant_type=client_credentials" APP_FORM, 200, .body = TOKEN("new")},
        ME("new"),
    };
    struct oauth_tokens stored = {
        .access_token = STR("old"), .refresh_token = STR("r1"), .expires_at_ms = 1};
    assert_true(RUN(steps, PLAIN, AT(URL, "CLIENT_CREDENTIALS", ""), OWN(APP), &stored));
}

static void an_assertion_comes_from_the_parameters(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {FORM_AT(URL) "\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
                      "&assertion=h.c.s&audience=a",
         200, .body = TOKEN("new")},
        ME("new"),
    };
    assert_true(RUN(steps, PLAIN,
                    AT(URL, "JWT_BEARER",
                       ",\"tokenUrlCustomProperties\":{\"assertion\":\"h.c.s\",\"audience\":"
                       "\"a\"}"),
                    OWN(APP), NULL));
}

static void fifty_parameters_fit(void **state)
{
    (void)state;
    static char more[128 * 1024];
    size_t len = (size_t)snprintf(more, sizeof(more),
                                  "{\"oAuth2Properties\":{\"tokenUrl\":\"" URL "\",\"oAuth2GrantTyp"
                                  "e\":\"CLIENT_CREDENTIALS\",\"tokenUrlCustomProperties\":{");
    for (int i = 0; i < 50; i++)
        len += (size_t)snprintf(more + len, sizeof(more) - len, "%s\"p%d\":\"%0900d\"",
                                i > 0 ? "," : "", i, i);
    snprintf(more + len, sizeof(more) - len, "}}}");
    static const struct scripted steps[] = {{NULL, 200, .body = TOKEN("new")}, ME("new")};
    assert_true(RUN(steps, AS_JSON, more, OWN(APP), NULL));
}

static void a_token_url_is_sent_as_given(void **state)
{
    (void)state;
    static const struct {
        const char *given, *sent;
    } urls[] = {
        {"https://Login.custom.example/o/token/", "https://login.custom.example/o/token/"},
        {"https://login.custom.example", "https://login.custom.example"},
        {"https://login.custom.example/t?grant=a&b=%20/", "https://login.custom.example/t?grant=a&"
                                                          "b=%20/"},
        {"https://login.custom.example/t/?v=1", "https://login.custom.example/t/?v=1"},
        {"http://127.0.0.1:9000/t", "http://127.0.0.1:9000/t"},
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        char properties[512], request[512];
        snprintf(properties, sizeof(properties),
                 "{\"oAuth2Properties\":{\"tokenUrl\":\"%s\",\"oAuth2GrantType\":"
                 "\"CLIENT_CREDENTIALS\"}}",
                 urls[i].given);
        snprintf(request, sizeof(request),
                 "POST %s\nAccept: application/json\nContent-Type: "
                 "application/x-www-form-urlencoded\n\ngrant_type=client_credentials" APP_FORM,
                 urls[i].sent);
        struct scripted steps[] = {{request, 200, .body = TOKEN("new")}, ME("new")};
        assert_true(RUN(steps, PLAIN, properties, OWN(APP), NULL));
    }
}

static const struct {
    int status;
    const char *body;
    enum verdict_kind kind;
    const char *words;
} refusals[] = {
    {401, "{\"error\":\"invalid_client\"}", VERDICT_REJECTED, "invalid_client"},
    {400, "{\"error\":\"unauthorized_client\"}", VERDICT_REJECTED, "unauthorized_client"},
    {400, "{\"error\":\"invalid_scope\",\"error_description\":\"no such scope\"}", VERDICT_REJECTED,
     "no such scope"},
    {400, "{\"error\":\"unsupported_grant_type\"}", VERDICT_MISCONFIGURED,
     "unsupported_grant_type"},
    {200, "{\"error\":\"bad_verification_code\"}", VERDICT_REJECTED, "bad_verification_code"},
    {200, "access_token=x&token_type=bearer", VERDICT_UNREACHABLE, NULL},
    {200, "{\"token_type\":\"Bearer\"}", VERDICT_UNREACHABLE, "The answer has no access_token."},
    {200, "<html>", VERDICT_MISCONFIGURED, NULL},
    {302, "", VERDICT_MISCONFIGURED, NULL},
};

static void each_refusal_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct scripted step = {NULL, refusals[i].status, .body = refusals[i].body};
        assert_false(run(&step, 1, PLAIN, AT(URL, "CLIENT_CREDENTIALS", ""), OWN(APP), NULL));
        assert_verdict(&script, refusals[i].kind, STEP_TOKEN, refusals[i].status,
                       refusals[i].words);
    }
}

/* What can go wrong at the token URL, for each grant and each way a client shows itself. */
static const struct failure {
    struct scripted step;
    enum verdict_kind kind;
    int calls, calls_as_client; /* client credentials use nothing up, so a fault is no end */
} failures[] = {
    {{NULL, 401, .body = "{\"error\":\"invalid_client\"}"}, VERDICT_REJECTED, 1, 1},
    {{NULL, 400, .body = "{\"error\":\"invalid_grant\"}"}, VERDICT_REJECTED, 1, 1},
    {{NULL, 403, .body = "{\"error\":\"access_denied\"}"}, VERDICT_REJECTED, 1, 1},
    {{NULL, 429, .headers = "Retry-After: 3600\n", .body = "{}"}, VERDICT_THROTTLED, 1, 1},
    {{NULL, 429, .body = "{}"}, VERDICT_THROTTLED, 3, 3},
    {{NULL, 503, .body = "<html>"}, VERDICT_UNREACHABLE, 1, 2},
    {{NULL, .outcome = CLIENT_BROKEN, .connected = true}, VERDICT_UNREACHABLE, 1, 1},
    {{NULL, .outcome = CLIENT_BROKEN, .connected = true, .reused = true},
     VERDICT_UNREACHABLE,
     1,
     2},
    {{NULL, .outcome = CLIENT_TIMEOUT, .connected = true}, VERDICT_UNREACHABLE, 1, 1},
    {{NULL, .outcome = CLIENT_TOO_LARGE, .connected = true}, VERDICT_UNREACHABLE, 1, 1},
    {{NULL, 200, .body = "{\"access_token\":\"cut"}, VERDICT_UNREACHABLE, 1, 1},
    {{NULL, 200, .body = "<!DOCTYPE html><html>"}, VERDICT_MISCONFIGURED, 1, 1},
    {{NULL, 302, .headers = "Location: https://elsewhere.example/\n"}, VERDICT_MISCONFIGURED, 1, 1},
};

static const struct {
    const char *properties, *credentials, *log;
    bool as_client;
} grants[] = {
    {AT(URL, "AUTHORIZATION_CODE", ""), OWN(APP "," CODE),
     "begin authorization_code " URL " c0de\nend ", false},
    {AT(URL, "AUTHORIZATION_CODE", ""), OWN(APP ",\"refreshToken\":\"r1\""),
     "begin refresh_token " URL " r1\nend ", false},
    {AT(URL, "JWT_BEARER", ",\"tokenUrlCustomProperties\":{\"assertion\":\"h.c.s\"}"), OWN(APP),
     "begin urn:ietf:params:oauth:grant-type:jwt-bearer " URL " h.c.s\nend ", false},
    {AT(URL, "CLIENT_CREDENTIALS", ""), OWN(APP), "", true},
};

static void end_in(const struct failure *failure, size_t grant, int style)
{
    struct scripted steps[3] = {failure->step, failure->step, failure->step};
    int calls = grants[grant].as_client ? failure->calls_as_client : failure->calls;
    assert_false(run(steps, (size_t)calls, style, grants[grant].properties,
                     grants[grant].credentials, NULL));
    assert_int_equal(script.next, calls);
    assert_int_equal(script.verdict.kind, failure->kind);
    assert_int_equal(script.verdict.step, STEP_TOKEN);
    assert_int_equal(script.verdict.status, failure->step.status);
    assert_true(failure->kind == VERDICT_REJECTED || script.verdict.hint.len > 0);
    assert_null(script.tokens.access_token.data);
    assert_true(str_starts(str_from(script_log(&script)), str_from(grants[grant].log)));
}

static void each_failure_ends_each_grant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        for (size_t grant = 0; grant < sizeof(grants) / sizeof(*grants); grant++) {
            for (int style = PLAIN; style <= AS_BASIC; style++) {
                script_done(&script);
                script = (struct script){0};
                end_in(&failures[i], grant, style);
            }
        }
    }
}

/* What a code brought is kept, though it may not do what it is for. */
static void a_good_token_without_a_permission_is_kept(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {NULL, 200, .body = TOKEN("new")},
        {NULL, 403, .body = "{\"message\":\"not yours\"}"},
    };
    assert_false(RUN(steps, PLAIN, AT(URL, "AUTHORIZATION_CODE", ""), OWN(APP "," CODE), NULL));
    assert_verdict(&script, VERDICT_FORBIDDEN, STEP_API, 403, "not yours");
    assert_string_equal(script_log(&script), "begin authorization_code " URL " c0de\n"
                                             "save new  \n"
                                             "end saved  \n");
}

static void a_token_that_is_over_or_revoked_is_rejected(void **state)
{
    (void)state;
    struct scripted step = {NULL, 401, .body = "{\"message\":\"expired\"}"};
    assert_false(run(&step, 1, PLAIN, AT(URL, "AUTHORIZATION_CODE", ""),
                     OWN(APP ",\"accessToken\":\"old\""), NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 401, "expired");
}

/* --- an API elsewhere than its login --- */

#define UNIT "0Uv5g0000008OIECA2"
#define PARDOT "{\"businessUnitId\":\"" UNIT "\"}"
#define ACCOUNT(host, token)                                                                       \
    "GET https://" host "/api/account/version/4/do/read?format=json\nAccept: application/json\n"   \
    "Authorization: Bearer " token "\nPardot-Business-Unit-Id: " UNIT "\n\n"
#define ACCOUNT_READ "{\"@attributes\":{\"stat\":\"ok\",\"version\":1},\"account\":{\"id\":1}}"

static bool pardot(const struct scripted *steps, size_t count, const char *properties,
                   const char *credentials)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    script.app_secret = "app-secret";
    return script_verify(&script, "Pardot", properties, credentials, NULL);
}
#define PARDOT_RUN(steps, ...) pardot(steps, sizeof(steps) / sizeof((steps)[0]), __VA_ARGS__)

static void pardot_calls_its_own_host_and_not_the_crms(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ACCOUNT("pi.demo.pardot.com", "old"), 200,
         .body = "{\"@attributes\":{\"stat\":\"fail\",\"version\":1,\"err_code\":184},\"err\":"
                 "\"access_token is invalid, unknown, or malformed\"}"},
        {FORM_AT(
             "https://test.salesforce.com/services/oauth2/token") "\ngrant_type=refresh_token&"
                                                                  "refresh_token=r1&client_id=app-"
                                                                  "id&client_secret=app-secret",
         200,
         .body = "{\"access_token\":\"new\",\"instance_url\":\"https://acme.my.salesforce.com\"}"},
        {ACCOUNT("pi.demo.pardot.com", "new"), 200, .body = ACCOUNT_READ},
    };
    assert_true(PARDOT_RUN(steps, "{\"businessUnitId\":\"" UNIT "\",\"isSandboxEnvironment\":true}",
                           "{\"accessToken\":\"old\",\"refreshToken\":\"r1\"}"));
    assert_null(script.tokens.instance_url.data);
    assert_false(script.verdict.hint.data);
}

static void pardot_an_instance_url_is_the_apis(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ACCOUNT("pi.example.com", "t0ken"), 200, .body = ACCOUNT_READ}};
    assert_true(PARDOT_RUN(steps,
                           "{\"instanceUrl\":\"PI.example.com/\",\"businessUnitId\":\"" UNIT "\"}",
                           "{\"accessToken\":\"t0ken\"}"));
}

static const struct {
    int code;
    int status;
    enum verdict_kind kind;
} codes[] = {
    {1, 200, VERDICT_REJECTED},         {15, 200, VERDICT_REJECTED},
    {184, 401, VERDICT_REJECTED},       {46, 200, VERDICT_FORBIDDEN},
    {49, 403, VERDICT_FORBIDDEN},       {53, 200, VERDICT_BLOCKED},
    {76, 200, VERDICT_FORBIDDEN},       {66, 200, VERDICT_THROTTLED},
    {122, 200, VERDICT_THROTTLED},      {181, 401, VERDICT_MISCONFIGURED},
    {182, 200, VERDICT_MISCONFIGURED},  {185, 403, VERDICT_MISCONFIGURED},
    {89, 200, VERDICT_MISCONFIGURED},   {201, 200, VERDICT_MISCONFIGURED},
    {9999, 200, VERDICT_MISCONFIGURED},
};

static void pardot_each_code_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        char body[128];
        snprintf(body, sizeof(body),
                 "{\"@attributes\":{\"stat\":\"fail\",\"version\":1,\"err_code\":%d},\"err\":"
                 "\"words\"}",
                 codes[i].code);
        struct scripted step = {ACCOUNT("pi.pardot.com", "t0ken"), codes[i].status, .body = body};
        assert_false(pardot(&step, 1, PARDOT, "{\"accessToken\":\"t0ken\"}"));
        assert_verdict(&script, codes[i].kind, STEP_API, codes[i].status, "words");
    }
}

static const struct refusal refused[] = {
    {"Pardot", "{}", "{\"accessToken\":\"t\"}",
     "Validation exception: BusinessUnitId cannot be blank for connector: PARDOT"},
    {"Pardot", "{\"businessUnitId\":\"0Uv-abc\"}", "{\"accessToken\":\"t\"}",
     "Validation exception: businessUnitId must be an id of 18 letters and digits that begins with "
     "0Uv"},
    {"Pardot", PARDOT, "{}",
     "Validation exception: AuthCode cannot be blank for connector: PARDOT"},
    {"CustomConnector", AT(URL "#a", "CLIENT_CREDENTIALS", ""), OWN(APP),
     "Validation exception: oAuth2Properties.tokenUrl must not hold a query or a fragment."},
    {"CustomConnector", AT("https://a@login.custom.example", "CLIENT_CREDENTIALS", ""), OWN(APP),
     "Validation exception: oAuth2Properties.tokenUrl must not hold a user name or password."},
    {"CustomConnector", AT(URL, "CLIENT_CREDENTIALS", ""), OWN("\"clientSecret\":\"s\""),
     "Validation exception: ClientId cannot be blank for connector: CUSTOMCONNECTOR"},
    {"CustomConnector",
     AT(URL, "AUTHORIZATION_CODE", ",\"tokenUrlCustomProperties\":{\"assertion\":\"a\"}"),
     OWN(APP ",\"accessToken\":\"t\""),
     "Validation exception: tokenUrlCustomProperties must not name assertion"},
};

static void what_cannot_work_is_refused_before_any_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_refused(&script, &refused[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_gets_a_token_with_its_scope_and_parameters),
        TEST(a_client_can_show_itself_in_a_header),
        TEST(a_code_is_exchanged_once_and_remembered),
        TEST(a_request_can_be_json),
        TEST(a_stale_token_is_renewed_and_the_refresh_token_replaced),
        TEST(a_refused_refresh_ends_in_a_new_start_as_client),
        TEST(an_assertion_comes_from_the_parameters),
        TEST(fifty_parameters_fit),
        TEST(a_token_url_is_sent_as_given),
        TEST(each_refusal_has_its_meaning),
        TEST(each_failure_ends_each_grant),
        TEST(a_good_token_without_a_permission_is_kept),
        TEST(a_token_that_is_over_or_revoked_is_rejected),
        TEST(pardot_calls_its_own_host_and_not_the_crms),
        TEST(pardot_an_instance_url_is_the_apis),
        TEST(pardot_each_code_has_its_meaning),
        TEST(what_cannot_work_is_refused_before_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
