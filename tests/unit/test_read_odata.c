/* Records of OData services, version 2 and 4: which page is asked for, links to the next one, and
 * filters in both languages. */
#include "read_script.h"

#include "connector/http/read_source.h"

static struct script script;

#define RUN(steps, ...) SCRIPT_READ(&script, steps, __VA_ARGS__)

#define HOST "https://sap.acme.example"
#define PROFILE(catalog)                                                                           \
    .type = "SAPOData",                                                                            \
    .properties = "{\"applicationHostUrl\":\"" HOST "\",\"applicationServicePath\":\"" catalog     \
                  "\",\"portNumber\":443,\"clientNumber\":\"100\"}",                               \
    .credentials = "{\"basicAuthCredentials\":{\"username\":\"u\",\"password\":\"p1\"}}"
#define CATALOG_2 "/sap/opu/odata/iwfnd/catalogservice;v=2"
#define CATALOG_4 "/sap/opu/odata4/iwfnd/config/default/iwfnd/catalog/0002"
#define SET_2 "/sap/opu/odata/sap/API_PARTNER/A_Partner"
#define SET_4 "/sap/opu/odata4/sap/api_partner/srvd/0001/Partner"
#define SOURCE(set) .source = "{\"objectPath\":\"" set "\"}", .entity = set
#define GET(target, size)                                                                          \
    "GET " HOST target "\nAccept: application/json\nAuthorization: Basic dTpwMQ==\n"               \
    "Prefer: odata.maxpagesize=" size "\nsap-client: 100\n\n"
#define FIRST "?sap-client=100&%24format=json"

static void version_2_is_followed_by_its_links(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {GET(SET_2 FIRST "&%24select=ID%2Cname", "1000"), 200,
         .body = "{\"d\":{\"results\":[{\"ID\":\"1\"},{\"ID\":\"2\"}],\"__next\":\"" HOST SET_2
                 "?$skiptoken=2\"}}"},
        {GET(SET_2 "?$skiptoken=2", "1000"), 200, .body = "{\"d\":{\"results\":[{\"ID\":\"3\"}]}}"},
    };
    assert_true(RUN(steps, PROFILE(CATALOG_2), SOURCE(SET_2), .fields = "ID,name"));
    assert_string_equal(script_log(&script), "page 2 then " SET_2 "?$skiptoken=2\npage 1\n");
}

/* Relative to the page's own path, and with the page's size that the flow gives. */
static void version_4_is_followed_by_its_links(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {GET(SET_4 FIRST "&%24select=ID", "50"), 200,
         .body = "{\"@odata.context\":\"$metadata#Partner\",\"value\":[{\"ID\":1}],"
                 "\"@odata.nextLink\":\"Partner?$skiptoken=1&$top=50\"}"},
        {GET(SET_4 "?$skiptoken=1&$top=50", "50"), 200, .body = "{\"value\":[]}"},
    };
    assert_true(
        RUN(steps, PROFILE(CATALOG_4), .entity = SET_4, .fields = "ID",
            .source = "{\"objectPath\":\"" SET_4 "\",\"paginationConfig\":{\"maxPageSize\":50}}"));
    assert_string_equal(script_log(&script), "page 1 then " SET_4 "?$skiptoken=1&$top=50\n"
                                             "page 0\n");
}

static void a_link_to_another_host_is_not_followed(void **state)
{
    (void)state;
    static const char *const links[] = {
        "https://other.example" SET_2 "?$skiptoken=1",
        "//other.example" SET_2 "?$skiptoken=1",
        "http://sap.acme.example" SET_2 "?$skiptoken=1",
    };
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
        struct str body =
            arena_printf(&script.arena, "{\"d\":{\"results\":[],\"__next\":\"%s\"}}", links[i]);
        const struct scripted steps[] = {{GET(SET_2 FIRST "&%24select=ID", "1000"), 200,
                                          .body = arena_cstr(&script.arena, body)}};
        assert_false(RUN(steps, PROFILE(CATALOG_2), SOURCE(SET_2), .fields = "ID"));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                       "the next page of the list is at another host");
    }
}

static void the_same_link_again_ends_the_read(void **state)
{
    (void)state;
#define AGAIN "{\"d\":{\"results\":[{}],\"__next\":\"" SET_2 "?$skiptoken=1\"}}"
    static const struct scripted steps[] = {
        {GET(SET_2 FIRST "&%24select=ID", "1000"), 200, .body = AGAIN},
        {GET(SET_2 "?$skiptoken=1", "1000"), 200, .body = AGAIN},
    };
    assert_false(RUN(steps, PROFILE(CATALOG_2), SOURCE(SET_2), .fields = "ID"));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the vendor gives the same next page twice");
}

