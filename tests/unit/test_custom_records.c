/* Records of a registered connector: each call to its function byte for byte, the pages that a run
 * gets of its answers, renewed tokens, and functions that answer what cannot be used. */
#include "custom_fixture.h"
#include "function_script.h"
#include "record_dump.h"

#include "connector/reading.h"
#include "record/json_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASIC_SECRET "{\"username\":\"u\",\"password\":\"p4ss\"}"
#define CONTEXT_OF(type, settings, more)                                                           \
    "\"connectorContext\":{\"connectorRuntimeSettings\":{" settings                                \
    "},\"credentials\":{\"secretArn\":\"" SCRIPT_SECRET_ARN                                        \
    ":copy\",\"authenticationType\":\"" type                                                       \
    "\"},\"apiVersion\":\"v2\",\"connectorProfileLabel\":\"p\"" more "}"
#define FIELD(name, type, read)                                                                    \
    "{\"fieldName\":\"" name "\",\"dataType\":\"" type "\",\"readProperties\":{" read "}}"
#define RETRIEVED "\"isRetrievable\":true,\"isQueryable\":true"
#define DEFINITION                                                                                 \
    "{\"entity\":{\"entityIdentifier\":\"Book\",\"hasNestedEntities\":false},\"fields\":[" FIELD(  \
        "id", "String", RETRIEVED) "," FIELD("pages", "Integer",                                   \
                                             RETRIEVED) "," FIELD("hidden", "String",              \
                                                                  "\"isRetrievable\":false") "]}"
#define DESCRIBED "{\"isSuccess\":true,\"entityDefinition\":" DEFINITION "}"
#define DESCRIBE_WITH(type, settings)                                                              \
    "{\"type\":\"DescribeEntityRequest\",\"entityIdentifier\":\"Book\"," CONTEXT_OF(               \
        type, settings, "") "}"
#define QUERY_WITH(type, settings, fields, filter, token)                                          \
    "{\"type\":\"QueryDataRequest\",\"entityIdentifier\":\"Book\"," CONTEXT_OF(                    \
        type, settings, ",\"entityDefinition\":" DEFINITION) ",\"selectedFieldNames\":[" fields    \
                                                             "]" filter                            \
                                                             ",\"maxResults\":1000" token "}"
#define DESCRIBE DESCRIBE_WITH("BasicAuth", URL_SETTING)
#define QUERY(token) QUERY_WITH("BasicAuth", URL_SETTING, "\"id\",\"pages\"", "", token)
#define TOKEN(token) ",\"nextToken\":\"" token "\""
#define RECORDS(rows, more) "{\"isSuccess\":true,\"records\":[" rows "]" more "}"
#define ERROR(code, text)                                                                          \
    "{\"isSuccess\":false,\"errorDetails\":{\"errorCode\":\"" code "\",\"errorMessage\":\"" text   \
    "\"}}"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- a run, as far as reading goes --- */

struct reading {
    struct read_query query;
    size_t pages_max;  /* it stops after so many */
    struct buf bodies; /* a line each */
    struct str cursor; /* of the page that would be next; STR_NULL: there is none */
    bool done;
};

/* The page's records are decoded as a run does it, which gives what stands beside them. */
static bool take(struct vendor_connection *connection, const struct connector *connector,
                 struct reading *reading, const struct read_page *page)
{
    const struct json_in_options options = {.path = page->path, .whole = true};
    struct record_decoder *decoder = json_in_new(&options);
    struct record_dump dump;
    bool found;
    assert_int_equal(page->format, READ_JSON);
    record_dump_page(decoder, page->body, (struct record_feed){0, 1000}, NULL, &dump);
    assert_true(dump.read);
    assert_int_equal(record_text(&dump.errors).len, 0);
    uint64_t records = 0;
    for (size_t i = 0; i < dump.records.len; i++)
        records += dump.records.data[i] == '\n';
    struct str rest = arena_copy(page->arena, json_in_rest(decoder, &found));
    assert_true(found);
    record_dump_done(&dump);
    decoder->ops->free(decoder);
    const struct read_page_end end = {page, reading->cursor, rest, records};
    return connector->ops->read_next(connection, &reading->query, &end, page->arena,
                                     &reading->cursor);
}

