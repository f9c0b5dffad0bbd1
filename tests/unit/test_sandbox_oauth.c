/* The sandbox's OAuth server over a socket: every grant, every refusal, and what works only once.
 */
#include "cmocka_all.h"

#include "sandbox_asker.h"

#include "base/clock.h"
#include "sandbox/jwt.h"
#include "wire/restjson.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define APP "client_id=sandbox-connected-app&client_secret=sandbox-connected-app-secret&"
#define OWN_APP                                                                                    \
    "client_id=sandbox-own-connected-app&client_secret=sandbox-own-connected-app-secret&"
#define REDIRECT "redirect_uri=https%3A%2F%2Fconsole.aws.amazon.com%2Fappflow%2Foauth&"
#define CODE "grant_type=authorization_code&" APP REDIRECT
#define REFRESH "grant_type=refresh_token&" APP
#define JWT "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="

static struct sandbox *sandbox;

static struct asker_answer token(struct arena *arena, const char *form)
{
    return ask_token(sandbox, arena, "login.salesforce.com", "/services/oauth2/token", form);
}

/* What the issued token opens at the API. */
static int status_with(struct arena *arena, struct str access_token)
{
    struct str head =
        arena_printf(arena, "GET /services/data/v58.0/ HTTP/1.1\r\nAuthorization: Bearer %.*s",
                     STR_ARG(access_token));
    return ask(sandbox, arena, "acme.my.salesforce.com", head.data, "").status;
}

static void check_refused(struct arena *arena, const char *form, const char *error,
                          const char *description)
{
    struct asker_answer answer = token(arena, form);
    struct str body =
        arena_printf(arena, "{\"error\":\"%s\",\"error_description\":\"%s\"}", error, description);
    if (answer.status != 400 || !str_eq(answer.body, body))
        fail_msg("%s: %d %.*s", form, answer.status, STR_ARG(answer.body));
}

