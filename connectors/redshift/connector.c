/* Redshift: a JDBC URL with a database user's password, or the Data API with a role of AWS. Neither
 * is a plain HTTP call that shows a credential, so a hook verifies. */
#include "redshift.h"

#include "connector/http/http_connector.h"

/* Names of errors of the Data API and of AWS's own front (__type). */
static const struct connector_rule rules[] = {
    {STEP_API, .status = 429, .kind = VERDICT_THROTTLED, .hint = "Try again later."},
    {STEP_API, .status = 4, .at = "/__type", .contains = "ThrottlingException",
     .kind = VERDICT_THROTTLED, .hint = "Try again later."},
    {STEP_API, .status = 4, .at = "/__type", .contains = "ExceededException",
     .kind = VERDICT_THROTTLED,
     .hint = "Too many statements or sessions are open. Try again later."},
    {STEP_API, .status = 4, .at = "/__type", .contains = "AccessDenied", .kind = VERDICT_FORBIDDEN,
     .hint = "Give the role of dataApiRoleArn redshift-data:ExecuteStatement and "
             "redshift-data:DescribeStatement, and redshift:GetClusterCredentials for a cluster or "
             "redshift-serverless:GetCredentials for a workgroup."},
    {STEP_API, .status = 4, .at = "/__type", .contains = "ValidationException",
     .kind = VERDICT_MISCONFIGURED,
     .hint = "Check clusterIdentifier or workgroupName, databaseName, and that they are in the "
             "profile's region."},
    {STEP_API, .status = 4, .at = "/__type", .contains = "QueryTimeoutException",
     .kind = VERDICT_UNREACHABLE, .hint = "Try again later."},
    {STEP_API, .status = 4, .at = "/__type", .contains = "ResourceNotFoundException",
     .kind = VERDICT_UNREACHABLE, .hint = "The statement is not known any more. Try again."},
    {STEP_API, .status = 4, .at = "/__type", .kind = VERDICT_REJECTED,
     .hint = "The credentials that STS gave for dataApiRoleArn are not taken."},
};

static const char *const messages[] = {"/Message", "/message"};

static bool verify(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                   struct oauth_tokens *ret_tokens)
{
    const struct redshift_target *target = config->target->custom;
    struct vendor_connection *connection = vendor_connection_new(config);
    bool accepted = target->variant == REDSHIFT_JDBC ? redshift_verify_jdbc(connection)
                                                     : redshift_verify_data_api(connection);
    vendor_close(connection);
    *ret_verdict = vendor_verdict(connection);
    *ret_tokens = (struct oauth_tokens){0};
    return accepted;
}

static const struct connector_ops redshift_ops = {
    .resolve = redshift_resolve,
    .check = redshift_check,
    .verify = verify,
};

/* How the Data API's responses are read. */
static const struct http_connector http = {
    .rules = LIST(rules),
    .messages = LIST(messages),
};

const struct connector connector_redshift = {
    .type = STR("Redshift"),
    .key = STR("Redshift"),
    .roles = ROLE_DESTINATION,
    .ops = &redshift_ops,
    .http = &http,
};
