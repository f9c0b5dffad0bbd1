/* What the engine does for every connector alike, on a made-up one: time limits, repetition, the
 * journal, transport failures, secrets in words, where calls may go. */
#include "connector_script.h"

#include "connector/http/connection.h"

#include <stdio.h>
#include <string.h>

#define API "https://acme.example.com"
#define TOKEN_URL API "/token"

static const struct connector_url urls[] = {{.given = "instanceUrl", .url = "{instanceUrl}"}};
static const char *const domains[] = {"example.com"};
static const struct connector_auth oauth2_way[] = {
    {.oauth2 = &(const struct connector_oauth2){
         .members = "credentials",
         .grants = GRANT_REFRESH | GRANT_CODE | GRANT_CLIENT_CREDENTIALS,
         .grant_type = "grantType",
         .token_urls = LIST(urls),
         .token_path = "/token",
         .basic = true,
         .scope = "all",
     }}};
static const struct connector_call whoami[] = {
    {.method = "GET", .path = "/me?of={name}", .needs = "/id"}};
static const struct http_connector acme_http = {
    .api = LIST(urls),
    .auth = LIST(oauth2_way),
    .probes = LIST(whoami),
    .domains = LIST(domains),
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

static bool run_with(const struct scripted *steps, size_t count, const struct connector *connector,
                     const struct value *properties, const struct value *credentials)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    return script_verify_with(&script, connector, properties, credentials, NULL);
}

static bool run(const struct scripted *steps, size_t count, const struct value *credentials)
{
    return run_with(steps, count, &acme, TEXTS("instanceUrl", API, "name", "a b"), credentials);
}

#define RUN(steps, credentials) run(steps, sizeof(steps) / sizeof((steps)[0]), credentials)
#define READY TEXTS("accessToken", "t0ken")
#define ME(token)                                                                                  \
    "GET " API "/me?of=a%20b\nAccept: application/json\nAuthorization: Bearer " token "\n\n"
#define GOOD "{\"id\":1}"
#define REFRESH                                                                                    \
    "POST " TOKEN_URL "\nAccept: application/json\nContent-Type: "                                 \
    "application/x-www-form-urlencoded\nAuthorization: Basic Y2xpZW50OnMzY3JldA==\n\n"             \
    "grant_type=refresh_token&refresh_token=r1"
#define RENEWABLE                                                                                  \
    TEXTS("accessToken", "t0ken", "refreshToken", "r1", "clientId", "client", "clientSecret",      \
          "s3cret")
#define NEW_TOKEN "{\"access_token\":\"t2\"}"

static void throttling_is_waited_for(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ME("t0ken"), .status = 429, .headers = "Retry-After: 2\n"},
        {ME("t0ken"), .status = 429},
        {ME("t0ken"), 200, .body = GOOD},
    };
    assert_true(RUN(steps, READY));
    assert_int_equal(script.pauses, 2);
    assert_int_equal(script.paused_ms, 2000 + 2 * CALL_THROTTLED_PAUSE_MS);
}

static void throttling_ends_after_three_tries(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ME("t0ken"), .status = 429, .headers = "Retry-After: 0\n"},
        {ME("t0ken"), .status = 429, .headers = "Retry-After: 1\n"},
        {ME("t0ken"), .status = 429, .headers = "Retry-After: 1\n",
         .body = "{\"message\":\"slow down\"}"},
    };
    assert_false(RUN(steps, READY));
    assert_verdict(&script, VERDICT_THROTTLED, STEP_API, 429, "slow down");
    assert_int_equal(script.verdict.retry_after_ms, 1000);
}

static void a_longer_wait_than_the_limit_is_not_begun(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ME("t0ken"), .status = 429, .headers = "Retry-After: 60\n"}};
    assert_false(RUN(steps, READY));
    assert_verdict(&script, VERDICT_THROTTLED, STEP_API, 429, NULL);
    assert_int_equal(script.verdict.retry_after_ms, 60000);
    static const struct scripted away[] = {
        {ME("t0ken"), .status = 503, .headers = "Retry-After: 60\n"}};
    assert_false(RUN(away, READY));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 503, NULL);
    assert_int_equal(script.verdict.retry_after_ms, 60000);
    assert_int_equal(script.pauses, 0);
}

