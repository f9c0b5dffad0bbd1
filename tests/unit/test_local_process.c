/* What one process of a local connector is given, and how it starts. */
#include "local_runner_fixture.h"

#include "base/buf.h"
#include "base/encode.h"
#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>

static void test_a_process_that_does_not_start(void **state)
{
    struct fixture fixture;
    struct local_runner_config config = usual_config();
    const char *given[] = {ARN "=/nonexistent/orchard",
                           OTHER_ARN "=exec python3 " FUNCTION " --init-error"};
    (void)state;
    begin(&fixture, &config, functions_of(given, 2));
    struct function_answer answer = call(&fixture, "{}");
    assert_outcome(&answer, FUNCTION_CRASHED, "the command was not found");
    answer = call_of(fixture.runner, &fixture.arena, OTHER_ARN, "123456789012", "{}", 10 * 1000);
    assert_outcome(&answer, FUNCTION_CRASHED, "Runtime.ImportModuleError: no module orchard");
    /* From the third on a start is not tried at each call. */
    for (int i = 0; i < 20; i++)
        call(&fixture, "{}");
    assert_in_range(local_runner_counts(fixture.runner).started, 3, 6);
    end(&fixture);
}

static void test_memory_is_bounded(void **state)
{
    struct fixture fixture;
    struct local_runner_config config = usual_config();
    (void)state;
    config.memory_max = (size_t)128 << 20;
    begin(&fixture, &config, usual_functions());
    struct function_answer answer = call(&fixture, "{\"do\": \"memory\", \"bytes\": 200000000}");
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    assert_string_equal(answer.payload.data, "{\"bytes\": null}");
    end(&fixture);
}

static void test_what_a_process_gets(void **state)
{
    struct fixture fixture;
    (void)state;
    setenv("HEADGATE_TEST_OF_THE_SERVER", "must not be seen", 1);
    begin_as_usual(&fixture);
    struct function_answer answer = call(&fixture, "{\"do\": \"look\"}");
    static const char *const parts[] = {
        "\"AWS_LAMBDA_FUNCTION_NAME\": \"orchard\"",
        "\"AWS_REGION\": \"us-east-1\"",
        "\"LANG\": \"en_US.UTF-8\"",
        "\"TZ\": \":UTC\"",
        "\"AWS_LAMBDA_RUNTIME_API\": \"127.0.0.1:",
        "\"files\": [0, 1, 2, 3",
        "NoNewPrivs:\\t1",
        "\"data\": [536870912, 536870912]",
        "\"session\": true",
        "\"Lambda-Runtime-Invoked-Function-Arn\": \"" ARN "\"",
        "\"Lambda-Runtime-Aws-Request-Id\": \"5f0c1f6e-0000-4000-8000-000000000001\"",
        "\"Lambda-Runtime-Deadline-Ms\": \"1",
        "\"Lambda-Runtime-Trace-Id\": \"Root=1-"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (!str_contains(answer.payload, str_from(parts[i])))
            fail_msg("no %s in %.*s", parts[i], STR_ARG(answer.payload));
    }
    assert_false(str_contains(answer.payload, STR("HEADGATE_TEST_OF_THE_SERVER")));
    end(&fixture);
}

struct watcher {
    struct function_sessions *sessions;
    struct str access_key_id, token;
    struct function_caller caller;
    struct arena arena;
};

static bool find_session(struct watcher *watcher)
{
    struct secret *secret =
        function_session_find(watcher->sessions, watcher->access_key_id, watcher->token,
                              &watcher->arena, &watcher->caller);
    bool found = secret != NULL;
    secret_free(secret);
    return found;
}

/* Until the process with these credentials has a call that names a secret. */
static void *watch_secret(void *argument)
{
    struct watcher *watcher = argument;
    while (!find_session(watcher) || !watcher->caller.secret_arn.data)
        clock_nap_us(1000);
    return NULL;
}

static struct str text_in(struct str payload, const char *name)
{
    char key[64];
    snprintf(key, sizeof(key), "\"%s\": \"", name);
    const char *found = payload.data ? strstr(payload.data, key) : NULL;
    if (!found)
        fail_msg("no %s in %.*s", name, STR_ARG(payload));
    found += strlen(key);
    return (struct str){found, strcspn(found, "\"")};
}

static struct function_answer call_with_secret(struct fixture *fixture, const char *payload)
{
    struct function_answer answer;
    struct function_call asked = {.arn = STR(ARN),
                                  .payload = str_from(payload),
                                  .account = STR("123456789012"),
                                  .secret_arn = STR("arn:aws:secretsmanager:x"),
                                  .secret_text = STR("{\"a\": {\"key\": \"an-apple-a-day\", "
                                                     "\"pin\": \"x7#q\"}, "
                                                     "\"username\": \"pears\"}"),
                                  .deadline_ms = clock_mono_ms() + 20 * 1000};
    function_invoke(local_runner_base(fixture->runner), &asked, &fixture->arena, &answer);
    return answer;
}