static void refusals(void **state)
{
    static const struct {
        const char *form, *error, *description;
    } cases[] = {
        {"", "invalid_request", "missing required parameter"},
        {APP, "invalid_request", "missing required parameter"},
        {"grant_type=refresh_token&grant_type=refresh_token", "invalid_request",
         "missing required parameter"},
        {"grant_type=password&" APP, "unsupported_grant_type", "grant type not supported"},
        {"grant_type=refresh_token&refresh_token=x", "invalid_request",
         "missing required parameter"},
        {"grant_type=refresh_token&refresh_token=x&client_id=no&client_secret=no",
         "invalid_client_id", "client identifier invalid"},
        {"grant_type=refresh_token&refresh_token=x&client_id=sandbox-connected-app&client_secret="
         "no",
         "invalid_client", "invalid client credentials"},
        {"grant_type=refresh_token&refresh_token=x&client_id=sandbox-connected-app",
         "invalid_client", "invalid client credentials"},
        {REFRESH, "invalid_request", "missing required parameter"},
        {REFRESH "refresh_token=x", "invalid_grant", "expired access/refresh token"},
        {REFRESH "refresh_token=sandbox-refresh-revoked", "invalid_grant",
         "expired access/refresh token"},
        {REFRESH "refresh_token=sandbox-refresh-own-app", "invalid_grant",
         "expired access/refresh token"},
        {REFRESH "refresh_token=sandbox-refresh-inactive-user", "inactive_user",
         "user is inactive"},
        {CODE, "invalid_request", "missing required parameter"},
        {CODE "code=x", "invalid_grant", "invalid authorization code"},
        {CODE "code=code-accepted-", "invalid_grant", "invalid authorization code"},
        {CODE "code=code-used", "invalid_grant", "expired authorization code"},
        {CODE "code=code-expired", "invalid_grant", "expired authorization code"},
        {CODE "code=code-wrong-client", "invalid_grant", "expired access/refresh token"},
        {CODE "code=code-login-rate", "invalid_grant", "login rate exceeded"},
        {"grant_type=authorization_code&" APP "code=code-accepted-1&redirect_uri=https://a.example",
         "redirect_uri_mismatch", "redirect_uri must match configuration"},
        {"grant_type=client_credentials&" APP, "invalid_grant",
         "request not supported on this domain"},
        {JWT "a.b.c", "invalid_grant", "invalid assertion"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = {0};
        check_refused(&arena, cases[i].form, cases[i].error, cases[i].description);
        arena_done(&arena);
    }
}

static void a_code_works_once(void **state)
{
    struct arena arena = {0};
    (void)state;
    /* A wrong redirect URI does not use the code up. */
    check_refused(&arena,
                  "grant_type=authorization_code&" APP
                  "code=code-accepted-once&redirect_uri=https://a.example",
                  "redirect_uri_mismatch", "redirect_uri must match configuration");
    struct asker_answer answer = token(&arena, CODE "code=code-accepted-once");
    assert_int_equal(answer.status, 200);
    struct str access_token = answer_text(&arena, &answer, "access_token");
    struct str refresh_token = answer_text(&arena, &answer, "refresh_token");
    assert_true(str_eq(answer_text(&arena, &answer, "instance_url"),
                       STR("https://acme.my.salesforce.com")));
    assert_true(str_eq(answer_text(&arena, &answer, "token_type"), STR("Bearer")));
    assert_int_equal(answer_text(&arena, &answer, "issued_at").len, 13);
    assert_int_equal(status_with(&arena, access_token), 200);
    assert_int_equal(status_with(&arena, refresh_token), 401);
    check_refused(&arena, CODE "code=code-accepted-once", "invalid_grant",
                  "expired authorization code");
    /* What was given out works again and again, with no new refresh token. */
    struct str form = arena_printf(&arena, REFRESH "refresh_token=%.*s", STR_ARG(refresh_token));
    for (int i = 0; i < 2; i++) {
        answer = token(&arena, form.data);
        assert_int_equal(status_with(&arena, answer_text(&arena, &answer, "access_token")), 200);
        assert_false(str_contains(answer.body, STR("refresh_token\":")));
    }
    arena_done(&arena);
}

static void rotation_kills_the_old(void **state)
{
    struct arena arena = {0};
    struct str refresh_token = STR("sandbox-refresh-rotating-oauth");
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct str form =
            arena_printf(&arena, REFRESH "refresh_token=%.*s", STR_ARG(refresh_token));
        struct asker_answer answer = token(&arena, form.data);
        assert_int_equal(answer.status, 200);
        struct str next = answer_text(&arena, &answer, "refresh_token");
        assert_false(str_eq(next, refresh_token));
        check_refused(&arena, form.data, "invalid_grant", "expired access/refresh token");
        refresh_token = next;
    }
    struct asker_answer answer = token(&arena, CODE "code=code-accepted-rotating-oauth");
    assert_true(str_contains(answer_text(&arena, &answer, "refresh_token"), STR("rotating")));
    arena_done(&arena);
}

static void clients(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct asker_answer answer =
        token(&arena, "grant_type=refresh_token&" OWN_APP "refresh_token=sandbox-refresh-own-app");
    assert_int_equal(answer.status, 200);
    /* "sandbox-connected-app:sandbox-connected-app-secret" */
    answer = ask(sandbox, &arena, "acme.my.salesforce.com",
                 "POST /services/oauth2/token HTTP/1.1\r\n"
                 "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
                 "Authorization: Basic "
                 "c2FuZGJveC1jb25uZWN0ZWQtYXBwOnNhbmRib3gtY29ubmVjdGVkLWFwcC1zZWNyZXQ=",
                 "grant_type=client_credentials");
    assert_int_equal(answer.status, 200);
    assert_true(
        str_eq(answer_text(&arena, &answer, "instance_url"), STR("http://acme.my.salesforce.com")));
    assert_false(str_contains(answer.body, STR("refresh_token\":")));
    /* The id may be in the body besides, if it is the same. */
    static const struct {
        const char *form;
        int status;
    } named[] = {{"grant_type=client_credentials&client_id=sandbox-connected-app", 200},
                 {"grant_type=client_credentials&client_id=another", 400}};
    for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
        answer = ask(sandbox, &arena, "acme.my.salesforce.com",
                     "POST /services/oauth2/token HTTP/1.1\r\n"
                     "Content-Type: application/x-www-form-urlencoded\r\n"
                     "Authorization: Basic "
                     "c2FuZGJveC1jb25uZWN0ZWQtYXBwOnNhbmRib3gtY29ubmVjdGVkLWFwcC1zZWNyZXQ=",
                     named[i].form);
        assert_int_equal(answer.status, named[i].status);
    }
    answer = ask(sandbox, &arena, "acme.my.salesforce.com",
                 "POST /services/oauth2/token HTTP/1.1\r\nContent-Type: application/json", "{}");
    assert_int_equal(answer.status, 400);
    answer = ask_token(sandbox, &arena, "test.salesforce.com", "/services/oauth2/token",
                       REFRESH "refresh_token=sandbox-refresh-accepted");
    assert_true(str_eq(answer_text(&arena, &answer, "instance_url"),
                       STR("https://acme--uat.sandbox.my.salesforce.com")));
    arena_done(&arena);
}

