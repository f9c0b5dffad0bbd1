/* The contract of custom connectors: requests byte for byte, answers good and bad. */
#include "arena_fixture.h"

#include "connector/custom/contract.h"
#include "connector/custom/contract_reader.h"
#include "wire/errors.h"

#include <string.h>

/* --- requests --- */

static const struct contract_credentials credentials = {
    STR("arn:aws:secretsmanager:us-east-1:123456789012:secret:s"), STR("OAUTH2")};

#define SECRET                                                                                     \
    "{\"secretArn\":\"arn:aws:secretsmanager:us-east-1:123456789012:secret:s\","                   \
    "\"authenticationType\":\"OAuth2\"}"

static void each_request_has_the_members_of_the_contract(void **state)
{
    (void)state;
    const struct value *settings = json("{\"instanceUrl\":\"https://x\"}");
    const struct contract_context context = {settings, credentials, STR("v1"), STR("p"), NULL};
    assert_text(contract_describe_configuration(&arena, STR("Own")),
                "{\"type\":\"DescribeConnectorConfigurationRequest\",\"locale\":\"en-US\","
                "\"connectorLabel\":\"Own\"}");
    assert_text(contract_validate_settings(&arena, settings, STR("BASIC")),
                "{\"type\":\"ValidateConnectorRuntimeSettingsRequest\","
                "\"scope\":\"CONNECTOR_PROFILE\","
                "\"connectorRuntimeSettings\":{\"instanceUrl\":\"https://x\"},"
                "\"authenticationType\":\"BasicAuth\"}");
    assert_text(contract_validate_credentials(&arena, NULL, &credentials),
                "{\"type\":\"ValidateCredentialsRequest\",\"credentials\":" SECRET
                ",\"connectorRuntimeSettings\":{}}");
    assert_text(contract_list_entities(&arena, &context, STR_NULL, 1000, STR_NULL),
                "{\"type\":\"ListEntitiesRequest\",\"connectorContext\":"
                "{\"connectorRuntimeSettings\":{\"instanceUrl\":\"https://x\"},"
                "\"credentials\":" SECRET ",\"apiVersion\":\"v1\",\"connectorProfileLabel\":\"p\"},"
                "\"maxResult\":1000}");
    assert_text(contract_list_entities(&arena, &context, STR("a/b"), 5, STR("t")),
                "{\"type\":\"ListEntitiesRequest\",\"connectorContext\":"
                "{\"connectorRuntimeSettings\":{\"instanceUrl\":\"https://x\"},"
                "\"credentials\":" SECRET ",\"apiVersion\":\"v1\",\"connectorProfileLabel\":\"p\"},"
                "\"entitiesPath\":\"a/b\",\"maxResult\":5,\"nextToken\":\"t\"}");
    assert_text(contract_describe_entity(&arena, &context, STR("Account")),
                "{\"type\":\"DescribeEntityRequest\",\"entityIdentifier\":\"Account\","
                "\"connectorContext\":{\"connectorRuntimeSettings\":"
                "{\"instanceUrl\":\"https://x\"},\"credentials\":" SECRET
                ",\"apiVersion\":\"v1\",\"connectorProfileLabel\":\"p\"}}");
}

static void authentication_types_are_spelled_as_the_contract_does(void **state)
{
    (void)state;
    assert_text(contract_authentication_type(STR("BASIC")), "BasicAuth");
    assert_text(contract_authentication_type(STR("OAUTH2")), "OAuth2");
    assert_text(contract_authentication_type(STR("APIKEY")), "ApiKey");
    assert_text(contract_authentication_type(STR("CUSTOM")), "CustomAuth");
    assert_null(contract_authentication_type(STR("OAuth2")).data);
}

/* --- answers --- */

static struct function_answer next;

static bool knows(struct function_runner *runner, struct str arn)
{
    (void)runner;
    return str_eq(arn, STR("arn"));
}

