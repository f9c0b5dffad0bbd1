/* Encryption under a data key that something outside of this server wraps, such as a key of AWS
 * KMS. What is sealed so goes into a seal of the keyring as well, which binds it to every column of
 * its row; this one is bound to purpose, account, region and name, so that a row can be sealed
 * again for other columns without the data key.
 *
 * Form: "HK1" | salt 32 | text | tag 16. The key is HKDF-Expand(data key, "headgate data 1" |
 * salt), used once with the nonce 0: a data key never meets a nonce, however many values it seals.
 * Associated data: "HK1", purpose, account, region, name, each with its length before it. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "vault/seal.h"

enum {
    DATA_KEY_SIZE = 32,          /* bytes, AES-256 */
    DATA_KEY_WRAPPED_MAX = 6144, /* bytes; AWS KMS's limit of a CiphertextBlob */
    DATA_KEY_ARN_MAX = 2048,     /* bytes, as the API has it */
};

/* Lives in an arena, which wipes it; one that does not is wiped by its function. */
struct data_key {
    unsigned char bytes[DATA_KEY_SIZE];
    struct str wrapped; /* by the key that `arn` names */
    struct str arn;
};

/* The errors of seal_close. */
_must_use_ bool data_key_seal(const struct data_key *key, const struct seal_binding *binding,
                              struct str plain, struct arena *arena, struct str *ret_sealed,
                              struct error *error);
/* ERR_INTERNAL: it was changed, belongs elsewhere, or was sealed under another data key. */
_must_use_ bool data_key_open(const struct data_key *key, const struct seal_binding *binding,
                              struct str sealed, struct arena *arena, struct str *ret_plain,
                              struct error *error);
