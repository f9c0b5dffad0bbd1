/* A secret has one version, the current one: what is stored now. Each reading is in the audit
 * before it is answered.
 *
 * Source: AWS Secrets Manager API Reference, GetSecretValue and DescribeSecret. */
#include "api/secrets.h"

#include "api/authorize.h"
#include "base/buf.h"
#include "base/clock.h"
#include "connector/custom/secret_text.h"
#include "profile/secret.h"
#include "store/audit.h"
#include "wire/errors.h"
#include "wire/json_value.h"

#include <string.h>

enum {
    ANSWER_MAX = 2 * SECRET_TEXT_MAX + 8 * 1024, /* a quote in the secret becomes two bytes */
    SECRET_ID_MAX = 2048,
    VERSION_ID_MAX = 64,
    VERSION_STAGE_MAX = 256,
};

static const struct str CURRENT = STR("AWSCURRENT");

/* --- the input --- */

static const struct {
    const char *name;
    size_t max;
    bool required;
} members[] = {
    {"SecretId", SECRET_ID_MAX, true},
    {"VersionId", VERSION_ID_MAX, false},
    {"VersionStage", VERSION_STAGE_MAX, false},
};

/* It goes into the audit and into messages. */
static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    return true;
}

static bool check_member(struct api_request *request, size_t number)
{
    const char *name = members[number].name;
    const struct value *member = value_get(request->input, name);
    if (!member)
        return !members[number].required ||
               fail(&request->error, ERR_VALIDATION, "%s is missing.", name);
    if (member->kind != VALUE_STRING)
        return fail(&request->error, ERR_SERIALIZATION, "%s must be a string.", name);
    return (member->text.len > 0 && member->text.len <= members[number].max &&
            is_printable(member->text)) ||
           fail(&request->error, ERR_VALIDATION,
                "%s must have 1 to %zu printable characters without blanks.", name,
                members[number].max);
}

bool secrets_decode(struct api_request *request)
{
    struct str body;
    struct value *input = NULL;
    if (!request_body(request, request->arena, &body))
        return false;
    if (!json_parse(body, request->arena, &input) || input->kind != VALUE_STRUCTURE)
        return fail(&request->error, ERR_SERIALIZATION, "The body is not a JSON object.");
    request->input = input;
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        if (!check_member(request, i))
            return false;
    }
    return true;
}

/* --- which secret --- */

static struct str secret_id(const struct api_request *request)
{
    return value_text(request->input, "SecretId");
}

static bool fail_not_found(struct api_request *request)
{
    return fail(&request->error, ERR_NOT_FOUND,
                "Secrets Manager can't find the specified secret. Headgate has the secrets that "
                "the credentialsArn of a connector profile names, and finds them by the complete "
                "ARN.");
}

/* What is looked for belongs to the caller's account, whatever the ARN says; the caller is asked
 * for its right before it learns whether the secret exists. */
static bool find_secret(struct api_request *request, struct profile_secret *ret_secret)
{
    struct str arn = secret_id(request), region = str_field(arn, ':', 3);
    bool found = false;
    *ret_secret = (struct profile_secret){0};
    if (!profile_secret_find(&request->service->profiles, request->arena, request->caller.account,
                             region, arn, ret_secret, &found, &request->error))
        return false;
    struct str type = found ? ret_secret->profile.connector_type : STR_NULL;
    if (!request_authorize_secret(request, arn, type))
        return false;
    found = found && (request->function || str_eq(region, request->caller.region));
    return found || fail_not_found(request);
}

/* The text that a call has brought itself: of credentials that may not be committed yet. */
static bool is_in_hand(const struct api_request *request)
{
    const struct function_caller *function = request->function;
    return function && function->secret_text.data &&
           str_eq(function->secret_arn, secret_id(request));
}

/* Only the profile's ARN and the times are known of it. */
static void describe_in_hand(const struct api_request *request, struct profile_secret *ret_secret)
{
    *ret_secret = (struct profile_secret){
        .profile = {.credentials_arn = secret_id(request), .created_at_ms = clock_wall_ms()},
        .name = profile_secret_name(secret_id(request)),
    };
    ret_secret->changed_at_ms = ret_secret->profile.created_at_ms;
    memcpy(ret_secret->version_id, request->request_id, UUID_SIZE);
}

/* --- the answer --- */

static void begin_answer(struct api_request *request, const struct profile_secret *secret,
                         struct value **ret_answer)
{
    struct value *answer = value_structure(request->arena);
    value_put_text(request->arena, answer, "ARN", secret->profile.credentials_arn);
    value_put_text(request->arena, answer, "Name", secret->name);
    value_put_time(request->arena, answer, "CreatedDate", secret->profile.created_at_ms);
    *ret_answer = answer;
}

static struct value *stages(struct arena *arena)
{
    struct value *list = value_list(arena);
    value_append(arena, list, value_string(arena, CURRENT));
    return list;
}

static bool end_answer(struct api_request *request, const struct value *answer)
{
    struct buf json = buf_in(request->arena, ANSWER_MAX);
    value_encode(&json, answer);
    request->output = buf_str(&json);
    return !json.overflow ||
           fail(&request->error, ERR_INTERNAL, "The answer has more than %d bytes.", ANSWER_MAX);
}

