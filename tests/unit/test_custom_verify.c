/* Verification by a registered connector: each call byte for byte, at the function and at the token
 * URL. */
#include "custom_fixture.h"
#include "function_script.h"

#include <string.h>

#define VALIDATE_SETTINGS(type)                                                                    \
    "{\"type\":\"ValidateConnectorRuntimeSettingsRequest\",\"scope\":\"CONNECTOR_PROFILE\","       \
    "\"connectorRuntimeSettings\":{" URL_SETTING "},\"authenticationType\":\"" type "\"}"
#define VALIDATE_CREDENTIALS(type)                                                                 \
    "{\"type\":\"ValidateCredentialsRequest\",\"credentials\":{\"secretArn\":\"" SCRIPT_SECRET_ARN \
    ":copy\",\"authenticationType\":\"" type "\"},\"connectorRuntimeSettings\":{" URL_SETTING "}}"
#define GOOD "{\"isSuccess\":true}"
#define ERROR(members) "{\"isSuccess\":false,\"errorDetails\":{" members "}}"
#define REFUSED ERROR("\"errorCode\":\"InvalidCredentials\",\"errorMessage\":\"expired\"")

static bool verify_as(const struct connector *connector, const char *properties,
                      const char *credentials, const struct function_step *calls, size_t call_count,
                      const struct scripted *steps, size_t count, const struct oauth_tokens *stored)
{
    struct function_script function = function_script_new(calls, call_count);
    script.functions = &function.runner;
    script.steps = steps;
    script.count = count;
    script.next = 0;
    bool accepted = script_verify_with(&script, connector, properties_of(properties),
                                       credentials_of(credentials), stored);
    assert_int_equal(function.next, function.count);
    return accepted;
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool verify_basic(const struct function_step *calls, size_t count)
{
    return verify_as(connector_of(usual), SETTINGS(URL_SETTING), BASIC, calls, count, NULL, 0,
                     NULL);
}

#define BASIC_SECRET "{\"username\":\"u\",\"password\":\"p4ss\"}"

static void settings_are_checked_before_credentials(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("BasicAuth"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("BasicAuth"), BASIC_SECRET, .answer = GOOD},
    };
    assert_true(verify_basic(calls, COUNT(calls)));
    assert_null(script.tokens.access_token.data);
}

static void refused_settings_name_the_settings(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("BasicAuth"), NULL,
         .answer = "{\"isSuccess\":false,\"errorDetails\":{\"errorCode\":\"InvalidArgument\","
                   "\"errorMessage\":\"bad\"},\"errorsByInputField\":{\"instanceUrl\":\"no "
                   "host\",\"x\":7}}"},
    };
    assert_false(verify_basic(calls, COUNT(calls)));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_SETTINGS, 0,
                   "instanceUrl: no host; x: refused");
}

static void a_refusal_is_told_without_secrets(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("BasicAuth"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("BasicAuth"), BASIC_SECRET,
         .answer = ERROR(
             "\"errorCode\":\"InvalidCredentials\",\"errorMessage\":\"p4ss is wrong for u\"")},
    };
    assert_false(verify_basic(calls, COUNT(calls)));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 0,
                   "InvalidCredentials: [removed] is wrong for u");
}

/* Each code's verdict, and what is repeated. */
static void a_busy_service_is_asked_again_within_the_deadline(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("BasicAuth"), NULL, .answer = "", .outcome = FUNCTION_THROTTLED,
         .retry_after_ms = 200},
        {VALIDATE_SETTINGS("BasicAuth"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("BasicAuth"), BASIC_SECRET,
         .answer = ERROR("\"errorCode\":\"RateLimitExceeded\",\"retryAfterSeconds\":2")},
        {VALIDATE_CREDENTIALS("BasicAuth"), BASIC_SECRET,
         .answer = ERROR("\"errorCode\":\"RateLimitExceeded\"")},
        {VALIDATE_CREDENTIALS("BasicAuth"), BASIC_SECRET, .answer = GOOD},
    };
    assert_true(verify_basic(calls, COUNT(calls)));
    assert_int_equal(script.pauses, 3);
    assert_int_equal(script.paused_ms, 200 + 2000 + 2000);
}

static void a_long_wait_ends_in_the_verdict(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("BasicAuth"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("BasicAuth"), BASIC_SECRET,
         .answer = ERROR("\"errorCode\":\"RateLimitExceeded\",\"retryAfterSeconds\":3600")},
    };
    assert_false(verify_basic(calls, COUNT(calls)));
    assert_verdict(&script, VERDICT_THROTTLED, STEP_API, 0, "RateLimitExceeded");
    assert_int_equal(script.verdict.retry_after_ms, 3600 * 1000);
}

