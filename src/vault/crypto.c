/* One set of OpenSSL contexts a thread, made at its first use and freed at its end. */
#include "vault/crypto.h"

#include "base/alloc.h"

#include <endian.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HMAC_BLOCK_SIZE = 64, /* of SHA-256 */
    HMAC_INNER = 0x36,    /* each byte of ipad and of opad: RFC 2104, 2 */
    HMAC_OUTER = 0x5C,
};

static struct {
    EVP_CIPHER *gcm;
    EVP_MD *sha256;
    EVP_MAC *cmac;
    pthread_key_t contexts_end; /* frees a thread's contexts */
} shared;

struct contexts {
    EVP_CIPHER_CTX *encrypt;
    EVP_CIPHER_CTX *decrypt;
    EVP_MD_CTX *hash;
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
    free(contexts);
    thread_contexts = NULL;
}

static void shared_init(void)
{
    shared.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    shared.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    shared.cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    must(shared.gcm && shared.sha256, "AES-256-GCM and SHA-256");
    must(shared.cmac, "AES-256-CMAC");
    must(pthread_key_create(&shared.contexts_end, contexts_free) == 0, "thread keys");
}

static void contexts_init(struct contexts *contexts)
{
    contexts->encrypt = EVP_CIPHER_CTX_new();
    contexts->decrypt = EVP_CIPHER_CTX_new();
    contexts->hash = EVP_MD_CTX_new();
    must(contexts->encrypt && contexts->decrypt && contexts->hash, "contexts");
    must(EVP_EncryptInit_ex2(contexts->encrypt, shared.gcm, NULL, NULL, NULL) == 1, "AES-256-GCM");
    must(EVP_DecryptInit_ex2(contexts->decrypt, shared.gcm, NULL, NULL, NULL) == 1, "AES-256-GCM");
    must(EVP_DigestInit_ex2(contexts->hash, shared.sha256, NULL) == 1, "SHA-256");
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

/* --- SHA-256 --- */

/* Also zeroes what the context holds of the hash before. */
static void hash_start(EVP_MD_CTX *hash)
{
    must(EVP_DigestInit_ex2(hash, NULL, NULL) == 1, "SHA-256");
}

static void hash_add(EVP_MD_CTX *hash, const void *bytes, size_t size)
{
    must(EVP_DigestUpdate(hash, bytes, size) == 1, "SHA-256");
}

static void hash_end(EVP_MD_CTX *hash, unsigned char out[CRYPTO_HASH_SIZE])
{
    must(EVP_DigestFinal_ex(hash, out, NULL) == 1, "SHA-256");
}

void crypto_sha256(struct str data, unsigned char out[CRYPTO_HASH_SIZE])
{
    EVP_MD_CTX *hash = contexts_of_thread()->hash;
    hash_start(hash);
    hash_add(hash, bytes_of(data), data.len);
    hash_end(hash, out);
}

struct crypto_hash {
    EVP_MD_CTX *context;
};

struct crypto_hash *crypto_hash_new(void)
{
    struct crypto_hash *hash = xcalloc(1, sizeof(*hash));
    contexts_of_thread(); /* which sets `shared` */
    hash->context = EVP_MD_CTX_new();
    must(hash->context && EVP_DigestInit_ex2(hash->context, shared.sha256, NULL) == 1, "SHA-256");
    return hash;
}

void crypto_hash_free(struct crypto_hash *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void crypto_hash_add(struct crypto_hash *hash, struct str bytes)
{
    hash_add(hash->context, bytes_of(bytes), bytes.len);
}

void crypto_hash_end(struct crypto_hash *hash, unsigned char out[CRYPTO_HASH_SIZE])
{
    hash_end(hash->context, out);
    hash_start(hash->context);
}

/* --- HMAC-SHA-256 --- */

/* RFC 2104 over the thread's SHA-256 context: OpenSSL's HMAC copies three contexts for each key,
 * which costs more than the hashes of a short text. */
struct hmac {
    EVP_MD_CTX *hash;
    unsigned char pad[HMAC_BLOCK_SIZE]; /* the key, combined with ipad, then with opad */
};

static void combine(unsigned char pad[HMAC_BLOCK_SIZE], unsigned char with)
{
    for (size_t i = 0; i < HMAC_BLOCK_SIZE; i++)
        pad[i] ^= with;
}

static void hmac_start(struct hmac *hmac, struct str key)
{
    hmac->hash = contexts_of_thread()->hash;
    memset(hmac->pad, 0, sizeof(hmac->pad));
    if (key.len > HMAC_BLOCK_SIZE)
        crypto_sha256(key, hmac->pad);
    else
        memcpy(hmac->pad, bytes_of(key), key.len);
    combine(hmac->pad, HMAC_INNER);
    hash_start(hmac->hash);
    hash_add(hmac->hash, hmac->pad, sizeof(hmac->pad));
}

static void hmac_add(struct hmac *hmac, struct str data)
{
    hash_add(hmac->hash, bytes_of(data), data.len);
}

/* Wipes what could be used in the key's place. */
static void hmac_end(struct hmac *hmac, unsigned char out[CRYPTO_HASH_SIZE])
{
    unsigned char inner[CRYPTO_HASH_SIZE];
    hash_end(hmac->hash, inner);
    combine(hmac->pad, HMAC_INNER ^ HMAC_OUTER);
    hash_start(hmac->hash);
    hash_add(hmac->hash, hmac->pad, sizeof(hmac->pad));
    hash_add(hmac->hash, inner, sizeof(inner));
    hash_end(hmac->hash, out);
    hash_start(hmac->hash);
    explicit_bzero(hmac->pad, sizeof(hmac->pad));
    explicit_bzero(inner, sizeof(inner));
}

void crypto_hmac(struct str key, struct str data, unsigned char out[CRYPTO_HASH_SIZE])
{
    struct hmac hmac;
    hmac_start(&hmac, key);
    hmac_add(&hmac, data);
    hmac_end(&hmac, out);
}

/* --- AES-256-CMAC --- */

struct crypto_cmac {
    EVP_MAC_CTX *context; /* with the key */
};

struct crypto_cmac *crypto_cmac_new(struct str key)
{
    char cipher[] = "AES-256-CBC";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };
    struct crypto_cmac *cmac = xcalloc(1, sizeof(*cmac));
    contexts_of_thread(); /* which fetches the algorithm */
    cmac->context = EVP_MAC_CTX_new(shared.cmac);
    must(cmac->context && EVP_MAC_init(cmac->context, bytes_of(key), key.len, params) == 1,
         "AES-256-CMAC");
    return cmac;
}

void crypto_cmac_free(struct crypto_cmac *cmac)
{
    if (!cmac)
        return;
    EVP_MAC_CTX_free(cmac->context);
    free(cmac);
}

void crypto_cmac(struct crypto_cmac *cmac, struct str data, unsigned char out[CRYPTO_CMAC_SIZE])
{
    size_t size;
    bool good = EVP_MAC_init(cmac->context, NULL, 0, NULL) == 1 &&
                EVP_MAC_update(cmac->context, bytes_of(data), data.len) == 1 &&
                EVP_MAC_final(cmac->context, out, &size, CRYPTO_CMAC_SIZE) == 1;
    must(good, "AES-256-CMAC");
}

void crypto_put_u64(unsigned char out[8], uint64_t number)
{
    uint64_t big_end_first = htobe64(number);
    memcpy(out, &big_end_first, sizeof(big_end_first));
}

void crypto_hmac_parts(struct str key, const struct str *parts, size_t count,
                       unsigned char out[CRYPTO_HASH_SIZE])
{
    struct hmac hmac;
    hmac_start(&hmac, key);
    for (size_t i = 0; i < count; i++) {
        unsigned char size[8];
        crypto_put_u64(size, parts[i].data ? parts[i].len : UINT64_MAX);
        hmac_add(&hmac, (struct str){(const char *)size, sizeof(size)});
        hmac_add(&hmac, parts[i]);
    }
    hmac_end(&hmac, out);
}

/* The first block of the output is the HMAC of `info` and the block's number. */
void crypto_hkdf(const unsigned char key[CRYPTO_KEY_SIZE], struct str info,
                 unsigned char out[CRYPTO_KEY_SIZE])
{
    struct hmac hmac;
    hmac_start(&hmac, (struct str){(const char *)key, CRYPTO_KEY_SIZE});
    hmac_add(&hmac, info);
    hmac_add(&hmac, STR("\x01"));
    hmac_end(&hmac, out);
}

_Static_assert(CRYPTO_KEY_SIZE == CRYPTO_HASH_SIZE, "a derived key is one block of HKDF's output");

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
