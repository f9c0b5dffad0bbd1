/* One operation of AWS Secrets Manager (docs.aws.amazon.com/secretsmanager, GetSecretValue). */
#include "auth/secrets_manager.h"

#include "base/buf.h"
#include "base/encode.h"
#include "wire/restjson.h"

enum { BODY_MAX = SECRETS_MANAGER_ARN_MAX * 6 + 64 };

bool secrets_manager_deny(struct error *error)
{
    return fail(
        error, ERR_ACCESS_DENIED,
        "Please validate the ClientCredentialsArn provided and please make sure Appflow has "
        "required permissions to access the credentials");
}

/* arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME */
static bool read_region(struct str arn, struct str *ret_region)
{
    struct str prefix = STR("arn:aws:secretsmanager:"), rest, account;
    if (arn.len > SECRETS_MANAGER_ARN_MAX || !str_starts(arn, prefix) || !utf8_is_valid(arn))
        return false;
    rest = (struct str){arn.data + prefix.len, arn.len - prefix.len};
    return str_cut(rest, ':', ret_region, &rest) && aws_region_is_valid(*ret_region) &&
           str_cut(rest, ':', &account, &rest) && account.len > 0 &&
           str_starts(rest, STR("secret:")) && rest.len > STR("secret:").len;
}

static bool read_answer(const struct client_response *response, struct arena *arena,
                        struct str *ret_text, struct error *error)
{
    struct value *answer = NULL;
    if (response->outcome == CLIENT_STOPPED)
        return fail(error, ERR_UNAVAILABLE, "The server is stopping.");
    if (response->outcome != CLIENT_OK)
        return fail(error, ERR_CONNECTOR_SERVER, "AWS Secrets Manager could not be reached: %s.",
                    response->detail);
    bool is_json = json_parse(response->body, arena, &answer);
    if (aws_is_throttled(response, aws_error_name(response, answer)))
        return fail(error, ERR_THROTTLING, "AWS Secrets Manager asks to be called again later.");
    if (response->status >= 400 && response->status < 500)
        return secrets_manager_deny(error);
    if (response->status != 200 || !is_json)
        return fail(error, ERR_CONNECTOR_SERVER,
                    "AWS Secrets Manager gave no usable response (HTTP status %d).",
                    response->status);
    struct str text = value_text(answer, "SecretString");
    if (!text.data)
        return secrets_manager_deny(error);
    *ret_text = text;
    return true;
}

static struct str body_of(struct arena *arena, struct str arn)
{
    struct buf body = buf_in(arena, BODY_MAX);
    buf_add_cstr(&body, "{\"SecretId\":");
    encode_json_string(&body, arn);
    buf_add_cstr(&body, "}");
    return buf_str(&body);
}

bool secrets_manager_get(const struct aws_access *access, struct str url, struct str arn,
                         int64_t deadline_ms, struct arena *arena, struct str *ret_text,
                         struct error *error)
{
    struct client_response response;
    struct aws_request request = {.url = url,
                                  .service = STR("secretsmanager"),
                                  .content_type = STR("application/x-amz-json-1.1"),
                                  .target = STR("secretsmanager.GetSecretValue"),
                                  .deadline_ms = deadline_ms};
    if (!read_region(arn, &request.region))
        return secrets_manager_deny(error);
    request.body = body_of(arena, arn);
    return aws_call(access, &request, arena, &response, error) &&
           read_answer(&response, arena, ret_text, error);
}
