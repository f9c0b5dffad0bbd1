/* Records that are written by a registered connector: each call to its function byte for byte, the
 * outcome of each record, which calls are made again, and functions that answer what cannot be
 * used.
 */
#include "custom_fixture.h"
#include "function_script.h"
#include "write_script.h"

#include <stdio.h>
#include <string.h>

#define BASIC_SECRET "{\"username\":\"u\",\"password\":\"p4ss\"}"
#define CONTEXT_OF(type, settings, more)                                                           \
    "\"connectorContext\":{\"connectorRuntimeSettings\":{" settings                                \
    "},\"credentials\":{\"secretArn\":\"" SCRIPT_SECRET_ARN                                        \
    ":copy\",\"authenticationType\":\"" type                                                       \
    "\"},\"apiVersion\":\"v2\",\"connectorProfileLabel\":\"p\"" more "}"
#define DEFINITION                                                                                 \
    "{\"entity\":{\"entityIdentifier\":\"Book\",\"hasNestedEntities\":false},\"fields\":[{"        \
    "\"fieldName\":\"id\",\"dataType\":\"String\"}]}"
#define DESCRIBED "{\"isSuccess\":true,\"entityDefinition\":" DEFINITION "}"
#define DESCRIBE_WITH(type, settings)                                                              \
    "{\"type\":\"DescribeEntityRequest\",\"entityIdentifier\":\"Book\"," CONTEXT_OF(               \
        type, settings, "") "}"
#define WRITE_WITH(type, settings, operation, ids, records)                                        \
    "{\"type\":\"WriteDataRequest\",\"entityIdentifier\":\"Book\"," CONTEXT_OF(                    \
        type, settings, ",\"entityDefinition\":" DEFINITION) ",\"operation\":\"" operation         \
                                                             "\"" ids ",\"records\":[" records     \
                                                             "],\"allOrNone\":false}"
#define DESCRIBE DESCRIBE_WITH("BasicAuth", URL_SETTING)
#define INSERT(records) WRITE_WITH("BasicAuth", URL_SETTING, "INSERT", "", records)
#define UPDATE(records)                                                                            \
    WRITE_WITH("BasicAuth", URL_SETTING, "UPDATE", ",\"idFieldNames\":[\"id\"]", records)
#define RESULTS(flag, rows, more)                                                                  \
    "{\"isSuccess\":" flag ",\"writeRecordResults\":[" rows "]" more "}"
#define GOOD(id) "{\"isSuccess\":true,\"recordId\":\"" id "\",\"errorMessage\":null}"
#define BAD(message) "{\"isSuccess\":false,\"recordId\":null,\"errorMessage\":\"" message "\"}"
#define DETAILS(code, text)                                                                        \
    "\"errorDetails\":{\"errorCode\":\"" code "\",\"errorMessage\":\"" text "\"}"
#define ERROR(code, text) "{\"isSuccess\":false," DETAILS(code, text) "}"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *run_with(const char *credentials, const char *properties,
                            struct write_asked *asked, const struct function_step *calls,
                            size_t count)
{
    struct function_script function = function_script_new(calls, count);
    asked->shape = "CustomConnectorDestinationProperties";
    asked->destination = asked->destination ? asked->destination : "{\"entityName\":\"Book\"}";
    asked->entity = "Book";
    asked->api_version = "v2";
    asked->id_field = asked->operation != WRITE_INSERT ? "id" : NULL;
    script.functions = &function.runner;
    script_run_with(&script, connector_of(usual), properties_of(properties),
                    credentials_of(credentials), NULL, script_write, asked);
    assert_int_equal(function.next, function.count);
    return write_outcomes(&script, asked);
}

#define RUN(calls, ...)                                                                            \
    run_with(BASIC, SETTINGS(URL_SETTING), &(struct write_asked){__VA_ARGS__}, (calls),            \
             COUNT(calls))
