/* What is done with a refresh token whose answer was lost, by the vendor's policy. */
#include "connector_script.h"

#include "base/clock.h"

#include <string.h>

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static struct script script;

static const enum grant_journal_state lost[] = {GRANT_JOURNAL_LOST, GRANT_JOURNAL_NEW};

#define FRESH_TOKENS                                                                               \
    {                                                                                              \
        NULL, 200, .body = "{\"access_token\":\"t2\",\"refresh_token\":\"r2\"}"                    \
    }

/* The connector with another policy, which lives as long as the program. */
static const struct connector *with_policy(const char *type, const struct token_policy *policy)
{
    static struct connector connector;
    static struct http_connector http;
    static struct connector_auth auth;
    static struct connector_oauth2 oauth2;
    connector = *connector_by_type(str_from(type));
    http = *connector.http;
    auth = http.auth.rows[0];
    oauth2 = *auth.oauth2;
    if (policy)
        oauth2.policy = *policy;
    auth.oauth2 = &oauth2;
    http.auth.rows = &auth;
    http.auth.count = 1;
    connector.http = &http;
    return &connector;
}

struct lost_case {
    const char *what;
    const char *type;
    const struct token_policy *policy; /* NULL: the connector's own */
    int64_t left_ms;                   /* of the access token */
    int64_t ago_ms;                    /* since the refresh token was first sent */
    struct scripted steps[3];
    size_t count;
    bool sent_again;
    bool spent; /* known for certain */
};

static const struct token_policy strict, grace = {.grace_s = 30},
                                         replays = {.reuse = REUSE_REFUSED};

#define ACTIVE(word)                                                                               \
    {                                                                                              \
        "POST https://login.salesforce.com/services/oauth2/introspect\n"                           \
        "Accept: application/json\n"                                                               \
        "Content-Type: application/x-www-form-urlencoded\n\n"                                      \
        "token=r1&token_type_hint=refresh_token&client_id=app-id&client_secret=app-secret",        \
            200, .body = "{\"active\":" word "}"                                                   \
    }

static const struct lost_case cases[] = {
    {"strict: it waits", "Salesforce", &strict, HOUR_MS, MINUTE_MS, .count = 0},
    {"strict: the access token ends", "Salesforce", &strict, MINUTE_MS, MINUTE_MS,
     .steps = {FRESH_TOKENS}, .count = 1, .sent_again = true},
    {"within the grace", "Salesforce", &grace, HOUR_MS, 20 * 1000, .steps = {FRESH_TOKENS},
     .count = 1, .sent_again = true},
    {"after the grace", "Salesforce", &grace, HOUR_MS, 31 * 1000, .count = 0},
    {"not punished", "Salesforce", &replays, HOUR_MS, HOUR_MS, .steps = {FRESH_TOKENS}, .count = 1,
     .sent_again = true},
    {"introspection: unspent", "Salesforce", NULL, HOUR_MS, MINUTE_MS,
     .steps = {ACTIVE("true"), FRESH_TOKENS}, .count = 2, .sent_again = true},
    {"introspection: spent", "Salesforce", NULL, HOUR_MS, MINUTE_MS, .steps = {ACTIVE("false")},
     .count = 1, .spent = true},
    {"introspection: spent, although the access token ends", "Salesforce", NULL, MINUTE_MS,
     MINUTE_MS, .steps = {ACTIVE("false")}, .count = 1, .spent = true},
    {"introspection: no flag", "Salesforce", NULL, HOUR_MS, MINUTE_MS, .steps = {ACTIVE("\"yes\"")},
     .count = 1},
    {"introspection: not allowed", "Salesforce", NULL, HOUR_MS, MINUTE_MS,
     .steps = {{NULL, 401, .body = "{\"error\":\"invalid_client\"}"}}, .count = 1},
    {"introspection: away", "Salesforce", NULL, HOUR_MS, MINUTE_MS,
     .steps = {{NULL, .outcome = CLIENT_CONNECT, .detail = "why"}}, .count = 1},
    {"old access token: unspent", "Zendesk", NULL, HOUR_MS, MINUTE_MS,
     .steps = {{"GET https://acme.zendesk.com/api/v2/oauth/tokens/current.json\n"
                "Accept: application/json\n"
                "Authorization: Bearer t1\n\n",
                200, .body = "{\"token\":{\"id\":1}}"},
               FRESH_TOKENS},
     .count = 2, .sent_again = true},
    {"old access token: it has ended with it", "Zendesk", NULL, HOUR_MS, MINUTE_MS,
     .steps = {{NULL, 401, .body = "{\"error\":\"invalid_token\"}"}, FRESH_TOKENS}, .count = 2,
     .sent_again = true},
    {"old access token: a gateway answers", "Zendesk", NULL, HOUR_MS, MINUTE_MS,
     .steps = {{NULL, 403, .body = "<html>"}}, .count = 1},
    {"old access token: it has ended before", "Zendesk", NULL, -MINUTE_MS, MINUTE_MS,
     .steps = {FRESH_TOKENS}, .count = 1, .sent_again = true},
};

