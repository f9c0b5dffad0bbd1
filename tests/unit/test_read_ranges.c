/* Records that are read by a range of times, a selector and a cursor, call by call: what filters
 * become parameters, and what is not read without them. */
#include "read_script.h"

#include "base/buf.h"
#include "connector/http/read_source.h"
#include "net/private_routes.h"

#include <string.h>

static struct script script;

#define RUN(steps, ...) SCRIPT_READ(&script, steps, __VA_ARGS__)

static void assert_says(const char *says)
{
    assert_int_equal(script.verdict.kind, VERDICT_MISCONFIGURED);
    assert_non_null(strstr(script.verdict.message.data, says));
}

#define PROBLEMS(query)                                                                            \
    "GET https://abc12345.live.dynatrace.com/api/v2/problems?pageSize=50" query                    \
    "\nAccept: application/json\nAuthorization: Api-Token t0ken\n\n"
#define PARTS "&fields=evidenceDetails%2CimpactAnalysis%2CrecentComments"
#define SORTED "&sort=%2BstartTime"
#define NO_PROBLEMS "{\"totalCount\":0,\"problems\":[]}"
#define PROBLEMS_FLOW                                                                              \
    .type = "Dynatrace",                                                                           \
    .properties = "{\"instanceUrl\":\"https://abc12345.live.dynatrace.com\"}",                     \
    .credentials = "{\"apiToken\":\"t0ken\"}", .entity = "problem",                                \
    .source = "{\"object\":\"problem\"}"

#define FILTER(field, operation, type, ...)                                                        \
    {                                                                                              \
        STR(field), STR(operation), STR(type), READ_VALUES(__VA_ARGS__)                            \
    }

static void a_range_and_a_selector_stand_on_the_first_page(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        FILTER("startTime", "BETWEEN", "datetime", STR("1600000000001"), STR("1700000000000")),
        FILTER("startTime", "LESS_THAN", "datetime", STR("2023-11-14T22:13:19.9995Z")),
        FILTER("startTime", "GREATER_THAN_OR_EQUAL_TO", "datetime", STR("1500000000000")),
        FILTER("status", "EQUAL_TO", "String", STR("OPEN")),
        FILTER("title", "EQUAL_TO", "string", STR("no term of the selector")),
        FILTER("severityLevel", "EQUAL_TO", "string", STR("quoted \"")),
        FILTER("impactLevel", "EQUAL_TO", "string", STR("SERVICES"), STR("APPLICATION")),
        FILTER("underMaintenance", "EQUAL_TO", "boolean", STR("TRUE")),
        FILTER("text", "EQUAL_TO", "", STR("caf\xC3\xA9, (a)")),
    };
    static const struct scripted steps[] = {
        {PROBLEMS(PARTS SORTED
                  "&from=1600000000001&to=1700000000000"
                  "&problemSelector=status%28%22OPEN%22%29%2CunderMaintenance%28true%29"
                  "%2Ctext%28%22caf%C3%A9%2C%20%28a%29%22%29"),
         200, .body = "{\"totalCount\":2,\"problems\":[{}],\"nextPageKey\":\"k=1\"}"},
        {PROBLEMS("&nextPageKey=k%3D1" PARTS), 200, .body = "{\"totalCount\":2,\"problems\":[{}]}"},
    };
    assert_true(RUN(steps, PROBLEMS_FLOW, .filters = filters,
                    .filter_count = sizeof(filters) / sizeof(*filters)));
    assert_string_equal(script_log(&script), "page 1 then k=1\npage 1\n");
}

static void only_what_the_flow_reads_is_asked_for(void **state)
{
    (void)state;
    const struct read_filter since =
        FILTER("startTime", "GREATER_THAN", "datetime", STR("1600000000000"));
    static const struct scripted some[] = {
        {PROBLEMS("&fields=impactAnalysis" SORTED "&from=1600000000000"), 200,
         .body = "{\"problems\":[{}],\"nextPageKey\":\"k\"}"},
        {PROBLEMS("&nextPageKey=k&fields=impactAnalysis"), 200, .body = NO_PROBLEMS}};
    static const struct scripted none[] = {
        {PROBLEMS(SORTED "&from=1600000000000"), 200, .body = NO_PROBLEMS}};
    assert_true(RUN(some, PROBLEMS_FLOW, .filters = &since, .filter_count = 1,
                    .fields = "problemId,impactAnalysis"));
    assert_true(
        RUN(none, PROBLEMS_FLOW, .filters = &since, .filter_count = 1, .fields = "problemId"));
}

