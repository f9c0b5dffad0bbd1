/* Records that a scripted vendor writes by jobs: how a job is asked for until it has ended, which
 * record each result is of, and jobs whose end is not known; fields of an account's own, and calls
 * that take one record. */
#include "connector_script.h"

#include "connector/http/write_source.h"

#include <string.h>

#define HOST "https://acme.zendesk.com"
#define HEADERS "\nAccept: application/json\n"
#define TOKEN "Authorization: Bearer t0ken\n\n"
#define CALL(verb, path, body)                                                                     \
    verb " " HOST "/api/v2/" path ".json" HEADERS "Content-Type: application/json\n" TOKEN body
#define ASKED "GET " HOST "/api/v2/job_statuses/V3-1.json" HEADERS TOKEN
#define JOB(state, results)                                                                        \
    "{\"job_status\":{\"id\":\"V3-1\",\"status\":\"" state "\",\"message\":\"its words\","         \
    "\"results\":" results "}}"
#define TAKEN JOB("queued", "null")
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct script script;

struct asked {
    enum write_operation operation;
    const char *entity;
    const char *id_field; /* NULL: none */
    const struct str *records;
    size_t count;
    int again;    /* how often the batch is given again after a failure, over a new connection */
    bool is_late; /* the time of the job has passed by then */
    struct vendor_caller caller;
    struct write_outcome *outcomes;
};

static struct arena handed_out;

static void write_batch(struct script *self, const struct connector *connector,
                        const struct vendor_connection_config *config, void *argument)
{
    struct asked *asked = argument;
    struct str id_field = str_from(asked->id_field);
    const struct write_query query = {
        .entity = str_from(asked->entity),
        .operation = asked->operation,
        .id_fields = &id_field,
        .id_field_count = asked->id_field != NULL,
    };
    asked->outcomes = arena_array(&self->arena, struct write_outcome, asked->count);
    struct write_batch batch = {.records = asked->records,
                                .outcomes = asked->outcomes,
                                .count = asked->count,
                                .arena = &handed_out};
    struct vendor_connection_config own = *config;
    own.caller = asked->caller;
    for (int tries = 0; tries <= asked->again && !write_batch_is_known(&batch); tries++) {
        struct vendor_connection *connection = vendor_connection_new(&own);
        assert_true(connector->ops->open(connection));
        bool written = connector->ops->write(connection, &query, &batch);
        assert_int_equal(written, write_batch_is_known(&batch));
        vendor_close(connection);
        self->verdict = vendor_verdict(connection);
        batch.job_until_ms = asked->is_late ? 0 : batch.job_until_ms;
    }
}

/* A line for each record: its outcome, and the id or the reason. */
static const char *run(const struct scripted *steps, size_t count, struct asked *asked)
{
    static const char *const ends[] = {"left", "written", "refused", "unknown", "taken"};
    struct buf lines = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    script.steps = steps;
    script.count = count;
    script.next = 0;
    arena_reset(&handed_out);
    script_run_with(&script, connector_by_type(STR("Zendesk")),
                    script_part(&script, "Zendesk", "Properties", "{\"instanceUrl\":\"" HOST "\"}"),
                    script_part(&script, "Zendesk", "Credentials",
                                "{\"clientId\":\"c\",\"clientSecret\":\"s3cret\","
                                "\"accessToken\":\"t0ken\"}"),
                    NULL, write_batch, asked);
    buf_add_cstr(&lines, "");
    for (size_t i = 0; i < asked->count; i++) {
        const struct write_outcome *outcome = &asked->outcomes[i];
        struct str text = outcome->end == WRITE_REFUSED ? outcome->message : outcome->id;
        buf_printf(&lines, "%s%s%.*s\n", ends[outcome->end], text.len > 0 ? " " : "",
                   STR_ARG(text));
    }
    return arena_cstr(&script.arena, buf_str(&lines));
}

#define RECORDS(...)                                                                               \
    .records = (const struct str[]){__VA_ARGS__},                                                  \
    .count = sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)
