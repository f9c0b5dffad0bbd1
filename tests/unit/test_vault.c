/* Secrets, hashes and seals: what opens, and everything that must not. */
#include "cmocka_all.h"

#include "keyring_scratch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "vault/crypto.h"
#include "vault/keyring.h"
#include "vault/seal.h"
#include "vault/secret.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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
    assert_true(secret_eq(a, b));
    assert_false(secret_eq(a, c));
    assert_false(secret_eq(a, d));
    assert_false(secret_eq(a, empty));
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
    assert_false(secret_eq(a, b));
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

/* --- seals --- */

static const struct seal_binding BINDING = {
    .purpose = STR("profile-credentials"),
    .account = STR("123456789012"),
    .region = STR("eu-central-1"),
    .name = STR("crm"),
    .version = 7,
};

#define PLAIN "{\"accessToken\":\"canary-token\"}"

static struct str closed(const struct keyring *keyring, struct arena *arena)
{
    struct str sealed;
    assert_true(seal_close(keyring, &BINDING, STR(PLAIN), arena, &sealed, NULL));
    return sealed;
}

static void assert_stays_closed(const struct keyring *keyring, const struct seal_binding *binding,
                                struct str sealed, const char *reason)
{
    struct arena arena = {0};
    struct error error = {0};
    struct str plain = STR_NULL;
    assert_false(seal_open(keyring, binding, sealed, &arena, &plain, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
    assert_non_null(strstr(error.message, reason));
    assert_null(plain.data);
    arena_done(&arena);
}

static void seals_open_where_they_belong(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str sealed, again, plain;
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    sealed = closed(keyring, &arena);
    assert_int_equal(sealed.len, 91 + strlen(PLAIN) + 16);
    assert_false(str_contains(sealed, STR("canary")));
    assert_true(seal_open(keyring, &BINDING, sealed, &arena, &plain, NULL));
    assert_true(str_eq(plain, STR(PLAIN)));
    again = closed(keyring, &arena);
    assert_false(str_eq(sealed, again)); /* new key, new nonces */
    assert_true(seal_close(keyring, &BINDING, STR_NULL, &arena, &sealed, NULL));
    assert_true(seal_open(keyring, &BINDING, sealed, &arena, &plain, NULL));
    assert_int_equal(plain.len, 0);
    arena_done(&arena);
}

/* A sealed value's parts as seal.c lays them out, after magic and key id. */
enum {
    AT_WRAP_NONCE = 19,
    AT_WRAPPED_KEY = AT_WRAP_NONCE + CRYPTO_NONCE_SIZE,
    AT_NONCE = AT_WRAPPED_KEY + CRYPTO_KEY_SIZE + CRYPTO_TAG_SIZE,
    AT_TEXT = AT_NONCE + CRYPTO_NONCE_SIZE,
};

static void add_u64(struct buf *out, uint64_t number)
{
    unsigned char bytes[8];
    crypto_put_u64(bytes, number);
    buf_add(out, (struct str){(const char *)bytes, sizeof(bytes)});
}

/* What both encryptions are bound to, and with it the data key of a value. */
static void unwrap(const struct keyring *keyring, struct str sealed, struct arena *arena,
                   unsigned char data_key[CRYPTO_KEY_SIZE])
{
    const struct str parts[] = {{sealed.data, AT_WRAP_NONCE},
                                BINDING.purpose,
                                BINDING.account,
                                BINDING.region,
                                BINDING.name};
    const unsigned char *bytes = (const unsigned char *)sealed.data;
    struct buf bound = buf_in(arena, 1024);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        add_u64(&bound, parts[i].len);
        buf_add(&bound, parts[i]);
    }
    add_u64(&bound, (uint64_t)BINDING.version);
    struct str key = secret_reveal(keyring_find(keyring, keyring_primary_id(keyring)));
    struct str wrapped = {sealed.data + AT_WRAPPED_KEY, AT_NONCE - AT_WRAPPED_KEY};
    assert_true(crypto_gcm_decrypt((const unsigned char *)key.data, bytes + AT_WRAP_NONCE,
                                   buf_str(&bound), wrapped, data_key));
}

/* GCM under one key is broken by a nonce that comes twice. */
static void each_seal_has_its_own_key_and_nonces(void **state)
{
    (void)state;
    enum { COUNT = 8 };
    static const size_t parts[][2] = {{AT_WRAP_NONCE, CRYPTO_NONCE_SIZE},
                                      {AT_WRAPPED_KEY, CRYPTO_KEY_SIZE + CRYPTO_TAG_SIZE},
                                      {AT_NONCE, CRYPTO_NONCE_SIZE},
                                      {AT_TEXT, sizeof(PLAIN) - 1}};
    struct arena arena = {0};
    struct str sealed[COUNT];
    unsigned char keys[COUNT][CRYPTO_KEY_SIZE];
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    for (size_t i = 0; i < COUNT; i++) {
        sealed[i] = closed(keyring, &arena);
        unwrap(keyring, sealed[i], &arena, keys[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(keys[i], keys[j], CRYPTO_KEY_SIZE);
            for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
                assert_memory_not_equal(sealed[i].data + parts[k][0], sealed[j].data + parts[k][0],
                                        parts[k][1]);
        }
        assert_memory_not_equal(sealed[i].data + AT_WRAP_NONCE, sealed[i].data + AT_NONCE,
                                CRYPTO_NONCE_SIZE);
    }
    arena_done(&arena);
}

/* Sanitizers watch a thread's stack and keep copies of frames elsewhere. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                             \
    !__has_feature(address_sanitizer)
#define STACK_CAN_BE_READ

struct sealing {
    const struct keyring *keyring;
    struct str sealed;
    struct arena arena;
    bool opens;
};

/* Far below what the thread's end calls, which would overwrite what is left. */
static void *seal_or_open(void *context)
{
    struct sealing *sealing = context;
    struct str plain;
    volatile char room[64 * 1024];
    room[0] = 0;
    (void)room[0];
    if (sealing->opens)
        seal_open(sealing->keyring, &BINDING, sealing->sealed, &sealing->arena, &plain, NULL);
    else
        seal_close(sealing->keyring, &BINDING, STR(PLAIN), &sealing->arena, &sealing->sealed, NULL);
    return NULL;
}

/* On a thread whose stack is looked at afterwards. */
static void assert_stack_is_left_without_key(struct sealing *sealing, char *stack, size_t size)
{
    pthread_t thread;
    pthread_attr_t attributes;
    unsigned char key[CRYPTO_KEY_SIZE];
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, size), 0);
    assert_int_equal(pthread_create(&thread, &attributes, seal_or_open, sealing), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    unwrap(sealing->keyring, sealing->sealed, &sealing->arena, key);
    assert_null(memmem(stack, size, key, 16));
    assert_null(memmem(stack, size, key + 16, 16));
}

static void no_data_key_is_left_on_the_stack(void **state)
{
    (void)state;
    enum { SIZE = 256 * 1024 };
    char *stack = aligned_alloc(4096, SIZE);
    memset(stack, 0, SIZE);
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    struct sealing sealing = {.keyring = keyring};
    assert_stack_is_left_without_key(&sealing, stack, SIZE);
    sealing.opens = true;
    assert_stack_is_left_without_key(&sealing, stack, SIZE);
    arena_done(&sealing.arena);
    free(stack);
}

#endif

static void every_changed_byte_is_noticed(void **state)
{
    (void)state;
    struct arena arena = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    struct str sealed = closed(keyring, &arena);
    char *bytes = xmalloc(sealed.len);
    memcpy(bytes, sealed.data, sealed.len);
    for (size_t i = 0; i < sealed.len; i++) {
        const char *reason = i < 3    ? "not sealed as this version"
                             : i < 19 ? "key" /* another id, or none */
                             : i < 79 ? "does not open here"
                                      : "was changed";
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (char)(sealed.data[i] ^ (1 << bit));
            assert_stays_closed(keyring, &BINDING, (struct str){bytes, sealed.len}, reason);
        }
        bytes[i] = sealed.data[i];
    }
    free(bytes);
    arena_done(&arena);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    struct arena arena = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    struct str sealed = closed(keyring, &arena);
    for (size_t len = 0; len < sealed.len; len++) {
        /* A copy of its own size, so that a read past it is caught. */
        char *bytes = xmalloc(len);
        memcpy(bytes, sealed.data, len);
        assert_stays_closed(keyring, &BINDING, (struct str){bytes, len}, "sealed");
        free(bytes);
    }
    char longer[256] = {0};
    memcpy(longer, sealed.data, sealed.len);
    assert_stays_closed(keyring, &BINDING, (struct str){longer, sealed.len + 1}, "was changed");
    arena_done(&arena);
}

