/* Reading a secret from AWS Secrets Manager, or from something that speaks its protocol. */
#pragma once

#include "auth/aws_call.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

enum { SECRETS_MANAGER_ARN_MAX = 2048 }; /* bytes */

/* GetSecretValue, its current version's SecretString, in the arena. "{region}" in the
 * endpoint's URL becomes the region in the ARN. Errors:
 * - ERR_ACCESS_DENIED with AppFlow's own text: not an ARN of a secret, no such secret, no
 * permission to read or decrypt it, or it holds bytes instead of text. The service's own words are
 * left out, since they name the operator's identity.
 * - ERR_THROTTLING: asked to come back later.
 * - ERR_CONNECTOR_SERVER: no usable answer; the message says why.
 * - ERR_UNAVAILABLE: this server is stopping. */
_must_use_ bool secrets_manager_get(const struct aws_access *access, struct str url, struct str arn,
                                    int64_t deadline_ms, struct arena *arena, struct str *ret_text,
                                    struct error *error);

/* What AppFlow says when it cannot use the secret that clientCredentialsArn names. */
_must_use_ bool secrets_manager_deny(struct error *error);

/* One version of a secret, for references. */
struct secret_version {
    struct str region;
    struct str id;      /* an ARN, complete or without its random end; or a name */
    struct str stage;   /* a staging label; empty: none */
    struct str version; /* a version's id; empty: none, and without both AWSCURRENT */
};

/* GetSecretValue, the version's SecretString, in the arena. The messages are clauses, without the
 * service's own words. Errors:
 * - ERR_VALIDATION: no such secret or version, or it was deleted, or holds bytes instead of text.
 * - ERR_ACCESS_DENIED: the server may not read it, or AWS KMS does not decrypt it.
 * - ERR_THROTTLING, ERR_CONNECTOR_SERVER, ERR_UNAVAILABLE: as secrets_manager_get. */
_must_use_ bool secrets_manager_read(const struct aws_access *access, struct str url,
                                     const struct secret_version *version, int64_t deadline_ms,
                                     struct arena *arena, struct str *ret_text,
                                     struct error *error);
