/* Reading by jobs: how one is made, waited for, read and ended, when it takes over from a list of
 * pages, and how it ends at a vendor that misbehaves. */
#include "read_script.h"

#include "connector/http/read_source.h"

#include <string.h>

#define HOST "https://acme.my.salesforce.com"
#define JOBS HOST "/services/data/v58.0/jobs/query"
#define PROFILE                                                                                    \
    .type = "Salesforce", .properties = "{\"instanceUrl\":\"" HOST "\"}",                          \
    .credentials = "{\"accessToken\":\"t0ken\",\"refreshToken\":\"r3fresh\"}"
#define BULK(more)                                                                                 \
    PROFILE, .source = "{\"object\":\"Account\",\"dataTransferApi\":\"BULKV2\"" more "}",          \
             .entity = "Account", .fields = "Id,Name"
#define ACCOUNTS BULK("")
#define AUTH "Authorization: Bearer t0ken\n"
#define CREATE_OF(operation, query)                                                                \
    "POST " JOBS "\nAccept: application/json\nContent-Type: application/json\n" AUTH "\n"          \
    "{\"operation\":\"" operation "\",\"query\":\"" query "\",\"contentType\":\"CSV\","            \
    "\"columnDelimiter\":\"COMMA\",\"lineEnding\":\"LF\"}"
#define CREATE CREATE_OF("query", "SELECT Id,Name FROM Account")
#define POLL "GET " JOBS "/750A\nAccept: application/json\n" AUTH "\n"
#define RESULTS_OF(size, locator)                                                                  \
    "GET " JOBS "/750A/results?maxRecords=" size locator "\nAccept: text/csv\n" AUTH "\n"
#define RESULTS RESULTS_OF("20000", "")
#define MORE RESULTS_OF("20000", "&locator=Mg")
#define ABORT                                                                                      \
    "PATCH " JOBS "/750A\nAccept: application/json\nContent-Type: application/json\n" AUTH "\n"    \
    "{\"state\":\"Aborted\"}"
#define REMOVE "DELETE " JOBS "/750A\nAccept: application/json\n" AUTH "\n"
#define STATE(name) "{\"id\":\"750A\",\"state\":\"" name "\"}"
#define CREATED                                                                                    \
    {                                                                                              \
        CREATE, 200, .body = STATE("UploadComplete")                                               \
    }
#define RUNS                                                                                       \
    {                                                                                              \
        POLL, 200, .body = STATE("InProgress")                                                     \
    }
#define DONE                                                                                       \
    {                                                                                              \
        POLL, 200, .body = STATE("JobComplete")                                                    \
    }
#define CSV(count, locator)                                                                        \
    .headers =                                                                                     \
        "Content-Type: text/csv\nSforce-NumberOfRecords: " count "\nSforce-Locator: " locator "\n"
#define PAGE_1 "\"Id\",\"Name\"\n\"1\",\"A, \"\"b\"\"\nc\"\n\"2\",\"\"\n"
#define PAGE_2 "\"Id\",\"Name\"\n\"3\",\"C\"\n"
#define LOST                                                                                       \
    404, .body = "[{\"errorCode\":\"NOT_FOUND\","                                                  \
                 "\"message\":\"The requested resource does not exist\"}]"

static struct script script;

#define RUN(steps, ...) SCRIPT_READ(&script, steps, __VA_ARGS__)

static void a_job_is_made_waited_for_and_read(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        CREATED,
        RUNS,
        RUNS,
        DONE,
        {RESULTS, 200, CSV("2", "Mg"), .body = PAGE_1},
        {MORE, 200, CSV("1", "null"), .body = PAGE_2},
    };
    assert_true(RUN(steps, ACCOUNTS));
    assert_string_equal(script_log(&script), "step 0 then job 750A wait 0 0\n"
                                             "page 2 then job 750A at 20000 Mg\n"
                                             "page 1\n");
    assert_int_equal(script.paused_ms, 250 + 500);
}

static void a_long_pause_is_the_callers(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        RUNS, RUNS, RUNS, RUNS, RUNS, DONE, {RESULTS, 200, CSV("1", "null"), .body = PAGE_2},
    };
    assert_true(RUN(steps, ACCOUNTS, .cursor = "job 750A wait 0 0"));
    assert_string_equal(script_log(&script), "step 0 then job 750A wait 0 3\n"
                                             "step 0 then job 750A wait 0 4\n"
                                             "step 0 then job 750A wait 0 5\n"
                                             "page 1\n");
    assert_int_equal(script.pauses, 2);
    assert_int_equal(script.paused_ms, 250 + 500 + 1000 + 2000 + 4000);
}

