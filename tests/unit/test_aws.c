/* Calls to AWS: taking on a role and reading a secret, with the answers as they are; what is
 * signed; and what a role's ARN looks like. */
#include "cmocka_all.h"

#include "auth/aws_role.h"
#include "auth/secrets_manager.h"
#include "wire/errors.h"

#include <stdio.h>
#include <string.h>

#define ARN "arn:aws:iam::123456789012:role/stage/data-api"
#define ROLE                                                                                       \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"                   \
    "<AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/a/b</Arn>"                \
    "</AssumedRoleUser><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>"       \
    "s3cret/+=</SecretAccessKey>\n<SessionToken>\n  t0ken/+==\n</SessionToken><Expiration>"        \
    "2038-01-19T03:14:07Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define REFUSAL(code)                                                                              \
    "<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>User: "                \
    "arn:aws:iam::1:user/operator is not authorized</Message></Error></ErrorResponse>"

/* What the next call is answered, and what it asked. */
static struct client_response next;
static char asked_url[256], asked_body[1024];
static int calls;

static void answer(struct client *client, struct arena *arena, const struct client_request *request,
                   struct client_response *ret_response)
{
    assert_null(client);
    assert_non_null(arena);
    calls++;
    snprintf(asked_url, sizeof(asked_url), "%.*s", STR_ARG(request->url));
    snprintf(asked_body, sizeof(asked_body), "%.*s", STR_ARG(request->body));
    *ret_response = next;
}

static bool assume(struct arena *arena, const char *url, struct aws_role *ret_role,
                   struct error *error)
{
    struct secret *secret = secret_new(STR("own-secret"));
    struct aws_access access = {
        .access_key_id = STR("AKID"), .secret_access_key = secret, .call = answer};
    bool good = aws_role_assume(&access, str_from(url), STR("eu-west-3"), STR(ARN), 0, arena,
                                ret_role, error);
    secret_free(secret);
    return good;
}

static void a_role_is_taken_on(void **state)
{
    (void)state;
    struct arena arena = {0};
    _cleanup_role_ struct aws_role role = {0};
    struct error error = {0};
    next = (struct client_response){.status = 200, .body = STR(ROLE)};
    assert_true(assume(&arena, NULL, &role, &error));
    assert_string_equal(asked_url, "https://sts.eu-west-3.amazonaws.com/");
    assert_string_equal(asked_body,
                        "Action=AssumeRole&Version=2011-06-15&RoleSessionName=headgate&RoleArn="
                        "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fstage%2Fdata-api"
                        "&DurationSeconds=900");
    assert_true(str_eq(role.access_key_id, STR("ASIAEXAMPLE")));
    assert_true(str_eq(secret_reveal(role.secret_access_key), STR("s3cret/+=")));
    assert_true(str_eq(secret_reveal(role.session_token), STR("t0ken/+==")));
    arena_done(&arena);
}

static const struct {
    enum client_outcome outcome;
    int status;
    const char *body;
    int code;
    const char *message;
} refusals[] = {
    {CLIENT_OK, 403, REFUSAL("AccessDenied"), ERR_ACCESS_DENIED,
     "AWS STS does not let this server take on the role (AccessDenied)."},
    {CLIENT_OK, 400, "not XML", ERR_ACCESS_DENIED,
     "AWS STS does not let this server take on the role."},
    {CLIENT_OK, 400, REFUSAL("Throttling"), ERR_THROTTLING,
     "AWS STS asks to be called again later."},
    {CLIENT_OK, 429, "", ERR_THROTTLING, "AWS STS asks to be called again later."},
    {CLIENT_OK, 503, REFUSAL("ServiceUnavailable"), ERR_CONNECTOR_SERVER,
     "AWS STS gave no usable response (HTTP status 503)."},
    {CLIENT_OK, 200, "<AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey>",
     ERR_CONNECTOR_SERVER, "AWS STS gave no usable response (HTTP status 200)."},
    {CLIENT_OK, 200,
     "<AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>a&amp;b"
     "</SessionToken>",
     ERR_CONNECTOR_SERVER, "AWS STS gave no usable response (HTTP status 200)."},
    {CLIENT_OK, 200,
     "<AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>a<x/>"
     "</SessionToken>",
     ERR_CONNECTOR_SERVER, "AWS STS gave no usable response (HTTP status 200)."},
    {CLIENT_CONNECT, 0, "", ERR_CONNECTOR_SERVER, "AWS STS could not be reached: it is away."},
    {CLIENT_STOPPED, 0, "", ERR_UNAVAILABLE, "The server is stopping."},
};