#define ONE WRITE_RECORDS(STR("{}"))
#define TWO WRITE_RECORDS(STR("{\"n\":1}"), STR("{\"n\":2}"))
#define TWO_SENT "\"{\\\"n\\\":1}\",\"{\\\"n\\\":2}\""
#define BEGUN                                                                                      \
    {                                                                                              \
        DESCRIBE, BASIC_SECRET, .answer = DESCRIBED                                                \
    }

/* --- outcomes --- */

static void records_are_written_as_they_are(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        BEGUN,
        {INSERT("\"{\\\"a\\\":12345678901234567890.10}\",\"{}\""), BASIC_SECRET,
         .answer = RESULTS("true", GOOD("1") "," GOOD(""), "")},
    };
    assert_string_equal(RUN(calls, .operation = WRITE_INSERT,
                            WRITE_RECORDS(STR("{\"a\":12345678901234567890.10}"), STR("{}"))),
                        "written 1\nwritten\n");
}

static void ids_and_the_settings_of_the_flow_are_said(void **state)
{
    (void)state;
#define BOTH URL_SETTING ",\"batch\":\"5\""
    static const struct function_step calls[] = {
        {DESCRIBE_WITH("BasicAuth", BOTH), BASIC_SECRET, .answer = DESCRIBED},
        {WRITE_WITH("BasicAuth", BOTH, "UPSERT", ",\"idFieldNames\":[\"id\"]", "\"{}\""),
         BASIC_SECRET, .answer = RESULTS("true", GOOD("1"), "")},
    };
    static const struct function_step none[1];
    assert_string_equal(
        RUN(calls, .operation = WRITE_UPSERT, ONE,
            .destination = "{\"entityName\":\"Book\",\"customProperties\":{\"batch\":\"5\"}}"),
        "written 1\n");
    struct write_asked asked = {
        .operation = WRITE_INSERT,
        ONE,
        .destination =
            "{\"entityName\":\"Book\",\"customProperties\":{\"instanceUrl\":\"https://y\"}}"};
    assert_string_equal(run_with(BASIC, SETTINGS(URL_SETTING), &asked, none, 0), "left\n");
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_SETTINGS, 0,
                   "customProperties of the flow's destination have instanceUrl, which is a "
                   "setting of the connector profile");
}

static void each_record_has_its_own_outcome(void **state)
{
    (void)state;
    static const struct function_step partial[] = {
        BEGUN,
        {INSERT(TWO_SENT), BASIC_SECRET,
         .answer = RESULTS("false", GOOD("1") "," BAD("p4ss is\\u0007 wrong"),
                           "," DETAILS("PartialWriteFailure", "one failed"))},
    };
    static const struct function_step within[] = {
        BEGUN,
        {INSERT(TWO_SENT), BASIC_SECRET,
         .answer = RESULTS("true", "{\"isSuccess\":false}," GOOD("2"), "")},
    };
    assert_string_equal(RUN(partial, .operation = WRITE_INSERT, TWO),
                        "written 1\nrefused [removed] is wrong\n");
    assert_string_equal(RUN(within, .operation = WRITE_INSERT, TWO),
                        "refused the vendor gives no reason\nwritten 2\n");
}

static void a_success_without_results_is_one_of_all(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "{\"isSuccess\":true}",
        "{\"isSuccess\":true,\"writeRecordResults\":null}",
        RESULTS("true", "", ""),
    };
    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct function_step calls[] = {
            BEGUN, {INSERT(TWO_SENT), BASIC_SECRET, .answer = answers[i]}};
        assert_string_equal(RUN(calls, .operation = WRITE_INSERT, TWO), "written\nwritten\n");
    }
}

/* --- parts --- */

/* The third call has what the first two leave. */
static void a_call_takes_200_records(void **state)
{
    (void)state;
    struct str *records = arena_array(&script.arena, struct str, 401);
    for (size_t i = 0; i < 401; i++)
        records[i] = STR("{}");
    static const struct function_step calls[] = {
        BEGUN,
        {NULL, BASIC_SECRET, .answer = "{\"isSuccess\":true}"},
        {NULL, BASIC_SECRET, .answer = "{\"isSuccess\":true}"},
        {INSERT("\"{}\""), BASIC_SECRET, .answer = RESULTS("true", GOOD("last"), "")},
    };
    struct write_asked asked = {.operation = WRITE_INSERT, .records = records, .count = 401};
    run_with(BASIC, SETTINGS(URL_SETTING), &asked, calls, COUNT(calls));
    assert_str(asked.outcomes[400].id, "last");
}

