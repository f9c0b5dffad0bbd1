/* Veeva, call by call. */
#include "connector_script.h"

#include <stdio.h>
#include <string.h>

#define HOST "https://acme.veevavault.com"
#define PROPERTIES "{\"instanceUrl\":\"" HOST "\"}"
#define CREDENTIALS "{\"username\":\"u@acme.example\",\"password\":\"p&1\"}"
#define LOGIN                                                                                      \
    "POST " HOST "/api/v24.1/auth\nAccept: application/json\n"                                     \
    "Content-Type: application/x-www-form-urlencoded\n\n"                                          \
    "username=u%40acme.example&password=p%261&vaultDNS=acme.veevavault.com"
#define SHOWN "\nAccept: application/json\nAuthorization: s3ssion\n\n"
#define ME "GET " HOST "/api/v24.1/objects/users/me" SHOWN
#define END "DELETE " HOST "/api/v24.1/session" SHOWN
#define VAULT(id, url) "{\"id\":" id ",\"name\":\"v\",\"url\":\"" url "\"}"
#define IN_VAULTS(vaults)                                                                          \
    "{\"responseStatus\":\"SUCCESS\",\"sessionId\":\"s3ssion\",\"userId\":1,\"vaultIds\":[" vaults \
    "],\"vaultId\":1776}"
#define IN IN_VAULTS(VAULT("1776", HOST "/api"))
#define USER "{\"responseStatus\":\"SUCCESS\",\"users\":[{\"user\":{\"id\":1}}]}"
#define FAILURE(type)                                                                              \
    "{\"responseStatus\":\"FAILURE\",\"errors\":[{\"type\":\"" type "\",\"message\":\"told\"}]}"

static struct script script;

static bool run(const struct scripted *steps, size_t count, const char *properties)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    return script_verify(&script, "Veeva", properties, CREDENTIALS, NULL);
}

static void every_form_of_the_address_leads_to_the_vault(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "acme", "acme.veevavault.com",           "ACME.VeevaVault.com/",
        HOST,   "HTTPS://ACME.veevavault.com//", HOST ":443"};
    static const struct scripted steps[] = {
        {LOGIN, 200, .body = IN}, {ME, 200, .body = USER}, {END, 200, .body = "{}"}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct str json = arena_printf(&script.arena, "{\"instanceUrl\":\"%s\"}", forms[i]);
        assert_true(run(steps, 3, json.data));
    }
}

static void the_vault_must_be_the_one_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *vaults;
        bool same;
    } cases[] = {
        {IN_VAULTS(VAULT("1", "https://x.veevavault.com/api") "," VAULT(
             "1776", "https://Acme.VeevaVault.com/api")),
         true},
        {IN_VAULTS(VAULT("1776", "https://x.veevavault.com/api") "," VAULT("1", HOST "/api")),
         false},
        {IN_VAULTS(VAULT("1776", "https://acme.veevavault.com.x.example/api")), false},
        {IN_VAULTS(VAULT("1776", "nonsense and more")), false},
        {IN_VAULTS("{\"id\":1776},7,null,{}"), false},
        {IN_VAULTS(""), false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct scripted good[] = {{LOGIN, 200, .body = cases[i].vaults},
                                        {ME, 200, .body = USER},
                                        {END, 200, .body = "{}"}};
        const struct scripted bad[] = {{LOGIN, 200, .body = cases[i].vaults},
                                       {END, 200, .body = "{}"}};
        assert_int_equal(run(cases[i].same ? good : bad, cases[i].same ? 3 : 2, PROPERTIES),
                         cases[i].same);
        if (!cases[i].same)
            assert_verdict(&script, VERDICT_REJECTED, STEP_TOKEN, 200, NULL);
    }
}

