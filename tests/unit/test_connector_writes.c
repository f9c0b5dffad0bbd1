/* Records that are written to a scripted vendor: each call byte for byte, the outcome of each
 * record, which calls are made again, and answers that do not say what happened. */
#include "write_script.h"

#include "connector/http/write_source.h"
#include "wire/json_members.h"

#include <string.h>

#define HOST "https://acme.my.salesforce.com"
#define COLLECTION HOST "/services/data/v58.0/composite/sobjects"
#define JSON "Content-Type: application/json\n"
#define WITH_BODY(verb, path, records)                                                             \
    verb " " COLLECTION path "\nAccept: application/json\n" JSON                                   \
         "Authorization: Bearer t0ken\n\n{\"allOrNone\":false,\"records\":[" records "]}"
#define INSERTED(records) WITH_BODY("POST", "", records)
#define ATTRIBUTES "\"attributes\":{\"type\":\"Contact\"}"
#define DELETED(ids)                                                                               \
    "DELETE " COLLECTION "?ids=" ids "&allOrNone=false\nAccept: application/json\n"                \
    "Authorization: Bearer t0ken\n\n"
#define GOOD(id) "{\"id\":\"" id "\",\"success\":true,\"errors\":[]}"
#define BAD(code, message)                                                                         \
    "{\"success\":false,\"errors\":[{\"statusCode\":\"" code "\",\"message\":\"" message           \
    "\",\"fields\":[]}]}"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct script script;

/* Of the outcomes' texts; emptied before each run. */
static struct arena handed_out;

static const char *run(const struct scripted *steps, size_t count, struct write_asked *asked)
{
    script.steps = steps;
    script.count = count;
    script.next = 0;
    asked->shape = "SalesforceDestinationProperties";
    asked->destination = asked->destination ? asked->destination : "{\"object\":\"Contact\"}";
    asked->entity = asked->entity ? asked->entity : "Contact";
    asked->texts = &handed_out;
    arena_reset(&handed_out);
    script_run_with(
        &script, connector_by_type(STR("Salesforce")),
        script_part(&script, "Salesforce", "Properties", "{\"instanceUrl\":\"" HOST "\"}"),
        script_part(&script, "Salesforce", "Credentials",
                    "{\"accessToken\":\"t0ken\",\"refreshToken\":\"r3fresh\"}"),
        NULL, script_write, asked);
    return write_outcomes(&script, asked);
}

#define RUN(steps, ...) run(steps, COUNT(steps), &(struct write_asked){__VA_ARGS__})
#define NO_CALL(...) run(NULL, 0, &(struct write_asked){__VA_ARGS__})

/* --- operations --- */

static void records_are_inserted_as_they_are(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {INSERTED("{" ATTRIBUTES ",\"LastName\":\"A \\\"}\\\"\",\"Sum__c\":12345678901234567890.10}"
                  ",{" ATTRIBUTES "}"),
         200, .body = "[" GOOD("003A") "," GOOD("003B") "]"}};
    assert_string_equal(
        RUN(steps, .operation = WRITE_INSERT,
            WRITE_RECORDS(
                STR("{\"LastName\": \"A \\\"}\\\"\",\n\"Sum__c\":12345678901234567890.10}"),
                STR("{}"))),
        "written 003A\nwritten 003B\n");
}

static void records_are_updated_by_their_id(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {WITH_BODY("PATCH", "", "{" ATTRIBUTES ",\"id\":\"003A\",\"Name\":null}"), 200,
         .body = "[" GOOD("003A") "]"}};
    assert_string_equal(
        RUN(steps, .operation = WRITE_UPDATE, .id_field = "Id",
            WRITE_RECORDS(STR("{\"Id\":\"003A\",\"Name\":null}"), STR("{\"Name\":\"x\"}"),
                          STR("{\"Id\":\"\"}"), STR("{\"Id\":null}"),
                          STR("{\"Id\":\"1\",\"ID\":\"2\"}"))),
        "written 003A\n"
        "refused the record has no value of the field that it is found by\n"
        "refused the record has no value of the field that it is found by\n"
        "refused the record has no value of the field that it is found by\n"
        "refused the record has two values of the field that it is found by\n");
}

