/* Entities of single vendors, call by call: what is asked for, and what their answers come to where
 * these differ from what is usual. */
#include "connector_script.h"

#include <string.h>

static struct script script;
static struct entity_list list;
static struct str fields;

/* "name=label" of each, with commas. */
static const char *listed(void)
{
    struct buf text = buf_in(&script.arena, 4096);
    buf_add_cstr(&text, "");
    for (size_t i = 0; i < list.count; i++)
        buf_printf(&text, "%s%.*s=%.*s", i ? "," : "", STR_ARG(list.rows[i].name),
                   STR_ARG(list.rows[i].label));
    return text.len ? text.data : "";
}

struct vendor {
    const char *type, *properties, *credentials;
};

static bool list_of(const struct vendor *vendor, const struct scripted *steps, size_t count,
                    const char *within)
{
    script.steps = steps, script.count = count, script.next = 0;
    return script_list(&script, connector_by_type(str_from(vendor->type)),
                       script_part(&script, vendor->type, "Properties", vendor->properties),
                       script_part(&script, vendor->type, "Credentials", vendor->credentials),
                       within, &list);
}

static bool fields_of(const struct vendor *vendor, const struct scripted *steps, size_t count,
                      const char *entity)
{
    script.steps = steps, script.count = count, script.next = 0;
    return script_describe(&script, connector_by_type(str_from(vendor->type)),
                           script_part(&script, vendor->type, "Properties", vendor->properties),
                           script_part(&script, vendor->type, "Credentials", vendor->credentials),
                           entity, &fields);
}

#define STEPS(steps) steps, sizeof(steps) / sizeof((steps)[0])

/* --- Slack: failures have status 200 --- */

#define SLACK(path) "GET https://slack.com/api/" path "\n" SLACK_HEAD
#define SLACK_HEAD "Accept: application/json\nAuthorization: Bearer t0ken\n\n"
#define CONVERSATIONS "conversations.list?types=public_channel,private_channel,mpim,im&limit=999"

static const struct vendor slack = {
    "Slack", "{\"instanceUrl\":\"acme\"}",
    "{\"clientId\":\"c\",\"clientSecret\":\"s\",\"accessToken\":\"t0ken\"}"};

static void channels_of_slack_are_nested(void **state)
{
    (void)state;
    assert_true(list_of(&slack, NULL, 0, NULL));
    assert_string_equal(listed(), "conversations=Conversations");
    assert_true(list.rows[0].nested);
    static const struct scripted steps[] = {
        {SLACK(CONVERSATIONS), 200,
         .body = "{\"ok\":true,\"channels\":[{\"id\":\"C2\",\"name\":\"general\"}],"
                 "\"response_metadata\":{\"next_cursor\":\"aW0=\"}}"},
        {SLACK(CONVERSATIONS "&cursor=aW0%3D"), 200,
         .body = "{\"ok\":true,\"channels\":[{\"id\":\"D1\",\"is_im\":true,\"user\":\"U1\"}],"
                 "\"response_metadata\":{\"next_cursor\":\"\"}}"}};
    assert_true(list_of(&slack, STEPS(steps), "conversations"));
    assert_string_equal(listed(), "conversations/C2=general,conversations/D1=U1");
    assert_str(list.rows[0].group, "Channels");
}