#define RUN(steps, ...) run(steps, COUNT(steps), &(struct asked){__VA_ARGS__})
#define NO_CALL(...) run(NULL, 0, &(struct asked){__VA_ARGS__})
#define TWO RECORDS(STR("{\"subject\":\"a\"}"), STR("{\"subject\":\"b\"}"))
#define CREATED                                                                                    \
    CALL("POST", "tickets/create_many", "{\"tickets\":[{\"subject\":\"a\"},{\"subject\":\"b\"}]}")

/* --- jobs --- */

static void a_job_is_asked_for_until_it_has_ended(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {CREATED, 200, .body = TAKEN},
        {ASKED, 200, .body = TAKEN},
        {ASKED, 200, .body = JOB("working", "null")},
        {ASKED, 200,
         .body = JOB("completed", "[{\"index\":1,\"error\":\"TicketCreateFailed\",\"details\":"
                                  "\"Description: cannot be blank\"},{\"index\":0,\"id\":77,"
                                  "\"success\":true}]")},
    };
    assert_string_equal(RUN(steps, .operation = WRITE_INSERT, .entity = "tickets", TWO),
                        "written 77\nrefused TicketCreateFailed: Description: cannot be blank\n");
    assert_int_equal(script.pauses, 3);
    assert_int_equal(script.paused_ms, 100 + 200 + 400);
}

static void results_are_in_the_order_of_the_records(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {CALL("POST", "users/create_or_update_many",
              "{\"users\":[{\"email\":\"a@b.example\"},{\"email\":\"c\"}]}"),
         200, .body = TAKEN},
        {ASKED, 200,
         .body = JOB("completed", "[{\"id\":9,\"status\":\"Created\"},{\"id\":1,\"error\":"
                                  "\"UserUpdateError\",\"details\":\"Email: c is not properly "
                                  "formatted\",\"status\":\"Failed\"}]")},
    };
    assert_string_equal(RUN(steps, .operation = WRITE_UPSERT, .entity = "users",
                            .id_field = "email",
                            RECORDS(STR("{\"email\":\"a@b.example\"}"), STR("{\"email\":\"c\"}"))),
                        "written 9\nrefused UserUpdateError: Email: c is not properly formatted\n");
}

static void records_without_a_result_are_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        const char *ends;
    } cases[] = {
        {JOB("completed", "[{\"index\":0,\"id\":1,\"success\":true}]"), "unknown\nunknown\n"},
        {JOB("completed", "null"), "unknown\nunknown\n"},
        {JOB("completed", "[{\"index\":0,\"id\":1},{\"index\":7,\"id\":2}]"),
         "written 1\nunknown\n"},
        {JOB("completed", "[{\"index\":1,\"id\":1},{\"index\":1,\"id\":2}]"),
         "unknown\nwritten 2\n"},
        {JOB("completed", "[{},{\"index\":1,\"id\":2}]"), "unknown\nwritten 2\n"},
        {JOB("killed", "null"), "unknown\nunknown\n"},
        {JOB("completed", "[{\"index\":0,\"id\":1,\"success\":false},"
                          "{\"index\":1,\"id\":2,\"success\":true}]"),
         "refused the vendor gives no reason\nwritten 2\n"},
        {JOB("completed", "[{\"id\":1,\"status\":\"Failed\",\"details\":\"odd\"},"
                          "{\"id\":2,\"status\":\"Created\"}]"),
         "refused odd\nwritten 2\n"},
        {JOB("failed", "[{\"index\":0,\"id\":1}]"), "unknown\nunknown\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct scripted steps[] = {{CREATED, 200, .body = TAKEN},
                                         {ASKED, 200, .body = cases[i].answer}};
        assert_string_equal(RUN(steps, .operation = WRITE_INSERT, .entity = "tickets", TWO),
                            cases[i].ends);
    }
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 200,
                   "the job that writes is failed: its words");
}

static void a_job_without_a_name_is_unknown(void **state)
{
    (void)state;
    static const char *const answers[] = {"{}", "{\"job_status\":{\"id\":\"\"}}",
                                          "{\"job_status\":{\"id\":\"../users/me\"}}"};
    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct scripted steps[] = {{CREATED, 200, .body = answers[i]}};
        assert_string_equal(RUN(steps, .operation = WRITE_INSERT, .entity = "tickets", TWO),
                            "unknown\nunknown\n");
        assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 200,
                       "the response does not name the job that writes");
    }
}

