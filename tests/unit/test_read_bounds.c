/* Filters that are parameters of their own, pages whose list is left out, pages behind the first by
 * another call, and fields that their type names. */
#include "read_script.h"

#include "connector/http/read_source.h"

#include <string.h>

static struct script script;

#define RUN(steps, ...) SCRIPT_READ(&script, steps, __VA_ARGS__)

#define CHANNEL                                                                                    \
    .type = "Slack", .properties = "{\"instanceUrl\":\"https://acme.slack.com\"}",                 \
    .credentials = "{\"clientId\":\"c\",\"clientSecret\":\"s\",\"accessToken\":\"t0ken\"}",        \
    .source = "{\"object\":\"conversations/C1\"}", .entity = "conversations/C1"
#define HISTORY(more)                                                                              \
    "GET https://slack.com/api/conversations.history?channel=C1&inclusive=true&limit=200" more     \
    "\nAccept: application/json\nAuthorization: Bearer t0ken\n\n"
#define NO_MESSAGES "{\"ok\":true,\"messages\":[],\"has_more\":false}"

static void assert_history(const struct read_filter *filters, size_t count, const char *request)
{
    const struct scripted steps[] = {{request, 200, .body = NO_MESSAGES}};
    script.next = 0;
    assert_true(RUN(steps, CHANNEL, .filters = filters, .filter_count = count));
}

static void bounds_are_rounded_outwards(void **state)
{
    (void)state;
    const struct read_filter within[] = {{STR("ts"), STR("BETWEEN"), STR("datetime"),
                                          READ_VALUES(STR("1700000000500"), STR("1700000001500"))}};
    const struct read_filter from[] = {{STR("ts"), STR("GREATER_THAN_OR_EQUAL_TO"),
                                        STR("timestamp"),
                                        READ_VALUES(STR("2023-11-14T22:13:20Z"))}};
    assert_history(within, 1, HISTORY("&oldest=1700000000&latest=1700000002"));
    assert_history(from, 1, HISTORY("&oldest=1700000000"));
}

static void the_narrowest_bound_counts(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("ts"), STR("GREATER_THAN"), STR("datetime"), READ_VALUES(STR("1600000000000"))},
        {STR("ts"), STR("GREATER_THAN_OR_EQUAL_TO"), STR("datetime"),
         READ_VALUES(STR("1700000000000"))},
        {STR("ts"), STR("LESS_THAN"), STR("datetime"), READ_VALUES(STR("1800000000000"))},
        {STR("ts"), STR("LESS_THAN"), STR("datetime"), READ_VALUES(STR("1900000000000"))},
        {STR("ts"), STR("GREATER_THAN"), STR("datetime"), READ_VALUES(STR("1500000000000"))},
    };
    assert_history(filters, 5, HISTORY("&oldest=1700000000&latest=1800000000"));
}

/* By any of them a record would be lost that the flow keeps. */
static void other_filters_are_no_bounds(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("ts"), STR("GREATER_THAN"), STR("string"), READ_VALUES(STR("1700000000"))},
        {STR("thread_ts"), STR("GREATER_THAN"), STR("datetime"), READ_VALUES(STR("1700000000000"))},
        {STR("ts"), STR("EQUAL_TO"), STR("datetime"), READ_VALUES(STR("1700000000000"))},
        {STR("ts"), STR("NOT_EQUAL_TO"), STR("datetime"), READ_VALUES(STR("1700000000000"))},
        {STR("ts"), STR("GREATER_THAN"), STR("datetime"),
         READ_VALUES(STR("1700000000000"), STR("1800000000000"))},
        {STR("ts"), STR("LESS_THAN"), STR("datetime"), READ_VALUES(STR("yesterday"))},
    };
    assert_history(filters, 6, HISTORY(""));
}

static void a_next_page_without_a_name_is_no_end(void **state)
{
    (void)state;
    static const char *const ends[] = {
        "\"has_more\":true,\"response_metadata\":{\"next_cursor\":\"\"}",
        "\"has_more\":true,\"response_metadata\":null",
        "\"has_more\":true",
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        const struct scripted steps[] = {
            {HISTORY(""), 200,
             .body =
                 arena_printf(&script.arena, "{\"ok\":true,\"messages\":[{}],%s}", ends[i]).data}};
        assert_false(RUN(steps, CHANNEL));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                       "there is a next page, and nothing that names it");
    }
}

