/* What Glue's answers mean (docs.aws.amazon.com/glue/latest/webapi/API_Error.html, and the errors
 * of each operation), and when a call is repeated. Creating and deleting are repeated as well: what
 * the first call did makes the second one find that it is done. */
#include "aws/glue.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/int64.h"
#include "base/random.h"
#include "wire/errors.h"
#include "wire/json_value.h"
#include "work/cpu_slots.h"

enum {
    ATTEMPTS = 4,
    FIRST_PAUSE_MS = 500, /* doubled each time; half of it is random */
    CALL_MS = 15 * 1000,  /* of one call */
    NODES_MAX = 256 * 1024,
    INPUT_MAX = 4 * 1024 * 1024,
    PAGE_PARTITIONS = 500,
    WORDS_MAX = 200, /* bytes of Glue's own words in a message */
    NAME_SHOWN_MAX = 64,
};

/* What a call ended with. */
struct reply {
    struct client_response http;
    struct value *answer; /* NULL: not JSON, or no memory for it */
    struct str name;      /* of the error; STR_NULL: none */
};

/* --- errors --- */

struct glue_refusal {
    const char *name;
    int kind;
    bool is_passing;  /* another attempt may succeed */
    const char *text; /* behind "Glue answered OPERATION with NAME"; may be a sentence of advice */
};

#define DENIED                                                                                     \
    "Give the role that action, and what AWS Lake Formation asks for where it guards the database"

static const struct glue_refusal refusals[] = {
    {"AccessDeniedException", ERR_ACCESS_DENIED, false, DENIED},
    {"EntityNotFoundException", ERR_NOT_FOUND, false,
     "Create the database in the flow's region, or correct its name in metadataCatalogConfig"},
    {"AlreadyExistsException", ERR_CONFLICT, false, "Another writer has made it meanwhile"},
    {"InvalidInputException", ERR_VALIDATION, false, NULL},
    {"ValidationException", ERR_VALIDATION, false, NULL},
    {"ResourceNumberLimitExceededException", ERR_QUOTA, false,
     "Delete tables or partitions that are not needed, or ask AWS for a higher quota"},
    {"GlueEncryptionException", ERR_ACCESS_DENIED, false,
     "Let the role use the KMS key that the catalog is encrypted with"},
    {"ConcurrentModificationException", ERR_CONNECTOR_SERVER, true, NULL},
    {"OperationTimeoutException", ERR_CONNECTOR_SERVER, true, NULL},
    {"ResourceNotReadyException", ERR_CONNECTOR_SERVER, true, NULL},
    {"InternalServiceException", ERR_CONNECTOR_SERVER, true, NULL},
    {"InternalFailure", ERR_CONNECTOR_SERVER, true, NULL},
    {"ServiceUnavailable", ERR_CONNECTOR_SERVER, true, NULL},
};

static const struct glue_refusal *find_refusal(struct str name)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        if (str_eq(name, str_from(refusals[i].name)))
            return &refusals[i];
    }
    return NULL;
}

static bool is_plain(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alnum(name.data[i]))
            return false;
    }
    return name.len > 0 && name.len <= NAME_SHOWN_MAX;
}

static bool is_throttled(const struct reply *reply)
{
    return aws_is_throttled(&reply->http, reply->name);
}

static bool is_passing(const struct reply *reply)
{
    const struct glue_refusal *refusal = find_refusal(reply->name);
    switch (reply->http.outcome) {
    case CLIENT_OK:
        return is_throttled(reply) || (refusal ? refusal->is_passing : reply->http.status >= 500);
    case CLIENT_BUSY:
    case CLIENT_CONNECT:
    case CLIENT_PROXY:
    case CLIENT_TIMEOUT:
    case CLIENT_BROKEN:
        return true;
    default:
        return false;
    }
}

static bool fail_transport(const struct reply *reply, struct error *error)
{
    if (reply->http.outcome == CLIENT_STOPPED)
        return fail(error, ERR_UNAVAILABLE, "The server is stopping.");
    if (reply->http.outcome == CLIENT_NO_MEMORY)
        return fail(error, ERR_UNAVAILABLE, "No memory is left for an answer of AWS Glue.");
    return fail(error, ERR_CONNECTOR_SERVER, "AWS Glue could not be reached: %s.",
                reply->http.detail);
}

/* Glue's own words, for where nothing else says what it does not take. It was sent the session
 * token, which must not come back in a message. */
static struct str words_of(const struct glue *glue, const struct reply *reply)
{
    const struct secret *token = glue->access->session_token;
    struct str words = value_text(reply->answer, "Message");
    if (!words.data)
        words = value_text(reply->answer, "message");
    if (!words.data || (token && str_contains(words, secret_reveal(token))))
        return STR("it does not say why");
    return utf8_cut(words, WORDS_MAX);
}

