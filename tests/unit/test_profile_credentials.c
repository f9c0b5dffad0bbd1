/* References in a profile's credentials: where they are found, what is refused before anything is
 * read, what takes their place, and when they count as another credential. */
#include "cmocka_all.h"

#include "auth/references.h"
#include "profile/credentials.h"
#include "vault/secret.h"
#include "wire/errors.h"
#include "wire/json_value.h"

#include <stdlib.h>
#include <string.h>

#define OWN "123456789012"

static const struct profile_key key = {STR(OWN), STR("us-east-1"), STR("p")};

struct fixture {
    struct arena arena;
    struct reference_rules *rules;
    struct secret *service_secret;
    struct profile_context context;
    struct profile_credentials credentials;
    struct error error;
};

static int open_fixture(void **state)
{
    static const char *const rules[] = {OWN "=env:HG_TEST_ONE", OWN "=env:HG_TEST_NESTED"};
    struct fixture *f = calloc(1, sizeof(*f));
    setenv("HG_TEST_ONE", "first", 1);
    setenv("HG_TEST_NESTED", "{{resolve:env:HG_TEST_ONE}}", 1);
    assert_true(reference_rules_new(rules, 2, &f->rules, NULL));
    assert_true(reference_rules_take_variables(f->rules, NULL));
    f->service_secret = secret_new(STR("a service secret of 32 bytes. .."));
    f->context = (struct profile_context){
        .references = references_new(&(struct references_config){.rules = f->rules}),
        .service_secret = f->service_secret,
        .verify_timeout_ms = 1000,
    };
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    references_free(f->context.references);
    reference_rules_free(f->rules);
    secret_free(f->service_secret);
    arena_done(&f->arena);
    free(f);
    return 0;
}

static bool resolve(struct fixture *f, const char *connector, const char *json)
{
    struct value *given;
    f->error = (struct error){0};
    assert_true(json_parse(str_from(json), &f->arena, &given));
    return profile_credentials_resolve(&f->context, key, str_from(connector), given, 0, &f->arena,
                                       &f->credentials, &f->error);
}

static struct str encoded(struct fixture *f, const struct value *value)
{
    struct buf out = buf_in(&f->arena, 4096);
    value_encode(&out, value);
    return buf_str(&out);
}

static void references_are_found_at_every_depth(void **state)
{
    struct fixture *f = *state;
    const char *json =
        "{\"authenticationType\":\"CUSTOM\",\"custom\":{\"customAuthenticationType\":"
        "\"own\",\"credentialsMap\":{\"a\":\"{{resolve:env:HG_TEST_ONE}}\","
        "\"b\":\"plain\"}}}";
    assert_true(resolve(f, "CustomConnector", json));
    assert_true(str_eq(encoded(f, f->credentials.given), str_from(json)));
    assert_true(str_eq(encoded(f, f->credentials.resolved),
                       STR("{\"authenticationType\":\"CUSTOM\",\"custom\":{"
                           "\"customAuthenticationType\":\"own\",\"credentialsMap\":{"
                           "\"a\":\"first\",\"b\":\"plain\"}}}")));
    assert_null(f->credentials.seed.data);
    assert_true(resolve(f, "Amplitude", "{\"apiKey\":\"k\",\"secretKey\":\"s\"}"));
    assert_ptr_equal(f->credentials.given, f->credentials.resolved);
}

static void tokens_by_reference_have_a_seed(void **state)
{
    struct fixture *f = *state;
    assert_true(resolve(f, "Salesforce", "{\"refreshToken\":\"{{resolve:env:HG_TEST_ONE}}\"}"));
    assert_int_equal(f->credentials.seed.len, CREDENTIALS_SEED_SIZE - 1);
    struct str seed = f->credentials.seed;
    assert_null(strstr(seed.data, "first"));
    assert_true(resolve(f, "Salesforce",
                        "{\"refreshToken\":\"{{resolve:env:HG_TEST_ONE}}\","
                        "\"accessToken\":\"literal\"}"));
    assert_true(str_eq(seed, f->credentials.seed));
    assert_true(resolve(f, "Salesforce", "{\"refreshToken\":\"first\"}"));
    assert_null(f->credentials.seed.data);
}

static void refusals_name_the_member(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *json, *message;
    } rows[] = {
        {"{\"apiKey\":\"x{{resolve:env:HG_TEST_ONE}}\",\"secretKey\":\"s\"}",
         "The value of apiKey has {{resolve: in it, but is no reference: a reference is the whole "
         "value, from {{resolve: to }}."},
        {"{\"apiKey\":\"{{resolve:env:HG_TEST_TWO}}\",\"secretKey\":\"s\"}",
         "The reference {{resolve:env:HG_TEST_TWO}} in apiKey cannot be used: the server's "
         "operator has not allowed it. The option --reference " OWN "=env:HG_TEST_TWO would allow "
         "it."},
        {"{\"apiKey\":\"{{resolve:env:HG_TEST_NESTED}}\",\"secretKey\":\"s\"}",
         "The reference {{resolve:env:HG_TEST_NESTED}} in apiKey cannot be used: what it leads to "
         "is another reference."},
        {"{\"apiKey\":\"{{resolve:secretsmanager:a}}\",\"secretKey\":\"s\"}",
         "The reference {{resolve:secretsmanager:a}} in apiKey cannot be used: the server's "
         "operator has not allowed it. The option --reference " OWN "=secretsmanager:a would allow "
         "it."},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_false(resolve(f, "Amplitude", rows[i].json));
        assert_string_equal(f->error.message, rows[i].message);
        assert_int_equal(f->error.code, ERR_VALIDATION);
    }
}

/* Its account is compared with the caller's in the text that was given. */
static void an_arn_of_client_credentials_is_no_reference(void **state)
{
    struct fixture *f = *state;
    assert_false(
        resolve(f, "Salesforce", "{\"clientCredentialsArn\":\"{{resolve:env:HG_TEST_ONE}}\"}"));
    assert_int_equal(f->error.code, ERR_VALIDATION);
    assert_string_equal(f->error.message,
                        "clientCredentialsArn is an ARN by itself and cannot be a reference.");
}

/* They are the caller's words, in a member that is sensitive. */
static void keys_of_maps_are_not_named(void **state)
{
    struct fixture *f = *state;
    assert_false(resolve(f, "CustomConnector",
                         "{\"custom\":{\"credentialsMap\":{\"s3cret-key\":"
                         "\"{{resolve:env:HG_TEST_TWO}}\"}}}"));
    assert_null(strstr(f->error.message, "s3cret-key"));
    assert_non_null(strstr(f->error.message, "{{resolve:env:HG_TEST_TWO}} in credentialsMap "));
}

static void their_number_is_limited(void **state)
{
    struct fixture *f = *state;
    struct buf json = buf_in(&f->arena, 8192);
    buf_add_cstr(&json, "{\"custom\":{\"credentialsMap\":{");
    for (int i = 0; i <= CREDENTIALS_REFERENCES_MAX; i++)
        buf_printf(&json, "%s\"refreshToken%d\":\"{{resolve:env:HG_TEST_ONE}}\"", i > 0 ? "," : "",
                   i);
    buf_add_cstr(&json, "}}}");
    assert_false(resolve(f, "CustomConnector", arena_cstr(&f->arena, buf_str(&json))));
    assert_string_equal(f->error.message, "The credentials have more than 32 references.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(references_are_found_at_every_depth, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(tokens_by_reference_have_a_seed, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(refusals_name_the_member, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(an_arn_of_client_credentials_is_no_reference, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(keys_of_maps_are_not_named, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(their_number_is_limited, open_fixture, close_fixture),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
