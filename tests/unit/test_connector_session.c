/* Session logins on a made-up connector: the login's bytes, what is shown afterwards, the end in
 * every case, no second try with a password; and the data that came with them: derived members,
 * queries with conditions, rules on headers and on web pages. */
#include "connector_script.h"

#include "base/buf.h"
#include "connector/http/connection.h"

#include <stdio.h>
#include <string.h>

#define API "https://acme.example.com"

static bool derive(const struct value *properties, struct arena *arena, struct value *derived,
                   struct error *error)
{
    struct str account = value_text(properties, "account");
    if (account.len == 0)
        return fail(error, ERR_VALIDATION, "The account is missing.");
    value_put_text(arena, derived, "host",
                   arena_printf(arena, "%.*s.example.com", STR_ARG(account)));
    return true;
}

static const char *wrong(const struct scope *scope, const struct value *answer, struct arena *arena)
{
    assert_non_null(scope->derived);
    assert_non_null(arena);
    return value_flag(answer, "guest", false) ? "You are a guest." : NULL;
}

static const struct connector_url urls[] = {
    {.url = "https://{derived.host}", .derived_host = true}};
static const struct connector_header shown[] = {{"X-Session", "Token=\"{session.token}\""}};
static const struct connector_param login_query[] = {
    {.name = "id", .value = "{random.uuid}"},
    {.name = "account", .value = "{account}"},
    {.name = "room", .value = "{room}", .given = "room"},
    {.name = "quiet", .value = "1", .flag = "quiet"},
};
static const struct connector_auth auths[] = {
    {.session = &(const struct connector_session){
         .login = {.method = "POST",
                   .path = "/login?v=1",
                   .query = LIST(login_query),
                   .body =
                       "{\"a\":{\"user\":\"{credentials.user}\",\"word\":\"{credentials.word}\"}}",
                   .content_type = "application/json"},
         .token = "/data/token",
         .headers = LIST(shown),
         .end = {.method = "POST", .path = "/logout"},
         .wrong = wrong,
     }}};
static const struct connector_call whoami[] = {{.method = "GET", .path = "/me", .needs = "/id"}};
static const struct connector_rule rules[] = {
    {STEP_API, .header = "X-Gone", .kind = VERDICT_UNREACHABLE},
    {STEP_API, .header = "x-refused", .equals = "yes", .kind = VERDICT_FORBIDDEN},
    {STEP_API, .page = true, .contains = "LOGIN", .kind = VERDICT_REJECTED},
    {STEP_NONE, .at = "/code", .equals = "7", .kind = VERDICT_THROTTLED},
};
static const char *const errors[] = {"/message", "/error"};
static const struct http_connector acme_http = {
    .api = LIST(urls),
    .auth = LIST(auths),
    .probes = LIST(whoami),
    .errors = LIST(errors),
    .rules = LIST(rules),
    .derive = derive,
};

static const struct connector acme = {
    .type = STR("Acme"),
    .key = STR("Acme"),
    .ops = &http_ops,
    .http = &acme_http,
};

static struct script script;

static struct value *text_members(const char *const *names_and_texts)
{
    struct value *value = value_structure(&script.arena);
    for (size_t i = 0; names_and_texts[i]; i += 2)
        value_put_text(&script.arena, value, names_and_texts[i], str_from(names_and_texts[i + 1]));
    return value;
}

#define TEXTS(...) text_members((const char *const[]){__VA_ARGS__, NULL})
#define CREDENTIALS TEXTS("user", "u\"1", "word", "s3cret\\\n")

static bool run(const struct scripted *steps, size_t count)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    return script_verify_with(&script, &acme, TEXTS("account", "acme"), CREDENTIALS, NULL);
}

#define RUN(steps) run(steps, sizeof(steps) / sizeof((steps)[0]))

#define LOGIN_AT(query)                                                                            \
    "POST " API "/login?v=1&id=%UUID%&account=acme" query                                          \
    "\nAccept: application/json\nContent-Type: application/json\n\n"                               \
    "{\"a\":{\"user\":\"u\\\"1\",\"word\":\"s3cret\\\\\\n\"}}"
#define LOGIN LOGIN_AT("")
#define SHOWN "\nAccept: application/json\nX-Session: Token=\"t0ken\"\n\n"
#define ME "GET " API "/me" SHOWN
#define END "POST " API "/logout" SHOWN
#define IN "{\"data\":{\"token\":\"t0ken\"}}"

