/* Three operations of AWS Secrets Manager (docs.aws.amazon.com/secretsmanager): PutSecretValue,
 * CreateSecret, DeleteSecret. */
#include "auth/secret_copy.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/random.h"
#include "wire/errors.h"
#include "wire/json_value.h"

enum {
    TEXT_MAX = 64 * 1024,
    BODY_MAX = 6 * (TEXT_MAX + SECRET_COPY_NAME_MAX) + 256, /* each byte escaped at worst as six */
};

struct answer {
    struct client_response response;
    struct value *json; /* NULL: it has none */
    struct str error_name;
};

static bool ask(const struct secret_copy *copy, const char *operation, struct str body,
                struct arena *arena, struct answer *ret_answer, struct error *error)
{
    const struct aws_request request = {
        .url = copy->url,
        .region = copy->region,
        .service = STR("secretsmanager"),
        .content_type = STR("application/x-amz-json-1.1"),
        .target = arena_printf(arena, "secretsmanager.%s", operation),
        .body = body,
        .deadline_ms = copy->deadline_ms,
    };
    *ret_answer = (struct answer){0};
    if (!aws_call(copy->access, &request, arena, &ret_answer->response, error))
        return false;
    if (ret_answer->response.outcome == CLIENT_OK &&
        !json_parse(ret_answer->response.body, arena, &ret_answer->json))
        ret_answer->json = NULL;
    ret_answer->error_name = aws_error_name(&ret_answer->response, ret_answer->json);
    return true;
}

/* Of an answer that is not the one that was wanted. The service's own words are left out: they name
 * the operator's identity. */
static bool fail_answer(const struct answer *answer, const char *operation, struct error *error)
{
    const struct client_response *response = &answer->response;
    if (response->outcome == CLIENT_STOPPED)
        return fail(error, ERR_UNAVAILABLE, "The server is stopping.");
    if (response->outcome != CLIENT_OK)
        return fail(error, ERR_CONNECTOR_SERVER, "AWS Secrets Manager could not be reached: %s.",
                    response->detail);
    if (aws_is_throttled(response, answer->error_name))
        return fail(error, ERR_THROTTLING, "AWS Secrets Manager asks to be called again later.");
    if (aws_refuses_credentials(answer->error_name))
        return fail(error, ERR_ACCESS_DENIED,
                    "AWS Secrets Manager does not accept this server's credentials (%.*s). Its "
                    "operator checks AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the role of "
                    "--connector-role if it is set, and the server's clock.",
                    STR_ARG(answer->error_name));
    if (response->status == 403 || str_starts(answer->error_name, STR("AccessDenied")))
        return fail(error, ERR_ACCESS_DENIED,
                    "AWS Secrets Manager does not let this server keep copies of secrets "
                    "(%s). Its operator gives its access key, or the role of --connector-role, the "
                    "permissions secretsmanager:CreateSecret, PutSecretValue and DeleteSecret on "
                    "names with the prefix of --mirror-secrets.",
                    operation);
    return fail(error, ERR_CONNECTOR_SERVER,
                "AWS Secrets Manager gave no usable response to %s (HTTP status %d%s%.*s).",
                operation, response->status, answer->error_name.len > 0 ? ", " : "",
                STR_ARG(answer->error_name));
}

static struct str body_of(struct arena *arena, const char *name_member,
                          const struct secret_copy *copy, struct str text)
{
    struct buf body = buf_in(arena, BODY_MAX);
    char token[UUID_SIZE];
    random_uuid(token);
    buf_printf(&body, "{\"%s\":", name_member);
    encode_json_string(&body, copy->name);
    buf_printf(&body, ",\"ClientRequestToken\":\"%s\",\"SecretString\":", token);
    encode_json_string(&body, text);
    buf_add_char(&body, '}');
    return buf_str(&body);
}

bool secret_copy_put(const struct secret_copy *copy, struct str text, struct arena *arena,
                     struct str *ret_arn, struct error *error)
{
    const char *operation = "PutSecretValue";
    struct answer answer;
    if (!ask(copy, operation, body_of(arena, "SecretId", copy, text), arena, &answer, error))
        return false;
    if (str_eq(answer.error_name, STR("ResourceNotFoundException"))) {
        operation = "CreateSecret";
        if (!ask(copy, operation, body_of(arena, "Name", copy, text), arena, &answer, error))
            return false;
    }
    *ret_arn = value_text(answer.json, "ARN");
    return (answer.response.outcome == CLIENT_OK && answer.response.status == 200 &&
            ret_arn->len > 0) ||
           fail_answer(&answer, operation, error);
}

bool secret_copy_remove(const struct secret_copy *copy, struct arena *arena, struct error *error)
{
    struct buf body = buf_in(arena, BODY_MAX);
    struct answer answer;
    buf_add_cstr(&body, "{\"SecretId\":");
    encode_json_string(&body, copy->name);
    buf_add_cstr(&body, ",\"ForceDeleteWithoutRecovery\":true}");
    if (!ask(copy, "DeleteSecret", buf_str(&body), arena, &answer, error))
        return false;
    if (str_eq(answer.error_name, STR("ResourceNotFoundException")))
        return true;
    return (answer.response.outcome == CLIENT_OK && answer.response.status == 200) ||
           fail_answer(&answer, "DeleteSecret", error);
}