static bool fail_refused(const struct glue *glue, const char *operation, const struct reply *reply,
                         struct error *error)
{
    const struct glue_refusal *refusal = find_refusal(reply->name);
    if (aws_refuses_credentials(reply->name))
        return fail(error, ERR_ACCESS_DENIED,
                    "AWS Glue does not take the credentials of the role (%.*s).",
                    STR_ARG(reply->name));
    if (!refusal && reply->http.status == 403)
        return fail(error, ERR_ACCESS_DENIED, "AWS Glue answered %s with status 403. %s.",
                    operation, DENIED);
    if (!refusal)
        return fail(error, is_throttled(reply) ? ERR_THROTTLING : ERR_CONNECTOR_SERVER,
                    "AWS Glue answered %s with status %d%s%.*s.", operation, reply->http.status,
                    is_plain(reply->name) ? ", " : "",
                    STR_ARG(is_plain(reply->name) ? reply->name : STR("")));
    if (refusal->kind == ERR_VALIDATION)
        return fail(error, ERR_VALIDATION, "AWS Glue answered %s with %s: %.*s", operation,
                    refusal->name, STR_ARG(words_of(glue, reply)));
    return fail(error, refusal->kind, "AWS Glue answered %s with %s.%s%s%s", operation,
                refusal->name, refusal->text ? " " : "", refusal->text ? refusal->text : "",
                refusal->text ? "." : "");
}

/* --- a call --- */

static bool is_good(const struct reply *reply)
{
    return reply->http.outcome == CLIENT_OK && reply->http.status == 200 && reply->answer;
}

static bool attempt(const struct glue *glue, const char *operation, struct str body,
                    struct arena *arena, struct reply *ret_reply, struct error *error)
{
    const struct aws_request request = {
        .url = glue->url,
        .region = glue->region,
        .service = STR("glue"),
        .content_type = STR("application/x-amz-json-1.1"),
        .target = arena_printf(arena, "AWSGlue.%s", operation),
        .body = body,
        .answer_max = GLUE_ANSWER_MAX,
        .deadline_ms = i64_min(clock_mono_ms() + CALL_MS, glue->deadline_ms),
    };
    *ret_reply = (struct reply){0};
    if (!aws_call(glue->access, &request, arena, &ret_reply->http, error))
        return false;
    if (ret_reply->http.outcome != CLIENT_OK)
        return true;
    if (json_parse_own(ret_reply->http.body, NODES_MAX, arena, &ret_reply->answer) != JSON_READ ||
        ret_reply->answer->kind != VALUE_STRUCTURE)
        ret_reply->answer = NULL;
    if (ret_reply->http.status != 200)
        ret_reply->name = aws_error_name(&ret_reply->http, ret_reply->answer);
    return true;
}

static bool is_over(const struct glue *glue)
{
    return glue->is_to_end && glue->is_to_end(glue->context);
}

/* False: there is no time for another attempt, or the caller is to end. */
static bool pause_before(const struct glue *glue, int attempts)
{
    int64_t whole_ms = (int64_t)FIRST_PAUSE_MS << attempts;
    int64_t pause_ms = whole_ms / 2 + (int64_t)(random_u32() % (uint32_t)(whole_ms / 2 + 1));
    return attempts + 1 < ATTEMPTS && clock_mono_ms() + pause_ms < glue->deadline_ms &&
           slot_nap(pause_ms, glue->is_to_end, glue->context);
}

/* True: the answer is a good one, or the error `allowed` that the caller knows how to take; then
 * *ret_allowed. */
static bool call(const struct glue *glue, const char *operation, const struct value *input,
                 const char *allowed, struct arena *arena, const struct value **ret_answer,
                 bool *ret_allowed, struct error *error)
{
    struct buf body = buf_in(arena, INPUT_MAX);
    struct reply reply;
    value_encode(&body, input);
    *ret_answer = NULL;
    *ret_allowed = false;
    if (body.overflow)
        return fail(error, ERR_VALIDATION,
                    "The table is too large for AWS Glue: map fewer fields, "
                    "or ones with shorter names.");
    for (int attempts = 0;; attempts++) {
        if (is_over(glue))
            return fail(error, ERR_UNAVAILABLE, "The call to AWS Glue was given up.");
        if (!attempt(glue, operation, buf_str(&body), arena, &reply, error))
            return false;
        if (is_good(&reply) || !is_passing(&reply) || !pause_before(glue, attempts))
            break;
    }
    *ret_answer = reply.answer;
    *ret_allowed = allowed && str_eq(reply.name, str_from(allowed));
    if (is_good(&reply) || *ret_allowed)
        return true;
    if (reply.http.outcome != CLIENT_OK)
        return fail_transport(&reply, error);
    return fail_refused(glue, operation, &reply, error);
}

static struct value *input_of(const struct glue *glue, struct arena *arena)
{
    struct value *input = value_structure(arena);
    value_put_text(arena, input, "DatabaseName", glue->database);
    return input;
}

/* --- tables --- */

