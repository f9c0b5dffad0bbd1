/* Requests that a connector's process signs, through the whole service: it reads the secret of its
 * call while the call lasts, and may do nothing else. */
#include "dispatch_fixture.h"

#include "auth/function_session.h"
#include "store/audit.h"

#include <string.h>

#define SECRET_ARN                                                                                 \
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:appflow!123456789012-crm-AbCdEf"
#define FUNCTION_ARN "arn:aws:lambda:eu-central-1:123456789012:function:crm"
#define SECRET_TEXT "{\"accessToken\":\"t-1\"}"

struct process {
    struct setting *setting;
    struct function_session *session;
    struct function_credentials credentials;
    struct secret *key;
};

static struct process start(void)
{
    struct process process = {.setting = setting_make()};
    struct setting *s = process.setting;
    s->function_sessions = function_sessions_new();
    process.session = function_session_new(s->function_sessions, ACCOUNT, STR(FUNCTION_ARN),
                                           &process.credentials);
    process.key = secret_new(str_from(process.credentials.secret_access_key));
    serve(s, 0);
    return process;
}

static void end(struct process *process)
{
    struct function_sessions *sessions = process->setting->function_sessions;
    function_session_free(process->session);
    secret_free(process->key);
    setting_stop(process->setting);
    function_sessions_free(sessions);
}

static void grant(struct process *process, const char *arn)
{
    function_session_grant(
        process->session,
        &(struct function_grant){ACCOUNT, str_from(arn), STR(SECRET_TEXT), STR("request-1")});
}

/* The status; the answer holds `words`. */
static int ask(struct process *process, const char *target, const char *service,
               const char *operation, const char *body, const char *words)
{
    struct setting *s = process->setting;
    struct arena *arena = &s->store.arena;
    struct http_header headers[] = {
        {STR("Host"), STR("h")},
        {STR("X-Amz-Target"), str_from(operation)},
        {STR("X-Amz-Security-Token"), str_from(process->credentials.session_token)},
    };
    struct str date, authorization;
    const struct sigv4_request request = {.method = STR("POST"),
                                          .path = str_from(target),
                                          .query = STR(""),
                                          .headers = headers,
                                          .header_count = 3,
                                          .body = str_from(body)};
    sigv4_sign(&request, str_from(process->credentials.access_key_id), process->key,
               STR("eu-central-1"), str_from(service), clock_wall_ms(), arena, &date,
               &authorization);
    int fd = client_connect(s->server);
    client_send(fd, arena_printf(arena,
                                 "POST %s HTTP/1.1\r\nHost: h\r\nX-Amz-Target: %s\r\n"
                                 "X-Amz-Security-Token: %s\r\nX-Amz-Date: %.*s\r\n"
                                 "Authorization: %.*s\r\nContent-Length: %zu\r\n\r\n%s",
                                 target, operation, process->credentials.session_token,
                                 STR_ARG(date), STR_ARG(authorization), strlen(body), body));
    int status = answered(fd, words);
    close(fd);
    return status;
}

static int get_secret(struct process *process, const char *arn, const char *words)
{
    struct str body = arena_printf(&process->setting->store.arena, "{\"SecretId\":\"%s\"}", arn);
    return ask(process, "/", "secretsmanager", "secretsmanager.GetSecretValue", body.data, words);
}

static void the_secret_of_the_call_is_read(void **state)
{
    (void)state;
    struct process process = start();
    grant(&process, SECRET_ARN);
    assert_int_equal(
        get_secret(&process, SECRET_ARN, "\"SecretString\":\"{\\\"accessToken\\\":\\\"t-1\\\"}\""),
        200);
    assert_int_equal(ask(&process, "/", "secretsmanager", "secretsmanager.DescribeSecret",
                         "{\"SecretId\":\"" SECRET_ARN "\"}", "\"OwningService\":\"appflow\""),
                     200);
    end(&process);
}

/* The row of the audit is there when the answer is. */
static void each_reading_is_in_the_audit(void **state)
{
    (void)state;
    struct process process = start();
    struct fixture *store = &process.setting->store;
    const struct audit_filter filter = {.account = ACCOUNT};
    struct store_reader *reader;
    struct audit_row *rows;
    size_t count;
    grant(&process, SECRET_ARN);
    assert_int_equal(get_secret(&process, SECRET_ARN, "SecretString"), 200);
    check(store, store_reader_take(store->store, &reader, &store->error));
    check(store, audit_list(reader, &store->arena, &filter, 10, &rows, &count, &store->error));
    store_reader_put(store->store, reader);
    assert_int_equal(count, 1);
    assert_string_equal(arena_cstr(&store->arena, rows[0].entry.resource), SECRET_ARN);
    assert_string_equal(arena_cstr(&store->arena, rows[0].entry.outcome), "ok");
    struct str who =
        arena_printf(&store->arena, "%s/" FUNCTION_ARN, process.credentials.access_key_id);
    assert_true(str_eq(rows[0].entry.access_key_id, who));
    end(&process);
}

static void no_other_secret_is_read(void **state)
{
    (void)state;
    struct process process = start();
    const char *other = SECRET_ARN "X";
    assert_int_equal(get_secret(&process, SECRET_ARN, "AccessDeniedException"), 403);
    grant(&process, SECRET_ARN);
    assert_int_equal(get_secret(&process, other, "AccessDeniedException"), 403);
    function_session_revoke(process.session);
    assert_int_equal(get_secret(&process, SECRET_ARN, "AccessDeniedException"), 403);
    end(&process);
}

static void nothing_else_is_allowed(void **state)
{
    (void)state;
    struct process process = start();
    grant(&process, SECRET_ARN);
    assert_int_equal(ask(&process, "/describe-connector-profiles", "appflow", "x", "{}",
                         "may read its own secret and nothing else"),
                     403);
    assert_int_equal(ask(&process, "/", "sts", "x", "Action=GetCallerIdentity&Version=2011-06-15",
                         "may read its own secret and nothing else"),
                     403);
    assert_int_equal(ask(&process, "/", "sts", "x", "Action=GetSessionToken&Version=2011-06-15",
                         "may read its own secret and nothing else"),
                     403);
    end(&process);
}

static void a_session_that_ended_is_refused(void **state)
{
    (void)state;
    struct process process = start();
    grant(&process, SECRET_ARN);
    function_session_free(process.session);
    process.session = NULL;
    assert_int_equal(get_secret(&process, SECRET_ARN, "UnrecognizedClientException"), 403);
    end(&process);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_secret_of_the_call_is_read),
        cmocka_unit_test(each_reading_is_in_the_audit),
        cmocka_unit_test(no_other_secret_is_read),
        cmocka_unit_test(nothing_else_is_allowed),
        cmocka_unit_test(a_session_that_ended_is_refused),
    };
    return cmocka_run_group_tests_name("function-caller", tests, scratch_begin, scratch_end);
}
