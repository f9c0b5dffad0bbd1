/* The role comes from the cache that other services use as well. */
#include "aws/s3_session.h"

bool s3_session_open(const struct s3_config *config, struct aws_role_cache *roles,
                     struct str account, struct str region, int64_t deadline_ms,
                     struct arena *arena, struct s3_session *ret_session, struct error *error)
{
    *ret_session = (struct s3_session){0};
    if (!config->aws.aws->secret_access_key)
        return fail(error, ERR_ACCESS_DENIED,
                    "This server has no access key for Amazon S3. Its operator sets "
                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
    if (!aws_account_access(&config->aws, roles, account, region, deadline_ms, arena,
                            &ret_session->role, &ret_session->access, error))
        return false;
    ret_session->s3 = (struct s3){.access = &ret_session->access,
                                  .url = config->url,
                                  .region = region,
                                  .deadline_ms = deadline_ms};
    return true;
}

void s3_session_done(struct s3_session *session)
{
    aws_role_done(&session->role);
}