static void read_pages(struct script *self, const struct connector *connector,
                       const struct vendor_connection_config *config, void *argument)
{
    struct reading *reading = argument;
    struct vendor_connection *connection = vendor_connection_new(config);
    bool open = connector->ops->open(connection), more = open;
    for (size_t pages = 0; more && pages < reading->pages_max;) {
        struct read_page page = {.arena = &self->arena};
        if (connector->ops->read(connection, &reading->query, reading->cursor, &page)) {
            buf_printf(&reading->bodies, "%.*s\n", STR_ARG(page.body));
            reading->done = take(connection, connector, reading, &page) && !reading->cursor.data;
            more = reading->cursor.data && vendor_verdict(connection).kind == VERDICT_ACCEPTED;
            pages++;
        } else {
            more = vendor_state(connection) == VENDOR_STALE && vendor_renew(connection);
        }
    }
    vendor_close(connection);
    self->verdict = vendor_verdict(connection);
}

static struct reading reading_new(void)
{
    return (struct reading){
        .query = {.entity = STR("Book"), .api_version = STR("v2")},
        .pages_max = 100,
        .bodies = buf_in(&script.arena, SCRIPT_TEXT_MAX),
    };
}

static void run_with(struct reading *reading, const char *credentials, const char *properties,
                     const struct function_step *calls, size_t count)
{
    struct function_script function = function_script_new(calls, count);
    script.functions = &function.runner;
    script_run_with(&script, connector_of(usual), properties_of(properties),
                    credentials_of(credentials), NULL, read_pages, reading);
    assert_int_equal(function.next, function.count);
}

#define RUN(reading, calls) run_with((reading), BASIC, SETTINGS(URL_SETTING), (calls), COUNT(calls))

/* --- pages --- */

static void pages_are_read_to_the_last(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {DESCRIBE, BASIC_SECRET, .answer = DESCRIBED},
        {QUERY(""), BASIC_SECRET,
         .answer = RECORDS("\"{\\\"id\\\": \\\"1\\\",\\n \\\"n\\\":12345678901234567890123}\","
                           "\"{}\"",
                           TOKEN("a \\\"b\\\""))},
        {QUERY(TOKEN("a \\\"b\\\"")), BASIC_SECRET, .answer = RECORDS("", TOKEN("2"))},
        {QUERY(TOKEN("2")), BASIC_SECRET,
         .answer = RECORDS("\"{\\\"id\\\":\\\"3\\\",\\\"id\\\":null}\"", ",\"nextToken\":null")},
    };
    struct reading reading = reading_new();
    RUN(&reading, calls);
    assert_true(reading.done);
    assert_string_equal(reading.bodies.data,
                        "{\"nextToken\":\"a \\\"b\\\"\",\"records\":[{\"id\": \"1\",\n "
                        "\"n\":12345678901234567890123},{}]}\n"
                        "{\"nextToken\":\"2\",\"records\":[]}\n"
                        "{\"records\":[{\"id\":\"3\",\"id\":null}]}\n");
}

/* Over another connection, in another process, later. */
static void a_read_continues_at_its_cursor(void **state)
{
    (void)state;
    static const struct function_step begun[] = {
        {DESCRIBE, BASIC_SECRET, .answer = DESCRIBED},
        {QUERY(""), BASIC_SECRET, .answer = RECORDS("\"{}\"", TOKEN("1"))},
    };
    static const struct function_step continued[] = {
        {DESCRIBE, BASIC_SECRET, .answer = DESCRIBED},
        {QUERY(TOKEN("1")), BASIC_SECRET, .answer = RECORDS("\"{}\"", "")},
    };
    struct reading reading = reading_new();
    reading.pages_max = 1;
    RUN(&reading, begun);
    assert_false(reading.done);
    RUN(&reading, continued);
    assert_true(reading.done);
}

static void fields_filters_and_settings_of_the_flow_are_said(void **state)
{
    (void)state;
#define BOTH URL_SETTING ",\"batch\":\"5\""
    static const struct function_step calls[] = {
        {DESCRIBE_WITH("BasicAuth", BOTH), BASIC_SECRET, .answer = DESCRIBED},
        {QUERY_WITH("BasicAuth", BOTH, "\"pages\"", ",\"filterExpression\":\"pages > 100\"", ""),
         BASIC_SECRET, .answer = RECORDS("", "")},
    };
    static const struct str names[] = {STR("pages")}, hundred = STR("100"), text = STR("e");
    const struct read_filter filters[] = {
        {STR("pages"), STR("GREATER_THAN"), STR("integer"), &hundred, 1, STR_NULL},
        {STR("hidden"), STR("CONTAINS"), STR("string"), &text, 1, STR_NULL},
    };
    struct reading reading = reading_new();
    reading.query.properties =
        script_value(&script, "CustomConnectorSourceProperties",
                     "{\"entityName\":\"Book\",\"customProperties\":{\"batch\":\"5\"}}");
    reading.query.fields = names;
    reading.query.field_count = 1;
    reading.query.filters = filters;
    reading.query.filter_count = 2;
    RUN(&reading, calls);
    assert_true(reading.done);
}

