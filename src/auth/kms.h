/* Data keys of AWS KMS, or of something that speaks its protocol (docs.aws.amazon.com/kms,
 * GenerateDataKey and Decrypt). */
#pragma once

#include "auth/aws_call.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "vault/data_key.h"

#include <stdint.h>

/* The key, and what a data key is bound to: KMS unwraps it for the same context only, and writes
 * the context into its own log. */
struct kms_question {
    struct str arn; /* of a key or an alias; see kms_check_arn */
    struct str region;
    struct str account;     /* in the encryption context, as headgate:account */
    struct str profile_arn; /* as headgate:profile */
    int64_t deadline_ms;
};

/* Whether the ARN names a key or an alias of this account and region. ERR_VALIDATION. */
_must_use_ bool kms_check_arn(struct str arn, struct str account, struct str region,
                              struct error *error);

/* A new data key, which names the key that wrapped it, also where an alias was asked for: an alias
 * may stand for another key later. "{region}" in the endpoint's URL becomes the region. The
 * messages are clauses, without the service's own words, since they name the operator's identity.
 * Errors:
 * - ERR_VALIDATION: no such key, or one that does not encrypt.
 * - ERR_ACCESS_DENIED: the server may not use it, it is disabled, it is going to be deleted, or
 *   AWS KMS says that what is to be unwrapped was wrapped elsewhere.
 * - ERR_THROTTLING: asked to come back later.
 * - ERR_CONNECTOR_SERVER: no usable answer.
 * - ERR_UNAVAILABLE: this server is stopping, or has no memory. */
_must_use_ bool kms_generate(const struct aws_access *access, struct str url,
                             const struct kms_question *question, struct arena *arena,
                             struct data_key *ret_key, struct error *error);

/* Unwraps the data key: 32 bytes in the arena. The same errors. */
_must_use_ bool kms_decrypt(const struct aws_access *access, struct str url,
                            const struct kms_question *question, struct str wrapped,
                            struct arena *arena, struct str *ret_bytes, struct error *error);
