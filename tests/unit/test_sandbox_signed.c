/* The sandbox's own look at a signature: what it takes and what it does not. */
#include "cmocka_all.h"

#include "sandbox/request.h"

#include <string.h>

static struct arena arena;

static struct str look(const char *method, const char *target, const char *authorization,
                       const char *date, const char *body, const char *type)
{
    struct http_head head = {
        .method = str_from(method),
        .target = str_from(target),
        .headers = {{STR("authorization"), str_from(authorization)},
                    {STR("X-Date"), str_from(date)},
                    {STR("Content-Type"), str_from(type)}},
        .header_count = 3,
    };
    struct sandbox_request request;
    request_init(&request, &head, str_from(body), false, &arena);
    return request_signed(&request, STR("X-Date:s3cret"));
}

#define DATE "2024-01-31T08:15:30.007Z"
#define GET_SIGNATURE "GghMPeMAT9WDmfc6K27M+T0ErvaQNbd8gkuyV8/dxDg="
#define POST_SIGNATURE "khtc7nEAqGNOogYOhErp3WOrlMrsdtRYhC1t0z/7ueM="

static void a_right_signature_names_key_and_user(void **state)
{
    (void)state;
    assert_true(str_eq(
        look("GET", "/rest/Task?limit=1", "HMAC_1 K:" GET_SIGNATURE ":u@x", DATE, "", "text/plain"),
        STR("K:u@x")));
    assert_true(str_eq(look("POST", "/rest/Task", "HMAC_1 K:" POST_SIGNATURE ":u", DATE,
                            "{\"A\":1}", "Application/JSON"),
                       STR("K:u")));
}

static void anything_else_names_nobody(void **state)
{
    (void)state;
    static const char *const headers[] = {
        ("HMAC_1 K:" POST_SIGNATURE ":u"),
        ("HMAC_2 K:" GET_SIGNATURE ":u"),
        ("HMAC_1 K:" GET_SIGNATURE),
        "HMAC_1 K::u",
        "HMAC_1",
        "",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        assert_null(look("GET", "/rest/Task?limit=1", headers[i], DATE, "", "").data);
    const char *good = "HMAC_1 K:" GET_SIGNATURE ":u";
    assert_null(look("GET", "/rest/Task?limit=2", good, DATE, "", "").data);
    assert_null(look("PUT", "/rest/Task?limit=1", good, DATE, "", "").data);
    assert_null(look("GET", "/rest/Task?limit=1", good, "2024-01-31T08:15:30.008Z", "", "").data);
    assert_null(look("GET", "/rest/Task?limit=1", good, "", "", "").data);
    assert_null(look("GET", "/rest/Task?limit=1", good, DATE, "{}", "").data);
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
        cmocka_unit_test_teardown(a_right_signature_names_key_and_user, clean),
        cmocka_unit_test_teardown(anything_else_names_nobody, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