static void records_are_upserted_by_an_external_id(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {WITH_BODY("PATCH", "/Contact/Key__c", "{" ATTRIBUTES ",\"Key__c\":7,\"Name\":\"x\"}"), 200,
         .body = "[{\"id\":\"003A\",\"success\":true,\"created\":true,\"errors\":[]}]"}};
    assert_string_equal(
        RUN(steps, .operation = WRITE_UPSERT, .id_field = "Key__c",
            WRITE_RECORDS(STR("{\"Key__c\":7,\"Name\":\"x\"}"), STR("{\"key__c\":7}"))),
        "written 003A\n"
        "refused the record has no value of the field that it is found by\n");
}

/* A record that is deleted already is deleted: so a call that was lost can be made again. */
static void records_are_deleted_by_their_id(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {DELETED("003A%2C003B"), 503, .body = "{}"},
        {DELETED("003A%2C003B"), 200,
         .body = "[" GOOD("003A") "," BAD("ENTITY_IS_DELETED", "entity is deleted") "]"}};
    assert_string_equal(
        RUN(steps, .operation = WRITE_DELETE,
            WRITE_RECORDS(STR("{\"Id\":\"003A\",\"Name\":1}"), STR("{\"Id\":\"003B\"}"),
                          STR("{\"Id\":\"a,b\"}"), STR("{\"Id\":{}}"))),
        "written 003A\nwritten\n"
        "refused the field that the record is found by has no id in it\n"
        "refused the field that the record is found by has no id in it\n");
}

/* 201 records of an INSERT, and the answer to the call with the first 200 of them. */
static struct write_asked two_calls(const char **ret_first)
{
    struct str *records = arena_array(&script.arena, struct str, 201);
    struct buf body = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    for (size_t i = 0; i < 201; i++) {
        records[i] = STR("{}");
        if (i < 200)
            buf_add_cstr(&body, i == 0 ? "[" GOOD("x") : "," GOOD("x"));
    }
    buf_add_cstr(&body, "]");
    *ret_first = arena_cstr(&script.arena, buf_str(&body));
    return (struct write_asked){.operation = WRITE_INSERT, .records = records, .count = 201};
}

static void a_call_takes_200_records(void **state)
{
    (void)state;
    const char *first;
    struct write_asked asked = two_calls(&first);
    const struct scripted steps[] = {
        {NULL, 200, .body = first},
        {INSERTED("{" ATTRIBUTES "}"), 200, .body = "[" GOOD("last") "]"}};
    run(steps, 2, &asked);
    assert_str(asked.outcomes[199].id, "x");
    assert_str(asked.outcomes[200].id, "last");
}

static bool goes_on_once(void *asked_before)
{
    bool *before = asked_before, goes_on = !*before;
    *before = true;
    return goes_on;
}

static void no_call_is_made_once_the_caller_ends(void **state)
{
    (void)state;
    const char *first;
    bool before = false;
    struct write_asked asked = two_calls(&first);
    asked.caller = (struct vendor_caller){.may_go_on = goes_on_once, .context = &before};
    const struct scripted steps[] = {{NULL, 200, .body = first}};
    run(steps, 1, &asked);
    assert_int_equal(asked.outcomes[199].end, WRITE_DONE);
    assert_int_equal(asked.outcomes[200].end, WRITE_LEFT);
    assert_verdict(&script, VERDICT_INTERNAL, STEP_API, 0,
                   "the next call was not made: its caller is to end, or the store does not say "
                   "whether it is");
}

/* --- outcomes --- */

