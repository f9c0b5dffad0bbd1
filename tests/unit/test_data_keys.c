/* Data keys of AWS KMS: what is encrypted under one, the envelope of a profile, and the cache of
 * those that were unwrapped. */
#include "cmocka_all.h"

#include "auth/data_keys.h"
#include "auth/kms.h"
#include "auth/secret_cache.h"
#include "base/clock.h"
#include "base/encode.h"
#include "keyring_scratch.h"
#include "profile/envelope.h"
#include "profile/seal.h"
#include "wire/errors.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <string.h>

#define ACCOUNT "123456789012"
#define OTHER "111122223333"
#define KEY "arn:aws:kms:us-east-1:" ACCOUNT ":key/1"

static const struct seal_binding BINDING = {.purpose = STR("profile-credentials"),
                                            .account = STR(ACCOUNT),
                                            .region = STR("us-east-1"),
                                            .name = STR("crm"),
                                            .version = 7,
                                            .context = {STR("Salesforce")},
                                            .context_count = 1};

static const struct data_key data_key = {
    .bytes = "0123456789abcdef0123456789abcde", .wrapped = STR("wrapped-blob"), .arn = STR(KEY)};

/* --- encryption --- */

static bool opens(const struct data_key *key, const struct seal_binding *binding, struct str sealed,
                  struct arena *arena, struct str *ret_plain)
{
    struct error error = {0};
    bool good = data_key_open(key, binding, sealed, arena, ret_plain, &error);
    assert_true(good || error.code == ERR_INTERNAL);
    return good;
}

static void what_a_data_key_sealed_opens_where_it_belongs(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str sealed, again, plain;
    assert_true(data_key_seal(&data_key, &BINDING, STR("canary"), &arena, &sealed, NULL));
    assert_true(data_key_seal(&data_key, &BINDING, STR("canary"), &arena, &again, NULL));
    assert_false(str_eq(sealed, again));
    assert_false(str_contains(sealed, STR("canary")));
    assert_true(opens(&data_key, &BINDING, sealed, &arena, &plain));
    assert_true(str_eq(plain, STR("canary")));
    /* For other columns and another version of the same profile, as the keyring's seal binds them.
     */
    struct seal_binding changed = BINDING;
    changed.version = 8;
    changed.context_count = 0;
    assert_true(opens(&data_key, &changed, sealed, &arena, &plain));
    struct str *const parts[] = {&changed.purpose, &changed.account, &changed.region, &changed.name,
                                 NULL};
    for (size_t i = 0; parts[i]; i++) {
        struct str was = *parts[i];
        *parts[i] = STR("x");
        assert_false(opens(&data_key, &changed, sealed, &arena, &plain));
        *parts[i] = was;
    }
    struct data_key other = data_key;
    other.bytes[0] ^= 1;
    assert_false(opens(&other, &BINDING, sealed, &arena, &plain));
    arena_done(&arena);
}

static void no_changed_byte_opens(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str sealed, plain;
    assert_true(data_key_seal(&data_key, &BINDING, STR("canary"), &arena, &sealed, NULL));
    char *bytes = (char *)(uintptr_t)sealed.data;
    for (size_t i = 0; i < sealed.len; i++) {
        bytes[i] = (char)(bytes[i] ^ 4);
        assert_false(opens(&data_key, &BINDING, sealed, &arena, &plain));
        bytes[i] = (char)(bytes[i] ^ 4);
        assert_false(opens(&data_key, &BINDING, (struct str){bytes, i}, &arena, &plain));
    }
    assert_true(opens(&data_key, &BINDING, sealed, &arena, &plain));
    arena_done(&arena);
}

/* --- AWS KMS --- */

static int calls, status;
static const char *error_name; /* NULL: the answer is good */
static char asked[4096];

static void answer(struct client *client, struct arena *arena, const struct client_request *request,
                   struct client_response *ret_response)
{
    (void)client;
    calls++;
    snprintf(asked, sizeof(asked), "%.*s %.*s", STR_ARG(request->url), STR_ARG(request->body));
    struct str bytes = encode_base64(arena, (struct str){(const char *)data_key.bytes, 32});
    struct str blob = encode_base64(arena, data_key.wrapped);
    struct str body =
        error_name ? arena_printf(arena, "{\"__type\":\"%s\"}", error_name)
                   : arena_printf(arena,
                                  "{\"KeyId\":\"%s\",\"Plaintext\":\"%.*s\",\"CiphertextBlob\":"
                                  "\"%.*s\"}",
                                  KEY, STR_ARG(bytes), STR_ARG(blob));
    *ret_response = (struct client_response){.status = status, .body = body};
}

struct service {
    struct secret *secret;
    struct aws_access aws;
    struct data_keys *keys;
    struct arena arena;
};

