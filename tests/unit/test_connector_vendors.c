/* Zendesk and Amplitude, call by call; ServiceNow's names of tables. */
#include "connector_script.h"

#include <stdio.h>
#include <string.h>

#define HOST "https://acme.zendesk.com"
#define PROPERTIES "{\"instanceUrl\":\"" HOST "\"}"
#define ME(token)                                                                                  \
    "GET " HOST "/api/v2/users/me.json\nAccept: application/json\nAuthorization: Bearer " token    \
    "\n\n"
#define TOKENS(body)                                                                               \
    "POST " HOST "/oauth/tokens\nAccept: application/json\nContent-Type: "                         \
    "application/json\n\n" body
#define CLIENT "\"clientId\":\"cl1ent\",\"clientSecret\":\"s3cret\""
#define CODE_GIVEN                                                                                 \
    "{" CLIENT ",\"oAuthRequest\":{\"authCode\":\"c0de\",\"redirectUri\":\"https://r.example/"     \
    "cb\"}}"
#define LIVES "\"expires_in\":172800,\"refresh_token_expires_in\":7776000"
#define CODE_SENT                                                                                  \
    "{\"grant_type\":\"authorization_code\",\"code\":\"c0de\",\"redirect_uri\":"                   \
    "\"https://r.example/cb\",\"scope\":\"read write\"," LIVES ",\"client_id\":\"cl1ent\","        \
    "\"client_secret\":\"s3cret\"}"
#define USER "{\"user\":{\"id\":35436,\"name\":\"Johnny Agent\"}}"

#define EVENTS                                                                                     \
    "GET https://amplitude.com/api/2/events/list\nAccept: application/json\n"                      \
    "Authorization: Basic a2V5LTE6c2VjcmV0LTE=\n\n"
#define KEYS "{\"apiKey\":\"key-1\",\"secretKey\":\"secret-1\"}"

static struct script script;

static bool run(const struct scripted *steps, size_t count, const char *type,
                const char *properties, const char *credentials, const struct oauth_tokens *stored)
{
    script.steps = steps;
    script.count = count;
    return script_verify(&script, type, properties, credentials, stored);
}

#define RUN(steps, ...) run(steps, sizeof(steps) / sizeof((steps)[0]), __VA_ARGS__)

static void a_token_with_a_user_is_accepted(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{ME("t0ken"), 200, .body = USER}};
    assert_true(RUN(steps, "Zendesk", "{\"instanceUrl\":\"acme\"}",
                    "{" CLIENT ",\"accessToken\":\"t0ken\"}", NULL));
}

static void an_anonymous_welcome_is_a_rejection(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ME("t0ken"), 200, .body = "{\"user\":{\"id\":null,\"name\":\"Anonymous user\"}}"}};
    assert_false(RUN(steps, "Zendesk", PROPERTIES, "{" CLIENT ",\"accessToken\":\"t0ken\"}", NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 200, NULL);
}

static void a_code_is_exchanged_as_json(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TOKENS(CODE_SENT), 200,
         .body = "{\"access_token\":\"new-token\",\"token_type\":\"bearer\",\"scope\":\"read "
                 "write\"}"},
        {ME("new-token"), 200, .body = USER},
    };
    assert_true(RUN(steps, "Zendesk", PROPERTIES, CODE_GIVEN, NULL));
    assert_str(script.tokens.access_token, "new-token");
    assert_string_equal(script_log(&script), "begin authorization_code " HOST "/oauth/tokens c0de\n"
                                             "save new-token  \n"
                                             "end saved  \n");
}

static void a_code_may_bring_a_refresh_token(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TOKENS("{\"grant_type\":\"refresh_token\",\"refresh_token\":\"r1\"," LIVES
                ",\"client_id\":"
                "\"cl1ent\",\"client_secret\":\"s3cret\"}"),
         200,
         .body = "{\"access_token\":\"new-token\",\"refresh_token\":\"r2\",\"expires_in\":300}"},
        {ME("new-token"), 200, .body = USER},
    };
    struct oauth_tokens stored = {
        .access_token = STR("old"), .refresh_token = STR("r1"), .expires_at_ms = 1};
    assert_true(RUN(steps, "Zendesk", PROPERTIES, CODE_GIVEN, &stored)); /* not shown: expired */
    assert_str(script.tokens.refresh_token, "r2");
    assert_true(script.tokens.expires_at_ms > 0);
}

static void a_used_code_is_a_rejection(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TOKENS(CODE_SENT), 400,
         .body = "{\"error\":\"invalid_grant\",\"error_description\":\"The provided access grant "
                 "is invalid, expired, or revoked (e.g. invalid assertion, expired authorization "
                 "token, bad end-user password credentials, or mismatching authorization code and "
                 "redirection URI).\"}"}};
    assert_false(RUN(steps, "Zendesk", PROPERTIES, CODE_GIVEN, NULL));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 400,
                   "The provided access grant is invalid, expired, or revoked (e.g. invalid "
                   "assertion, expired authorization token, bad end-user password credentials, or "
                   "mismatching authorization code and redirection URI).");
}

