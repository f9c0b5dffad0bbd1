/* Invoking functions by AWS Lambda's API: the request, byte for byte where it is signed, and each
 * kind of answer. */
#include "cmocka_all.h"

#include "base/clock.h"
#include "connector/custom/lambda.h"

#include <stdio.h>
#include <string.h>

#define NAME "arn:aws:lambda:eu-west-3:123456789012:function:orchard:live"
#define ROLE                                                                                       \
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>"    \
    "<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>"        \
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"

/* What the next invocation and the next role are answered, and what was asked. */
static struct client_response next, next_role;
static char asked_url[512], asked_body[256], asked_headers[2048];
static int invocations, roles;

static void note(const struct client_request *request)
{
    size_t len = 0;
    snprintf(asked_url, sizeof(asked_url), "%.*s", STR_ARG(request->url));
    snprintf(asked_body, sizeof(asked_body), "%.*s", STR_ARG(request->body));
    for (size_t i = 0; i < request->header_count; i++)
        len +=
            (size_t)snprintf(asked_headers + len, sizeof(asked_headers) - len, "%.*s: %.*s\n",
                             STR_ARG(request->headers[i].name), STR_ARG(request->headers[i].value));
}

static void answer(struct client *client, struct arena *arena, const struct client_request *request,
                   struct client_response *ret_response)
{
    assert_null(client);
    assert_non_null(arena);
    if (str_starts(request->url, STR("https://sts."))) {
        roles++;
        snprintf(asked_body, sizeof(asked_body), "%.*s", STR_ARG(request->body));
        *ret_response = next_role;
        return;
    }
    invocations++;
    note(request);
    assert_int_equal(request->body_max, FUNCTION_PAYLOAD_MAX);
    *ret_response = next;
}

struct fixture {
    struct arena arena;
    struct secret *secret;
    struct aws_access aws;
    struct function_runner *runner;
    struct function_answer answer;
};

static void open_with(struct fixture *f, const char *role)
{
    *f = (struct fixture){.secret = secret_new(STR("own-secret"))};
    f->aws = (struct aws_access){
        .access_key_id = STR("AKID"), .secret_access_key = f->secret, .call = answer};
    f->runner = lambda_runner_new(&(struct lambda_config){
        .url = STR("https://lambda.{region}.amazonaws.com"),
        .role_arn = str_from(role),
        .aws = &f->aws,
    });
    next_role = (struct client_response){.status = 200, .body = STR(ROLE)};
    invocations = roles = 0;
}

static void done(struct fixture *f)
{
    lambda_runner_free(f->runner);
    secret_free(f->secret);
    arena_done(&f->arena);
}

static void call_as(struct fixture *f, const char *account)
{
    const struct function_call call = {
        .arn = STR(NAME),
        .payload = STR("{\"type\":\"ListEntitiesRequest\"}"),
        .account = str_from(account),
        .region = STR("eu-west-3"),
        .secret_arn = STR("arn:secret"),
        .secret_text = STR("{\"password\":\"hunter2-long\"}"),
        .deadline_ms = clock_mono_ms() + 1000,
    };
    function_invoke(f->runner, &call, &f->arena, &f->answer);
}

static void call(struct fixture *f)
{
    call_as(f, "123456789012");
}

static void the_request_is_an_invocation(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, NULL);
    next = (struct client_response){.status = 200, .body = STR("{\"isSuccess\":true}")};
    call(&f);
    assert_int_equal(f.answer.outcome, FUNCTION_ANSWERED);
    assert_true(str_eq(f.answer.payload, STR("{\"isSuccess\":true}")));
    assert_string_equal(asked_url,
                        "https://lambda.eu-west-3.amazonaws.com/2015-03-31/functions/"
                        "arn%3Aaws%3Alambda%3Aeu-west-3%3A123456789012%3Afunction%3Aorchard%3Alive"
                        "/invocations");
    assert_string_equal(asked_body, "{\"type\":\"ListEntitiesRequest\"}");
    assert_non_null(strstr(asked_headers, "Content-Type: application/json\n"));
    assert_non_null(strstr(asked_headers, "X-Amz-Invocation-Type: RequestResponse\n"));
    assert_non_null(strstr(asked_headers, "/eu-west-3/lambda/aws4_request, SignedHeaders="
                                          "content-type;host;x-amz-date;x-amz-invocation-type,"));
    assert_null(strstr(asked_headers, "hunter2"));
    done(&f);
}

