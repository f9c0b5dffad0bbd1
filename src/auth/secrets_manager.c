/* One operation of AWS Secrets Manager (docs.aws.amazon.com/secretsmanager, GetSecretValue). */
#include "auth/secrets_manager.h"

#include "base/buf.h"
#include "base/encode.h"
#include "wire/errors.h"
#include "wire/restjson.h"

enum {
    BODY_MAX = SECRETS_MANAGER_ARN_MAX * 6 + 256,
    SECRET_MAX = 65536,                 /* bytes of a secret, as Secrets Manager has it */
    ANSWER_MAX = SECRET_MAX * 6 + 4096, /* each byte may be escaped; and the other members */
};

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
    if (response->outcome == CLIENT_NO_MEMORY)
        return fail(error, ERR_UNAVAILABLE,
                    "No memory is left for the response of AWS Secrets Manager.");
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

static void add_member(struct buf *body, const char *name, struct str text)
{
    if (text.len == 0)
        return;
    buf_printf(body, ",\"%s\":", name);
    encode_json_string(body, text);
}

/* In the arena of the call, since the answer may be large. */
static bool ask(const struct aws_access *access, struct str url,
                const struct secret_version *version, int64_t deadline_ms, struct arena *call,
                struct client_response *ret_response, struct error *error)
{
    struct buf body = buf_in(call, BODY_MAX);
    buf_add_cstr(&body, "{\"SecretId\":");
    encode_json_string(&body, version->id);
    add_member(&body, "VersionStage", version->stage);
    add_member(&body, "VersionId", version->version);
    buf_add_char(&body, '}');
    const struct aws_request request = {.url = url,
                                        .region = version->region,
                                        .service = STR("secretsmanager"),
                                        .content_type = STR("application/x-amz-json-1.1"),
                                        .target = STR("secretsmanager.GetSecretValue"),
                                        .body = buf_str(&body),
                                        .answer_max = ANSWER_MAX,
                                        .deadline_ms = deadline_ms};
    return aws_call(access, &request, call, ret_response, error);
}

bool secrets_manager_get(const struct aws_access *access, struct str url, struct str arn,
                         int64_t deadline_ms, struct arena *arena, struct str *ret_text,
                         struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    struct secret_version version = {.id = arn};
    struct client_response response;
    struct str text;
    if (!read_region(arn, &version.region))
        return secrets_manager_deny(error);
    if (!ask(access, url, &version, deadline_ms, &call, &response, error) ||
        !read_answer(&response, &call, &text, error))
        return false;
    *ret_text = arena_copy(arena, text);
    return true;
}

/* --- a version of a secret, for references --- */

static const char *const key_words[] = {"KMS", "Decryption", "decrypt"};

/* Secrets Manager says it with the name of the error, or in the words of an access error. */
static bool is_about_key(struct str name, struct str words)
{
    for (size_t i = 0; i < sizeof(key_words) / sizeof(*key_words); i++) {
        struct str word = str_from(key_words[i]);
        if (str_contains(name, word) || str_contains(words, word))
            return true;
    }
    return false;
}

static bool fail_refused(struct str name, const struct value *answer, int status,
                         struct error *error)
{
    struct str words = value_text(answer, "Message").data ? value_text(answer, "Message")
                                                          : value_text(answer, "message");
    if (is_about_key(name, words))
        return fail(error, ERR_ACCESS_DENIED,
                    "AWS KMS does not decrypt the secret. Its key is disabled, or this server may "
                    "not use it (kms:Decrypt)");
    if (str_eq(name, STR("ResourceNotFoundException")))
        return fail(error, ERR_VALIDATION,
                    "AWS Secrets Manager has no such secret, or no such version of it");
    if (str_eq(name, STR("InvalidRequestException")) ||
        str_eq(name, STR("InvalidParameterException")))
        return fail(error, ERR_VALIDATION,
                    "AWS Secrets Manager does not hand the secret out (%.*s): it was deleted, has "
                    "no value, or the reference is not valid for it",
                    STR_ARG(name));
    return fail(error, ERR_ACCESS_DENIED,
                "AWS Secrets Manager does not let this server read the secret (HTTP status %d). "
                "Its operator gives its access key, or the role of --connector-role, the "
                "permission secretsmanager:GetSecretValue",
                status);
}

static bool read_version(const struct client_response *response, struct arena *arena,
                         struct str *ret_text, struct error *error)
{
    struct value *answer = NULL;
    if (response->outcome == CLIENT_STOPPED)
        return fail(error, ERR_UNAVAILABLE, "the server is stopping");
    if (response->outcome == CLIENT_NO_MEMORY)
        return fail(error, ERR_UNAVAILABLE, "no memory is left for the secret");
    if (response->outcome != CLIENT_OK)
        return fail(error, ERR_CONNECTOR_SERVER, "AWS Secrets Manager could not be reached: %s",
                    response->detail);
    if (!json_parse(response->body, arena, &answer))
        answer = NULL;
    struct str name = aws_error_name(response, answer);
    if (aws_is_throttled(response, name))
        return fail(error, ERR_THROTTLING, "AWS Secrets Manager asks to be called again later");
    if (response->status >= 400 && response->status < 500)
        return fail_refused(name, answer, response->status, error);
    if (response->status != 200 || !answer)
        return fail(error, ERR_CONNECTOR_SERVER,
                    "AWS Secrets Manager gave no usable response (HTTP status %d)",
                    response->status);
    *ret_text = value_text(answer, "SecretString");
    return ret_text->data ||
           fail(error, ERR_VALIDATION, "the secret holds bytes (SecretBinary) and no text");
}

bool secrets_manager_read(const struct aws_access *access, struct str url,
                          const struct secret_version *version, int64_t deadline_ms,
                          struct arena *arena, struct str *ret_text, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    struct client_response response;
    struct str text;
    if (!ask(access, url, version, deadline_ms, &call, &response, error) ||
        !read_version(&response, &call, &text, error))
        return false;
    *ret_text = arena_copy(arena, text);
    return true;
}
