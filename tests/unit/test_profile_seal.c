/* What a profile's seal holds, and recognizing it without decoding. */
#include "cmocka_all.h"

#include "keyring_scratch.h"
#include "profile/seal.h"
#include "vault/seal.h"
#include "wire/restjson.h"

#include <string.h>

static struct arena arena;
static struct keyring *keyring;

static const struct value *parse(const char *json)
{
    struct value *value;
    assert_true(json_parse(str_from(json), &arena, &value));
    return value;
}

static struct profile sealed(const char *credentials)
{
    struct profile profile = {.key = {STR("123456789012"), STR("us-east-1"), STR("crm")},
                              .version = 7};
    assert_true(profile_seal(keyring, &profile, parse(credentials), &arena,
                             &profile.sealed_credentials, NULL));
    return profile;
}

/* As versions before 8 of the schema have it: with the tokens in the same document. */
static struct profile sealed_with_tokens(const char *document)
{
    struct profile profile = sealed("{}");
    struct seal_binding binding = profile_seal_binding(&profile);
    assert_true(seal_close(keyring, &binding, str_from(document), &arena,
                           &profile.sealed_credentials, NULL));
    return profile;
}

static bool is_same(const struct profile *profile, const char *credentials)
{
    bool same = false;
    assert_true(profile_unseal_same(keyring, profile, parse(credentials), &arena, &same, NULL));
    return same;
}

static void what_was_sealed_comes_back(void **state)
{
    (void)state;
    struct profile profile = sealed("{\"key\":\"a\\\"}\"}");
    const struct value *credentials;
    struct oauth_tokens tokens;
    assert_true(profile_unseal(keyring, &profile, &arena, &credentials, &tokens, NULL));
    assert_true(str_eq(value_text(credentials, "key"), STR("a\"}")));
    assert_null(tokens.access_token.data);
}

static void tokens_of_an_earlier_version_are_found_beside_the_credentials(void **state)
{
    (void)state;
    struct profile profile = sealed_with_tokens(
        "{\"credentials\":{\"key\":\"a\"},\"tokens\":{\"accessToken\":\"t\",\"expiresAtMs\":5}}");
    const struct value *credentials;
    struct oauth_tokens tokens;
    assert_true(profile_unseal(keyring, &profile, &arena, &credentials, &tokens, NULL));
    assert_true(str_eq(value_text(credentials, "key"), STR("a")));
    assert_true(str_eq(tokens.access_token, STR("t")));
    assert_int_equal(tokens.expires_at_ms, 5);
    assert_true(is_same(&profile, "{\"key\":\"a\"}"));
    assert_false(is_same(&profile, "{\"key\":\"b\"}"));
}

static void the_same_credentials_are_recognized(void **state)
{
    (void)state;
    struct profile profile = sealed("{\"key\":\"a\",\"secret\":\"b\"}");
    assert_true(is_same(&profile, "{\"key\":\"a\",\"secret\":\"b\"}"));
    profile = sealed("{}");
    assert_true(is_same(&profile, "{}"));
}

/* One with a part of what is stored, or with the stored text inside of its own, has other ones. */
static void other_credentials_are_not_recognized(void **state)
{
    (void)state;
    static const char *const others[] = {
        "{}",
        "{\"key\":\"a\"}",
        "{\"key\":\"a\",\"secret\":\"c\"}",
        "{\"key\":\"a\",\"secret\":\"b\",\"more\":\"\"}",
        "{\"key\":\"a\",\"secret\":\"b\\\"},\\\"tokens\\\":{}\"}",
        "\"a\"",
    };
    struct profile profile = sealed("{\"key\":\"a\",\"secret\":\"b\"}");
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(is_same(&profile, others[i]));
}

static void a_seal_of_another_version_does_not_open(void **state)
{
    (void)state;
    struct profile profile = sealed("{\"key\":\"a\"}");
    struct error error = {0};
    bool same;
    profile.version++;
    assert_false(
        profile_unseal_same(keyring, &profile, parse("{\"key\":\"a\"}"), &arena, &same, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
}

/* Sealed here and by nobody else, but not as this version writes it. */
static void what_opens_and_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "",   "no JSON",         "[]",
        "{}", "{\"tokens\":{}}", "{\"credentials\":{\"key\":\"a\"},\"tokens\":"};
    for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
        struct profile profile = sealed_with_tokens(documents[i]);
        const struct value *credentials;
        struct error error = {0};
        assert_false(profile_unseal(keyring, &profile, &arena, &credentials, NULL, &error));
        assert_int_equal(error.code, ERR_INTERNAL);
        assert_non_null(strstr(error.message, "crm"));
    }
}

static int begin(void **state)
{
    shapes_init(); /* also readies the JSON reader */
    if (scratch_begin(state) != 0)
        return -1;
    keyring = scratch_keyring("keyring");
    return 0;
}

static int end(void **state)
{
    keyring_free(keyring);
    arena_done(&arena);
    return scratch_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_comes_back),
        cmocka_unit_test(tokens_of_an_earlier_version_are_found_beside_the_credentials),
        cmocka_unit_test(the_same_credentials_are_recognized),
        cmocka_unit_test(other_credentials_are_not_recognized),
        cmocka_unit_test(a_seal_of_another_version_does_not_open),
        cmocka_unit_test(what_opens_and_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests_name("profile seal", tests, begin, end);
}