static void a_server_fault_is_tried_once_more(void **state)
{
    (void)state;
    static const struct scripted good[] = {{ME("t0ken"), .status = 503},
                                           {ME("t0ken"), 200, .body = GOOD}};
    assert_true(RUN(good, READY));
    static const struct scripted bad[] = {{ME("t0ken"), .status = 408},
                                          {ME("t0ken"), 502, .body = "<html>"}};
    assert_false(RUN(bad, READY));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 502, NULL);
    static const struct scripted idle[] = {
        {ME("t0ken"), .outcome = CLIENT_BROKEN, .reused = true, .connected = true},
        {ME("t0ken"), 200, .body = GOOD}};
    assert_true(RUN(idle, READY));
    static const struct scripted late[] = {{ME("t0ken"), .status = 503}};
    script.time_limit_ms = 400;
    assert_false(RUN(late, READY));
}

static void nothing_is_sent_past_the_limit(void **state)
{
    (void)state;
    script.time_limit_ms = -1;
    assert_false(run(NULL, 0, READY));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_CONNECT, 0, "the time limit passed");
}

/* What may have used up a one-time credential is not sent again. */
static void token_requests_are_repeated_only_when_nothing_was_used_up(void **state)
{
    (void)state;
    static const struct scripted throttled[] = {
        {ME("t0ken"), .status = 401},
        {REFRESH, .status = 429, .headers = "Retry-After: 1\n"},
        {REFRESH, 200, .body = NEW_TOKEN},
        {ME("t2"), 200, .body = GOOD},
    };
    assert_true(RUN(throttled, RENEWABLE));
    static const struct scripted fault[] = {{ME("t0ken"), .status = 401}, {REFRESH, .status = 503}};
    assert_false(RUN(fault, RENEWABLE));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_TOKEN, 503, NULL);
    static const struct scripted broken[] = {
        {ME("t0ken"), .status = 401},
        {REFRESH, .outcome = CLIENT_BROKEN, .connected = true, .reused = true, .detail = "reset"}};
    assert_false(RUN(broken, RENEWABLE));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_TOKEN, 0, "reset");
}

static void a_renewed_token_is_not_renewed_again(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ME("t0ken"), .status = 401},
        {REFRESH, 200, .body = NEW_TOKEN},
        {ME("t2"), 401, .body = "{\"error\":\"nobody\"}"},
    };
    assert_false(RUN(steps, RENEWABLE));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 401, "nobody");
    assert_str(script.tokens.access_token, "t2"); /* what was got is told all the same */
}

static void malformed_token_answers_are_no_answers(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body, *words;
        enum verdict_kind kind;
    } cases[] = {
        {200, "{\"token_type\":\"bearer\"}", "The answer has no access_token.",
         VERDICT_UNREACHABLE},
        {200, "{\"access_token\":\"c4nary-half", NULL, VERDICT_UNREACHABLE},
        {200, "access_token=c4nary", NULL, VERDICT_UNREACHABLE},
        {200, "<html>log in</html>", NULL, VERDICT_MISCONFIGURED},
        {302, "", NULL, VERDICT_MISCONFIGURED},
        {404, "<html>", NULL, VERDICT_MISCONFIGURED},
        {400, "oops", "oops", VERDICT_UNREACHABLE},
        {401, "", NULL, VERDICT_REJECTED},
        {400, "{\"error\":\"invalid_scope\"}", "invalid_scope", VERDICT_REJECTED},
        {400, "{\"error\":\"slow_down\"}", "slow_down", VERDICT_THROTTLED},
        {400, "{\"error\":\"temporarily_unavailable\"}", "temporarily_unavailable",
         VERDICT_UNREACHABLE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted step = {REFRESH, cases[i].status, .body = cases[i].body};
        assert_false(run(
            &step, 1, TEXTS("refreshToken", "r1", "clientId", "client", "clientSecret", "s3cret")));
        assert_verdict(&script, cases[i].kind, STEP_TOKEN, cases[i].status, cases[i].words);
    }
}