static void deleted_records_and_filters_are_part_of_the_query(void **state)
{
    (void)state;
    const struct read_filter filters[] = {{STR("Name"), STR("EQUAL_TO"), STR("string"),
                                           READ_VALUES(STR("a\"\\")), .described = STR("string")}};
    static const struct scripted steps[] = {
        {CREATE_OF("queryAll", "SELECT Id,Name FROM Account WHERE Name = 'a\\\\\\\"\\\\\\\\'"), 200,
         .body = STATE("UploadComplete")},
        DONE,
        {RESULTS, 200, CSV("1", "null"), .body = PAGE_2},
    };
    assert_true(
        RUN(steps, BULK(",\"includeDeletedRecords\":true"), .filters = filters, .filter_count = 1));
}

static void fields_that_jobs_do_not_have_are_left_out_of_all_fields(void **state)
{
    (void)state;
    static const struct str types[] = {STR("id"), STR("address"), STR("string")};
    static const struct scripted steps[] = {
        CREATED, DONE, {RESULTS, 200, CSV("1", "null"), .body = PAGE_2}};
    assert_true(RUN(steps, PROFILE,
                    .source = "{\"object\":\"Account\",\"dataTransferApi\":\"BULKV2\"}",
                    .entity = "Account", .fields = "Id,BillingAddress,Name", .types = types));
}

static void a_later_try_goes_on_with_the_same_job(void **state)
{
    (void)state;
    static const struct scripted waiting[] = {DONE,
                                              {RESULTS, 200, CSV("1", "null"), .body = PAGE_2}};
    assert_true(RUN(waiting, ACCOUNTS, .cursor = "job 750A wait 0 7"));
    static const struct scripted reading[] = {{MORE, 200, CSV("1", "null"), .body = PAGE_2}};
    assert_true(RUN(reading, ACCOUNTS, .cursor = "job 750A at 20000 Mg"));
    assert_string_equal(script_log(&script), "page 1\npage 1\n");
}

static void a_job_that_the_vendor_forgot_is_made_again(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {POLL, LOST}, CREATED, DONE, {RESULTS, LOST}, CREATED, {POLL, LOST},
    };
    assert_false(RUN(steps, ACCOUNTS, .cursor = "job 750A wait 0 7"));
    assert_string_equal(script_log(&script), "step 0 then job 750A wait 1 0\n"
                                             "step 0 then job 750A wait 2 0\n");
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "the query job 750A is no longer known to the vendor");
}

static void a_job_that_is_forgotten_while_it_is_read_ends_the_reading(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{MORE, LOST}};
    assert_false(RUN(steps, ACCOUNTS, .cursor = "job 750A at 20000 Mg"));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "the query job 750A is no longer known to the vendor");
    assert_str(script.verdict.hint, "A part of its records was read. Run the flow again.");
}

static void a_job_that_fails_says_why(void **state)
{
    (void)state;
    static const struct scripted failed[] = {
        CREATED,
        {POLL, 200,
         .body = "{\"id\":\"750A\",\"state\":\"Failed\",\"errorMessage\":\"QUERY_TIMEOUT: Your "
                 "query request was running for too long. Bearer t0ken\"}"},
    };
    assert_false(RUN(failed, ACCOUNTS));
    assert_non_null(strstr(arena_cstr(&script.arena, script.verdict.message),
                           "the query job 750A ended as Failed: QUERY_TIMEOUT: Your query request "
                           "was running for too long."));
    assert_null(strstr(arena_cstr(&script.arena, script.verdict.message), "t0ken"));
    static const struct scripted aborted[] = {CREATED, {POLL, 200, .body = STATE("Aborted")}};
    assert_false(RUN(aborted, ACCOUNTS));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "the query job 750A ended as Aborted");
    static const struct scripted without[] = {CREATED, {POLL, 200, .body = "{}"}};
    assert_false(RUN(without, ACCOUNTS));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the query job's state cannot be read");
    static const struct scripted refused[] = {
        {CREATE, 400,
         .body = "[{\"errorCode\":\"API_ERROR\",\"message\":\"Selecting compound data not "
                 "supported in Bulk Query\"}]"}};
    assert_false(RUN(refused, ACCOUNTS));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 400,
                   "Selecting compound data not supported in Bulk Query");
}

static void a_job_that_never_ends_is_given_up(void **state)
{
    (void)state;
    static struct scripted steps[READ_JOB_POLLS_MAX];
    for (size_t i = 0; i < READ_JOB_POLLS_MAX; i++)
        steps[i] = (struct scripted)RUNS;
    script.log = buf_in(&script.arena, 1024 * 1024);
    assert_false(RUN(steps, ACCOUNTS, .cursor = "job 750A wait 0 0"));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "the query job 750A has not ended in a day");
}

