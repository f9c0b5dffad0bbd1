/* Secrets in memory, hashes and ciphers. */
#include "cmocka_all.h"

#include "keyring_scratch.h"

#include "base/encode.h"
#include "vault/crypto.h"
#include "vault/seal.h"
#include "vault/secret.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* --- secrets --- */

static void secrets_compare_and_reveal(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret *a = secret_new(STR("correct horse"));
    _cleanup_secret_ struct secret *b = secret_new(STR("correct horse"));
    _cleanup_secret_ struct secret *c = secret_new(STR("correct horsf"));
    _cleanup_secret_ struct secret *d = secret_new(STR("correct"));
    _cleanup_secret_ struct secret *empty = secret_new(STR(""));
    assert_true(secret_bytes_eq(secret_reveal(a), secret_reveal(b)));
    assert_false(secret_bytes_eq(secret_reveal(a), secret_reveal(c)));
    assert_false(secret_bytes_eq(secret_reveal(a), secret_reveal(d)));
    assert_false(secret_bytes_eq(secret_reveal(a), secret_reveal(empty)));
    assert_true(str_eq(secret_reveal(a), STR("correct horse")));
    assert_int_equal(secret_reveal(a).data[secret_reveal(a).len], '\0');
    secret_free(NULL);
}

static void secrets_are_random(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret *a = secret_random(32);
    _cleanup_secret_ struct secret *b = secret_random(32);
    assert_int_equal(secret_reveal(a).len, 32);
    assert_false(secret_bytes_eq(secret_reveal(a), secret_reveal(b)));
}

/* The locked area holds 256 KiB; what is past it still has to be given. */
static void secrets_outgrow_the_locked_area(void **state)
{
    (void)state;
    enum { COUNT = 40, SIZE = 16000 };
    struct secret *all[COUNT];
    for (int i = 0; i < COUNT; i++) {
        all[i] = secret_random(SIZE);
        assert_int_equal(secret_reveal(all[i]).len, SIZE);
    }
    for (int i = 0; i < COUNT; i++)
        secret_free(all[i]);
}

static void a_freed_secret_is_wiped(void **state)
{
    (void)state;
    struct secret *secret = secret_new(STR("wipe-me-wipe-me-wipe-me"));
    const char *was = secret_reveal(secret).data;
    secret_free(secret);
    /* The locked area stays mapped, so looking into it is allowed. */
    char *again = secret_alloc(64);
    for (int i = 0; i < 64; i++)
        assert_int_equal(again[i], 0);
    assert_false(str_starts((struct str){was, 4}, STR("wipe")));
    secret_dealloc(again, 64);
}

static void the_process_leaves_no_core(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_max, 0);
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

/* --- hashes --- */

static void assert_hex(const unsigned char *bytes, const char *expected)
{
    char hex[2 * CRYPTO_HASH_SIZE + 1];
    encode_hex(bytes, CRYPTO_HASH_SIZE, hex);
    assert_string_equal(hex, expected);
}

static void hashes_follow_their_standards(void **state)
{
    (void)state;
    unsigned char out[CRYPTO_HASH_SIZE];
    for (int round = 0; round < 2; round++) { /* the second one uses the contexts again */
        crypto_sha256(STR("abc"), out);       /* FIPS 180-2, B.1 */
        assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        crypto_sha256(STR_NULL, out);
        assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        crypto_hmac(STR("Jefe"), STR("what do ya want for nothing?"), out); /* RFC 4231, 4.3 */
        assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        char long_key[131]; /* RFC 4231, 4.7: longer than a block */
        memset(long_key, 0xAA, sizeof(long_key));
        crypto_hmac((struct str){long_key, sizeof(long_key)},
                    STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
        assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        /* An empty key must not mean "the key of before". */
        crypto_hmac(STR_NULL, STR(""), out);
        assert_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    }
}

static void keyed_hash_tells_part_borders(void **state)
{
    (void)state;
    _cleanup_secret_ struct secret *key = secret_new(STR("k"));
    _cleanup_secret_ struct secret *other = secret_new(STR("l"));
    unsigned char hashes[6][KEYED_HASH_SIZE];
    keyed_hash(key, (struct str[]){STR("ab"), STR("c")}, 2, hashes[0]);
    keyed_hash(key, (struct str[]){STR("a"), STR("bc")}, 2, hashes[1]);
    keyed_hash(key, (struct str[]){STR("abc"), STR("")}, 2, hashes[2]);
    keyed_hash(key, (struct str[]){STR("abc"), STR_NULL}, 2, hashes[3]);
    keyed_hash(key, (struct str[]){STR("abc")}, 1, hashes[4]);
    keyed_hash(other, (struct str[]){STR("ab"), STR("c")}, 2, hashes[5]);
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(hashes[i], hashes[j], KEYED_HASH_SIZE);
    }
    keyed_hash(key, (struct str[]){STR("ab"), STR("c")}, 2, hashes[1]);
    assert_memory_equal(hashes[0], hashes[1], KEYED_HASH_SIZE);
}