static const char *jwt_form(struct arena *arena, const char *issuer, const char *subject,
                            const char *audience, int64_t ttl_s)
{
    struct jwt_claims claims = {str_from(issuer), str_from(subject), str_from(audience),
                                clock_wall_ms() / 1000 + ttl_s};
    struct str assertion = jwt_make(arena, &claims);
    return arena_printf(arena, "%s%.*s", JWT, STR_ARG(assertion)).data;
}

static void assertions(void **state)
{
    struct arena arena = {0};
    const char *app = "sandbox-connected-app", *user = "integration@acme.example";
    const char *login = "https://login.salesforce.com";
    (void)state;
    struct asker_answer answer = token(&arena, jwt_form(&arena, app, user, login, 180));
    assert_int_equal(answer.status, 200);
    assert_int_equal(status_with(&arena, answer_text(&arena, &answer, "access_token")), 200);
    assert_false(str_contains(answer.body, STR("refresh_token\":")));
    check_refused(&arena, jwt_form(&arena, app, user, login, -1), "invalid_grant",
                  "token validity expired");
    check_refused(&arena, jwt_form(&arena, app, user, "https://a.example", 180), "invalid_grant",
                  "audience is invalid");
    check_refused(&arena, jwt_form(&arena, "another", user, login, 180), "invalid_client_id",
                  "client identifier invalid");
    check_refused(&arena, jwt_form(&arena, app, "nobody@acme.example", login, 180), "invalid_grant",
                  "user hasn't approved this consumer");
    check_refused(&arena, jwt_form(&arena, app, "inactive@acme.example", login, 180),
                  "inactive_user", "user is inactive");
    arena_done(&arena);
}

#define ZENDESK_APP                                                                                \
    "\"client_id\":\"aws_integration_to_Zendesk\","                                                \
    "\"client_secret\":\"sandbox-zendesk-client-secret\","
#define ZENDESK_REDIRECT                                                                           \
    "\"redirect_uri\":\"https://us-east-1.console.aws.amazon.com/appflow/oauth\","

static struct asker_answer zendesk_token(struct arena *arena, const char *json)
{
    return ask(sandbox, arena, "acme.zendesk.com",
               "POST /oauth/tokens HTTP/1.1\r\nContent-Type: application/json", json);
}

static void zendesk_takes_json(void **state)
{
    struct arena arena = {0};
    (void)state;
    const char *request = "{\"grant_type\":\"authorization_code\"," ZENDESK_APP ZENDESK_REDIRECT
                          "\"scope\":\"read write\",\"code\":\"code-accepted-zendesk\"}";
    struct asker_answer answer = zendesk_token(&arena, request);
    assert_int_equal(answer.status, 200);
    struct str access_token = answer_text(&arena, &answer, "access_token");
    assert_true(
        str_eq(answer.body, arena_printf(&arena,
                                         "{\"access_token\":\"%.*s\",\"token_type\":\"bearer\","
                                         "\"scope\":\"read write\"}",
                                         STR_ARG(access_token))));
    /* A token of one vendor opens nothing at another. */
    assert_int_equal(status_with(&arena, access_token), 401);
    answer = zendesk_token(&arena, request);
    assert_int_equal(answer.status, 400);
    assert_true(str_starts(answer.body, STR("{\"error\":\"invalid_grant\",\"error_description\":"
                                            "\"The provided access grant is invalid, expired, or "
                                            "revoked (e.g. invalid assertion,")));
    answer = zendesk_token(&arena, "{\"grant_type\":\"authorization_code\",\"client_id\":\"x\"}");
    assert_int_equal(answer.status, 401);
    assert_true(str_contains(answer.body, STR("invalid_client")));
    answer = zendesk_token(&arena, "{\"grant_type\":");
    assert_int_equal(answer.status, 400);
    arena_done(&arena);
}