static void pages_that_lead_astray_end_the_reading(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *body, *words;
        enum verdict_kind kind;
    } rows[] = {
        {"Sforce-NumberOfRecords: 1\nSforce-Locator: Mg\n", PAGE_2,
         "the vendor gives the same next page twice", VERDICT_UNREACHABLE},
        {"Sforce-NumberOfRecords: 2\nSforce-Locator: Mw\n", PAGE_2,
         "the page has not as many records as the vendor says", VERDICT_UNREACHABLE},
        {"Sforce-NumberOfRecords: 1\nSforce-Locator: Mw\n", "\"Id\",\"Name\"\n\"3\",\"C",
         "the page has not as many records as the vendor says", VERDICT_UNREACHABLE},
        {"Sforce-Locator: Mw\n", PAGE_2, "the vendor does not say how many records the page has",
         VERDICT_UNREACHABLE},
        {"Sforce-NumberOfRecords: 1\n", PAGE_2, "the vendor does not say where the next page is",
         VERDICT_UNREACHABLE},
        {"Sforce-NumberOfRecords: 1\nSforce-Locator: a b\n", PAGE_2,
         "the vendor does not say where the next page is", VERDICT_UNREACHABLE},
        {"Sforce-NumberOfRecords: 1\nSforce-Locator: Mw\n", "{\"records\":[]}",
         "the response is not CSV", VERDICT_MISCONFIGURED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct scripted steps[] = {
            {MORE, 200, .headers = rows[i].headers, .body = rows[i].body}};
        assert_false(RUN(steps, ACCOUNTS, .cursor = "job 750A at 20000 Mg"));
        assert_int_equal(script.verdict.kind, rows[i].kind);
        assert_str(script.verdict.message, rows[i].words);
    }
}

static void cursors_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const cursors[] = {
        "job 750A",         "job 750A wait 0",       "job 750A wait 0 x",      "job 750A wait 99 0",
        "job 750A at 0 Mg", "job 750A at 20000 a b", "job ../limits wait 0 0", "/services/data",
    };
    for (size_t i = 0; i < sizeof(cursors) / sizeof(*cursors); i++) {
        assert_false(script_read(&script, NULL, 0,
                                 &(const struct read_asked){ACCOUNTS, .cursor = cursors[i]}));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                       "the place to go on from cannot be read");
    }
}

static void of_a_page_past_the_limit_a_quarter_is_asked_for(void **state)
{
    (void)state;
    size_t size = READ_PAGE_MAX + 1;
    char *body = arena_alloc(&script.arena, size + 1);
    memset(body, 'x', size);
    const struct scripted steps[] = {
        {RESULTS_OF("20000", "&locator=Mg"), 200, .body = body},
        {RESULTS_OF("5000", "&locator=Mg"), 200, .body = body},
        {RESULTS_OF("1250", "&locator=Mg"), 200, CSV("1", "Mw"), .body = PAGE_2},
        {RESULTS_OF("1250", "&locator=Mw"), 200, CSV("1", "null"), .body = PAGE_2},
    };
    assert_true(RUN(steps, ACCOUNTS, .cursor = "job 750A at 20000 Mg"));
    assert_string_equal(script_log(&script), "page 1 then job 750A at 1250 Mw\npage 1\n");
    const struct scripted endless[] = {
        {RESULTS_OF("200", "&locator=Mg"), 200, .body = body},
        {RESULTS_OF("50", "&locator=Mg"), 200, .body = body},
    };
    assert_false(RUN(endless, ACCOUNTS, .cursor = "job 750A at 200 Mg"));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "the page of records is longer than 16 MiB");
}

static void a_token_that_ends_on_the_way_is_renewed(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {MORE, 401,
         .body = "[{\"message\":\"Session expired or invalid\","
                 "\"errorCode\":\"INVALID_SESSION_ID\"}]"},
        {"POST " HOST "/services/oauth2/token\nAccept: application/json\n"
         "Content-Type: application/x-www-form-urlencoded\n\n"
         "grant_type=refresh_token&refresh_token=r3fresh&client_id=app-id"
         "&client_secret=app-secret",
         200, .body = "{\"access_token\":\"new-token\",\"instance_url\":\"" HOST "\"}"},
        {"GET " JOBS "/750A/results?maxRecords=20000&locator=Mg\nAccept: text/csv\n"
         "Authorization: Bearer new-token\n\n",
         200, CSV("1", "null"), .body = PAGE_2},
    };
    script.app_secret = "app-secret";
    assert_true(RUN(steps, ACCOUNTS, .cursor = "job 750A at 20000 Mg"));
}

