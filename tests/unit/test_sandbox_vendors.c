/* Each outcome of each vendor over a socket: status and bytes as the vendor would send them. */
#include "cmocka_all.h"

#include "sandbox_asker.h"

#include "base/buf.h"
#include "base/encode.h"
#include "wire/restjson.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sandbox *sandbox;

struct expected {
    const char *credential;
    int status;       /* 0: the connection breaks instead */
    const char *body; /* NULL: not looked at */
};

static struct asker_answer get(struct arena *arena, const char *host, const char *path,
                               const char *authorization)
{
    struct str head = authorization ? arena_printf(arena, "GET %s HTTP/1.1\r\nAuthorization: %s",
                                                   path, authorization)
                                    : arena_printf(arena, "GET %s HTTP/1.1", path);
    return ask(sandbox, arena, host, head.data, "");
}

static void check(const struct expected *expected, const struct asker_answer *answer)
{
    if (answer->status != expected->status)
        fail_msg("%s: %d instead of %d", expected->credential, answer->status, expected->status);
    if (!expected->body)
        return;
    if (!str_eq(answer->body, str_from(expected->body)))
        fail_msg("%s: %.*s", expected->credential, STR_ARG(answer->body));
    assert_false(answer->reset);
}

static void check_all(const char *host, const char *path, const char *scheme,
                      const struct expected *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena = {0};
        struct str text = str_from(expected[i].credential);
        if (strcmp(scheme, "Basic") == 0)
            text = encode_base64(&arena, text);
        struct str value = arena_printf(&arena, "%s %.*s", scheme, STR_ARG(text));
        struct asker_answer answer = get(&arena, host, path, value.data);
        check(&expected[i], &answer);
        arena_done(&arena);
    }
}
#define CHECK_ALL(host, path, scheme, expected)                                                    \
    check_all(host, path, scheme, expected, sizeof(expected) / sizeof((expected)[0]))

#define SESSION_INVALID                                                                            \
    "[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]"

static void salesforce_data(void **state)
{
    static const struct expected expected[] = {
        {"sandbox-token-accepted", 200, NULL},
        {"sandbox-token-accepted-7", 200, NULL},
        {"sandbox-token-accepted-", 401, SESSION_INVALID},
        {"dummyAccessToken", 401, SESSION_INVALID},
        {"sandbox-token-expired", 401, SESSION_INVALID},
        {"sandbox-token-revoked", 401, SESSION_INVALID},
        {"sandbox-token-not-for-rest", 401,
         "[{\"message\":\"This session is not valid for use with the REST API\","
         "\"errorCode\":\"INVALID_SESSION_ID\"}]"},
        {"sandbox-token-forbidden", 403,
         "[{\"message\":\"API is not enabled for this Organization or Partner\","
         "\"errorCode\":\"API_DISABLED_FOR_ORG\"}]"},
        {"sandbox-token-throttled", 429,
         "[{\"message\":\"TotalRequests Limit exceeded.\","
         "\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]"},
        {"sandbox-token-throttled-no-retry-after", 403, NULL},
        {"sandbox-token-server-error", 503, NULL},
        {"sandbox-token-malformed", 200, "{\"tooling\":\"/services/data/v58.0/tooling\",\"sobj"},
        {"sandbox-token-login-page", 200,
         "<!DOCTYPE html><html><head><title>Login | Salesforce</title></head><body></body></html>"},
        {"sandbox-token-redirect", 302, ""},
        {"sandbox-token-reset", 0, NULL},
    };
    (void)state;
    CHECK_ALL("acme.my.salesforce.com", "/services/data/v58.0/", "Bearer", expected);
}

