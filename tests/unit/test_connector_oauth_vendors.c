/* The connectors whose tokens come in their own ways, call by call. */
#include "connector_script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

static bool run(const struct scripted *steps, size_t count, const char *type,
                const char *properties, const char *credentials, const struct oauth_tokens *stored)
{
    script.steps = steps;
    script.count = count;
    return script_verify(&script, type, properties, credentials, stored);
}

#define RUN(steps, ...) run(steps, sizeof(steps) / sizeof((steps)[0]), __VA_ARGS__)

#define APP "\"clientId\":\"cl1ent\",\"clientSecret\":\"s3cret\""
#define READY "{" APP ",\"accessToken\":\"t0ken\"}"
#define CODE "\"oAuthRequest\":{\"authCode\":\"c0de\",\"redirectUri\":\"https://r.example/cb\"}"
#define CODE_GIVEN "{" APP "," CODE "}"
#define CODE_FORM                                                                                  \
    "grant_type=authorization_code&code=c0de&redirect_uri=https%3A%2F%2Fr.example%2Fcb"
#define APP_FORM "&client_id=cl1ent&client_secret=s3cret"
#define BEARER(token) "Accept: application/json\nAuthorization: Bearer " token "\n\n"
#define FORM "Accept: application/json\nContent-Type: application/x-www-form-urlencoded\n\n"

/* --- who the user is at a workspace --- */

#define SLACK_AT(name) "{\"instanceUrl\":\"" name "\"}"
#define AUTH_TEST(token) "POST https://slack.com/api/auth.test\n" BEARER(token)
#define CHANNELS(token) "GET https://slack.com/api/conversations.list?limit=1\n" BEARER(token)
#define ACME "{\"ok\":true,\"url\":\"https://acme.slack.com/\",\"user_id\":\"U061F7AUR\"}"
#define SOME_CHANNELS "{\"ok\":true,\"channels\":[]}"
#define SLACK_TOKEN(form)                                                                          \
    "POST https://slack.com/api/oauth.v2.access\nAccept: application/json\nContent-Type: "         \
    "application/x-www-form-urlencoded\nAuthorization: Basic Y2wxZW50OnMzY3JldA==\n\n" form

static void slack_takes_every_spelling_of_the_workspace(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {AUTH_TEST("t0ken"), 200, .body = ACME},
        {CHANNELS("t0ken"), 200, .body = SOME_CHANNELS},
    };
    static const char *const names[] = {SLACK_AT("acme"), SLACK_AT("ACME.slack.com"),
                                        SLACK_AT("https://acme.slack.com/"),
                                        SLACK_AT("HTTPS://Acme.Slack.com:443")};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        script.next = 0;
        assert_true(RUN(steps, "Slack", names[i], READY, NULL));
    }
    assert_false(script_check(&script, "Slack", SLACK_AT("https://a@acme.slack.com"), READY));
    assert_false(script_check(&script, "Slack", SLACK_AT("acme"), "{" APP "}"));
}

static void slack_tokens_of_another_workspace_are_a_mistake(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{AUTH_TEST("t0ken"), 200, .body = ACME}};
    assert_false(RUN(steps, "Slack", SLACK_AT("other"), READY, NULL));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 200, "https://acme.slack.com/");
}

static void slack_the_token_is_the_users(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {SLACK_TOKEN(CODE_FORM), 200,
         .body = "{\"ok\":true,\"access_token\":\"bot-token\",\"token_type\":\"bot\","
                 "\"authed_user\":{\"id\":\"U1\",\"access_token\":\"user-token\",\"token_type\":"
                 "\"user\",\"refresh_token\":\"r1\",\"expires_in\":43200}}"},
        {AUTH_TEST("user-token"), 200, .body = ACME},
        {CHANNELS("user-token"), 200, .body = SOME_CHANNELS},
    };
    assert_true(RUN(steps, "Slack", SLACK_AT("acme"), CODE_GIVEN, NULL));
    assert_str(script.tokens.access_token, "user-token");
    assert_str(script.tokens.refresh_token, "r1");
    assert_true(script.tokens.expires_at_ms > 0);
}

