/* SHA-256, HMAC-SHA-256, HKDF, AES-256-GCM and AES-256-CMAC over OpenSSL: algorithms are fetched
 * once, contexts belong to a thread and are used again, since making one costs more than the hash
 * of a typical request and does not scale over threads. None of these can fail; an OpenSSL that
 * refuses ends the process. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRYPTO_HASH_SIZE = 32,  /* SHA-256 and HMAC-SHA-256 */
    CRYPTO_KEY_SIZE = 32,   /* AES-256 */
    CRYPTO_NONCE_SIZE = 12, /* GCM, SP 800-38D 8.2.2: random */
    CRYPTO_TAG_SIZE = 16,   /* GCM, never shortened */
    CRYPTO_CMAC_SIZE = 16,  /* AES-256-CMAC, SP 800-38B */
};

void crypto_sha256(struct str data, unsigned char out[CRYPTO_HASH_SIZE]);

/* SHA-256 of bytes that come piece by piece. Used by one thread at a time. */
struct crypto_hash;
struct crypto_hash *crypto_hash_new(void);
void crypto_hash_free(struct crypto_hash *hash); /* NULL is fine */
void crypto_hash_add(struct crypto_hash *hash, struct str bytes);
/* Of what was added since the last end; the next bytes begin another hash. */
void crypto_hash_end(struct crypto_hash *hash, unsigned char out[CRYPTO_HASH_SIZE]);

void crypto_hmac(struct str key, struct str data, unsigned char out[CRYPTO_HASH_SIZE]);

/* HMAC over parts, each preceded by its length as 8 bytes, big end first, so that no two lists of
 * parts give the same input. An absent part (STR_NULL) counts as the length 2^64 - 1. */
void crypto_hmac_parts(struct str key, const struct str *parts, size_t count,
                       unsigned char out[CRYPTO_HASH_SIZE]);

/* For short texts a fraction of HMAC's cost, as the key is prepared once. `key` has CRYPTO_KEY_SIZE
 * bytes. Used by one thread at a time. */
struct crypto_cmac;
struct crypto_cmac *crypto_cmac_new(struct str key);
void crypto_cmac_free(struct crypto_cmac *cmac); /* NULL is fine */
void crypto_cmac(struct crypto_cmac *cmac, struct str data, unsigned char out[CRYPTO_CMAC_SIZE]);

/* Puts a number in the form used above. */
void crypto_put_u64(unsigned char out[8], uint64_t number);

/* HKDF-Expand with SHA-256 (RFC 5869, 2.3) to one key. `key` must be uniformly random, so that
 * HKDF-Extract may be left out (3.3): what makes the derived keys differ is in `info`. */
void crypto_hkdf(const unsigned char key[CRYPTO_KEY_SIZE], struct str info,
                 unsigned char out[CRYPTO_KEY_SIZE]);

/* Writes text.len bytes to `out` and the tag after them. */
void crypto_gcm_encrypt(const unsigned char key[CRYPTO_KEY_SIZE],
                        const unsigned char nonce[CRYPTO_NONCE_SIZE], struct str associated,
                        struct str text, unsigned char *out);

/* `sealed` is text and tag. Writes sealed.len - CRYPTO_TAG_SIZE bytes to `out`; when the tag is not
 * the right one these are zeroed and the answer is false. */
bool crypto_gcm_decrypt(const unsigned char key[CRYPTO_KEY_SIZE],
                        const unsigned char nonce[CRYPTO_NONCE_SIZE], struct str associated,
                        struct str sealed, unsigned char *out);