/* With it the function would send the profile's credentials where the flow's author likes. */
static void a_setting_of_the_profile_is_none_of_a_flow(void **state)
{
    (void)state;
    static const char *const properties[] = {
        "{\"entityName\":\"Book\",\"customProperties\":{\"instanceUrl\":\"https://y\"}}",
        "{\"entityName\":\"Book\",\"customProperties\":{\"tier\":\"small\"}}",
    };
    static const struct function_step none[1];
    for (size_t i = 0; i < COUNT(properties); i++) {
        struct reading reading = reading_new();
        reading.query.properties =
            script_value(&script, "CustomConnectorSourceProperties", properties[i]);
        run_with(&reading, BASIC, SETTINGS(URL_SETTING), none, 0);
        char expected[256];
        snprintf(expected, sizeof(expected),
                 "customProperties of the flow's source have %s, which is a setting of the "
                 "connector profile",
                 i == 0 ? "instanceUrl" : "tier");
        assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_SETTINGS, 0, expected);
    }
}

/* --- answers that cannot be used --- */

static void check_fault(const char *answer, const char *message)
{
    const struct function_step calls[] = {
        {DESCRIBE, BASIC_SECRET, .answer = DESCRIBED},
        {QUERY(""), BASIC_SECRET, .answer = answer},
    };
    struct reading reading = reading_new();
    RUN(&reading, calls);
    assert_false(reading.done);
    assert_int_equal(reading.bodies.len, 0);
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, message);
}

static void a_record_that_is_none_is_named(void **state)
{
    (void)state;
#define BROKEN "the answer of QueryData does not keep to the contract of connectors: "
#define BAD(record, found) RECORDS("\"{}\"," record, ""), BROKEN "/records/1: expected " found
    check_fault(BAD("{\"id\":1}", "a string of at most 6291456 bytes, found an object"));
    check_fault(BAD("\"[{}]\"", "the text of a JSON object, found \"[{}]\""));
    check_fault(BAD("\"{},{}\"", "the text of a JSON object, found \"{},{}\""));
    check_fault(BAD("\"{}]\"", "the text of a JSON object, found \"{}]\""));
    check_fault(BAD("\"\"", "the text of a JSON object, found \"\""));
    check_fault(BAD("\"{\"", "the text of a JSON object, found \"{\""));
    check_fault(BAD("\"{\\\"a\\\":\\\"\\\\ud800\\\"}\"",
                    "the text of a JSON object, found \"{\"a\":\"\\ud800\"}\""));
    check_fault(RECORDS("", ",\"nextToken\":7"),
                BROKEN "/nextToken: expected a string of at most 2048 bytes, found a number");
}

static void records_past_the_limit_are_refused(void **state)
{
    (void)state;
    struct buf answer = buf_in(&script.arena, 1024 * 1024);
    buf_add_cstr(&answer, "{\"isSuccess\":true,\"records\":[\"{}\"");
    for (int i = 0; i < 10 * 1000; i++)
        buf_add_cstr(&answer, ",\"{}\"");
    buf_add_cstr(&answer, "]}");
    check_fault(answer.data, BROKEN "/records: expected a list of at most 10000 items, found a "
                                    "list of 10001");
}

static void a_page_that_leads_to_itself_ends_the_read(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {DESCRIBE, BASIC_SECRET, .answer = DESCRIBED},
        {QUERY(""), BASIC_SECRET, .answer = RECORDS("\"{}\"", TOKEN("1"))},
        {QUERY(TOKEN("1")), BASIC_SECRET, .answer = RECORDS("\"{}\"", TOKEN("1"))},
    };
    struct reading reading = reading_new();
    RUN(&reading, calls);
    assert_false(reading.done);
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "/nextToken: a page has the token that it was asked for with");
}