static void slack_fails_with_200(void **state)
{
    (void)state;
    static const struct scripted no_scope[] = {
        {SLACK(CONVERSATIONS), 200, .body = "{\"ok\":false,\"error\":\"missing_scope\"}"}};
    assert_false(list_of(&slack, STEPS(no_scope), "conversations"));
    assert_verdict(&script, VERDICT_FORBIDDEN, STEP_API, 200, "missing_scope");
    static const struct scripted gone[] = {
        {SLACK("conversations.info?channel=C1"), 200,
         .body = "{\"ok\":false,\"error\":\"channel_not_found\"}"}};
    assert_false(fields_of(&slack, STEPS(gone), "conversations/C1"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 200, "channel_not_found");
    assert_false(fields_of(&slack, NULL, 0, "channels"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_NONE, 0, "channels is no entity here");
    assert_false(fields_of(&slack, NULL, 0, "conversations/C1/x"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_NONE, 0, "conversations/C1/x is no entity here");
}

/* --- Snowflake: rows of statements --- */

#define SNOWFLAKE_HOST "https://acme-prod.snowflakecomputing.com"
#define SNOWFLAKE_LOGIN                                                                            \
    "POST " SNOWFLAKE_HOST "/session/v1/login-request?request_id=%UUID%&request_guid=%UUID%\n"     \
    "Accept: application/json\nContent-Type: application/json\n\n"                                 \
    "{\"data\":{\"CLIENT_APP_ID\":\"Headgate\",\"CLIENT_APP_VERSION\":\"1\","                      \
    "\"ACCOUNT_NAME\":\"acme-prod\",\"LOGIN_NAME\":\"u\",\"PASSWORD\":\"p\","                      \
    "\"CLIENT_ENVIRONMENT\":{\"APPLICATION\":\"Headgate\"},\"SESSION_PARAMETERS\":{}}}"
#define SNOWFLAKE_SHOWN                                                                            \
    "\nAccept: application/json\nContent-Type: application/json\n"                                 \
    "Authorization: Snowflake Token=\"t0ken\"\n\n"
#define SNOWFLAKE_SQL(text)                                                                        \
    "POST " SNOWFLAKE_HOST "/queries/v1/query-request?requestId=%UUID%" SNOWFLAKE_SHOWN            \
    "{\"sqlText\":\"" text "\",\"asyncExec\":false,\"sequenceId\":1}"
#define SNOWFLAKE_END                                                                              \
    {                                                                                              \
        "POST " SNOWFLAKE_HOST "/session?delete=true&requestId=%UUID%" SNOWFLAKE_SHOWN, 200,       \
            .body = "{}"                                                                           \
    }
#define SNOWFLAKE_BEGIN                                                                            \
    {                                                                                              \
        SNOWFLAKE_LOGIN, 200,                                                                      \
            .body = "{\"data\":{\"token\":\"t0ken\"},\"code\":null,\"success\":true}"              \
    }
#define SNOWFLAKE_ROWS(rows, more)                                                                 \
    "{\"data\":{\"rowset\":[" rows "]" more "},\"code\":null,\"success\":true}"

static const struct vendor snowflake = {
    "Snowflake",
    "{\"accountName\":\"acme-prod\",\"warehouse\":\"WH\",\"stage\":\"\\\"my-db\\\".S.T\","
    "\"bucketName\":\"bucket\"}",
    "{\"username\":\"u\",\"password\":\"p\"}"};

static void schemas_and_tables_of_snowflake(void **state)
{
    (void)state;
    static const struct scripted schemas[] = {
        SNOWFLAKE_BEGIN,
        {SNOWFLAKE_SQL("SHOW TERSE SCHEMAS IN DATABASE \\\"my-db\\\" LIMIT 500"), 200,
         .body = SNOWFLAKE_ROWS("[\"1\",\"PUBLIC\"],[\"1\",\"INFORMATION_SCHEMA\"],"
                                "[\"1\",\"low\"],[\"1\",\"a\\\"b\"],[\"1\",null],{},[]",
                                "")},
        SNOWFLAKE_END};
    assert_true(list_of(&snowflake, STEPS(schemas), NULL));
    assert_string_equal(listed(), "\"my-db\".\"a\"\"b\"=a\"b,\"my-db\".\"low\"=low,"
                                  "\"my-db\".PUBLIC=PUBLIC");
    assert_false(list.rows[2].nested); /* the database needs quotes */
    static const struct scripted columns[] = {
        SNOWFLAKE_BEGIN,
        {SNOWFLAKE_SQL("DESC TABLE D.S.\\\"t\\\""), 200,
         .body = SNOWFLAKE_ROWS("[\"ID\",\"NUMBER(38,0)\",\"COLUMN\",\"N\",\"1\",\"Y\"],"
                                "[\"sum\",\"FLOAT\",\"VIRTUAL_COLUMN\",\"Y\",null,\"N\"]",
                                "")},
        SNOWFLAKE_END};
    assert_true(fields_of(&snowflake, STEPS(columns), "D.S.\"t\""));
    assert_non_null(strstr(fields.data, "\"fieldType\":\"NUMBER(38,0)\""));
    assert_non_null(strstr(fields.data, "\"isPrimaryKey\":true"));
    assert_non_null(strstr(fields.data, "\"isDefaultedOnCreate\":true"));
    assert_null(strstr(fields.data, "sourceProperties"));
}

/* What entitiesPath does not allow could never be asked for. */
static void only_plain_schemas_of_snowflake_are_nested(void **state)
{
    (void)state;
    const struct vendor plain = {snowflake.type,
                                 "{\"accountName\":\"acme-prod\",\"warehouse\":\"WH\","
                                 "\"stage\":\"D.S.T\",\"bucketName\":\"bucket\"}",
                                 snowflake.credentials};
    static const struct scripted steps[] = {
        SNOWFLAKE_BEGIN,
        {.status = 200,
         .body = SNOWFLAKE_ROWS("[\"1\",\"A$B\"],[\"1\",\"ORDER\"],[\"1\",\"ORDERS\"],"
                                "[\"1\",\"low\"]",
                                "")},
        SNOWFLAKE_END};
    assert_true(list_of(&plain, STEPS(steps), NULL));
    assert_string_equal(listed(), "D.\"ORDER\"=ORDER,D.\"low\"=low,D.A$B=A$B,D.ORDERS=ORDERS");
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.rows[i].nested, i == 3);
}

/* A page of 500 tables, the last of which has a name that must be escaped. */
static const char *full_page(void)
{
    struct buf page = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    buf_add_cstr(&page, "{\"data\":{\"rowset\":[");
    for (int i = 0; i < 499; i++)
        buf_printf(&page, "[\"1\",\"T%03d\"],", i);
    buf_add_cstr(&page, "[\"1\",\"U'\\\\\"]]},\"code\":null,\"success\":true}");
    return page.data;
}

#define PAGE_1 SNOWFLAKE_SQL("SHOW TERSE TABLES IN SCHEMA D.S LIMIT 500")
#define PAGE_2 SNOWFLAKE_SQL("SHOW TERSE TABLES IN SCHEMA D.S LIMIT 500 FROM 'U''\\\\\\\\'")

static void pages_of_snowflake_go_by_name(void **state)
{
    (void)state;
    const char *page = full_page();
    const struct scripted steps[] = {SNOWFLAKE_BEGIN,
                                     {PAGE_1, 200, .body = page},
                                     {PAGE_2, 200, .body = SNOWFLAKE_ROWS("[\"1\",\"V\"]", "")},
                                     SNOWFLAKE_END};
    assert_true(list_of(&snowflake, STEPS(steps), "D.S"));
    assert_int_equal(list.count, 501);
    assert_str(list.rows[0].name, "D.S.\"U'\\\"");
    const struct scripted again[] = {
        SNOWFLAKE_BEGIN, {PAGE_1, 200, .body = page}, {PAGE_2, 200, .body = page}, SNOWFLAKE_END};
    assert_false(list_of(&snowflake, STEPS(again), "D.S"));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, "the list gives the same page twice");
    const struct scripted parts[] = {
        SNOWFLAKE_BEGIN,
        {PAGE_1, 200,
         .body = SNOWFLAKE_ROWS("[\"1\",\"V\"]",
                                ",\"chunks\":[{\"url\":\"https://elsewhere.example/\"}]")},
        SNOWFLAKE_END};
    assert_false(list_of(&snowflake, STEPS(parts), "D.S"));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the answer has further parts, which are not read");
}

/* They would be more than a name in a statement. */
static void what_is_no_name_is_not_sent_to_snowflake(void **state)
{
    (void)state;
    static const struct scripted nothing[] = {SNOWFLAKE_BEGIN, SNOWFLAKE_END};
    static const char *const names[] = {"D.S;DROP", "D", "D.S.T", "D..S", "D.\"S", "D.S--", ""};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_false(list_of(&snowflake, STEPS(nothing), names[i]));
        assert_int_equal(script.verdict.kind, VERDICT_ABSENT);
    }
    static const char *const tables[] = {"D.S", "D.S.T TYPE=STAGE", "D.S.T;", "D.S.T.U", "D.S.'T'"};
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        assert_false(fields_of(&snowflake, STEPS(nothing), tables[i]));
        assert_int_equal(script.verdict.kind, VERDICT_ABSENT);
    }
}

