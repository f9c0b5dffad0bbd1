/* Redshift: a JDBC URL with a database user's password, or the Data API with a role of AWS. Neither
 * is a plain HTTP call that shows a credential, so a hook verifies. */
#include "redshift.h"

#include "connector/http/http_connector.h"
#include "connector/loading.h"
#include "connectors/catalogue_sets.h"

/* Names of errors of the Data API and of AWS's own front end (__type). */
#define AWS(name) STEP_API, .status = 4, .at = "/__type", .contains = name
/* What the database says, as redshift_fail puts it: its SQLSTATE, that code's first two
 * characters, and its message. The Data API has only the message. */
#define CLASS(code) STEP_API, .at = "/database/class", .equals = code
#define STATE(code) STEP_API, .at = "/database/sqlstate", .equals = code
#define SAYS(text) STEP_API, .at = "/database/message", .contains = text

#define LATER "Try again later."
#define HINT_USER "Check username and password."
#define HINT_DATABASE "Check the name of the database."
#define HINT_ROLE                                                                                  \
    "Give the role of dataApiRoleArn redshift-data:ExecuteStatement, "                             \
    "redshift-data:DescribeStatement and redshift-data:GetStatementResult, and "                   \
    "redshift:GetClusterCredentials for a cluster or "                                             \
    "redshift-serverless:GetCredentials for a workgroup."
#define HINT_GRANT "Grant the user the missing privilege."
#define HINT_TABLE "Check schema and table in the flow's object; the table must be there."
#define HINT_RECORD                                                                                \
    "A record does not fit the table. Change the table or the flow's tasks, then run the flow "    \
    "again."
#define HINT_STAGE                                                                                 \
    "Let the role of roleArn read the staged objects, whose bucket must be in the flow's region."
#define HINT_CONNECTIONS "Too many connections are open. Try again later."

