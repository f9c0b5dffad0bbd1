/* Who calls AWS for an account: the server itself, or a role of the account. */
#pragma once

#include "auth/aws_role_cache.h"

/* All of it lives as long as those who use it. */
struct aws_account_config {
    const struct aws_access *aws; /* the server's own */
    /* The role that calls are made with; "{account}" in it becomes the account. STR_NULL or empty:
     * none, calls are made with `aws` itself. */
    struct str role_arn;
    struct str sts_url; /* see aws_role_assume */
};

struct str aws_account_role(struct arena *arena, struct str pattern, struct str account);

/* *ret_access may point into *ret_role, which is to be done with afterwards. Errors as
 * aws_role_get. Whether the server has an access key at all is the caller's question. */
_must_use_ bool aws_account_access(const struct aws_account_config *config,
                                   struct aws_role_cache *roles, struct str account,
                                   struct str region, int64_t deadline_ms, struct arena *arena,
                                   struct aws_role *ret_role, struct aws_access *ret_access,
                                   struct error *error);