static void a_failing_service_is_asked_twice(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("BasicAuth"), NULL,
         .answer = ERROR("\"errorCode\":\"ServiceUnavailable\"")},
        {VALIDATE_SETTINGS("BasicAuth"), NULL, .answer = ERROR("\"errorCode\":\"ServerError\"")},
    };
    assert_false(verify_basic(calls, COUNT(calls)));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_SETTINGS, 0, "ServerError");
    assert_int_equal(script.paused_ms, 500);
}

static void a_crash_is_not_repeated(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("BasicAuth"), NULL, .answer = "The process ended with exit status 1.",
         .outcome = FUNCTION_CRASHED},
    };
    assert_false(verify_basic(calls, COUNT(calls)));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_SETTINGS, 0,
                   "The process ended with exit status 1.");
}

static void a_secret_that_cannot_be_placed_ends_it(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("BasicAuth"), NULL, .answer = GOOD},
        {.unplaced = "No access to Secrets Manager.", .outcome = FUNCTION_DENIED},
    };
    assert_false(verify_basic(calls, COUNT(calls)));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0, "No access to Secrets Manager.");
}

static void without_a_runner_nothing_is_accepted(void **state)
{
    (void)state;
    assert_false(script_verify_with(&script, connector_of(usual),
                                    properties_of(SETTINGS(URL_SETTING)), credentials_of(BASIC),
                                    NULL));
    assert_int_equal(script.verdict.kind, VERDICT_MISCONFIGURED);
}

/* --- OAuth 2 --- */

#define APP_FORM "&client_id=cl1ent&client_secret=s3cret"
#define FORM(method, url)                                                                          \
    method " " url "\nAccept: application/json\nContent-Type: application/x-www-form-urlencoded\n"
#define TOKENS(access, more) "{\"access_token\":\"" access "\",\"token_type\":\"Bearer\"" more "}"
#define ACCESS_SECRET(access) "{\"accessToken\":\"" access "\"}"

static bool verify_oauth2(const char *configuration, const char *properties,
                          const char *credentials, const struct function_step *calls,
                          size_t call_count, const struct scripted *steps, size_t count)
{
    return verify_as(connector_of(configuration), properties, credentials, calls, call_count, steps,
                     count, NULL);
}

static void a_code_is_shown_once_after_the_settings_are_good(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("OAuth2"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("OAuth2"), "{\"accessToken\":\"t0k3n\",\"refreshToken\":\"r3fr3sh\"}",
         .answer = GOOD},
    };
    static const struct scripted steps[] = {
        {FORM("POST", TOKEN_URL) "\ngrant_type=authorization_code&code=c0de&redirect_uri="
                                 "https%3A%2F%2Fr.example%2Fcb&audience=a1" APP_FORM,
         200, .body = TOKENS("t0k3n", ",\"refresh_token\":\"r3fr3sh\"")},
    };
    assert_true(verify_oauth2(usual, AT(TOKEN_URL, "AUTHORIZATION_CODE", AUDIENCE),
                              OAUTH2(APP "," CODE), calls, COUNT(calls), steps, COUNT(steps)));
    assert_str(script.tokens.access_token, "t0k3n");
    assert_str(script.tokens.refresh_token, "r3fr3sh");
    assert_non_null(strstr(script_log(&script), "begin authorization_code " TOKEN_URL " c0de"));
    assert_non_null(strstr(script_log(&script), "end saved"));
}

static void a_code_is_not_shown_for_settings_that_are_refused(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("OAuth2"), NULL, .answer = ERROR("\"errorCode\":\"InvalidArgument\"")},
    };
    assert_false(verify_oauth2(usual, AT(TOKEN_URL, "AUTHORIZATION_CODE", AUDIENCE),
                               OAUTH2(APP "," CODE), calls, COUNT(calls), NULL, 0));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_SETTINGS, 0, "InvalidArgument");
}

static void a_client_sends_the_declared_scopes(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("OAuth2"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("OAuth2"), ACCESS_SECRET("t0k3n"), .answer = GOOD},
    };
    static const struct scripted steps[] = {
        {FORM("POST",
              TOKEN_URL) "\ngrant_type=client_credentials&scope=read%20write&audience=a1" APP_FORM,
         200, .body = TOKENS("t0k3n", "")},
    };
    assert_true(verify_oauth2(usual, AT(TOKEN_URL, "CLIENT_CREDENTIALS", AUDIENCE), OAUTH2(APP),
                              calls, COUNT(calls), steps, COUNT(steps)));
}

static void a_refused_token_is_renewed_and_shown_again(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("OAuth2"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("OAuth2"), "{\"accessToken\":\"st4le\",\"refreshToken\":\"r3fr3sh\"}",
         .answer = REFUSED},
        {VALIDATE_CREDENTIALS("OAuth2"), "{\"accessToken\":\"fr3sh\",\"refreshToken\":\"r0tated\"}",
         .answer = GOOD},
    };
    static const struct scripted steps[] = {
        {FORM("POST",
              TOKEN_URL) "\ngrant_type=refresh_token&refresh_token=r3fr3sh&audience=a1" APP_FORM,
         200, .body = TOKENS("fr3sh", ",\"refresh_token\":\"r0tated\"")},
    };
    assert_true(verify_oauth2(usual, AT(TOKEN_URL, "AUTHORIZATION_CODE", AUDIENCE),
                              OAUTH2(APP ",\"accessToken\":\"st4le\",\"refreshToken\":\"r3fr3sh\""),
                              calls, COUNT(calls), steps, COUNT(steps)));
    assert_str(script.tokens.access_token, "fr3sh");
    assert_str(script.tokens.refresh_token, "r0tated");
}

