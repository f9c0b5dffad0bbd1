/* Records, page by page: what is asked for, which answers are pages, how reading goes on, and how
 * it ends at a vendor that misbehaves. */
#include "read_script.h"

#include "connector/http/read_source.h"
#include "wire/errors.h"

#include <string.h>

#define HOST "https://acme.my.salesforce.com"
#define PROFILE                                                                                    \
    .type = "Salesforce", .properties = "{\"instanceUrl\":\"" HOST "\"}",                          \
    .credentials = "{\"accessToken\":\"t0ken\",\"refreshToken\":\"r3fresh\"}"
#define ACCOUNTS PROFILE, .source = "{\"object\":\"Account\"}", .entity = "Account"
#define GET(path)                                                                                  \
    "GET " HOST "/services/data/v58.0/" path "\nAccept: application/json\n"                        \
    "Authorization: Bearer t0ken\n\n"
#define QUERY GET("query?q=SELECT%20Id%2CName%20FROM%20Account")
#define PAGE_1                                                                                     \
    "{\"totalSize\":3,\"done\":false,"                                                             \
    "\"nextRecordsUrl\":\"/services/data/v58.0/query/01g-2000\",\"records\":["                     \
    "{\"attributes\":{\"type\":\"Account\"},\"Id\":\"1\",\"Name\":\"A\"},"                         \
    "{\"attributes\":{\"type\":\"Account\"},\"Id\":\"2\",\"Name\":\"B\"}]}"
#define PAGE_2                                                                                     \
    "{\"totalSize\":3,\"done\":true,\"records\":["                                                 \
    "{\"attributes\":{\"type\":\"Account\"},\"Id\":\"3\",\"Name\":\"C\"}]}"
#define NEXT GET("query/01g-2000")

static struct script script;

#define RUN(steps, ...) SCRIPT_READ(&script, steps, __VA_ARGS__)

static void pages_are_followed_to_the_last_one(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{QUERY, 200, .body = PAGE_1},
                                            {NEXT, 200, .body = PAGE_2}};
    assert_true(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_string_equal(script_log(&script), "page 2 then /services/data/v58.0/query/01g-2000\n"
                                             "page 1\n");
}

static void reading_goes_on_from_a_cursor(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{NEXT, 200, .body = PAGE_2}};
    assert_true(
        RUN(steps, ACCOUNTS, .fields = "Id,Name", .cursor = "/services/data/v58.0/query/01g-2000"));
    assert_string_equal(script_log(&script), "page 1\n");
}

static void an_object_without_records_is_one_empty_page(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {QUERY, 200, .body = "{\"totalSize\":0,\"done\":true,\"records\":[]}"}};
    assert_true(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_string_equal(script_log(&script), "page 0\n");
}

static void deleted_records_are_asked_for(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {GET("queryAll?q=SELECT%20Id%2CName%20FROM%20Account"), 200, .body = PAGE_2}};
    assert_true(RUN(steps, PROFILE, .entity = "Account", .fields = "Id,Name",
                    .source = "{\"object\":\"Account\",\"includeDeletedRecords\":true}"));
}

/* --- names and filters --- */

static void names_that_are_no_names_are_refused_before_any_call(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Account WHERE Id != null", "Account--", "a/b", "..%2f", "Account,Contact", "\"x\"", "Ä",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_false(
            script_read(&script, NULL, 0,
                        &(const struct read_asked){PROFILE, .source = "{\"object\":\"Account\"}",
                                                   .entity = names[i], .fields = "Id"}));
        assert_verdict(&script, VERDICT_ABSENT, STEP_NONE, 0,
                       arena_printf(&script.arena, "%s is no entity here", names[i]).data);
        if (strchr(names[i], ','))
            continue;
        assert_false(script_read(&script, NULL, 0,
                                 &(const struct read_asked){ACCOUNTS, .fields = names[i]}));
        assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                       arena_printf(&script.arena, "Account has no field %s", names[i]).data);
    }
}

static void filters_are_a_part_of_the_query(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("Name"), STR("CONTAINS"), STR("string"), READ_VALUES(STR("50%_\\'")),
         .described = STR("string")},
        {STR("Amount"), STR("BETWEEN"), STR("double"), READ_VALUES(STR("-1.5"), STR("20")),
         .described = STR("currency")},
        {STR("Closed__c"), STR("EQUAL_TO"), STR("string"), READ_VALUES(STR("2024-01-01")),
         .described = STR("date")},
        {STR("Notes__c"), STR("CONTAINS"), STR("string"), READ_VALUES(STR("x"))},
    };
    static const struct scripted steps[] = {
        {GET("query?q=SELECT%20Id%20FROM%20Account%20WHERE%20Name%20LIKE%20"
             "%27%2550%5C%25%5C_%5C%5C%5C%27%25%27"
             "%20AND%20Amount%20%3E%20-1.5%20AND%20Amount%20%3C%2020"),
         200, .body = PAGE_2}};
    assert_true(RUN(steps, ACCOUNTS, .fields = "Id", .filters = filters, .filter_count = 4));
}