/* As the flow compares them: a time, or a number of milliseconds. */
static void times_have_several_types(void **state)
{
    (void)state;
    static const char *const types[] = {"",     "datetime", "timestamp", "date",
                                        "Long", "integer",  "DateTime"};
    static const struct scripted steps[] = {
        {PROBLEMS(PARTS SORTED "&from=1700000000000"), 200, .body = NO_PROBLEMS}};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        const struct read_filter since = {STR("startTime"), STR("GREATER_THAN"), str_from(types[i]),
                                          READ_VALUES(STR("1700000000000"))};
        assert_true(RUN(steps, PROBLEMS_FLOW, .filters = &since, .filter_count = 1));
    }
}

/* Those that the description gives to what can be filtered by. */
static void described_types_are_given(void **state)
{
    (void)state;
    static const struct {
        const char *field, *type, *value, *given;
    } rows[] = {
        {"affectedEntities", "List", "HOST-1", "%28%22HOST-1%22%29"},
        {"impactedEntities", "List", "HOST-1", "%28%22HOST-1%22%29"},
        {"managementZones", "List", "a b", "%28%22a%20b%22%29"},
        {"rootCauseEntity", "Struct", "HOST-1", "%28%22HOST-1%22%29"},
        {"problemId", "String", "1_2V2", "%28%221_2V2%22%29"},
        {"underMaintenance", "Boolean", "false", "%28false%29"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct read_filter filters[] = {
            FILTER("startTime", "GREATER_THAN", "DateTime", STR("1600000000000")),
            {str_from(rows[i].field), STR("EQUAL_TO"), str_from(rows[i].type),
             READ_VALUES(str_from(rows[i].value))}};
        const struct scripted steps[] = {
            {arena_printf(
                 &script.arena, "%s%s%s%s",
                 "GET https://abc12345.live.dynatrace.com/api/v2/problems?pageSize=50" PARTS SORTED
                 "&from=1600000000000&problemSelector=",
                 rows[i].field, rows[i].given,
                 "\nAccept: application/json\nAuthorization: Api-Token t0ken\n\n")
                 .data,
             200, .body = NO_PROBLEMS}};
        assert_true(RUN(steps, PROBLEMS_FLOW, .filters = filters, .filter_count = 2));
    }
}

static void no_range_is_no_reading(void **state)
{
    (void)state;
    const struct read_filter late =
        FILTER("startTime", "LESS_THAN", "datetime", STR("1700000000000"));
    const struct read_filter bad = FILTER("startTime", "GREATER_THAN", "datetime", STR("soon"));
    const struct scripted *none = NULL;
    assert_false(script_read(&script, none, 0, &(const struct read_asked){PROBLEMS_FLOW}));
    assert_says("the flow needs a filter on startTime");
    assert_false(script_read(
        &script, none, 0,
        &(const struct read_asked){PROBLEMS_FLOW, .filters = &late, .filter_count = 1}));
    assert_says("the flow needs a filter on startTime");
    assert_false(
        script_read(&script, none, 0,
                    &(const struct read_asked){PROBLEMS_FLOW, .filters = &bad, .filter_count = 1}));
    assert_says("the flow needs a filter on startTime");
    const struct read_filter texts[] = {
        FILTER("startTime", "GREATER_THAN", "string", STR("1700000000000")),
        FILTER("startTime", "GREATER_THAN", "", STR("2023-11-14T22:13:20Z")),
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        assert_false(script_read(
            &script, none, 0,
            &(const struct read_asked){PROBLEMS_FLOW, .filters = &texts[i], .filter_count = 1}));
        assert_says("with DATA_TYPE datetime");
    }
}

/* Records do not have these fields, so a filter that the vendor does not get would be lost. */
static void a_filter_that_the_vendor_alone_applies_is_not_lost(void **state)
{
    (void)state;
    const struct read_filter filters[][2] = {
        {FILTER("startTime", "GREATER_THAN", "datetime", STR("1600000000000")),
         FILTER("text", "EQUAL_TO", "string", STR("a \"b\""))},
        {FILTER("startTime", "GREATER_THAN", "datetime", STR("1600000000000")),
         FILTER("text", "NOT_EQUAL_TO", "string", STR("a"))},
        {FILTER("startTime", "GREATER_THAN", "datetime", STR("1600000000000")),
         FILTER("text", "EQUAL_TO", "string", STR("a"), STR("b"))},
    };
    for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
        assert_false(script_read(
            &script, NULL, 0,
            &(const struct read_asked){PROBLEMS_FLOW, .filters = filters[i], .filter_count = 2}));
        assert_says("the filter on text cannot be given to the vendor");
    }
}

static const struct read_literal literals[] = {{"string", READ_TEXT, 0}};
static const struct read_bound bounds[] = {{"box", "EQUAL_TO", "box"},
                                           {"since", "GREATER_THAN", "since"}};