static void a_job_that_does_not_end_ends_with_the_time_limit(void **state)
{
    (void)state;
    static const struct scripted steps[] = {{CREATED, 200, .body = TAKEN},
                                            {ASKED, 400, .body = "{\"error\":\"a\"}"},
                                            {ASKED, 429, .body = "{\"error\":\"b\"}"},
                                            {ASKED, 200, .body = TAKEN}};
    struct asked asked = {
        .operation = WRITE_INSERT, .entity = "tickets", TWO, .again = 1, .is_late = true};
    const struct scripted late[] = {steps[0], steps[2], steps[2], steps[2], steps[3]};
    assert_string_equal(run(late, COUNT(late), &asked), "unknown\nunknown\n");
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 200,
                   "the job that writes had not ended when the time limit passed");
    /* An answer that another try would get as well. */
    assert_string_equal(
        run(steps, 2, &(struct asked){.operation = WRITE_INSERT, .entity = "tickets", TWO}),
        "unknown\nunknown\n");
}

/* The records of an INSERT are the job's, so they are never sent again: the job is asked for by the
 * next call. */
static void a_job_is_asked_for_again_after_a_failure(void **state)
{
    (void)state;
#define DONE JOB("completed", "[{\"index\":0,\"id\":1},{\"index\":1,\"id\":2}]")
    static const struct scripted failures[][2] = {
        {{ASKED, 503, .body = "{}"}, {ASKED, 503, .body = "{}"}},
        {{ASKED, 429, .headers = "Retry-After: 3600\n", .body = "{}"}},
        {{ASKED, 401, .body = "{\"error\":\"invalid_token\"}"}},
        {{ASKED, .outcome = CLIENT_TIMEOUT, .detail = "timed out", .sent = true}},
        {{ASKED, .outcome = CLIENT_CONNECT, .detail = "no connection"}},
    };
    for (size_t i = 0; i < COUNT(failures); i++) {
        struct scripted steps[5] = {{CREATED, 200, .body = TAKEN}, failures[i][0]};
        size_t count = 2;
        if (failures[i][1].request)
            steps[count++] = failures[i][1];
        struct asked asked = {.operation = WRITE_INSERT, .entity = "tickets", TWO};
        assert_string_equal(run(steps, count, &asked), "taken\ntaken\n");
        steps[count++] = (struct scripted){ASKED, 200, .body = TAKEN};
        steps[count++] = (struct scripted){ASKED, 200, .body = DONE};
        asked = (struct asked){.operation = WRITE_INSERT, .entity = "tickets", TWO, .again = 1};
        assert_string_equal(run(steps, count, &asked), "written 1\nwritten 2\n");
    }
}

static bool goes_on_twice(void *asked_before)
{
    int *before = asked_before;
    return ++*before <= 2;
}

static void a_job_is_not_waited_for_once_the_caller_ends(void **state)
{
    (void)state;
    int before = 0;
    static const struct scripted steps[] = {{CREATED, 200, .body = TAKEN},
                                            {ASKED, 200, .body = TAKEN}};
    struct asked asked = {.operation = WRITE_INSERT,
                          .entity = "tickets",
                          TWO,
                          .caller = {.may_go_on = goes_on_twice, .context = &before}};
    assert_string_equal(run(steps, COUNT(steps), &asked), "taken\ntaken\n");
    assert_int_equal(script.pauses, 2);
    assert_verdict(&script, VERDICT_INTERNAL, STEP_API, 0,
                   "the next call was not made: its caller is to end, or the store does not say "
                   "whether it is");
}

static void a_call_that_is_refused_leaves_its_records(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {CREATED, 429, .headers = "Retry-After: 3600\n", .body = "{\"error\":\"TooManyJobs\"}"}};
    assert_string_equal(RUN(steps, .operation = WRITE_INSERT, .entity = "tickets", TWO),
                        "left\nleft\n");
}