static void salesforce_userinfo(void **state)
{
    static const struct expected expected[] = {
        {"sandbox-token-accepted", 200, NULL},
        {"unknown", 403, "Bad_OAuth_Token"},
        {"sandbox-token-expired", 403, "Bad_OAuth_Token"},
    };
    struct arena arena = {0};
    (void)state;
    CHECK_ALL("login.salesforce.com", "/services/oauth2/userinfo", "Bearer", expected);
    struct asker_answer answer = get(&arena, "login.salesforce.com", "/services/oauth2/userinfo",
                                     "Bearer sandbox-token-accepted");
    assert_true(str_contains(answer.body, STR("\"user_id\":\"0055g00000AbCdEAAV\"")));
    assert_true(str_contains(answer.body, STR("/services/data/v{version}/sobjects/")));
    arena_done(&arena);
}

#define INVALID_TOKEN                                                                              \
    "{\"error\":\"invalid_token\",\"error_description\":\"The access token provided is expired, "  \
    "revoked, malformed or invalid for other reasons.\"}"

static void zendesk(void **state)
{
    static const struct expected expected[] = {
        {"sandbox-token-accepted", 200, NULL},
        {"unknown", 401, INVALID_TOKEN},
        {"sandbox-token-expired", 401, INVALID_TOKEN},
        {"sandbox-token-revoked", 401, INVALID_TOKEN},
        {"sandbox-token-anonymous", 200, NULL},
        {"sandbox-token-forbidden", 403,
         "{\"error\":\"Forbidden\",\"description\":\"Missing the following required scopes: "
         "read\"}"},
        {"sandbox-token-throttled", 429,
         "{\"error\":\"APIRateLimitExceeded\",\"description\":\"Number of allowed API requests "
         "per minute exceeded\"}"},
        {"sandbox-token-server-error", 503, NULL},
        {"sandbox-token-malformed", 200, "{\"user\":{\"id\":4001,\"name\":\"Ag"},
        {"sandbox-token-redirect", 302, ""},
        {"sandbox-token-reset", 0, NULL},
    };
    struct arena arena = {0};
    (void)state;
    CHECK_ALL("acme.zendesk.com", "/api/v2/users/me.json", "Bearer", expected);
    /* Who shows nothing is greeted there, and turned away everywhere else. */
    struct asker_answer answer = get(&arena, "acme.zendesk.com", "/api/v2/users/me.json", NULL);
    assert_int_equal(answer.status, 200);
    assert_true(str_contains(answer.body, STR("{\"user\":{\"id\":null,")));
    answer = get(&arena, "acme.zendesk.com", "/api/v2/oauth/tokens/current.json", NULL);
    assert_int_equal(answer.status, 401);
    assert_true(str_eq(answer.body, STR("{\"error\":\"Couldn't authenticate you\"}")));
    arena_done(&arena);
}

static void amplitude(void **state)
{
    static const struct expected expected[] = {
        {"sandbox-key-accepted:sandbox-secret", 200,
         "{\"data\":[{\"id\":123,\"name\":\"Login\",\"display\":\"Login\",\"value\":\"Login\","
         "\"totals\":42,\"hidden\":false,\"deleted\":false,\"non_active\":false}]}"},
        {"sandbox-key-accepted:another", 401, NULL},
        {"sandbox-key-accepted", 401, NULL},
        {"unknown:sandbox-secret", 401, NULL},
        {"sandbox-key-expired:sandbox-secret", 401, NULL},
        {"sandbox-key-forbidden:sandbox-secret", 403, NULL},
        {"sandbox-key-throttled:sandbox-secret", 429, NULL},
        {"sandbox-key-server-error:sandbox-secret", 503, NULL},
        {"sandbox-key-malformed:sandbox-secret", 200, "{\"data\":[{\"id\":123,\"name\":\"Lo"},
        {"sandbox-key-reset:sandbox-secret", 0, NULL},
    };
    struct arena arena = {0};
    (void)state;
    CHECK_ALL("amplitude.com", "/api/2/events/list", "Basic", expected);
    assert_int_equal(get(&arena, "amplitude.com", "/api/2/events/list", NULL).status, 401);
    assert_int_equal(get(&arena, "amplitude.com", "/api/2/events/list", "Basic %%%").status, 401);
    arena_done(&arena);
}

