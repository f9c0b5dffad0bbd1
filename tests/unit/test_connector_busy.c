/* A vendor that is busy with the same credential: the request is repeated within the time limit,
 * and nothing is concluded about the credential. */
#include "connector_script.h"

#define HOST "https://acme.my.salesforce.com"
#define PROPERTIES "{\"instanceUrl\":\"" HOST "\"}"
#define TOKEN(body)                                                                                \
    "POST " HOST "/services/oauth2/token\nAccept: application/json\n"                              \
    "Content-Type: application/x-www-form-urlencoded\n\n" body                                     \
    "&client_id=app-id&client_secret=app-secret"
#define REFRESH TOKEN("grant_type=refresh_token&refresh_token=r3fresh")
#define CODE                                                                                       \
    TOKEN("grant_type=authorization_code&code=c0de&redirect_uri=https%3A%2F%2Fr.example%2Fcb")
#define REFRESH_GIVEN "{\"refreshToken\":\"r3fresh\"}"
#define CODE_GIVEN                                                                                 \
    "{\"oAuthRequest\":{\"authCode\":\"c0de\",\"redirectUri\":\"https://r.example/cb\"}}"
#define SAYS(words) "{\"error\":\"invalid_grant\",\"error_description\":\"" words "\"}"
#define BUSY SAYS("token request is already being processed")
#define BUSY_IN_2024 SAYS("expired authorization code")
#define PROBE                                                                                      \
    "GET " HOST "/services/data/v58.0/\nAccept: application/json\n"                                \
    "Authorization: Bearer new-token\n\n"
#define NEW "{\"access_token\":\"new-token\"}"
#define RESOURCES "{\"sobjects\":\"/services/data/v58.0/sobjects\"}"

static struct script script;

static bool run(const struct scripted *steps, size_t count, const char *type,
                const char *properties, const char *credentials)
{
    script.steps = steps;
    script.count = count;
    script.app_secret = "app-secret";
    return script_verify(&script, type, properties, credentials, NULL);
}

#define RUN(steps, ...) run(steps, sizeof(steps) / sizeof((steps)[0]), __VA_ARGS__)

static void a_busy_token_endpoint_is_asked_again(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {REFRESH, 400, .body = BUSY},
        {REFRESH, 400, .body = BUSY_IN_2024},
        {REFRESH, 200, .body = NEW},
        {PROBE, 200, .body = RESOURCES},
    };
    assert_true(RUN(steps, "Salesforce", PROPERTIES, REFRESH_GIVEN));
    assert_int_equal(script.pauses, 2);
    assert_int_equal(script.paused_ms, 1000 + 2000);
}

static void a_code_may_be_busy_too(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {CODE, 400, .body = BUSY},
        {CODE, 200, .body = NEW},
        {PROBE, 200, .body = RESOURCES},
    };
    assert_true(RUN(steps, "Salesforce", PROPERTIES, CODE_GIVEN));
    assert_string_equal(script_log(&script),
                        "app Salesforce  \n"
                        "begin authorization_code " HOST "/services/oauth2/token c0de\n"
                        "save new-token  \n"
                        "end saved  \n");
}

/* The vendor gave nothing for the code, so that the same request may be sent again. */
static void busy_to_the_end_is_transient(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{CODE, 400, .body = BUSY}};
    script.time_limit_ms = 900;
    assert_false(RUN(steps, "Salesforce", PROPERTIES, CODE_GIVEN));
    assert_verdict(&script, VERDICT_BUSY, STEP_TOKEN, 400,
                   "token request is already being processed");
    assert_true(script.verdict.transient);
    assert_str(script.verdict.hint, "Another request is using the same refresh token or code at "
                                    "this moment. Try again.");
    assert_string_equal(script_log(&script),
                        "app Salesforce  \n"
                        "begin authorization_code " HOST "/services/oauth2/token c0de\n"
                        "end void  \n");
}

static void pauses_grow_and_end(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {REFRESH, 400, .body = BUSY}, {REFRESH, 400, .body = BUSY}, {REFRESH, 400, .body = BUSY},
        {REFRESH, 400, .body = BUSY}, {REFRESH, 400, .body = BUSY}, {REFRESH, 400, .body = BUSY},
    };
    assert_false(RUN(steps, "Salesforce", PROPERTIES, REFRESH_GIVEN));
    assert_int_equal(script.verdict.kind, VERDICT_BUSY);
    assert_int_equal(script.paused_ms, 1000 + 2000 + 4000 + 4000 + 4000);
}

/* For a code the same words mean what they say. */
static void an_expired_code_is_not_shown_again(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{CODE, 400, .body = BUSY_IN_2024}};
    assert_false(RUN(steps, "Salesforce", PROPERTIES, CODE_GIVEN));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 400, "expired authorization code");
    assert_false(script.verdict.transient);
}

static void other_vendors_are_busy_too(void **state)
{
    (void)state;
    static const struct scripted pardot[] = {
        {NULL, 400, .body = BUSY},
        {NULL, 200, .body = NEW},
        {NULL, 200, .body = "{\"account\":{}}"},
    };
    assert_true(
        RUN(pardot, "Pardot", "{\"businessUnitId\":\"0Uv000000000001CAA\"}", REFRESH_GIVEN));
    static const struct scripted zendesk[] = {
        {NULL, 409, .body = "{\"error\":\"DatabaseConflict\"}"},
        {NULL, 200, .body = "{\"user\":{\"id\":1}}"},
    };
    script.next = 0;
    assert_true(RUN(zendesk, "Zendesk", "{\"instanceUrl\":\"acme\"}",
                    "{\"clientId\":\"c\",\"clientSecret\":\"s\",\"accessToken\":\"t0ken\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_busy_token_endpoint_is_asked_again), TEST(a_code_may_be_busy_too),
        TEST(busy_to_the_end_is_transient),         TEST(pauses_grow_and_end),
        TEST(an_expired_code_is_not_shown_again),   TEST(other_vendors_are_busy_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