static void transport_failures_end_at_their_step(void **state)
{
    (void)state;
    static const struct {
        enum client_outcome outcome;
        bool connected;
        enum verdict_kind kind;
        enum verdict_step step;
    } cases[] = {
        {CLIENT_BAD_URL, false, VERDICT_MISCONFIGURED, STEP_API},
        {CLIENT_RESOLVE, false, VERDICT_UNREACHABLE, STEP_RESOLVE},
        {CLIENT_REFUSED, false, VERDICT_MISCONFIGURED, STEP_CONNECT},
        {CLIENT_CONNECT, false, VERDICT_UNREACHABLE, STEP_CONNECT},
        {CLIENT_TLS, true, VERDICT_UNREACHABLE, STEP_TLS},
        {CLIENT_TIMEOUT, false, VERDICT_UNREACHABLE, STEP_CONNECT},
        {CLIENT_TIMEOUT, true, VERDICT_UNREACHABLE, STEP_API},
        {CLIENT_BROKEN, true, VERDICT_UNREACHABLE, STEP_API},
        {CLIENT_TOO_LARGE, true, VERDICT_UNREACHABLE, STEP_API},
        {CLIENT_STOPPED, true, VERDICT_INTERNAL, STEP_API},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted step = {ME("t0ken"), .outcome = cases[i].outcome,
                                .connected = cases[i].connected, .detail = "why"};
        assert_false(run(&step, 1, READY));
        assert_verdict(&script, cases[i].kind, cases[i].step, 0, "why");
    }
}

static void the_journal_is_obeyed(void **state)
{
    (void)state;
    static const struct {
        enum grant_journal_state state;
        const char *words;
    } cases[] = {{GRANT_JOURNAL_BUSY, NULL}, {GRANT_JOURNAL_FAILED, "The store cannot be read."}};
    for (size_t i = 0; i < 2; i++) {
        script.states = &cases[i].state;
        script.begun = 0;
        assert_false(run(NULL, 0, TEXTS("refreshToken", "r1")));
        assert_verdict(&script, VERDICT_INTERNAL, STEP_TOKEN, 0, cases[i].words);
        assert_true(script.verdict.transient);
    }
    static const struct scripted steps[] = {{REFRESH, 200, .body = NEW_TOKEN}};
    script.states = NULL;
    script.save_fails = true; /* then the tokens must not be used */
    assert_false(
        RUN(steps, TEXTS("refreshToken", "r1", "clientId", "client", "clientSecret", "s3cret")));
    assert_verdict(&script, VERDICT_INTERNAL, STEP_TOKEN, 0, "The disk is full.");
    assert_true(script.verdict.transient);
    assert_null(script.tokens.access_token.data);
}

/* A try of yesterday refreshed and then failed. Its access token is over, the refresh token is not.
 */
static void a_resumed_refresh_can_be_made_again(void **state)
{
    (void)state;
    static const enum grant_journal_state states[] = {GRANT_JOURNAL_RESUME, GRANT_JOURNAL_RESUME};
    static const struct scripted steps[] = {
        {ME("t0ken"), .status = 401},
        {ME("yesterday"), .status = 401},
        {REFRESH, 200, .body = NEW_TOKEN},
        {ME("t2"), 200, .body = GOOD},
    };
    script.states = states;
    script.resumed =
        (struct oauth_tokens){.access_token = STR("yesterday"), .refresh_token = STR("r1")};
    assert_true(RUN(steps, RENEWABLE));
    assert_str(script.tokens.access_token, "t2");
    assert_string_equal(script_log(&script), "begin refresh_token " TOKEN_URL " r1\n"
                                             "begin refresh_token " TOKEN_URL " r1\n"
                                             "save t2 r1 \n"
                                             "end saved  \n");
}

static void a_rejected_refresh_gives_way_to_a_code(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {REFRESH, 400, .body = "{\"error\":\"invalid_grant\"}"},
        {"POST " TOKEN_URL "\nAccept: application/json\nContent-Type: "
         "application/x-www-form-urlencoded\nAuthorization: Basic Y2xpZW50OnMzY3JldA==\n\n"
         "grant_type=authorization_code&code=c0de&redirect_uri=cb&scope=all",
         200, .body = "{\"access_token\":\"t3\"}"},
        {ME("t3"), 200, .body = GOOD},
    };
    struct value *credentials =
        TEXTS("refreshToken", "r1", "clientId", "client", "clientSecret", "s3cret");
    value_put(&script.arena, credentials, "oAuthRequest",
              TEXTS("authCode", "c0de", "redirectUri", "cb"));
    assert_true(RUN(steps, credentials));
    assert_null(script.tokens.refresh_token.data); /* the rejected one is not kept */
}