static void each_record_has_its_own_outcome(void **state)
{
    (void)state;
    static const struct scripted steps[] = {
        {NULL, 200,
         .body = "[" GOOD("003A") "," BAD(
             "REQUIRED_FIELD_MISSING",
             "Required: [LastName]") ","
                                     "{\"success\":false,\"errors\":[]}," BAD(
                                         "BAD", "t0ken is\\u0007 odd") "]"}};
    assert_string_equal(RUN(steps, .operation = WRITE_INSERT,
                            WRITE_RECORDS(STR("{}"), STR("{}"), STR("{}"), STR("{}"))),
                        "written 003A\n"
                        "refused REQUIRED_FIELD_MISSING: Required: [LastName]\n"
                        "refused the vendor gives no reason\n"
                        "refused BAD: [removed] is odd\n");
}

/* A connection writes a hundred batches. */
static void refused_records_take_no_memory_of_the_connection(void **state)
{
    (void)state;
#define REFUSED BAD("FIELD_CUSTOM_VALIDATION_EXCEPTION", "The customer number is not one of ours")
    struct str *records = arena_array(&script.arena, struct str, 1000);
    struct buf body = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    for (size_t i = 0; i < 1000; i++) {
        records[i] = STR("{}");
        if (i < 200)
            buf_add_cstr(&body, i == 0 ? "[" REFUSED : "," REFUSED);
    }
    buf_add_cstr(&body, "]");
    const struct scripted step = {NULL, 200, .body = arena_cstr(&script.arena, buf_str(&body))};
    const struct scripted steps[] = {step, step, step, step, step};
    struct write_asked asked = {.operation = WRITE_INSERT, .records = records, .count = 1000};
    run(steps, COUNT(steps), &asked);
    assert_str(asked.outcomes[999].message,
               "FIELD_CUSTOM_VALIDATION_EXCEPTION: The customer number is not one of ours");
    assert_in_range(asked.kept, 1, 64 * 1024 - 1);
}

/* The records that were written stay out of the next call. */
static void a_locked_row_is_sent_again(void **state)
{
    (void)state;
#define LOCKED BAD("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access")
    static const struct scripted steps[] = {
        {INSERTED("{" ATTRIBUTES ",\"N\":1},{" ATTRIBUTES ",\"N\":2}"), 200,
         .body = "[" LOCKED "," GOOD("003B") "]"},
        {INSERTED("{" ATTRIBUTES ",\"N\":1}"), 200, .body = "[" GOOD("003A") "]"}};
    static const struct scripted always[] = {{NULL, 200, .body = "[" LOCKED "]"},
                                             {NULL, 200, .body = "[" LOCKED "]"},
                                             {NULL, 200, .body = "[" LOCKED "]"}};
    assert_string_equal(
        RUN(steps, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{\"N\":1}"), STR("{\"N\":2}"))),
        "written 003A\nwritten 003B\n");
    assert_int_equal(script.paused_ms, 1000);
    assert_string_equal(RUN(always, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{\"N\":1}"))),
                        "refused UNABLE_TO_LOCK_ROW: unable to obtain exclusive access\n");
    assert_int_equal(script.paused_ms, 1000 + 1000 + 2000);
}

static void a_record_that_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    char *long_record = arena_alloc(&script.arena, 2 * 1024 * 1024 + 1);
    memset(long_record, ' ', 2 * 1024 * 1024 + 1);
    assert_string_equal(
        NO_CALL(.operation = WRITE_INSERT,
                WRITE_RECORDS(STR("{\"attributes\":{\"type\":\"User\"}}"), STR("[]"),
                              STR("{\"a\":1}x"), ((struct str){long_record, 2 * 1024 * 1024 + 1}))),
        "refused the record has a field with a name that is the vendor's own\n"
        "refused the record is no JSON object\n"
        "refused the record is no JSON object\n"
        "refused the record has 2097153 bytes of JSON, and a call takes at most 2097152\n");
}

/* --- answers that are lost --- */