/* Control characters, which no record of this server has, become six times as long. */
static void a_request_past_6_mb_is_cut(void **state)
{
    (void)state;
    enum { LEN = 1000 * 1000 };
    struct str records[3];
    char *text = arena_take(&script.arena, LEN);
    memset(text, '\001', LEN);
    records[0] = (struct str){text, LEN / 2};
    records[1] = (struct str){text, LEN / 2};
    records[2] = (struct str){text, LEN};
    static const struct function_step calls[] = {
        BEGUN,
        {NULL, BASIC_SECRET, .answer = RESULTS("true", GOOD("1"), "")},
        {NULL, BASIC_SECRET, .answer = RESULTS("true", GOOD("2"), "")},
        {NULL, BASIC_SECRET, .answer = RESULTS("true", GOOD("3"), "")},
    };
    struct write_asked asked = {.operation = WRITE_INSERT, .records = records, .count = 3};
    assert_string_equal(run_with(BASIC, SETTINGS(URL_SETTING), &asked, calls, COUNT(calls)),
                        "written 1\nwritten 2\nwritten 3\n");
    static const struct function_step begun[] = {BEGUN};
    char *longer = arena_take(&script.arena, 2 * (size_t)LEN);
    memset(longer, '\001', 2 * (size_t)LEN);
    struct str one = {longer, 2 * (size_t)LEN};
    struct write_asked long_one = {.operation = WRITE_INSERT, .records = &one, .count = 1};
    assert_string_equal(run_with(BASIC, SETTINGS(URL_SETTING), &long_one, begun, COUNT(begun)),
                        "refused a request with this record would be longer than 6 MB\n");
}

/* --- answers that are lost --- */

/* An INSERT is made once; what finds its records by an id is made again. */
static void a_lost_answer_leaves_an_insert_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum function_outcome outcome;
    } rows[] = {
        {"It did not answer in time.", FUNCTION_TIMED_OUT},
        {"It raised an error.", FUNCTION_FAILED},
        {"Its process ended.", FUNCTION_CRASHED},
        {"Its answer is too long.", FUNCTION_TOO_LARGE},
        {"AWS Lambda could not be reached.", FUNCTION_UNREACHABLE},
        {"There is no memory for its answer.", FUNCTION_THROTTLED},
        {"not JSON", FUNCTION_ANSWERED},
        {"{}", FUNCTION_ANSWERED},
        {ERROR("ServerError", "no"), FUNCTION_ANSWERED},
        {ERROR("ServiceUnavailable", "no"), FUNCTION_ANSWERED},
        {ERROR("RequestTimeout", "no"), FUNCTION_ANSWERED},
        {ERROR("PartialWriteFailure", "no"), FUNCTION_ANSWERED},
        {ERROR("Own", "no"), FUNCTION_ANSWERED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct function_step calls[] = {
            BEGUN,
            {INSERT("\"{}\""), BASIC_SECRET, .answer = rows[i].answer, .outcome = rows[i].outcome}};
        assert_string_equal(RUN(calls, .operation = WRITE_INSERT, ONE), "unknown\n");
    }
    static const struct function_step update[] = {
        BEGUN,
        {UPDATE("\"{}\""), BASIC_SECRET, .answer = ERROR("ServerError", "no")},
        {UPDATE("\"{}\""), BASIC_SECRET, .answer = RESULTS("true", GOOD("1"), "")},
    };
    assert_string_equal(RUN(update, .operation = WRITE_UPDATE, ONE), "written 1\n");
}

