/* The Data API (docs.aws.amazon.com/redshift-data): assumes the role, sends a statement, and
 * describes it until it ends. Most faults of the role, the user or the database appear in the
 * statement's error. */
#include "redshift.h"

#include "auth/aws_role.h"
#include "connector/http/response.h"

enum {
    BODY_MAX = 16 * 1024,
    DESCRIBE_PAUSE_MS = 100, /* before the first look at a statement; then doubled */
    DESCRIBE_PAUSE_MAX_MS = 2000,
    ID_MAX = 128, /* bytes; AWS's are UUIDs */
};

static bool conclude_role(struct vendor_connection *connection, const struct error *error)
{
    static const struct {
        enum err code;
        enum verdict_kind kind;
        const char *hint;
    } rows[] = {
        {ERR_ACCESS_DENIED, VERDICT_REJECTED,
         "Check that the role of dataApiRoleArn exists and trusts this server's identity at AWS."},
        {ERR_THROTTLING, VERDICT_THROTTLED, NULL},
        {ERR_NOT_FOUND, VERDICT_MISCONFIGURED, NULL},
        {ERR_UNAVAILABLE, VERDICT_INTERNAL, "Try again."},
        {ERR_CONNECTOR_SERVER, VERDICT_UNREACHABLE, "Try again later."},
    };
    struct str message = str_from(error->message);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].code == error->code)
            return vendor_fail(connection, rows[i].kind, STEP_TOKEN, message, rows[i].hint);
    }
    return vendor_fail(connection, VERDICT_INTERNAL, STEP_TOKEN, message, NULL);
}

static bool take_role(struct vendor_connection *connection, struct aws_role *ret_role)
{
    const struct vendor_connection_config *config = vendor_config(connection);
    struct error error = {0};
    struct str arn = value_text(config->target->properties, "dataApiRoleArn");
    if (!aws_region_is_valid(config->region))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE, STR_NULL,
                           "The region of the request names no region of AWS.");
    if (!aws_role_assume(config->target->env->aws, config->target->env->sts_url, config->region,
                         arn, config->deadline_ms, config->arena, ret_role, &error))
        return conclude_role(connection, &error);
    vendor_redact(connection, secret_reveal(ret_role->secret_access_key));
    vendor_redact(connection, secret_reveal(ret_role->session_token));
    return true;
}

static int64_t throttled_pause_ms(int tries)
{
    return (int64_t)CALL_THROTTLED_PAUSE_MS << (tries - 1);
}

/* The JSON protocol throttles with status 400, where others mean a limit of hours by it. */
static bool may_ask_again(const struct vendor_connection *connection, int tries)
{
    struct verdict verdict = vendor_verdict(connection);
    return verdict.kind == VERDICT_THROTTLED && verdict.status == 400 && tries < CALL_TRIES_MAX &&
           vendor_has_time(connection, throttled_pause_ms(tries));
}

/* One operation as the role. A good answer has what the pointer `needs` names. */
static bool ask(struct vendor_connection *connection, const struct aws_role *role,
                struct str target, const struct value *input, const char *needs,
                struct vendor_response *ret_response)
{
    const struct vendor_connection_config *config = vendor_config(connection);
    const struct redshift_target *own = config->target->custom;
    struct buf body = buf_in(config->arena, BODY_MAX);
    struct client_request call;
    struct error error = {0};
    value_encode(&body, input);
    struct aws_access access = {.client = config->target->env->client,
                                .access_key_id = role->access_key_id,
                                .secret_access_key = role->secret_access_key,
                                .session_token = role->session_token};
    struct aws_request request = {.url = own->service_url,
                                  .region = config->region,
                                  .service = STR("redshift-data"),
                                  .content_type = STR("application/x-amz-json-1.1"),
                                  .target = target,
                                  .body = buf_str(&body)};
    if (body.overflow)
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE, STR_NULL,
                           "The names in the profile are too long.");
    if (!aws_sign(&access, &request, config->arena, &call, &error))
        return vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_NONE, str_from(error.message),
                           NULL);
    for (int tries = 1; !vendor_send(connection, STEP_API, needs, &call, true, ret_response);
         tries++) {
        if (!may_ask_again(connection, tries))
            return false;
        vendor_pause(connection, throttled_pause_ms(tries));
    }
    return true;
}