static void slack_without_user_scopes_the_token_is_the_bots(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {SLACK_TOKEN(CODE_FORM), 200,
         .body = "{\"ok\":true,\"access_token\":\"bot-token\",\"token_type\":\"bot\","
                 "\"authed_user\":{\"id\":\"U1\"}}"},
        {AUTH_TEST("bot-token"), 200, .body = ACME},
        {CHANNELS("bot-token"), 200, .body = SOME_CHANNELS},
    };
    assert_true(RUN(steps, "Slack", SLACK_AT("acme"), CODE_GIVEN, NULL));
}

static void slack_an_expired_token_is_renewed_where_the_code_brought_the_means(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {AUTH_TEST("old"), 200, .body = "{\"ok\":false,\"error\":\"token_expired\"}"},
        {SLACK_TOKEN("grant_type=refresh_token&refresh_token=r1"), 200,
         .body = "{\"ok\":true,\"access_token\":\"new\",\"refresh_token\":\"r2\"}"},
        {AUTH_TEST("new"), 200, .body = ACME},
        {CHANNELS("new"), 200, .body = SOME_CHANNELS},
    };
    struct oauth_tokens stored = {.access_token = STR("old"), .refresh_token = STR("r1")};
    assert_true(RUN(steps, "Slack", SLACK_AT("acme"), CODE_GIVEN, &stored));
    assert_str(script.tokens.refresh_token, "r2");
}

/* --- the client as such --- */

#define MARKETO "{\"instanceUrl\":\"https://123-abc-456.mktorest.com\"}"
#define IDENTITY                                                                                   \
    "POST https://123-abc-456.mktorest.com/identity/oauth/token\n" FORM                            \
    "grant_type=client_credentials" APP_FORM
#define GIVEN_TOKEN(token)                                                                         \
    "{\"access_token\":\"" token "\",\"token_type\":\"bearer\",\"expires_in\":3599}"
#define LEADS(token)                                                                               \
    "GET https://123-abc-456.mktorest.com/rest/v1/leads/describe.json\n" BEARER(token)
#define LEAD_FIELDS "{\"requestId\":\"1#2\",\"success\":true,\"result\":[{\"id\":2}]}"
#define SPENT(code)                                                                                \
    "{\"requestId\":\"1#2\",\"success\":false,\"errors\":[{\"code\":\"" code                       \
    "\",\"message\":\"Access token invalid\"}]}"

static void marketo_the_client_gets_a_token_without_a_journal(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {IDENTITY, 200, .body = GIVEN_TOKEN("new:int")},
        {LEADS("new:int"), 200, .body = LEAD_FIELDS},
    };
    assert_true(RUN(steps, "Marketo", MARKETO, "{" APP "}", NULL));
    assert_str(script.tokens.access_token, "new:int");
    assert_true(script.tokens.expires_at_ms > 0);
    assert_string_equal(script_log(&script), "");
}

static void marketo_a_stale_token_is_renewed_once(void **state)
{
    (void)state;
    static const struct scripted good[] = {
        {LEADS("t0ken"), 200, .body = SPENT("602")},
        {IDENTITY, 200, .body = GIVEN_TOKEN("new:int")},
        {LEADS("new:int"), 200, .body = LEAD_FIELDS},
    };
    static const struct scripted bad[] = {
        {LEADS("t0ken"), 200, .body = SPENT("601")},
        {IDENTITY, 200, .body = GIVEN_TOKEN("new:int")},
        {LEADS("new:int"), 200, .body = SPENT("601")},
    };
    assert_true(RUN(good, "Marketo", MARKETO, READY, NULL));
    script.next = 0;
    assert_false(RUN(bad, "Marketo", MARKETO, READY, NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 200, "Access token invalid");
}

static void marketo_an_expired_token_is_not_shown(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {IDENTITY, 200, .body = GIVEN_TOKEN("new:int")},
        {LEADS("new:int"), 200, .body = LEAD_FIELDS},
    };
    struct oauth_tokens stored = {.access_token = STR("old"), .expires_at_ms = 1};
    assert_true(RUN(steps, "Marketo", MARKETO, "{" APP "}", &stored));
}