static void codes_of_snowflake_say_what_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum verdict_kind kind;
    } answers[] = {
        {"{\"data\":{},\"code\":\"002003\",\"message\":\"no T\",\"success\":false}",
         VERDICT_ABSENT},
        {"{\"data\":{},\"code\":\"002043\",\"message\":\"no T\",\"success\":false}",
         VERDICT_ABSENT},
        {"{\"data\":{},\"code\":\"001003\",\"message\":\"no T\",\"success\":false}",
         VERDICT_MISCONFIGURED},
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        const struct scripted steps[] = {
            SNOWFLAKE_BEGIN,
            {SNOWFLAKE_SQL("DESC TABLE D.S.T"), 200, .body = answers[i].body},
            SNOWFLAKE_END};
        assert_false(fields_of(&snowflake, STEPS(steps), "D.S.T"));
        assert_verdict(&script, answers[i].kind, STEP_API, 200, "no T");
    }
}

/* --- Redshift by the Data API: a statement for each part of a list --- */

#define REDSHIFT_ROLE                                                                              \
    {                                                                                              \
        "POST https://sts.eu-west-3.amazonaws.com/\nX-Amz-Date: TIME\nContent-Type: "              \
        "application/x-www-form-urlencoded; charset=utf-8\nAuthorization: AWS4-HMAC-SHA256 "       \
        "Credential=AKIDEXAMPLE/DATE/eu-west-3/sts/aws4_request, "                                 \
        "SignedHeaders=content-type;host;x-amz-date, Signature=SIGNATURE\n\n"                      \
        "Action=AssumeRole&Version=2011-06-15&RoleSessionName=headgate&RoleArn="                   \
        "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fapi&DurationSeconds=900",                      \
            200,                                                                                   \
            .body = "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"          \
                    "<SessionToken>role-token</SessionToken>"                                      \
    }
