/* Exports of ranges of time: which jobs are made, how they are waited for, and what of a lost
 * answer or a job that is gone becomes of the reading. */
#include "read_script.h"

#include "connector/http/read_source.h"

#include <string.h>

static struct script script;

#define RUN(steps, ...) SCRIPT_READ(&script, steps, __VA_ARGS__)

#define HOST "https://123-abc-456.mktorest.com"
#define LEADS                                                                                      \
    .type = "Marketo", .properties = "{\"instanceUrl\":\"" HOST "\"}",                             \
    .credentials = "{\"clientId\":\"c\",\"clientSecret\":\"s\",\"accessToken\":\"t0ken\"}",        \
    .source = "{\"object\":\"leads\"}", .entity = "leads", .fields = "email,id"
#define SHOWN "\nAccept: application/json\n"
#define TOKEN "Authorization: Bearer t0ken\n"
#define CREATE(fields, range, from, to)                                                            \
    "POST " HOST "/bulk/v1/leads/export/create.json" SHOWN                                         \
    "Content-Type: application/json\n" TOKEN "\n{\"format\":\"CSV\",\"fields\":[" fields "],"      \
    "\"filter\":{\"" range "\":{\"startAt\":\"" from "\",\"endAt\":\"" to "\"}}}"
#define ENQUEUE "POST " HOST "/bulk/v1/leads/export/e-1/enqueue.json" SHOWN TOKEN "\n"
#define STATUS "GET " HOST "/bulk/v1/leads/export/e-1/status.json" SHOWN TOKEN "\n"
#define FILE(bytes)                                                                                \
    "GET " HOST "/bulk/v1/leads/export/e-1/file.json\nAccept: text/csv\n" TOKEN                    \
    "Range: bytes=" bytes "\nAccept-Encoding: identity\n\n"
#define JOB(state, more)                                                                           \
    "{\"success\":true,\"result\":[{\"exportId\":\"e-1\",\"status\":\"" state "\"" more "}]}"
#define DONE(records, size) JOB("Completed", ",\"numberOfRecords\":" records ",\"fileSize\":" size)
#define FAULT(code, message)                                                                       \
    "{\"success\":false,\"errors\":[{\"code\":\"" code "\",\"message\":\"" message "\"}]}"

#define FIELDS "\"id\",\"email\",\"createdAt\""
#define ROWS                                                                                       \
    "id,email,createdAt\n1,a@acme.example,2020-01-01T00:00:00Z\n2,null,2020-01-02T00:00:00Z\n"
#define ROWS_SIZE "85"

#define BOUND(field, operation, ...)                                                               \
    {                                                                                              \
        STR(field), STR(operation), STR("datetime"), READ_VALUES(__VA_ARGS__)                      \
    }
#define BETWEEN                                                                                    \
    .filters = (const struct read_filter[]){BOUND("createdAt", "BETWEEN", STR("1577836800000"),    \
                                                  STR("1577923200000"))},                          \
    .filter_count = 1

static void a_job_is_put_in_the_queue_and_its_file_read(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {CREATE(FIELDS, "createdAt", "2019-12-31T23:59:59Z", "2020-01-02T00:00:01Z"), 200,
         .body = JOB("Created", "")},
        {STATUS, 200, .body = JOB("Created", "")},
        {ENQUEUE, 200, .body = JOB("Queued", "")},
        {STATUS, 200, .body = JOB("Queued", "")},
        {STATUS, 200, .body = JOB("Processing", "")},
        {STATUS, 200, .body = DONE("2", ROWS_SIZE)},
        {FILE("0-84"), 206, .body = ROWS},
    };
    assert_int_equal(strlen(ROWS), 85);
    assert_true(RUN(steps, LEADS, BETWEEN));
    assert_string_equal(script_log(&script),
                        "step 0 then export 1577836800 1577923201 new e-1\n"
                        "step 0 then export 1577836800 1577923201 wait e-1 0\n"
                        "step 0 then export 1577836800 1577923201 wait e-1 1\n"
                        "step 0 then export 1577836800 1577923201 wait e-1 2\n"
                        "step 0 then export 1577836800 1577923201 at e-1 0 85\n"
                        "page 2\n");
    assert_int_equal(script.paused_ms, 2 * 60 * 1000);
}