static void client_credentials_are_their_own_grant(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {"POST " TOKEN_URL "\nAccept: application/json\nContent-Type: "
         "application/x-www-form-urlencoded\nAuthorization: Basic Y2xpZW50OnMzY3JldA==\n\n"
         "grant_type=client_credentials&scope=all",
         200, .body = "{\"access_token\":\"t4\"}"},
        {ME("t4"), 200, .body = GOOD},
    };
    assert_true(
        run_with(steps, 2, &acme,
                 TEXTS("instanceUrl", API, "name", "a b", "grantType", "CLIENT_CREDENTIALS"),
                 TEXTS("clientId", "client", "clientSecret", "s3cret")));
}

/* A vendor repeats everything that was sent to it, in every form. */
static void no_secret_comes_back_in_words(void **state)
{
    (void)state;
    static const char body[] =
        "{\"error\":\"x\",\"error_description\":\"c4nary/refresh c4nary%2Frefresh "
        "YzRuYXJ5L3JlZnJlc2g= c4nary-secret Basic Y2xpZW50OmM0bmFyeS1zZWNyZXQ= "
        "Bearer c4nary-access client c4nary/new\"}";
    static const struct scripted steps[] = {
        {ME("c4nary-access"), .status = 401},
        {NULL, 200, .body = "{\"access_token\":\"c4nary/new\",\"refresh_token\":\"c4nary/r2\"}"},
        {ME("c4nary/new"), 403, .body = body},
    };
    assert_false(RUN(steps, TEXTS("accessToken", "c4nary-access", "refreshToken", "c4nary/refresh",
                                  "clientId", "client", "clientSecret", "c4nary-secret")));
    struct str told = verdict_describe(&script.arena, STR("Acme"), &script.verdict);
    assert_false(str_contains(told, STR("c4nary")));
    assert_false(str_contains(told, STR("YzRuYXJ5")));
    assert_false(str_contains(told, STR("Y2xpZW50OmM0bmFyeS1zZWNyZXQ")));
    assert_true(str_contains(told, STR("[removed] [removed]")));
}

static void keys_go_into_headers(void **state)
{
    (void)state;
    static const struct connector_header keys[] = {{"X-Key", "{credentials.apiKey}"},
                                                   {"Authorization", "Key {credentials.other}"}};
    static const struct connector_headers key_headers = LIST(keys);
    static const struct connector_basic nobody = {"", ""};
    static const struct connector_auth auths[] = {
        {.given = "credentials.kind", .equals = "OTHER", .basic = &nobody},
        {.headers = &key_headers},
    };
    static const struct connector_header version[] = {{"X-Version", "v1"}};
    static const struct connector_call calls[] = {
        {.method = "GET", .path = "/first"},
        {.method = "POST",
         .path = "/second",
         .headers = LIST(version),
         .body = "{}",
         .content_type = "application/json"},
    };
    struct http_connector http = acme_http;
    struct connector other = acme;
    http.auth = (struct connector_auths)LIST(auths);
    http.probes = (struct connector_calls)LIST(calls);
    other.http = &http;
    static const struct scripted steps[] = {
        {"GET " API "/first\nAccept: application/json\nX-Key: k1\nAuthorization: Key k2\n\n", 200,
         .body = "{}"},
        {"POST " API "/second\nAccept: application/json\nContent-Type: application/json\n"
         "X-Key: k1\nAuthorization: Key k2\nX-Version: v1\n\n{}",
         200, .body = "[]"},
    };
    assert_true(run_with(steps, 2, &other, TEXTS("instanceUrl", API),
                         TEXTS("apiKey", "k1", "other", "k2")));
    static const struct scripted first[] = {
        {NULL, .status = 403}}; /* the second is not made then */
    assert_false(run_with(first, 1, &other, TEXTS("instanceUrl", API), TEXTS("apiKey", "k1")));
}

