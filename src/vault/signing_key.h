/* An RSA private key that signs with RSASSA-PKCS1-v1_5 and SHA-256 (RS256 of RFC 7518, 3.3). */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

enum {
    SIGNING_KEY_BITS_MIN = 2048,    /* RFC 7518, 3.3 */
    SIGNING_KEY_BITS_MAX = 8192,    /* one signature takes some milliseconds */
    SIGNING_KEY_PEM_MAX = 8 * 1024, /* bytes; a key of 8192 bits has about 6400 */
};

struct signing_key;

/* Of the text of a PEM file (PKCS #8 or PKCS #1), without a passphrase; what follows the key in it
 * is not read. A key with numbers that are larger than its size needs is refused: it would sign
 * slowly. ERR_VALIDATION: the message is a clause without a byte of it. */
_must_use_ bool signing_key_read(struct str pem, struct signing_key **ret_key, struct error *error);
void signing_key_free(struct signing_key *key); /* wipes; NULL is fine */

/* The signature's bytes. ERR_INTERNAL: the key is none that can sign. */
_must_use_ bool signing_key_sign(const struct signing_key *key, struct str text,
                                 struct arena *arena, struct str *ret_signature,
                                 struct error *error);

static inline void signing_key_free_at(struct signing_key **key)
{
    signing_key_free(*key);
}
#define _cleanup_signing_key_ _cleanup_(signing_key_free_at)