/* --- lists that are left out --- */

#define PROSPECTS                                                                                  \
    .type = "Pardot", .properties = "{\"businessUnitId\":\"0Uv000000000001\"}",                    \
    .credentials = "{\"accessToken\":\"t0ken\"}", .source = "{\"object\":\"prospect\"}",           \
    .entity = "prospect"
#define QUERY(more)                                                                                \
    "GET https://pi.pardot.com/api/prospect/version/4/do/query?format=json&sort_by=id"             \
    "&sort_order=ascending&limit=200" more                                                         \
    "\nAccept: application/json\nAuthorization: Bearer t0ken\n"                                    \
    "Pardot-Business-Unit-Id: 0Uv000000000001\n\n"
#define ANSWER(result) "{\"@attributes\":{\"stat\":\"ok\",\"version\":1},\"result\":" result "}"

static void a_list_that_is_left_out_is_an_empty_page(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {QUERY(""), 200, .body = ANSWER("{\"total_results\":0}")}};
    assert_true(RUN(steps, PROSPECTS));
    assert_string_equal(script_log(&script), "page 0\n");
}

/* One that is not full is followed by another call. */
static void a_record_without_a_list_is_a_page(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {QUERY(""), 200,
         .body = ANSWER("{\"total_results\":1,\"prospect\" :\n {\"id\":1,\"name\":\"}]\\\"{\","
                        "\"profile\":{\"id\":7,\"criteria\":[{\"id\":9}]}}}")},
        {QUERY("&id_greater_than=1"), 200, .body = ANSWER("{\"total_results\":0}")}};
    assert_true(RUN(steps, PROSPECTS));
    assert_string_equal(script_log(&script), "page 1 then 0 1\npage 0\n");
}

static void what_has_no_result_is_no_page(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {QUERY(""), 200,
         .body = "{\"@attributes\":{\"stat\":\"fail\",\"version\":1,\"err_code\":66},"
                 "\"err\":\"You have exceeded your concurrent request limit\"}"}};
    assert_false(RUN(steps, PROSPECTS));
    assert_verdict(&script, VERDICT_THROTTLED, STEP_API, 200,
                   "You have exceeded your concurrent request limit");
}

/* By it the records of a window would be passed over without a word. */
static void an_answer_of_another_form_is_no_empty_page(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        ANSWER("[1]"),
        ANSWER("[]"),
        ANSWER("7"),
        ANSWER("{\"total_results\":1,\"prospects\":[{\"id\":1}]}"),
        ANSWER("{\"total_results\":1,\"Prospect\":{\"id\":1}}"),
        ANSWER("{\"total_results\":1,\"prospect\":7}"),
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        const struct scripted steps[] = {{QUERY(""), 200, .body = bodies[i]}};
        assert_false(RUN(steps, PROSPECTS));
        assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 200,
                       "the response has no list of records");
    }
}

static const char *filled(const char *before, size_t count, const char *after)
{
    struct buf text = buf_in(&script.arena, 8 * 1024 * 1024);
    buf_add_cstr(&text, before);
    buf_reserve(&text, count);
    for (size_t i = 0; i < count; i++)
        buf_add_char(&text, 'x');
    buf_add_cstr(&text, after);
    return text.data;
}

/* One that is longer than answers that are looked at, and one that is longer than an item of a
 * vendor's list of entities may be; with a list, and without. */