/* The flow applies it all the same. */
static void a_filter_that_no_url_holds_is_not_a_part_of_the_query(void **state)
{
    (void)state;
    struct str values[400];
    for (size_t i = 0; i < 400; i++)
        values[i] = arena_printf(&script.arena, "Customer %03zu", i);
    struct read_filter filters[] = {
        {STR("Name"), STR("EQUAL_TO"), STR("string"), values, 400, STR("string")},
        {STR("Amount"), STR("LESS_THAN"), STR("double"), READ_VALUES(STR("5")),
         .described = STR("double")},
    };
    static const struct scripted steps[] = {
        {GET("query?q=SELECT%20Id%20FROM%20Account%20WHERE%20Amount%20%3C%205"), 200,
         .body = PAGE_2}};
    assert_true(RUN(steps, ACCOUNTS, .fields = "Id", .filters = filters, .filter_count = 2));
    struct buf fields = buf_in(&script.arena, 16 * 1024);
    for (int i = 0; i < 80; i++)
        buf_printf(&fields, "%s%0160d", i ? "," : "", i);
    filters[0].value_count = 100;
    const struct scripted full[] = {{NULL, 200, .body = PAGE_2}};
    script.next = 0;
    assert_true(RUN(full, ACCOUNTS, .fields = fields.data, .filters = filters, .filter_count = 1));
}

#define WHERE(expected, field, operation, type, ...)                                               \
    assert_where(&script, "Salesforce",                                                            \
                 &(const struct read_filter){STR(field), STR(operation), STR(type),                \
                                             READ_VALUES(__VA_ARGS__)},                            \
                 expected)

static void values_stay_in_their_literals(void **state)
{
    (void)state;
    WHERE(" WHERE Name = 'a\\' OR Id != \\'\\\\'", "Name", "EQUAL_TO", "string",
          STR("a' OR Id != '\\"));
    WHERE(" WHERE Name = '\\\\\\' OR \\'1\\'=\\'1'", "Name", "EQUAL_TO", "String",
          STR("\\' OR '1'='1"));
    WHERE(" WHERE (Name = 'a' OR Name = '\\n\\r\\t\\\"')", "Name", "EQUAL_TO", "picklist", STR("a"),
          STR("\n\r\t\""));
    WHERE(" WHERE Name LIKE '%\\\\%'", "Name", "CONTAINS", "string", STR("\\"));
    WHERE(" WHERE Name = 'Zürich 東京'", "Name", "EQUAL_TO", "string", STR("Zürich 東京"));
    WHERE("", "Name", "EQUAL_TO", "string", STR("a\0b"));
    WHERE("", "Name", "EQUAL_TO", "string", STR("a\x1B"));
    WHERE("", "Name", "EQUAL_TO", "string", STR("a\xFF'"));
    WHERE("", "Name = '' OR Name", "EQUAL_TO", "string", STR("a"));
    WHERE("", "Amount", "EQUAL_TO", "double", STR("1 OR Id != null"));
    WHERE("", "Amount", "EQUAL_TO", "double", STR("1e5"));
    WHERE("", "Amount", "EQUAL_TO", "double", STR("1."));
    WHERE("", "Amount", "EQUAL_TO", "double", STR(""));
    WHERE("", "Count", "EQUAL_TO", "int", STR("1.5"));
    WHERE("", "Flag", "EQUAL_TO", "boolean", STR("true OR 1=1"));
    WHERE("", "OwnerId", "EQUAL_TO", "reference", STR("0055g00000AbCdEA'V"));
    WHERE("", "Created", "GREATER_THAN", "datetime", STR("2024-01-01T00:00:00Z OR 1=1"));
}

static void what_cannot_mean_the_same_is_not_given_to_the_vendor(void **state)
{
    (void)state;
    WHERE("", "Name", "NOT_EQUAL_TO", "string", STR("a"));
    WHERE("", "Amount", "NOT_EQUAL_TO", "double", STR("1"));
    WHERE("", "Description", "CONTAINS", "textarea", STR("a"));
    WHERE("", "Name", "EQUAL_TO", "", STR("a"));
    WHERE("", "Name", "GREATER_THAN", "string", STR("a"));
    WHERE("", "OwnerId", "EQUAL_TO", "id", STR("0055"));
    WHERE("", "Name", "EQUAL_TO", "string", STR("a"), STR("a\x01"));
    WHERE("", "Created", "EQUAL_TO", "datetime", STR("2024-01-01T00:00:00.0001Z"));
    WHERE("", "Created", "LESS_THAN", "datetime", STR("99999999999999"), STR("x"));
}