/* SELECT 1 reads nothing of anybody's and needs what a flow needs to connect. */
static bool execute(struct vendor_connection *connection, const struct aws_role *role,
                    struct str *ret_id)
{
    const struct value *properties = vendor_config(connection)->target->properties;
    struct arena *arena = vendor_config(connection)->arena;
    struct value *input = value_structure(arena);
    struct vendor_response response = {0};
    if (value_flag(properties, "isRedshiftServerless", false)) {
        value_put_text(arena, input, "WorkgroupName", value_text(properties, "workgroupName"));
    } else {
        value_put_text(arena, input, "ClusterIdentifier",
                       value_text(properties, "clusterIdentifier"));
        value_put_text(arena, input, "DbUser",
                       value_text(vendor_config(connection)->target->credentials, "username"));
    }
    value_put_text(arena, input, "Database", value_text(properties, "databaseName"));
    value_put_text(arena, input, "Sql", STR("SELECT 1"));
    value_put_text(arena, input, "StatementName", STR("headgate"));
    if (!ask(connection, role, STR("RedshiftData.ExecuteStatement"), input, "/Id", &response))
        return false;
    *ret_id = value_text(response.json, "Id");
    return (ret_id->len > 0 && ret_id->len <= ID_MAX) ||
           vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API, STR_NULL,
                       "The response lacks a member that it should have.");
}

enum progress { PROGRESS_NONE, PROGRESS_GOOD, PROGRESS_BAD };

static enum progress progress_of(struct str status)
{
    if (str_eq(status, STR("FINISHED")))
        return PROGRESS_GOOD;
    bool bad = str_eq(status, STR("FAILED")) || str_eq(status, STR("ABORTED"));
    return bad ? PROGRESS_BAD : PROGRESS_NONE;
}

/* An aborted statement has no error. */
static struct str error_of(const struct vendor_response *response)
{
    struct str said = value_text(response->json, "Error");
    return said.len > 0 ? said : STR("the statement was ended before it was done");
}

/* Bounded by the time limit: each turn waits. */
static bool await_end(struct vendor_connection *connection, const struct aws_role *role,
                      struct str id)
{
    struct value *input = value_structure(vendor_config(connection)->arena);
    int64_t pause_ms = DESCRIBE_PAUSE_MS;
    struct vendor_response response = {0};
    value_put_text(vendor_config(connection)->arena, input, "Id", id);
    while (vendor_has_time(connection, pause_ms)) {
        vendor_pause(connection, pause_ms);
        if (!ask(connection, role, STR("RedshiftData.DescribeStatement"), input, "/Status",
                 &response))
            return false;
        enum progress progress = progress_of(value_text(response.json, "Status"));
        if (progress == PROGRESS_GOOD)
            return true;
        if (progress == PROGRESS_BAD)
            return redshift_fail(connection, STR_NULL, error_of(&response));
        pause_ms = pause_ms * 2 < DESCRIBE_PAUSE_MAX_MS ? pause_ms * 2 : DESCRIBE_PAUSE_MAX_MS;
    }
    return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API, STR_NULL,
                       "The statement did not end within the time limit: the cluster may be "
                       "paused, or the workgroup waking up. Try again.");
}

bool redshift_verify_data_api(struct vendor_connection *connection)
{
    _cleanup_role_ struct aws_role role = {0};
    struct str id;
    return take_role(connection, &role) && execute(connection, &role, &id) &&
           await_end(connection, &role, id);
}
