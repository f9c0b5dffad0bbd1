/* Signing a request, each step by itself. The signatures were made with another implementation of
 * HMAC-SHA-256. */
#include "cmocka_all.h"

#include "auth/signed.h"

#include <string.h>

static struct arena arena;

static void assert_text(struct str text, const char *expected)
{
    if (!str_eq(text, str_from(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(text), expected);
}

static void a_date_has_milliseconds_and_is_utc(void **state)
{
    (void)state;
    assert_text(signed_date(&arena, 0), "1970-01-01T00:00:00.000Z");
    assert_text(signed_date(&arena, 1704067200000), "2024-01-01T00:00:00.000Z");
    assert_text(signed_date(&arena, 1709251199999), "2024-02-29T23:59:59.999Z");
    assert_text(signed_date(&arena, 1706688930007), "2024-01-31T08:15:30.007Z");
}

static void the_target_is_path_and_query_as_sent(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"https://network.example.com/rest/3.1", "/rest/3.1"},
        {"https://network.example.com:8443/rest/3.1/Task/query?oql=a%3D%27B%27&limit=1",
         "/rest/3.1/Task/query?oql=a%3D%27B%27&limit=1"},
        {"http://[::1]:80/a//b/", "/a//b/"},
        {"https://network.example.com", ""},
        {"https://network.example.com?x=://y", "?x=://y"},
        {"https://network.example.com/a?to=https://b/c", "/a?to=https://b/c"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_text(signed_target(str_from(cases[i][0])), cases[i][1]);
}

static const struct {
    const char *date, *method, *url, *body, *content_type;
    const char *message;
} messages[] = {
    {"2024-01-01T00:00:00.000Z", "GET", "https://network.example.com/rest/3.1", NULL, NULL,
     "2024-01-01t00:00:00.000zget/rest/3.1"},
    {"2024-01-01T00:00:00.000Z", "GET", "https://n.example/rest/3.1/OrderDetail/query?oql=a%3D1",
     NULL, NULL, "2024-01-01t00:00:00.000zget/rest/3.1/orderdetail/query?oql=a%3d1"},
    /* Without a body its type is not signed, even if there is one. */
    {"D", "GET", "https://n.example/a", "", "application/json", "dget/a"},
    {"D", "POST", "https://n.example/Task", "{\"a\":\"B\xC3\x84\"}",
     "application/json; charset=UTF-8",
     "dpost/task{\"a\":\"b\xC3\x84\"}application/json; charset=utf-8"},
};

static void a_message_is_all_in_small_letters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        struct signed_request request = {
            .date = str_from(messages[i].date),
            .method = str_from(messages[i].method),
            .url = str_from(messages[i].url),
            .body = str_from(messages[i].body),
            .content_type = str_from(messages[i].content_type),
        };
        assert_text(signed_message(&arena, &request), messages[i].message);
    }
}

static const struct {
    const char *secret, *message, *signature;
} signatures[] = {
    {"secret", "2024-01-01t00:00:00.000zget/rest/3.1",
     "wuTXjIybRcjH8oAZjNvp4sMMwkwfqSNZWCt19A7CmUw="},
    {"\xD0\xBA\xD0\xBB\xD1\x8E\xD1\x87",
     "2024-01-01t00:00:00.000zpost/rest/3.1/task{\"a\":\"b\xC3\x84\"}application/json; "
     "charset=utf-8",
     "HfC7Y3nqtk04KNGqUT8u6gSAIjFgAE1dEIbYssxOdxs="},
    /* RFC 4231, test case 2. */
    {"Jefe", "what do ya want for nothing?", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="},
};

static void a_signature_is_an_hmac_in_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++)
        assert_text(signed_signature(&arena, str_from(signatures[i].secret),
                                     str_from(signatures[i].message)),
                    signatures[i].signature);
}

static void a_header_names_key_signature_and_user(void **state)
{
    (void)state;
    assert_text(
        signed_authorization(&arena, STR("HMAC_1"), STR("AK1"), STR("c2ln"), STR("ops@acme")),
        "HMAC_1 AK1:c2ln:ops@acme");
}

static int clean(void **state)
{
    (void)state;
    arena_done(&arena);
    arena = (struct arena){0};
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_date_has_milliseconds_and_is_utc, clean),
        cmocka_unit_test_teardown(the_target_is_path_and_query_as_sent, clean),
        cmocka_unit_test_teardown(a_message_is_all_in_small_letters, clean),
        cmocka_unit_test_teardown(a_signature_is_an_hmac_in_base64, clean),
        cmocka_unit_test_teardown(a_header_names_key_signature_and_user, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