static void invoke(struct function_runner *runner, const struct function_call *call,
                   struct arena *into, struct function_answer *ret_answer)
{
    (void)runner, (void)call, (void)into;
    *ret_answer = next;
}

static struct contract_answer ask(const char *arn)
{
    static const struct function_runner_ops ops = {.knows = knows, .invoke = invoke};
    struct function_runner runner = {.ops = &ops};
    struct function_call call = {.arn = str_from(arn), .payload = STR("{}")};
    struct contract_answer answer;
    contract_invoke(&runner, CONTRACT_VALIDATE_CREDENTIALS, &call, &arena, &answer);
    return answer;
}

static struct contract_answer answered(const char *payload)
{
    next = (struct function_answer){.outcome = FUNCTION_ANSWERED, .payload = str_from(payload)};
    return ask("arn");
}

#define ERROR(members) "{\"isSuccess\":false,\"errorDetails\":{" members "}}"

static const struct {
    const char *payload;
    enum verdict_kind kind;
    bool renewable, repeatable;
    int64_t retry_after_ms;
    const char *message; /* NULL: none */
} answers[] = {
    {"{\"isSuccess\":true}", VERDICT_ACCEPTED, false, false, -1, NULL},
    {"{\"isSuccess\":true,\"errorDetails\":null,\"type\":\"x\",\"more\":[1]}", VERDICT_ACCEPTED,
     false, false, -1, NULL},
    {ERROR("\"errorCode\":\"InvalidCredentials\",\"errorMessage\":\"no\""), VERDICT_REJECTED, true,
     false, -1, "InvalidCredentials: no"},
    {ERROR("\"errorCode\":\"AccessDenied\",\"errorMessage\":null"), VERDICT_FORBIDDEN, false, false,
     -1, "AccessDenied"},
    {ERROR("\"errorCode\":\"InvalidArgument\",\"errorMessage\":\"a\""), VERDICT_MISCONFIGURED,
     false, false, -1, "InvalidArgument: a"},
    {ERROR("\"errorCode\":\"ResourceNotFoundError\""), VERDICT_MISCONFIGURED, false, false, -1,
     "ResourceNotFoundError"},
    {ERROR("\"errorCode\":\"ClientError\""), VERDICT_MISCONFIGURED, false, false, -1,
     "ClientError"},
    {ERROR("\"errorCode\":\"RateLimitExceeded\",\"retryAfterSeconds\":7"), VERDICT_THROTTLED, false,
     true, 7000, "RateLimitExceeded"},
    {ERROR("\"errorCode\":\"RateLimitExceeded\",\"retryAfterSeconds\":1e300"), VERDICT_THROTTLED,
     false, true, 86400000, "RateLimitExceeded"},
    {ERROR("\"errorCode\":\"RateLimitExceeded\",\"retryAfterSeconds\":-5"), VERDICT_THROTTLED,
     false, true, -1, "RateLimitExceeded"},
    {ERROR("\"errorCode\":\"RequestTimeout\""), VERDICT_UNREACHABLE, false, true, -1,
     "RequestTimeout"},
    {ERROR("\"errorCode\":\"ServiceUnavailable\""), VERDICT_UNREACHABLE, false, true, -1,
     "ServiceUnavailable"},
    {ERROR("\"errorCode\":\"ServerError\""), VERDICT_UNREACHABLE, false, true, -1, "ServerError"},
    {ERROR("\"errorCode\":\"UnknownError\""), VERDICT_UNREACHABLE, false, false, -1,
     "UnknownError"},
    {ERROR("\"errorCode\":\"SERVER_ERROR\",\"errorMessage\":\"own\""), VERDICT_UNREACHABLE, false,
     false, -1, "SERVER_ERROR: own"},
    {ERROR("\"errorMessage\":\"no code\""), VERDICT_UNREACHABLE, false, false, -1, "no code"},
    {"{\"isSuccess\":false}", VERDICT_UNREACHABLE, false, false, -1,
     "Got error from connector. No valid response and error details found in the connector "
     "response."},
    {"{}", VERDICT_UNREACHABLE, false, false, -1,
     "the answer of ValidateCredentials does not keep to the contract of connectors: /isSuccess: "
     "expected a boolean, found nothing"},
    {"{\"isSuccess\":\"true\"}", VERDICT_UNREACHABLE, false, false, -1,
     "the answer of ValidateCredentials does not keep to the contract of connectors: /isSuccess: "
     "expected a boolean, found \"true\""},
    {"[]", VERDICT_UNREACHABLE, false, false, -1,
     "the answer of ValidateCredentials does not keep to the contract of connectors: the whole "
     "answer: expected an object, found a list of 0"},
    {"{\"isSuccess\":false,\"errorDetails\":[]}", VERDICT_UNREACHABLE, false, false, -1,
     "the answer of ValidateCredentials does not keep to the contract of connectors: "
     "/errorDetails: expected an object, found a list of 0"},
    {ERROR("\"errorCode\":7,\"retryAfterSeconds\":\"7\""), VERDICT_UNREACHABLE, false, false, -1,
     "the answer of ValidateCredentials does not keep to the contract of connectors: "
     "/errorDetails/errorCode: expected a string of at most 64 bytes, found a number; "
     "/errorDetails/retryAfterSeconds: expected a number, found \"7\""},
    {"no", VERDICT_UNREACHABLE, false, false, -1, "the function's answer is not JSON"},
};

