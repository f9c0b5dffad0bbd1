/* The engine's pure parts: URLs, templates, pointers, redaction, words, verdicts in words. */
#include "connector_script.h"

#include "base/encode.h"
#include "connector/http/response.h"
#include "connector/http/template.h"
#include "connector/http/url.h"
#include "connector/http/vendor_message.h"
#include "wire/json_pointer.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

static struct value *json(const char *text)
{
    struct value *value = NULL;
    assert_true(json_parse(str_from(text), &arena, &value));
    return value;
}

static void urls_get_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bare, *url, *origin;
    } cases[] = {
        {"https://acme.example.com", NULL, "https://acme.example.com",
         "https://acme.example.com:443"},
        {"acme.example.com", NULL, "https://acme.example.com", "https://acme.example.com:443"},
        {"HTTPS://ACME.Example.COM///", NULL, "https://acme.example.com",
         "https://acme.example.com:443"},
        {"acme.example.com.", NULL, "https://acme.example.com", "https://acme.example.com:443"},
        {"https://acme.example.com:443", NULL, "https://acme.example.com",
         "https://acme.example.com:443"},
        {"http://127.0.0.1:8080/", NULL, "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"http://acme:80", NULL, "http://acme", "http://acme:80"},
        {"acme:8443", "example.com", "https://acme:8443", "https://acme:8443"},
        {"acme", "example.com", "https://acme.example.com", "https://acme.example.com:443"},
        {"ACME/", "example.com", "https://acme.example.com", "https://acme.example.com:443"},
        {"acme", NULL, "https://acme", "https://acme:443"},
        {"https://acme", "example.com", "https://acme", "https://acme:443"},
        {"https://[::1]:8443/e/Env-1/", NULL, "https://[::1]:8443/e/Env-1", "https://[::1]:8443"},
        {"https://[FE80::A]", NULL, "https://[fe80::a]", "https://[fe80::a]:443"},
        {"https://acme/a%20b/%C3%A9/...", NULL, "https://acme/a%20b/%C3%A9/...",
         "https://acme:443"},
        {"https://acme/100%25/x;y=.", NULL, "https://acme/100%25/x;y=.", "https://acme:443"},
        {"https://a--b.sandbox.my.example.com", NULL, "https://a--b.sandbox.my.example.com",
         "https://a--b.sandbox.my.example.com:443"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct url url;
        struct error error = {0};
        if (!connector_url_parse(&arena, str_from(cases[i].text), cases[i].bare, "x", &url, &error))
            fail_msg("%s: %s", cases[i].text, error.message);
        assert_str(url_text(&arena, &url), cases[i].url);
        assert_str(url_origin(&arena, &url), cases[i].origin);
    }
}

static void odd_urls_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "https://",
        "https:///path",
        "ftp://acme.example.com",
        "javascript:alert(1)",
        "https:/acme.example.com",
        "://acme.example.com",
        "https://user@acme.example.com",
        "https://user:password@acme.example.com",
        "https://acme.example.com@evil.example",
        "https://acme.example.com?x=1",
        "https://acme.example.com/?x=1",
        "https://acme.example.com/#top",
        "https://acme.example.com#top",
        "https://acme.example.com\\@evil.example",
        "https://acme.example.com:",
        "https://acme.example.com:0",
        "https://acme.example.com:0443",
        "https://acme.example.com:65536",
        "https://acme.example.com:+443",
        "https://acme.example.com:44 3",
        "https://acme.example.com:443:443",
        "https://acme..example.com",
        "https://.example.com",
        "https://-acme.example.com",
        "https://acme.example.com..",
        "https://ac me.example.com",
        "https://acme.example.com/a/../b",
        "https://acme.example.com/./b",
        "https://acme.example.com/a b",
        "https://acme.example.com/a\nb",
        "https://acm\xC3\xA9.example.com",
        "https://acme%2eexample.com",
        "https://[::1",
        "https://[::1]443",
        "https://[fe80::1%25eth0]",
        "https://[]",
        "acme.example.com/x?u=https://b",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct url url;
        struct error error = {0};
        if (connector_url_parse(&arena, str_from(cases[i]), NULL, "instanceUrl", &url, &error))
            fail_msg("was taken: %s", cases[i]);
        assert_int_equal(error.code, ERR_VALIDATION);
        assert_memory_equal(error.message, "Validation exception: instanceUrl ", 34);
    }
    struct url url;
    assert_false(url_parse(&arena, (struct str){"acme\0.com", 9}, NULL, &url, NULL));
}

/* A reader behind the vendor's front end that decodes the path, once or more often, must not find
 * another one. */