static void a_time_is_rounded_to_keep_more(void **state)
{
    (void)state;
    WHERE(" WHERE Created > 2023-11-14T22:13:20.001Z", "Created", "GREATER_THAN", "datetime",
          STR("1700000000001"));
    WHERE(" WHERE Created = 2023-11-14T22:13:20.000Z", "Created", "EQUAL_TO", "datetime",
          STR("1700000000000"));
    WHERE(" WHERE Created >= 1969-12-31T23:59:59.999Z", "Created", "GREATER_THAN_OR_EQUAL_TO",
          "datetime", STR("-1"));
    WHERE(" WHERE Created < 2024-01-01T00:00:00.001Z", "Created", "LESS_THAN", "datetime",
          STR("2024-01-01T00:00:00Z"));
    WHERE(" WHERE Born > 2023-11-14", "Born", "GREATER_THAN", "date", STR("1700000000000"));
    WHERE(" WHERE Born < 2023-11-15", "Born", "LESS_THAN", "date", STR("1700000000000"));
    WHERE(" WHERE Born <= 2024-01-01", "Born", "LESS_THAN_OR_EQUAL_TO", "date", STR("2024-01-01"));
    WHERE(" WHERE Born = 2024-01-01", "Born", "EQUAL_TO", "date", STR("2024-01-01"));
    WHERE("", "Born", "EQUAL_TO", "date", STR("1700000000000"));
    WHERE(" WHERE Born > 2023-11-14 AND Born < 2023-11-15", "Born", "BETWEEN", "date",
          STR("1700000000000"), STR("1700000000000"));
}

static void a_query_that_no_url_holds_is_refused(void **state)
{
    (void)state;
    struct buf fields = buf_in(&script.arena, 32 * 1024);
    for (int i = 0; i < 90; i++)
        buf_printf(&fields, "%s%0170d", i ? "," : "", i);
    assert_false(
        script_read(&script, NULL, 0, &(const struct read_asked){ACCOUNTS, .fields = fields.data}));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "the query of all fields and filters is longer than a URL may be");
}

/* --- vendors that misbehave --- */

static void assert_ends(const char *body, const char *words)
{
    const struct scripted steps[] = {{QUERY, 200, .body = body}};
    assert_false(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, words);
    script.next = 0;
}

static void pages_that_lead_astray_end_the_reading(void **state)
{
    (void)state;
#define LEADS_TO(url) "{\"done\":false,\"nextRecordsUrl\":\"" url "\",\"records\":[{\"Id\":\"1\"}]}"
    assert_ends(LEADS_TO("https://evil.example/query/01g"),
                "the next page of the list is at another host");
    assert_ends(LEADS_TO("//evil.example/query/01g"),
                "the next page of the list is at another host");
    assert_ends(LEADS_TO("https://acme.my.salesforce.com.evil.example/q"),
                "the next page of the list is at another host");
    assert_ends(LEADS_TO("https://acme.my.salesforce.com@evil.example/q"),
                "the next page of the list is at another host");
    assert_ends(LEADS_TO("http://acme.my.salesforce.com/q"),
                "the next page of the list is at another host");
    struct buf longest = buf_in(&script.arena, 16 * 1024);
    buf_printf(&longest, "{\"done\":false,\"records\":[],\"nextRecordsUrl\":\"/%09000d\"}", 0);
    assert_ends(longest.data, "what names the next page is longer than 8 KiB");
}

static void the_same_page_again_ends_the_reading(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{QUERY, 200, .body = PAGE_1},
                                            {NEXT, 200, .body = PAGE_1}};
    assert_false(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the vendor gives the same next page twice");
}

static void an_answer_without_a_list_is_no_page(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{\"done\":true}", "{\"records\":{}}", "[]", "{}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        const struct scripted steps[] = {{QUERY, 200, .body = bodies[i]}};
        assert_false(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
        assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 200,
                       "the response has no list of records");
        script.next = 0;
    }
    static const struct scripted page[] = {{QUERY, 200, .body = "<html>Log in</html>"}};
    assert_false(RUN(page, ACCOUNTS, .fields = "Id,Name"));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 200, NULL);
}

static void a_page_that_breaks_off_is_no_page(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{QUERY, .outcome = CLIENT_BROKEN,
                                             .detail = "the connection ended", .connected = true,
                                             .sent = true}};
    assert_false(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, "the connection ended");
}

static void a_page_past_the_limit_is_no_page(void **state)
{
    (void)state;
    size_t size = READ_PAGE_MAX + 1;
    char *body = arena_alloc(&script.arena, size + 1);
    memset(body, ' ', size);
    body[0] = '{';
    const struct scripted steps[] = {{QUERY, 200, .body = body}};
    assert_false(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "the page of records is longer than 16 MiB");
}