static bool hook_check(const struct value *properties, const struct value *credentials,
                       struct error *error)
{
    (void)credentials;
    return value_text(properties, "name").data ? true : fail(error, ERR_VALIDATION, "no name");
}

static bool hook_verify(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                        struct oauth_tokens *ret_tokens)
{
    *ret_verdict = (struct verdict){.kind = VERDICT_ACCEPTED, .status = 299};
    *ret_tokens = (struct oauth_tokens){.access_token = config->target->connector->type};
    return true;
}

static void hooks_take_the_engines_place(void **state)
{
    (void)state;
    static const struct http_connector http = {.check = hook_check};
    struct connector_ops ops = http_ops;
    struct connector hooked = {.type = STR("Hooked"), .ops = &ops, .http = &http};
    ops.verify = hook_verify;
    assert_true(connector_is_built(&hooked));
    assert_true(script_check_with(&script, &hooked, TEXTS("name", "x"), NULL));
    assert_false(script_check_with(&script, &hooked, TEXTS("x", "x"), NULL));
    assert_string_equal(script.error.message, "no name");
    assert_true(run_with(NULL, 0, &hooked, READY, READY));
    assert_str(script.tokens.access_token, "Hooked");
}

static struct str at_home(void *context, struct str connector_type)
{
    (void)context;
    return str_eq(connector_type, STR("Salesforce")) ? STR("http://127.0.0.1:9000") : STR_NULL;
}

static void assert_origins(const struct connector_env *env, const char *type,
                           const struct value *properties, const char *first, const char *second)
{
    struct target target;
    struct target_source source = {
        .connector = connector_by_type(str_from(type)), .env = env, .properties = properties};
    target_resolve(&target, &source, &script.arena);
    assert_int_equal(target.origin_count, first ? second ? 2 : 1 : 0);
    if (first)
        assert_str(target.origins[0], first);
    if (second)
        assert_str(target.origins[1], second);
}

static void origins_say_who_receives_the_credentials(void **state)
{
    (void)state;
    struct connector_env env = {0};
    struct value *instance = TEXTS("instanceUrl", "ACME.my.salesforce.com/");
    assert_origins(&env, "Salesforce", instance, "https://acme.my.salesforce.com",
                   "https://acme.my.salesforce.com/services/oauth2/token");
    assert_origins(&env, "Salesforce", TEXTS("x", "y"), "https://login.salesforce.com",
                   "https://login.salesforce.com/services/oauth2/token");
    assert_origins(&env, "Salesforce", TEXTS("instanceUrl", "https://proxy.example:8443"),
                   "https://login.salesforce.com/services/oauth2/token",
                   "https://proxy.example:8443");
    assert_origins(&env, "Zendesk", TEXTS("instanceUrl", "acme"), "https://acme.zendesk.com",
                   "https://acme.zendesk.com/oauth/tokens");
    assert_origins(&env, "Amplitude", TEXTS("x", "y"), "https://amplitude.com", NULL);
    assert_origins(&env, "Slack", TEXTS("instanceUrl", "https://acme.slack.com"),
                   "https://slack.com", "https://slack.com/api/oauth.v2.access");
    env.endpoint_override = at_home;
    assert_origins(&env, "Salesforce", TEXTS("x", "y"), "http://127.0.0.1:9000",
                   "http://127.0.0.1:9000/services/oauth2/token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(throttling_is_waited_for),
        TEST(throttling_ends_after_three_tries),
        TEST(a_longer_wait_than_the_limit_is_not_begun),
        TEST(a_server_fault_is_tried_once_more),
        TEST(nothing_is_sent_past_the_limit),
        TEST(token_requests_are_repeated_only_when_nothing_was_used_up),
        TEST(a_renewed_token_is_not_renewed_again),
        TEST(malformed_token_answers_are_no_answers),
        TEST(transport_failures_end_at_their_step),
        TEST(the_journal_is_obeyed),
        TEST(a_resumed_refresh_can_be_made_again),
        TEST(a_rejected_refresh_gives_way_to_a_code),
        TEST(client_credentials_are_their_own_grant),
        TEST(no_secret_comes_back_in_words),
        TEST(keys_go_into_headers),
        TEST(hooks_take_the_engines_place),
        TEST(origins_say_who_receives_the_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