static void paths_that_hide_segments_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "https://acme.example.com/a/%2e%2e/b",
        "https://acme.example.com/a/.%2E",
        "https://acme.example.com/%2e/b",
        "https://acme.example.com/a/%252e%252e/b",
        "https://acme.example.com/a/%25252e%25252e/b",
        "https://acme.example.com/100%25/%252e%252e/b",
        "https://acme.example.com/a/..;/b",
        "https://acme.example.com/a/..;x=1/b",
        "https://acme.example.com/a/%2e%2e%3bx/b",
        "https://acme.example.com/a%2fb",
        "https://acme.example.com/a%2Fb",
        "https://acme.example.com/a%252fb",
        "https://acme.example.com/a%5c..%5cb",
        "https://acme.example.com/a%00b",
        "https://acme.example.com/a%0d%0ab",
        "https://acme.example.com/a/%c0%ae%c0%ae/b",
        "https://acme.example.com/a%u002e%u002e/b",
        "https://acme.example.com/a%",
        "https://acme.example.com/a%2",
        "https://acme.example.com/%2525252525252525252541",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *fault = NULL;
        struct url url;
        if (url_parse(&arena, str_from(cases[i]), NULL, &url, &fault))
            fail_msg("was taken: %s", cases[i]);
        assert_string_equal(fault, "has a path that no URL has");
    }
}