static void refusals_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct arena arena = {0};
        struct aws_role role;
        struct error error = {0};
        next = (struct client_response){.outcome = refusals[i].outcome,
                                        .status = refusals[i].status,
                                        .body = str_from(refusals[i].body),
                                        .detail = "it is away"};
        assert_false(assume(&arena, "http://{region}.example//", &role, &error));
        assert_string_equal(asked_url, "http://eu-west-3.example/");
        assert_string_equal(error.message, refusals[i].message);
        assert_int_equal(error.code, refusals[i].code);
        assert_null(role.secret_access_key);
        arena_done(&arena);
    }
}

/* Whose fault it is: the server's own key, whatever role it asks for. */
static void refusals_of_the_servers_own_key_say_so(void **state)
{
    (void)state;
    static const char *const codes[] = {
        "ExpiredToken",          "ExpiredTokenException",       "IncompleteSignature",
        "InvalidClientTokenId",  "MissingAuthenticationToken",  "RequestExpired",
        "SignatureDoesNotMatch", "UnrecognizedClientException",
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        struct arena arena = {0};
        struct aws_role role;
        struct error error = {0};
        struct str body =
            arena_printf(&arena, "<Error><Code>%s</Code><Message>no</Message></Error>", codes[i]);
        next = (struct client_response){.status = 403, .body = body};
        assert_false(assume(&arena, NULL, &role, &error));
        assert_int_equal(error.code, ERR_NOT_FOUND);
        assert_non_null(strstr(error.message, codes[i]));
        assert_non_null(strstr(error.message, "AWS_ACCESS_KEY_ID"));
        arena_done(&arena);
    }
}

#define DENIED                                                                                     \
    "Please validate the ClientCredentialsArn provided and please make sure Appflow has required " \
    "permissions to access the credentials"
#define AGAIN "AWS Secrets Manager asks to be called again later."

static const struct {
    enum client_outcome outcome;
    int status;
    const char *body;
    int code;
    const char *message;
} no_secrets[] = {
    {CLIENT_OK, 400, "{\"__type\":\"ResourceNotFoundException\"}", ERR_ACCESS_DENIED, DENIED},
    {CLIENT_OK, 400, "", ERR_ACCESS_DENIED, DENIED},
    {CLIENT_OK, 200, "{\"SecretBinary\":\"AA==\"}", ERR_ACCESS_DENIED, DENIED},
    {CLIENT_OK, 400, "{\"__type\":\"ThrottlingException\"}", ERR_THROTTLING, AGAIN},
    {CLIENT_OK, 400, "{\"__type\":\"com.amazon#Throttling\"}", ERR_THROTTLING, AGAIN},
    {CLIENT_OK, 400, "{\"__type\":\"TooManyRequestsException:http://x/\"}", ERR_THROTTLING, AGAIN},
    {CLIENT_OK, 503, "{\"__type\":\"RequestLimitExceeded\"}", ERR_THROTTLING, AGAIN},
    {CLIENT_OK, 429, "", ERR_THROTTLING, AGAIN},
    {CLIENT_OK, 500, "{}", ERR_CONNECTOR_SERVER,
     "AWS Secrets Manager gave no usable response (HTTP status 500)."},
    {CLIENT_OK, 200, "no JSON", ERR_CONNECTOR_SERVER,
     "AWS Secrets Manager gave no usable response (HTTP status 200)."},
    {CLIENT_CONNECT, 0, "", ERR_CONNECTOR_SERVER,
     "AWS Secrets Manager could not be reached: it is away."},
    {CLIENT_STOPPED, 0, "", ERR_UNAVAILABLE, "The server is stopping."},
};

static void secrets_that_are_not_given_are_told_apart(void **state)
{
    (void)state;
    struct secret *secret = secret_new(STR("own-secret"));
    struct aws_access access = {
        .access_key_id = STR("AKID"), .secret_access_key = secret, .call = answer};
    for (size_t i = 0; i < sizeof(no_secrets) / sizeof(*no_secrets); i++) {
        struct arena arena = {0};
        struct str text = STR_NULL;
        struct error error = {0};
        next = (struct client_response){.outcome = no_secrets[i].outcome,
                                        .status = no_secrets[i].status,
                                        .body = str_from(no_secrets[i].body),
                                        .detail = "it is away"};
        assert_false(
            secrets_manager_get(&access, STR("http://sm.example"),
                                STR("arn:aws:secretsmanager:eu-west-3:123456789012:secret:app"), 0,
                                &arena, &text, &error));
        assert_string_equal(error.message, no_secrets[i].message);
        assert_int_equal(error.code, no_secrets[i].code);
        assert_null(text.data);
        arena_done(&arena);
    }
    secret_free(secret);
}