static void a_role_is_assumed_once_for_each_account(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, "arn:aws:iam::{account}:role/connectors");
    next = (struct client_response){.status = 200, .body = STR("{}")};
    call(&f);
    assert_non_null(strstr(asked_headers, "Credential=ASIAEXAMPLE/"));
    assert_non_null(strstr(asked_headers, "X-Amz-Security-Token: role-token\n"));
    call(&f);
    assert_int_equal(roles, 1);
    assert_int_equal(invocations, 2);
    /* What AWS refuses is not used again. */
    next = (struct client_response){.status = 403,
                                    .body = STR("{\"__type\":\"ExpiredTokenException\"}")};
    call(&f);
    assert_int_equal(f.answer.outcome, FUNCTION_DENIED);
    call(&f);
    assert_int_equal(roles, 2);
    done(&f);
}

static const struct {
    struct client_response response;
    enum function_outcome outcome;
    int64_t retry_after_ms;
} role_refusals[] = {
    {{.status = 400, .body = STR("<Error><Code>Throttling</Code></Error>")},
     FUNCTION_THROTTLED,
     1000},
    {{.status = 403, .body = STR("<Error><Code>AccessDenied</Code></Error>")}, FUNCTION_DENIED, 0},
    {{.status = 403, .body = STR("<Error><Code>InvalidClientTokenId</Code></Error>")},
     FUNCTION_DENIED,
     0},
    {{.status = 500, .body = STR("<html>")}, FUNCTION_UNREACHABLE, 0},
};

static void refusals_of_a_role_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(role_refusals) / sizeof(*role_refusals); i++) {
        struct fixture f;
        open_with(&f, "arn:aws:iam::{account}:role/connectors");
        next_role = role_refusals[i].response;
        call(&f);
        assert_int_equal(f.answer.outcome, role_refusals[i].outcome);
        assert_int_equal(f.answer.retry_after_ms, role_refusals[i].retry_after_ms);
        assert_int_equal(invocations, 0);
        done(&f);
    }
}

static void functions_of_other_accounts_are_not_invoked(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, NULL);
    call_as(&f, "111122223333");
    assert_int_equal(f.answer.outcome, FUNCTION_DENIED);
    assert_non_null(strstr(f.answer.message.data, "is not of the account 111122223333"));
    assert_int_equal(invocations, 0);
    done(&f);
}

static void without_access_to_aws_nothing_is_sent(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, NULL);
    f.aws.secret_access_key = NULL;
    call(&f);
    assert_int_equal(f.answer.outcome, FUNCTION_DENIED);
    assert_non_null(strstr(f.answer.message.data, "AWS_ACCESS_KEY_ID"));
    assert_non_null(strstr(f.answer.message.data, "--local-connector"));
    assert_int_equal(invocations, 0);
    done(&f);
}

#define LOG " Its log in Amazon CloudWatch Logs says more."