static void a_session_is_shown_and_ended(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {LOGIN, 200, .body = IN}, {ME, 200, .body = "{\"id\":1}"}, {END, 200, .body = "{}"}};
    assert_true(RUN(steps));
    assert_verdict(&script, VERDICT_ACCEPTED, STEP_API, 200, NULL);
    assert_null(script.tokens.access_token.data);
}

static void the_end_does_not_matter(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {LOGIN, 200, .body = IN},
        {ME, 200, .body = "{\"id\":1}"},
        {END, .outcome = CLIENT_TIMEOUT, .detail = "the time limit passed"}};
    assert_true(RUN(steps));
    static const struct scripted refused[] = {{LOGIN, 200, .body = IN},
                                              {ME, 403, .body = "{\"message\":\"no, t0ken\"}"},
                                              {END, 500, .body = "{\"message\":\"later\"}"}};
    assert_false(RUN(refused));
    assert_verdict(&script, VERDICT_FORBIDDEN, STEP_API, 403, "no, [removed]");
}

static void a_session_is_ended_after_the_time_limit(void **state)
{
    (void)state;
    /* No call is made once the limit has passed, but for the end. */
    static const struct scripted steps[] = {{LOGIN, 200, .body = IN, .late = true},
                                            {END, 200, .body = "{}"}};
    script.time_limit_ms = 500;
    assert_false(RUN(steps));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_CONNECT, 0, "the time limit passed");
}

static void a_session_of_another_is_refused_and_ended(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {LOGIN, 200, .body = "{\"guest\":true,\"data\":{\"token\":\"t0ken\"}}"},
        {END, 200, .body = "{}"}};
    assert_false(RUN(steps));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 200, NULL);
    assert_str(script.verdict.hint, "You are a guest.");
}

static void a_login_without_a_usable_token(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"data\":{\"token\":\"\"}}", "{\"data\":{\"token\":null}}",
        "{\"data\":{\"token\":{}}}",   "{\"data\":{\"token\":\"a\\nX: y\"}}",
        "{\"token\":\"t0ken\"}",       "[]"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct scripted step = {LOGIN, 200, .body = bodies[i]};
        assert_false(run(&step, 1));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_TOKEN, 200, NULL);
    }
    struct buf body = buf_in(&script.arena, 2 * SESSION_TOKEN_MAX);
    buf_add_cstr(&body, "{\"data\":{\"token\":\"");
    for (int i = 0; i <= SESSION_TOKEN_MAX; i++)
        buf_add_char(&body, 'a');
    buf_add_cstr(&body, "\"}}");
    struct scripted step = {LOGIN, 200, .body = body.data};
    assert_false(run(&step, 1));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_TOKEN, 200, NULL);
}

/* A password that was refused, or may have been looked at, is not tried again. */
static void a_password_is_not_tried_twice(void **state)
{
    (void)state;
    static const struct scripted once[] = {
        {LOGIN, 401, .body = "{\"message\":\"wrong\"}"},
        {LOGIN, 500, .body = "{}"},
        {LOGIN, 200, .body = "{\"code\":7}"},
        {LOGIN, .outcome = CLIENT_BROKEN, .detail = "it was reset", .connected = true},
        {LOGIN, .outcome = CLIENT_BROKEN, .detail = "it was reset", .reused = true},
    };
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++) {
        assert_false(run(&once[i], 1));
        assert_int_equal(script.pauses, 0);
    }
    static const struct scripted throttled[] = {
        {LOGIN, 429, .headers = "Retry-After: 1\n", .body = "{}"},
        {LOGIN, 200, .body = IN},
        {ME, 200, .body = "{\"id\":1}"},
        {END, 200, .body = "{}"}};
    assert_true(RUN(throttled));
    assert_int_equal(script.pauses, 1);
}

static void a_query_has_what_was_given(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{LOGIN_AT("&room=a%26b&quiet=1"), 200, .body = IN},
                                            {ME, 200, .body = "{\"id\":1}"},
                                            {END, 200, .body = "{}"}};
    struct value *properties = TEXTS("account", "acme", "room", "a&b");
    struct value *quiet = value_new(&script.arena, VALUE_BOOLEAN);
    quiet->boolean = true;
    value_put(&script.arena, properties, "quiet", quiet);
    script.steps = steps;
    script.count = 3;
    assert_true(script_verify_with(&script, &acme, properties, CREDENTIALS, NULL));
}