static void seals_belong_to_one_place(void **state)
{
    (void)state;
    struct arena arena = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    struct str sealed = closed(keyring, &arena);
    struct seal_binding others[9];
    for (size_t i = 0; i < 9; i++)
        others[i] = BINDING;
    others[0].purpose = STR("exchange");
    others[1].account = STR("111122223333");
    others[2].region = STR("eu-central-2");
    others[3].name = STR("crm2");
    others[4].version = 6; /* rolled back */
    others[5].version = 8;
    others[6].name = STR_NULL;
    others[7].region = STR("eu-central-1c"); /* the same bytes, cut elsewhere */
    others[7].name = STR("rm");
    others[8].account = STR("");
    for (size_t i = 0; i < 9; i++)
        assert_stays_closed(keyring, &others[i], sealed, "belongs to another");
    arena_done(&arena);
}

static void another_ring_does_not_open(void **state)
{
    (void)state;
    struct arena arena = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    _cleanup_keyring_ struct keyring *other = scratch_keyring("other");
    struct str sealed = closed(keyring, &arena);
    char reason[64];
    snprintf(reason, sizeof(reason), "key %.*s, which is not in the keyring",
             STR_ARG(keyring_primary_id(keyring)));
    assert_stays_closed(other, &BINDING, sealed, reason);
    arena_done(&arena);
}

