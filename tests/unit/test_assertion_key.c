/* Assertions that the server signs itself: verified with the public key, and what is no key for
 * them. */
#include "cmocka_all.h"

#include "auth/assertion_key.h"
#include "base/buf.h"
#include "base/encode.h"
#include "wire/json_value.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;
static EVP_PKEY *key;

static struct str pem_of(EVP_PKEY *of, const char *passphrase)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *data;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(text, of, passphrase ? EVP_aes_256_cbc() : NULL,
                                                   passphrase, passphrase ? 4 : 0, NULL, NULL),
                     1);
    long size = BIO_get_mem_data(text, &data);
    struct str pem = arena_copy(&arena, (struct str){data, (size_t)size});
    BIO_free(text);
    return pem;
}

static struct str object_of(struct str pem, const char *members)
{
    struct buf text = buf_in(&arena, 64 * 1024);
    buf_add_cstr(&text, "{\"privateKey\":");
    encode_json_string(&text, pem);
    buf_add_cstr(&text, members);
    buf_add_char(&text, '}');
    return buf_str(&text);
}

static bool is_signed(struct str text, struct str signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, (const unsigned char *)signature.data, signature.len,
                                 (const unsigned char *)text.data, text.len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static struct str part(struct str assertion, int index)
{
    struct str rest = str_behind(assertion, '.', index), text, after, bytes;
    if (!str_cut(rest, '.', &text, &after))
        text = rest;
    assert_true(decode_base64url(&arena, text, &bytes));
    return bytes;
}

static const struct assertion_terms terms = {
    .audience = STR("https://login.example"), .now_ms = 1700000000999, .life_s = 120};

static void an_assertion_is_signed(void **state)
{
    (void)state;
    struct str assertion;
    struct str object =
        object_of(pem_of(key, NULL), ",\"iss\":\"app\",\"sub\":\"user@example.com\"");
    assert_true(assertion_key_is_meant(object) && assertion_key_check(object, NULL));
    assert_true(assertion_sign(object, &terms, &arena, &assertion, NULL));
    assert_true(str_eq(part(assertion, 0), STR("{\"alg\":\"RS256\",\"typ\":\"JWT\"}")));
    assert_true(
        str_eq(part(assertion, 1), STR("{\"iss\":\"app\",\"sub\":\"user@example.com\","
                                       "\"aud\":\"https://login.example\",\"exp\":1700000120}")));
    struct str signature = part(assertion, 2);
    struct str signed_text = {assertion.data,
                              (size_t)(str_behind(assertion, '.', 2).data - assertion.data) - 1};
    assert_true(is_signed(signed_text, signature));
    signed_text.len--;
    assert_false(is_signed(signed_text, signature));
}

static void what_the_object_says_goes_first(void **state)
{
    (void)state;
    struct str assertion;
    struct str object =
        object_of(pem_of(key, NULL), ",\"iss\":\"a\",\"sub\":\"u\",\"aud\":\"own\",\"kid\":\"k1\"");
    assert_true(assertion_sign(object, &terms, &arena, &assertion, NULL));
    assert_true(
        str_eq(part(assertion, 0), STR("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}")));
    assert_true(str_contains(part(assertion, 1), STR("\"aud\":\"own\"")));
}

/* A claim is bounded in bytes of its text; JSON may need six for each. */
static void the_longest_claims_are_whole(void **state)
{
    (void)state;
    struct str assertion;
    struct value *claims;
    char claim[6 * 2048 + 1];
    for (size_t i = 0; i < sizeof(claim) - 1; i += 6)
        memcpy(claim + i, "\\u0001", 6);
    claim[sizeof(claim) - 1] = '\0';
    struct str members =
        arena_printf(&arena, ",\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\"", claim, claim, claim);
    struct str object = object_of(pem_of(key, NULL), arena_cstr(&arena, members));
    assert_true(assertion_sign(object, &terms, &arena, &assertion, NULL));
    assert_true(json_parse(part(assertion, 1), &arena, &claims));
    assert_int_equal(value_text(claims, "aud").len, 2048);
}

static void ready_made_assertions_are_not_meant(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a.b.c", " ", "e30.e30.c2ln", "[]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_false(assertion_key_is_meant(str_from(texts[i])));
    assert_true(assertion_key_is_meant(STR("\r\n\t {")));
}

static void assert_refused(struct str object, const char *words)
{
    struct error error = {0};
    struct str assertion;
    assert_false(assertion_key_check(object, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
    if (!strstr(error.message, words))
        fail_msg("%s", error.message);
    assert_false(assertion_sign(object, &terms, &arena, &assertion, &error));
}

static void what_cannot_sign_is_refused(void **state)
{
    (void)state;
    const char *claims = ",\"iss\":\"a\",\"sub\":\"u\"";
    struct str good = pem_of(key, NULL);
    EVP_PKEY *small = EVP_RSA_gen(1024), *curve = EVP_EC_gen("P-256");
    assert_refused(object_of(pem_of(small, NULL), claims), "has 1024 bits: it must have 2048");
    assert_refused(object_of(pem_of(curve, NULL), claims), "no PEM text of an RSA key");
    assert_refused(object_of(pem_of(key, "pass"), claims), "without a passphrase");
    assert_refused(object_of(STR("-----BEGIN PRIVATE KEY-----\ncanary"), claims), "no PEM text");
    assert_refused(object_of((struct str){good.data, good.len / 2}, claims), "no PEM text");
    assert_refused(object_of(arena_printf(&arena, "%20000d", 1), claims), "at most 8192 bytes");
    assert_refused(object_of(good, ",\"iss\":\"a\""), "its member sub must be a text");
    assert_refused(object_of(good, ",\"iss\":\"\",\"sub\":\"u\""), "its member iss must be a text");
    assert_refused(object_of(good, ",\"iss\":\"a\",\"sub\":\"u\",\"aud\":[]"), "member aud");
    assert_refused(object_of(good, ",\"iss\":\"a\",\"sub\":7"), "its member sub must be a text");
    assert_refused(STR("{"), "it is no JSON object");
    assert_refused(STR("{\"iss\":\"a\",\"sub\":\"u\"}"), "no PEM text");
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
}

static BIGNUM *odd_of(int bits)
{
    BIGNUM *number = BN_new();
    assert_int_equal(BN_rand(number, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
    return number;
}

struct number {
    const char *name;
    BIGNUM *value; /* freed by key_of */
};

static EVP_PKEY *key_of(const char *algorithm, const struct number *numbers)
{
    EVP_PKEY *made = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    for (const struct number *number = numbers; number->name; number++)
        assert_int_equal(OSSL_PARAM_BLD_push_BN(build, number->name, number->value), 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, params), 1);
    for (const struct number *number = numbers; number->name; number++)
        BN_free(number->value);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    return made;
}

/* OpenSSL computes the public number of what it decodes, for seconds where the prime is large. */
static void other_algorithms_are_not_decoded(void **state)
{
    (void)state;
    const char *claims = ",\"iss\":\"a\",\"sub\":\"u\"";
    static const int sizes[] = {8000, 40000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        EVP_PKEY *dsa = key_of("DSA", (struct number[]){
                                          {OSSL_PKEY_PARAM_FFC_P, odd_of(sizes[i])},
                                          {OSSL_PKEY_PARAM_FFC_Q, odd_of(256)},
                                          {OSSL_PKEY_PARAM_FFC_G, odd_of(sizes[i] - 1)},
                                          {OSSL_PKEY_PARAM_PUB_KEY, odd_of(256)},
                                          {OSSL_PKEY_PARAM_PRIV_KEY, odd_of(255)},
                                          {NULL, NULL},
                                      });
        assert_refused(object_of(pem_of(dsa, NULL), claims), "no PEM text of an RSA key");
        EVP_PKEY_free(dsa);
    }
}

static BIGNUM *number_of(const char *name)
{
    BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    return number;
}

/* A signature with it would take as long as the number is large. */
static void oversized_numbers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int bits;
    } numbers[] = {
        {OSSL_PKEY_PARAM_RSA_E, 65},
        {OSSL_PKEY_PARAM_RSA_D, 2049},
        {OSSL_PKEY_PARAM_RSA_FACTOR1, 8000},
        {OSSL_PKEY_PARAM_RSA_FACTOR2, 1026},
        {OSSL_PKEY_PARAM_RSA_EXPONENT1, 8000},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2, 1026},
        {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 1026},
    };
    enum { COUNT = sizeof(numbers) / sizeof(*numbers) };
    for (size_t i = 0; i < COUNT; i++) {
        struct number all[COUNT + 2] = {{OSSL_PKEY_PARAM_RSA_N, number_of(OSSL_PKEY_PARAM_RSA_N)}};
        for (size_t j = 0; j < COUNT; j++)
            all[j + 1] = (struct number){numbers[j].name, i == j ? odd_of(numbers[j].bits)
                                                                 : number_of(numbers[j].name)};
        EVP_PKEY *oversized = key_of("RSA", all);
        struct str reason =
            arena_printf(&arena, "has a number (%s) of %d bits", numbers[i].name, numbers[i].bits);
        assert_refused(object_of(pem_of(oversized, NULL), ",\"iss\":\"a\",\"sub\":\"u\""),
                       arena_cstr(&arena, reason));
        EVP_PKEY_free(oversized);
    }
}

static int make_key(void **state)
{
    (void)state;
    key = EVP_RSA_gen(2048);
    return key ? 0 : -1;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_assertion_is_signed),
        cmocka_unit_test(what_the_object_says_goes_first),
        cmocka_unit_test(the_longest_claims_are_whole),
        cmocka_unit_test(ready_made_assertions_are_not_meant),
        cmocka_unit_test(what_cannot_sign_is_refused),
        cmocka_unit_test(other_algorithms_are_not_decoded),
        cmocka_unit_test(oversized_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