/* The case of the GCM specification's revised appendix that has associated data and 256-bit key. */
static void gcm_follows_its_standard(void **state)
{
    (void)state;
    unsigned char key[32], nonce[12], associated[20], plain[60], expected[76], out[76], back[60];
    assert_true(decode_hex(STR("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
                           key, 32));
    assert_true(decode_hex(STR("cafebabefacedbaddecaf888"), nonce, 12));
    assert_true(decode_hex(STR("feedfacedeadbeeffeedfacedeadbeefabaddad2"), associated, 20));
    assert_true(decode_hex(STR("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
                           plain, 60));
    assert_true(decode_hex(STR("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                               "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                               "76fc6ece0f4e1768cddf8853bb2d551b"),
                           expected, 76));
    struct str aad = {(const char *)associated, sizeof(associated)};
    crypto_gcm_encrypt(key, nonce, aad, (struct str){(const char *)plain, 60}, out);
    assert_memory_equal(out, expected, sizeof(expected));
    assert_true(crypto_gcm_decrypt(key, nonce, aad, (struct str){(const char *)out, 76}, back));
    assert_memory_equal(back, plain, sizeof(plain));
}

/* RFC 5869, A.1: the first block of what HKDF-Expand gives. */
static void hkdf_follows_its_standard(void **state)
{
    (void)state;
    unsigned char key[32], info[10], expected[32], out[32], other[32];
    assert_true(decode_hex(STR("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"),
                           key, 32));
    assert_true(decode_hex(STR("f0f1f2f3f4f5f6f7f8f9"), info, 10));
    assert_true(decode_hex(STR("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"),
                           expected, 32));
    for (int i = 0; i < 2; i++) { /* a second time with the thread's context */
        crypto_hkdf(key, (struct str){(const char *)info, sizeof(info)}, out);
        assert_memory_equal(out, expected, sizeof(expected));
        crypto_hkdf(key, STR("other"), other);
        assert_memory_not_equal(out, other, sizeof(out));
    }
}

static void gcm_leaves_no_plain_text_behind(void **state)
{
    (void)state;
    unsigned char key[32] = {1}, nonce[12] = {2}, out[10 + CRYPTO_TAG_SIZE], back[10];
    crypto_gcm_encrypt(key, nonce, STR("x"), STR("0123456789"), out);
    out[25] ^= 1;
    memset(back, 0xAA, sizeof(back));
    struct str sealed = {(const char *)out, sizeof(out)};
    assert_false(crypto_gcm_decrypt(key, nonce, STR("x"), sealed, back));
    for (size_t i = 0; i < sizeof(back); i++)
        assert_int_equal(back[i], 0);
    assert_false(crypto_gcm_decrypt(key, nonce, STR("x"), (struct str){"short", 5}, back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_compare_and_reveal),
        cmocka_unit_test(secrets_are_random),
        cmocka_unit_test(secrets_outgrow_the_locked_area),
        cmocka_unit_test(a_freed_secret_is_wiped),
        cmocka_unit_test(the_process_leaves_no_core),
        cmocka_unit_test(hashes_follow_their_standards),
        cmocka_unit_test(keyed_hash_tells_part_borders),
        cmocka_unit_test(gcm_follows_its_standard),
        cmocka_unit_test(hkdf_follows_its_standard),
        cmocka_unit_test(gcm_leaves_no_plain_text_behind),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