static void marketo_takes_every_spelling_of_the_instance(void **state)
{
    (void)state;
    static const char *const names[] = {
        "123-ABC-456", "123-abc-456.mktorest.com", "https://123-ABC-456.mktorest.com/rest/",
        "https://123-abc-456.mktorest.com/rest/v1", "https://123-abc-456.mktorest.com/identity"};
    static const struct scripted steps[] = {{LEADS("t0ken"), 200, .body = LEAD_FIELDS}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char properties[256];
        snprintf(properties, sizeof(properties), "{\"instanceUrl\":\"%s\"}", names[i]);
        script.next = 0;
        assert_true(RUN(steps, "Marketo", properties, READY, NULL));
    }
}

/* --- a user's password --- */

#define SERVICENOW "{\"instanceUrl\":\"acme\"}"
#define TABLES                                                                                     \
    "GET https://acme.service-now.com/api/now/table/sys_db_object?sysparm_limit=1&sysparm_fields=" \
    "name\n"
#define TABLE_ROWS "{\"result\":[{\"name\":\"incident\"}]}"
#define SERVICENOW_TOKEN(form) "POST https://acme.service-now.com/oauth_token.do\n" FORM form
#define USER "\"username\":\"agent\",\"password\":\"p4ss\""

static void servicenow_a_password_alone_is_shown_to_the_api(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TABLES "Accept: application/json\nAuthorization: Basic YWdlbnQ6cDRzcw==\n\n", 200,
         .body = TABLE_ROWS}};
    assert_true(RUN(steps, "Servicenow", SERVICENOW, "{" USER "}", NULL));
}

static void servicenow_a_password_beside_an_app_is_shown_for_a_token(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {SERVICENOW_TOKEN("grant_type=password&username=agent&password=p4ss" APP_FORM), 200,
         .body = "{\"access_token\":\"new\",\"refresh_token\":\"r1\",\"expires_in\":1799}"},
        {TABLES BEARER("new"), 200, .body = TABLE_ROWS},
    };
    assert_true(
        RUN(steps, "Servicenow", SERVICENOW, "{" USER ",\"oAuth2Credentials\":{" APP "}}", NULL));
    assert_str(script.tokens.refresh_token, "r1");
    assert_string_equal(script_log(&script), "");
}

/* Each wrong password counts towards the lock of the account. */
static void servicenow_a_wrong_password_is_shown_once(void **state)
{
    (void)state;
    static const struct scripted refused[] = {
        {SERVICENOW_TOKEN("grant_type=password&username=agent&password=p4ss" APP_FORM), 401,
         .body = "{\"error_description\":\"access_denied\",\"error\":\"server_error\"}"}};
    static const struct scripted broken[] = {
        {SERVICENOW_TOKEN("grant_type=password&username=agent&password=p4ss" APP_FORM), 503,
         .body = ""}};
    assert_false(
        RUN(refused, "Servicenow", SERVICENOW, "{" USER ",\"oAuth2Credentials\":{" APP "}}", NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 401, "access_denied");
    script.next = 0;
    assert_false(
        RUN(broken, "Servicenow", SERVICENOW, "{" USER ",\"oAuth2Credentials\":{" APP "}}", NULL));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_TOKEN, 503, NULL);
}

static void servicenow_a_code_is_exchanged(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {SERVICENOW_TOKEN(CODE_FORM APP_FORM), 200,
         .body = "{\"access_token\":\"new\",\"refresh_token\":\"r1\",\"expires_in\":1799}"},
        {TABLES BEARER("new"), 200, .body = TABLE_ROWS},
    };
    assert_true(
        RUN(steps, "Servicenow", SERVICENOW, "{\"oAuth2Credentials\":" CODE_GIVEN "}", NULL));
}