static void a_token_that_nothing_can_renew_is_rejected(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("OAuth2"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("OAuth2"), ACCESS_SECRET("st4le"), .answer = REFUSED},
    };
    assert_false(verify_oauth2(usual, AT(TOKEN_URL, "AUTHORIZATION_CODE", AUDIENCE),
                               OAUTH2(APP ",\"accessToken\":\"st4le\""), calls, COUNT(calls), NULL,
                               0));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 0, "InvalidCredentials: expired");
}

#define DECLARED(style)                                                                            \
    "{\"authenticationConfig\":{\"isOAuth2Supported\":true,\"oAuth2Defaults\":{\"tokenURL\":"      \
    "[\"" TOKEN_URL "\"]," style "}}}"

static void the_declaration_decides_how_tokens_are_asked_for(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("OAuth2"), NULL, .answer = GOOD},
        {VALIDATE_CREDENTIALS("OAuth2"), ACCESS_SECRET("t0k3n"), .answer = GOOD},
    };
    static const struct {
        const char *configuration;
        struct scripted step;
    } rows[] = {
        {DECLARED("\"oAuth2ContentType\":\"APPLICATION_JSON\""),
         {"POST " TOKEN_URL "\nAccept: application/json\nContent-Type: application/json\n\n"
          "{\"grant_type\":\"client_credentials\",\"client_id\":\"cl1ent\",\"client_secret\":"
          "\"s3cret\"}",
          200, .body = TOKENS("t0k3n", "")}},
        {DECLARED("\"oAuth2MethodType\":\"HTTP_GET\",\"oAuth2ContentType\":\"APPLICATION_JSON\""),
         {"GET " TOKEN_URL "?grant_type=client_credentials" APP_FORM
          "\nAccept: application/json\n\n",
          200, .body = TOKENS("t0k3n", "")}},
        {DECLARED("\"addBasicAuthHeader\":true"),
         {FORM("POST", TOKEN_URL) "Authorization: Basic Y2wxZW50OnMzY3JldA==\n\n"
                                  "grant_type=client_credentials",
          200, .body = TOKENS("t0k3n", "")}},
        {DECLARED("\"addBasicAuthHeader\":true,\"oAuth2MethodType\":\"HTTP_GET\""),
         {"GET " TOKEN_URL "?grant_type=client_credentials\nAccept: application/json\n"
          "Authorization: Basic Y2wxZW50OnMzY3JldA==\n\n",
          200, .body = TOKENS("t0k3n", "")}},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_true(verify_oauth2(rows[i].configuration, AT(TOKEN_URL, "CLIENT_CREDENTIALS", ""),
                                  OAUTH2(APP), calls, COUNT(calls), &rows[i].step, 1));
}

/* A token URL that repeats the query which it was asked with. */
static void the_query_of_a_token_request_is_not_told(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {VALIDATE_SETTINGS("OAuth2"), NULL, .answer = GOOD}};
    static const struct scripted steps[] = {
        {NULL, 400,
         .body = "{\"error\":\"invalid_client\",\"error_description\":\"bad "
                 "grant_type=client_credentials&client_id=cl1ent&client_secret=s3cret\"}"},
    };
    assert_false(verify_oauth2(DECLARED("\"oAuth2MethodType\":\"HTTP_GET\""),
                               AT(TOKEN_URL, "CLIENT_CREDENTIALS", ""), OAUTH2(APP), calls,
                               COUNT(calls), steps, COUNT(steps)));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 400, "bad [removed]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settings_are_checked_before_credentials),
        TEST(refused_settings_name_the_settings),
        TEST(a_refusal_is_told_without_secrets),
        TEST(a_busy_service_is_asked_again_within_the_deadline),
        TEST(a_long_wait_ends_in_the_verdict),
        TEST(a_failing_service_is_asked_twice),
        TEST(a_crash_is_not_repeated),
        TEST(a_secret_that_cannot_be_placed_ends_it),
        TEST(without_a_runner_nothing_is_accepted),
        TEST(a_code_is_shown_once_after_the_settings_are_good),
        TEST(a_code_is_not_shown_for_settings_that_are_refused),
        TEST(a_client_sends_the_declared_scopes),
        TEST(a_refused_token_is_renewed_and_shown_again),
        TEST(a_token_that_nothing_can_renew_is_rejected),
        TEST(the_declaration_decides_how_tokens_are_asked_for),
        TEST(the_query_of_a_token_request_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
