/* Two operations of AWS KMS, and what each of its errors means here (docs.aws.amazon.com/kms, the
 * errors of GenerateDataKey and Decrypt). */
#include "auth/kms.h"

#include "base/buf.h"
#include "base/encode.h"
#include "wire/errors.h"
#include "wire/restjson.h"

#include <string.h>

enum {
    BODY_MAX = 64 * 1024,
    ANSWER_MAX = 64 * 1024,
};

/* --- the key's ARN --- */

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == '"' ||
            text.data[i] == '\\')
            return false;
    }
    return text.len > 0;
}

bool kms_check_arn(struct str arn, struct str account, struct str region, struct error *error)
{
    struct str resource = str_behind(arn, ':', 5);
    if (arn.len > DATA_KEY_ARN_MAX || !is_printable(arn) || !str_starts(arn, STR("arn:aws:kms:")) ||
        !resource.data ||
        !(str_starts(resource, STR("key/")) || str_starts(resource, STR("alias/"))))
        return fail(error, ERR_VALIDATION,
                    "kmsArn must name a key or an alias of AWS KMS, "
                    "arn:aws:kms:REGION:ACCOUNT:key/ID or arn:aws:kms:REGION:ACCOUNT:alias/NAME.");
    if (!str_eq(str_field(arn, ':', 3), region))
        return fail(error, ERR_VALIDATION, "kmsArn must name a key of the region %.*s.",
                    STR_ARG(region));
    return str_eq(str_field(arn, ':', 4), account) ||
           fail(error, ERR_VALIDATION, "kmsArn must name a key of the account %.*s.",
                STR_ARG(account));
}

/* --- the errors --- */

struct kms_error {
    const char *name;
    int code;
    const char *clause;
};

static const char disabled[] = "the key is disabled. Enable it in AWS KMS";
static const char unusable[] = "AWS KMS has no such key, or it is none for symmetric encryption";
static const char denied[] =
    "AWS KMS does not let this server use it. Its operator gives its access key, or the role of "
    "--connector-role, kms:GenerateDataKey and kms:Decrypt on the key";
static const char elsewhere[] =
    "AWS KMS says that it did not wrap this profile's data key with it, or for another profile. "
    "Its "
    "operator looks at --kms-url, and whether AWS KMS was restored from a backup";

static const struct kms_error kms_errors[] = {
    {"DisabledException", ERR_ACCESS_DENIED, disabled},
    {"KMSInvalidStateException", ERR_ACCESS_DENIED,
     "its state does not permit it: it is going to be deleted, or has no key material. Cancel its "
     "deletion in AWS KMS"},
    {"AccessDeniedException", ERR_ACCESS_DENIED, denied},
    {"NotFoundException", ERR_VALIDATION, unusable},
    {"InvalidArnException", ERR_VALIDATION, unusable},
    {"InvalidKeyUsageException", ERR_VALIDATION, unusable},
    {"ValidationException", ERR_VALIDATION, unusable},
    {"InvalidCiphertextException", ERR_ACCESS_DENIED, elsewhere},
    {"IncorrectKeyException", ERR_ACCESS_DENIED, elsewhere},
    {"LimitExceededException", ERR_THROTTLING, "AWS KMS asks to be called again later"},
};

static bool fail_refused(struct str name, int status, struct error *error)
{
    for (size_t i = 0; i < sizeof(kms_errors) / sizeof(*kms_errors); i++) {
        const struct kms_error *each = &kms_errors[i];
        if (str_eq(name, str_from(each->name)))
            return fail(error, each->code, "%s", each->clause);
    }
    if (aws_refuses_credentials(name))
        return fail(error, ERR_ACCESS_DENIED,
                    "AWS KMS does not take this server's access key (%.*s). Its operator looks at "
                    "AWS_ACCESS_KEY_ID, at AWS_SECRET_ACCESS_KEY and at its clock",
                    STR_ARG(name));
    if (status == 403)
        return fail(error, ERR_ACCESS_DENIED, "%s", denied);
    return fail(error, ERR_CONNECTOR_SERVER, "AWS KMS gave no usable response (HTTP status %d)",
                status);
}

static bool read_answer(const struct client_response *response, struct arena *arena,
                        const struct value **ret_answer, struct error *error)
{
    struct value *answer = NULL;
    if (response->outcome == CLIENT_STOPPED)
        return fail(error, ERR_UNAVAILABLE, "the server is stopping");
    if (response->outcome == CLIENT_NO_MEMORY)
        return fail(error, ERR_UNAVAILABLE, "no memory is left for the response of AWS KMS");
    if (response->outcome != CLIENT_OK)
        return fail(error, ERR_CONNECTOR_SERVER, "AWS KMS could not be reached: %s",
                    response->detail);
    if (!json_parse(response->body, arena, &answer))
        answer = NULL;
    struct str name = aws_error_name(response, answer);
    if (aws_is_throttled(response, name))
        return fail(error, ERR_THROTTLING, "AWS KMS asks to be called again later");
    if (response->status != 200 || !answer)
        return fail_refused(name, response->status, error);
    *ret_answer = answer;
    return true;
}

