/* Entities that are written to a scripted SAP system: each call byte for byte, the token against
 * forged requests, the forms of values and keys in both versions of OData, and what is kept. */
#include "write_script.h"

#include "connector/http/write_source.h"

#include <string.h>

#define HOST "https://sap.acme.example"
#define SERVICE "/sap/opu/odata/sap/S"
#define BASIC "Authorization: Basic dTpwMQ==\n"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define DESCRIBED(version)                                                                         \
    "<Edmx Version=\"" version "\"><EntityType Name=\"T\"><Key><PropertyRef Name=\"K\"/>"          \
    "<PropertyRef Name=\"D\"/></Key><Property Name=\"K\" Type=\"Edm.String\"/>"                    \
    "<Property Name=\"D\" Type=\"Edm." TIME "\"/><Property Name=\"A\" Type=\"Edm.Decimal\"/>"      \
    "<Property Name=\"N\" Type=\"Edm.Int32\"/><Property Name=\"F\" Type=\"Edm.Boolean\"/>"         \
    "<Property Name=\"R\" Type=\"Edm.Double\"/></EntityType>"                                      \
    "<EntitySet Name=\"Set\" EntityType=\"x.T\"/></Edmx>"
#define ASK_METADATA                                                                               \
    "GET " HOST SERVICE "/$metadata?sap-client=100\nAccept: application/xml\n" BASIC "\n"
#define ASK_TOKEN                                                                                  \
    "GET " HOST SERVICE "/?sap-client=100\nAccept: application/json\n" BASIC                       \
    "X-CSRF-Token: Fetch\n\n"
#define TOKEN(number)                                                                              \
    "x-csrf-token: t0ken-" number "\nSet-Cookie: SAP_SESSIONID=s3ss10n-0000000" number             \
    "; path=/\nSet-Cookie: sap-usercontext=sap-client=100; path=/\n"
#define WRITE(verb, path, more, number, extra, body)                                               \
    verb " " HOST SERVICE "/" path "?sap-client=100\nAccept: application/json\nContent-Type: "     \
         "application/json" more "\n" BASIC "X-CSRF-Token: t0ken-" number                          \
         "\nCookie: SAP_SESSIONID=s3ss10n-0000000" number                                          \
         "; sap-usercontext=sap-client=100\n" extra "\n" body
#define TIME "DateTime"
static const char described_2[] = DESCRIBED("1.0");
#undef TIME
#define TIME "Date"
static const char described_4[] = DESCRIBED("4.0");
#undef TIME

static struct script script;
static struct arena handed_out;

static const char *run(const struct scripted *steps, size_t count, struct write_asked *asked)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    asked->entity = SERVICE "/Set";
    asked->texts = &handed_out;
    arena_reset(&handed_out);
    script_run_with(
        &script, connector_by_type(STR("SAPOData")),
        script_part(&script, "SAPOData", "Properties",
                    "{\"applicationHostUrl\":\"" HOST
                    "\",\"applicationServicePath\":\"/catalog\",\"portNumber\":443,"
                    "\"clientNumber\":\"100\"}"),
        script_part(&script, "SAPOData", "Credentials",
                    "{\"basicAuthCredentials\":{\"username\":\"u\",\"password\":\"p1\"}}"),
        NULL, script_write, asked);
    return write_outcomes(&script, asked);
}

#define RUN(steps, ...) run(steps, COUNT(steps), &(struct write_asked){__VA_ARGS__})
#define KEYED "{\"K\":\"k\",\"D\":\"2024-02-29\"}"
#define BAD(text) "{\"error\":{\"code\":\"E/1\",\"message\":{\"value\":\"" text "\"}}}"