/* Rotation: a ring with a new primary opens what the old one sealed. */
static void an_older_key_still_opens(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf both = buf_in(&arena, 4096);
    _cleanup_keyring_ struct keyring *old = scratch_keyring("old");
    struct str sealed = closed(old, &arena), plain, line, rest;
    keyring_free(scratch_keyring("newer"));
    char *old_text = scratch_read(scratch_path("old")),
         *new_text = scratch_read(scratch_path("newer"));
    buf_add_cstr(&both, new_text);
    assert_true(str_cut(str_from(old_text), '\n', &line, &rest));
    buf_add(&both, (struct str){rest.data, rest.len - strlen(" primary\n")});
    scratch_write(scratch_path("both"), both.data, 0600);
    _cleanup_keyring_ struct keyring *ring = NULL;
    assert_true(scratch_open(scratch_path("both"), &ring, NULL));
    assert_false(str_eq(keyring_primary_id(ring), keyring_primary_id(old)));
    assert_true(seal_open(ring, &BINDING, sealed, &arena, &plain, NULL));
    assert_true(str_eq(plain, STR(PLAIN)));
    /* The other key's id in its head makes it another value, not one that opens by luck. */
    char *swapped = arena_alloc(&arena, sealed.len);
    memcpy(swapped, sealed.data, sealed.len);
    memcpy(swapped + 3, keyring_primary_id(ring).data, KEYRING_ID_SIZE);
    assert_stays_closed(ring, &BINDING, (struct str){swapped, sealed.len}, "does not open here");
    free(old_text);
    free(new_text);
    arena_done(&arena);
}

static void seals_have_limits(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    struct str sealed = STR_NULL, plain;
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    struct str large = {arena_alloc(&arena, SEAL_PLAIN_MAX + 1), SEAL_PLAIN_MAX};
    assert_true(seal_close(keyring, &BINDING, large, &arena, &sealed, &error));
    assert_true(seal_open(keyring, &BINDING, sealed, &arena, &plain, &error));
    assert_true(str_eq(plain, large));
    large.len++;
    assert_false(seal_close(keyring, &BINDING, large, &arena, &sealed, &error));
    assert_int_equal(error.code, ERR_TOO_LARGE);
    struct seal_binding binding = BINDING;
    binding.name = (struct str){large.data, SEAL_BINDING_MAX};
    assert_false(seal_close(keyring, &binding, STR("x"), &arena, &sealed, &error));
    assert_int_equal(error.code, ERR_TOO_LARGE);
    arena_done(&arena);
}

static void *seal_and_open(void *context)
{
    struct arena arena = {0};
    struct str sealed, plain;
    bool good = true;
    for (int i = 0; i < 200 && good; i++) {
        good = seal_close(context, &BINDING, STR(PLAIN), &arena, &sealed, NULL) &&
               seal_open(context, &BINDING, sealed, &arena, &plain, NULL) &&
               str_eq(plain, STR(PLAIN));
        arena_reset(&arena);
    }
    arena_done(&arena);
    return good ? context : NULL;
}

static void threads_seal_at_once(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, seal_and_open, keyring), 0);
    for (int i = 0; i < THREADS; i++) {
        void *good = NULL;
        assert_int_equal(pthread_join(threads[i], &good), 0);
        assert_ptr_equal(good, keyring);
    }
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
        cmocka_unit_test(gcm_leaves_no_plain_text_behind),
        cmocka_unit_test(seals_open_where_they_belong),
        cmocka_unit_test(each_seal_has_its_own_key_and_nonces),
#ifdef STACK_CAN_BE_READ
        cmocka_unit_test(no_data_key_is_left_on_the_stack),
#endif
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(seals_belong_to_one_place),
        cmocka_unit_test(another_ring_does_not_open),
        cmocka_unit_test(an_older_key_still_opens),
        cmocka_unit_test(seals_have_limits),
        cmocka_unit_test(threads_seal_at_once),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
