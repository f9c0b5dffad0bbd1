/* The page on which a person authorizes at a mock vendor, over a socket: what it shows, where it
 * sends the browser, what it refuses, and what its codes are bound to. */
#include "cmocka_all.h"

#include "sandbox_asker.h"

#include "base/buf.h"
#include "base/encode.h"
#include "sandbox/code.h"

#define HOST "login.salesforce.com"
#define APP "client_id=sandbox-connected-app"
#define SECRET "client_secret=sandbox-connected-app-secret"
#define BACK "http://127.0.0.1:8620/connect/callback/Salesforce"
#define BACK_ESCAPED "http%3A%2F%2F127.0.0.1%3A8620%2Fconnect%2Fcallback%2FSalesforce"
#define REDIRECT "redirect_uri=" BACK_ESCAPED
/* RFC 7636, appendix B */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define PKCE "code_challenge=" CHALLENGE "&code_challenge_method=S256"
#define ASK "response_type=code&" APP "&" REDIRECT "&" PKCE "&scope=api%20refresh_token&state=s%2F1"

static struct sandbox *sandbox;
static struct arena arena;

static struct asker_answer open_page(const char *query)
{
    return ask(sandbox, &arena, HOST,
               arena_printf(&arena, "GET /services/oauth2/authorize?%s HTTP/1.1", query).data, "");
}

static struct asker_answer press(const char *host, const char *path, const char *query,
                                 const char *form)
{
    return ask(sandbox, &arena, host,
               arena_printf(&arena,
                            "POST %s?%s HTTP/1.1\r\n"
                            "Content-Type: application/x-www-form-urlencoded",
                            path, query)
                   .data,
               form);
}

static struct asker_answer press_allow(const char *query)
{
    return press(HOST, "/services/oauth2/authorize", query, "decision=allow");
}

static struct str location(const struct asker_answer *answer)
{
    return answer_header(answer, "Location");
}

/* The code that the browser is sent back with. */
static const char *new_code(void)
{
    struct asker_answer answer = press_allow(ASK);
    struct str before, code, rest;
    assert_int_equal(answer.status, 303);
    assert_true(str_starts(location(&answer), STR(BACK "?code=")));
    assert_true(str_ends(location(&answer), STR("&state=s%2F1")));
    assert_true(str_cut(location(&answer), '=', &before, &code));
    assert_true(str_cut(code, '&', &code, &rest));
    return arena_cstr(&arena, code);
}

static struct asker_answer exchange(const char *form, const char *code)
{
    return ask_token(
        sandbox, &arena, HOST, "/services/oauth2/token",
        arena_printf(&arena, "grant_type=authorization_code&%s&code=%s", form, code).data);
}

#define EXCHANGE APP "&" SECRET "&" REDIRECT "&code_verifier=" VERIFIER

static void a_person_allows(void **state)
{
    (void)state;
    struct asker_answer page = open_page(ASK);
    assert_int_equal(page.status, 200);
    assert_true(str_eq(answer_header(&page, "Content-Type"), STR("text/html; charset=utf-8")));
    assert_true(
        str_starts(answer_header(&page, "Content-Security-Policy"), STR("default-src 'none'; ")));
    assert_false(str_contains(page.body, STR("<script")));
    assert_true(str_contains(page.body, STR("<dd>api refresh_token</dd>")));
    assert_true(str_contains(page.body, STR("<dd>" BACK "</dd>")));
    const char *code = new_code();
    assert_int_equal(exchange(EXCHANGE, code).status, 200);
    struct asker_answer again = exchange(EXCHANGE, code);
    assert_int_equal(again.status, 400);
    assert_true(str_contains(again.body, STR("expired authorization code")));
}

static void a_person_denies(void **state)
{
    (void)state;
    struct asker_answer answer = press(HOST, "/services/oauth2/authorize", ASK, "decision=deny");
    assert_int_equal(answer.status, 303);
    assert_true(str_eq(location(&answer),
                       STR(BACK "?error=access_denied&error_description=end-user%20denied%20"
                                "authorization&state=s%2F1")));
    assert_int_equal(press(HOST, "/services/oauth2/authorize", ASK, "").status, 400);
}

