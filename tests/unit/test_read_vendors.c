/* Records of further vendors, call by call: exports and lists that go on by a cursor, tables that
 * go on behind a key, and what of filters they are asked for. */
#include "read_script.h"

#include "connector/http/read_source.h"

static struct script script;

#define RUN(steps, ...) SCRIPT_READ(&script, steps, __VA_ARGS__)

#define ZENDESK(path)                                                                              \
    "GET https://acme.zendesk.com/api/v2/" path "\nAccept: application/json\n"                     \
    "Authorization: Bearer t0ken\n\n"
#define ZENDESK_PROFILE                                                                            \
    .type = "Zendesk", .properties = "{\"instanceUrl\":\"https://acme.zendesk.com\"}",             \
    .credentials = "{\"clientId\":\"c\",\"clientSecret\":\"s3cret\",\"accessToken\":\"t0ken\"}"

static void an_export_begins_at_a_time_and_goes_on_by_its_cursor(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("status"), STR("GREATER_THAN"), STR("string"), READ_VALUES(STR("new"))},
        {STR("updated_at"), STR("GREATER_THAN"), STR("datetime"),
         READ_VALUES(STR("1600000000999"))},
    };
    static const struct scripted steps[] = {
        {ZENDESK("incremental/tickets/cursor.json?per_page=1000&exclude_deleted=true"
                 "&start_time=1600000000"),
         200,
         .body = "{\"tickets\":[{\"id\":1}],\"after_cursor\":\"MTU=\",\"end_of_stream\":false}"},
        {ZENDESK(
             "incremental/tickets/cursor.json?per_page=1000&exclude_deleted=true&cursor=MTU%3D"),
         200,
         .body = "{\"tickets\":[{\"id\":2}],\"after_cursor\":\"MTY=\",\"end_of_stream\":true}"},
    };
    assert_true(RUN(steps, ZENDESK_PROFILE, .source = "{\"object\":\"tickets\"}",
                    .entity = "tickets", .filters = filters, .filter_count = 2));
    assert_string_equal(script_log(&script), "page 1 then MTU=\npage 1\n");
    static const struct scripted all[] = {
        {ZENDESK("incremental/users/cursor.json?per_page=1000&start_time=0"), 200,
         .body = "{\"users\":[],\"after_cursor\":null,\"end_of_stream\":true}"}};
    script.next = 0;
    assert_true(RUN(all, ZENDESK_PROFILE, .source = "{\"object\":\"users\"}", .entity = "users"));
}

static void a_list_is_followed_by_its_cursor(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ZENDESK("groups.json?page%5Bsize%5D=100"), 200,
         .body = "{\"groups\":[{\"id\":1}],\"meta\":{\"has_more\":true,\"after_cursor\":\"x=\"},"
                 "\"links\":{}}"},
        {ZENDESK("groups.json?page%5Bsize%5D=100&page%5Bafter%5D=x%3D"), 200,
         .body = "{\"groups\":[],\"meta\":{\"has_more\":false,\"after_cursor\":\"y=\"}}"},
    };
    assert_true(
        RUN(steps, ZENDESK_PROFILE, .source = "{\"object\":\"groups\"}", .entity = "groups"));
    assert_string_equal(script_log(&script), "page 1 then x=\npage 0\n");
    script.next = 0;
    assert_false(
        script_read(&script, NULL, 0,
                    &(const struct read_asked){ZENDESK_PROFILE, .entity = "ticket_comments",
                                               .source = "{\"object\":\"ticket_comments\"}"}));
    assert_int_equal(script.verdict.kind, VERDICT_MISCONFIGURED);
}

/* Of a time that is not past, or too new for the export: the newest that it takes. */
static void an_export_is_not_asked_for_what_is_too_new(void **state)
{
    (void)state;
    const struct read_filter filter = {STR("updated_at"), STR("GREATER_THAN"), STR("datetime"),
                                       READ_VALUES(STR("1999999999999"))};
    const struct connector_reads *reads = connector_by_type(STR("Zendesk"))->http->reads;
    const struct read_query query = {.filters = &filter, .filter_count = 1};
    struct read_where_request request = {
        .dialect = reads->rows[0].dialect,
        .name_marks = reads->name_marks,
        .query = &query,
        .now_ms = 1700000000999,
        .most = READ_WHERE_MAX,
    };
    assert_str(read_where(&request, &script.arena), "1699999880");
}

#define TABLE(query)                                                                               \
    "GET https://acme.service-now.com/api/now/table/incident?sysparm_display_value=false"          \
    "&sysparm_exclude_reference_link=true&sysparm_limit=1000&sysparm_offset=" query                \
    "\nAccept: application/json\nAuthorization: Basic dTpw\n\n"
#define TABLE_PROFILE                                                                              \
    .type = "Servicenow", .properties = "{\"instanceUrl\":\"https://acme.service-now.com\"}",      \
    .credentials = "{\"username\":\"u\",\"password\":\"p\"}", .entity = "incident",                \
    .source = "{\"object\":\"incident\"}"