static const char *const asked_only[] = {"box", "since"};
static const struct read_dialect dialect = {
    .literals = {literals, 1}, .bounds = {bounds, 2}, .fields = {asked_only, 2}};
static const struct connector_texts apart = {asked_only, 2};

/* What of the two filters is left out; an empty text: nothing. */
static void assert_bounds(const struct read_filter *filters, const struct connector_texts *of,
                          const char *problem)
{
    struct arena arena = {0};
    const struct read_query query = {.filters = filters, .filter_count = 2};
    struct read_where_request request = {
        .dialect = &dialect, .query = &query, .most = READ_WHERE_MAX, .apart = of};
    struct value *read = value_structure(&arena);
    read_bounds(&request, &arena, read);
    assert_string_equal(request.problem.data ? request.problem.data : "", problem);
    arena_done(&arena);
}

static void of_two_filters_on_one_bound_none_is_lost(void **state)
{
    (void)state;
    const struct read_filter equal[] = {FILTER("box", "EQUAL_TO", "string", STR("a")),
                                        FILTER("box", "EQUAL_TO", "string", STR("b"))};
    const struct read_filter same[] = {FILTER("box", "EQUAL_TO", "string", STR("a")),
                                       FILTER("box", "EQUAL_TO", "string", STR("a"))};
    const struct read_filter ordered[] = {FILTER("since", "GREATER_THAN", "string", STR("5")),
                                          FILTER("since", "GREATER_THAN", "string", STR("10"))};
    const struct read_filter unlike[] = {FILTER("since", "GREATER_THAN", "string", STR("a")),
                                         FILTER("since", "GREATER_THAN", "string", STR("ab"))};
    assert_bounds(equal, &apart,
                  "of two filters on box the vendor, which alone could apply them, takes one");
    assert_bounds(equal, NULL, "");
    assert_bounds(same, &apart, "");
    assert_bounds(ordered, &apart, "");
    assert_bounds(unlike, &apart,
                  "of two filters on since the vendor, which alone could apply them, takes one");
}

/* --- keys that are numbers --- */

#define COMPUTERS(behind)                                                                          \
    "POST https://app.deepsecurity.trendmicro.com/api/computers/search\nAccept: "                  \
    "application/json\nContent-Type: application/json\napi-secret-key: 7:c2VjcmV0\n"               \
    "api-version: v1\n\n{\"maxItems\":500,\"sortByObjectID\":true,\"searchCriteria\":[{"           \
    "\"fieldName\":\"ID\",\"idTest\":\"greater-than\",\"idValue\":" behind "}]}"
#define COMPUTERS_FLOW                                                                             \
    .type = "Trendmicro", .properties = "{}", .credentials = "{\"apiSecretKey\":\"7:c2VjcmV0\"}",  \
    .entity = "computers", .source = "{\"object\":\"computers\"}"

/* Of 500 records, the last of which has an ID within, too. */
static const char *full_page(struct arena *arena)
{
    struct buf out = buf_in(arena, 64 * 1024);
    buf_add_cstr(&out, "{\"computers\":[");
    for (int i = 1; i < 500; i++)
        buf_printf(&out, "{\"ID\":%d},", i);
    buf_add_cstr(&out, "{\"ID\":812,\"interfaces\":{\"items\":[{\"ID\":9}]}}]}");
    return arena_cstr(arena, buf_str(&out));
}

static void the_last_key_is_that_of_the_record_itself(void **state)
{
    (void)state;
    const struct scripted steps[] = {
        {COMPUTERS("0"), 200, .body = full_page(&script.arena)},
        {COMPUTERS("812"), 200, .body = "{\"computers\":[{\"ID\":813}]}"},
    };
    assert_true(RUN(steps, COMPUTERS_FLOW));
    assert_string_equal(script_log(&script), "page 500 then 0 812\npage 1\n");
}

/* --- a report whose file is elsewhere --- */

#define SINGULAR "https://api.singular.net/api/v2.0/"
#define CREATE                                                                                     \
    "POST " SINGULAR "create_async_report\nAccept: application/json\nContent-Type: "               \
    "application/x-www-form-urlencoded\nAuthorization: key-1\n\nstart_date=2024-01-01"             \
    "&end_date=2024-01-31&dimensions=app%2Csource&metrics=adn_cost&discrepancy_metrics=adn_clicks" \
    "%2Ctracker_installs&time_breakdown=all&format=json"
#define LOOK                                                                                       \
    "GET " SINGULAR "get_report_status?report_id=r1\nAccept: application/json\n"                   \
    "Authorization: key-1\n\n"
#define DONE(url)                                                                                  \
    "{\"status\":0,\"substatus\":0,\"value\":{\"status\":\"DONE\",\"download_url\":\"" url "\"}}"