static void zendesk_rotates(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct asker_answer answer =
        zendesk_token(&arena, "{\"grant_type\":\"authorization_code\"," ZENDESK_APP ZENDESK_REDIRECT
                              "\"code\":\"code-accepted-rotating-zendesk\"}");
    assert_int_equal(answer.status, 200);
    assert_true(str_contains(answer.body, STR("\"expires_in\":172800")));
    struct str request = arena_printf(
        &arena, "{\"grant_type\":\"refresh_token\"," ZENDESK_APP "\"refresh_token\":\"%.*s\"}",
        STR_ARG(answer_text(&arena, &answer, "refresh_token")));
    assert_int_equal(zendesk_token(&arena, request.data).status, 200);
    assert_int_equal(zendesk_token(&arena, request.data).status, 400);
    arena_done(&arena);
}

#define SERVICENOW_APP                                                                             \
    "client_id=3f1b0a7c9d5e4b6f8a2c1d0e9f8b7a6c&client_secret=sandbox-servicenow-client-secret&"
#define PASSWORD "grant_type=password&" SERVICENOW_APP "username=sandbox-user-accepted&"

static void passwords_bring_tokens(void **state)
{
    static const char host[] = "acme.service-now.com", path[] = "/oauth_token.do";
    struct arena arena = {0};
    (void)state;
    struct asker_answer answer =
        ask_token(sandbox, &arena, host, path, PASSWORD "password=sandbox-password");
    assert_int_equal(answer.status, 200);
    struct str form =
        arena_printf(&arena, "grant_type=refresh_token&" SERVICENOW_APP "refresh_token=%.*s",
                     STR_ARG(answer_text(&arena, &answer, "refresh_token")));
    assert_int_equal(ask_token(sandbox, &arena, host, path, form.data).status, 200);
    answer = ask_token(sandbox, &arena, host, path, PASSWORD "password=another");
    assert_int_equal(answer.status, 401);
    assert_true(str_eq(answer.body, STR("{\"error_description\":\"access_denied\",\"error\":"
                                        "\"server_error\"}")));
    assert_int_equal(ask_token(sandbox, &arena, host, path, PASSWORD).status, 401);
    arena_done(&arena);
}

/* As the vendor's own client sends it: no grant_type. */
static void a_code_may_be_meant_without_saying_so(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct asker_answer answer =
        ask_token(sandbox, &arena, "slack.com", "/api/oauth.v2.access",
                  "client_id=4567.8910&client_secret=sandbox-slack-client-secret&" REDIRECT
                  "code=code-accepted-silent");
    assert_int_equal(answer.status, 200);
    assert_true(str_contains(answer.body, STR("\"authed_user\":{\"id\":")));
    assert_true(str_contains(answer.body, STR("\"access_token\":\"")));
    assert_false(str_contains(answer.body, STR("refresh_token")));
    assert_int_equal(token(&arena, "code=code-accepted-silent").status, 400);
    arena_done(&arena);
}