static void version_2_has_forms_of_its_own(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ASK_METADATA, 200, .body = described_2},
        {ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{\"d\":{}}"},
        {WRITE("POST", "Set", "", "1", "",
               "{\"K\":\"7\",\"D\":\"/Date(1709164800000)/\",\"A\":\"12.50\",\"N\":3,\"F\":true,"
               "\"R\":\"0.5\",\"to_Item\":[{\"D\":\"2024\"}]}"),
         201, .headers = "Location: " HOST SERVICE "/Set('x')\n", .body = "{\"d\":{\"K\":\"7\"}}"},
        {WRITE("POST", "Set", "", "1", "", "{\"A\":null}"), 400, .body = BAD("no t0ken-1")},
    };
    assert_string_equal(
        RUN(steps, .operation = WRITE_INSERT,
            WRITE_RECORDS(STR("{\"K\":7,\"D\":\"2024-02-29\",\"A\":12.50,\"N\":\"3\",\"F\":"
                              "\"true\",\"R\":0.5,\"to_Item\":[{\"D\":\"2024\"}]}"),
                          STR("{\"A\":null}"))),
        "written Set('x')\nrefused E/1: no [removed]\n");
}

static void version_4_keeps_digits_and_times(void **state)
{
    (void)state;
#define JSON_4 ";charset=UTF-8;IEEE754Compatible=true"
    static const struct scripted steps[] = {
        {ASK_METADATA, 200, .body = described_4},
        {ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{\"value\":[]}"},
        {WRITE("PATCH", "Set(K='L%C3%A9''A%2Fb',D=2024-02-29)", JSON_4, "1", "If-Match: *\n",
               "{\"A\":\"9007199254740993\",\"R\":0.5}"),
         204, .body = ""},
        {WRITE("PATCH", "Set(K='n',D=2024-02-29)", JSON_4, "1", "If-Match: *\n", "{}"), 412,
         .body = "{\"error\":{\"code\":\"412\",\"message\":\"no such\"}}"},
        {WRITE("POST", "Set", JSON_4, "1", "", "{\"K\":\"n\",\"D\":\"2024-02-29\"}"), 201,
         .body = "{}"},
    };
    assert_string_equal(
        RUN(steps, .operation = WRITE_UPSERT, .id_field = "K",
            WRITE_RECORDS(STR("{\"K\":\"L\\u00e9'A/b\",\"D\":\"2024-02-29\",\"A\":"
                              "9007199254740993,\"R\":\"0.5\"}"),
                          STR("{\"K\":\"n\",\"D\":\"2024-02-29\"}"), STR("{\"K\":\"n\"}"))),
        "written\nwritten\nrefused the record has no value of a key of the entity set\n");
}

/* Nothing was done by then, so an INSERT is sent again, too; but once. */
static void a_token_that_ended_is_got_again(void **state)
{
    (void)state;
#define POST(number) WRITE("POST", "Set", "", number, "", "{}")
#define ENDED .headers = "x-csrf-token: Required\n", .body = "CSRF token validation failed"
    static const struct scripted steps[] = {
        {ASK_METADATA, 200, .body = described_2},
        {ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{\"d\":{}}"},
        {POST("1"), 403, ENDED},
        {ASK_TOKEN, 200, .headers = TOKEN("2"), .body = "{\"d\":{}}"},
        {POST("2"), 201, .body = "{\"d\":{}}"},
        {POST("2"), 403, ENDED},
        {ASK_TOKEN, 200, .headers = TOKEN("3"), .body = "{\"d\":{}}"},
        {POST("3"), 403, ENDED},
    };
    assert_string_equal(RUN(steps, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"), STR("{}"))),
                        "written\nleft\n");
    assert_verdict(&script, VERDICT_FORBIDDEN, STEP_API, 403,
                   "the system refuses the CSRF token that it has given");
}

static void what_concerns_the_call_ends_the_batch(void **state)
{
    (void)state;
    static const struct {
        struct scripted answer;
        const char *outcome;
        enum verdict_kind kind;
    } rows[] = {
        {{NULL, 500, .body = BAD("dump")}, "unknown\nleft\n", VERDICT_UNREACHABLE},
        {{NULL, 403, .body = BAD("no")}, "left\nleft\n", VERDICT_FORBIDDEN},
        {{NULL, 200, .body = "<html>Welcome</html>"}, "unknown\nleft\n", VERDICT_MISCONFIGURED},
        {{NULL, 400, .body = "<html>Welcome</html>"}, "left\nleft\n", VERDICT_MISCONFIGURED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct scripted steps[] = {
            {ASK_METADATA, 200, .body = described_2},
            {ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{\"d\":{}}"},
            rows[i].answer,
        };
        assert_string_equal(
            RUN(steps, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"), STR("{}"))),
            rows[i].outcome);
        assert_string_equal(verdict_kind_name(script.verdict.kind),
                            verdict_kind_name(rows[i].kind));
    }
}

/* Whatever the status: the connection has nothing left to log on with, so it makes no other call.
 */
static void a_logon_that_is_refused_is_not_about_the_record(void **state)
{
    (void)state;
#define LOGON_REQUIRED .headers = "sap-err-id: ICFLOGONREQUIRED\n", .body = "{\"error\":{}}"
    static const struct scripted answers[] = {
        {NULL, 400, LOGON_REQUIRED},
        {NULL, 404, LOGON_REQUIRED},
        {NULL, 200, .body = "<html><input name=\"sap-system-login\"></html>"},
    };
    static const enum write_operation operations[] = {WRITE_INSERT, WRITE_UPSERT};
    for (size_t i = 0; i < COUNT(answers) * COUNT(operations); i++) {
        const struct scripted steps[] = {
            {ASK_METADATA, 200, .body = described_2},
            {ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{\"d\":{}}"},
            answers[i / COUNT(operations)],
        };
        assert_string_equal(RUN(steps, .operation = operations[i % COUNT(operations)],
                                WRITE_RECORDS(STR(KEYED), STR(KEYED))),
                            "left\nleft\n");
        assert_string_equal(verdict_kind_name(script.verdict.kind),
                            verdict_kind_name(VERDICT_REJECTED));
    }
}

/* The calls of a batch count the faults of a record together; without its last word it is left. */
static void a_record_that_the_service_fails_by_is_refused(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {ASK_METADATA, 200, .body = described_2},
        {ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{\"d\":{}}"},
        {NULL, 500, .body = BAD("dump")},
        {NULL, 500, .body = BAD("dump")},
        {NULL, 204, .body = ""},
    };
    struct write_outcome outcomes[2] = {{.end = WRITE_LEFT, .faults = 2}};
    struct write_asked asked = {
        .operation = WRITE_UPDATE, .outcomes = outcomes, WRITE_RECORDS(STR(KEYED), STR(KEYED))};
    assert_string_equal(run(steps, COUNT(steps), &asked), "refused E/1: dump\nwritten\n");
    outcomes[0] = outcomes[1] = (struct write_outcome){.faults = 1};
    assert_string_equal(run(steps, COUNT(steps) - 1, &asked), "unknown\nleft\n");
    assert_int_equal(outcomes[0].faults, 2);
}

/* The answer with the 403 is gone by then. */
static void a_token_that_cannot_be_got_again_ends_the_batch(void **state)
{
    (void)state;
    static const struct {
        struct scripted answer;
        enum verdict_kind kind;
    } rows[] = {
        {{ASK_TOKEN, 404, .body = BAD("no service")}, VERDICT_MISCONFIGURED},
        {{ASK_TOKEN, 429, .body = ""}, VERDICT_THROTTLED},
        {{ASK_TOKEN, .outcome = CLIENT_TIMEOUT, .detail = "the time limit passed"},
         VERDICT_UNREACHABLE},
        {{ASK_TOKEN, 403, ENDED}, VERDICT_FORBIDDEN},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct scripted again = rows[i].answer;
        const struct scripted steps[] = {
            {ASK_METADATA, 200, .body = described_2},
            {ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{\"d\":{}}"},
            {POST("1"), 403, .headers = "x-csrf-token: Required\n", .body = BAD("no token")},
            again,
            again,
            again,
        };
        size_t tries = rows[i].kind == VERDICT_THROTTLED ? 3 : 1;
        assert_string_equal(run(steps, 3 + tries,
                                &(struct write_asked){.operation = WRITE_INSERT,
                                                      WRITE_RECORDS(STR("{}"), STR("{}"))}),
                            "left\nleft\n");
        assert_string_equal(verdict_kind_name(script.verdict.kind),
                            verdict_kind_name(rows[i].kind));
    }
}

/* Each session is kept until the connection ends, with what is redacted of it. */
static void a_system_that_ends_each_session_takes_little_memory(void **state)
{
    (void)state;
    enum { RECORDS = 500, SESSIONS = 20 };
    struct str *records = arena_array(&script.arena, struct str, RECORDS);
    struct scripted *steps = arena_array(&script.arena, struct scripted, 3 * RECORDS + 2);
    size_t count = 0;
    steps[count++] = (struct scripted){ASK_METADATA, 200, .body = described_2};
    steps[count++] = (struct scripted){ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{}"};
    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = STR("{}");
        struct str number = arena_printf(&script.arena, TOKEN("%03zu"), i, i);
        if (i >= SESSIONS)
            continue;
        steps[count++] = (struct scripted){NULL, 403, ENDED};
        if (i == SESSIONS - 1)
            continue;
        steps[count++] =
            (struct scripted){ASK_TOKEN, 200, .headers = number.data, .body = "{\"d\":{}}"};
        steps[count++] = (struct scripted){NULL, 201, .body = "{}"};
    }
    struct write_asked asked = {.operation = WRITE_INSERT, .records = records, .count = RECORDS};
    run(steps, count, &asked);
    assert_int_equal(asked.outcomes[SESSIONS - 2].end, WRITE_DONE);
    assert_int_equal(asked.outcomes[SESSIONS - 1].end, WRITE_LEFT);
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 403,
                   "the system no longer took the CSRF token that it had given 20 times within one "
                   "connection");
    assert_in_range(asked.kept, 1, 64 * 1024 - 1);
}

/* A connection writes a hundred batches. */
static void refused_records_take_no_memory_of_the_connection(void **state)
{
    (void)state;
    enum { RECORDS = 500 };
    struct str *records = arena_array(&script.arena, struct str, RECORDS);
    struct scripted *steps = arena_array(&script.arena, struct scripted, RECORDS + 2);
    steps[0] = (struct scripted){ASK_METADATA, 200, .body = described_2};
    steps[1] = (struct scripted){ASK_TOKEN, 200, .headers = TOKEN("1"), .body = "{\"d\":{}}"};
    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = STR("{\"K\":\"1\"}");
        steps[i + 2] = (struct scripted){NULL, 400, .body = BAD("The number is not one of ours")};
    }
    struct write_asked asked = {.operation = WRITE_INSERT, .records = records, .count = RECORDS};
    run(steps, RECORDS + 2, &asked);
    assert_str(asked.outcomes[RECORDS - 1].message, "E/1: The number is not one of ours");
    assert_in_range(asked.kept, 1, 64 * 1024 - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(version_2_has_forms_of_its_own),
        TEST(version_4_keeps_digits_and_times),
        TEST(a_token_that_ended_is_got_again),
        TEST(what_concerns_the_call_ends_the_batch),
        TEST(a_logon_that_is_refused_is_not_about_the_record),
        TEST(a_record_that_the_service_fails_by_is_refused),
        TEST(a_token_that_cannot_be_got_again_ends_the_batch),
        TEST(a_system_that_ends_each_session_takes_little_memory),
        TEST(refused_records_take_no_memory_of_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
