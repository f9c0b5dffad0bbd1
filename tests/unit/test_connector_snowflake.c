/* Snowflake: where accounts are, which names go into statements, and what each answer means. */
#include "connector_script.h"

#include "connector/http/template.h"

#include <stdio.h>
#include <string.h>

#define HOST "https://acme-prod.snowflakecomputing.com"
#define REST "\"stage\":\"D.S.T\",\"bucketName\":\"bucket\""
#define PROPERTIES "{\"accountName\":\"acme-prod\",\"warehouse\":\"WH\"," REST "}"
#define CREDENTIALS "{\"username\":\"SERVICE\",\"password\":\"p\\\"1\"}"
#define LOGIN                                                                                      \
    "POST " HOST "/session/v1/login-request?request_id=%UUID%&request_guid=%UUID%\n"               \
    "Accept: application/json\nContent-Type: application/json\n\n"                                 \
    "{\"data\":{\"CLIENT_APP_ID\":\"Headgate\",\"CLIENT_APP_VERSION\":\"1\","                      \
    "\"ACCOUNT_NAME\":\"acme-prod\",\"LOGIN_NAME\":\"SERVICE\",\"PASSWORD\":\"p\\\"1\","           \
    "\"CLIENT_ENVIRONMENT\":{\"APPLICATION\":\"Headgate\"},\"SESSION_PARAMETERS\":{}}}"
#define SHOWN                                                                                      \
    "\nAccept: application/json\nContent-Type: application/json\n"                                 \
    "Authorization: Snowflake Token=\"t0ken\"\n\n"
#define QUERY(text)                                                                                \
    "POST " HOST "/queries/v1/query-request?requestId=%UUID%" SHOWN "{\"sqlText\":\"" text         \
    "\",\"asyncExec\":false,\"sequenceId\":1}"
#define USE QUERY("USE WAREHOUSE WH")
#define DESC QUERY("DESC STAGE D.S.T")
#define END "POST " HOST "/session?delete=true&requestId=%UUID%" SHOWN
#define IN "{\"data\":{\"token\":\"t0ken\"},\"code\":null,\"message\":null,\"success\":true}"
#define DONE "{\"data\":{\"total\":1},\"code\":null,\"success\":true}"
#define FAILED(code) "{\"data\":{},\"code\":\"" code "\",\"message\":\"told\",\"success\":false}"

static struct script script;

static bool run(const struct scripted *steps, size_t count)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    return script_verify(&script, "Snowflake", PROPERTIES, CREDENTIALS, NULL);
}

static void a_session_uses_the_warehouse_and_sees_the_stage(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{LOGIN, 200, .body = IN},
                                            {USE, 200, .body = DONE},
                                            {DESC, 200, .body = DONE},
                                            {END, 200, .body = "{}"}};
    assert_true(run(steps, 4));
}

static const char *members(const char *account, const char *region, const char *more)
{
    static char json[1024];
    snprintf(json, sizeof(json), "{\"accountName\":\"%s\",%s%s%s\"warehouse\":\"WH\"," REST "%s}",
             account, region ? "\"region\":\"" : "", region ? region : "", region ? "\"," : "",
             more);
    return json;
}

static struct scope scope_of(const char *json)
{
    struct scope scope;
    const struct value *properties =
        script_value(&script, "SnowflakeConnectorProfileProperties", json);
    if (!scope_make(connector_by_type(STR("Snowflake")), properties, NULL, &script.arena, &scope,
                    &script.error))
        fail_msg("%s: %s", json, script.error.message);
    return scope;
}