static const struct value *part(const char *type, const char *what, const char *json)
{
    return script_part(&script, type, what, json);
}

static bool renew(const struct lost_case *it)
{
    bool is_zendesk = strcmp(it->type, "Zendesk") == 0;
    const struct oauth_tokens stored = {
        .access_token = STR("t1"),
        .refresh_token = STR("r1"),
        .expires_at_ms = clock_wall_ms() + it->left_ms,
        .obtained_at_ms = clock_wall_ms() - HOUR_MS,
    };
    script = (struct script){.steps = it->steps, .count = it->count, .app_secret = "app-secret"};
    script.states = lost;
    script.attempted_at_ms = clock_wall_ms() - it->ago_ms;
    return script_renew(
        &script, with_policy(it->type, it->policy),
        part(it->type, "Properties", is_zendesk ? "{\"instanceUrl\":\"acme\"}" : "{}"),
        part(it->type, "Credentials",
             is_zendesk ? "{\"clientId\":\"i\",\"clientSecret\":\"s\"}" : "{}"),
        &stored);
}

static void a_lost_answer_is_judged_by_the_policy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct lost_case *it = &cases[i];
        bool renewed = renew(it);
        bool again = strstr(script_log(&script), "begin again") != NULL;
        enum verdict_kind kind = it->spent ? VERDICT_REJECTED : VERDICT_INTERNAL;
        if (renewed != it->sent_again || again != it->sent_again ||
            (!renewed && (script.verdict.kind != kind || !script.verdict.in_doubt)))
            fail_msg("%s: %s", it->what, script_log(&script));
        script_done(&script);
        script = (struct script){0};
    }
}

/* What else may have become of it: only an answer that says nothing was done leaves no doubt. */
static void which_answers_leave_a_doubt(void **state)
{
    static const struct {
        struct scripted step;
        bool in_doubt;
    } answers[] = {
        {{NULL, .outcome = CLIENT_CONNECT, .detail = "why"}, false},
        {{NULL, 400, .body = "{\"error\":\"invalid_grant\"}"}, false},
        {{NULL, 401, .body = "<html>"}, false},
        {{NULL, 502, .body = "<html>"}, true},
        {{NULL, 500, .body = "{\"error\":\"server_error\"}"}, true},
        {{NULL, 200, .body = "{}"}, true},
        {{NULL, .outcome = CLIENT_TIMEOUT, .sent = true, .detail = "why"}, true},
    };
    static const struct token_policy never = {.rotation = ROTATION_NEVER};
    static const struct token_policy *const policies[] = {&strict, &never};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
            const struct oauth_tokens stored = {.refresh_token = STR("r1")};
            script =
                (struct script){.steps = &answers[i].step, .count = 1, .app_secret = "app-secret"};
            assert_false(script_renew(&script, with_policy("Salesforce", policies[k]),
                                      part("Salesforce", "Properties", "{}"),
                                      part("Salesforce", "Credentials", "{}"), &stored));
            assert_int_equal(script.durable, k == 0);
            assert_int_equal(script.verdict.in_doubt, k == 0 && answers[i].in_doubt);
            script_done(&script);
            script = (struct script){0};
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lost_answer_is_judged_by_the_policy),
        TEST(which_answers_leave_a_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