static void test_a_process_may_read_the_secret_of_its_call(void **state)
{
    struct fixture fixture;
    struct local_runner_config config = usual_config();
    struct function_sessions *sessions = function_sessions_new();
    struct watcher watcher = {.sessions = sessions};
    pthread_t thread;
    (void)state;
    config.sessions = sessions;
    begin(&fixture, &config, usual_functions());
    local_runner_set_endpoint(fixture.runner, "http://127.0.0.1:8620");
    struct str environment = call(&fixture, "{\"do\": \"look\"}").payload;
    assert_true(str_eq(text_in(environment, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
                       STR("http://127.0.0.1:8620")));
    struct str secret = text_in(environment, "AWS_SECRET_ACCESS_KEY");
    watcher.access_key_id = text_in(environment, "AWS_ACCESS_KEY_ID");
    watcher.token = text_in(environment, "AWS_SESSION_TOKEN");
    assert_int_equal(pthread_create(&thread, NULL, watch_secret, &watcher), 0);
    struct function_answer answer =
        call_with_secret(&fixture, "{\"do\": \"sleep\", \"seconds\": 0.1}");
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    pthread_join(thread, NULL);
    assert_true(str_eq(watcher.caller.account, STR("123456789012")));
    assert_true(str_eq(watcher.caller.secret_arn, STR("arn:aws:secretsmanager:x")));
    /* After the call there is none. */
    assert_true(find_session(&watcher));
    assert_null(watcher.caller.secret_arn.data);
    /* An error that repeats what the process was given. A short name is not concealed. */
    struct str payload = arena_printf(&fixture.arena,
                                      "{\"do\": \"error\", \"type\": \"No.an-apple-a-day\", "
                                      "\"message\": \"%.*s "
                                      "and an-apple-a-day and x7#q are bad pears\"}",
                                      STR_ARG(secret));
    answer = call_with_secret(&fixture, payload.data);
    assert_outcome(&answer, FUNCTION_FAILED, "[removed] and [removed] and [removed] are bad pears");
    assert_true(str_eq(answer.error_type, STR("No.[removed]")));
    end(&fixture);
    assert_false(find_session(&watcher));
    arena_done(&watcher.arena);
    function_sessions_free(sessions);
}

static void test_a_long_error_is_cut_between_characters(void **state)
{
    struct fixture fixture;
    struct buf payload = buf_on_heap(FUNCTION_PAYLOAD_MAX);
    (void)state;
    begin_as_usual(&fixture);
    buf_add_cstr(&payload, "{\"do\": \"error\", \"message\": \"x");
    for (int i = 0; i < 1024; i++)
        buf_add_cstr(&payload, "\xC3\xA9");
    buf_add_cstr(&payload, "\"}");
    struct function_answer answer = call(&fixture, payload.data);
    assert_outcome(&answer, FUNCTION_FAILED, "x\xC3\xA9");
    assert_int_equal(answer.message.len, 1023);
    assert_true(utf8_is_valid(answer.message));
    buf_done(&payload);
    end(&fixture);
}

/* --- what it may not --- */

static char hidden[TEMPORARY_SIZE];

/* The errno of an attempt; 0: it succeeded. */
static long attempt(struct fixture *fixture, const char *name, const char *path)
{
    struct str payload = arena_printf(
        &fixture->arena, "{\"do\": \"try\", \"attempt\": \"%s\", \"path\": \"%s\"}", name, path);
    struct function_answer answer = call(fixture, payload.data);
    assert_outcome(&answer, FUNCTION_ANSWERED, "");
    return number_in(answer.payload, "errno");
}

static long landlock_version(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static void test_a_process_is_kept_from_the_servers_data(void **state)
{
    struct fixture fixture;
    char file[TEMPORARY_SIZE + 8], beside[TEMPORARY_SIZE + 8];
    (void)state;
    if (landlock_version() < 1)
        skip();
    /* What is hidden has a relative path: of the server's directory, not of the process's. */
    assert_int_equal(chdir("/"), 0);
    begin_as_usual(&fixture);
    snprintf(file, sizeof(file), "%s/key", hidden);
    snprintf(beside, sizeof(beside), "%s.txt", hidden);
    assert_int_equal(attempt(&fixture, "read", file), EACCES);
    assert_int_equal(attempt(&fixture, "write", file), EACCES);
    assert_int_equal(attempt(&fixture, "read", beside), 0);
    assert_int_equal(attempt(&fixture, "write", beside), EACCES);
    assert_int_equal(attempt(&fixture, "list", "/"), 0);
    assert_int_equal(attempt(&fixture, "write-own", ""), 0);
    assert_int_equal(attempt(&fixture, "write", "/dev/null"), 0);
    assert_int_equal(attempt(&fixture, "write", "/etc/headgate-test-of-isolation"), EACCES);
    assert_int_equal(attempt(&fixture, "trace", ""), EACCES);
    if (landlock_version() >= 6)
        assert_int_equal(attempt(&fixture, "signal", ""), EPERM);
    end(&fixture);
}

/* A directory that is hidden, with a file, and a file beside it. */
static void make_hidden(void)
{
    char path[TEMPORARY_SIZE + 8];
    assert_non_null(mkdtemp(temporary_template(hidden, "hidden")));
    snprintf(path, sizeof(path), "%s/key", hidden);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    snprintf(path, sizeof(path), "%s.txt", hidden);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void remove_hidden(void)
{
    char path[TEMPORARY_SIZE + 8];
    snprintf(path, sizeof(path), "%s.txt", hidden);
    unlink(path);
    snprintf(path, sizeof(path), "%s/key", hidden);
    unlink(path);
    rmdir(hidden);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_that_does_not_start),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_what_a_process_gets),
        cmocka_unit_test(test_a_process_may_read_the_secret_of_its_call),
        cmocka_unit_test(test_a_long_error_is_cut_between_characters),
        cmocka_unit_test(test_a_process_is_kept_from_the_servers_data),
    };
    make_hidden();
    char *name = strrchr(hidden, '/');
    *name = '\0';
    if (chdir(hidden) != 0)
        return 1;
    *name = '/';
    supervisor_config = (struct supervisor_config){.hidden = {name + 1}, .hidden_count = 1};
    int failed = run_with_supervisor(tests);
    remove_hidden();
    return failed;
}
