/* The Data API (docs.aws.amazon.com/redshift-data): assumes the role, sends a statement, and
 * describes it until it ends. Most faults of the role, the user or the database appear in the
 * statement's error. */
#include "redshift.h"

#include "auth/aws_role.h"
#include "connector/http/response.h"
#include "wire/errors.h"

enum {
    BODY_MAX = 16 * 1024,
    DESCRIBE_PAUSE_MS = 100, /* before the first look at a statement; then doubled */
    DESCRIBE_PAUSE_MAX_MS = 2000,
    ID_MAX = 128,     /* bytes; AWS's are UUIDs */
    TOKEN_MAX = 4096, /* bytes of what names a result's next page */
    PAGES_MAX = 1000, /* of a result */
    PART_ROWS = 1000, /* of a statement's result */
};

static bool conclude_role(struct vendor_connection *connection, const struct error *error)
{
    static const struct {
        int code;
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

/* The connection outlives a statement's role: a list may need several. */
static void redact(struct vendor_connection *connection, struct str secret)
{
    vendor_redact(connection, arena_copy(vendor_config(connection)->arena, secret));
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
                         arn, vendor_deadline_ms(connection), config->arena, ret_role, &error))
        return conclude_role(connection, &error);
    redact(connection, secret_reveal(ret_role->secret_access_key));
    redact(connection, secret_reveal(ret_role->session_token));
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

/* `token`: STR_NULL: none. */
static bool execute(struct vendor_connection *connection, const struct aws_role *role,
                    struct str sql, struct str token, struct str *ret_id)
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
    value_put_text(arena, input, "Sql", sql);
    value_put_text(arena, input, "StatementName", STR("headgate"));
    if (token.data)
        value_put_text(arena, input, "ClientToken", token);
    if (!ask(connection, role, STR("RedshiftData.ExecuteStatement"), input, "/Id", &response))
        return false;
    *ret_id = arena_copy(arena, value_text(response.json, "Id"));
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

static bool look(struct vendor_connection *connection, const struct aws_role *role, struct str id,
                 bool *ret_done)
{
    struct value *input = value_structure(vendor_config(connection)->arena);
    struct vendor_response response = {0};
    value_put_text(vendor_config(connection)->arena, input, "Id", id);
    if (!ask(connection, role, STR("RedshiftData.DescribeStatement"), input, "/Status", &response))
        return false;
    enum progress progress = progress_of(value_text(response.json, "Status"));
    *ret_done = progress != PROGRESS_NONE;
    return progress != PROGRESS_BAD || redshift_fail(connection, STR_NULL, error_of(&response));
}

/* Bounded by the time limit: each turn waits. */
static bool await_end(struct vendor_connection *connection, const struct aws_role *role,
                      struct str id)
{
    int64_t pause_ms = DESCRIBE_PAUSE_MS;
    bool is_done;
    while (vendor_has_time(connection, pause_ms)) {
        vendor_pause(connection, pause_ms);
        if (!look(connection, role, id, &is_done))
            return false;
        if (is_done)
            return true;
        pause_ms = pause_ms * 2 < DESCRIBE_PAUSE_MAX_MS ? pause_ms * 2 : DESCRIBE_PAUSE_MAX_MS;
    }
    return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API, STR_NULL,
                       "The statement did not end within the time limit: the cluster may be "
                       "paused, or the workgroup waking up. Try again.");
}

/* Runs a statement to its end. */
static bool run(struct vendor_connection *connection, const struct aws_role *role, struct str sql,
                struct str *ret_id)
{
    return execute(connection, role, sql, STR_NULL, ret_id) && await_end(connection, role, *ret_id);
}

bool redshift_start(struct vendor_connection *connection, struct str sql, struct str token,
                    struct str *ret_id)
{
    _cleanup_role_ struct aws_role role = {0};
    return take_role(connection, &role) && execute(connection, &role, sql, token, ret_id);
}

bool redshift_look(struct vendor_connection *connection, struct str id, bool *ret_done)
{
    _cleanup_role_ struct aws_role role = {0};
    *ret_done = false;
    return take_role(connection, &role) && look(connection, &role, id, ret_done);
}

bool redshift_cancel(struct vendor_connection *connection, struct str id)
{
    _cleanup_role_ struct aws_role role = {0};
    struct value *input = value_structure(vendor_config(connection)->arena);
    struct vendor_response response = {0};
    value_put_text(vendor_config(connection)->arena, input, "Id", id);
    return take_role(connection, &role) &&
           ask(connection, &role, STR("RedshiftData.CancelStatement"), input, "/Status", &response);
}

/* SELECT 1 needs no privilege on any table, and all that a flow needs to connect. */
bool redshift_verify_data_api(struct vendor_connection *connection)
{
    _cleanup_role_ struct aws_role role = {0};
    struct str id;
    return take_role(connection, &role) && run(connection, &role, STR("SELECT 1"), &id);
}

/* --- rows --- */

/* A Field: {"stringValue": …}, or {"isNull": true}. */
static bool hand_over(const struct value *record, struct sql_rows *rows)
{
    struct str cells[SQL_COLUMNS_MAX];
    if (record->kind != VALUE_LIST || record->count != (size_t)rows->columns)
        return false;
    for (size_t i = 0; i < record->count; i++)
        cells[i] = value_text(record->items[i], "stringValue");
    rows->stopped = !rows->each(rows->context, cells);
    return true;
}

static bool take_records(struct vendor_connection *connection, const struct value *records,
                         struct sql_rows *rows, size_t *count)
{
    bool good = records && records->kind == VALUE_LIST;
    for (size_t i = 0; good && i < records->count && !rows->stopped; i++, ++*count)
        good = hand_over(records->items[i], rows);
    return good || vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                               STR("the result has other columns than the statement"), NULL);
}

static struct value *result_input(struct arena *arena, struct str id, struct str token)
{
    struct value *input = value_structure(arena);
    value_put_text(arena, input, "Id", id);
    if (token.len > 0)
        value_put_text(arena, input, "NextToken", token);
    return input;
}

static bool read_result(struct vendor_connection *connection, const struct aws_role *role,
                        struct str id, struct sql_rows *rows, size_t *count)
{
    struct arena *arena = vendor_config(connection)->arena;
    struct str token = STR("");
    for (int pages = 0; pages < PAGES_MAX; pages++) {
        struct vendor_response response = {0};
        if (!ask(connection, role, STR("RedshiftData.GetStatementResult"),
                 result_input(arena, id, token), "/Records", &response) ||
            !take_records(connection, value_get(response.json, "Records"), rows, count))
            return false;
        struct str next = value_text(response.json, "NextToken");
        if (next.len == 0 || rows->stopped)
            return true;
        if (next.len > TOKEN_MAX || str_eq(next, token))
            break;
        token = arena_copy(arena, next);
    }
    return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                       STR("the result does not come to an end"), NULL);
}

bool redshift_query_data_api(struct vendor_connection *connection, struct sql_rows *rows)
{
    _cleanup_role_ struct aws_role role = {0};
    size_t count = 0, before;
    if (!take_role(connection, &role))
        return false;
    do {
        struct str id,
            sql = arena_printf(vendor_config(connection)->arena, "%.*s LIMIT %d OFFSET %zu",
                               STR_ARG(rows->sql), PART_ROWS, count);
        before = count;
        if (!run(connection, &role, sql, &id) || !read_result(connection, &role, id, rows, &count))
            return false;
    } while (count - before >= PART_ROWS && !rows->stopped);
    return true;
}