static void throttled_once_then_accepted(void **state)
{
    struct arena arena = {0};
    (void)state;
    const char *authorization = "Bearer sandbox-token-after-throttle-vendors";
    const char *path = "/api/v2/users/me.json";
    struct asker_answer answer = get(&arena, "acme.zendesk.com", path, authorization);
    assert_int_equal(answer.status, 429);
    assert_true(str_eq(answer_header(&answer, "Retry-After"), STR("1")));
    for (int i = 0; i < 3; i++)
        assert_int_equal(get(&arena, "acme.zendesk.com", path, authorization).status, 200);
    answer = get(&arena, "acme.zendesk.com", path, "Bearer sandbox-token-throttled");
    assert_true(str_eq(answer_header(&answer, "Retry-After"), STR("3600")));
    answer = get(&arena, "acme.zendesk.com", path, "Bearer sandbox-token-throttled-no-retry-after");
    assert_int_equal(answer.status, 429);
    assert_null(answer_header(&answer, "Retry-After").data);
    arena_done(&arena);
}

static void broken_and_oversized_bodies(void **state)
{
    struct arena arena = {0};
    struct value *json;
    (void)state;
    struct asker_answer answer =
        get(&arena, "acme.zendesk.com", "/api/v2/users/me.json", "Bearer sandbox-token-truncated");
    assert_int_equal(answer.status, 200);
    assert_true(answer.reset);
    assert_true(answer.body.len > 0);
    answer =
        get(&arena, "acme.zendesk.com", "/api/v2/users/me.json", "Bearer sandbox-token-oversized");
    assert_int_equal(answer.status, 200);
    assert_true(answer.body.len > 2 * 1024 * 1024);
    assert_true(json_parse(answer.body, &arena, &json));
    answer =
        get(&arena, "acme.zendesk.com", "/api/v2/users/me.json", "Bearer sandbox-token-redirect");
    assert_true(
        str_eq(answer_header(&answer, "Location"), STR("https://login.elsewhere.example/")));
    arena_done(&arena);
}

static void unknown_places(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct asker_answer answer = get(&arena, "acme.my.salesforce.com", "/nowhere", NULL);
    assert_int_equal(answer.status, 404);
    assert_true(str_eq(answer.body, STR("[{\"errorCode\":\"NOT_FOUND\",\"message\":\"The requested "
                                        "resource does not exist\"}]")));
    answer = get(&arena, "vendor.example:8080", "/", NULL);
    assert_int_equal(answer.status, 421);
    struct str message = answer_text(&arena, &answer, "message");
    assert_true(str_contains(message, STR("\"vendor.example:8080\"")));
    assert_true(str_contains(message, STR("*.my.salesforce.com")));
    assert_int_equal(get(&arena, "ACME.My.Salesforce.COM:443", "/services/data/", NULL).status,
                     200);
    arena_done(&arena);
}

static struct asker_answer ask_secret(struct arena *arena, const char *more_headers,
                                      const char *body)
{
    struct str head = arena_printf(arena,
                                   "POST / HTTP/1.1\r\nX-Amz-Target: secretsmanager.GetSecretValue"
                                   "\r\nContent-Type: application/x-amz-json-1.1%s",
                                   more_headers);
    return ask(sandbox, arena, "secretsmanager.us-east-1.amazonaws.com", head.data, body);
}

static void secrets(void **state)
{
    struct arena arena = {0};
    struct value *app;
    const char *sign = "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=x";
    (void)state;
    struct asker_answer answer =
        ask_secret(&arena, sign,
                   "{\"SecretId\":\"arn:aws:secretsmanager:us-east-1:123456789012:secret:"
                   "sandbox-salesforce-app-AbCdEf\"}");
    assert_int_equal(answer.status, 200);
    assert_true(json_parse(answer_text(&arena, &answer, "SecretString"), &arena, &app));
    assert_true(str_eq(value_text(app, "clientId"), STR("sandbox-own-connected-app")));
    assert_true(str_eq(value_text(app, "clientSecret"), STR("sandbox-own-connected-app-secret")));
    answer = ask_secret(&arena, sign, "{\"SecretId\":\"another\"}");
    assert_int_equal(answer.status, 400);
    assert_true(str_eq(answer.body, STR("{\"__type\":\"ResourceNotFoundException\",\"Message\":"
                                        "\"Secrets Manager can't find the specified secret.\"}")));
    answer = ask_secret(&arena, "", "{\"SecretId\":\"another\"}");
    assert_true(str_contains(answer.body, STR("MissingAuthenticationTokenException")));
    answer = ask_secret(&arena, sign, "{}");
    assert_true(str_contains(answer.body, STR("ValidationException")));
    arena_done(&arena);
}