bool glue_table_find(const struct glue *glue, struct str name, struct arena *arena,
                     const struct value **ret_table, struct error *error)
{
    struct value *input = input_of(glue, arena);
    const struct value *answer;
    bool is_absent;
    *ret_table = NULL;
    value_put_text(arena, input, "Name", name);
    if (!call(glue, "GetTable", input, "EntityNotFoundException", arena, &answer, &is_absent,
              error))
        return false;
    *ret_table = is_absent ? NULL : value_get(answer, "Table");
    return is_absent || *ret_table ||
           fail(error, ERR_CONNECTOR_SERVER, "AWS Glue answered GetTable without a table.");
}

static bool change_table(const struct glue *glue, const char *operation, const struct value *table,
                         struct error *error)
{
    struct arena arena = arena_beside(glue->arena);
    struct value *input = input_of(glue, &arena);
    const struct value *answer;
    bool ignored;
    value_put(&arena, input, "TableInput", (struct value *)table);
    if (str_eq(str_from(operation), STR("UpdateTable")))
        value_put_flag(&arena, input, "SkipArchive", true);
    bool ok = call(glue, operation, input, NULL, &arena, &answer, &ignored, error);
    arena_done(&arena);
    return ok;
}

bool glue_table_create(const struct glue *glue, const struct value *table, struct error *error)
{
    return change_table(glue, "CreateTable", table, error);
}

bool glue_table_update(const struct glue *glue, const struct value *table, struct error *error)
{
    return change_table(glue, "UpdateTable", table, error);
}

bool glue_table_delete(const struct glue *glue, struct str name, struct error *error)
{
    struct arena arena = arena_beside(glue->arena);
    struct value *input = input_of(glue, &arena);
    const struct value *answer;
    bool is_absent;
    value_put_text(&arena, input, "Name", name);
    bool ok = call(glue, "DeleteTable", input, "EntityNotFoundException", &arena, &answer,
                   &is_absent, error);
    arena_done(&arena);
    return ok;
}

/* --- partitions --- */

static struct value *input_for(const struct glue *glue, struct str table, struct arena *arena)
{
    struct value *input = input_of(glue, arena);
    value_put_text(arena, input, "TableName", table);
    return input;
}

bool glue_partition_list(const struct glue *glue, struct str table, struct str next,
                         struct arena *arena, const struct value **ret_partitions,
                         struct str *ret_next, struct error *error)
{
    struct value *input = input_for(glue, table, arena);
    const struct value *answer;
    bool ignored;
    value_put_flag(arena, input, "ExcludeColumnSchema", true);
    value_put_integer(arena, input, "MaxResults", PAGE_PARTITIONS);
    value_put_text(arena, input, "NextToken", next);
    if (!call(glue, "GetPartitions", input, NULL, arena, &answer, &ignored, error))
        return false;
    *ret_partitions = value_get(answer, "Partitions");
    *ret_next = value_text(answer, "NextToken");
    if (ret_next->len == 0)
        *ret_next = STR_NULL;
    return (*ret_partitions && (*ret_partitions)->kind == VALUE_LIST) ||
           fail(error, ERR_CONNECTOR_SERVER,
                "AWS Glue answered GetPartitions without a list of them.");
}

/* Each partition that a batch did not take has an error of its own. */
static bool check_errors(const char *operation, const struct value *answer, const char *allowed,
                         size_t *ret_allowed, struct error *error)
{
    const struct value *errors = value_get(answer, "Errors");
    *ret_allowed = 0;
    for (size_t i = 0; errors && errors->kind == VALUE_LIST && i < errors->count; i++) {
        struct str name = value_text(value_get(errors->items[i], "ErrorDetail"), "ErrorCode");
        if (!str_eq(name, str_from(allowed)))
            return fail(error, ERR_VALIDATION, "AWS Glue did not take a partition in %s (%.*s).",
                        operation, STR_ARG(is_plain(name) ? name : STR("it does not say why")));
        (*ret_allowed)++;
    }
    return true;
}

static bool change_partitions(const struct glue *glue, struct str table, const char *operation,
                              const char *member, struct value *partitions, const char *allowed,
                              size_t *ret_allowed, struct error *error)
{
    struct arena arena = arena_beside(glue->arena);
    struct value *input = input_for(glue, table, &arena);
    const struct value *answer;
    bool ignored;
    value_put(&arena, input, member, partitions);
    bool ok = call(glue, operation, input, NULL, &arena, &answer, &ignored, error) &&
              check_errors(operation, answer, allowed, ret_allowed, error);
    arena_done(&arena);
    return ok;
}

bool glue_partitions_create(const struct glue *glue, struct str table, struct value *partitions,
                            size_t *ret_created, struct error *error)
{
    size_t known;
    if (!change_partitions(glue, table, "BatchCreatePartition", "PartitionInputList", partitions,
                           "AlreadyExistsException", &known, error))
        return false;
    *ret_created = known < partitions->count ? partitions->count - known : 0;
    return true;
}

bool glue_partitions_delete(const struct glue *glue, struct str table, struct value *partitions,
                            struct error *error)
{
    size_t ignored;
    return change_partitions(glue, table, "BatchDeletePartition", "PartitionsToDelete", partitions,
                             "EntityNotFoundException", &ignored, error);
}