static void rules_look_at_headers_and_pages(void **state)
{
    (void)state;
    static const struct {
        struct scripted step;
        enum verdict_kind kind;
    } cases[] = {
        {{ME, 200, .headers = "x-gone: \n", .body = "{\"id\":1}"}, VERDICT_UNREACHABLE},
        {{ME, 200, .headers = "X-Refused: yes\n", .body = "{\"id\":1}"}, VERDICT_FORBIDDEN},
        {{ME, 200, .headers = "X-Refused: no\n", .body = "{\"id\":1}"}, VERDICT_ACCEPTED},
        {{ME, 200, .body = "{\"id\":\"login\"}"}, VERDICT_ACCEPTED},
        {{ME, 200, .body = "<html>Please log in: /login</html>"}, VERDICT_REJECTED},
        {{ME, 200, .body = "<html>Welcome</html>"}, VERDICT_MISCONFIGURED},
        {{ME, 200, .body = "{\"id\":1,\"code\":7}"}, VERDICT_THROTTLED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted steps[] = {
            {LOGIN, 200, .body = IN}, cases[i].step, {END, 200, .body = "{}"}};
        assert_int_equal(RUN(steps), cases[i].kind == VERDICT_ACCEPTED);
        assert_verdict(&script, cases[i].kind, STEP_API, 200, NULL);
    }
}

static void what_is_missing_is_told_before_any_call(void **state)
{
    (void)state;
    static const struct {
        const char *account, *user, *word, *message;
    } cases[] = {
        {"", "u", "w", "The account is missing."},
        {"acme", "", "w", "Validation exception: User cannot be blank for connector: ACME"},
        {"acme", "u", "", "Validation exception: Word cannot be blank for connector: ACME"},
        {"a b", "u", "w", "Validation exception: connectorProfileProperties has no good host."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct value *properties = TEXTS("account", cases[i].account);
        struct value *credentials = TEXTS("user", cases[i].user, "word", cases[i].word);
        assert_false(script_check_with(&script, &acme, properties, credentials));
        assert_int_equal(script.error.code, ERR_VALIDATION);
        assert_string_equal(script.error.message, cases[i].message);
    }
    assert_true(script_check_with(&script, &acme, TEXTS("account", "acme"), NULL));
}

static struct target resolved(const struct value *properties)
{
    static const struct connector_env env;
    struct target target;
    struct target_source source = {.connector = &acme, .env = &env, .properties = properties};
    target_resolve(&target, &source, &script.arena);
    return target;
}

static void a_derived_host_is_a_receiver_and_gives_way_to_the_operator(void **state)
{
    (void)state;
    struct target target = resolved(TEXTS("account", "acme"));
    assert_int_equal(target.origin_count, 1);
    assert_str(target.origins[0], "https://acme.example.com");
    assert_int_equal(resolved(TEXTS("account", "")).origin_count, 0);
    static const struct scripted steps[] = {
        {"POST http://127.0.0.1:9/x/login?v=1&id=%UUID%&account=acme\nAccept: application/json\n"
         "Content-Type: application/json\n\n"
         "{\"a\":{\"user\":\"u\\\"1\",\"word\":\"s3cret\\\\\\n\"}}",
         404, .body = ""}};
    script.endpoint = "http://127.0.0.1:9/x";
    assert_false(RUN(steps));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_TOKEN, 404, NULL);
}

static void uuids_differ(void **state)
{
    (void)state;
    struct scope scope = {0};
    struct str pair =
        template_fill(&script.arena, "{random.uuid}:{random.uuid}{", &scope, ESCAPE_NONE);
    struct str first, second;
    assert_int_equal(pair.len, 74);
    assert_true(str_cut(pair, ':', &first, &second));
    assert_memory_not_equal(first.data, second.data, 36);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_shown_and_ended),
        TEST(the_end_does_not_matter),
        TEST(a_session_is_ended_after_the_time_limit),
        TEST(a_session_of_another_is_refused_and_ended),
        TEST(a_login_without_a_usable_token),
        TEST(a_password_is_not_tried_twice),
        TEST(a_query_has_what_was_given),
        TEST(rules_look_at_headers_and_pages),
        TEST(what_is_missing_is_told_before_any_call),
        TEST(a_derived_host_is_a_receiver_and_gives_way_to_the_operator),
        TEST(uuids_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