/* An INSERT is sent once; what finds its records by an id is sent again. */
static void a_lost_answer_leaves_an_insert_unknown(void **state)
{
    (void)state;
    static const struct scripted fault[] = {{NULL, 500, .body = "{}"}};
    static const struct scripted late[] = {
        {NULL, .outcome = CLIENT_TIMEOUT, .detail = "timed out", .connected = true, .sent = true}};
    static const struct scripted odd[] = {{NULL, 200, .body = "<html>"}};
    static const struct scripted update[] = {{NULL, 500, .body = "{}"},
                                             {NULL, 200, .body = "[" GOOD("1") "]"}};
    assert_string_equal(RUN(fault, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"))),
                        "unknown\n");
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 500, NULL);
    assert_string_equal(RUN(late, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"))),
                        "unknown\n");
    assert_string_equal(RUN(odd, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"))), "unknown\n");
    assert_string_equal(RUN(update, .operation = WRITE_UPDATE, .id_field = "Id",
                            WRITE_RECORDS(STR("{\"Id\":\"1\"}"))),
                        "written 1\n");
}

static void a_request_that_did_nothing_leaves_its_records(void **state)
{
    (void)state;
    static const struct scripted unsent[] = {
        {NULL, .outcome = CLIENT_CONNECT, .detail = "no connection"}};
    static const struct scripted refused[] = {
        {NULL, 400, .body = "[{\"message\":\"no such type\",\"errorCode\":\"INVALID_TYPE\"}]"}};
    static const struct scripted limited[] = {
        {NULL, 403,
         .body = "[{\"message\":\"too many\",\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]"}};
    assert_string_equal(RUN(unsent, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"))), "left\n");
    assert_string_equal(RUN(refused, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"))),
                        "left\n");
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 400, "no such type");
    assert_string_equal(RUN(limited, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"))),
                        "left\n");
    assert_verdict(&script, VERDICT_THROTTLED, STEP_API, 403, "too many");
}

static void a_token_that_ends_between_two_calls_is_renewed(void **state)
{
    (void)state;
    struct str *records = arena_array(&script.arena, struct str, 201);
    struct buf body = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    for (size_t i = 0; i < 201; i++) {
        records[i] = STR("{}");
        if (i < 200)
            buf_add_cstr(&body, i == 0 ? "[" GOOD("x") : "," GOOD("x"));
    }
    buf_add_cstr(&body, "]");
    const struct scripted steps[] = {
        {NULL, 200, .body = arena_cstr(&script.arena, buf_str(&body))},
        {INSERTED("{" ATTRIBUTES "}"), 401,
         .body = "[{\"message\":\"Session expired\",\"errorCode\":\"INVALID_SESSION_ID\"}]"},
        {NULL, 200,
         .body = "{\"access_token\":\"fr3sh\",\"token_type\":\"Bearer\",\"instance_url\":\"" HOST
                 "\"}"},
        {NULL, 200, .body = "[" GOOD("last") "]"}};
    struct write_asked asked = {.operation = WRITE_INSERT, .records = records, .count = 201};
    script.app_secret = "app-s3cret";
    run(steps, COUNT(steps), &asked);
    assert_str(asked.outcomes[200].id, "last");
}

static void an_answer_that_does_not_fit_the_records_is_no_outcome(void **state)
{
    (void)state;
    static const struct {
        const char *body, *outcomes, *message;
    } rows[] = {
        {"[" GOOD("1") "]", "unknown\nunknown\n", "the response has 1 outcomes of 2 records"},
        {"[" GOOD("1") "," GOOD("2") "," GOOD("3") "]", "unknown\nunknown\n",
         "the response has 3 outcomes of 2 records"},
        {"{\"results\":[]}", "unknown\nunknown\n", "the response has 0 outcomes of 2 records"},
        {"[7," GOOD("2") "]", "unknown\nwritten 2\n",
         "the response has no outcome of some records"},
        {"[{\"id\":\"1\"}," BAD("A", "b") "]", "unknown\nrefused A: b\n",
         "the response has no outcome of some records"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct scripted steps[] = {{NULL, 200, .body = rows[i].body}};
        assert_string_equal(
            RUN(steps, .operation = WRITE_INSERT, WRITE_RECORDS(STR("{}"), STR("{}"))),
            rows[i].outcomes);
        assert_str(script.verdict.message, rows[i].message);
        assert_int_equal(script.verdict.kind, VERDICT_UNREACHABLE);
    }
}

/* --- flows that cannot be written --- */

static void what_the_vendor_cannot_write_is_refused_before_any_call(void **state)
{
    (void)state;
#define ONE WRITE_RECORDS(STR("{\"Id\":\"1\"}"))
    assert_string_equal(NO_CALL(.operation = WRITE_UPDATE, .id_field = "Key__c", ONE), "left\n");
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "Key__c in idFieldNames is not what the vendor finds records by");
    assert_string_equal(NO_CALL(.operation = WRITE_UPSERT, ONE), "left\n");
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "UPSERT needs the name of one field in idFieldNames");
    assert_string_equal(NO_CALL(.operation = WRITE_UPSERT, .id_field = "../x", ONE), "left\n");
    assert_string_equal(NO_CALL(.operation = WRITE_INSERT, .entity = "a/b", ONE), "left\n");
    assert_verdict(&script, VERDICT_ABSENT, STEP_NONE, 0, "a/b is no entity here");
    assert_string_equal(
        NO_CALL(.operation = WRITE_INSERT, ONE,
                .destination = "{\"object\":\"Contact\",\"dataTransferApi\":\"BULKV2\"}"),
        "left\n");
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_NONE, 0,
                   "This version does not write by Bulk API 2.0: set dataTransferApi to AUTOMATIC "
                   "or REST_SYNC");
}

/* --- pieces --- */

static const char *walk(struct str text)
{
    struct buf out = buf_in(&script.arena, SCRIPT_TEXT_MAX);
    struct json_members members = json_members_of(text);
    struct json_text_member member;
    buf_add_cstr(&out, "");
    while (json_members_next(&members, &member))
        buf_printf(&out, "%.*s=%.*s;", STR_ARG(member.name), STR_ARG(member.value));
    assert_false(json_members_next(&members, &member));
    buf_add_cstr(&out, members.fault ? "!" : "");
    return out.data ? out.data : "";
}

static void members_are_found_in_any_text(void **state)
{
    (void)state;
    static const char whole[] =
        " { \"a\" : \"x\\\\\\\"}\" ,\"b\":[{\"c\":\"]\"},2],\"\":{\"d\":{}},\"e\":-1.50e3 } ";
    assert_string_equal(walk(STR("{}")), "");
    assert_string_equal(walk(str_from(whole)),
                        "a=\"x\\\\\\\"}\";b=[{\"c\":\"]\"},2];={\"d\":{}};e=-1.50e3;");
    /* Cut anywhere it is no object, and nothing behind the cut is read. */
    for (size_t len = 0; len + 2 < sizeof(whole) - 1; len++) {
        char *cut = arena_take(&script.arena, len + 1);
        memcpy(cut, whole, len);
        const char *found = walk((struct str){cut, len});
        assert_int_equal(found[strlen(found) - 1], '!');
    }
    assert_string_equal(walk(STR("[1]")), "!");
    assert_string_equal(walk(STR("{\"a\":1,}")), "a=1;!");
    assert_string_equal(walk(STR("{\"a\":}")), "!");
    assert_string_equal(walk(STR("{} {}")), "!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_are_inserted_as_they_are),
        TEST(records_are_updated_by_their_id),
        TEST(records_are_upserted_by_an_external_id),
        TEST(records_are_deleted_by_their_id),
        TEST(a_call_takes_200_records),
        TEST(no_call_is_made_once_the_caller_ends),
        TEST(each_record_has_its_own_outcome),
        TEST(refused_records_take_no_memory_of_the_connection),
        TEST(a_locked_row_is_sent_again),
        TEST(a_record_that_cannot_be_sent_is_refused),
        TEST(a_lost_answer_leaves_an_insert_unknown),
        TEST(a_request_that_did_nothing_leaves_its_records),
        TEST(a_token_that_ends_between_two_calls_is_renewed),
        TEST(an_answer_that_does_not_fit_the_records_is_no_outcome),
        TEST(what_the_vendor_cannot_write_is_refused_before_any_call),
        TEST(members_are_found_in_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