static void each_answer_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct contract_answer answer = answered(answers[i].payload);
        assert_int_equal(answer.kind, answers[i].kind);
        assert_int_equal(answer.renewable, answers[i].renewable);
        assert_int_equal(answer.repeatable, answers[i].repeatable);
        assert_int_equal(answer.retry_after_ms, answers[i].retry_after_ms);
        if (answers[i].message)
            assert_text(answer.message, answers[i].message);
        else
            assert_null(answer.message.data);
        assert_true((answer.hint != NULL) == (answer.kind != VERDICT_ACCEPTED));
    }
}

static const struct {
    enum function_outcome outcome;
    enum verdict_kind kind;
    int code; /* of contract_fail */
} ends[] = {
    {FUNCTION_FAILED, VERDICT_UNREACHABLE, ERR_CONNECTOR_SERVER},
    {FUNCTION_TIMED_OUT, VERDICT_UNREACHABLE, ERR_CONNECTOR_SERVER},
    {FUNCTION_CRASHED, VERDICT_UNREACHABLE, ERR_CONNECTOR_SERVER},
    {FUNCTION_TOO_LARGE, VERDICT_UNREACHABLE, ERR_CONNECTOR_SERVER},
    {FUNCTION_THROTTLED, VERDICT_THROTTLED, ERR_CONNECTOR_SERVER},
    {FUNCTION_DENIED, VERDICT_MISCONFIGURED, ERR_ACCESS_DENIED},
    {FUNCTION_UNREACHABLE, VERDICT_UNREACHABLE, ERR_CONNECTOR_SERVER},
};

static void a_call_without_an_answer_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct error error = {0};
        next = (struct function_answer){
            .outcome = ends[i].outcome, .message = STR("what happened"), .retry_after_ms = 300};
        struct contract_answer answer = ask("arn");
        assert_int_equal(answer.kind, ends[i].kind);
        assert_int_equal(answer.retry_after_ms, ends[i].outcome == FUNCTION_THROTTLED ? 300 : -1);
        assert_false(contract_fail(&answer, &error));
        assert_int_equal(error.code, ends[i].code);
        assert_non_null(
            strstr(error.message, "Error while communicating to connector: what happened. "));
        assert_non_null(strstr(error.message, answer.hint));
    }
    assert_int_equal(ask("another").kind, VERDICT_MISCONFIGURED);
}

/* --- the reader --- */