static void open_service(struct service *s)
{
    *s = (struct service){.secret = secret_new(STR("own-secret"))};
    s->aws = (struct aws_access){
        .access_key_id = STR("AKID"), .secret_access_key = s->secret, .call = answer};
    s->keys = data_keys_new(&(struct data_keys_config){.aws = {.aws = &s->aws},
                                                       .url = STR("https://kms.{region}.example")});
    calls = 0;
    status = 200;
    error_name = NULL;
}

static void close_service(struct service *s)
{
    data_keys_free(s->keys);
    secret_free(s->secret);
    arena_done(&s->arena);
}

static bool unwrap(struct service *s, const char *account, int number, struct error *error)
{
    const struct data_key_owner owner = {
        .account = str_from(account),
        .region = STR("us-east-1"),
        .profile_arn = arena_printf(&s->arena, "%s/%d", account, number),
        .arn = STR(KEY),
    };
    struct data_key got;
    bool good = data_keys_unwrap(s->keys, &owner, data_key.wrapped, &s->arena, &got, error);
    assert_true(!good || memcmp(got.bytes, data_key.bytes, DATA_KEY_SIZE) == 0);
    return good;
}

static void a_data_key_is_made_and_kept(void **state)
{
    (void)state;
    struct service s;
    open_service(&s);
    const struct data_key_owner owner = {STR(ACCOUNT), STR("us-east-1"), STR("arn:p"),
                                         STR("arn:aws:kms:us-east-1:" ACCOUNT ":alias/crm")};
    struct data_key made;
    assert_true(data_keys_make(s.keys, &owner, &s.arena, &made, NULL));
    assert_int_equal(calls, 2);              /* made, and unwrapped */
    assert_true(str_eq(made.arn, STR(KEY))); /* which the alias stands for */
    assert_string_equal(asked,
                        "https://kms.us-east-1.example/ {\"KeyId\":\"" KEY
                        "\",\"CiphertextBlob\":\"d3JhcHBlZC1ibG9i\",\"EncryptionContext\":{"
                        "\"headgate:account\":\"" ACCOUNT "\",\"headgate:profile\":\"arn:p\"}}");
    for (int i = 0; i < 3; i++)
        assert_true(unwrap(&s, ACCOUNT, 1, NULL));
    assert_int_equal(calls, 3);
    close_service(&s);
}

/* An account that has very many costs another one none of its own. */
static void the_cache_is_shared_by_accounts(void **state)
{
    (void)state;
    struct service s;
    open_service(&s);
    assert_true(unwrap(&s, OTHER, 0, NULL));
    for (int i = 0; i < DATA_KEYS_KEPT + 10; i++)
        assert_true(unwrap(&s, ACCOUNT, i, NULL));
    calls = 0;
    assert_true(unwrap(&s, OTHER, 0, NULL));
    assert_int_equal(calls, 0);
    for (int i = 0; i < DATA_KEYS_KEPT_ACCOUNT; i++)
        assert_true(unwrap(&s, ACCOUNT, DATA_KEYS_KEPT + 9 - i, NULL));
    assert_int_equal(calls, 0);
    assert_true(unwrap(&s, ACCOUNT, 0, NULL));
    assert_int_equal(calls, 1);
    close_service(&s);
}

static void what_does_not_answer_is_left_alone(void **state)
{
    (void)state;
    struct service s;
    struct error error = {0};
    open_service(&s);
    status = 500;
    error_name = "KMSInternalException";
    for (int i = 0; i < 20; i++) {
        assert_false(unwrap(&s, ACCOUNT, i, &error));
        assert_int_equal(error.code, ERR_CONNECTOR_SERVER);
    }
    assert_non_null(strstr(error.message, "did not answer the last calls"));
    assert_true(calls < 10);
    calls = 0;
    assert_false(unwrap(&s, OTHER, 0, &error)); /* another account's circuit */
    assert_int_equal(calls, 1);
    close_service(&s);
}

static void refusals_open_no_circuit(void **state)
{
    (void)state;
    struct service s;
    struct error error = {0};
    open_service(&s);
    status = 400;
    error_name = "DisabledException";
    for (int i = 0; i < 20; i++)
        assert_false(unwrap(&s, ACCOUNT, 0, &error));
    assert_int_equal(error.code, ERR_ACCESS_DENIED);
    assert_int_equal(calls, 20);
    status = 200;
    error_name = NULL;
    assert_true(unwrap(&s, ACCOUNT, 0, NULL));
    close_service(&s);
}

/* --- a profile's envelope --- */

static const struct value *parse(const char *json, struct arena *arena)
{
    struct value *value;
    assert_true(json_parse(str_from(json), arena, &value));
    return value;
}

