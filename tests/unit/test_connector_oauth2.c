/* Token requests byte for byte, and what is taken for a token answer. */
#include "connector_script.h"

#include "auth/api_key.h"
#include "auth/basic.h"
#include "auth/oauth2.h"
#include "wire/errors.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;

static const struct oauth_app app = {STR("id:1"), STR("s e+c")};

static void assert_request(struct oauth2_request *request, const struct oauth_app *who,
                           unsigned style, const char *type, const char *authorization,
                           const char *body)
{
    struct client_request built;
    oauth2_build(&arena, request, STR("https://t.example/token"), who, style, &built);
    assert_str(built.method, "POST");
    assert_str(built.url, "https://t.example/token");
    assert_int_equal(built.header_count, authorization ? 3 : 2);
    assert_str(built.headers[0].name, "Accept");
    assert_str(built.headers[0].value, "application/json");
    assert_str(built.headers[1].name, "Content-Type");
    assert_str(built.headers[1].value, type);
    if (authorization) {
        assert_str(built.headers[2].name, "Authorization");
        assert_str(built.headers[2].value, authorization);
    }
    assert_str(built.body, body);
}

static const char FORM[] = "application/x-www-form-urlencoded";

static void each_grant_has_its_parameters(void **state)
{
    (void)state;
    struct oauth2_request request;
    oauth2_code(&request, STR("c/1="), STR("https://r.example/cb?x=1"));
    assert_request(&request, &app, OAUTH2_FORM, FORM, NULL,
                   "grant_type=authorization_code&code=c%2F1%3D&redirect_uri="
                   "https%3A%2F%2Fr.example%2Fcb%3Fx%3D1&client_id=id%3A1&client_secret=s%20e%2Bc");
    oauth2_refresh(&request, STR("r.1"));
    assert_request(&request, &app, OAUTH2_FORM, FORM, NULL,
                   "grant_type=refresh_token&refresh_token=r.1&client_id=id%3A1&client_secret="
                   "s%20e%2Bc");
    oauth2_jwt_bearer(&request, STR("h.p.s"));
    assert_request(&request, NULL, OAUTH2_FORM, FORM, NULL,
                   "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
                   "h.p.s");
    oauth2_client_credentials(&request);
    oauth2_add(&request, "scope", STR("a b"));
    oauth2_add(&request, "audience", STR_NULL);
    assert_request(&request, &app, OAUTH2_FORM, FORM, NULL,
                   "grant_type=client_credentials&scope=a%20b&client_id=id%3A1&client_secret="
                   "s%20e%2Bc");
}

static void the_client_can_show_itself_in_a_header(void **state)
{
    (void)state;
    struct oauth2_request request;
    oauth2_refresh(&request, STR("r.1"));
    assert_request(&request, &app, OAUTH2_BASIC, FORM,
                   "Basic aWQlM0ExOnMlMjBlJTJCYw==", "grant_type=refresh_token&refresh_token=r.1");
}

static void a_request_can_be_json(void **state)
{
    (void)state;
    struct oauth2_request request;
    oauth2_code(&request, STR("c\"1\\"), STR("https://r.example/"));
    assert_request(&request, &app, OAUTH2_JSON, "application/json", NULL,
                   "{\"grant_type\":\"authorization_code\",\"code\":\"c\\\"1\\\\\","
                   "\"redirect_uri\":\"https://r.example/\",\"client_id\":\"id:1\","
                   "\"client_secret\":\"s e+c\"}");
}

static bool read_tokens(const char *text, struct oauth_tokens *ret_tokens, struct error *error)
{
    struct value *value = NULL;
    bool json = json_parse(str_from(text), &arena, &value);
    return oauth2_read_tokens(json ? value : NULL, 1000, ret_tokens, error);
}

static void answers_are_read(void **state)
{
    (void)state;
    struct oauth_tokens tokens;
    assert_true(read_tokens("{\"access_token\":\"a\",\"refresh_token\":\"r\",\"token_type\":"
                            "\"Bearer\",\"scope\":\"s t\",\"expires_in\":3600,\"instance_url\":"
                            "\"https://i.example\",\"id\":{\"x\":[1]}}",
                            &tokens, NULL));
    assert_str(tokens.access_token, "a");
    assert_str(tokens.refresh_token, "r");
    assert_str(tokens.token_type, "Bearer");
    assert_str(tokens.scope, "s t");
    assert_str(tokens.instance_url, "https://i.example");
    assert_int_equal(tokens.expires_at_ms, 3601000);
    assert_int_equal(tokens.obtained_at_ms, 1000);
    assert_true(read_tokens("{\"access_token\":\"a\",\"refresh_token\":\"\"}", &tokens, NULL));
    assert_null(tokens.refresh_token.data);
    assert_null(tokens.instance_url.data);
}

