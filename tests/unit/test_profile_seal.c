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

static struct profile sealed(const char *credentials, const struct oauth_tokens *tokens)
{
    struct profile profile = {.key = {STR("123456789012"), STR("us-east-1"), STR("crm")},
                              .version = 7};
    assert_true(profile_seal(keyring, &profile, parse(credentials), tokens, &arena,
                             &profile.sealed_credentials, NULL));
    return profile;
}

static bool is_same(const struct profile *profile, const char *credentials,
                    struct oauth_tokens *tokens)
{
    bool same = false;
    assert_true(
        profile_unseal_same(keyring, profile, parse(credentials), &arena, &same, tokens, NULL));
    return same;
}

static void what_was_sealed_comes_back(void **state)
{
    (void)state;
    struct oauth_tokens tokens = {.access_token = STR("\"t\"}"), .expires_at_ms = 5};
    struct profile profile = sealed("{\"key\":\"a\\\"}\"}", &tokens);
    struct profile_secrets secrets;
    assert_true(profile_unseal(keyring, &profile, &arena, &secrets, NULL));
    assert_true(str_eq(value_text(secrets.credentials, "key"), STR("a\"}")));
    assert_true(str_eq(secrets.tokens.access_token, tokens.access_token));
    assert_int_equal(secrets.tokens.expires_at_ms, 5);
}

static void the_same_credentials_are_recognized_with_their_tokens(void **state)
{
    (void)state;
    struct oauth_tokens tokens = {.access_token = STR("t"), .expires_at_ms = 5}, found;
    struct profile profile = sealed("{\"key\":\"a\",\"secret\":\"b\"}", &tokens);
    assert_true(is_same(&profile, "{\"key\":\"a\",\"secret\":\"b\"}", &found));
    assert_true(str_eq(found.access_token, STR("t")));
    assert_int_equal(found.expires_at_ms, 5);
    profile = sealed("{}", &(struct oauth_tokens){0});
    assert_true(is_same(&profile, "{}", &found));
    assert_null(found.access_token.data);
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
    struct profile profile = sealed("{\"key\":\"a\",\"secret\":\"b\"}", &(struct oauth_tokens){0});
    struct oauth_tokens found;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(is_same(&profile, others[i], &found));
}

static void a_seal_of_another_version_does_not_open(void **state)
{
    (void)state;
    struct profile profile = sealed("{\"key\":\"a\"}", &(struct oauth_tokens){0});
    struct oauth_tokens found;
    struct error error = {0};
    bool same;
    profile.version++;
    assert_false(profile_unseal_same(keyring, &profile, parse("{\"key\":\"a\"}"), &arena, &same,
                                     &found, &error));
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
        struct profile profile = sealed("{}", &(struct oauth_tokens){0});
        struct seal_binding binding = profile_seal_binding(&profile);
        struct profile_secrets secrets;
        struct error error = {0};
        assert_true(seal_close(keyring, &binding, str_from(documents[i]), &arena,
                               &profile.sealed_credentials, NULL));
        assert_false(profile_unseal(keyring, &profile, &arena, &secrets, &error));
        assert_int_equal(error.code, ERR_INTERNAL);
        assert_non_null(strstr(error.message, "crm"));
    }
    struct profile profile = sealed("{}", &(struct oauth_tokens){0});
    struct seal_binding binding = profile_seal_binding(&profile);
    struct oauth_tokens found;
    bool same;
    assert_true(seal_close(keyring, &binding, STR("{\"credentials\":{},\"tokens\":{]}"), &arena,
                           &profile.sealed_credentials, NULL));
    assert_false(profile_unseal_same(keyring, &profile, parse("{}"), &arena, &same, &found, NULL));
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
        cmocka_unit_test(the_same_credentials_are_recognized_with_their_tokens),
        cmocka_unit_test(other_credentials_are_not_recognized),
        cmocka_unit_test(a_seal_of_another_version_does_not_open),
        cmocka_unit_test(what_opens_and_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests_name("profile seal", tests, begin, end);
}