static const struct {
    struct client_response response;
    const char *function_error; /* NULL: no such header */
    enum function_outcome outcome;
    const char *message; /* behind "The Lambda function NAME ", or the whole one after "=" */
    const char *error_type;
} answers[] = {
    {{.status = 200, .body = STR("{\"errorType\":\"KeyError\",\"errorMessage\":\"'x'\"}")},
     "Unhandled",
     FUNCTION_FAILED,
     "failed: KeyError: 'x'." LOG,
     "KeyError"},
    {{.status = 200, .body = STR("{\"errorMessage\":\"no entity.\"}")},
     "Handled",
     FUNCTION_FAILED,
     "failed: no entity." LOG,
     ""},
    {{.status = 200, .body = STR("not JSON")}, "Unhandled", FUNCTION_FAILED, "failed: ." LOG, ""},
    /* What the function could read does not come back. */
    {{.status = 200, .body = STR("{\"errorType\":\"E\",\"errorMessage\":\"at hunter2-long!\"}")},
     "Unhandled",
     FUNCTION_FAILED,
     "failed: E: at [removed]!." LOG,
     "E"},
    {{.status = 200,
      .body =
          STR("{\"errorMessage\":\"2024-05-01T00:00:00Z 1b Task timed out after 3.00 seconds\"}")},
     "Unhandled",
     FUNCTION_TIMED_OUT,
     "did not return within its own time limit in AWS Lambda, which its owner can raise: "
     "2024-05-01T00:00:00Z 1b Task timed out after 3.00 seconds." LOG,
     ""},
    {{.status = 200, .body = STR("{\"errorType\":\"Sandbox.Timedout\"}")},
     "Unhandled",
     FUNCTION_TIMED_OUT,
     "did not return within its own time limit in AWS Lambda, which its owner can raise: "
     "Sandbox.Timedout." LOG,
     "Sandbox.Timedout"},
    {{.status = 200,
      .body = STR("{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":\"No module\"}")},
     "Unhandled",
     FUNCTION_CRASHED,
     "could not be started, or its process ended: Runtime.ImportModuleError: No module." LOG,
     "Runtime.ImportModuleError"},
    {{.status = 200,
      .body = STR("{\"errorMessage\":\"Process exited before completing request\"}")},
     "Unhandled",
     FUNCTION_CRASHED,
     "could not be started, or its process ended: Process exited before completing request." LOG,
     ""},
    {{.status = 200, .body = STR("{\"errorType\":\"Function.ResponseSizeTooLarge\"}")},
     "Unhandled",
     FUNCTION_TOO_LARGE,
     "returned more than AWS Lambda passes on (6 MB): it has to return smaller pages: "
     "Function.ResponseSizeTooLarge." LOG,
     "Function.ResponseSizeTooLarge"},
    {{.status = 429, .body = STR("{\"__type\":\"TooManyRequestsException\",\"Reason\":\"x\"}")},
     NULL,
     FUNCTION_THROTTLED,
     "=AWS Lambda asks to invoke " NAME " again later: TooManyRequestsException.",
     ""},
    {{.status = 502, .body = STR("{\"__type\":\"EC2ThrottledException\"}")},
     NULL,
     FUNCTION_THROTTLED,
     "=AWS Lambda asks to invoke " NAME " again later: EC2ThrottledException.",
     ""},
    {{.status = 404, .body = STR("{\"__type\":\"ResourceNotFoundException\",\"Message\":\"no\"}")},
     NULL,
     FUNCTION_NOT_FOUND,
     "=AWS Lambda has no function " NAME ".",
     ""},
    {{.status = 403,
      .body = STR("{\"__type\":\"AccessDeniedException\",\"Message\":\"User: operator is not\"}")},
     NULL,
     FUNCTION_DENIED,
     "=AWS Lambda does not let this server invoke " NAME " (AccessDeniedException). Its operator "
     "gives its access key, or the role of --connector-role, the permission lambda:InvokeFunction "
     "on it.",
     ""},
    {{.status = 502, .body = STR("{\"__type\":\"KMSDisabledException\",\"Message\":\"key\"}")},
     NULL,
     FUNCTION_CRASHED,
     "=AWS Lambda cannot start " NAME ": KMSDisabledException: key",
     ""},
    {{.status = 500, .body = STR("{\"__type\":\"ServiceException\"}")},
     NULL,
     FUNCTION_UNREACHABLE,
     "=AWS Lambda gave no usable response (HTTP status 500, ServiceException).",
     ""},
    {{.status = 404, .body = STR("<html>")},
     NULL,
     FUNCTION_UNREACHABLE,
     "=AWS Lambda gave no usable response (HTTP status 404).",
     ""},
    {{.outcome = CLIENT_TIMEOUT, .sent = true, .detail = "d"},
     NULL,
     FUNCTION_TIMED_OUT,
     "did not return in time.",
     ""},
    {{.outcome = CLIENT_TIMEOUT, .detail = "it is away"},
     NULL,
     FUNCTION_UNREACHABLE,
     "=AWS Lambda could not be reached: it is away.",
     ""},
    {{.outcome = CLIENT_TOO_LARGE, .detail = "d"},
     NULL,
     FUNCTION_TOO_LARGE,
     "returned more than 6 MB: it has to return smaller pages.",
     ""},
    {{.outcome = CLIENT_NO_MEMORY, .detail = "d"},
     NULL,
     FUNCTION_THROTTLED,
     "=This server has no memory left for the answer of the Lambda function.",
     ""},
};