static void records_may_be_long(void **state)
{
    (void)state;
    static const size_t sizes[] = {100 * 1000, 300 * 1000, 3 * 1000 * 1000};
    static const char *const around[][2] = {
        {"{\"@attributes\":{\"stat\":\"ok\"},\"result\":{\"total_results\":1,\"prospect\":{\"id\":"
         "7,\"notes\":\"",
         "\"}}}"},
        {"{\"@attributes\":{\"stat\":\"ok\"},\"result\":{\"prospect\":[{\"id\":7,\"notes\":\"",
         "\"}],\"total_results\":1}}"},
    };
    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes); i++) {
        const char *const *parts = around[i % 2];
        buf_clear(&script.log);
        const struct scripted steps[] = {
            {QUERY(""), 200, .body = filled(parts[0], sizes[i / 2], parts[1])},
            {QUERY("&id_greater_than=7"), 200, .body = ANSWER("{\"total_results\":0}")}};
        assert_true(RUN(steps, PROSPECTS));
        assert_string_equal(script_log(&script), "page 1 then 0 7\npage 0\n");
    }
}

static void a_key_is_that_of_the_record_itself(void **state)
{
    (void)state;
    struct buf page = buf_in(&script.arena, 64 * 1024);
    buf_add_cstr(&page, "{\"@attributes\":{\"stat\":\"ok\"},\"result\":{\"prospect\":[");
    for (int i = 1; i <= 200; i++)
        buf_printf(&page, "%s{\"id\":%d,\"campaign\":{\"id\":1}}", i > 1 ? "," : "", 2 * i);
    buf_add_cstr(&page, "]}}");
    const struct scripted steps[] = {
        {QUERY(""), 200, .body = page.data},
        {QUERY("&id_greater_than=400"), 200, .body = ANSWER("{\"total_results\":0}")}};
    assert_true(RUN(steps, PROSPECTS));
    assert_string_equal(script_log(&script), "page 200 then 0 400\npage 0\n");
}

/* By update in the zone of any user; by value where the vendor says that it can. */
static void bounds_are_given_by_object(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("updated_at"), STR("GREATER_THAN_OR_EQUAL_TO"), STR("datetime"),
         READ_VALUES(STR("1700000000000"))},
        {STR("score"), STR("EQUAL_TO"), STR("integer"), READ_VALUES(STR("-5")),
         .described = STR("integer")},
        {STR("grade"), STR("EQUAL_TO"), STR("string"), READ_VALUES(STR("A+")),
         .described = STR("string")},
        {STR("campaign_id"), STR("EQUAL_TO"), STR("integer"), READ_VALUES(STR("1")),
         .described = STR("integer")},
        {STR("list_id"), STR("EQUAL_TO"), STR("integer"), READ_VALUES(STR("1"))},
        {STR("updated_at"), STR("GREATER_THAN"), STR("string"), READ_VALUES(STR("2024-01-31")),
         .described = STR("string")},
    };
    const struct scripted steps[] = {
        {QUERY("&updated_after=2023-11-13%2022%3A13%3A20&score_equal_to=-5&grade_equal_to=A%2B"),
         200, .body = ANSWER("{\"total_results\":0}")}};
    assert_true(RUN(steps, PROSPECTS, .filters = filters, .filter_count = 6));
}

/* --- a call of later pages, names of fields --- */

#define VAULT "https://acme.veevavault.com"
#define PRODUCTS                                                                                   \
    .type = "Veeva", .properties = "{\"instanceUrl\":\"" VAULT "\"}",                              \
    .credentials = "{\"username\":\"u\",\"password\":\"p\"}",                                      \
    .source = "{\"object\":\"product__v\"}", .entity = "product__v"
#define LOGIN                                                                                      \
    {                                                                                              \
        NULL, 200,                                                                                 \
            .body = "{\"responseStatus\":\"SUCCESS\",\"sessionId\":\"s3ssion\",\"vaultIds\":["     \
                    "{\"id\":1,\"url\":\"" VAULT "/api\"}],\"vaultId\":1}"                         \
    }
#define LOGOUT                                                                                     \
    {                                                                                              \
        NULL, 200, .body = "{}"                                                                    \
    }
#define SHOWN "\nAccept: application/json\nAuthorization: s3ssion\n"
#define ASKS(query)                                                                                \
    "POST " VAULT "/api/v24.1/query\nAccept: application/json\n"                                   \
    "Content-Type: application/x-www-form-urlencoded\nAuthorization: s3ssion\n\nq=" query
#define LATER "/api/v24.1/query/1?pagesize=1000&pageoffset=1000"
#define ROWS(next)                                                                                 \
    "{\"responseStatus\":\"SUCCESS\",\"responseDetails\":{\"size\":1" next                         \
    "},\"data\":[{\"id\":\"1\"}]}"