static void hosts_follow_from_names(void **state)
{
    (void)state;
#define LINK ",\"privateLinkServiceName\":\"com.amazonaws.vpce.us-east-1.vpce-svc-1\""
    static const struct {
        const char *account, *region, *more, *host, *name;
    } cases[] = {
        {"vna33034", NULL, "", "vna33034.snowflakecomputing.com", "vna33034"},
        {"vna33034", "us-west-2", "", "vna33034.snowflakecomputing.com", "vna33034"},
        {"vna33034", "us-east-1", "", "vna33034.us-east-1.snowflakecomputing.com", "vna33034"},
        {"VNA33034", "US-East-2", "", "vna33034.us-east-2.aws.snowflakecomputing.com", "vna33034"},
        {"vna33034", "ap-northeast-1", "", "vna33034.ap-northeast-1.aws.snowflakecomputing.com",
         "vna33034"},
        {"vna33034", "east-us-2.azure", "", "vna33034.east-us-2.azure.snowflakecomputing.com",
         "vna33034"},
        {"vna33034", "cn-northwest-1", "", "vna33034.cn-northwest-1.snowflakecomputing.cn",
         "vna33034"},
        {"vna33034.us-east-2.aws", "eu-west-1", "", "vna33034.us-east-2.aws.snowflakecomputing.com",
         "vna33034"},
        {"MyOrg-My_Account", "us-east-2", "", "myorg-my-account.snowflakecomputing.com",
         "myorg-my_account"},
        {"https://MyOrg-Acct.snowflakecomputing.com/", NULL, "",
         "myorg-acct.snowflakecomputing.com", "myorg-acct"},
        {"vna33034.eu-west-1.snowflakecomputing.com", NULL, "",
         "vna33034.eu-west-1.snowflakecomputing.com", "vna33034"},
        {"acct.snowflakecomputing.cn", NULL, "", "acct.snowflakecomputing.cn", "acct"},
        {"myorg-acct-x1y2.global", NULL, "", "myorg-acct-x1y2.global.snowflakecomputing.com",
         "myorg-acct"},
        {"vna33034", "us-west-2", LINK, "vna33034.us-west-2.privatelink.snowflakecomputing.com",
         "vna33034"},
        {"vna33034", "us-east-2", LINK, "vna33034.us-east-2.privatelink.snowflakecomputing.com",
         "vna33034"},
        {"myorg-acct", NULL, LINK, "myorg-acct.privatelink.snowflakecomputing.com", "myorg-acct"},
        {"vna33034.us-east-1.privatelink", NULL, LINK,
         "vna33034.us-east-1.privatelink.snowflakecomputing.com", "vna33034"},
        {"myorg-acct.privatelink", NULL, "", "myorg-acct.privatelink.snowflakecomputing.com",
         "myorg-acct"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scope scope = scope_of(members(cases[i].account, cases[i].region, cases[i].more));
        assert_str(scope_text(&script.arena, &scope, "derived.host"), cases[i].host);
        assert_str(scope_text(&script.arena, &scope, "derived.account"), cases[i].name);
    }
}

static void warehouses_are_quoted_where_needed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"WH", "WH"},           {"wh_1", "wh_1"},
        {"_x", "_x"},           {"1x", "\"1x\""},
        {"my-wh", "\"my-wh\""}, {"Load WH", "\"Load WH\""},
        {"a.b", "\"a.b\""},     {"a/b!@#+=", "\"a/b!@#+=\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct str json = arena_printf(
            &script.arena, "{\"accountName\":\"a\",\"warehouse\":\"%s\"," REST "}", cases[i][0]);
        struct scope scope = scope_of(json.data);
        assert_str(scope_text(&script.arena, &scope, "derived.warehouse"), cases[i][1]);
    }
}

static bool check(const char *account, const char *warehouse, const char *stage)
{
    struct str json = arena_printf(&script.arena,
                                   "{\"accountName\":\"%s\",\"warehouse\":\"%s\",\"stage\":\"%s\","
                                   "\"bucketName\":\"bucket\"}",
                                   account, warehouse, stage);
    return script_check(&script, "Snowflake", json.data, CREDENTIALS);
}

static void stages_have_three_names(void **state)
{
    (void)state;
    static const char *const good[] = {"D.S.T", "d_1.S$2._t", "\\\"my-db\\\".S.\\\"a.b\\\"",
                                       "D.\\\"a\\\"\\\"b\\\".T"};
    static const char *const bad[] = {"D.S",       "D.S.T.U",    "D..T",         ".S.T",
                                      "D.S.",      "D.S.T;DROP", "@D.S.T",       "D.S.my-st",
                                      "1D.S.T",    "\\\"a.S.T",  "D.S.\\\"\\\"", "D.S.\\\"a\\\"x",
                                      "D.S.T/**/", "D.S.T'",     "D.S.\\\"T",    "D.S.\\u00e4"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(check("acct", "WH", good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (check("acct", "WH", bad[i]))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(script.error.code, ERR_VALIDATION);
    }
}

static void accounts_that_make_no_host_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a/b",
                                      "a@b",
                                      "http://a",
                                      "a..b",
                                      ".",
                                      "https://",
                                      "-",
                                      "a:1",
                                      "a?b",
                                      "a.b!c",
                                      ".snowflakecomputing.com"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (check(bad[i], "WH", "D.S.T"))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(script.error.code, ERR_VALIDATION);
    }
    assert_false(check("acct", " \\n", "D.S.T"));
    assert_false(check("acct", "a\\nb", "D.S.T"));
    assert_false(
        script_check(&script, "Snowflake", "{\"warehouse\":\"WH\"," REST "}", CREDENTIALS));
    assert_string_equal(script.error.message,
                        "Validation exception: AccountName cannot be blank for connector: "
                        "SNOWFLAKE");
}