static void answers_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct fixture f;
        const char *expected = answers[i].message;
        struct http_header header = {STR("x-amz-function-error"),
                                     str_from(answers[i].function_error)};
        open_with(&f, NULL);
        next = answers[i].response;
        next.headers = &header;
        next.header_count = answers[i].function_error ? 1 : 0;
        call(&f);
        if (*expected != '=')
            expected = arena_printf(&f.arena, "The Lambda function " NAME " %s", expected).data;
        assert_string_equal(arena_cstr(&f.arena, f.answer.message),
                            *expected == '=' ? expected + 1 : expected);
        assert_int_equal(f.answer.outcome, answers[i].outcome);
        assert_true(str_eq(f.answer.error_type, str_from(answers[i].error_type)));
        assert_int_equal(f.answer.retry_after_ms,
                         f.answer.outcome == FUNCTION_THROTTLED ? 1000 : 0);
        done(&f);
    }
}

static void the_wait_that_lambda_asks_for_is_told(void **state)
{
    (void)state;
    struct fixture f;
    struct http_header header = {STR("Retry-After"), STR("7")};
    open_with(&f, NULL);
    next = (struct client_response){
        .status = 429, .body = STR("{}"), .headers = &header, .header_count = 1};
    call(&f);
    assert_int_equal(f.answer.retry_after_ms, 7000);
    done(&f);
}

static const struct {
    const char *arn;
    bool good;
} arns[] = {
    {"arn:aws:lambda:eu-west-3:123456789012:function:orchard", true},
    {"arn:aws:lambda:eu-west-3:123456789012:function:orchard:$LATEST", true},
    {"arn:aws:lambda:eu-west-3:123456789012:function:", false},
    {"arn:aws:lambda:eu-west-3:12345678901:function:orchard", false},
    {"arn:aws:lambda:eu-west-3:12345678901x:function:orchard", false},
    {"arn:aws:lambda:evil.example/:123456789012:function:orchard", false},
    {"arn:aws:lambda::123456789012:function:orchard", false},
    {"arn:aws:lambda:eu-west-3:123456789012:layer:orchard", false},
    {"arn:aws:lambda:eu-west-3:123456789012:function:a/b", false},
    {"arn:aws:s3:::bucket", false},
    {"orchard", false},
    {"", false},
};

static void arns_of_functions_are_known(void **state)
{
    (void)state;
    struct fixture f;
    open_with(&f, NULL);
    for (size_t i = 0; i < sizeof(arns) / sizeof(*arns); i++)
        assert_int_equal(f.runner->ops->knows(f.runner, str_from(arns[i].arn)), arns[i].good);
    done(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_an_invocation),
        cmocka_unit_test(a_role_is_assumed_once_for_each_account),
        cmocka_unit_test(refusals_of_a_role_are_told_apart),
        cmocka_unit_test(functions_of_other_accounts_are_not_invoked),
        cmocka_unit_test(without_access_to_aws_nothing_is_sent),
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(the_wait_that_lambda_asks_for_is_told),
        cmocka_unit_test(arns_of_functions_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