#define CREDENTIALS                                                                                \
    "{\"oAuth2GrantType\":\"JWT_BEARER\",\"map\":{\"k\":\"canary-1\"},\"custom\":{\"map\":{"       \
    "\"authenticationType\":\"canary-3\"}},\"list\":[\"canary-2\"],"                               \
    "\"number\":5,\"empty\":\"\"}"
#define OUTLINE                                                                                    \
    "{\"oAuth2GrantType\":\"JWT_BEARER\",\"map\":{\"k\":\"*\"},\"custom\":{\"map\":{"              \
    "\"authenticationType\":\"*\"}},\"list\":[\"*\"],\"number\":5,"                                \
    "\"empty\":\"\"}"

static struct str text_of(const struct value *value, struct arena *arena)
{
    struct buf text = buf_in(arena, 4096);
    value_encode(&text, value);
    return buf_str(&text);
}

static void the_outline_of_credentials_needs_no_key(void **state)
{
    (void)state;
    struct service s;
    open_service(&s);
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("data-keys");
    struct profile profile = {.key = {STR(ACCOUNT), STR("us-east-1"), STR("crm")}, .version = 7};
    const struct profile_sealed what = {parse(CREDENTIALS, &s.arena), STR("5eed"), &data_key};
    const struct profile_context without = {.keyring = keyring};
    const struct profile_context with = {.keyring = keyring, .data_keys = s.keys};
    struct profile_sealed opened;
    struct error error = {0};
    struct str plain, arn, wrapped;
    assert_true(
        profile_seal(keyring, &profile, &what, &s.arena, &profile.sealed_credentials, NULL));

    const struct value *outline;
    assert_true(profile_unseal_outline(keyring, &profile, &s.arena, &outline, NULL));
    assert_true(str_eq(text_of(outline, &s.arena), STR(OUTLINE)));
    /* The holder of the keyring alone finds no secret in it. */
    struct seal_binding binding = profile_seal_binding(&profile, &s.arena);
    assert_true(seal_open(keyring, &binding, profile.sealed_credentials, &s.arena, &plain, NULL));
    assert_false(str_contains(plain, STR("canary")) || str_contains(plain, STR("5eed")));
    assert_true(envelope_wrapped_key(plain, &s.arena, &arn, &wrapped));
    assert_true(str_eq(arn, STR(KEY)) && str_eq(wrapped, data_key.wrapped));

    assert_false(profile_unseal(&without, &profile, &s.arena, &opened, &error));
    assert_int_equal(error.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "was started without --kms-url"));
    assert_true(profile_unseal(&with, &profile, &s.arena, &opened, NULL));
    assert_true(str_eq(text_of(opened.credentials, &s.arena), STR(CREDENTIALS)));
    assert_true(str_eq(opened.seed, STR("5eed")) && opened.data_key);

    /* Sealed again for other columns, without AWS KMS. */
    struct profile after = profile;
    after.version = 8;
    assert_true(
        profile_seal_again(keyring, &profile, &after, &s.arena, &after.sealed_credentials, NULL));
    assert_true(profile_unseal(&with, &after, &s.arena, &opened, NULL));
    close_service(&s);
}

/* The seal of the keyring and the encryption context name the same profile; a KMS that unwraps
 * something else is not believed, and asked again. */
static void a_wrong_data_key_is_forgotten(void **state)
{
    (void)state;
    struct service s;
    open_service(&s);
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("data-keys");
    const struct profile_context context = {.keyring = keyring, .data_keys = s.keys};
    struct profile profile = {.key = {STR(ACCOUNT), STR("us-east-1"), STR("crm")}, .version = 7};
    struct data_key other = data_key;
    struct profile_sealed opened;
    struct error error = {0};
    other.bytes[3] ^= 1;
    const struct profile_sealed what = {parse(CREDENTIALS, &s.arena), STR_NULL, &other};
    assert_true(
        profile_seal(keyring, &profile, &what, &s.arena, &profile.sealed_credentials, NULL));
    for (int i = 1; i < 3; i++) {
        assert_false(profile_unseal(&context, &profile, &s.arena, &opened, &error));
        assert_int_equal(error.code, ERR_UNAVAILABLE);
        assert_int_equal(calls, i);
    }
    close_service(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_data_key_sealed_opens_where_it_belongs),
        cmocka_unit_test(no_changed_byte_opens),
        cmocka_unit_test(a_data_key_is_made_and_kept),
        cmocka_unit_test(the_cache_is_shared_by_accounts),
        cmocka_unit_test(what_does_not_answer_is_left_alone),
        cmocka_unit_test(refusals_open_no_circuit),
        cmocka_unit_test(the_outline_of_credentials_needs_no_key),
        cmocka_unit_test(a_wrong_data_key_is_forgotten),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