static void clients_get_tokens_by_post_and_by_get(void **state)
{
    static const char host[] = "123-abc-456.mktorest.com";
    struct arena arena = {0};
    (void)state;
#define CLIENT "grant_type=client_credentials&client_id=sandbox-client&client_secret="
    struct asker_answer answer = ask_token(sandbox, &arena, host, "/identity/oauth/token",
                                           CLIENT "sandbox-marketo-client-secret");
    assert_int_equal(answer.status, 200);
    answer = ask(sandbox, &arena, host,
                 "GET /identity/oauth/token?" CLIENT "sandbox-marketo-client-secret HTTP/1.1", "");
    assert_int_equal(answer.status, 200);
    struct str head = arena_printf(
        &arena, "GET /rest/v1/leads/describe.json HTTP/1.1\r\nAuthorization: Bearer %.*s",
        STR_ARG(answer_text(&arena, &answer, "access_token")));
    assert_true(
        str_contains(ask(sandbox, &arena, host, head.data, "").body, STR("\"success\":true")));
    answer = ask(sandbox, &arena, host, "GET /identity/oauth/token?" CLIENT "x HTTP/1.1", "");
    assert_int_equal(answer.status, 401);
    assert_true(str_contains(answer.body, STR("Bad client credentials")));
    arena_done(&arena);
}

static void a_shared_login_opens_both_and_has_one_app(void **state)
{
    struct arena arena = {0};
    struct str id, secret, other_id, other_secret;
    (void)state;
    struct asker_answer answer = token(&arena, CODE "code=code-accepted-shared");
    assert_int_equal(answer.status, 200);
    struct str head = arena_printf(&arena,
                                   "GET /api/account/version/4/do/read HTTP/1.1\r\n"
                                   "Pardot-Business-Unit-Id: 0Uv5g0000008OIECA2\r\n"
                                   "Authorization: Bearer %.*s",
                                   STR_ARG(answer_text(&arena, &answer, "access_token")));
    assert_true(str_contains(ask(sandbox, &arena, "pi.pardot.com", head.data, "").body,
                             STR("\"stat\":\"ok\"")));
    sandbox_oauth_app(STR("Pardot"), &id, &secret);
    sandbox_oauth_app(STR("Salesforce"), &other_id, &other_secret);
    assert_true(id.len > 0 && str_eq(id, other_id) && str_eq(secret, other_secret));
    sandbox_oauth_app(STR("Amplitude"), &id, &secret);
    assert_null(id.data);
    arena_done(&arena);
}

enum { RACERS = 4, RACES = 10 };

struct race {
    pthread_barrier_t barrier;
    atomic_int accepted[RACES], refused[RACES];
};

static void *run_race(void *argument)
{
    struct race *race = argument;
    for (int i = 0; i < RACES; i++) {
        struct arena arena = {0};
        struct str form = arena_printf(&arena, "%scode=code-accepted-race-%d", CODE, i);
        pthread_barrier_wait(&race->barrier);
        int status = token(&arena, form.data).status;
        atomic_fetch_add(status == 200 ? &race->accepted[i] : &race->refused[i], 1);
        arena_done(&arena);
    }
    return NULL;
}

static void of_many_with_one_code_one_wins(void **state)
{
    static struct race race;
    pthread_t threads[RACERS];
    (void)state;
    pthread_barrier_init(&race.barrier, NULL, RACERS);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_race, &race), 0);
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < RACES; i++) {
        assert_int_equal(atomic_load(&race.accepted[i]), 1);
        assert_int_equal(atomic_load(&race.refused[i]), RACERS - 1);
    }
    pthread_barrier_destroy(&race.barrier);
}

static int start(void **state)
{
    struct sandbox_config config = {.host = "127.0.0.1"};
    struct error error = {0};
    (void)state;
    return sandbox_start(&config, &sandbox, &error) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    sandbox_stop(sandbox);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_code_works_once),
        cmocka_unit_test(rotation_kills_the_old),
        cmocka_unit_test(clients),
        cmocka_unit_test(assertions),
        cmocka_unit_test(zendesk_takes_json),
        cmocka_unit_test(zendesk_rotates),
        cmocka_unit_test(passwords_bring_tokens),
        cmocka_unit_test(a_code_may_be_meant_without_saying_so),
        cmocka_unit_test(clients_get_tokens_by_post_and_by_get),
        cmocka_unit_test(a_shared_login_opens_both_and_has_one_app),
        cmocka_unit_test(of_many_with_one_code_one_wins),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