#define REDSHIFT(operation, input)                                                                 \
    "POST https://redshift-data.eu-west-3.amazonaws.com/\nX-Amz-Date: TIME\nContent-Type: "        \
    "application/x-amz-json-1.1\nX-Amz-Target: RedshiftData." operation                            \
    "\nX-Amz-Security-Token: role-token\nAuthorization: AWS4-HMAC-SHA256 "                         \
    "Credential=ASIA/DATE/eu-west-3/redshift-data/aws4_request, "                                  \
    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "               \
    "Signature=SIGNATURE\n\n" input
#define REDSHIFT_SQL(sql)                                                                          \
    {                                                                                              \
        REDSHIFT("ExecuteStatement",                                                               \
                 "{\"WorkgroupName\":\"wg\",\"Database\":\"dev\",\"Sql\":\"" sql                   \
                 "\",\"StatementName\":\"headgate\"}"),                                            \
            200, .body = "{\"Id\":\"st-1\"}"                                                       \
    }
#define REDSHIFT_ENDS                                                                              \
    {                                                                                              \
        REDSHIFT("DescribeStatement", "{\"Id\":\"st-1\"}"), 200,                                   \
            .body = "{\"Status\":\"FINISHED\"}"                                                    \
    }
#define REDSHIFT_RESULT(more) REDSHIFT("GetStatementResult", "{\"Id\":\"st-1\"" more "}")
#define REDSHIFT_NAME "CAST(table_schema AS varchar) || '.' || CAST(table_name AS varchar)"
#define REDSHIFT_TABLES(offset)                                                                    \
    REDSHIFT_SQL("SELECT " REDSHIFT_NAME " FROM information_schema.tables WHERE table_type = "     \
                 "'BASE TABLE' AND table_schema <> 'information_schema' AND table_schema NOT "     \
                 "LIKE 'pg!_%' ESCAPE '!' ORDER BY 1 LIMIT 1000 OFFSET " offset)
#define REDSHIFT_COLUMNS(name)                                                                     \
    REDSHIFT_SQL("SELECT column_name, data_type, is_nullable, column_default FROM "                \
                 "information_schema.columns WHERE " REDSHIFT_NAME " = '" name                     \
                 "' ORDER BY ordinal_position LIMIT 1000 OFFSET 0")

static const struct vendor redshift = {
    "Redshift",
    "{\"bucketName\":\"stage\",\"roleArn\":\"arn:aws:iam::123456789012:role/s3\","
    "\"dataApiRoleArn\":\"arn:aws:iam::123456789012:role/api\",\"isRedshiftServerless\":true,"
    "\"workgroupName\":\"wg\",\"databaseName\":\"dev\"}",
    "{}"};

/* A result of 1,000 tables. */
static const char *full_result(void)
{
    struct buf result = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    buf_add_cstr(&result, "{\"Records\":[");
    for (int i = 0; i < 1000; i++)
        buf_printf(&result, "%s[{\"stringValue\":\"public.t%03d\"}]", i ? "," : "", i);
    buf_add_cstr(&result, "]}");
    return result.data;
}