/* The answer to the call that put it there was lost. */
static void a_job_is_put_in_the_queue_once(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {STATUS, 200, .body = JOB("Processing", "")},
        {STATUS, 200, .body = JOB("Completed", ",\"numberOfRecords\":0")},
    };
    assert_true(RUN(steps, LEADS, BETWEEN, .cursor = "export 1577836800 1577923201 new e-1"));
    assert_string_equal(script_log(&script), "step 0 then export 1577836800 1577923201 wait e-1 1\n"
                                             "step 0\n");
}

/* The state is some seconds old, or the answer to the call was lost. */
static void a_job_that_still_looks_new_is_waited_for(void **state)
{
    (void)state;
    static const struct scripted waits[] = {
        {STATUS, 200, .body = JOB("Created", "")},
        {STATUS, 200, .body = JOB("Queued", "")},
        {STATUS, 200, .body = DONE("0", "0")},
    };
    static const struct scripted refused[] = {
        {STATUS, 200, .body = JOB("Created", "")},
        {ENQUEUE, 200, .body = FAULT("1003", "Enqueued already")},
        {STATUS, 200, .body = DONE("0", "0")},
    };
    static const struct scripted again[] = {
        {STATUS, 200, .body = JOB("Created", "")},
        {ENQUEUE, 200, .body = JOB("Queued", "")},
        {STATUS, 200, .body = JOB("Created", "")},
        {ENQUEUE, 200, .body = FAULT("1003", "Enqueued already")},
    };
    assert_true(RUN(waits, LEADS, BETWEEN, .cursor = "export 1577836800 1577923201 wait e-1 0"));
    assert_int_equal(script.paused_ms, 2 * 60 * 1000);
    assert_true(RUN(refused, LEADS, BETWEEN, .cursor = "export 1577836800 1577923201 new e-1"));
    assert_false(RUN(again, LEADS, BETWEEN, .cursor = "export 1577836800 1577923201 wait e-1 5"));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0,
                   "the export e-1 is refused by the vendor: Enqueued already");
}

/* The window's end is by another clock than this node's, but no time that is far from it. */
static void a_bound_may_be_ahead_of_the_clock(void **state)
{
    (void)state;
    static const struct {
        struct str bound;
        const char *cursor;
    } cases[] = {
        {STR("1706688990000"), "export 1706688000 1706688991 new e-1"},
        {STR("1900000000000"), "export 1706688000 1706692530 new e-1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct read_filter filters[] = {{STR("createdAt"), STR("BETWEEN"), STR("datetime"),
                                               READ_VALUES(STR("1706688000000"), cases[i].bound)}};
        const struct scripted steps[] = {
            {i == 0 ? CREATE(FIELDS, "createdAt", "2024-01-31T07:59:59Z", "2024-01-31T08:16:31Z")
                    : CREATE(FIELDS, "createdAt", "2024-01-31T07:59:59Z", "2024-01-31T09:15:30Z"),
             200, .body = JOB("Created", "")},
            {STATUS, 200, .body = DONE("0", "0")},
        };
        assert_true(RUN(steps, LEADS, .filters = filters, .filter_count = 1));
        assert_true(str_contains(str_from(script_log(&script)), str_from(cases[i].cursor)));
    }
}

static void ranges_follow_each_other(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("createdAt"), STR("GREATER_THAN"), STR("datetime"), READ_VALUES(STR("1577836800000"))},
        {STR("createdAt"), STR("LESS_THAN"), STR("datetime"), READ_VALUES(STR("1580600000000"))},
    };
    static const struct scripted steps[] = {
        {STATUS, 200, .body = DONE("0", "0")},
        {CREATE(FIELDS, "createdAt", "2020-01-31T23:59:57Z", "2020-02-01T23:33:21Z"), 200,
         .body = JOB("Created", "")},
        {STATUS, 200, .body = DONE("0", "0")},
    };
    assert_true(RUN(steps, LEADS, .filters = filters, .filter_count = 2,
                    .cursor = "export 1577836800 1580600001 wait e-1 0"));
    assert_string_equal(script_log(&script), "step 0 then export 1580515198 1580600001\n"
                                             "step 0 then export 1580515198 1580600001 new e-1\n"
                                             "step 0\n");
}