#define FILE_URL "https://files.example/r1?signature=s3cr3t"
#define REPORT_FLOW                                                                                \
    .type = "Singular", .properties = "{}", .credentials = "{\"apiKey\":\"key-1\"}",               \
    .entity = "reporting", .source = "{\"object\":\"reporting\"}",                                 \
    .fields = "app,adn_clicks,source,adn_cost,tracker_installs"

/* As a flow's filters. */
#define DAYS                                                                                       \
    {                                                                                              \
        FILTER("start_date", "EQUAL_TO", "date", STR("2024-01-01")),                               \
            FILTER("end_date", "EQUAL_TO", "date", STR("2024-01-31"))                              \
    }
static const struct str report_types[] = {STR("string"), STR("number"), STR("string"),
                                          STR("number"), STR("number")};

static void a_report_is_fetched_without_the_key(void **state)
{
    (void)state;
    const struct read_filter days[] = DAYS;
    static const struct scripted steps[] = {
        {CREATE, 200, .body = "{\"status\":0,\"value\":{\"report_id\":\"r1\"}}"},
        {LOOK, 200, .body = DONE(FILE_URL)},
        {"GET " FILE_URL "\nAccept: */*\n\n", 403, .body = "<Error>expired</Error>"},
        {LOOK, 200, .body = DONE(FILE_URL)},
        {"GET " FILE_URL "\nAccept: */*\n\n", 200, .body = "{\"results\":[{},{}]}"},
    };
    assert_true(RUN(steps, REPORT_FLOW, .filters = days, .filter_count = 2, .types = report_types));
    assert_string_equal(script_log(&script),
                        "step 0 then job r1 wait 0 0\nstep 0 then job r1 wait 1 0\npage 2\n");
}

/* As those of a storage service answer when what signs them has expired. */
static void a_url_that_is_refused_again_and_again_ends_the_reading(void **state)
{
    (void)state;
    const struct read_filter days[] = DAYS;
    static const struct scripted steps[] = {
        {LOOK, 200, .body = DONE(FILE_URL)},
        {"GET " FILE_URL "\nAccept: */*\n\n", 400, .body = "<Error>expired</Error>"},
        {LOOK, 200, .body = DONE(FILE_URL)},
        {"GET " FILE_URL "\nAccept: */*\n\n", 404, .body = "<Error>expired</Error>"},
        {LOOK, 200, .body = DONE(FILE_URL)},
        {"GET " FILE_URL "\nAccept: */*\n\n", 401, .body = "{\"value\":\"expired\"}"},
    };
    assert_false(RUN(steps, REPORT_FLOW, .filters = days, .filter_count = 2, .types = report_types,
                     .cursor = "job r1 wait 0 0"));
    assert_int_equal(script.verdict.status, 401);
    assert_int_equal(script.verdict.kind, VERDICT_MISCONFIGURED);
}

static void a_report_is_not_fetched_in_the_clear(void **state)
{
    (void)state;
    const struct read_filter days[] = DAYS;
    static const struct scripted steps[] = {{LOOK, 200, .body = DONE("http://files.example/r1")}};
    assert_false(RUN(steps, REPORT_FLOW, .filters = days, .filter_count = 2, .types = report_types,
                     .cursor = "job r1 wait 0 0"));
    assert_int_equal(script.verdict.kind, VERDICT_UNREACHABLE);
    assert_non_null(strstr(script.verdict.message.data, "no https URL"));
}

/* Its file is where no private route leads: so no report is made for it. */
static void no_report_is_made_over_a_private_route(void **state)
{
    (void)state;
    const struct read_filter days[] = DAYS;
    const char *text = "a=api.singular.net:443";
    struct private_routes *routes = NULL;
    assert_true(private_routes_new(&text, 1, STR("*"), &routes, NULL));
    script.private_routes = routes;
    bool read = script_read(&script, NULL, 0,
                            &(const struct read_asked){REPORT_FLOW, .filters = days,
                                                       .filter_count = 2, .types = report_types});
    script.private_routes = NULL;
    private_routes_free(routes);
    assert_false(read);
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "the results are at another host of the vendor's, to which no private route "
                   "leads");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_range_and_a_selector_stand_on_the_first_page),
        TEST(only_what_the_flow_reads_is_asked_for),
        TEST(times_have_several_types),
        TEST(described_types_are_given),
        TEST(no_range_is_no_reading),
        TEST(a_filter_that_the_vendor_alone_applies_is_not_lost),
        TEST(of_two_filters_on_one_bound_none_is_lost),
        TEST(the_last_key_is_that_of_the_record_itself),
        TEST(a_report_is_fetched_without_the_key),
        TEST(a_url_that_is_refused_again_and_again_ends_the_reading),
        TEST(a_report_is_not_fetched_in_the_clear),
        TEST(no_report_is_made_over_a_private_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