static void later_pages_are_asked_for_without_the_query(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        LOGIN,
        {ASKS("SELECT%20id%2CLONGTEXT%28notes__c%29%2CRICHTEXT%28claims__c%29%20FROM%20product__v"),
         200, .body = ROWS(",\"next_page\":\"" LATER "\"")},
        {"POST " VAULT LATER SHOWN "\n", 200, .body = ROWS("")},
        LOGOUT,
    };
    static const struct str types[] = {STR("ID"), STR("longtext"), STR("RichText")};
    assert_true(RUN(steps, PRODUCTS, .fields = "id,notes__c,claims__c", .types = types));
    assert_string_equal(script_log(&script), "page 1 then " LATER "\npage 1\n");
}

/* Of `count` fields with 40 characters and a comma each. */
static const struct str *long_names(size_t count)
{
    struct str *names = arena_array(&script.arena, struct str, count);
    for (size_t i = 0; i < count; i++)
        names[i] = arena_printf(&script.arena, "field_with_a_name_of_40_characters%05zuc", i);
    return names;
}

/* Past what a URL takes, and up to what the vendor takes. */
static void a_query_in_a_body_may_be_long(void **state)
{
    (void)state;
    static const struct scripted steps[] = {LOGIN, {NULL, 200, .body = ROWS("")}, LOGOUT};
    static const struct scripted none[] = {LOGIN, LOGOUT};
    assert_true(RUN(steps, PRODUCTS, .names = long_names(1200), .name_count = 1200));
    assert_false(RUN(none, PRODUCTS, .names = long_names(1300), .name_count = 1300));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "the query of all fields and filters is longer than the 50000 bytes that the "
                   "vendor takes");
}

static void a_query_has_what_means_the_same(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("name__v"), STR("EQUAL_TO"), STR("string"), READ_VALUES(STR("O'Hara\\"), STR("b")),
         .described = STR("String")},
        {STR("modified_date__v"), STR("GREATER_THAN_OR_EQUAL_TO"), STR("datetime"),
         READ_VALUES(STR("1700000000000")), .described = STR("DateTime")},
        {STR("name__v"), STR("CONTAINS"), STR("string"), READ_VALUES(STR("x")),
         .described = STR("String")},
        {STR("name__v"), STR("NOT_EQUAL_TO"), STR("string"), READ_VALUES(STR("x")),
         .described = STR("String")},
        {STR("status__v"), STR("EQUAL_TO"), STR("string"), READ_VALUES(STR("active__v")),
         .described = STR("Picklist")},
        {STR("name__v"), STR("EQUAL_TO"), STR("string"), READ_VALUES(STR("100%")),
         .described = STR("String")},
    };
    static const struct scripted steps[] = {
        LOGIN,
        {ASKS("SELECT%20id%20FROM%20product__v%20WHERE%20%28name__v%20%3D%20%27O%5C%27Hara%5C%5C"
              "%27%20OR%20name__v%20%3D%20%27b%27%29%20AND%20modified_date__v%20%3E%3D%20"
              "%272023-11-14T22%3A13%3A20.000Z%27"),
         200, .body = ROWS("")},
        LOGOUT,
    };
    assert_true(RUN(steps, PRODUCTS, .fields = "id", .filters = filters, .filter_count = 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bounds_are_rounded_outwards),
        TEST(the_narrowest_bound_counts),
        TEST(other_filters_are_no_bounds),
        TEST(a_list_that_is_left_out_is_an_empty_page),
        TEST(a_record_without_a_list_is_a_page),
        TEST(what_has_no_result_is_no_page),
        TEST(an_answer_of_another_form_is_no_empty_page),
        TEST(records_may_be_long),
        TEST(a_next_page_without_a_name_is_no_end),
        TEST(a_key_is_that_of_the_record_itself),
        TEST(bounds_are_given_by_object),
        TEST(later_pages_are_asked_for_without_the_query),
        TEST(a_query_in_a_body_may_be_long),
        TEST(a_query_has_what_means_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
