/* Keeping a copy of a secret in AWS Secrets Manager, or in something that speaks its protocol. */
#pragma once

#include "auth/aws_call.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

enum { SECRET_COPY_NAME_MAX = 512 }; /* bytes: Secrets Manager's limit */

struct secret_copy {
    const struct aws_access *access;
    struct str url; /* of the endpoint; "{region}" in it becomes `region` */
    struct str region;
    struct str name; /* letters, digits and "/_+=.@-" */
    int64_t deadline_ms;
};

/* Both fail with
 * - ERR_ACCESS_DENIED: Secrets Manager refuses the credentials, or what was asked; the message says
 *   which, and what to do.
 * - ERR_THROTTLING: asked to come back later.
 * - ERR_CONNECTOR_SERVER: no usable answer; the message says why.
 * - ERR_UNAVAILABLE: this server is stopping. */

/* PutSecretValue, or CreateSecret where there is none. *ret_arn, in the arena, is the complete one.
 */
_must_use_ bool secret_copy_put(const struct secret_copy *copy, struct str text,
                                struct arena *arena, struct str *ret_arn, struct error *error);
/* DeleteSecret, without recovery. True also when there is none. */
_must_use_ bool secret_copy_remove(const struct secret_copy *copy, struct arena *arena,
                                   struct error *error);