/* It has no header, and may say which bytes it has. */
static void a_piece_may_be_from_within_the_file(void **state)
{
    (void)state;
    static const char row[] = "2,null,2020-01-02T00:00:00Z\n";
    static const char cursor[] = "export 1577836800 1577923201 at e-1 57 85";
    const struct scripted silent[] = {{FILE("57-84"), 206, .body = row}};
    const struct scripted said[] = {
        {FILE("57-84"), 206, .headers = "Content-Range: bytes 57-84/85\n", .body = row}};
    static const char *const others[] = {
        "Content-Range: bytes 0-27/85\n",
        "Content-Range: bytes 57-84/86\n",
    };
    assert_true(RUN(silent, LEADS, BETWEEN, .cursor = cursor));
    assert_true(RUN(said, LEADS, BETWEEN, .cursor = cursor));
    assert_string_equal(script_log(&script), "page 1\npage 1\n");
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        const struct scripted wrong[] = {{FILE("57-84"), 206, .headers = others[i], .body = row}};
        assert_false(RUN(wrong, LEADS, BETWEEN, .cursor = cursor));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                       "a piece of the export is of other bytes than were asked for");
    }
}

/* By the time of any field's change, which records do not show. */
static void the_time_that_a_filter_bounds_is_that_of_the_export(void **state)
{
    (void)state;
    const struct read_filter filters[] = {
        {STR("updatedAt"), STR("BETWEEN"), STR("datetime"),
         READ_VALUES(STR("1577836800000"), STR("1577923200000"))}};
    static const struct scripted steps[] = {
        {CREATE("\"id\",\"email\",\"updatedAt\"", "updatedAt", "2020-01-01T00:00:00Z",
                "2020-01-02T00:00:00Z"),
         200, .body = FAULT("1035", "Unsupported filter type for target subscription")},
    };
    assert_false(RUN(steps, LEADS, .filters = filters, .filter_count = 1));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 200,
                   "Unsupported filter type for target subscription");
}

/* They stand in a body, which may be longer than a URL. */
static void many_fields_are_asked_for(void **state)
{
    (void)state;
    enum { FIELDS_FIT = 1000, FIELDS_TOO_MANY = 4000, CASES = 2 };
    static const size_t counts[CASES] = {FIELDS_FIT, FIELDS_TOO_MANY};
    for (size_t i = 0; i < CASES; i++) {
        struct str *names = arena_array(&script.arena, struct str, counts[i]);
        struct buf body = buf_in(&script.arena, 64 * counts[i] + 4096);
        buf_add_cstr(&body, "POST " HOST "/bulk/v1/leads/export/create.json" SHOWN
                            "Content-Type: application/json\n" TOKEN
                            "\n{\"format\":\"CSV\",\"fields\":[\"id\"");
        for (size_t k = 0; k < counts[i]; k++) {
            names[k] =
                arena_printf(&script.arena, "field_with_a_name_of_some_length_of_its_own_%zu", k);
            buf_printf(&body, ",\"%.*s\"", STR_ARG(names[k]));
        }
        buf_add_cstr(&body, ",\"createdAt\"],\"filter\":{\"createdAt\":{\"startAt\":"
                            "\"2019-12-31T23:59:59Z\",\"endAt\":\"2020-01-02T00:00:01Z\"}}}");
        const struct scripted steps[] = {
            {body.data, 200, .body = JOB("Created", "")},
            {STATUS, 200, .body = DONE("0", "0")},
        };
        bool fits = counts[i] == FIELDS_FIT;
        assert_int_equal(script_read(&script, steps, fits ? 2 : 0,
                                     &(const struct read_asked){LEADS, BETWEEN, .names = names,
                                                                .name_count = counts[i]}),
                         fits);
    }
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "the names of the fields are more than an export is asked for with: a body of "
                   "160 KiB");
}

