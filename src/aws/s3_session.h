/* The S3 client for an account: with the server's own access key, or with a role of the account. */
#pragma once

#include "auth/aws_account.h"
#include "aws/s3.h"

/* All of it lives as long as the sessions. */
struct s3_config {
    struct aws_account_config aws; /* who calls S3 */
    struct str url;                /* see struct s3 */
};

struct s3_session {
    struct s3 s3;
    struct aws_access access;
    struct aws_role role;
};

/* *ret_session must stay where it is until s3_session_done. Its credentials last for a few minutes
 * at least: open one for each page or object of a long run. Errors as aws_role_assume, and
 * ERR_ACCESS_DENIED when this server has no access key. */
_must_use_ bool s3_session_open(const struct s3_config *config, struct aws_role_cache *roles,
                                struct str account, struct str region, int64_t deadline_ms,
                                struct arena *arena, struct s3_session *ret_session,
                                struct error *error);
void s3_session_done(struct s3_session *session); /* may be called on a zeroed one */