static void a_table_is_read_behind_the_last_key(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {TABLE("0&sysparm_query=ORDERBYsys_id&sysparm_fields=number%2Csys_id"), 200,
         .headers = "X-Total-Count: 2500\n",
         .body = "{\"result\":[{\"number\":\"\\\"sys_id\\\":\\\"no\\\"\",\"sys_id\" : \"0a1\"}]}"},
        {TABLE("0&sysparm_query=sys_id%3E0a1%5EORDERBYsys_id&sysparm_fields=number%2Csys_id"), 200,
         .headers = "X-Total-Count: 1500\n", .body = "{\"result\":[]}"},
        {TABLE("1000&sysparm_query=sys_id%3E0a1%5EORDERBYsys_id&sysparm_fields=number%2Csys_id"),
         200, .headers = "X-Total-Count: 1500\n",
         .body = "{\"result\":[{\"sys_id\":\"0a2\",\"number\":\"\\\"sys_id\\\":\\\"no\\\"\"}]}"},
    };
    assert_true(RUN(steps, TABLE_PROFILE, .fields = "number"));
    assert_string_equal(script_log(&script), "page 1 then 0 0a1\n"
                                             "page 0 then 1000 0a1\n"
                                             "page 1\n");
}

static void an_offset_counts_records_without_filters(void **state)
{
    (void)state;
    const struct read_filter filter = {STR("state"), STR("EQUAL_TO"), STR("integer"),
                                       READ_VALUES(STR("2")), .described = STR("integer")};
    static const struct scripted steps[] = {
        {TABLE("0&sysparm_query=state%3D2%5EORDERBYsys_id&sysparm_fields=sys_id"), 200,
         .headers = "X-Total-Count: 1500\n", .body = "{\"result\":[]}"},
        {TABLE("1000&sysparm_query=ORDERBYsys_id&sysparm_fields=sys_id"), 200,
         .headers = "X-Total-Count: 9000\n", .body = "{\"result\":[{\"sys_id\":\"0a2\"}]}"},
        {TABLE("0&sysparm_query=sys_id%3E0a2%5Estate%3D2%5EORDERBYsys_id&sysparm_fields=sys_id"),
         200, .headers = "X-Total-Count: 1\n", .body = "{\"result\":[{\"sys_id\":\"0a3\"}]}"},
    };
    script.next = 0;
    assert_true(
        RUN(steps, TABLE_PROFILE, .fields = "sys_id", .filters = &filter, .filter_count = 1));
}

static void an_entity_that_is_not_there_is_told(void **state)
{
    (void)state;
    static const struct scripted table[] = {
        {TABLE("0&sysparm_query=ORDERBYsys_id"), 400,
         .body = "{\"error\":{\"message\":\"Invalid table incident\",\"detail\":null},"
                 "\"status\":\"failure\"}"}};
    assert_false(RUN(table, TABLE_PROFILE));
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 400, "Invalid table incident");
    static const struct scripted list[] = {
        {ZENDESK("sharks.json?page%5Bsize%5D=100"), 404,
         .body = "{\"error\":\"RecordNotFound\",\"description\":\"Not found\"}"}};
    script.next = 0;
    assert_false(
        RUN(list, ZENDESK_PROFILE, .source = "{\"object\":\"sharks\"}", .entity = "sharks"));
    assert_int_equal(script.verdict.kind, VERDICT_ABSENT);
    static const struct scripted page[] = {
        {TABLE("0&sysparm_query=ORDERBYsys_id"), 400, .body = "<html></html>"}};
    script.next = 0;
    assert_false(RUN(page, TABLE_PROFILE));
    assert_int_equal(script.verdict.kind, VERDICT_MISCONFIGURED);
}

static void keys_that_are_none_end_the_reading(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"result\":[{\"number\":\"1\"}]}",
        "{\"result\":[{\"sys_id\":\"a^ORactive=true\"}]}",
        "{\"result\":[{\"sys_id\":7}]}",
        "{\"result\":[{\"sys_id\":\"\"}]}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        const struct scripted steps[] = {{TABLE("0&sysparm_query=ORDERBYsys_id"), 200,
                                          .headers = "X-Total-Count: 2500\n", .body = bodies[i]}};
        assert_false(RUN(steps, TABLE_PROFILE));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                       "the last record of a page has no key to go on from");
        script.next = 0;
    }
    assert_false(script_read(&script, NULL, 0,
                             &(const struct read_asked){TABLE_PROFILE, .cursor = "0 a^b"}));
    assert_int_equal(script.verdict.kind, VERDICT_UNREACHABLE);
}

#define ENCODED(expected, field, operation, type, ...)                                             \
    assert_where(&script, "Servicenow",                                                            \
                 &(const struct read_filter){STR(field), STR(operation), STR(type),                \
                                             READ_VALUES(__VA_ARGS__)},                            \
                 expected)