/* A browser is sent nowhere: the request may not be the app's. */
static void what_the_page_itself_refuses(void **state)
{
    static const char *const queries[] = {
        "",
        "response_type=code&client_id=another&" REDIRECT "&" PKCE,
        "response_type=code&" APP "&" PKCE,
        "response_type=code&" APP "&" PKCE "&redirect_uri=" BACK "&redirect_uri=" BACK,
        "response_type=code&" APP "&" REDIRECT "&" PKCE "&state=%zz",
    };
    static const char *const redirects[] = {
        "https://headgate.example.com/connect/callback/Salesforce",
        "http://127.0.0.1:8620/connect/callback/Slack",
        "http://127.0.0.1:8620/connect/callback/Salesforce/",
        "http://127.0.0.1:8620/connect/callback/Salesforce%3Fx=1",
        "http://127.0.0.1:8620/connect/callback/Salesforce%23x",
        "http://127.0.0.1:8620@evil.example/connect/callback/Salesforce",
        "http://127.0.0.1.evil.example/connect/callback/Salesforce",
        "http://127.0.0.1:/connect/callback/Salesforce",
        "http://localhost:123456/connect/callback/Salesforce",
        "javascript://127.0.0.1/connect/callback/Salesforce",
        "http://127.0.0.1:8620/connect/callback/Salesforce%0d%0aX:%20y",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        struct asker_answer answer = press_allow(queries[i]);
        assert_int_equal(answer.status, 400);
        assert_null(location(&answer).data);
    }
    for (size_t i = 0; i < sizeof(redirects) / sizeof(*redirects); i++) {
        struct str query = arena_printf(
            &arena, "response_type=code&" APP "&" PKCE "&redirect_uri=%s", redirects[i]);
        struct asker_answer answer = press_allow(query.data);
        if (answer.status != 400 || location(&answer).data)
            fail_msg("%s: %d", redirects[i], answer.status);
    }
}

static void what_is_refused_to_the_app(void **state)
{
    static const struct {
        const char *query, *error;
    } cases[] = {
        {"response_type=token&" APP "&" REDIRECT "&" PKCE, "unsupported_response_type"},
        {"response_type=code&" APP "&" REDIRECT, "invalid_request"},
        {"response_type=code&" APP "&" REDIRECT "&code_challenge=" CHALLENGE, "invalid_request"},
        {"response_type=code&" APP "&" REDIRECT "&code_challenge=" CHALLENGE
         "&code_challenge_method=plain",
         "invalid_request"},
        {"response_type=code&" APP "&" REDIRECT "&code_challenge=x&code_challenge_method=S256",
         "invalid_request"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct asker_answer answer = press_allow(cases[i].query);
        assert_int_equal(answer.status, 303);
        assert_true(
            str_starts(location(&answer), arena_printf(&arena, BACK "?error=%s&", cases[i].error)));
    }
}

/* None of these uses it up. */
static void a_code_works_for_what_it_was_given_for(void **state)
{
    static const struct {
        const char *form, *error;
    } cases[] = {
        {"client_id=sandbox-own-connected-app&client_secret=sandbox-own-connected-app-"
         "secret&" REDIRECT "&code_verifier=" VERIFIER,
         "expired access/refresh token"},
        {APP "&" SECRET "&code_verifier=" VERIFIER
             "&redirect_uri=http%3A%2F%2F127.0.0.1%3A8621%2Fconnect%2Fcallback%2FSalesforce",
         "redirect_uri must match configuration"},
        {APP "&" SECRET "&" REDIRECT, "invalid code verifier"},
        {APP "&" SECRET "&" REDIRECT "&code_verifier=" CHALLENGE, "invalid code verifier"},
    };
    (void)state;
    const char *code = new_code();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct asker_answer answer = exchange(cases[i].form, code);
        assert_int_equal(answer.status, 400);
        if (!str_contains(answer.body, str_from(cases[i].error)))
            fail_msg("%s: %.*s", cases[i].form, STR_ARG(answer.body));
    }
    assert_int_equal(exchange(EXCHANGE, code).status, 200);
}

static void a_code_lives_briefly(void **state)
{
    static const struct code_binding binding = {STR("app"), STR("http://localhost/"), STR("")};
    (void)state;
    struct str code = code_make(&arena, STR("Vendor"), &binding, 1000);
    assert_int_equal(code_check(&arena, STR("Vendor"), code, &binding, 1000 + CODE_LIFE_S - 1),
                     CODE_GOOD);
    assert_int_equal(code_check(&arena, STR("Vendor"), code, &binding, 1000 + CODE_LIFE_S),
                     CODE_EXPIRED);
    assert_int_equal(code_check(&arena, STR("Other"), code, &binding, 1000), CODE_UNKNOWN);
    for (size_t i = 0; i < code.len; i++) {
        char *copy = (char *)arena_copy(&arena, code).data;
        copy[i] = copy[i] == '1' ? '2' : '1';
        assert_int_not_equal(
            code_check(&arena, STR("Vendor"), (struct str){copy, code.len}, &binding, 1000),
            CODE_GOOD);
        assert_int_equal(
            code_check(&arena, STR("Vendor"), (struct str){code.data, i}, &binding, 1000),
            CODE_UNKNOWN);
    }
    struct code_binding with_pkce = binding;
    with_pkce.challenge = code_challenge(&arena, STR(VERIFIER));
    assert_true(str_eq(with_pkce.challenge, STR(CHALLENGE)));
    assert_int_equal(code_check(&arena, STR("Vendor"), code, &with_pkce, 1000),
                     CODE_OTHER_VERIFIER);
    assert_int_equal(code_challenge(&arena, STR("too-short")).len, 0);
}

