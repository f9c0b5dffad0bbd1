/* What a profile's seal holds, and recognizing it without decoding. */
#include "cmocka_all.h"

#include "keyring_scratch.h"
#include "profile/seal.h"
#include "seal_old.h"
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
    struct profile profile = {
        .key = {STR("123456789012"), STR("us-east-1"), STR("crm")},
        .version = 7,
        .connector_type = STR("Salesforce"),
        .connector_label = STR("label"),
        .connection_mode = STR("Public"),
        .kms_arn = STR("arn:kms"),
        .credentials_arn = STR("arn:credentials"),
        .properties = STR("{\"Salesforce\":{\"instanceUrl\":\"https://a.my.salesforce.com\"}}"),
        .credentials_version = 7,
        .created_at_ms = 1,
        .updated_at_ms = 2,
    };
    assert_true(profile_seal(keyring, &profile,
                             &(struct profile_sealed){.credentials = parse(credentials)}, &arena,
                             &profile.sealed_credentials, NULL));
    return profile;
}

static struct profile sealed_document(const char *document)
{
    struct profile profile = sealed("{}");
    struct seal_binding binding = profile_seal_binding(&profile, &arena);
    assert_true(seal_close(keyring, &binding, str_from(document), &arena,
                           &profile.sealed_credentials, NULL));
    return profile;
}

/* As versions before 8 of the schema have it: in form 1, with the tokens in the same document. */
static struct profile sealed_with_tokens(const char *document)
{
    struct profile profile = sealed("{}");
    struct seal_binding binding = profile_seal_binding(&profile, &arena);
    profile.sealed_credentials = seal_close_old(keyring, &binding, str_from(document), &arena);
    return profile;
}

static bool is_same(const struct profile *profile, const char *credentials)
{
    const struct profile_context context = {.keyring = keyring};
    const struct data_key *key;
    bool same = false;
    assert_true(profile_unseal_same(&context, profile, parse(credentials), STR_NULL, &arena, &same,
                                    &key, NULL));
    assert_null(key);
    return same;
}

static void what_was_sealed_comes_back(void **state)
{
    (void)state;
    struct profile profile = sealed("{\"key\":\"a\\\"}\"}");
    const struct value *credentials;
    assert_true(profile_unseal_outline(keyring, &profile, &arena, &credentials, NULL));
    assert_true(str_eq(value_text(credentials, "key"), STR("a\"}")));
}

static void tokens_of_an_earlier_version_are_found_beside_the_credentials(void **state)
{
    (void)state;
    struct profile profile = sealed_with_tokens(
        "{\"credentials\":{\"key\":\"a\"},\"tokens\":{\"accessToken\":\"t\",\"expiresAtMs\":5}}");
    const struct value *credentials;
    struct oauth_tokens tokens;
    struct error error = {0};
    assert_true(profile_unseal_old(keyring, &profile, &arena, &credentials, &tokens, NULL));
    assert_true(str_eq(value_text(credentials, "key"), STR("a")));
    assert_true(str_eq(tokens.access_token, STR("t")));
    assert_int_equal(tokens.expires_at_ms, 5);
    assert_false(profile_unseal_outline(keyring, &profile, &arena, &credentials, &error));
    assert_non_null(strstr(error.message, "put back from an older copy"));
    profile = sealed_with_tokens("{\"credentials\":{}}");
    assert_true(profile_unseal_old(keyring, &profile, &arena, &credentials, &tokens, NULL));
    assert_null(tokens.access_token.data);
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

static void assert_does_not_open(const struct profile *profile)
{
    const struct value *credentials;
    const struct profile_context context = {.keyring = keyring};
    const struct data_key *key;
    struct error error = {0};
    bool same;
    assert_false(profile_unseal_same(&context, profile, parse("{\"key\":\"a\"}"), STR_NULL, &arena,
                                     &same, &key, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
    assert_false(profile_unseal_outline(keyring, profile, &arena, &credentials, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
}

static void a_seal_of_another_version_does_not_open(void **state)
{
    (void)state;
    struct profile profile = sealed("{\"key\":\"a\"}");
    profile.version++;
    assert_does_not_open(&profile);
}

/* Each column but the state of the private connection, which says what was, not what to do. */
static void a_row_whose_columns_were_changed_does_not_open(void **state)
{
    (void)state;
    enum { CHANGES = 12 };
    struct profile original = sealed("{\"key\":\"a\"}"), changed[CHANGES];
    for (size_t i = 0; i < CHANGES; i++)
        changed[i] = original;
    changed[0].properties =
        STR("{\"Salesforce\":{\"instanceUrl\":\"https://b.my.salesforce.com\"}}");
    changed[1].properties = STR("{\"Salesforce\":{}}");
    changed[2].connector_type = STR("Pardot");
    changed[3].connector_label = STR("other");
    changed[4].connector_label = STR_NULL;
    changed[5].connection_mode = STR("Private");
    changed[6].credentials_version = 6; /* with the tokens of other credentials */
    changed[7].credentials_version = 0;
    changed[8].kms_arn = STR_NULL;
    changed[9].credentials_arn = STR("arn:other");
    changed[10].created_at_ms = 2;
    changed[11].updated_at_ms = 3;
    for (size_t i = 0; i < CHANGES; i++)
        assert_does_not_open(&changed[i]);
    original.provisioning = (struct provisioning){STR("FAILED"), STR("c"), STR("m")};
    assert_true(is_same(&original, "{\"key\":\"a\"}"));
}

/* Sealed here and by nobody else, but not as this version writes it. */
static void what_opens_and_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    static const char *const documents[] = {
        "",   "no JSON",         "[]",
        "{}", "{\"tokens\":{}}", "{\"credentials\":{\"key\":\"a\"},\"tokens\":"};
    for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
        struct profile profile = sealed_document(documents[i]);
        const struct value *credentials;
        struct oauth_tokens tokens;
        struct error error = {0};
        assert_false(profile_unseal_outline(keyring, &profile, &arena, &credentials, &error));
        assert_int_equal(error.code, ERR_INTERNAL);
        assert_non_null(strstr(error.message, "crm"));
        profile = sealed_with_tokens(documents[i]);
        error = (struct error){0};
        assert_false(profile_unseal_old(keyring, &profile, &arena, &credentials, &tokens, &error));
        assert_int_equal(error.code, ERR_INTERNAL);
        assert_non_null(strstr(error.message, "crm"));
    }
}

static int begin(void **state)
{
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
        cmocka_unit_test(a_row_whose_columns_were_changed_does_not_open),
        cmocka_unit_test(what_opens_and_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests_name("profile seal", tests, begin, end);
}