static void domains_end_at_a_dot(void **state)
{
    (void)state;
    static const char *const names[] = {"example.com", "example.org"};
    struct connector_texts domains = LIST(names);
    static const struct {
        const char *host;
        bool in;
    } cases[] = {
        {"example.com", true},
        {"a.b.example.com", true},
        {"acme.example.org", true},
        {"notexample.com", false},
        {"example.com.evil.net", false},
        {"example.com-evil.net", false},
        {"com", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct url url;
        assert_true(url_parse(&arena, str_from(cases[i].host), NULL, &url, NULL));
        assert_int_equal(connector_url_in_domains(&url, &domains), cases[i].in);
    }
}

static void templates_escape_for_their_place(void **state)
{
    (void)state;
    struct scope scope = {
        .properties = json("{\"name\":\"a/b ?@\",\"n\":{\"port\":8443,\"on\":true}}"),
        .credentials = json("{\"key\":\"k:1\",\"list\":[1]}"),
    };
    static const struct {
        const char *template;
        enum template_escape escape;
        const char *filled;
    } cases[] = {
        {"plain", ESCAPE_NONE, "plain"},
        {"{name}", ESCAPE_NONE, "a/b ?@"},
        {"/x/{name}/{n.port}", ESCAPE_PERCENT, "/x/a%2Fb%20%3F%40/8443"},
        {"https://{name}.example.com", ESCAPE_HOST, "https://a!b!!!.example.com"},
        {"{credentials.key}{n.on}", ESCAPE_NONE, "k:1true"},
        {"[{missing}{n}{credentials.list}{credentials}]", ESCAPE_NONE, "[]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_str(template_fill(&arena, cases[i].template, &scope, cases[i].escape),
                   cases[i].filled);
    scope.credentials = NULL;
    assert_str(template_fill(&arena, "[{credentials.key}]", &scope, ESCAPE_NONE), "[]");
    assert_true(scope_allows(&arena, &scope, "n.on", "true"));
    assert_false(scope_allows(&arena, &scope, "n.off", "true"));
    assert_true(scope_allows(&arena, &scope, "name", NULL));
    assert_false(scope_allows(&arena, &scope, "credentials.key", NULL));
}

static void pointers_find_scalars(void **state)
{
    (void)state;
    struct value *value = json("[{\"a\":{\"b\":\"c\"},\"n\":7,\"f\":false,\"z\":null}]");
    assert_str(pointer_text(&arena, value, "/0/a/b"), "c");
    assert_str(pointer_text(&arena, value, "/0/n"), "7");
    assert_str(pointer_text(&arena, value, "/0/f"), "false");
    assert_str(pointer_text(&arena, value, "/0/a"), NULL);
    assert_str(pointer_text(&arena, value, "/1/a"), NULL);
    assert_str(pointer_text(&arena, value, "/x"), NULL);
    assert_str(pointer_text(&arena, value, "/0/a/b/c"), NULL);
    assert_true(pointer_is_missing(&arena, value, "/0/z"));
    assert_true(pointer_is_missing(&arena, value, "/0/a/z"));
    assert_false(pointer_is_missing(&arena, value, "/0/a/b"));
    assert_false(pointer_is_missing(&arena, value, "/0/q/z"));
    assert_true(pointer_is_missing(&arena, json("{}"), "/user"));
}

static void secrets_are_removed_in_every_form(void **state)
{
    (void)state;
    struct redaction redaction = {.arena = &arena};
    redact_add(&redaction, STR("abc"));
    redact_add(&redaction, STR("s3cr")); /* the longer one goes first all the same */
    redact_add(&redaction, STR("s3cr\"et/+\xC3\xA9"));
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"abc stays", "abc stays"},
        {"<s3cr\"et/+\xC3\xA9>", "<[removed]>"},
        {"S3CR\"ET/+\xC3\xA9", "[removed]"},
        {"s3cr%22et%2F%2B%C3%A9", "[removed]"},
        {"s3cr%22et%2f%2b%c3%a9!", "[removed]!"},
        {"s3cr\\\"et/+\xC3\xA9", "[removed]"},
        {"czNjciJldC8rw6k=", "[removed]"},
        {"czNjciJldC8rw6k", "[removed]"},
        {"s3crs3cr", "[removed]"},
        {"just s3cr", "just [removed]"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_str(redact(&redaction, str_from(cases[i].text)), cases[i].clean);
}

static void enum_values_are_no_secrets(void **state)
{
    (void)state;
    struct script script = {0};
    struct redaction redaction = {.arena = &arena};
    redact_add_value(
        &redaction, script_value(&script, "SalesforceConnectorProfileCredentials",
                                 "{\"oAuth2GrantType\":\"JWT_BEARER\",\"refreshToken\":\"r3fr3sh\","
                                 "\"oAuthRequest\":{\"authCode\":\"c0de\"}}"));
    assert_str(redact(&redaction, STR("JWT_BEARER r3fr3sh c0de")),
               "JWT_BEARER [removed] [removed]");
    script_done(&script);
}

static void words_are_printable_and_short(void **state)
{
    (void)state;
    struct redaction redaction = {.arena = &arena};
    redact_add(&redaction, STR("canary"));
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"Session expired", "Session expired"},
        {"  a\r\n\tb\x01\x7F ", "a b"},
        {"Anmeldung ung\xC3\xBCltig", "Anmeldung ung\xC3\xBCltig"},
        {"bad \xFF\xC0\x80 bytes", "bad bytes"},
        {"turned \xE2\x80\xAE"
         "around\xE2\x80\xA8",
         "turned around"},
        {"\xF0\x9F\x94\x91 key", "\xF0\x9F\x94\x91 key"},
        {"canary sings", "[removed] sings"},
        {"\n\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_str(vendor_message_clean(&redaction, str_from(cases[i].text)), cases[i].words);

    char longer[VENDOR_MESSAGE_RAW_MAX + 2];
    memset(longer, 'x', sizeof(longer));
    memcpy(longer + VERDICT_MESSAGE_MAX - 1, "\xC3\xA9", 2);
    struct str words = vendor_message_clean(&redaction, (struct str){longer, 2000});
    assert_int_equal(words.len, VERDICT_MESSAGE_MAX - 1); /* not half of a character */
    assert_true(utf8_is_valid(words));
    assert_null(vendor_message_clean(&redaction, (struct str){longer, sizeof(longer)}).data);
}

static void a_redirect_tells_its_host_only(void **state)
{
    (void)state;
    static const struct http_connector http;
    static const struct connector connector = {.http = &http};
    static const struct {
        const char *location, *words;
    } cases[] = {
        {"https://Login.acme.example/sso?state=1#a", "it leads to https://login.acme.example"},
        {"http://localhost:8080", "it leads to http://localhost:8080"},
        {"https://acme.example?next=//other.example", "it leads to https://acme.example"},
        {"https://canary.acme.example/", "it leads to https://[removed].acme.example"},
        {"/login", NULL},
        {"//acme.example/login", NULL},
        {"https://user:word@acme.example/", NULL},
        {"javascript://acme.example/", NULL},
        {"https://", NULL},
        {"", NULL},
        {NULL, NULL},
    };
    struct redaction redaction = {.arena = &arena};
    redact_add(&redaction, STR("canary"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_header header = {STR("location"), str_from(cases[i].location)};
        struct vendor_response response = {
            .http = {.status = 302, .headers = &header, .header_count = cases[i].location ? 1 : 0}};
        assert_str(vendor_message_find(&redaction, &connector, &response, false), cases[i].words);
        assert_null(vendor_message_find(&redaction, &connector, &response, true).data);
    }
}

static int64_t retry_after(const char *text)
{
    struct http_header header = {STR("retry-after"), str_from(text)};
    struct vendor_response response = {.http = {.headers = &header, .header_count = text ? 1 : 0}};
    struct connector_wait wait = {NULL, WAIT_SECONDS};
    return vendor_response_retry_after_ms(&arena, &response, &wait,
                                          784111777000); /* 1994-11-06 08:49:37 */
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    assert_int_equal(retry_after(NULL), -1);
    assert_int_equal(retry_after("0"), 0);
    assert_int_equal(retry_after("120"), 120000);
    assert_int_equal(retry_after("-1"), -1);
    assert_int_equal(retry_after("1.5"), -1);
    assert_int_equal(retry_after("soon"), -1);
    assert_int_equal(retry_after("99999999999999999999"), -1);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:50:37 GMT"), 60000);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:00:00 GMT"), 0);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:50:37 GMT, or so"), -1);
}

static int64_t own_wait(enum connector_wait_unit unit, int status, const char *text)
{
    struct http_header header = {STR("x-ratelimit-reset"), str_from(text)};
    struct vendor_response response = {
        .http = {.status = status, .headers = &header, .header_count = 1}};
    struct connector_wait wait = {"X-RateLimit-Reset", unit};
    return vendor_response_retry_after_ms(&arena, &response, &wait, 784111777000);
}

static void a_vendors_own_header_says_how_long(void **state)
{
    (void)state;
    assert_int_equal(own_wait(WAIT_SECONDS, 429, "7"), 7000);
    assert_int_equal(own_wait(WAIT_SECONDS, 403, "7"), 7000);
    assert_int_equal(own_wait(WAIT_SECONDS, 200, "7"), -1);
    assert_int_equal(own_wait(WAIT_SECONDS, 503, "7"), -1);
    assert_int_equal(own_wait(WAIT_SECONDS, 429, "never"), -1);
    assert_int_equal(own_wait(WAIT_SECONDS, 429, "99999999999"), -1);
    assert_int_equal(own_wait(WAIT_UNTIL_S, 429, "784111780"), 3000);
    assert_int_equal(own_wait(WAIT_UNTIL_S, 429, "784111700"), 0);
    assert_int_equal(own_wait(WAIT_UNTIL_US, 429, "784111778500000"), 1500);
    assert_int_equal(own_wait(WAIT_UNTIL_US, 429, "99999999999999999"), -1);
}

static void verdicts_are_sentences(void **state)
{
    (void)state;
    static const struct {
        struct verdict verdict;
        const char *sentence;
    } cases[] = {
        {{VERDICT_REJECTED, STEP_API, 401, STR("Session expired or invalid"), STR("Log in again."),
          0, false, 0, false},
         "Acme rejected the credentials at step api (HTTP 401): Session expired or invalid. "
         "Log in again."},
        {{VERDICT_FORBIDDEN, STEP_API, 403, STR("Missing scope."), STR_NULL, 0, false, 0, false},
         "Acme accepted the credentials, but they lack a permission at step api (HTTP 403): "
         "Missing "
         "scope."},
        {{VERDICT_THROTTLED, STEP_TOKEN, 429, STR_NULL, STR_NULL, 59001, false, 0, false},
         "Acme rate limit reached at step token (HTTP 429), retry after 60 seconds."},
        {{VERDICT_UNREACHABLE, STEP_RESOLVE, 0, STR("no address"), STR("Check the host name."), 0,
          false, 0, false},
         "Acme is unreachable at step resolve: no address. Check the host name."},
        {{VERDICT_MISCONFIGURED, STEP_API, 302, STR_NULL, STR_NULL, 0, false, 0, false},
         "Acme cannot be used with this configuration at step api (HTTP 302)."},
        {{VERDICT_INTERNAL, STEP_TOKEN, 0, STR("The disk is full."), STR_NULL, 0, false, 0, false},
         "Acme could not be verified because of an internal error at step token: The disk is "
         "full."},
        {{VERDICT_UNREACHABLE, STEP_API, 503, STR_NULL, STR_NULL, 0, false, 0, false},
         "Acme returned an unexpected response at step api (HTTP 503)."},
        {{VERDICT_UNREACHABLE, STEP_API, 0, STR("reset"), STR_NULL, 0, false, 0, false},
         "Acme gave no usable response at step api: reset."},
        {{VERDICT_BLOCKED, STEP_API, 403, STR_NULL, STR_NULL, 0, false, 0, false},
         "Acme request blocked at step api (HTTP 403)."},
        {{VERDICT_BUSY, STEP_TOKEN, 400, STR_NULL, STR("Try again."), 0, true, 0, false},
         "Acme is busy with another request at step token (HTTP 400). Try again."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_str(verdict_describe(&arena, STR("Acme"), &cases[i].verdict), cases[i].sentence);
}

static int set_up(void **state)
{
    (void)state;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_get_one_form),
        cmocka_unit_test(odd_urls_are_refused),
        cmocka_unit_test(paths_that_hide_segments_are_refused),
        cmocka_unit_test(domains_end_at_a_dot),
        cmocka_unit_test(templates_escape_for_their_place),
        cmocka_unit_test(pointers_find_scalars),
        cmocka_unit_test(secrets_are_removed_in_every_form),
        cmocka_unit_test(enum_values_are_no_secrets),
        cmocka_unit_test(words_are_printable_and_short),
        cmocka_unit_test(a_redirect_tells_its_host_only),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(a_vendors_own_header_says_how_long),
        cmocka_unit_test(verdicts_are_sentences),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