/* Signs until both times are the same: the clock may move in between. */
static bool signed_alike(const char *one, const char *other)
{
    struct secret *secret = secret_new(STR("own-secret"));
    struct aws_access access = {.access_key_id = STR("AKID"), .secret_access_key = secret};
    const char *const urls[] = {one, other};
    struct arena arena = {0};
    struct client_request requests[2];
    do {
        for (int i = 0; i < 2; i++) {
            struct aws_request request = {.url = str_from(urls[i]),
                                          .region = STR("eu-west-3"),
                                          .service = STR("sts"),
                                          .content_type = STR("text/plain"),
                                          .body = STR("x")};
            assert_true(aws_sign(&access, &request, &arena, &requests[i], NULL));
        }
    } while (!str_eq(requests[0].headers[0].value, requests[1].headers[0].value));
    size_t last = requests[0].header_count - 1;
    assert_true(str_eq(requests[0].headers[last].name, STR("Authorization")));
    bool alike = str_eq(requests[0].headers[last].value, requests[1].headers[last].value);
    arena_done(&arena);
    secret_free(secret);
    return alike;
}

/* Host goes out without the scheme's own port, so it is signed without it. */
static void the_usual_port_is_not_signed(void **state)
{
    (void)state;
    assert_true(signed_alike("https://sts.example", "https://sts.example:443/"));
    assert_true(signed_alike("HTTPS://sts.example", "https://sts.example:443/"));
    assert_true(signed_alike("http://sts.example", "http://sts.example:80"));
    assert_false(signed_alike("https://sts.example", "https://sts.example:80"));
    assert_false(signed_alike("http://sts.example", "http://sts.example:443"));
    assert_false(signed_alike("https://sts.example", "https://sts.example:8443"));
    assert_false(signed_alike("https://sts.example", "https://sts.example/path"));
}

static void without_access_nobody_is_called(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct aws_role role;
    struct error error = {0};
    struct aws_access access = {.call = answer};
    int before = calls;
    assert_false(
        aws_role_assume(&access, STR_NULL, STR("eu-west-3"), STR(ARN), 0, &arena, &role, &error));
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_non_null(strstr(error.message, "--sts-url"));
    assert_false(
        aws_role_assume(NULL, STR_NULL, STR("eu-west-3"), STR(ARN), 0, &arena, &role, &error));
    assert_false(assume(&arena, "sts.example", &role, &error));
    assert_non_null(strstr(error.message, "is not absolute"));
    char url[AWS_URL_MAX + 8]; /* without its end it would be the URL of another host */
    snprintf(url, sizeof(url), "https://sts.%*s", AWS_URL_MAX - 12, "{region}");
    assert_false(assume(&arena, url, &role, &error));
    assert_non_null(strstr(error.message, "or has more than 2048 bytes"));
    assert_int_equal(calls, before);
    arena_done(&arena);
}

static void arns_of_roles(void **state)
{
    (void)state;
    static const char *const good[] = {ARN, "arn:aws:iam::000000000000:role/a",
                                       "arn:aws:iam::123456789012:role/a/b+c=d,e.f@g_h-i"};
    static const char *const bad[] = {
        "",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/a/",
        "arn:aws:iam::123456789012:role/a b",
        "arn:aws:iam::123456789012:role/a&b",
        "arn:aws:iam::123456789012:user/a",
        "arn:aws:iam::12345678901:role/a",
        "arn:aws:iam::12345678901x:role/a",
        "arn:aws:iam:eu-west-3:123456789012:role/a",
        "arn:aws:sts::123456789012:role/a",
        "arn:aws:iam::123456789012",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(aws_role_arn_is_valid(str_from(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(aws_role_arn_is_valid(str_from(bad[i])));
}

static void a_role_is_of_one_account(void **state)
{
    struct str role = STR(ARN);
    (void)state;
    assert_true(aws_role_is_of_account(role, STR("123456789012")));
    assert_false(aws_role_is_of_account(role, STR("111122223333")));
    assert_false(
        aws_role_is_of_account(STR("arn:aws:iam::123456789012:user/x"), STR("123456789012")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_is_taken_on),
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(refusals_of_the_servers_own_key_say_so),
        cmocka_unit_test(secrets_that_are_not_given_are_told_apart),
        cmocka_unit_test(the_usual_port_is_not_signed),
        cmocka_unit_test(without_access_nobody_is_called),
        cmocka_unit_test(arns_of_roles),
        cmocka_unit_test(a_role_is_of_one_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