/* --- GetSecretValue --- */

static bool check_version(struct api_request *request, const struct profile_secret *secret)
{
    struct str id = value_text(request->input, "VersionId");
    struct str stage = value_text(request->input, "VersionStage");
    if (stage.data && !str_eq(stage, CURRENT))
        return fail(&request->error, ERR_NOT_FOUND,
                    "Secrets Manager can't find the specified secret value for staging label: "
                    "%.*s",
                    STR_ARG(stage));
    return !id.data || str_eq(id, str_from(secret->version_id)) ||
           fail(&request->error, ERR_NOT_FOUND,
                "Secrets Manager can't find the specified secret value for VersionId: %.*s",
                STR_ARG(id));
}

static bool apply_audit(struct db *db, void *argument, struct error *error)
{
    struct audit_entry entry = *(const struct audit_entry *)argument;
    entry.at_ms = clock_wall_ms();
    return audit_add(db, &entry, error);
}

static bool read_in_hand(struct api_request *request, struct profile_secret *ret_secret,
                         struct str *ret_text)
{
    struct audit_entry entry = request_audit_entry(request, "ok", STR(""));
    describe_in_hand(request, ret_secret);
    *ret_text = request->function->secret_text;
    return check_version(request, ret_secret) &&
           store_apply(request->service->config.store, apply_audit, &entry, false, &request->error);
}

static bool read_stored(struct api_request *request, struct profile_secret *ret_secret,
                        struct str *ret_text)
{
    struct audit_entry entry = request_audit_entry(request, "ok", STR(""));
    return find_secret(request, ret_secret) && check_version(request, ret_secret) &&
           profile_secret_read(&request->service->profiles, request->arena, &entry, ret_secret,
                               ret_text, &request->error);
}

/* Each reading is a row in the audit, and a connector's code decides how often it reads. */
static bool check_requests(struct api_request *request)
{
    return !request->function || request->function->requests <= FUNCTION_REQUESTS_MAX ||
           fail(&request->error, ERR_THROTTLING,
                "The connector has made more than %d requests in one call. It has to read its "
                "secret once and keep it.",
                FUNCTION_REQUESTS_MAX);
}

static bool get_secret_value(struct api_request *request)
{
    struct profile_secret secret;
    struct value *answer;
    struct str text;
    if (!check_requests(request))
        return false;
    bool good = is_in_hand(request) ? read_in_hand(request, &secret, &text)
                                    : read_stored(request, &secret, &text);
    if (!good)
        return false;
    begin_answer(request, &secret, &answer);
    value_put_text(request->arena, answer, "SecretString", text);
    value_put_text(request->arena, answer, "VersionId", str_from(secret.version_id));
    value_put(request->arena, answer, "VersionStages", stages(request->arena));
    return end_answer(request, answer);
}

/* --- DescribeSecret --- */

static bool describe_secret(struct api_request *request)
{
    struct profile_secret secret;
    struct value *answer, *versions = value_structure(request->arena);
    if (is_in_hand(request))
        describe_in_hand(request, &secret);
    else if (!find_secret(request, &secret))
        return false;
    begin_answer(request, &secret, &answer);
    value_put_time(request->arena, answer, "LastChangedDate", secret.changed_at_ms);
    value_put_text(request->arena, answer, "OwningService", STR("appflow"));
    value_put(request->arena, versions, secret.version_id, stages(request->arena));
    value_put(request->arena, answer, "VersionIdsToStages", versions);
    return end_answer(request, answer);
}

/* --- the table --- */

const struct operation secrets_operations[SECRETS_OPERATIONS] = {
    {.name = STR("GetSecretValue"),
     .run = get_secret_value,
     .thread = ON_INNER_WORKER,
     .flags = OPERATION_AUDITED | OPERATION_READS_SECRET,
     .resource = "SecretId",
     .hosts = CALLS_NONE,
     .metric = METRIC_SECRETS},
    {.name = STR("DescribeSecret"),
     .run = describe_secret,
     .thread = ON_INNER_WORKER,
     .flags = OPERATION_AUDITED | OPERATION_READS_SECRET,
     .resource = "SecretId",
     .hosts = CALLS_NONE,
     .metric = METRIC_SECRETS + 1},
};

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z'))
            return false;
    }
    return text.len > 0 && text.len <= 64;
}

bool secrets_find(struct api_request *request)
{
    static const struct str prefix = STR("secretsmanager.");
    const struct str *target = http_find_header(&request->exchange->head, STR("X-Amz-Target"));
    struct str name = STR_NULL;
    if (target && str_starts(*target, prefix))
        name = (struct str){target->data + prefix.len, target->len - prefix.len};
    if (!is_name(name))
        return fail(&request->error, ERR_UNKNOWN_OPERATION,
                    "X-Amz-Target does not name an operation of Secrets Manager.");
    for (size_t i = 0; i < SECRETS_OPERATIONS; i++) {
        if (str_eq(name, secrets_operations[i].name)) {
            request->operation = &secrets_operations[i];
            return true;
        }
    }
    return fail(&request->error, ERR_NOT_IMPLEMENTED,
                "Secrets Manager's %.*s is not implemented in Headgate " HEADGATE_VERSION ".",
                STR_ARG(name));
}