static void every_fault_is_named_by_its_place(void **state)
{
    (void)state;
    static const char *const colours[] = {"red", "green"};
    struct error error = {0};
    struct contract_check check = contract_check_new(&arena);
    struct contract_place whole = contract_whole(
        &check, json("{\"good\":\"x\",\"long\":\"abcdef\",\"null\":null,\"flag\":1,\"list\":[1,"
                     "\"red\",\"blue\",\"b\\u0007\"],\"many\":[1,2,3],\"map\":{\"a/b~c\":5},"
                     "\"n\":7.9,\"empty\":\"\"}"));
    assert_text(contract_text(&whole, "good", 8), "x");
    assert_null(contract_text(&whole, "null", 8).data);
    assert_null(contract_text(&whole, "long", 5).data);
    assert_true(contract_flag(&whole, "flag", true));
    assert_true(contract_flag(&whole, "absent", true));
    assert_int_equal(contract_integer(&whole, "n", 0, 100, -1), 7);
    assert_int_equal(contract_integer(&whole, "n", 0, 5, -1), 5);
    assert_int_equal(contract_integer(&whole, "absent", 0, 5, -1), -1);
    struct contract_place list = contract_list(&whole, "list", 4);
    struct contract_place first = contract_item(&list, 0), second = contract_item(&list, 1);
    struct contract_place third = contract_item(&list, 2), fourth = contract_item(&list, 3);
    assert_int_equal(contract_word(&second, colours, 2), 0);
    assert_int_equal(contract_word(&third, colours, 2), -1);
    assert_int_equal(contract_word(&first, colours, 2), -1);
    assert_int_equal(contract_word(&fourth, colours, 2), -1);
    assert_int_equal(contract_count(&(struct contract_place){.value = NULL}), 0);
    struct contract_place many = contract_list(&whole, "many", 2);
    assert_null(many.value);
    struct contract_place map = contract_object(&whole, "map"), entry = contract_item(&map, 0);
    contract_place_text(&entry, 10);
    contract_needed_text(&whole, "empty", 10);
    contract_needed_text(&whole, "absent", 10);
    assert_false(contract_check_end(&check, "ListEntities", &error));
    assert_int_equal(error.code, ERR_CONNECTOR_SERVER);
    assert_string_equal(
        error.message,
        "Error while communicating to connector: the answer of ListEntities does not keep to the "
        "contract of connectors: /long: expected a string of at most 5 bytes, found \"abcdef\"; "
        "/flag: expected a boolean, found a number; /list/2: expected one of red, green, found "
        "\"blue\"; /list/0: expected one of red, green, found a number; /list/3: expected one of "
        "red, green, found \"b?\"; /many: expected a list of at most 2 items, found a list of 3; "
        "/map/a~1b~0c: expected a string of at most 10 bytes, found a number; /empty: expected a "
        "string that is not empty, found \"\"; and more.");
    assert_int_equal(check.count, 9);
}

static void what_is_missing_inside_of_what_is_missing_is_no_fault(void **state)
{
    (void)state;
    struct error error = {0};
    struct contract_check check = contract_check_new(&arena);
    struct contract_place whole = contract_whole(&check, json("{}"));
    struct contract_place absent = contract_object(&whole, "absent");
    struct contract_place inner = contract_object(&absent, "inner");
    assert_null(contract_needed_text(&inner, "name", 10).data);
    assert_int_equal(contract_count(&inner), 0);
    assert_true(contract_check_end(&check, "ListEntities", &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_the_members_of_the_contract),
        cmocka_unit_test(authentication_types_are_spelled_as_the_contract_does),
        cmocka_unit_test(each_answer_has_its_meaning),
        cmocka_unit_test(a_call_without_an_answer_has_its_meaning),
        cmocka_unit_test(every_fault_is_named_by_its_place),
        cmocka_unit_test(what_is_missing_inside_of_what_is_missing_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
