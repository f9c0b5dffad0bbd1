/* Data keys of profiles whose kmsArn names a key of AWS KMS. An unwrapped one is kept in locked
 * memory for DATA_KEY_KEPT_MS (auth/secret_cache.h), so that the use of a profile seldom calls AWS
 * KMS, and a key that is disabled there ends the use of its profiles soon. None is written to
 * disk. */
#pragma once

#include "auth/aws_account.h"
#include "vault/data_key.h"

enum { DATA_KEY_TIME_MS = 5 * 1000 }; /* for one call to AWS KMS */

/* All of it lives as long as the data keys. */
struct data_keys_config {
    struct aws_account_config aws; /* who calls AWS KMS */
    struct str url;                /* see kms_generate */
};

/* Thread-safe. */
struct data_keys;
struct data_keys *data_keys_new(const struct data_keys_config *config);
void data_keys_free(struct data_keys *keys); /* NULL is fine */

/* Whose data key it is. */
struct data_key_owner {
    struct str account, region;
    struct str profile_arn;
    struct str arn; /* of the key of AWS KMS */
};

/* A new one, which was unwrapped once: what a server may not decrypt is not used to encrypt. The
 * messages are sentences that name the key. The errors of kms_check_arn and kms_generate; a circuit
 * breaker of account and key keeps calls away from what does not answer. */
_must_use_ bool data_keys_make(struct data_keys *keys, const struct data_key_owner *owner,
                               struct arena *arena, struct data_key *ret_key, struct error *error);

/* The data key that was wrapped for this owner. `keys` NULL: this server has no AWS KMS,
 * ERR_UNAVAILABLE. Never ERR_INTERNAL: the keyring's seal around a wrapped key has proven that it
 * is as this server wrote it, so whatever AWS KMS says of it may be wrong, and may pass. */
_must_use_ bool data_keys_unwrap(struct data_keys *keys, const struct data_key_owner *owner,
                                 struct str wrapped, struct arena *arena, struct data_key *ret_key,
                                 struct error *error);

/* What AWS KMS gave does not open what was sealed: it is asked again at the next use. */
void data_keys_forget(struct data_keys *keys, const struct data_key_owner *owner,
                      struct str wrapped);