static struct str member(struct arena *arena, struct str body, const char *name)
{
    struct value *json;
    assert_true(json_parse(body, arena, &json));
    return value_text(value_get(json, "data") ? value_get(json, "data") : json, name);
}

/* A login's token is shown in a parameter of a scheme, in quotes. */
static void tokens_in_a_parameter(void **state)
{
#define AT "acme-prod.snowflakecomputing.com"
#define QUERY "POST /queries/v1/query-request?requestId=1 HTTP/1.1\r\nAuthorization: "
    static const char *const wrong[] = {"Snowflake %.*s", "Snowflake Token=%.*s",
                                        "Snowflake Word=\"%.*s\"", "Bearer %.*s",
                                        "Snowflake Token=\"%.*s"};
    struct arena arena = {0};
    (void)state;
    struct asker_answer answer =
        ask(sandbox, &arena, AT, "POST /session/v1/login-request?request_id=1 HTTP/1.1",
            "{\"data\":{\"LOGIN_NAME\":\"APPFLOW_SERVICE\","
            "\"PASSWORD\":\"sandbox-password-accepted\"}}");
    assert_int_equal(answer.status, 200);
    struct str token = member(&arena, answer.body, "token");
    assert_true(token.len > 0);
    struct str head = arena_printf(&arena, QUERY "snowflake token=\"%.*s\"", STR_ARG(token));
    answer = ask(sandbox, &arena, AT, head.data, "{\"sqlText\":\"USE WAREHOUSE COMPUTE_WH\"}");
    assert_true(str_contains(answer.body, STR("\"success\":true")));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct buf out = buf_in(&arena, 4096);
        buf_add_cstr(&out, QUERY);
        const char *place = strstr(wrong[i], "%.*s");
        buf_add(&out, (struct str){wrong[i], (size_t)(place - wrong[i])});
        buf_add(&out, token);
        buf_add_cstr(&out, place + 4);
        answer = ask(sandbox, &arena, AT, out.data, "{\"sqlText\":\"SELECT 1\"}");
        assert_true(str_contains(answer.body, STR("\"success\":false")));
    }
    arena_done(&arena);
}

static void requests_are_counted(void **state)
{
    struct arena arena = {0};
    (void)state;
    size_t amplitude_before = sandbox_request_count(sandbox, STR("Amplitude"));
    size_t zendesk_before = sandbox_request_count(sandbox, STR("Zendesk"));
    get(&arena, "amplitude.com", "/nowhere", NULL);
    get(&arena, "amplitude.com", "/api/2/events/list", NULL);
    get(&arena, "vendor.example", "/", NULL);
    assert_int_equal(sandbox_request_count(sandbox, STR("Amplitude")), amplitude_before + 2);
    assert_int_equal(sandbox_request_count(sandbox, STR("Zendesk")), zendesk_before);
    assert_int_equal(sandbox_request_count(sandbox, STR("Nobody")), 0);
    arena_done(&arena);
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
        cmocka_unit_test(salesforce_data),
        cmocka_unit_test(salesforce_userinfo),
        cmocka_unit_test(zendesk),
        cmocka_unit_test(amplitude),
        cmocka_unit_test(throttled_once_then_accepted),
        cmocka_unit_test(broken_and_oversized_bodies),
        cmocka_unit_test(unknown_places),
        cmocka_unit_test(secrets),
        cmocka_unit_test(tokens_in_a_parameter),
        cmocka_unit_test(requests_are_counted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