/* As a browser comes, which is not led by the vendor's name; Google says who it is. */
static void a_browser_comes_by_this_machines_address(void **state)
{
    static const char path[] = "/at/accounts.google.com/o/oauth2/v2/auth";
    static const char query[] =
        "response_type=code&client_id=1001-sandbox.apps.googleusercontent.com&" PKCE
        "&redirect_uri=https%3A%2F%2Flocalhost%2Fconnect%2Fcallback%2FGoogleanalytics";
    (void)state;
    struct asker_answer answer = press("127.0.0.1:8621", path, query, "decision=allow");
    assert_int_equal(answer.status, 303);
    assert_true(str_starts(location(&answer),
                           STR("https://localhost/connect/callback/Googleanalytics?code=")));
    assert_true(str_ends(location(&answer), STR("&iss=https%3A%2F%2Faccounts.google.com")));
    static const struct {
        const char *host, *path;
    } others[] = {{"127.0.0.1", "/at/"}, {"127.0.0.1", "/at/vendor.example/x"}};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_int_equal(press(others[i].host, others[i].path, query, "decision=allow").status,
                         421);
    assert_int_equal(press("accounts.google.com", path, query, "decision=allow").status, 404);
    /* The vendor's "/", where it has no page. */
    assert_int_equal(press("127.0.0.1", "/at/accounts.google.com", query, "").status, 404);
}

/* Slack takes no PKCE: its codes are bound to none. */
static void a_vendor_without_pkce(void **state)
{
    static const char query[] =
        "response_type=code&client_id=4567.8910&user_scope=channels%3Aread&"
        "redirect_uri=http%3A%2F%2F%5B%3A%3A1%5D%3A8620%2Fconnect%2Fcallback%2FSlack";
    (void)state;
    struct asker_answer answer = press("slack.com", "/oauth/v2/authorize", query, "decision=allow");
    struct str before, code;
    assert_int_equal(answer.status, 303);
    assert_true(str_cut(location(&answer), '=', &before, &code));
    struct str form = arena_printf(
        &arena,
        "client_id=4567.8910&client_secret=sandbox-slack-client-secret&code=%.*s&redirect_uri="
        "http%%3A%%2F%%2F%%5B%%3A%%3A1%%5D%%3A8620%%2Fconnect%%2Fcallback%%2FSlack",
        STR_ARG(code));
    assert_true(str_contains(
        ask_token(sandbox, &arena, "slack.com", "/api/oauth.v2.access", form.data).body,
        STR("\"ok\":true")));
}

static void what_is_shown_is_escaped_and_bounded(void **state)
{
    (void)state;
    struct asker_answer answer = open_page("response_type=code&" APP "&" REDIRECT "&" PKCE
                                           "&scope=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%26");
    assert_int_equal(answer.status, 200);
    assert_true(str_contains(
        answer.body, STR("<dd>&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;</dd>")));
    struct buf query = buf_in(&arena, 64 * 1024);
    buf_add_cstr(&query, "response_type=code&" APP "&" REDIRECT "&" PKCE "&scope=");
    for (int i = 0; i < 2048; i++)
        buf_add_char(&query, 'a');
    answer = open_page(query.data);
    assert_int_equal(answer.status, 200);
    assert_true(answer.body.len < 4096);
    buf_add_char(&query, 'a');
    assert_int_equal(open_page(query.data).status, 400);
}

static int set_up(void **state)
{
    static const struct sandbox_config config = {.host = "127.0.0.1"};
    struct error error;
    (void)state;
    return sandbox_start(&config, &sandbox, &error) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sandbox_stop(sandbox);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_allows),
        cmocka_unit_test(a_person_denies),
        cmocka_unit_test(what_the_page_itself_refuses),
        cmocka_unit_test(what_is_refused_to_the_app),
        cmocka_unit_test(a_code_works_for_what_it_was_given_for),
        cmocka_unit_test(a_code_lives_briefly),
        cmocka_unit_test(a_browser_comes_by_this_machines_address),
        cmocka_unit_test(a_vendor_without_pkce),
        cmocka_unit_test(what_is_shown_is_escaped_and_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
