/* What the journal is given for the exchange of a code that brought no tokens; and refresh tokens
 * that earlier tries had replaced. */
#include "connector_script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

static bool exchange(const struct scripted *steps, size_t count)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    script.app_secret = "app-secret";
    return script_verify(&script, "Salesforce", "{}",
                         "{\"oAuthRequest\":{\"authCode\":\"c0de\",\"redirectUri\":\"cb\"}}", NULL);
}

/* Only what the vendor surely did not get, or answered without giving anything, may be shown to him
 * again. */
static void how_a_code_was_exchanged_is_told(void **state)
{
    (void)state;
    static const struct {
        struct scripted step;
        const char *end;
    } cases[] = {
        {{NULL, .outcome = CLIENT_CONNECT, .detail = "why"}, "void"},
        {{NULL, .outcome = CLIENT_TLS, .connected = true, .detail = "why"}, "void"},
        {{NULL, .outcome = CLIENT_TIMEOUT, .connected = true, .detail = "why"}, "void"},
        {{NULL, .outcome = CLIENT_STOPPED, .detail = "why"}, "void"},
        {{NULL, 400, .body = "{\"error\":\"invalid_client\"}"}, "void"},
        {{NULL, 503, .body = "busy"}, "void"},
        {{NULL, .outcome = CLIENT_TIMEOUT, .sent = true, .detail = "why"}, "lost"},
        {{NULL, .outcome = CLIENT_BROKEN, .sent = true, .detail = "why"}, "lost"},
        {{NULL, .outcome = CLIENT_TOO_LARGE, .sent = true, .detail = "why"}, "lost"},
        {{NULL, .outcome = CLIENT_STOPPED, .sent = true, .detail = "why"}, "lost"},
        {{NULL, 200, .body = "<html>"}, "lost"},
        {{NULL, 200, .body = "{}"}, "lost"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        script.log.len = 0;
        assert_false(exchange(&cases[i].step, 1));
        const char *log = script_log(&script);
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "end %s  \n", cases[i].end);
        if (!strstr(log, wanted))
            fail_msg("case %zu: %s", i, log);
        bool told =
            script.verdict.hint.data && strstr(script.verdict.hint.data, "may have been used.");
        assert_int_equal(told, strcmp(cases[i].end, "lost") == 0);
    }
}

static void a_code_of_unknown_fate_is_refused(void **state)
{
    (void)state;
    static const enum grant_journal_state states[] = {GRANT_JOURNAL_LOST};
    script.states = states;
    assert_false(exchange(NULL, 0));
    assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 0, NULL);
    assert_str(script.verdict.hint,
               "Exchanging the code for tokens was begun before and cut off: its "
               "outcome is not known, and a code works only once. Get a new one.");
}

/* --- replaced refresh tokens --- */

static const struct scripted refused = {NULL, 401,
                                        .body = "[{\"errorCode\":\"INVALID_SESSION_ID\"}]"};

static bool refresh(const struct scripted *steps, size_t count, const char *second)
{
    static enum grant_journal_state states[16];
    for (size_t i = 0; i < 16; i++)
        states[i] = GRANT_JOURNAL_RESUME;
    script = (struct script){.steps = steps, .count = count, .app_secret = "app-secret"};
    script.states = states;
    script.resumed =
        (struct oauth_tokens){.access_token = STR("yesterday"), .refresh_token = STR("r2")};
    script.resumed_next =
        (struct oauth_tokens){.access_token = str_from(second), .refresh_token = STR("r3")};
    script.resumes_in_turn = true;
    return script_verify(&script, "Salesforce", "{}",
                         "{\"accessToken\":\"t0ken\",\"refreshToken\":\"r1\"}", NULL);
}

/* Two tries refreshed, and the vendor replaced the refresh token each time: none is sent again. */
static void a_replaced_refresh_token_is_followed(void **state)
{
    (void)state;
    const struct scripted steps[] = {
        refused, refused, {NULL, 200, .body = "{\"user_id\":\"005\"}"}};
    assert_true(refresh(steps, 3, "today"));
    assert_str(script.tokens.refresh_token, "r3");
    assert_int_equal(script.begun, 2);
    assert_null(strstr(script_log(&script), "save"));
}

/* A vendor that gives the same two tokens in turn would be followed forever. */
static void following_replaced_tokens_ends(void **state)
{
    (void)state;
    struct scripted steps[9];
    for (size_t i = 0; i < 9; i++)
        steps[i] = refused;
    assert_false(refresh(steps, 9, "today"));
    assert_int_equal(script.verdict.kind, VERDICT_REJECTED);
    assert_non_null(strstr(script.verdict.hint.data, "replaced this refresh token several times"));
    assert_null(strstr(script_log(&script), "save"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(how_a_code_was_exchanged_is_told),
        TEST(a_code_of_unknown_fate_is_refused),
        TEST(a_replaced_refresh_token_is_followed),
        TEST(following_replaced_tokens_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