static void each_login_answer_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *body;
        enum verdict_kind kind;
        const char *words;
    } cases[] = {
        {200, NULL, FAILURE("USERNAME_OR_PASSWORD_INCORRECT"), VERDICT_REJECTED, "told"},
        {200, NULL, FAILURE("NO_PASSWORD_PROVIDED"), VERDICT_REJECTED, "told"},
        {200, NULL, FAILURE("INACTIVE_USER"), VERDICT_REJECTED, "told"},
        {200, NULL, FAILURE("USER_LOCKED_OUT"), VERDICT_REJECTED, "told"},
        {200, NULL, FAILURE("PASSWORD_CHANGE_REQUIRED"), VERDICT_REJECTED, "told"},
        {200, NULL, FAILURE("SOMETHING_NEW"), VERDICT_REJECTED, "told"},
        {200, NULL, FAILURE("CONFIGURATION_MODE_ENABLED"), VERDICT_FORBIDDEN, "told"},
        {200, NULL, FAILURE("API_LIMIT_EXCEEDED"), VERDICT_THROTTLED, "told"},
        {200, NULL, FAILURE("MALFORMED_URL"), VERDICT_MISCONFIGURED, "told"},
        {200, NULL, FAILURE("UNEXPECTED_ERROR"), VERDICT_UNREACHABLE, "told"},
        {200, NULL,
         "{\"responseStatus\":\"EXCEPTION\",\"errors\":[{\"type\":\"INACTIVE_USER\",\"message\":"
         "\"told\"}]}",
         VERDICT_UNREACHABLE, "told"},
        {200, NULL, "{\"responseStatus\":\"SUCCESS\",\"sessionId\":\"s3ssion\"}",
         VERDICT_UNREACHABLE, NULL},
        {200, NULL, "<html>Log in</html>", VERDICT_MISCONFIGURED, NULL},
        {401, NULL, "", VERDICT_REJECTED, NULL},
        {403, NULL, "", VERDICT_BLOCKED, NULL},
        {404, NULL, "", VERDICT_MISCONFIGURED, NULL},
        {503, "X-VaultAPI-DowntimeExpectedDurationMinutes: 9\n", "", VERDICT_UNREACHABLE, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted step = {LOGIN, cases[i].status, .headers = cases[i].headers,
                                .body = cases[i].body};
        assert_false(run(&step, 1, PROPERTIES));
        assert_verdict(&script, cases[i].kind, STEP_TOKEN, cases[i].status, cases[i].words);
    }
}

static void who_may_not_use_the_api_is_forbidden(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{LOGIN, 200, .body = IN},
                                            {ME, 200, .body = FAILURE("INSUFFICIENT_ACCESS")},
                                            {END, 200, .body = "{}"}};
    assert_false(run(steps, 3, PROPERTIES));
    assert_verdict(&script, VERDICT_FORBIDDEN, STEP_API, 200, "told");
    static const struct scripted lost[] = {{LOGIN, 200, .body = IN},
                                           {ME, 200, .body = FAILURE("INVALID_SESSION_ID")},
                                           {END, 200, .body = FAILURE("INVALID_SESSION_ID")}};
    assert_false(run(lost, 3, PROPERTIES));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 200, "told");
}

static void what_cannot_work_is_refused_before_any_call(void **state)
{
    (void)state;
    static const struct {
        const char *url, *password, *message;
    } cases[] = {
        {"https://acme.veevavault.com/?x", "p",
         "Validation exception: instanceUrl must not hold a query or a fragment."},
        {"ftp://acme.veevavault.com", "p",
         "Validation exception: instanceUrl must begin with https:// or http://."},
        {"acme", "", "Validation exception: Password cannot be blank for connector: VEEVA"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct arena *arena = &script.arena;
        struct str properties = arena_printf(arena, "{\"instanceUrl\":\"%s\"}", cases[i].url);
        struct str credentials =
            arena_printf(arena, "{\"username\":\"u\",\"password\":\"%s\"}", cases[i].password);
        assert_false(script_check(&script, "Veeva", properties.data, credentials.data));
        assert_int_equal(script.error.code, ERR_VALIDATION);
        assert_string_equal(script.error.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form_of_the_address_leads_to_the_vault),
        TEST(the_vault_must_be_the_one_asked_for),
        TEST(each_login_answer_has_its_meaning),
        TEST(who_may_not_use_the_api_is_forbidden),
        TEST(what_cannot_work_is_refused_before_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