static void a_long_page_is_read_whole(void **state)
{
    (void)state;
    struct buf body = buf_in(&script.arena, READ_PAGE_MAX);
    buf_add_cstr(&body, "{\"done\":true,\"records\":[");
    for (int i = 0; i < 20000; i++)
        buf_printf(&body, "%s{\"Id\":\"%d\",\"Name\":\"Instance Hibernating\"}", i ? "," : "", i);
    buf_add_cstr(&body, "]}");
    const struct scripted steps[] = {{QUERY, 200, .body = body.data}};
    assert_true(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_string_equal(script_log(&script), "page 20000\n");
}

/* --- tokens and limits --- */

static void a_token_that_ends_on_the_way_is_renewed(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {QUERY, 200, .body = PAGE_1},
        {NEXT, 401,
         .body = "[{\"message\":\"Session expired or invalid\","
                 "\"errorCode\":\"INVALID_SESSION_ID\"}]"},
        {"POST " HOST "/services/oauth2/token\nAccept: application/json\n"
         "Content-Type: application/x-www-form-urlencoded\n\n"
         "grant_type=refresh_token&refresh_token=r3fresh&client_id=app-id"
         "&client_secret=app-secret",
         200, .body = "{\"access_token\":\"new-token\",\"instance_url\":\"" HOST "\"}"},
        {"GET " HOST "/services/data/v58.0/query/01g-2000\nAccept: application/json\n"
         "Authorization: Bearer new-token\n\n",
         200, .body = PAGE_2},
    };
    script.app_secret = "app-secret";
    assert_true(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_non_null(strstr(script_log(&script), "save new-token r3fresh " HOST));
    assert_non_null(strstr(script_log(&script), "page 1\n"));
    assert_str(script.tokens.access_token, "new-token");
}

static void a_limit_is_waited_for_as_long_as_the_vendor_says(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {QUERY, 429, .headers = "Retry-After: 3\n", .body = "[]"},
        {QUERY, 200, .body = PAGE_2},
    };
    assert_true(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
    assert_int_equal(script.paused_ms, 3000);
    static const struct scripted used_up[] = {
        {QUERY, 403,
         .body = "[{\"message\":\"TotalRequests Limit exceeded.\","
                 "\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]"},
    };
    script.next = 0;
    assert_false(RUN(used_up, ACCOUNTS, .fields = "Id,Name"));
    assert_verdict(&script, VERDICT_THROTTLED, STEP_API, 403, "TotalRequests Limit exceeded.");
}

static void a_fault_in_the_middle_is_tried_again_once(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {QUERY, 200, .body = PAGE_1}, {NEXT, 503, .body = "[]"}, {NEXT, 200, .body = PAGE_2}};
    assert_true(RUN(steps, ACCOUNTS, .fields = "Id,Name"));
}

static void what_the_vendor_says_of_a_query_is_told(void **state)
{
    (void)state;
    static const struct scripted type[] = {
        {QUERY, 400,
         .body = "[{\"message\":\"sObject type 'Account' is not supported.\","
                 "\"errorCode\":\"INVALID_TYPE\"}]"}};
    assert_false(RUN(type, ACCOUNTS, .fields = "Id,Name"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 400,
                   "sObject type 'Account' is not supported.");
    static const struct scripted field[] = {
        {QUERY, 400,
         .body = "[{\"message\":\"No such column 'Name'.\",\"errorCode\":\"INVALID_FIELD\"}]"}};
    script.next = 0;
    assert_false(RUN(field, ACCOUNTS, .fields = "Id,Name"));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 400, "No such column 'Name'.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_followed_to_the_last_one),
        TEST(reading_goes_on_from_a_cursor),
        TEST(an_object_without_records_is_one_empty_page),
        TEST(deleted_records_are_asked_for),
        TEST(names_that_are_no_names_are_refused_before_any_call),
        TEST(filters_are_a_part_of_the_query),
        TEST(a_filter_that_no_url_holds_is_not_a_part_of_the_query),
        TEST(values_stay_in_their_literals),
        TEST(what_cannot_mean_the_same_is_not_given_to_the_vendor),
        TEST(a_time_is_rounded_to_keep_more),
        TEST(a_query_that_no_url_holds_is_refused),
        TEST(pages_that_lead_astray_end_the_reading),
        TEST(the_same_page_again_ends_the_reading),
        TEST(an_answer_without_a_list_is_no_page),
        TEST(a_page_that_breaks_off_is_no_page),
        TEST(a_page_past_the_limit_is_no_page),
        TEST(a_long_page_is_read_whole),
        TEST(a_token_that_ends_on_the_way_is_renewed),
        TEST(a_limit_is_waited_for_as_long_as_the_vendor_says),
        TEST(a_fault_in_the_middle_is_tried_again_once),
        TEST(what_the_vendor_says_of_a_query_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
