/* SCRAM-SHA-256 with OpenSSL's HMAC. PKCS5_PBKDF2_HMAC computes all iterations in one call, which
 * nothing can end; here the loop is ours, so that a deadline can. */
#include "wire/scram.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

/* An HMAC under one key, computed many times. */
static EVP_MAC_CTX *keyed_new(struct str key)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (context && EVP_MAC_init(context, (const unsigned char *)key.data, key.len, parameters) == 1)
        return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

/* Without a key the one of keyed_new stays. */
static bool keyed_hmac(EVP_MAC_CTX *context, struct str a, struct str b,
                       unsigned char out[SCRAM_KEY_SIZE])
{
    size_t size;
    return EVP_MAC_init(context, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(context, (const unsigned char *)a.data, a.len) == 1 &&
           EVP_MAC_update(context, (const unsigned char *)b.data, b.len) == 1 &&
           EVP_MAC_final(context, out, &size, SCRAM_KEY_SIZE) == 1;
}

static bool may_continue(const struct scram_watch *watch, int iteration)
{
    return !watch || iteration % SCRAM_SLICE != 0 || watch->may_continue(watch->context);
}

/* RFC 8018, 5.2, for one block: U1 = HMAC(salt || 1), Un = HMAC(Un-1), all of them added. */
static bool iterate(EVP_MAC_CTX *context, struct str salt, int iterations,
                    const struct scram_watch *watch, unsigned char out[SCRAM_KEY_SIZE])
{
    unsigned char block[SCRAM_KEY_SIZE];
    bool good = keyed_hmac(context, salt, STR("\0\0\0\1"), block);
    memcpy(out, block, SCRAM_KEY_SIZE);
    for (int i = 1; good && i < iterations; i++) {
        good =
            may_continue(watch, i) &&
            keyed_hmac(context, (struct str){(const char *)block, SCRAM_KEY_SIZE}, STR(""), block);
        for (int k = 0; k < SCRAM_KEY_SIZE; k++)
            out[k] ^= block[k];
    }
    OPENSSL_cleanse(block, sizeof(block));
    return good;
}

bool scram_salt_password(struct str password, struct str salt, int iterations,
                         const struct scram_watch *watch, unsigned char ret_salted[SCRAM_KEY_SIZE])
{
    bool in_bounds = iterations >= 1 && iterations <= SCRAM_ITERATIONS_MAX;
    EVP_MAC_CTX *context = in_bounds ? keyed_new(password) : NULL;
    bool good = context && iterate(context, salt, iterations, watch, ret_salted);
    EVP_MAC_CTX_free(context);
    if (!good)
        OPENSSL_cleanse(ret_salted, SCRAM_KEY_SIZE);
    return good;
}

static void hmac(const unsigned char key[SCRAM_KEY_SIZE], struct str text,
                 unsigned char out[SCRAM_KEY_SIZE])
{
    HMAC(EVP_sha256(), key, SCRAM_KEY_SIZE, (const unsigned char *)text.data, text.len, out, NULL);
}

void scram_prove(const unsigned char salted[SCRAM_KEY_SIZE], struct str auth_message,
                 struct scram_proof *ret_proof)
{
    unsigned char key[SCRAM_KEY_SIZE], stored[SCRAM_KEY_SIZE], signature[SCRAM_KEY_SIZE];
    hmac(salted, STR("Client Key"), key);
    EVP_Digest(key, SCRAM_KEY_SIZE, stored, NULL, EVP_sha256(), NULL);
    hmac(stored, auth_message, signature);
    for (int i = 0; i < SCRAM_KEY_SIZE; i++)
        ret_proof->client[i] = key[i] ^ signature[i];
    hmac(salted, STR("Server Key"), key);
    hmac(key, auth_message, ret_proof->server);
    OPENSSL_cleanse(key, sizeof(key));
    OPENSSL_cleanse(stored, sizeof(stored));
    OPENSSL_cleanse(signature, sizeof(signature));
}

bool scram_is_key(struct str bytes, const unsigned char key[SCRAM_KEY_SIZE])
{
    return bytes.len == SCRAM_KEY_SIZE && CRYPTO_memcmp(bytes.data, key, SCRAM_KEY_SIZE) == 0;
}

bool scram_take(struct str *rest, char name, struct str *ret_value)
{
    struct str part = *rest, after = STR("");
    str_cut(*rest, ',', &part, &after);
    if (part.len < 3 || part.data[0] != name || part.data[1] != '=')
        return false;
    *ret_value = (struct str){part.data + 2, part.len - 2};
    *rest = after;
    return true;
}
