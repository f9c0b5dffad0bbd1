/* The same signatures, sessions and forms of answers as the server's own, without its store. */
#include "connector/custom/secret_endpoint.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "connector/custom/secret_text.h"
#include "net/server/server.h"
#include "wire/aws_answer.h"
#include "wire/errors.h"
#include "wire/json_value.h"
#include "wire/sigv4.h"
#include "wire/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 16 * 1024,
    ANSWER_MAX = 2 * SECRET_TEXT_MAX + 8 * 1024, /* a quote in the secret becomes two bytes */
    STOP_MS = 1000,
};

struct secret_endpoint {
    struct server *server;
    struct function_sessions *sessions;
    char url[64];
};

/* A request and what is found out about it. */
struct secret_request {
    struct secret_endpoint *endpoint;
    struct http_exchange *exchange;
    struct secret *key;
    struct function_caller caller;
    char id[UUID_SIZE];
    struct error error;
};

/* --- who calls --- */

static const struct secret *find_key(void *context, struct str access_key_id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    (void)context, (void)access_key_id, (void)arena, (void)ret_account, (void)error;
    return NULL; /* processes have sessions */
}

static const struct secret *find_session(void *context, struct str access_key_id, struct str token,
                                         struct arena *arena, struct str *ret_account,
                                         struct error *error)
{
    struct secret_request *request = context;
    (void)error;
    request->key = function_session_find(request->endpoint->sessions, access_key_id, token, arena,
                                         &request->caller);
    *ret_account = request->caller.account;
    return request->key;
}

static bool verify(struct secret_request *request)
{
    static const struct str service = STR("secretsmanager");
    const struct sigv4_services services = {&service, 1};
    const struct sigv4_keys keys = {find_key, request, find_session};
    struct http_exchange *exchange = request->exchange;
    struct sigv4_caller caller;
    struct sigv4_request signed_request = {
        .method = exchange->head.method,
        .path = exchange->head.target,
        .query = STR(""),
        .headers = exchange->head.headers,
        .header_count = exchange->head.header_count,
        .body = exchange->body,
    };
    str_cut(exchange->head.target, '?', &signed_request.path, &signed_request.query);
    bool good = sigv4_verify(&signed_request, &services, clock_wall_ms(), &keys, NULL,
                             &exchange->arena, &caller, &request->error);
    secret_free(request->key);
    request->key = NULL;
    return good;
}

/* --- what it may read --- */

static bool check_secret(struct secret_request *request)
{
    struct value *input;
    struct str arn = STR_NULL;
    if (json_parse(request->exchange->body, &request->exchange->arena, &input))
        arn = value_text(input, "SecretId");
    if (!arn.data)
        return fail(&request->error, ERR_SERIALIZATION, "SecretId is missing, or not a string.");
    if (!request->caller.secret_arn.data)
        return fail(&request->error, ERR_ACCESS_DENIED,
                    "There is no secret to read: give --secret-file or --secret-variable.");
    return str_eq(arn, request->caller.secret_arn) ||
           fail(&request->error, ERR_ACCESS_DENIED,
                "The connector may only read the secret of the request that it works on, %.*s.",
                STR_ARG(request->caller.secret_arn));
}

static struct str answer(struct secret_request *request, bool with_value)
{
    struct arena *arena = &request->exchange->arena;
    struct value *value = value_structure(arena), *stages = value_list(arena);
    struct str arn = request->caller.secret_arn, id = {request->id, UUID_SIZE - 1};
    value_append(arena, stages, value_string(arena, STR("AWSCURRENT")));
    value_put_text(arena, value, "ARN", arn);
    value_put_text(arena, value, "Name", STR("connector"));
    value_put_time(arena, value, "CreatedDate", clock_wall_ms());
    if (with_value) {
        value_put_text(arena, value, "VersionId", id);
        value_put_text(arena, value, "SecretString", request->caller.secret_text);
        value_put(arena, value, "VersionStages", stages);
    } else {
        struct value *versions = value_structure(arena);
        value_put(arena, versions, request->id, stages);
        value_put(arena, value, "VersionIdsToStages", versions);
    }
    struct buf json = buf_in(arena, ANSWER_MAX);
    value_encode(&json, value);
    return buf_str(&json);
}

static bool serve(struct secret_request *request, struct str *ret_body)
{
    const struct http_head *head = &request->exchange->head;
    const struct str *target = http_find_header(head, STR("X-Amz-Target"));
    bool get = target && str_eq(*target, STR("secretsmanager.GetSecretValue"));
    bool describe = target && str_eq(*target, STR("secretsmanager.DescribeSecret"));
    if (!get && !describe)
        return fail(&request->error, ERR_UNKNOWN_OPERATION,
                    "X-Amz-Target must be secretsmanager.GetSecretValue or "
                    "secretsmanager.DescribeSecret.");
    if (!verify(request) || !check_secret(request))
        return false;
    *ret_body = answer(request, get);
    return true;
}

static void handle(void *context, struct http_exchange *exchange)
{
    struct secret_request request = {.endpoint = context, .exchange = exchange};
    struct http_response response = {0};
    struct str body;
    random_uuid(request.id);
    struct str id = {request.id, UUID_SIZE - 1};
    if (serve(&request, &body)) {
        const struct aws_result result = {.protocol = AWS_JSON_1_1, .request_id = id, .body = body};
        aws_result_response(&result, &exchange->arena, &response);
    } else {
        const struct error_kind *kind = error_kind(request.error.code);
        const struct aws_error error = {
            .protocol = AWS_JSON_1_1,
            .request_id = id,
            .status = kind->status,
            .exception = kind->exception,
            .message = error_message(&request.error),
        };
        aws_error_response(&error, &exchange->arena, &response);
    }
    http_respond(exchange, &response);
}

bool secret_endpoint_start(struct function_sessions *sessions,
                           struct secret_endpoint **ret_endpoint, struct error *error)
{
    struct secret_endpoint *endpoint = xcalloc(1, sizeof(*endpoint));
    const struct server_config config = {
        .host = "127.0.0.1",
        .loops = 1,
        .handler = handle,
        .handler_context = endpoint,
        .body_max = BODY_MAX,
    };
    endpoint->sessions = sessions;
    if (!server_start(&config, &endpoint->server, error)) {
        free(endpoint);
        return false;
    }
    snprintf(endpoint->url, sizeof(endpoint->url), "http://127.0.0.1:%d",
             server_port(endpoint->server));
    *ret_endpoint = endpoint;
    return true;
}

const char *secret_endpoint_url(const struct secret_endpoint *endpoint)
{
    return endpoint->url;
}

void secret_endpoint_stop(struct secret_endpoint *endpoint)
{
    if (!endpoint)
        return;
    server_stop(endpoint->server, STOP_MS);
    server_free(endpoint->server);
    free(endpoint);
}