static void what_goes_wrong_with_a_job_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *cursor, *request;
        int status;
        const char *body;
        enum verdict_kind kind;
        const char *words;
    } cases[] = {
        {"wait e-1 0", STATUS, 200, JOB("Failed", ",\"errorMsg\":\"told\""), VERDICT_MISCONFIGURED,
         "the export e-1 ended as Failed: told"},
        {"wait e-1 1439", STATUS, 200, JOB("Queued", ""), VERDICT_MISCONFIGURED,
         "the export e-1 has not ended in a day"},
        {"wait e-1 0", STATUS, 404, FAULT("610", "told"), VERDICT_MISCONFIGURED,
         "the export e-1 is refused by the vendor: told"},
        {"wait e-1 0", STATUS, 200, FAULT("615", "told"), VERDICT_THROTTLED, "told"},
        {"wait e-1 0", STATUS, 200, JOB("Completed", ""), VERDICT_UNREACHABLE,
         "the vendor does not say how long the export is"},
        {"at e-1 0 86", FILE("0-85"), 206, ROWS, VERDICT_UNREACHABLE,
         "a piece of the export has another length than was asked for"},
        {"at e-1 0 6", FILE("0-5"), 206, "id,x\n1", VERDICT_MISCONFIGURED,
         "the export e-1 has other columns than were asked for"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct scripted steps[] = {
            {cases[i].request, cases[i].status, .body = cases[i].body}};
        struct str cursor =
            arena_printf(&script.arena, "export 1577836800 1577923201 %s", cases[i].cursor);
        assert_false(RUN(steps, LEADS, BETWEEN, .cursor = cursor.data));
        assert_int_equal(script.verdict.kind, cases[i].kind);
        assert_true(str_contains(script.verdict.message, str_from(cases[i].words)));
    }
}

static void a_job_that_is_waited_for_is_canceled(void **state)
{
    (void)state;
#define CANCEL "POST " HOST "/bulk/v1/leads/export/e-1/cancel.json" SHOWN TOKEN "\n"
    static const struct scripted canceled[] = {{CANCEL, 200, .body = JOB("Cancelled", "")}};
    static const struct scripted ended[] = {{CANCEL, 200, .body = FAULT("1003", "told")}};
    static const struct scripted away[] = {{CANCEL, 200, .body = FAULT("615", "told")}};
    static const char *const waiting[] = {"export 1 2 new e-1", "export 1 2 wait e-1 7"};
    static const char *const others[] = {"export 1 2", "export 1 2 at e-1 0 5"};
    for (size_t i = 0; i < 2; i++) {
        assert_true(RUN(canceled, LEADS, .cursor = waiting[i], .ends = true));
        assert_true(RUN(ended, LEADS, .cursor = waiting[i], .ends = true));
        assert_false(RUN(away, LEADS, .cursor = waiting[i], .ends = true));
        assert_true(str_eq(read_cursor_job(str_from(waiting[i])), STR("e-1")));
        assert_true(
            script_read(&script, NULL, 0,
                        &(const struct read_asked){LEADS, .cursor = others[i], .ends = true}));
        assert_null(read_cursor_job(str_from(others[i])).data);
    }
}

static void cursors_of_others_are_refused(void **state)
{
    (void)state;
    static const char *const cursors[] = {
        "job 1 wait 0 0",
        "export",
        "export 1",
        "export 1 2 new",
        "export 1 2 new a b",
        "export 1 2 wait e-1",
        "export 1 2 at e-1 0",
        "export x 2",
        "export 1 2 new ../x",
        "export 1 2 other e-1 0 1",
        "export 1 300000000000 new e-1",
        "export 3 2",
        "export 1 2 at e-1 5 5",
    };
    for (size_t i = 0; i < sizeof(cursors) / sizeof(*cursors); i++) {
        assert_false(script_read(&script, NULL, 0,
                                 &(const struct read_asked){LEADS, BETWEEN, .cursor = cursors[i]}));
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                       "the place to go on from cannot be read");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_put_in_the_queue_and_its_file_read),
        TEST(a_job_is_put_in_the_queue_once),
        TEST(a_job_that_still_looks_new_is_waited_for),
        TEST(a_bound_may_be_ahead_of_the_clock),
        TEST(ranges_follow_each_other),
        TEST(a_piece_may_be_from_within_the_file),
        TEST(the_time_that_a_filter_bounds_is_that_of_the_export),
        TEST(many_fields_are_asked_for),
        TEST(what_goes_wrong_with_a_job_is_told),
        TEST(a_job_that_is_waited_for_is_canceled),
        TEST(cursors_of_others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