static void failures_of_the_function_are_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum function_outcome outcome;
        enum verdict_kind kind;
        const char *message;
    } rows[] = {
        {ERROR("AccessDenied", "p4ss may not"), FUNCTION_ANSWERED, VERDICT_FORBIDDEN,
         "AccessDenied: [removed] may not"},
        {ERROR("ResourceNotFoundError", "no books"), FUNCTION_ANSWERED, VERDICT_ABSENT,
         "ResourceNotFoundError: no books"},
        {ERROR("InvalidCredentials", "no"), FUNCTION_ANSWERED, VERDICT_REJECTED,
         "InvalidCredentials: no"},
        {"It raised KeyError.", FUNCTION_FAILED, VERDICT_UNREACHABLE, "It raised KeyError."},
        {"It did not answer.", FUNCTION_TIMED_OUT, VERDICT_UNREACHABLE, "It did not answer."},
        {"It is too long.", FUNCTION_TOO_LARGE, VERDICT_UNREACHABLE, "It is too long."},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct function_step calls[] = {
            {DESCRIBE, BASIC_SECRET, .answer = DESCRIBED},
            {QUERY(""), BASIC_SECRET, .answer = rows[i].answer, .outcome = rows[i].outcome},
        };
        struct reading reading = reading_new();
        RUN(&reading, calls);
        assert_verdict(&script, rows[i].kind, STEP_API, 0, rows[i].message);
    }
}

static void a_throttled_page_is_asked_for_again(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {DESCRIBE, BASIC_SECRET, .answer = DESCRIBED},
        {QUERY(""), BASIC_SECRET,
         .answer = "{\"isSuccess\":false,\"errorDetails\":{\"errorCode\":\"RateLimitExceeded\","
                   "\"errorMessage\":\"slow\",\"retryAfterSeconds\":2}}"},
        {QUERY(""), BASIC_SECRET, .answer = RECORDS("\"{}\"", "")},
    };
    struct reading reading = reading_new();
    RUN(&reading, calls);
    assert_true(reading.done);
    assert_int_equal(script.paused_ms, 2000);
}

static void an_entity_that_is_not_there_is_absent(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {DESCRIBE, BASIC_SECRET, .answer = ERROR("ResourceNotFoundError", "no Book")},
    };
    struct reading reading = reading_new();
    RUN(&reading, calls);
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 0, "ResourceNotFoundError: no Book");
}

/* --- OAuth 2 --- */

static void a_refused_token_is_renewed_and_the_same_page_is_read(void **state)
{
    (void)state;
#define STALE "{\"accessToken\":\"st4le\"}"
#define FRESH "{\"accessToken\":\"fr3sh\"}"
#define OAUTH_QUERY(token) QUERY_WITH("OAuth2", URL_SETTING, "\"id\",\"pages\"", "", token)
    static const struct function_step calls[] = {
        {DESCRIBE_WITH("OAuth2", URL_SETTING), STALE, .answer = DESCRIBED},
        {OAUTH_QUERY(""), STALE, .answer = RECORDS("\"{}\"", TOKEN("1"))},
        {OAUTH_QUERY(TOKEN("1")), STALE, .answer = ERROR("InvalidCredentials", "expired")},
        {DESCRIBE_WITH("OAuth2", URL_SETTING), FRESH, .answer = DESCRIBED},
        {OAUTH_QUERY(TOKEN("1")), FRESH, .answer = RECORDS("\"{\\\"id\\\":2}\"", "")},
    };
    static const struct scripted steps[] = {
        {NULL, 200, .body = "{\"access_token\":\"fr3sh\",\"token_type\":\"Bearer\"}"},
    };
    struct reading reading = reading_new();
    script.steps = steps;
    script.count = COUNT(steps);
    run_with(&reading, OAUTH2(APP ",\"accessToken\":\"st4le\""),
             AT(TOKEN_URL, "CLIENT_CREDENTIALS", AUDIENCE), calls, COUNT(calls));
    assert_true(reading.done);
    assert_string_equal(reading.bodies.data, "{\"nextToken\":\"1\",\"records\":[{}]}\n"
                                             "{\"records\":[{\"id\":2}]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_read_to_the_last),
        TEST(a_read_continues_at_its_cursor),
        TEST(fields_filters_and_settings_of_the_flow_are_said),
        TEST(a_setting_of_the_profile_is_none_of_a_flow),
        TEST(a_record_that_is_none_is_named),
        TEST(records_past_the_limit_are_refused),
        TEST(a_page_that_leads_to_itself_ends_the_read),
        TEST(failures_of_the_function_are_verdicts),
        TEST(a_throttled_page_is_asked_for_again),
        TEST(an_entity_that_is_not_there_is_absent),
        TEST(a_refused_token_is_renewed_and_the_same_page_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
