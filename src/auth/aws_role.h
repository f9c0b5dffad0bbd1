/* Taking on a role through AWS STS, or something that speaks its protocol. */
#pragma once

#include "auth/aws_call.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

enum { AWS_ROLE_ARN_MAX = 512, AWS_ROLE_S = 900 }; /* bytes; seconds, the least that STS gives */

/* The role's temporary credentials. */
struct aws_role {
    struct str access_key_id; /* in the arena */
    struct secret *secret_access_key;
    struct secret *session_token;
};

/* AssumeRole. `url` is the endpoint's, "{region}" in it becomes `region`; STR_NULL or empty:
 * "https://sts.{region}.amazonaws.com". Errors:
 * - ERR_NOT_FOUND: this server has no access to AWS, or a key that STS does not take; the sentence
 *   says what its operator can do.
 * - ERR_ACCESS_DENIED: STS refuses the role. Its own words are left out, since they name the
 *   operator's identity.
 * - ERR_THROTTLING: asked to come back later.
 * - ERR_CONNECTOR_SERVER: no usable answer; the message says why.
 * - ERR_UNAVAILABLE: this server is stopping. */
_must_use_ bool aws_role_assume(const struct aws_access *access, struct str url, struct str region,
                                struct str role_arn, int64_t deadline_ms, struct arena *arena,
                                struct aws_role *ret_role, struct error *error);
void aws_role_done(struct aws_role *role); /* may be called on a zeroed one */
#define _cleanup_role_ _cleanup_(aws_role_done)

/* "arn:aws:iam::ACCOUNT:role/PATH/NAME" with twelve digits and the characters that IAM allows. */
bool aws_role_arn_is_valid(struct str arn);
/* The same of a role of this account, 12 digits. */
bool aws_role_is_of_account(struct str arn, struct str account);