/* --- records --- */

static void own_fields_are_where_the_vendor_has_them(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {CALL("PUT", "tickets/update_many",
              "{\"tickets\":[{\"id\":7,\"status\":\"open\",\"custom_fields\":["
              "{\"id\":360001,\"value\":\"a\"},{\"id\":360003,\"value\":true}]}]}"),
         200, .body = TAKEN},
        {ASKED, 200, .body = JOB("completed", "[{\"id\":7,\"status\":\"Updated\"}]")},
    };
    assert_string_equal(
        RUN(steps, .operation = WRITE_UPDATE, .entity = "tickets", .id_field = "id",
            RECORDS(STR("{\"custom_field_360001\":\"a\",\"id\":7,\"custom_field_360003\":true,"
                        "\"status\":\"open\"}"),
                    STR("{\"id\":8,\"custom_field_1x\":1}"),
                    STR("{\"id\":8,\"custom_field_007\":1}"),
                    STR("{\"id\":8,\"custom_field_1234567890123456789\":1}"),
                    STR("{\"id\":8,\"custom_field_1\":1,\"custom_fields\":[]}"),
                    STR("{\"id\":null,\"custom_field_1\":1}"))),
        "written 7\n"
        "refused the record has a field whose name cannot be one of the vendor's own fields\n"
        "refused the record has a field whose name cannot be one of the vendor's own fields\n"
        "refused the record has a field whose name cannot be one of the vendor's own fields\n"
        "refused the record has a member whole, and fields of it\n"
        "refused the record has no value of the field that it is found by\n");
}

static void a_call_of_one_record_has_its_outcome(void **state)
{
    (void)state;
#define ORGANIZATION(name)                                                                         \
    CALL("POST", "organizations/create_or_update",                                                 \
         "{\"organization\":{\"name\":\"" name "\",\"organization_fields\":{\"region\":\"n\"}}}")
    static const struct scripted steps[] = {
        {ORGANIZATION("a"), 201, .body = "{\"organization\":{\"id\":5}}"},
        {ORGANIZATION("b"), 422,
         .body = "{\"error\":\"RecordInvalid\",\"description\":\"Name: is bad\"}"},
        {ORGANIZATION("c"), 200, .body = "{\"organization\":{}}"},
        {ORGANIZATION("d"), 200, .body = "{\"organization\":{\"id\":6}}"},
    };
#define GIVEN(name) STR("{\"name\":\"" name "\",\"organization_fields.region\":\"n\"}")
    assert_string_equal(RUN(steps, .operation = WRITE_UPSERT, .entity = "organizations",
                            .id_field = "name",
                            RECORDS(GIVEN("a"), GIVEN("b"), GIVEN("c"), GIVEN("d"))),
                        "written 5\nrefused RecordInvalid: Name: is bad\nunknown\nwritten 6\n");
}

static void what_the_vendor_does_not_write_is_refused_before_any_call(void **state)
{
    (void)state;
    NO_CALL(.operation = WRITE_UPSERT, .entity = "tickets", .id_field = "id", TWO);
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "The vendor has no UPSERT of tickets: use INSERT, or UPDATE by id");
    NO_CALL(.operation = WRITE_UPSERT, .entity = "users", .id_field = "phone", TWO);
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "phone in idFieldNames is not what the vendor finds records by");
    NO_CALL(.operation = WRITE_INSERT, .entity = "triggers", TWO);
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "INSERT is not how records of this entity can be written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_asked_for_until_it_has_ended),
        TEST(results_are_in_the_order_of_the_records),
        TEST(records_without_a_result_are_unknown),
        TEST(a_job_without_a_name_is_unknown),
        TEST(a_job_that_does_not_end_ends_with_the_time_limit),
        TEST(a_job_is_asked_for_again_after_a_failure),
        TEST(a_job_is_not_waited_for_once_the_caller_ends),
        TEST(a_call_that_is_refused_leaves_its_records),
        TEST(own_fields_are_where_the_vendor_has_them),
        TEST(a_call_of_one_record_has_its_outcome),
        TEST(what_the_vendor_does_not_write_is_refused_before_any_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
