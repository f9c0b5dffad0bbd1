/* What is told of the exchange of a code that brought no tokens. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(how_a_code_was_exchanged_is_told),
        TEST(a_code_of_unknown_fate_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
