/* The role's ARN is a pattern, so that one option serves all accounts. */
#include "auth/aws_account.h"

#include "base/buf.h"

struct str aws_account_role(struct arena *arena, struct str pattern, struct str account)
{
    struct buf arn = buf_in(arena, AWS_ROLE_ARN_MAX);
    buf_add_replaced(&arn, pattern, STR("{account}"), account);
    return buf_str(&arn);
}

bool aws_account_access(const struct aws_account_config *config, struct aws_role_cache *roles,
                        struct str account, struct str region, int64_t deadline_ms,
                        struct arena *arena, struct aws_role *ret_role,
                        struct aws_access *ret_access, struct error *error)
{
    *ret_access = *config->aws;
    if (config->role_arn.len == 0)
        return true;
    struct str arn = aws_account_role(arena, config->role_arn, account);
    if (!aws_role_get(roles, config->aws, config->sts_url, region, arn, deadline_ms, arena,
                      ret_role, error))
        return false;
    ret_access->access_key_id = ret_role->access_key_id;
    ret_access->secret_access_key = ret_role->secret_access_key;
    ret_access->session_token = ret_role->session_token;
    return true;
}