static const struct {
    const char *type;
    int status;
    const char *body;
    enum verdict_kind kind;
    const char *words;
} answers[] = {
    {"Zendesk", 401,
     "{\"error\":\"invalid_token\",\"error_description\":\"The access token provided is expired, "
     "revoked, malformed or invalid for other reasons.\"}",
     VERDICT_REJECTED,
     "The access token provided is expired, revoked, malformed or invalid for other reasons."},
    {"Zendesk", 401, "{\"error\":\"Couldn't authenticate you\"}", VERDICT_REJECTED,
     "Couldn't authenticate you"},
    {"Zendesk", 403,
     "{\"error\":\"Forbidden\",\"description\":\"Missing the following required scopes: read\"}",
     VERDICT_FORBIDDEN, "Missing the following required scopes: read"},
    {"Zendesk", 403, "{\"error\":{\"title\":\"Forbidden\",\"message\":\"You lack access\"}}",
     VERDICT_FORBIDDEN, "You lack access"},
    {"Zendesk", 404, "<html>no such help center</html>", VERDICT_MISCONFIGURED, NULL},
    {"Zendesk", 404, "{\"error\":\"Conflict\"}", VERDICT_MISCONFIGURED, "Conflict"},
    {"Zendesk", 301, "", VERDICT_MISCONFIGURED, NULL},
    {"Zendesk", 200, "<html>", VERDICT_MISCONFIGURED, NULL},
    {"Zendesk", 200, "{}", VERDICT_UNREACHABLE, NULL},
    {"Amplitude", 401, "Unauthorized\n", VERDICT_REJECTED, "Unauthorized"},
    {"Amplitude", 403, "", VERDICT_BLOCKED, NULL},
    {"Amplitude", 400, "{\"error\":{\"message\":\"bad\"}}", VERDICT_MISCONFIGURED, "bad"},
    {"Amplitude", 404, "<html>", VERDICT_MISCONFIGURED, NULL},
    {"Amplitude", 200, "{\"series\":[]}", VERDICT_UNREACHABLE, NULL},
};

static void each_answer_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        bool basic = strcmp(answers[i].type, "Amplitude") == 0;
        struct scripted step = {basic ? EVENTS : ME("t0ken"), answers[i].status,
                                .body = answers[i].body};
        script = (struct script){0};
        assert_false(run(&step, 1, answers[i].type, basic ? "{}" : PROPERTIES,
                         basic ? KEYS : "{" CLIENT ",\"accessToken\":\"t0ken\"}", NULL));
        assert_verdict(&script, answers[i].kind, STEP_API, answers[i].status, answers[i].words);
        script_done(&script);
    }
}

static void keys_are_shown_as_basic(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{EVENTS, 200, .body = "{\"data\":[]}"}};
    assert_true(RUN(steps, "Amplitude", "{}", KEYS, NULL));
    static const struct scripted elsewhere[] = {
        {"GET https://analytics.eu.amplitude.com/api/2/events/list\nAccept: application/json\n"
         "Authorization: Basic a2V5LTE6c2VjcmV0LTE=\n\n",
         200, .body = "{\"data\":[]}"}};
    script.next = 0;
    script.endpoint = "https://analytics.eu.amplitude.com";
    assert_true(RUN(elsewhere, "Amplitude", "{}", KEYS, NULL));
}

static const struct refusal refused[] = {
    {"Zendesk", PROPERTIES, "{" CLIENT "}",
     "Validation exception: AuthCode cannot be blank for connector: ZENDESK"},
    {"Zendesk", PROPERTIES, "{" CLIENT ",\"oAuthRequest\":{\"redirectUri\":\"https://r.example\"}}",
     "Validation exception: AuthCode cannot be blank for connector: ZENDESK"},
    {"Zendesk", "{\"instanceUrl\":\"https://acme.zendesk.com/?a\"}",
     "{" CLIENT ",\"accessToken\":\"t\"}",
     "Validation exception: instanceUrl must not hold a query or a fragment."},
    {"Amplitude", "{}", "{\"apiKey\":\"a:b\",\"secretKey\":\"c\"}",
     "Validation exception: what is sent as the user name for connector: AMPLITUDE must not "
     "contain "
     "a colon"},
};

static void what_cannot_work_is_refused_before_any_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_refused(&script, &refused[i]);
}

/* It would be a condition of the query that the call consists of. */
static void a_name_with_a_query_in_it_is_no_entity(void **state)
{
    (void)state;
    static const char *const names[] = {"incident^ORname=sys_user", "incident,sys_user", "a=b"};
    struct str found;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        script.count = 0;
        script.next = 0;
        assert_false(
            script_describe(&script, connector_by_type(STR("Servicenow")),
                            script_part(&script, "Servicenow", "Properties",
                                        "{\"instanceUrl\":\"https://acme.service-now.com\"}"),
                            script_part(&script, "Servicenow", "Credentials",
                                        "{\"username\":\"u\",\"password\":\"p\"}"),
                            names[i], &found));
        assert_int_equal(script.verdict.kind, VERDICT_ABSENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_with_a_user_is_accepted),
        TEST(an_anonymous_welcome_is_a_rejection),
        TEST(a_code_is_exchanged_as_json),
        TEST(a_code_may_bring_a_refresh_token),
        TEST(a_used_code_is_a_rejection),
        TEST(each_answer_has_its_meaning),
        TEST(keys_are_shown_as_basic),
        TEST(what_cannot_work_is_refused_before_any_call),
        TEST(a_name_with_a_query_in_it_is_no_entity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
