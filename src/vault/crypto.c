/* One set of OpenSSL contexts a thread, made at its first use and freed at its end. */
#include "vault/crypto.h"

#include "base/alloc.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    EVP_CIPHER *gcm;
    EVP_MD *sha256;
    EVP_MAC *hmac;
    pthread_key_t contexts_end; /* frees a thread's contexts */
} shared;

struct contexts {
    EVP_CIPHER_CTX *encrypt;
    EVP_CIPHER_CTX *decrypt;
    EVP_MD_CTX *hash;
    EVP_MAC_CTX *mac;
};

static _Thread_local struct contexts *thread_contexts;

/* Out of memory, or an OpenSSL that was built or configured without the algorithm. */
static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "headgate: OpenSSL cannot do %s\n", what);
    abort();
}

static void contexts_free(void *memory)
{
    struct contexts *contexts = memory;
    EVP_CIPHER_CTX_free(contexts->encrypt);
    EVP_CIPHER_CTX_free(contexts->decrypt);
    EVP_MD_CTX_free(contexts->hash);
    EVP_MAC_CTX_free(contexts->mac);
    free(contexts);
    thread_contexts = NULL;
}

static void shared_init(void)
{
    shared.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    shared.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    shared.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    must(shared.gcm && shared.sha256 && shared.hmac, "AES-256-GCM, SHA-256 and HMAC");
    must(pthread_key_create(&shared.contexts_end, contexts_free) == 0, "thread keys");
}

static void contexts_init(struct contexts *contexts)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    contexts->encrypt = EVP_CIPHER_CTX_new();
    contexts->decrypt = EVP_CIPHER_CTX_new();
    contexts->hash = EVP_MD_CTX_new();
    contexts->mac = EVP_MAC_CTX_new(shared.hmac);
    must(contexts->encrypt && contexts->decrypt && contexts->hash && contexts->mac, "contexts");
    must(EVP_EncryptInit_ex2(contexts->encrypt, shared.gcm, NULL, NULL, NULL) == 1, "AES-256-GCM");
    must(EVP_DecryptInit_ex2(contexts->decrypt, shared.gcm, NULL, NULL, NULL) == 1, "AES-256-GCM");
    must(EVP_DigestInit_ex2(contexts->hash, shared.sha256, NULL) == 1, "SHA-256");
    must(EVP_MAC_CTX_set_params(contexts->mac, params) == 1, "HMAC-SHA-256");
}

static struct contexts *contexts_of_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (thread_contexts)
        return thread_contexts;
    pthread_once(&once, shared_init);
    thread_contexts = xcalloc(1, sizeof(*thread_contexts));
    contexts_init(thread_contexts);
    pthread_setspecific(shared.contexts_end, thread_contexts);
    return thread_contexts;
}

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)(s.data ? s.data : "");
}

static int size_of(struct str s)
{
    must(s.len <= INT_MAX, "texts of 2 GiB");
    return (int)s.len;
}

void crypto_sha256(struct str data, unsigned char out[CRYPTO_HASH_SIZE])
{
    EVP_MD_CTX *hash = contexts_of_thread()->hash;
    bool good = EVP_DigestInit_ex2(hash, NULL, NULL) == 1 &&
                EVP_DigestUpdate(hash, bytes_of(data), data.len) == 1 &&
                EVP_DigestFinal_ex(hash, out, NULL) == 1;
    must(good, "SHA-256");
}

static EVP_MAC_CTX *mac_start(struct str key)
{
    EVP_MAC_CTX *mac = contexts_of_thread()->mac;
    must(EVP_MAC_init(mac, bytes_of(key), key.len, NULL) == 1, "HMAC-SHA-256");
    return mac;
}

static void mac_add(EVP_MAC_CTX *mac, struct str data)
{
    must(EVP_MAC_update(mac, bytes_of(data), data.len) == 1, "HMAC-SHA-256");
}

static void mac_end(EVP_MAC_CTX *mac, unsigned char out[CRYPTO_HASH_SIZE])
{
    size_t size;
    must(EVP_MAC_final(mac, out, &size, CRYPTO_HASH_SIZE) == 1, "HMAC-SHA-256");
}

void crypto_hmac(struct str key, struct str data, unsigned char out[CRYPTO_HASH_SIZE])
{
    EVP_MAC_CTX *mac = mac_start(key);
    mac_add(mac, data);
    mac_end(mac, out);
}

void crypto_put_u64(unsigned char out[8], uint64_t number)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(number >> (56 - 8 * i));
}

void crypto_hmac_parts(struct str key, const struct str *parts, size_t count,
                       unsigned char out[CRYPTO_HASH_SIZE])
{
    EVP_MAC_CTX *mac = mac_start(key);
    for (size_t i = 0; i < count; i++) {
        unsigned char size[8];
        crypto_put_u64(size, parts[i].data ? parts[i].len : UINT64_MAX);
        mac_add(mac, (struct str){(const char *)size, sizeof(size)});
        mac_add(mac, parts[i]);
    }
    mac_end(mac, out);
}

void crypto_gcm_encrypt(const unsigned char key[CRYPTO_KEY_SIZE],
                        const unsigned char nonce[CRYPTO_NONCE_SIZE], struct str associated,
                        struct str text, unsigned char *out)
{
    EVP_CIPHER_CTX *gcm = contexts_of_thread()->encrypt;
    unsigned char *tag = out + text.len;
    int size;
    bool good =
        EVP_EncryptInit_ex2(gcm, NULL, key, nonce, NULL) == 1 &&
        EVP_EncryptUpdate(gcm, NULL, &size, bytes_of(associated), size_of(associated)) == 1 &&
        EVP_EncryptUpdate(gcm, out, &size, bytes_of(text), size_of(text)) == 1 &&
        EVP_EncryptFinal_ex(gcm, tag, &size) == 1 && size == 0 &&
        EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_SIZE, tag) == 1;
    must(good, "AES-256-GCM");
}

bool crypto_gcm_decrypt(const unsigned char key[CRYPTO_KEY_SIZE],
                        const unsigned char nonce[CRYPTO_NONCE_SIZE], struct str associated,
                        struct str sealed, unsigned char *out)
{
    if (sealed.len < CRYPTO_TAG_SIZE)
        return false;
    EVP_CIPHER_CTX *gcm = contexts_of_thread()->decrypt;
    struct str text = {sealed.data, sealed.len - CRYPTO_TAG_SIZE};
    unsigned char tag[CRYPTO_TAG_SIZE];
    unsigned char nothing[CRYPTO_TAG_SIZE];
    int size;
    for (size_t i = 0; i < CRYPTO_TAG_SIZE; i++)
        tag[i] = bytes_of(sealed)[text.len + i];
    bool good =
        EVP_DecryptInit_ex2(gcm, NULL, key, nonce, NULL) == 1 &&
        EVP_DecryptUpdate(gcm, NULL, &size, bytes_of(associated), size_of(associated)) == 1 &&
        EVP_DecryptUpdate(gcm, out, &size, bytes_of(text), size_of(text)) == 1 &&
        EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_SIZE, tag) == 1;
    must(good, "AES-256-GCM");
    if (EVP_DecryptFinal_ex(gcm, nothing, &size) == 1)
        return true;
    OPENSSL_cleanse(out, text.len); /* OpenSSL writes the text before it knows the tag */
    return false;
}
