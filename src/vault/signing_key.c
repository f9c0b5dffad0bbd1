/* RS256 over OpenSSL's EVP interface. */
#include "vault/signing_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { EXPONENT_BITS_MAX = 64 }; /* of the public exponent; 17 are usual */

/* The type is only named: each one is an EVP_PKEY of OpenSSL. */
static EVP_PKEY *pkey_of(const struct signing_key *key)
{
    return (EVP_PKEY *)(uintptr_t)key;
}

/* For OpenSSL, which would ask at a terminal: there is no passphrase. */
static int no_passphrase(char *buffer, int size, int is_writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)context;
    return -1;
}

/* 0: the key has no such number. */
static int bits_of(EVP_PKEY *key, const char *name)
{
    BIGNUM *number = NULL;
    int bits = EVP_PKEY_get_bn_param(key, name, &number) == 1 ? BN_num_bits(number) : 0;
    BN_clear_free(number);
    return bits;
}

/* The time of a signature grows with each of these numbers, and OpenSSL takes them as they come. */
static bool check_numbers(EVP_PKEY *key, int bits, struct error *error)
{
    const struct {
        const char *name;
        int bits_max;
    } numbers[] = {
        {OSSL_PKEY_PARAM_RSA_E, EXPONENT_BITS_MAX},
        {OSSL_PKEY_PARAM_RSA_D, bits},
        {OSSL_PKEY_PARAM_RSA_FACTOR1, bits / 2 + 1},
        {OSSL_PKEY_PARAM_RSA_FACTOR2, bits / 2 + 1},
        {OSSL_PKEY_PARAM_RSA_EXPONENT1, bits / 2 + 1},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2, bits / 2 + 1},
        {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, bits / 2 + 1},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        int has = bits_of(key, numbers[i].name);
        if (has == 0 || has > numbers[i].bits_max)
            return fail(error, ERR_VALIDATION,
                        "the RSA key of %d bits has a number (%s) of %d bits: it must have 1 to %d",
                        bits, numbers[i].name, has, numbers[i].bits_max);
    }
    return bits_of(key, OSSL_PKEY_PARAM_RSA_FACTOR3) == 0 ||
           fail(error, ERR_VALIDATION, "the RSA key has more than two primes");
}

static bool check_key(EVP_PKEY *key, struct error *error)
{
    int bits = EVP_PKEY_get_bits(key);
    if (bits < SIGNING_KEY_BITS_MIN || bits > SIGNING_KEY_BITS_MAX)
        return fail(error, ERR_VALIDATION, "the RSA key has %d bits: it must have %d to %d", bits,
                    SIGNING_KEY_BITS_MIN, SIGNING_KEY_BITS_MAX);
    return check_numbers(key, bits, error);
}

/* Only RSA is decoded: OpenSSL computes the public key of other algorithms, which takes as long as
 * the key's author wants. Blocks of the PEM text before the key are skipped. */
static EVP_PKEY *decode(BIO *text)
{
    EVP_PKEY *key = NULL;
    OSSL_DECODER_CTX *decoder =
        OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", NULL, "RSA", EVP_PKEY_KEYPAIR, NULL, NULL);
    bool more = decoder && OSSL_DECODER_CTX_set_pem_password_cb(decoder, no_passphrase, NULL) == 1;
    while (more) {
        long at = BIO_tell(text);
        more = OSSL_DECODER_from_bio(decoder, text) != 1 && BIO_tell(text) > at && !BIO_eof(text);
    }
    OSSL_DECODER_CTX_free(decoder);
    return key;
}

bool signing_key_read(struct str pem, struct signing_key **ret_key, struct error *error)
{
    BIO *text = pem.len <= SIGNING_KEY_PEM_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    EVP_PKEY *key = text ? decode(text) : NULL;
    BIO_free(text);
    *ret_key = (struct signing_key *)key;
    bool good = key ? check_key(key, error)
                    : fail(error, ERR_VALIDATION,
                           "the private key is no PEM text of an RSA key without a passphrase, of "
                           "at most %d bytes",
                           SIGNING_KEY_PEM_MAX);
    ERR_clear_error();
    if (good)
        return true;
    signing_key_free(*ret_key);
    *ret_key = NULL;
    return false;
}

void signing_key_free(struct signing_key *key)
{
    EVP_PKEY_free(pkey_of(key));
}

bool signing_key_sign(const struct signing_key *key, struct str text, struct arena *arena,
                      struct str *ret_signature, struct error *error)
{
    size_t size = SIGNING_KEY_BITS_MAX / 8;
    unsigned char *signature = arena_alloc(arena, size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pkey_of(key)) == 1 &&
        EVP_DigestSign(context, signature, &size, (const unsigned char *)text.data, text.len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    *ret_signature = (struct str){(const char *)signature, size};
    return good || fail(error, ERR_INTERNAL, "The private key does not sign.");
}