/* What is left out in one of them is the flow's. */
static void filters_are_said_in_the_language_of_the_version(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("name"), STR("EQUAL_TO"), STR("Edm.String"), READ_VALUES(STR("O'Neil"), STR("x")),
         .described = STR("Edm.String")},
        {STR("at"), STR("GREATER_THAN"), STR("Edm.DateTime"), READ_VALUES(STR("1704067200999")),
         .described = STR("Edm.DateTime")},
        {STR("on"), STR("LESS_THAN"), STR("Edm.DateTimeOffset"), READ_VALUES(STR("1704067200001")),
         .described = STR("Edm.DateTimeOffset")},
        {STR("day"), STR("LESS_THAN_OR_EQUAL_TO"), STR("Edm.Date"),
         READ_VALUES(STR("1704067200000")), .described = STR("Edm.Date")},
        {STR("rating"), STR("BETWEEN"), STR("Edm.Int32"), READ_VALUES(STR("1"), STR("5")),
         .described = STR("Edm.Int32")},
        {STR("turnover"), STR("GREATER_THAN"), STR("Edm.Decimal"), READ_VALUES(STR("1.5")),
         .described = STR("Edm.Decimal")},
        {STR("ID"), STR("EQUAL_TO"), STR("Edm.Guid"), READ_VALUES(STR("x")),
         .described = STR("Edm.Guid")},
        {STR("name"), STR("NOT_EQUAL_TO"), STR("Edm.String"), READ_VALUES(STR("y")),
         .described = STR("Edm.String")},
        {STR("name"), STR("CONTAINS"), STR("Edm.String"), READ_VALUES(STR("y")),
         .described = STR("Edm.String")},
    };
#define RATED "rating%20gt%201%20and%20rating%20lt%205"
    static const struct scripted version_2[] = {
        {GET(SET_2 FIRST "&%24select=ID&%24filter=%28name%20eq%20%27O%27%27Neil%27%20or%20name%20"
                         "eq%20%27x%27%29%20and%20at%20gt%20datetime%272024-01-01T00%3A00%3A00%27"
                         "%20and%20on%20lt%20datetimeoffset%272024-01-01T00%3A00%3A00.001Z%27%20"
                         "and%20" RATED,
             "1000"),
         200, .body = "{\"d\":{\"results\":[]}}"}};
    static const struct scripted version_4[] = {
        {GET(SET_4 FIRST "&%24select=ID&%24filter=%28name%20eq%20%27O%27%27Neil%27%20or%20name%20"
                         "eq%20%27x%27%29%20and%20on%20lt%202024-01-01T00%3A00%3A00.001Z%20and%20"
                         "day%20le%202024-01-01%20and%20" RATED "%20and%20turnover%20gt%201.5",
             "1000"),
         200, .body = "{\"value\":[]}"}};
    enum { FILTERS = sizeof(filters) / sizeof(*filters) };
    assert_true(RUN(version_2, PROFILE(CATALOG_2), SOURCE(SET_2), .fields = "ID",
                    .filters = filters, .filter_count = FILTERS));
    assert_true(RUN(version_4, PROFILE(CATALOG_4), SOURCE(SET_4), .fields = "ID",
                    .filters = filters, .filter_count = FILTERS));
}

static void what_is_no_set_of_a_service_is_absent(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {GET(SET_2 FIRST "&%24select=ID", "1000"), 404,
         .body = "{\"error\":{\"code\":\"/IWBEP/CM_MGW_RT/020\",\"message\":{\"lang\":\"en\","
                 "\"value\":\"Resource not found for segment 'A_Partner'\"}}}"}};
    static const char *const names[] = {".other.example/x", "x", "/x y", "/x?y", "/x#", "", "/x\n"};
    assert_false(RUN(steps, PROFILE(CATALOG_2), SOURCE(SET_2), .fields = "ID"));
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 404,
                   "Resource not found for segment 'A_Partner'");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct read_asked asked = {PROFILE(CATALOG_2), .source = "{\"objectPath\":\"x\"}",
                                         .entity = names[i], .fields = "ID"};
        assert_false(script_read(&script, NULL, 0, &asked));
        assert_int_equal(script.verdict.kind, VERDICT_ABSENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(version_2_is_followed_by_its_links),
        TEST(version_4_is_followed_by_its_links),
        TEST(a_link_to_another_host_is_not_followed),
        TEST(the_same_link_again_ends_the_read),
        TEST(filters_are_said_in_the_language_of_the_version),
        TEST(what_is_no_set_of_a_service_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
