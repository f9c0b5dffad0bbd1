/* Seals: what opens, everything that must not, and what is used for one seal only. */
#include "cmocka_all.h"

#include "keyring_scratch.h"
#include "seal_old.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "vault/crypto.h"
#include "vault/keyring.h"
#include "vault/seal.h"
#include "vault/secret.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct seal_binding BINDING = {
    .purpose = STR("profile-credentials"),
    .account = STR("123456789012"),
    .region = STR("eu-central-1"),
    .name = STR("crm"),
    .version = 7,
    .context = {STR("Salesforce"), STR("Public"), STR("{\"instanceUrl\":\"https://a\"}")},
    .context_count = 3,
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
    assert_int_equal(sealed.len, 111 + strlen(PLAIN) + 16);
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
    AT_SALT = 19,
    AT_WRAPPED_KEY = AT_SALT + 32,
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
    static const unsigned char no_nonce[CRYPTO_NONCE_SIZE];
    unsigned char wrapping_key[CRYPTO_KEY_SIZE];
    const struct str parts[] = {
        {sealed.data, AT_SALT}, BINDING.purpose, BINDING.account, BINDING.region, BINDING.name};
    struct buf bound = buf_in(arena, 1024);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        add_u64(&bound, parts[i].len);
        buf_add(&bound, parts[i]);
    }
    add_u64(&bound, (uint64_t)BINDING.version);
    for (size_t i = 0; i < BINDING.context_count; i++) {
        add_u64(&bound, BINDING.context[i].len);
        buf_add(&bound, BINDING.context[i]);
    }
    struct buf info = buf_in(arena, 64);
    buf_add(&info, STR("headgate wrap 2"));
    buf_add(&info, (struct str){sealed.data + AT_SALT, 32});
    struct str key = secret_reveal(keyring_find(keyring, keyring_primary_id(keyring)));
    struct str wrapped = {sealed.data + AT_WRAPPED_KEY, AT_NONCE - AT_WRAPPED_KEY};
    crypto_hkdf((const unsigned char *)key.data, buf_str(&info), wrapping_key);
    assert_true(crypto_gcm_decrypt(wrapping_key, no_nonce, buf_str(&bound), wrapped, data_key));
}

/* GCM under one key is broken by a nonce that comes twice. */
static void each_seal_has_its_own_key_and_nonces(void **state)
{
    (void)state;
    enum { COUNT = 8 };
    static const size_t parts[][2] = {{AT_SALT, 32},
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
        assert_memory_not_equal(sealed[i].data + AT_SALT, sealed[i].data + AT_NONCE,
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
        ignore_failure(
            seal_open(sealing->keyring, &BINDING, sealing->sealed, &sealing->arena, &plain, NULL));
    else
        ignore_failure(seal_close(sealing->keyring, &BINDING, STR(PLAIN), &sealing->arena,
                                  &sealing->sealed, NULL));
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
                             : i < 99 ? "belongs to another"
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
    struct seal_binding others[14];
    for (size_t i = 0; i < 14; i++)
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
    others[9].context[2] = STR("{\"instanceUrl\":\"https://b\"}"); /* redirected */
    others[10].context[0] = STR("Pardot");
    others[11].context[1] = STR("Private");
    others[12].context_count = 2;
    others[13].context[0] = STR("SalesforceP"); /* the same bytes, cut elsewhere */
    others[13].context[1] = STR("ublic");
    for (size_t i = 0; i < 14; i++)
        assert_stays_closed(keyring, &others[i], sealed, "belongs to another");
    arena_done(&arena);
}

/* Form 1 opens for the upgrade only, and form 2 not there: a value in form 1 that is put back later
 * has no way in. */
static void each_form_opens_in_its_own_way(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    struct str plain = STR_NULL;
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    struct str old = seal_close_old(keyring, &BINDING, STR(PLAIN), &arena);
    struct str new = closed(keyring, &arena);
    assert_true(seal_is_old(old));
    assert_false(seal_is_old(new));
    assert_stays_closed(keyring, &BINDING, old, "put back from an older copy");
    assert_true(seal_open_old(keyring, &BINDING, old, &arena, &plain, NULL));
    assert_true(str_eq(plain, STR(PLAIN)));
    assert_false(seal_open_old(keyring, &BINDING, new, &arena, &plain, &error));
    /* The other form's letters make neither of them the other. */
    char *relabelled = (char *)arena_copy(&arena, new).data;
    relabelled[2] = '1';
    assert_false(seal_open_old(keyring, &BINDING, (struct str){relabelled, new.len}, &arena, &plain,
                               &error));
    relabelled = (char *)arena_copy(&arena, old).data;
    relabelled[2] = '2';
    assert_stays_closed(keyring, &BINDING, (struct str){relabelled, old.len}, "Decryption failed");
    arena_done(&arena);
}

static void every_changed_byte_of_form_1_is_noticed(void **state)
{
    (void)state;
    struct arena arena = {0};
    _cleanup_keyring_ struct keyring *keyring = scratch_keyring("seal");
    struct str sealed = seal_close_old(keyring, &BINDING, STR(PLAIN), &arena), plain;
    char *bytes = xmalloc(sealed.len);
    memcpy(bytes, sealed.data, sealed.len);
    for (size_t i = 0; i < sealed.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct error error = {0};
            bytes[i] = (char)(sealed.data[i] ^ (1 << bit));
            assert_false(seal_open_old(keyring, &BINDING, (struct str){bytes, sealed.len}, &arena,
                                       &plain, &error));
            assert_int_equal(error.code, ERR_INTERNAL);
        }
        bytes[i] = sealed.data[i];
    }
    free(bytes);
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
    assert_stays_closed(ring, &BINDING, (struct str){swapped, sealed.len}, "belongs to another");
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
        cmocka_unit_test(seals_open_where_they_belong),
        cmocka_unit_test(each_seal_has_its_own_key_and_nonces),
#ifdef STACK_CAN_BE_READ
        cmocka_unit_test(no_data_key_is_left_on_the_stack),
#endif
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(seals_belong_to_one_place),
        cmocka_unit_test(each_form_opens_in_its_own_way),
        cmocka_unit_test(every_changed_byte_of_form_1_is_noticed),
        cmocka_unit_test(another_ring_does_not_open),
        cmocka_unit_test(an_older_key_still_opens),
        cmocka_unit_test(seals_have_limits),
        cmocka_unit_test(threads_seal_at_once),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