static void each_login_answer_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum verdict_kind kind;
    } cases[] = {
        {200, FAILED("390100"), VERDICT_REJECTED},
        {200, FAILED("394508"), VERDICT_REJECTED},
        {200, FAILED("394400"), VERDICT_REJECTED},
        {200, FAILED("390303"), VERDICT_REJECTED},
        {200, FAILED("390189"), VERDICT_MISCONFIGURED},
        {200, FAILED("390201"), VERDICT_MISCONFIGURED},
        {200, "{\"data\":{\"nextAction\":\"PWD_CHANGE\"},\"code\":\"1\",\"success\":false}",
         VERDICT_REJECTED},
        {200, "{\"data\":{\"nextAction\":\"EXT_AUTHN_DUO_ALL\"},\"code\":\"1\",\"success\":false}",
         VERDICT_REJECTED},
        {200,
         "{\"data\":null,\"code\":\"390422\",\"message\":\"Incoming request with IP/Token 1.2.3.4 "
         "is not allowed to access Snowflake.\",\"success\":false}",
         VERDICT_BLOCKED},
        {403, FAILED("390144"), VERDICT_MISCONFIGURED},
        {403, "<html>", VERDICT_BLOCKED},
        {404, "", VERDICT_MISCONFIGURED},
        {500, FAILED("390100"), VERDICT_REJECTED},
        {503, "{}", VERDICT_UNREACHABLE},
        {200, "{\"data\":{\"token\":\"t0ken\"}}", VERDICT_UNREACHABLE},
        {200, "{\"data\":{},\"success\":true}", VERDICT_UNREACHABLE},
        {200, "<html>", VERDICT_MISCONFIGURED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted step = {LOGIN, cases[i].status, .body = cases[i].body};
        assert_false(run(&step, 1));
        assert_string_equal(verdict_kind_name(script.verdict.kind),
                            verdict_kind_name(cases[i].kind));
        assert_int_equal(script.verdict.step, STEP_TOKEN);
        assert_int_equal(script.pauses, 0);
    }
}

static void each_statement_answer_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum verdict_kind kind;
    } cases[] = {
        {200, FAILED("002003"), VERDICT_MISCONFIGURED},
        {200, FAILED("002043"), VERDICT_MISCONFIGURED},
        {200, FAILED("003001"), VERDICT_FORBIDDEN},
        {200, FAILED("390112"), VERDICT_UNREACHABLE},
        {401, FAILED("390104"), VERDICT_UNREACHABLE},
        {200, FAILED("333334"), VERDICT_UNREACHABLE},
        {200, FAILED("000606"), VERDICT_MISCONFIGURED},
        {200, "{\"data\":{\"internalError\":true},\"code\":\"1\",\"success\":false}",
         VERDICT_UNREACHABLE},
        {200, "{}", VERDICT_UNREACHABLE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scripted steps[] = {{LOGIN, 200, .body = IN},
                                   {USE, 200, .body = DONE},
                                   {DESC, cases[i].status, .body = cases[i].body},
                                   {END, 200, .body = "{}"}};
        assert_false(run(steps, 4));
        assert_string_equal(verdict_kind_name(script.verdict.kind),
                            verdict_kind_name(cases[i].kind));
        assert_int_equal(script.verdict.step, STEP_API);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_uses_the_warehouse_and_sees_the_stage),
        TEST(hosts_follow_from_names),
        TEST(warehouses_are_quoted_where_needed),
        TEST(stages_have_three_names),
        TEST(accounts_that_make_no_host_are_refused),
        TEST(each_login_answer_has_its_meaning),
        TEST(each_statement_answer_has_its_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