static const struct connector_rule rules[] = {
    {STEP_API, .status = 429, .kind = VERDICT_THROTTLED, .hint = LATER, .causes = CAUSE_LIMIT},
    {AWS("ThrottlingException"), .kind = VERDICT_THROTTLED, .hint = LATER, .causes = CAUSE_LIMIT},
    {AWS("ExceededException"), .kind = VERDICT_THROTTLED,
     .hint = "Too many statements or sessions are open. Try again later.", .causes = CAUSE_LIMIT},
    {AWS("AccessDenied"), .kind = VERDICT_FORBIDDEN, .hint = HINT_ROLE, .causes = CAUSE_PERMISSION},
    /* AWS's front end may answer in XML, whatever the service's own form. */
    {STEP_API, .status = 403, .contains = "<Code>AccessDenied</Code>", .kind = VERDICT_FORBIDDEN,
     .hint = HINT_ROLE, .causes = CAUSE_PERMISSION},
    {AWS("ValidationException"), .kind = VERDICT_MISCONFIGURED,
     .hint = "Check clusterIdentifier or workgroupName, databaseName, and that they are in the "
             "profile's region.",
     .causes = CAUSE_OBJECT | CAUSE_ADDRESS},
    {AWS("QueryTimeoutException"), .kind = VERDICT_UNREACHABLE, .hint = LATER,
     .causes = CAUSE_OUTAGE},
    {AWS("ResourceNotFoundException"), .kind = VERDICT_UNREACHABLE,
     .hint = "The statement is no longer known. Try again.", .causes = CAUSE_OUTAGE},
    {STEP_API, .status = 4, .at = "/__type", .kind = VERDICT_REJECTED,
     .hint = "The credentials that STS issued for dataApiRoleArn are not accepted.",
     .causes = CAUSE_CREDENTIAL},

    {SAYS("no pg_hba.conf entry"), .kind = VERDICT_BLOCKED,
     .hint = "The database does not accept this user from this server's IP address, or not without "
             "TLS.",
     .causes = CAUSE_POLICY},
    /* Redshift answers 28000 to a wrong password, PostgreSQL 28P01. */
    {CLASS("28"), .kind = VERDICT_REJECTED, .hint = HINT_USER, .causes = CAUSE_CREDENTIAL},
    {STATE("3D000"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_DATABASE, .causes = CAUSE_OBJECT},
    {STATE("42501"), .kind = VERDICT_FORBIDDEN, .hint = HINT_GRANT, .causes = CAUSE_PERMISSION},
    {STATE("42P01"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_TABLE, .causes = CAUSE_OBJECT},
    {STATE("3F000"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_TABLE, .causes = CAUSE_OBJECT},
    {SAYS("load_error"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_RECORD,
     .causes = CAUSE_OBJECT},
    {SAYS("S3ServiceException"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_STAGE,
     .causes = CAUSE_PERMISSION | CAUSE_ADDRESS},
    {CLASS("22"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_RECORD, .causes = CAUSE_OBJECT},
    {CLASS("23"), .kind = VERDICT_MISCONFIGURED, .hint = HINT_RECORD, .causes = CAUSE_OBJECT},
    {STATE("53300"), .kind = VERDICT_THROTTLED, .hint = HINT_CONNECTIONS, .causes = CAUSE_LIMIT},
    {STATE("57P03"), .kind = VERDICT_UNREACHABLE,
     .hint = "The database is starting up or shutting down. Try again later.",
     .causes = CAUSE_OUTAGE},
    {CLASS("08"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {CLASS("53"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {CLASS("57"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {SAYS("password has expired"), .kind = VERDICT_REJECTED,
     .hint = "The user's password has expired. Set a new one, or a later VALID UNTIL.",
     .causes = CAUSE_NEW_PASSWORD},
    {SAYS("password authentication failed"), .kind = VERDICT_REJECTED, .hint = HINT_USER,
     .causes = CAUSE_CREDENTIAL},
    {SAYS("not authorized to perform"), .kind = VERDICT_FORBIDDEN,
     .hint = "Give the role of dataApiRoleArn redshift:GetClusterCredentials for a cluster, or "
             "redshift-serverless:GetCredentials for a workgroup.",
     .causes = CAUSE_PERMISSION},
    {SAYS("permission denied"), .kind = VERDICT_FORBIDDEN, .hint = HINT_GRANT,
     .causes = CAUSE_PERMISSION},
    {SAYS("too many connections"), .kind = VERDICT_THROTTLED, .hint = HINT_CONNECTIONS,
     .causes = CAUSE_LIMIT},
    {SAYS("starting up"), .kind = VERDICT_UNREACHABLE, .hint = LATER, .causes = CAUSE_OUTAGE},
    {SAYS("relation \""), .kind = VERDICT_MISCONFIGURED, .hint = HINT_TABLE,
     .causes = CAUSE_OBJECT},
    {SAYS("schema \""), .kind = VERDICT_MISCONFIGURED, .hint = HINT_TABLE, .causes = CAUSE_OBJECT},
    {SAYS("database \""), .kind = VERDICT_MISCONFIGURED, .hint = HINT_DATABASE,
     .causes = CAUSE_OBJECT},
    {SAYS("user \""), .kind = VERDICT_REJECTED, .hint = HINT_USER, .causes = CAUSE_CREDENTIAL},
    {STEP_API, .at = "/database", .kind = VERDICT_UNREACHABLE, .hint = LATER,
     .causes = CAUSE_OUTAGE},
};

static const char *const errors[] = {"/__type"};

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
    .list_entities = redshift_list,
    .describe_entity = redshift_describe,
};

static const struct load_ops loads = {
    .by_manifest = true, .load = redshift_load, .cancel = redshift_load_cancel};

/* How the Data API's responses are read. */
static const struct http_connector http = {
    .rules = LIST(rules),
    .errors = LIST(errors),
    .messages = LIST(messages),
};

static const struct catalogue_entry catalogue = {
    .name = "Amazon Redshift",
};

const struct connector connector_redshift = {
    .type = STR("Redshift"),
    .key = STR("Redshift"),
    .roles = ROLE_DESTINATION,
    .ops = &redshift_ops,
    .loads = &loads,
    .http = &http,
    .catalogue = &catalogue,
};