static void servicenow_a_hibernating_instance_is_unreachable(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TABLES BEARER("t0ken"), 200,
         .body = "<html><head><title>Instance Hibernating page</title></head></html>"}};
    assert_false(RUN(steps, "Servicenow", SERVICENOW, "{\"oAuth2Credentials\":" READY "}", NULL));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 200, NULL);
    assert_true(str_contains(script.verdict.hint, STR("hibernates")));
}

/* --- quota that looks like a rejection --- */

#define SUMMARIES(token)                                                                           \
    "GET "                                                                                         \
    "https://www.googleapis.com/analytics/v3/management/accountSummaries?max-results=1\n" BEARER(  \
        token)
#define GOOGLE_TOKEN(form) "POST https://oauth2.googleapis.com/token\n" FORM form
#define NO_SUMMARIES "{\"kind\":\"analytics#accountSummaries\",\"totalResults\":0}"

static void googleanalytics_a_stale_token_is_renewed(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {SUMMARIES("t0ken"), 401, .body = "{\"error\":{\"code\":401,\"message\":\"no\"}}"},
        {GOOGLE_TOKEN("grant_type=refresh_token&refresh_token=r1" APP_FORM), 200,
         .body = "{\"access_token\":\"new\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"},
        {SUMMARIES("new"), 200, .body = NO_SUMMARIES},
    };
    assert_true(RUN(steps, "Googleanalytics", "{}",
                    "{" APP ",\"accessToken\":\"t0ken\",\"refreshToken\":\"r1\"}", NULL));
    assert_str(script.tokens.refresh_token, "r1"); /* it stays */
}

static void googleanalytics_a_code_is_exchanged(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {GOOGLE_TOKEN(CODE_FORM APP_FORM), 200,
         .body = "{\"access_token\":\"new\",\"expires_in\":3599,\"refresh_token\":\"r1\"}"},
        {SUMMARIES("new"), 200, .body = NO_SUMMARIES},
    };
    assert_true(RUN(steps, "Googleanalytics", "{}", CODE_GIVEN, NULL));
}

/* --- what answers mean --- */

#define GOOGLE_403(reason)                                                                         \
    "{\"error\":{\"errors\":[{\"domain\":\"usageLimits\",\"reason\":\"" reason                     \
    "\",\"message\":\"words\"}],\"code\":403,\"message\":\"words\"}}"