static void a_refusal_of_the_whole_leaves_its_records(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum verdict_kind kind;
    } rows[] = {
        {"InvalidCredentials", VERDICT_REJECTED},   {"AccessDenied", VERDICT_FORBIDDEN},
        {"InvalidArgument", VERDICT_MISCONFIGURED}, {"ClientError", VERDICT_MISCONFIGURED},
        {"ResourceNotFoundError", VERDICT_ABSENT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char answer[256];
        snprintf(answer, sizeof(answer), ERROR("%s", "no"), rows[i].code);
        const struct function_step calls[] = {BEGUN,
                                              {INSERT("\"{}\""), BASIC_SECRET, .answer = answer}};
        assert_string_equal(RUN(calls, .operation = WRITE_INSERT, ONE), "left\n");
        assert_int_equal(script.verdict.kind, rows[i].kind);
    }
    static const struct function_step denied[] = {BEGUN,
                                                  {INSERT("\"{}\""), BASIC_SECRET,
                                                   .answer = "It may not be invoked.",
                                                   .outcome = FUNCTION_DENIED}};
    assert_string_equal(RUN(denied, .operation = WRITE_INSERT, ONE), "left\n");
}

static void a_limit_is_waited_for_unless_records_may_be_written(void **state)
{
    (void)state;
#define LIMITED "\"errorDetails\":{\"errorCode\":\"RateLimitExceeded\",\"retryAfterSeconds\":2}"
    static const struct function_step limited[] = {
        BEGUN,
        {INSERT("\"{}\""), BASIC_SECRET, .answer = "{\"isSuccess\":false," LIMITED "}"},
        {INSERT("\"{}\""), BASIC_SECRET, .answer = RESULTS("true", GOOD("1"), "")},
    };
    static const struct function_step half_way[] = {
        BEGUN,
        {INSERT(TWO_SENT), BASIC_SECRET,
         .answer = RESULTS("false", GOOD("1") "," BAD("limit"), "," LIMITED)},
    };
    assert_string_equal(RUN(limited, .operation = WRITE_INSERT, ONE), "written 1\n");
    assert_int_equal(script.paused_ms, 2000);
    assert_string_equal(RUN(half_way, .operation = WRITE_INSERT, TWO),
                        "written 1\nrefused limit\n");
    assert_int_equal(script.paused_ms, 2000);
}

static void results_that_do_not_fit_the_records_are_no_outcome(void **state)
{
    (void)state;
#define BROKEN "the answer of WriteData does not keep to the contract of connectors: "
    static const struct {
        const char *answer, *outcomes, *message;
    } rows[] = {
        {RESULTS("true", GOOD("1"), ""), "unknown\nunknown\n",
         BROKEN "/writeRecordResults: expected a list of 2 results, found a list of 1"},
        {RESULTS("true", GOOD("1") "," GOOD("2") "," GOOD("3"), ""), "unknown\nunknown\n",
         BROKEN "/writeRecordResults: expected a list of 2 results, found a list of 3"},
        {"{\"isSuccess\":true,\"writeRecordResults\":\"all\"}", "unknown\nunknown\n",
         BROKEN "/writeRecordResults: expected a list of 2 results, found \"all\""},
        {RESULTS("true", "7," GOOD("2"), ""), "unknown\nwritten 2\n",
         BROKEN "/writeRecordResults/0/isSuccess: expected a boolean, found nothing"},
        {RESULTS("true", "{\"isSuccess\":\"true\"}," GOOD("2"), ""), "unknown\nwritten 2\n",
         BROKEN "/writeRecordResults/0/isSuccess: expected a boolean, found \"true\""},
        {RESULTS("false", GOOD("1"), "," LIMITED), "unknown\nunknown\n",
         BROKEN "/writeRecordResults: expected a list of 2 results, found a list of 1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct function_step calls[] = {
            BEGUN, {INSERT(TWO_SENT), BASIC_SECRET, .answer = rows[i].answer}};
        assert_string_equal(RUN(calls, .operation = WRITE_INSERT, TWO), rows[i].outcomes);
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, rows[i].message);
    }
}