/* --- AUTOMATIC --- */

#define LIST_CALL                                                                                  \
    "GET " HOST "/services/data/v58.0/query?q=SELECT%20Id%2CName%20FROM%20Account\n"               \
    "Accept: application/json\n" AUTH "\n"
#define LIST_OF(total)                                                                             \
    {                                                                                              \
        LIST_CALL, 200,                                                                            \
            .body = "{\"totalSize\":" total ",\"done\":true,\"records\":["                         \
                    "{\"Id\":\"1\",\"Name\":\"\\\"totalSize\\\":1000000\"}]}"                      \
    }
#define AUTOMATIC                                                                                  \
    PROFILE, .source = "{\"object\":\"Account\"}", .entity = "Account", .fields = "Id,Name"

static void many_records_are_read_by_a_job(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        LIST_OF("1000000"),
        CREATED,
        DONE,
        {RESULTS, 200, CSV("1", "Mg"), .body = PAGE_2},
        {MORE, 200, CSV("1", "null"), .body = PAGE_2},
    };
    assert_true(RUN(steps, AUTOMATIC));
    assert_string_equal(script_log(&script), "step 0 then job 750A wait 0 0\n"
                                             "page 1 then job 750A at 20000 Mg\n"
                                             "page 1\n");
}

static void fewer_records_are_read_without_a_job(void **state)
{
    (void)state;
    static const struct scripted few[] = {LIST_OF("999999")};
    assert_true(RUN(few, AUTOMATIC));
    static const struct scripted forced[] = {LIST_OF("1000000")};
    assert_true(RUN(forced, PROFILE, .entity = "Account", .fields = "Id,Name",
                    .source = "{\"object\":\"Account\",\"dataTransferApi\":\"REST_SYNC\"}"));
    static const struct scripted refused[] = {
        LIST_OF("1000000"),
        {CREATE, 400,
         .body = "[{\"errorCode\":\"API_ERROR\",\"message\":\"Selecting compound data not "
                 "supported in Bulk Query\"}]"},
    };
    assert_true(RUN(refused, AUTOMATIC));
    assert_string_equal(script_log(&script), "page 1\npage 1\npage 1\n");
}

/* --- the end --- */

static void a_job_is_removed(void **state)
{
    (void)state;
    static const struct scripted done[] = {{REMOVE, 204, .body = ""}};
    assert_true(RUN(done, ACCOUNTS, .cursor = "job 750A at 20000 Mg", .ends = true));
    static const struct scripted waiting[] = {{ABORT, 200, .body = STATE("Aborted")},
                                              {REMOVE, 204, .body = ""}};
    assert_true(RUN(waiting, ACCOUNTS, .cursor = "job 750A wait 0 3", .ends = true));
    static const struct scripted complete[] = {
        {ABORT, 400, .body = "[{\"errorCode\":\"INVALIDJOBSTATE\",\"message\":\"no\"}]"},
        {REMOVE, 204, .body = ""}};
    assert_true(RUN(complete, AUTOMATIC, .cursor = "job 750A wait 0 3", .ends = true));
    static const struct scripted lost[] = {{REMOVE, LOST}};
    assert_true(RUN(lost, ACCOUNTS, .cursor = "job 750A at 20000 Mg", .ends = true));
    assert_true(script_read(
        &script, NULL, 0,
        &(const struct read_asked){AUTOMATIC, .cursor = "/services/data/x", .ends = true}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_made_waited_for_and_read),
        TEST(a_long_pause_is_the_callers),
        TEST(deleted_records_and_filters_are_part_of_the_query),
        TEST(fields_that_jobs_do_not_have_are_left_out_of_all_fields),
        TEST(a_later_try_goes_on_with_the_same_job),
        TEST(a_job_that_the_vendor_forgot_is_made_again),
        TEST(a_job_that_is_forgotten_while_it_is_read_ends_the_reading),
        TEST(a_job_that_fails_says_why),
        TEST(a_job_that_never_ends_is_given_up),
        TEST(pages_that_lead_astray_end_the_reading),
        TEST(cursors_that_are_none_are_refused),
        TEST(of_a_page_past_the_limit_a_quarter_is_asked_for),
        TEST(a_token_that_ends_on_the_way_is_renewed),
        TEST(many_records_are_read_by_a_job),
        TEST(fewer_records_are_read_without_a_job),
        TEST(a_job_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