static const struct {
    const char *type, *properties, *credentials, *request;
    int status;
    const char *body;
    enum verdict_kind kind;
    enum verdict_step step;
    const char *words;
} answers[] = {
#define SLACK_SAYS(code, kind)                                                                     \
    {                                                                                              \
        "Slack", SLACK_AT("acme"), READY, AUTH_TEST("t0ken"), 200,                                 \
            "{\"ok\":false,\"error\":\"" code "\"}", kind, STEP_API, code                          \
    }
    SLACK_SAYS("invalid_auth", VERDICT_REJECTED),
    SLACK_SAYS("token_revoked", VERDICT_REJECTED),
    SLACK_SAYS("account_inactive", VERDICT_REJECTED),
    SLACK_SAYS("some_new_word", VERDICT_UNREACHABLE),
    SLACK_SAYS("missing_scope", VERDICT_FORBIDDEN),
    SLACK_SAYS("ratelimited", VERDICT_THROTTLED),
    SLACK_SAYS("internal_error", VERDICT_UNREACHABLE),
    {"Slack", SLACK_AT("acme"), READY, AUTH_TEST("t0ken"), 200, "{\"ok\":true}",
     VERDICT_UNREACHABLE, STEP_API, NULL},
#define SLACK_REFUSES(code, kind)                                                                  \
    {                                                                                              \
        "Slack", SLACK_AT("acme"), CODE_GIVEN, SLACK_TOKEN(CODE_FORM), 200,                        \
            "{\"ok\":false,\"error\":\"" code "\"}", kind, STEP_TOKEN, code                        \
    }
    SLACK_REFUSES("invalid_code", VERDICT_REJECTED),
    SLACK_REFUSES("code_already_used", VERDICT_REJECTED),
    SLACK_REFUSES("bad_client_secret", VERDICT_REJECTED),
    SLACK_REFUSES("bad_redirect_uri", VERDICT_REJECTED),
    SLACK_REFUSES("fatal_error", VERDICT_UNREACHABLE),

#define MARKETO_SAYS(code, kind)                                                                   \
    {                                                                                              \
        "Marketo", MARKETO, "{" APP ",\"accessToken\":\"t0ken\"}", LEADS("t0ken"), 200,            \
            "{\"success\":false,\"errors\":[{\"code\":\"" code "\",\"message\":\"words\"}]}",      \
            kind, STEP_API, "words"                                                                \
    }
    MARKETO_SAYS("603", VERDICT_FORBIDDEN),
    MARKETO_SAYS("606", VERDICT_THROTTLED),
    MARKETO_SAYS("607", VERDICT_THROTTLED),
    MARKETO_SAYS("615", VERDICT_THROTTLED),
    MARKETO_SAYS("502", VERDICT_UNREACHABLE),
    MARKETO_SAYS("713", VERDICT_UNREACHABLE),
    MARKETO_SAYS("610", VERDICT_MISCONFIGURED),
    {"Marketo", MARKETO, "{" APP "}", IDENTITY, 401,
     "{\"error\":\"invalid_client\",\"error_description\":\"Bad client credentials\"}",
     VERDICT_REJECTED, STEP_TOKEN, "Bad client credentials"},
    {"Marketo", MARKETO, "{" APP "}", IDENTITY, 401,
     "{\"error\":\"unauthorized\",\"error_description\":\"No client with requested id: cl1ent\"}",
     VERDICT_REJECTED, STEP_TOKEN, "No client with requested id: [removed]"},
    {"Marketo", MARKETO, "{" APP "}", IDENTITY, 404, "<html>", VERDICT_MISCONFIGURED, STEP_TOKEN,
     NULL},

#define SERVICENOW_SAYS(status, body, kind, words)                                                 \
    {                                                                                              \
        "Servicenow", SERVICENOW, "{\"oAuth2Credentials\":" READY "}", TABLES BEARER("t0ken"),     \
            status, body, kind, STEP_API, words                                                    \
    }
    SERVICENOW_SAYS(401,
                    "{\"error\":{\"message\":\"User Not Authenticated\",\"detail\":\"Required to "
                    "provide Auth information\"},\"status\":\"failure\"}",
                    VERDICT_REJECTED, "User Not Authenticated"),
    SERVICENOW_SAYS(403,
                    "{\"error\":{\"message\":\"Insufficient rights to query records\",\"detail\":"
                    "null},\"status\":\"failure\"}",
                    VERDICT_FORBIDDEN, "Insufficient rights to query records"),
    SERVICENOW_SAYS(400, "{\"error\":{\"message\":\"Invalid table\"}}", VERDICT_MISCONFIGURED,
                    "Invalid table"),
    SERVICENOW_SAYS(200, "<html><title>Log in</title></html>", VERDICT_MISCONFIGURED, NULL),
    SERVICENOW_SAYS(302, "", VERDICT_MISCONFIGURED, NULL),

#define GOOGLE_SAYS(status, body, kind, words)                                                     \
    {                                                                                              \
        "Googleanalytics", "{}", READY, SUMMARIES("t0ken"), status, body, kind, STEP_API, words    \
    }
    GOOGLE_SAYS(403, GOOGLE_403("userRateLimitExceeded"), VERDICT_THROTTLED, "words"),
    GOOGLE_SAYS(403, GOOGLE_403("rateLimitExceeded"), VERDICT_THROTTLED, "words"),
    GOOGLE_SAYS(403, GOOGLE_403("quotaExceeded"), VERDICT_THROTTLED, "words"),
    GOOGLE_SAYS(403, GOOGLE_403("dailyLimitExceeded"), VERDICT_THROTTLED, "words"),
    GOOGLE_SAYS(403, GOOGLE_403("insufficientPermissions"), VERDICT_FORBIDDEN, "words"),
    GOOGLE_SAYS(403, GOOGLE_403("accessNotConfigured"), VERDICT_FORBIDDEN, "words"),
    {"Googleanalytics", "{}", CODE_GIVEN, GOOGLE_TOKEN(CODE_FORM APP_FORM), 401,
     "{\"error\":\"deleted_client\",\"error_description\":\"The OAuth client was deleted.\"}",
     VERDICT_REJECTED, STEP_TOKEN, "The OAuth client was deleted."},
    {"Googleanalytics", "{}", CODE_GIVEN, GOOGLE_TOKEN(CODE_FORM APP_FORM), 400,
     "{\"error\":\"redirect_uri_mismatch\",\"error_description\":\"Bad Request\"}",
     VERDICT_REJECTED, STEP_TOKEN, "Bad Request"},
};