static void tables_of_redshift_come_in_parts(void **state)
{
    (void)state;
    const struct scripted steps[] = {
        REDSHIFT_ROLE,
        REDSHIFT_TABLES("0"),
        REDSHIFT_ENDS,
        {REDSHIFT_RESULT(""), 200, .body = full_result()},
        REDSHIFT_TABLES("1000"),
        REDSHIFT_ENDS,
        {REDSHIFT_RESULT(""), 200,
         .body = "{\"Records\":[[{\"stringValue\":\"sales.a\"}]],\"NextToken\":\"t\"}"},
        {REDSHIFT_RESULT(",\"NextToken\":\"t\""), 200,
         .body = "{\"Records\":[[{\"isNull\":true}],[{\"stringValue\":\"sales.b\"}]]}"}};
    assert_true(list_of(&redshift, STEPS(steps), NULL));
    assert_int_equal(list.count, 1002);
    assert_str(list.rows[1001].name, "sales.b");
}

static void columns_of_redshift(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        REDSHIFT_ROLE,
        REDSHIFT_COLUMNS("public.o''brien"),
        REDSHIFT_ENDS,
        {REDSHIFT_RESULT(""), 200,
         .body =
             "{\"Records\":[[{\"stringValue\":\"id\"},{\"stringValue\":\"bigint\"},"
             "{\"stringValue\":\"NO\"},{\"stringValue\":\"\\\"identity\\\"(1, 0, '1,1')\"}]]}"}};
    assert_true(fields_of(&redshift, STEPS(steps), "o'brien"));
    assert_non_null(strstr(fields.data, "\"isCreatable\":false"));
    assert_non_null(strstr(fields.data, "\"isDefaultedOnCreate\":true"));
    static const struct scripted none[] = {REDSHIFT_ROLE,
                                           REDSHIFT_COLUMNS("s.t"),
                                           REDSHIFT_ENDS,
                                           {REDSHIFT_RESULT(""), 200, .body = "{\"Records\":[]}"}};
    assert_false(fields_of(&redshift, STEPS(none), "s.t"));
    assert_int_equal(script.verdict.kind, VERDICT_ABSENT);
    assert_false(fields_of(&redshift, NULL, 0, "s.\\' OR true --"));
    assert_int_equal(script.verdict.kind, VERDICT_ABSENT);
}

static void results_of_redshift_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *body, *words;
    } bad[] = {
        {"{\"Records\":[[{},{}]]}", "the result has other columns than the statement"},
        {"{\"Records\":[{}]}", "the result has other columns than the statement"},
        {"{\"Records\":7}", "the result has other columns than the statement"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const struct scripted steps[] = {REDSHIFT_ROLE,
                                         REDSHIFT_TABLES("0"),
                                         REDSHIFT_ENDS,
                                         {REDSHIFT_RESULT(""), 200, .body = bad[i].body}};
        assert_false(list_of(&redshift, STEPS(steps), NULL));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, bad[i].words);
    }
    static const char again[] = "{\"Records\":[],\"NextToken\":\"t\"}";
    static const struct scripted endless[] = {
        REDSHIFT_ROLE,
        REDSHIFT_TABLES("0"),
        REDSHIFT_ENDS,
        {REDSHIFT_RESULT(""), 200, .body = again},
        {REDSHIFT_RESULT(",\"NextToken\":\"t\""), 200, .body = again}};
    assert_false(list_of(&redshift, STEPS(endless), NULL));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, "the result does not come to an end");
}

/* Results of 1,000 rows each, whose names are left out, and after them one more row. */
static void play_too_many(const char *cells, size_t parts, const char *columns_of)
{
    struct scripted *steps = arena_array(&script.arena, struct scripted, 3 * parts + 4);
    struct buf full = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    const char *one = arena_printf(&script.arena, "{\"Records\":[[%s]]}", cells).data;
    size_t count = 0;
    buf_add_cstr(&full, "{\"Records\":[");
    for (int i = 0; i < 1000; i++)
        buf_printf(&full, "%s[%s]", i ? "," : "", cells);
    buf_add_cstr(&full, "]}");
    steps[count++] = (struct scripted)REDSHIFT_ROLE;
    for (size_t i = 0; i <= parts; i++) {
        steps[count++] = (struct scripted){.status = 200, .body = "{\"Id\":\"st-1\"}"};
        steps[count++] = (struct scripted)REDSHIFT_ENDS;
        steps[count++] =
            (struct scripted){REDSHIFT_RESULT(""), 200, .body = i < parts ? full.data : one};
    }
    assert_false(columns_of ? fields_of(&redshift, steps, count, columns_of)
                            : list_of(&redshift, steps, count, NULL));
}