/* --- a call --- */

static void add_member(struct buf *body, const char *name, struct str text)
{
    buf_printf(body, "%s\"%s\":", body->data[body->len - 1] == '{' ? "" : ",", name);
    encode_json_string(body, text);
}

static struct str body_of(const struct kms_question *question, const char *name, struct str value,
                          struct arena *arena)
{
    struct buf body = buf_in(arena, BODY_MAX);
    buf_add_char(&body, '{');
    add_member(&body, "KeyId", question->arn);
    add_member(&body, name, value);
    buf_add_cstr(&body, ",\"EncryptionContext\":{");
    add_member(&body, "headgate:account", question->account);
    add_member(&body, "headgate:profile", question->profile_arn);
    buf_add_cstr(&body, "}}");
    return buf_str(&body);
}

static bool ask(const struct aws_access *access, struct str url,
                const struct kms_question *question, struct str target, struct str body,
                struct arena *call, const struct value **ret_answer, struct error *error)
{
    struct client_response response;
    const struct aws_request request = {
        .url = url,
        .region = question->region,
        .service = STR("kms"),
        .content_type = STR("application/x-amz-json-1.1"),
        .target = target,
        .body = body,
        .answer_max = ANSWER_MAX,
        .deadline_ms = question->deadline_ms,
    };
    return aws_call(access, &request, call, &response, error) &&
           read_answer(&response, call, ret_answer, error);
}

static bool is_key(struct str arn)
{
    return str_starts(str_behind(arn, ':', 5), STR("key/"));
}

/* The key that the answer is about. One about another key than the one that was named is not
 * believed; for an alias any key of the account and region may stand. */
static bool read_key(const struct value *answer, const struct kms_question *question,
                     struct str *ret_arn)
{
    *ret_arn = value_text(answer, "KeyId");
    return ret_arn->data && is_key(*ret_arn) &&
           (is_key(question->arn)
                ? str_eq(*ret_arn, question->arn)
                : kms_check_arn(*ret_arn, question->account, question->region, NULL));
}

static bool read_bytes(const struct value *answer, const char *name, struct arena *arena,
                       struct str *ret_bytes)
{
    struct str text = value_text(answer, name);
    return text.data && decode_base64(arena, text, ret_bytes);
}

static bool fail_unusable(struct error *error)
{
    return fail(error, ERR_CONNECTOR_SERVER,
                "AWS KMS gave no usable response (it has no data key of 32 bytes by this key)");
}

bool kms_generate(const struct aws_access *access, struct str url,
                  const struct kms_question *question, struct arena *arena,
                  struct data_key *ret_key, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct value *answer = NULL;
    struct str arn, bytes, wrapped;
    if (!ask(access, url, question, STR("TrentService.GenerateDataKey"),
             body_of(question, "KeySpec", STR("AES_256"), &call), &call, &answer, error))
        return false;
    if (!read_key(answer, question, &arn) || !read_bytes(answer, "Plaintext", &call, &bytes) ||
        bytes.len != DATA_KEY_SIZE || !read_bytes(answer, "CiphertextBlob", &call, &wrapped) ||
        wrapped.len == 0 || wrapped.len > DATA_KEY_WRAPPED_MAX)
        return fail_unusable(error);
    *ret_key =
        (struct data_key){.wrapped = arena_copy(arena, wrapped), .arn = arena_copy(arena, arn)};
    memcpy(ret_key->bytes, bytes.data, DATA_KEY_SIZE);
    return true;
}

bool kms_decrypt(const struct aws_access *access, struct str url,
                 const struct kms_question *question, struct str wrapped, struct arena *arena,
                 struct str *ret_bytes, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    const struct value *answer = NULL;
    struct str arn, bytes;
    struct str blob = encode_base64(&call, wrapped);
    if (!ask(access, url, question, STR("TrentService.Decrypt"),
             body_of(question, "CiphertextBlob", blob, &call), &call, &answer, error))
        return false;
    if (!read_key(answer, question, &arn) || !read_bytes(answer, "Plaintext", &call, &bytes) ||
        bytes.len != DATA_KEY_SIZE)
        return fail_unusable(error);
    *ret_bytes = arena_copy(arena, bytes);
    return true;
}
