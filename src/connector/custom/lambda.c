/* The request of an invocation: who signs it, and where it goes. */
#include "connector/custom/lambda_internal.h"

#include "auth/aws_account.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "wire/aws_answer.h"
#include "wire/errors.h"

#include <stdlib.h>

enum { PATH_MAX_LEN = 64 + 3 * FUNCTION_ARN_MAX, NAME_MAX_LEN = 140 };

/* --- ARNs --- */

/* Also a version ("$LATEST", "7") or an alias behind the name. */
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!ascii_is_alnum(c) && c != '-' && c != '_' && c != ':' && c != '$' && c != '.')
            return false;
    }
    return text.len > 0 && text.len <= NAME_MAX_LEN;
}

bool lambda_arn_read(struct str arn, struct str *ret_region, struct str *ret_account)
{
    struct str prefix = STR("arn:aws:lambda:"), function = STR("function:");
    if (arn.len > FUNCTION_ARN_MAX || !str_starts(arn, prefix))
        return false;
    struct str rest = {arn.data + prefix.len, arn.len - prefix.len};
    return str_cut(rest, ':', ret_region, &rest) && aws_region_is_valid(*ret_region) &&
           str_cut(rest, ':', ret_account, &rest) && aws_account_is_valid(*ret_account) &&
           str_starts(rest, function) &&
           is_name((struct str){rest.data + function.len, rest.len - function.len});
}

static bool knows(struct function_runner *runner, struct str arn)
{
    struct str region, account;
    (void)runner;
    return lambda_arn_read(arn, &region, &account);
}

/* --- who calls --- */

static bool refuse(struct function_answer *answer, enum function_outcome outcome,
                   struct str message)
{
    *answer = (struct function_answer){.outcome = outcome, .message = message, .not_run = true};
    return false;
}

static bool check_caller(const struct function_call *call, struct str account, struct arena *arena,
                         struct function_answer *answer)
{
    return str_eq(account, call->account) ||
           refuse(answer, FUNCTION_DENIED,
                  arena_printf(arena,
                               "The Lambda function %.*s is not of the account %.*s. This server "
                               "invokes functions of the caller's own account only.",
                               STR_ARG(call->arn), STR_ARG(call->account)));
}

static const struct {
    int code;
    enum function_outcome outcome;
} outcomes[] = {
    {ERR_NOT_FOUND, FUNCTION_DENIED},
    {ERR_ACCESS_DENIED, FUNCTION_DENIED},
    {ERR_THROTTLING, FUNCTION_THROTTLED},
};

bool lambda_fail(const struct error *error, struct arena *arena, struct function_answer *answer)
{
    enum function_outcome outcome = FUNCTION_UNREACHABLE;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
        if (outcomes[i].code == error->code)
            outcome = outcomes[i].outcome;
    }
    refuse(answer, outcome, arena_printf(arena, "%s", error->message));
    if (outcome == FUNCTION_THROTTLED)
        answer->retry_after_ms = RETRY_AFTER_DEFAULT_MS;
    return false;
}

bool lambda_choose_access(struct lambda_runner *lambda, struct str account, struct str region,
                          int64_t deadline_ms, struct arena *arena, struct aws_role *ret_role,
                          struct aws_access *ret_access, struct function_answer *answer)
{
    const struct lambda_config *config = &lambda->config;
    struct error error = {0};
    if (!config->aws->secret_access_key)
        return refuse(answer, FUNCTION_DENIED,
                      STR("This server has no access to AWS Lambda. Its operator sets "
                          "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and, for another endpoint, "
                          "--lambda-url; or runs the function on its machine, with "
                          "--local-connector ARN=COMMAND."));
    const struct aws_account_config who = {config->aws, config->role_arn, config->sts_url};
    return aws_account_access(&who, lambda->roles, account, region, deadline_ms, arena, ret_role,
                              ret_access, &error) ||
           lambda_fail(&error, arena, answer);
}

void lambda_forget_role(struct lambda_runner *lambda, struct str account, struct arena *arena)
{
    if (lambda->config.role_arn.len > 0)
        aws_role_forget(lambda->roles, aws_account_role(arena, lambda->config.role_arn, account));
}

/* --- the call --- */

static struct str path_of(struct arena *arena, struct str function_arn)
{
    struct buf path = buf_in(arena, PATH_MAX_LEN);
    buf_add_cstr(&path, "/2015-03-31/functions/");
    encode_percent(&path, function_arn, NULL);
    buf_add_cstr(&path, "/invocations");
    return buf_str(&path);
}

static void ask(const struct lambda_runner *lambda, const struct aws_access *access,
                const struct function_call *call, struct str region, struct arena *arena,
                struct function_answer *ret_answer)
{
    static const struct http_header headers[] = {
        {STR("X-Amz-Invocation-Type"), STR("RequestResponse")},
    };
    struct client_response response;
    struct error error = {0};
    const struct aws_request request = {
        .url = lambda->config.url,
        .region = region,
        .service = STR("lambda"),
        .content_type = STR("application/json"),
        .body = call->payload,
        .path = path_of(arena, call->arn),
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(*headers),
        .answer_max = FUNCTION_PAYLOAD_MAX,
        .deadline_ms = call->deadline_ms,
    };
    if (aws_call(access, &request, arena, &response, &error))
        lambda_read_answer(call, &response, arena, ret_answer);
    else
        lambda_fail(&error, arena, ret_answer);
}

static void invoke(struct function_runner *runner, const struct function_call *call,
                   struct arena *arena, struct function_answer *ret_answer)
{
    struct lambda_runner *lambda = (struct lambda_runner *)runner;
    _cleanup_role_ struct aws_role role = {0};
    struct aws_access access;
    struct str region, account;
    if (!lambda_arn_read(call->arn, &region, &account) ||
        !check_caller(call, account, arena, ret_answer) ||
        !lambda_choose_access(lambda, call->account, region, call->deadline_ms, arena, &role,
                              &access, ret_answer))
        return;
    ask(lambda, &access, call, region, arena, ret_answer);
    if (ret_answer->outcome == FUNCTION_DENIED)
        lambda_forget_role(lambda, call->account, arena);
}

static const struct function_runner_ops lambda_ops = {.knows = knows, .invoke = invoke};
static const struct function_runner_ops mirroring_ops = {
    .knows = knows,
    .invoke = invoke,
    .place_secret = lambda_place_secret,
    .keep_secret = lambda_keep_secret,
};

struct function_runner *lambda_runner_new(const struct lambda_config *config)
{
    struct lambda_runner *lambda = xcalloc(1, sizeof(*lambda));
    lambda->runner.ops = config->mirror_prefix.len > 0 ? &mirroring_ops : &lambda_ops;
    lambda->config = *config;
    lambda->roles = aws_role_cache_new();
    pthread_mutex_init(&lambda->lock, NULL);
    return &lambda->runner;
}

void lambda_runner_free(struct function_runner *runner)
{
    struct lambda_runner *lambda = (struct lambda_runner *)runner;
    if (!lambda)
        return;
    aws_role_cache_free(lambda->roles);
    lambda_copies_forget(lambda);
    pthread_mutex_destroy(&lambda->lock);
    free(lambda);
}

void lambda_runner_on_trial(struct function_runner *runner, lambda_remove_later_fn *remove_later,
                            void *context)
{
    struct lambda_runner *lambda = (struct lambda_runner *)runner;
    lambda->remove_later = remove_later;
    lambda->remove_context = context;
}