static void each_answer_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct scripted step = {answers[i].request, answers[i].status, .body = answers[i].body};
        script = (struct script){0};
        assert_false(
            run(&step, 1, answers[i].type, answers[i].properties, answers[i].credentials, NULL));
        assert_verdict(&script, answers[i].kind, answers[i].step, answers[i].status,
                       answers[i].words);
        script_done(&script);
    }
}

static const struct refusal refused[] = {
    {"Slack", SLACK_AT("acme"), "{" APP "}",
     "Validation exception: AuthCode cannot be blank for connector: SLACK"},
    {"Slack", SLACK_AT("ftp://acme.slack.com"), READY,
     "Validation exception: instanceUrl must begin with https:// or http://."},
    {"Marketo", "{\"instanceUrl\":\"https://a.mktorest.com?x\"}", "{" APP "}",
     "Validation exception: instanceUrl must not hold a query or a fragment."},
    {"Servicenow", SERVICENOW, "{\"username\":\"agent\"}",
     "Validation exception: Password cannot be blank for connector: SERVICENOW"},
    {"Servicenow", SERVICENOW, "{}",
     "Validation exception: Username cannot be blank for connector: SERVICENOW"},
    {"Servicenow", SERVICENOW, "{\"username\":\"a:b\",\"password\":\"p\"}",
     "Validation exception: what is sent as the user name for connector: SERVICENOW must not "
     "contain a colon"},
    {"Servicenow", SERVICENOW, "{\"oAuth2Credentials\":{" APP "}}",
     "Validation exception: AuthCode cannot be blank for connector: SERVICENOW"},
    {"Servicenow", SERVICENOW, "{\"oAuth2Credentials\":{\"refreshToken\":\"r\"}}",
     "Validation exception: ClientId cannot be blank for connector: SERVICENOW"},
    {"Googleanalytics", "{}", "{" APP "}",
     "Validation exception: AuthCode cannot be blank for connector: GOOGLEANALYTICS"},
    {"Googleanalytics", "{}", "{" APP ",\"oAuthRequest\":{\"authCode\":\"c\"}}",
     "Validation exception: RedirectUri cannot be blank for connector: GOOGLEANALYTICS"},
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
        TEST(slack_takes_every_spelling_of_the_workspace),
        TEST(slack_tokens_of_another_workspace_are_a_mistake),
        TEST(slack_the_token_is_the_users),
        TEST(slack_without_user_scopes_the_token_is_the_bots),
        TEST(slack_an_expired_token_is_renewed_where_the_code_brought_the_means),
        TEST(marketo_the_client_gets_a_token_without_a_journal),
        TEST(marketo_a_stale_token_is_renewed_once),
        TEST(marketo_an_expired_token_is_not_shown),
        TEST(marketo_takes_every_spelling_of_the_instance),
        TEST(servicenow_a_password_alone_is_shown_to_the_api),
        TEST(servicenow_a_password_beside_an_app_is_shown_for_a_token),
        TEST(servicenow_a_wrong_password_is_shown_once),
        TEST(servicenow_a_code_is_exchanged),
        TEST(servicenow_a_hibernating_instance_is_unreachable),
        TEST(googleanalytics_a_stale_token_is_renewed),
        TEST(googleanalytics_a_code_is_exchanged),
        TEST(each_answer_has_its_meaning),
        TEST(what_cannot_work_is_refused_before_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