/* Never a part of them without an error. */
static void too_many_rows_of_redshift_are_refused(void **state)
{
    (void)state;
    play_too_many("{}", ENTITIES_MAX / 1000, NULL);
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "there are more tables than this server takes of one list");
    play_too_many("{},{},{},{}", ENTITY_FIELDS_MAX / 1000, "s.t");
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "there are more columns than this server takes of one list");
}

/* --- Google Analytics: a view is looked for page by page --- */

static void pages_after_the_view_are_not_read(void **state)
{
    (void)state;
    static const struct vendor google = {
        "Googleanalytics", "{}",
        "{\"clientId\":\"c\",\"clientSecret\":\"s\",\"accessToken\":\"t0ken\"}"};
#define GOOGLE(path)                                                                               \
    "GET https://www.googleapis.com/analytics/v3/" path                                            \
    "\nAccept: application/json\nAuthorization: Bearer t0ken\n\n"
#define GOOGLE_VIEWS "management/accounts/~all/webproperties/~all/profiles?max-results=1000"
#define GOOGLE_PAGE                                                                                \
    {                                                                                              \
        GOOGLE(GOOGLE_VIEWS), 200,                                                                 \
            .body = "{\"items\":[{\"id\":\"1\"},{\"id\":\"2\"}],\"nextLink\":"                     \
                    "\"https://www.googleapis.com/analytics/v3/" GOOGLE_VIEWS "&start-index=3\"}"  \
    }
    static const struct scripted found[] = {
        GOOGLE_PAGE,
        {GOOGLE("metadata/ga/columns"), 200,
         .body = "{\"items\":[{\"id\":\"ga:users\",\"attributes\":{\"status\":\"PUBLIC\","
                 "\"type\":\"METRIC\"}}]}"}};
    assert_true(fields_of(&google, STEPS(found), "1"));
    assert_non_null(strstr(fields.data, "ga:users|METRIC"));
    static const struct scripted none[] = {
        GOOGLE_PAGE, {GOOGLE(GOOGLE_VIEWS "&start-index=3"), 200, .body = "{\"items\":[]}"}};
    assert_false(fields_of(&google, STEPS(none), "3"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_NONE, 0, "3 is no view of this user's");
    static const struct scripted refused[] = {
        GOOGLE_PAGE, {.status = 403, .body = "{\"error\":{\"message\":\"no\"}}"}};
    assert_false(fields_of(&google, STEPS(refused), "3"));
    assert_int_equal(script.verdict.kind, VERDICT_FORBIDDEN);
}

/* --- Singular: a failure may come inside of a 200 --- */

static void singular_fails_with_200(void **state)
{
    (void)state;
    static const struct vendor singular = {"Singular", "{}", "{\"apiKey\":\"k3y\"}"};
    static const struct scripted steps[] = {
        {"GET https://api.singular.net/api/custom_dimensions\nAccept: application/json\n"
         "Authorization: k3y\n\n",
         200, .body = "{\"status\":1,\"substatus\":0,\"value\":\"Invalid API key\"}"}};
    assert_false(fields_of(&singular, STEPS(steps), "reporting"));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 200, "Invalid API key");
    assert_true(list_of(&singular, NULL, 0, NULL));
    assert_string_equal(listed(), "reporting=Reporting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(channels_of_slack_are_nested),
        TEST(slack_fails_with_200),
        TEST(schemas_and_tables_of_snowflake),
        TEST(only_plain_schemas_of_snowflake_are_nested),
        TEST(codes_of_snowflake_say_what_is_missing),
        TEST(pages_of_snowflake_go_by_name),
        TEST(what_is_no_name_is_not_sent_to_snowflake),
        TEST(tables_of_redshift_come_in_parts),
        TEST(columns_of_redshift),
        TEST(results_of_redshift_are_bounded),
        TEST(too_many_rows_of_redshift_are_refused),
        TEST(pages_after_the_view_are_not_read),
        TEST(singular_fails_with_200),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