/* Ids and messages of any length and type: what is too long or no text counts as not given. */
static void endless_words_are_cut(void **state)
{
    (void)state;
    enum { LEN = 100 * 1000 };
    char *words = arena_alloc(&script.arena, LEN + 1);
    memset(words, 'a', LEN);
    const char *results = arena_printf(&script.arena,
                                       RESULTS("true",
                                               "{\"isSuccess\":false,\"errorMessage\":\"%s\"},"
                                               "{\"isSuccess\":true,\"recordId\":\"%s\"}",
                                               ""),
                                       words, words)
                              .data;
    const struct function_step calls[] = {BEGUN,
                                          {INSERT(TWO_SENT), BASIC_SECRET, .answer = results}};
    struct write_asked asked = {.operation = WRITE_INSERT, TWO};
    run_with(BASIC, SETTINGS(URL_SETTING), &asked, calls, COUNT(calls));
    assert_int_equal(asked.outcomes[0].end, WRITE_REFUSED);
    assert_true(asked.outcomes[0].message.len <= VERDICT_MESSAGE_MAX);
    assert_int_equal(asked.outcomes[1].end, WRITE_DONE);
    assert_null(asked.outcomes[1].id.data);
    static const struct function_step odd[] = {
        BEGUN,
        {INSERT(TWO_SENT), BASIC_SECRET,
         .answer = RESULTS("true",
                           "{\"isSuccess\":true,\"recordId\":7},"
                           "{\"isSuccess\":false,\"errorMessage\":{}}",
                           "")},
    };
    assert_string_equal(RUN(odd, .operation = WRITE_INSERT, TWO),
                        "written\nrefused the vendor gives no reason\n");
}

/* --- renewal --- */

/* The records that were written stay out of the call with the new token. */
static void a_refused_token_is_renewed_for_what_is_left(void **state)
{
    (void)state;
#define STALE "{\"accessToken\":\"st4le\",\"refreshToken\":\"r3fr3sh\"}"
#define FRESH "{\"accessToken\":\"fr3sh\",\"refreshToken\":\"r0tated\"}"
#define DESCRIBE_OAUTH DESCRIBE_WITH("OAuth2", URL_SETTING)
    struct str *records = arena_array(&script.arena, struct str, 201);
    for (size_t i = 0; i < 201; i++)
        records[i] = STR("{}");
    static const struct function_step calls[] = {
        {DESCRIBE_OAUTH, STALE, .answer = DESCRIBED},
        {NULL, STALE, .answer = "{\"isSuccess\":true}"},
        {WRITE_WITH("OAuth2", URL_SETTING, "INSERT", "", "\"{}\""), STALE,
         .answer = ERROR("InvalidCredentials", "expired")},
        {DESCRIBE_OAUTH, FRESH, .answer = DESCRIBED},
        {WRITE_WITH("OAuth2", URL_SETTING, "INSERT", "", "\"{}\""), FRESH,
         .answer = RESULTS("true", GOOD("last"), "")},
    };
    static const struct scripted steps[] = {
        {NULL, 200,
         .body = "{\"access_token\":\"fr3sh\",\"token_type\":\"Bearer\","
                 "\"refresh_token\":\"r0tated\"}"},
    };
    script.steps = steps;
    script.count = COUNT(steps);
    struct write_asked asked = {.operation = WRITE_INSERT, .records = records, .count = 201};
    run_with(OAUTH2(APP ",\"accessToken\":\"st4le\",\"refreshToken\":\"r3fr3sh\""),
             AT(TOKEN_URL, "AUTHORIZATION_CODE", AUDIENCE), &asked, calls, COUNT(calls));
    assert_str(asked.outcomes[200].id, "last");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_are_written_as_they_are),
        TEST(ids_and_the_settings_of_the_flow_are_said),
        TEST(each_record_has_its_own_outcome),
        TEST(a_success_without_results_is_one_of_all),
        TEST(a_call_takes_200_records),
        TEST(a_request_past_6_mb_is_cut),
        TEST(a_lost_answer_leaves_an_insert_unknown),
        TEST(a_refusal_of_the_whole_leaves_its_records),
        TEST(a_limit_is_waited_for_unless_records_may_be_written),
        TEST(results_that_do_not_fit_the_records_are_no_outcome),
        TEST(endless_words_are_cut),
        TEST(a_refused_token_is_renewed_for_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
