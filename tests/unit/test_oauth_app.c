/* Where an OAuth app's client id and secret come from, and the exact request that reads a secret.
 */
#include "client_fixture.h"

#include "auth/oauth_app.h"
#include "request_text.h"
#include "wire/errors.h"
#include "wire/sigv4.h"

#define ARN "arn:aws:secretsmanager:eu-west-3:123456789012:secret:crm/app-AbCdEf"
#define DENIED                                                                                     \
    "Please validate the ClientCredentialsArn provided and please make sure Appflow has required " \
    "permissions to access the credentials"
#define GOOD                                                                                       \
    "{\"ARN\":\"" ARN "\",\"Name\":\"crm/app\",\"SecretString\":"                                  \
    "\"{\\\"clientId\\\":\\\"3MVG9\\\",\\\"clientSecret\\\":\\\"s3cret\\\"}\"}"

/* What the stand-in for Secrets Manager answers, and the last request it saw. */
struct stand_in {
    int status;
    const char *body;
    char request[4096];
};

struct house {
    struct fixture f;
    struct stand_in stand_in;
    struct secret *aws_secret;
    struct aws_access access;
    struct oauth_apps *apps;
    struct oauth_app app;
    struct error error;
};

static void serve_secrets(struct peer_connection *c)
{
    struct stand_in *stand_in = c->context;
    char bytes[2048]; /* in one piece: once it is read, the test changes what comes next */
    while (peer_read(c)) {
        snprintf(stand_in->request, sizeof(stand_in->request), "%s", c->request);
        snprintf(bytes, sizeof(bytes),
                 "HTTP/1.1 %d X\r\nContent-Type: application/x-amz-json-1.1\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 stand_in->status, strlen(stand_in->body), stand_in->body);
        if (!peer_write(c, str_from(bytes)))
            return;
    }
}

static bool find_app(void *context, struct str connector_type, struct arena *arena,
                     struct oauth_app *ret_app, struct error *error)
{
    assert_ptr_equal(context, (void *)find_app);
    if (!str_eq(connector_type, STR("Salesforce")))
        return fail(error, ERR_NOT_FOUND, "There is none for %.*s.", STR_ARG(connector_type));
    ret_app->client_id = arena_copy(arena, STR("own-id"));
    ret_app->client_secret = arena_copy(arena, STR("own-secret"));
    return true;
}

static void open_house(struct house *h, const char *path, const struct secret *session_token)
{
    open_plain(&h->f, serve_secrets, &h->stand_in);
    h->aws_secret = secret_new(STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
    h->access = (struct aws_access){.client = h->f.client,
                                    .access_key_id = STR("AKIDEXAMPLE"),
                                    .secret_access_key = h->aws_secret,
                                    .session_token = session_token};
    struct oauth_apps_config config = {.aws = &h->access,
                                       .find = find_app,
                                       .find_context = (void *)find_app,
                                       .secrets_manager_url =
                                           url_of(&h->f, "http", "127.0.0.1", path)};
    h->stand_in.status = 200;
    h->stand_in.body = GOOD;
    h->apps = oauth_apps_new(&config);
}

static void close_house(struct house *h)
{
    oauth_apps_free(h->apps);
    secret_free(h->aws_secret);
    close_all(&h->f);
}

static bool ask(struct house *h, const char *type, struct str arn)
{
    h->app = (struct oauth_app){STR_NULL, STR_NULL};
    h->error = (struct error){.code = ERR_NONE};
    return oauth_app_for(h->apps, str_from(type), arn, clock_mono_ms() + LONG_MS, &h->f.arena,
                         &h->app, &h->error);
}

static void answer(struct house *h, int status, const char *body)
{
    h->stand_in.status = status;
    h->stand_in.body = body;
}

static void the_operators_own_app_is_the_default(void **state)
{
    (void)state;
    struct house h = {0};
    open_house(&h, "", NULL);
    assert_true(ask(&h, "Salesforce", STR_NULL));
    assert_str(h.app.client_id, "own-id");
    assert_str(h.app.client_secret, "own-secret");
    assert_false(ask(&h, "Zendesk", STR("")));
    assert_int_equal(h.error.code, ERR_NOT_FOUND);
    assert_string_equal(h.error.message, "There is none for Zendesk.");
    assert_int_equal(peer_requests(h.f.peer), 0);
    close_house(&h);
}

/* With date and signature, which differ each time, cut out. */
static void assert_request(struct house *h, const char *path, const char *signed_headers,
                           const char *token_line)
{
    char expected[2048], date[9] = "";
    char *at = strstr(h->stand_in.request, "X-Amz-Date: ");
    assert_non_null(at);
    memcpy(date, at + 12, 8);
    char *signature = strstr(h->stand_in.request, "Signature=");
    assert_non_null(signature);
    memset(signature + 10, 's', 64);
    memset(at + 12, 'd', 16);
    snprintf(expected, sizeof(expected),
             "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
             "User-Agent: headgate/" HEADGATE_VERSION "\r\nAccept: */*\r\n"
             "Accept-Encoding: gzip, deflate\r\n"
             "X-Amz-Date: dddddddddddddddd\r\nContent-Type: application/x-amz-json-1.1\r\n"
             "X-Amz-Target: secretsmanager.GetSecretValue\r\n%s"
             "Authorization: AWS4-HMAC-SHA256 "
             "Credential=AKIDEXAMPLE/%s/eu-west-3/secretsmanager/aws4_request, "
             "SignedHeaders=%s, Signature="
             "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss\r\n"
             "Content-Length: %zu\r\n\r\n{\"SecretId\":\"" ARN "\"}",
             path, peer_port(h->f.peer), token_line, date, signed_headers,
             strlen("{\"SecretId\":\"\"}") + strlen(ARN));
    assert_string_equal(h->stand_in.request, expected);
}

static const struct secret *find_key(void *context, struct str access_key_id, struct arena *arena,
                                     struct str *ret_account, struct error *error)
{
    (void)error;
    *ret_account = arena_copy(arena, STR("123456789012"));
    return str_eq(access_key_id, STR("AKIDEXAMPLE")) ? context : NULL;
}

static void assert_signature(struct house *h)
{
    struct request_text text;
    struct sigv4_caller caller;
    struct error error = {0};
    const struct sigv4_keys keys = {.find = find_key, .context = h->aws_secret};
    assert_true(request_text_parse(str_from(h->stand_in.request), &text));
    const struct str service_name = STR("secretsmanager");
    const struct sigv4_services services = {&service_name, 1};
    if (!sigv4_verify(&text.request, &services, clock_wall_ms(), &keys, NULL, &h->f.arena, &caller,
                      &error))
        fail_msg("%s", error.message);
    assert_str(caller.region, "eu-west-3");
}

static void a_secret_is_read_with_one_signed_request(void **state)
{
    (void)state;
    struct house h = {0};
    open_house(&h, "", NULL);
    assert_true(ask(&h, "Salesforce", STR(ARN)));
    assert_str(h.app.client_id, "3MVG9");
    assert_str(h.app.client_secret, "s3cret");
    assert_int_equal(peer_requests(h.f.peer), 1);
    assert_signature(&h);
    assert_request(&h, "/", "content-type;host;x-amz-date;x-amz-target", "");
    close_house(&h);
}

static void the_region_of_the_arn_chooses_the_endpoint(void **state)
{
    (void)state;
    struct house h = {0};
    open_house(&h, "/{region}/aws//", NULL);
    assert_true(ask(&h, "Salesforce", STR(ARN)));
    assert_signature(&h);
    assert_request(&h, "/eu-west-3/aws/", "content-type;host;x-amz-date;x-amz-target", "");
    close_house(&h);
}

static void a_session_token_is_sent_and_signed(void **state)
{
    (void)state;
    struct house h = {0};
    struct secret *token = secret_new(STR("t0ken=="));
    open_house(&h, "", token);
    assert_true(ask(&h, "Salesforce", STR(ARN)));
    assert_request(&h, "/", "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
                   "X-Amz-Security-Token: t0ken==\r\n");
    close_house(&h);
    secret_free(token);
}

static void both_spellings_of_the_members_are_taken(void **state)
{
    (void)state;
    struct house h = {0};
    open_house(&h, "", NULL);
    answer(&h, 200,
           "{\"SecretString\":\"{\\\"client_secret\\\":\\\"b\\\",\\\"x\\\":1,\\\"client_id\\\":"
           "\\\"a\\\",\\\"clientId\\\":\\\"\\\"}\"}");
    assert_true(ask(&h, "Salesforce", STR(ARN)));
    assert_str(h.app.client_id, "a");
    assert_str(h.app.client_secret, "b");
    close_house(&h);
}

static void answers_without_an_app_are_told_apart(void **state)
{
    (void)state;
    static const char no_app[] = "Please validate the ClientCredentialsArn provided: the secret is "
                                 "not JSON with the members clientId and clientSecret.";
    static const char later[] = "AWS Secrets Manager asks to be called again later.";
    static const struct {
        int status;
        int code;
        const char *body;
        const char *message;
    } cases[] = {
        {400, ERR_ACCESS_DENIED,
         "{\"__type\":\"AccessDeniedException\",\"Message\":\"arn:aws:iam::1:user/x\"}", DENIED},
        {400, ERR_ACCESS_DENIED, "{\"__type\":\"ResourceNotFoundException\"}", DENIED},
        {400, ERR_ACCESS_DENIED, "not JSON", DENIED},
        {403, ERR_ACCESS_DENIED, "", DENIED},
        {200, ERR_ACCESS_DENIED, "{\"SecretBinary\":\"AAAA\"}", DENIED},
        {200, ERR_ACCESS_DENIED, "{\"SecretString\":7}", DENIED},
        {200, ERR_ACCESS_DENIED, "{\"SecretString\":\"plain text\"}", no_app},
        {200, ERR_ACCESS_DENIED, "{\"SecretString\":\"[]\"}", no_app},
        {200, ERR_ACCESS_DENIED, "{\"SecretString\":\"{\\\"clientId\\\":\\\"a\\\"}\"}", no_app},
        {200, ERR_ACCESS_DENIED,
         "{\"SecretString\":\"{\\\"clientId\\\":\\\"a\\\",\\\"clientSecret\\\":5}\"}", no_app},
        {400, ERR_THROTTLING, "{\"__type\":\"ThrottlingException\"}", later},
        {400, ERR_THROTTLING, "{\"__type\":\"com.amazon#ThrottlingException\"}", later},
        {429, ERR_THROTTLING, "", later},
        {200, ERR_CONNECTOR_SERVER, "not JSON",
         "AWS Secrets Manager gave no usable response (HTTP status 200)."},
        {301, ERR_CONNECTOR_SERVER, "{}",
         "AWS Secrets Manager gave no usable response (HTTP status 301)."},
        {500, ERR_CONNECTOR_SERVER, "{\"__type\":\"InternalServiceError\"}",
         "AWS Secrets Manager gave no usable response (HTTP status 500)."},
    };
    struct house h = {0};
    open_house(&h, "", NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        answer(&h, cases[i].status, cases[i].body);
        assert_false(ask(&h, "Salesforce", STR(ARN)));
        assert_string_equal(h.error.message, cases[i].message);
        assert_int_equal(h.error.code, cases[i].code);
        assert_null(h.app.client_id.data);
    }
    close_house(&h);
}

static void arns_that_are_no_secrets_call_nobody(void **state)
{
    (void)state;
    static const char *const arns[] = {
        "x",
        "arn:aws:secretsmanager:eu-west-3:123456789012",
        "arn:aws:secretsmanager:eu-west-3:123456789012:secret:",
        "arn:aws:secretsmanager:eu-west-3::secret:a",
        "arn:aws:secretsmanager:eu-west-3:123456789012:key:a",
        "arn:aws:secretsmanager::123456789012:secret:a",
        "arn:aws:secretsmanager:evil.example/:123456789012:secret:a",
        "arn:aws:secretsmanager:a@b:123456789012:secret:a",
        "arn:aws:secretsmanager:EU-WEST-3:123456789012:secret:a",
        "arn:aws:secretsmanager:eu-west-3-eu-west-3-eu-west-3-eu-w:123456789012:secret:a",
        "arn:aws:s3:eu-west-3:123456789012:secret:a",
        "arn:aws:secretsmanager:eu-west-3:123456789012:secret:\xFF",
    };
    struct house h = {0};
    open_house(&h, "", NULL);
    for (size_t i = 0; i < sizeof(arns) / sizeof(*arns); i++) {
        assert_false(ask(&h, "Salesforce", str_from(arns[i])));
        assert_string_equal(h.error.message, DENIED);
        assert_int_equal(h.error.code, ERR_ACCESS_DENIED);
    }
    assert_int_equal(peer_requests(h.f.peer), 0);
    close_house(&h);
}

static void what_is_not_set_up_is_said(void **state)
{
    (void)state;
    struct oauth_apps_config config = {.aws = NULL};
    struct oauth_apps *apps = oauth_apps_new(&config);
    struct arena arena = {0};
    struct oauth_app app;
    struct error error;
    assert_false(oauth_app_for(apps, STR("Salesforce"), STR(ARN), 0, &arena, &app, &error));
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_non_null(strstr(error.message, "AWS_ACCESS_KEY_ID"));
    assert_non_null(strstr(error.message, "--secrets-manager-url"));
    assert_false(oauth_app_for(apps, STR("Salesforce"), STR_NULL, 0, &arena, &app, &error));
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_string_equal(error.message, "No OAuth app is set up for Salesforce.");
    oauth_apps_free(apps);
    oauth_apps_free(NULL);
}

static void an_endpoint_that_is_away_is_said(void **state)
{
    (void)state;
    struct house h = {0};
    open_house(&h, "", NULL);
    peer_stop(h.f.peer);
    h.f.peer = NULL;
    assert_false(ask(&h, "Salesforce", STR(ARN)));
    assert_int_equal(h.error.code, ERR_CONNECTOR_SERVER);
    assert_non_null(strstr(
        h.error.message, "AWS Secrets Manager could not be reached: cannot connect to 127.0.0.1:"));
    close_house(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_operators_own_app_is_the_default),
        cmocka_unit_test(a_secret_is_read_with_one_signed_request),
        cmocka_unit_test(the_region_of_the_arn_chooses_the_endpoint),
        cmocka_unit_test(a_session_token_is_sent_and_signed),
        cmocka_unit_test(both_spellings_of_the_members_are_taken),
        cmocka_unit_test(answers_without_an_app_are_told_apart),
        cmocka_unit_test(arns_that_are_no_secrets_call_nobody),
        cmocka_unit_test(what_is_not_set_up_is_said),
        cmocka_unit_test(an_endpoint_that_is_away_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