static void values_stay_in_conditions_without_quotes(void **state)
{
    (void)state;
    ENCODED("number=INC001^ORnumber=INC002^", "number", "EQUAL_TO", "string", STR("INC001"),
            STR("INC002"));
    ENCODED("state>=2^", "state", "GREATER_THAN_OR_EQUAL_TO", "integer", STR("2"));
    ENCODED("opened_at>2023-11-13 22:13:20^opened_at<2023-11-15 22:13:21^", "opened_at", "BETWEEN",
            "glide_date_time", STR("1700000000000"), STR("1700000000001"));
    ENCODED("", "opened_at", "EQUAL_TO", "glide_date_time", STR("1700000000000"));
    ENCODED("", "number", "EQUAL_TO", "string", STR("1^ORactive=true"));
    ENCODED("", "number", "EQUAL_TO", "string", STR("javascript:gs.getUserID()"));
    ENCODED("", "number", "CONTAINS", "string", STR("a@b"));
    ENCODED("", "number", "EQUAL_TO", "string", STR("a\nb"));
    ENCODED("", "number", "NOT_EQUAL_TO", "string", STR("a"));
    ENCODED("", "number^ORx", "EQUAL_TO", "string", STR("a"));
    ENCODED("", "number", "EQUAL_TO", "string", STR("NULL"));
    ENCODED("", "number", "EQUAL_TO", "string", STR("a"), STR("null"));
    ENCODED("number=NULLS^", "number", "EQUAL_TO", "string", STR("NULLS"));
}

#define DESCRIBED(expected, operation, type, as, value)                                            \
    assert_where(&script, "Servicenow",                                                            \
                 &(const struct read_filter){STR("x"), STR(operation), STR(type),                  \
                                             READ_VALUES(STR(value)), .described = STR(as)},       \
                 expected)

/* The instance compares by the field's own type: a text with what a reference shows, a number
 * with the digits of a text. */
static void a_filter_of_another_kind_than_its_field_is_not_sent(void **state)
{
    (void)state;
#define ID "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    DESCRIBED("", "CONTAINS", "string", "reference", "0a1b");
    DESCRIBED("", "EQUAL_TO", "string", "reference", "Beth Anglin");
    DESCRIBED("x=" ID "^", "EQUAL_TO", "string", "reference", ID);
    DESCRIBED("x=" ID "^", "EQUAL_TO", "reference", "string", ID);
    DESCRIBED("", "EQUAL_TO", "integer", "string", "7");
    DESCRIBED("", "EQUAL_TO", "string", "integer", "7");
    DESCRIBED("x=7^", "EQUAL_TO", "decimal", "integer", "7");
    DESCRIBED("", "EQUAL_TO", "decimal", "integer", "7.5");
    DESCRIBED("", "GREATER_THAN", "datetime", "string", "2024-01-01T00:00:00Z");
    DESCRIBED("x>2023-12-31^", "GREATER_THAN", "datetime", "glide_date", "2024-01-01T00:00:00Z");
    DESCRIBED("", "EQUAL_TO", "string", "translated_text", "a");
    DESCRIBED("", "EQUAL_TO", "string", "", "a");
}

#define NEXUS_TIME(expected, operation, time)                                                      \
    assert_where(&script, "Infornexus",                                                            \
                 &(const struct read_filter){STR("modifyTimestamp"), STR(operation),               \
                                             STR("datetime"), READ_VALUES(STR(time))},             \
                 expected)

/* OQL's days are of a zone that is not known. */
static void days_of_an_unknown_zone_are_given_with_those_beside_them(void **state)
{
    (void)state;
    NEXUS_TIME("modifyTimestamp >= '2020-01-01'", "GREATER_THAN", "1577970000000");
    NEXUS_TIME("modifyTimestamp <= '2020-01-04'", "LESS_THAN", "1577970000000");
}

/* Not cut within a name, of which the vendor would leave out what it does not know. */
static void names_that_no_url_holds_are_refused_before_any_call(void **state)
{
    (void)state;
    struct str names[2000];
    for (size_t i = 0; i < 2000; i++)
        names[i] = arena_printf(&script.arena, "u_%038zu", i);
    const size_t counts[] = {2000, 700, 390};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        assert_false(script_read(
            &script, NULL, 0,
            &(const struct read_asked){TABLE_PROFILE, .names = names, .name_count = counts[i]}));
        assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                       "the query of all fields and filters is longer than a URL may be");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_export_begins_at_a_time_and_goes_on_by_its_cursor),
        TEST(a_list_is_followed_by_its_cursor),
        TEST(an_export_is_not_asked_for_what_is_too_new),
        TEST(a_table_is_read_behind_the_last_key),
        TEST(an_offset_counts_records_without_filters),
        TEST(an_entity_that_is_not_there_is_told),
        TEST(keys_that_are_none_end_the_reading),
        TEST(values_stay_in_conditions_without_quotes),
        TEST(a_filter_of_another_kind_than_its_field_is_not_sent),
        TEST(days_of_an_unknown_zone_are_given_with_those_beside_them),
        TEST(names_that_no_url_holds_are_refused_before_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