static void lives_come_in_many_forms(void **state)
{
    (void)state;
    static const struct {
        const char *life;
        int64_t expires_at_ms;
    } cases[] = {
        {"\"3599\"", 3600000},
        {"1.5", 2000},
        {"0", 0},
        {"-5", 0},
        {"\"\"", 0},
        {"\"x\"", 0},
        {"null", 0},
        {"[1]", 0},
        {"1e400", 0},
        {"\"-1\"", 0},
        {"99999999999999", 315360001000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct oauth_tokens tokens;
        char text[128];
        snprintf(text, sizeof(text),
                 "{\"access_token\":\"a\",\"expires_in\":%s,\"refresh_token_expires_in\":%s}",
                 cases[i].life, cases[i].life);
        if (strcmp(cases[i].life, "1e400") == 0) { /* no JSON that any reader would agree on */
            assert_false(read_tokens(text, &tokens, NULL));
            continue;
        }
        assert_true(read_tokens(text, &tokens, NULL));
        assert_int_equal(tokens.expires_at_ms, cases[i].expires_at_ms);
        assert_int_equal(tokens.refresh_expires_at_ms, cases[i].expires_at_ms);
    }
}

static void malformed_answers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "The answer is not a JSON object."},
        {"access_token=a", "The answer is not a JSON object."},
        {"[\"access_token\"]", "The answer is not a JSON object."},
        {"{}", "The answer has no access_token."},
        {"{\"access_token\":\"\"}", "The answer has no access_token."},
        {"{\"access_token\":17}", "The answer has no access_token."},
        {"{\"access_token\":\"a\\r\\nX: y\"}", "The answer's access_token has control characters."},
        {"{\"access_token\":\"a\",\"refresh_token\":\"\\u007f\"}",
         "The answer's refresh_token has control characters."},
    };
    struct oauth_tokens tokens;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct error error = {0};
        assert_false(read_tokens(cases[i].text, &tokens, &error));
        assert_int_equal(error.code, ERR_CONNECTOR_SERVER);
        assert_string_equal(error.message, cases[i].message);
    }
    char *longest = arena_alloc(&arena, OAUTH2_TOKEN_MAX + 64);
    int len = snprintf(longest, 32, "{\"access_token\":\"");
    memset(longest + len, 'x', OAUTH2_TOKEN_MAX);
    memcpy(longest + len + OAUTH2_TOKEN_MAX, "\"}", 3);
    assert_true(read_tokens(longest, &tokens, NULL));
    memcpy(longest + len + OAUTH2_TOKEN_MAX, "x\"}", 4);
    assert_false(read_tokens(longest, &tokens, NULL));
}

static void tokens_survive_being_stored(void **state)
{
    (void)state;
    const struct oauth_tokens full = {STR("a"),      STR("r"),      STR("https://i.example"),
                                      STR("Bearer"), STR("s"),      STR("acct"),
                                      1700000000123, 1600000000456, 1800000000789};
    const struct oauth_tokens cases[] = {full, {.access_token = STR("only")}, {.scope = STR_NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf out = buf_in(&arena, 4096);
        struct value *value;
        struct oauth_tokens back;
        value_encode(&out, tokens_to_value(&arena, &cases[i]));
        assert_true(json_parse(buf_str(&out), &arena, &value));
        tokens_from_value(value, &back);
        assert_str(back.access_token, cases[i].access_token.data);
        assert_str(back.refresh_token, cases[i].refresh_token.data);
        assert_str(back.instance_url, cases[i].instance_url.data);
        assert_str(back.token_type, cases[i].token_type.data);
        assert_str(back.scope, cases[i].scope.data);
        assert_int_equal(back.expires_at_ms, cases[i].expires_at_ms);
        assert_int_equal(back.obtained_at_ms, cases[i].obtained_at_ms);
        assert_int_equal(back.refresh_expires_at_ms, cases[i].refresh_expires_at_ms);
    }
}

static void keys_fit_into_headers(void **state)
{
    (void)state;
    assert_str(auth_basic(&arena, STR("Aladdin"), STR("open sesame")),
               "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="); /* RFC 7617, 2 */
    assert_str(auth_bearer(&arena, STR("mF_9.B5f-4.1JqM")), "Bearer mF_9.B5f-4.1JqM");
    assert_true(auth_key_is_sendable(STR("k\xC3\xA9y ~")));
    assert_false(auth_key_is_sendable(STR("k\ny")));
    assert_false(auth_key_is_sendable(STR("k\x7Fy")));
    assert_false(auth_key_is_sendable((struct str){"k\0", 2}));
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
        cmocka_unit_test(each_grant_has_its_parameters),
        cmocka_unit_test(the_client_can_show_itself_in_a_header),
        cmocka_unit_test(a_request_can_be_json),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(lives_come_in_many_forms),
        cmocka_unit_test(malformed_answers_are_refused),
        cmocka_unit_test(tokens_survive_being_stored),
        cmocka_unit_test(keys_fit_into_headers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
