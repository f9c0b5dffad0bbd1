/* Requests for records, byte for byte, and what is found in answers about entities and records. */
#include "arena_fixture.h"

#include "connector/custom/contract_checks.h"

#include <string.h>

/* --- requests --- */

#define CONTEXT                                                                                    \
    "\"connectorContext\":{\"connectorRuntimeSettings\":{},\"credentials\":"                       \
    "{\"secretArn\":\"arn\",\"authenticationType\":\"ApiKey\"},\"apiVersion\":\"v1\","             \
    "\"connectorProfileLabel\":\"p\",\"entityDefinition\":{\"fields\":[]}}"

static void requests_for_records_have_the_members_of_the_contract(void **state)
{
    (void)state;
    const struct contract_context context = {
        NULL, {STR("arn"), STR("APIKEY")}, STR("v1"), STR("p"), json("{\"fields\":[]}")};
    const struct contract_records records = {
        .entity = STR("Book"),
        .fields = json("[\"id\"]"),
        .filter = STR("id > 1"),
        .max = 1000,
        .next_token = STR("t"),
        .id_field = STR("id"),
        .ids = json("[\"1\"]"),
        .operation = STR("UPSERT"),
        .id_fields = json("[\"id\"]"),
        .records = json("[\"{}\"]"),
    };
    assert_text(contract_query_data(&arena, &context, &records),
                "{\"type\":\"QueryDataRequest\",\"entityIdentifier\":\"Book\"," CONTEXT
                ",\"selectedFieldNames\":[\"id\"],\"filterExpression\":\"id > 1\","
                "\"maxResults\":1000,\"nextToken\":\"t\"}");
    assert_text(contract_retrieve_data(&arena, &context, &records),
                "{\"type\":\"RetrieveDataRequest\",\"entityIdentifier\":\"Book\"," CONTEXT
                ",\"selectedFieldNames\":[\"id\"],\"idFieldName\":\"id\",\"ids\":[\"1\"]}");
    assert_text(contract_write_data(&arena, &context, &records),
                "{\"type\":\"WriteDataRequest\",\"entityIdentifier\":\"Book\"," CONTEXT
                ",\"operation\":\"UPSERT\",\"idFieldNames\":[\"id\"],\"records\":[\"{}\"],"
                "\"allOrNone\":false}");
}

static void a_request_longer_than_a_payload_is_none(void **state)
{
    (void)state;
    struct value *records = value_list(&arena);
    char *text = arena_take(&arena, FUNCTION_PAYLOAD_MAX);
    memset(text, 'a', FUNCTION_PAYLOAD_MAX);
    value_append(&arena, records, value_string(&arena, (struct str){text, FUNCTION_PAYLOAD_MAX}));
    const struct contract_records written = {.entity = STR("Book"), .records = records};
    assert_null(contract_write_data(&arena, &(struct contract_context){0}, &written).data);
}

static void times_are_lambda_s(void **state)
{
    (void)state;
    assert_int_equal(contract_time_ms(CONTRACT_LIST_ENTITIES), 10000);
    assert_int_equal(contract_time_ms(CONTRACT_QUERY_DATA), 30000);
    assert_int_equal(contract_time_ms(CONTRACT_WRITE_DATA), 30000);
    assert_string_equal(contract_function_name(CONTRACT_WRITE_DATA), "WriteData");
}

/* --- answers --- */

static struct contract_page page;

static struct str faults_of(enum contract_function function, const char *answer)
{
    struct contract_check check = contract_check_new(&arena);
    struct contract_place whole = contract_whole(&check, json(answer));
    contract_check_answer(function, &whole, &page);
    return contract_check_text(&check, &arena);
}

static const struct {
    enum contract_function function;
    const char *answer, *faults; /* faults: the beginning; "": none */
} rows[] = {
    {CONTRACT_LIST_ENTITIES, "{\"entities\":null,\"nextToken\":null,\"cacheControl\":null}", ""},
    {CONTRACT_LIST_ENTITIES, "{\"entities\":[{\"entityIdentifier\":\"a\"}]}",
     "/entities/0/hasNestedEntities: expected a boolean, found nothing"},
    {CONTRACT_LIST_ENTITIES, "{\"entities\":[{\"hasNestedEntities\":\"no\"}]}",
     "/entities/0/entityIdentifier: expected a string of at most 512 bytes, found nothing; "
     "/entities/0/hasNestedEntities: expected a boolean, found \"no\""},
    {CONTRACT_LIST_ENTITIES, "{\"entities\":[3]}", "/entities/0: expected an object"},
    {CONTRACT_LIST_ENTITIES, "{\"nextToken\":7}", "/nextToken: expected a string"},
    {CONTRACT_LIST_ENTITIES, "{\"cacheControl\":{\"timeToLiveUnit\":\"WEEKS\"}}",
     "/cacheControl/timeToLiveUnit: expected one of NANOSECONDS"},
    {CONTRACT_DESCRIBE_ENTITY, "{}", "/entityDefinition: expected an object, found nothing"},
    {CONTRACT_DESCRIBE_ENTITY,
     "{\"entityDefinition\":{\"entity\":{\"entityIdentifier\":\"a\",\"hasNestedEntities\":false},"
     "\"fields\":[{\"fieldName\":\"f\",\"dataType\":\"text\"}]}}",
     "/entityDefinition/fields/0/dataType: expected one of String"},
    {CONTRACT_DESCRIBE_ENTITY,
     "{\"entityDefinition\":{\"entity\":{\"entityIdentifier\":\"a\",\"hasNestedEntities\":false},"
     "\"fields\":[{\"fieldName\":\"f\",\"dataType\":\"Long\",\"filterOperators\":[\"PROJECTION\"],"
     "\"readProperties\":{\"isTimestampFieldForIncrementalQueries\":true},"
     "\"writeProperties\":{\"supportedWriteOperations\":[\"INSERT\",null]}}]}}",
     "/entityDefinition/fields/0/writeProperties/supportedWriteOperations/1: expected one of "
     "INSERT, UPDATE, UPSERT, DELETE, found null; /entityDefinition/fields/0/dataType: expected "
     "Date or DateTime of a timestamp field"},
    {CONTRACT_QUERY_DATA, "{\"records\":[\"{}\",\"{\\\"a\\\":1}\"]}", ""},
    {CONTRACT_QUERY_DATA, "{\"records\":[{\"a\":1}]}", "/records/0: expected a string"},
    {CONTRACT_QUERY_DATA, "{\"records\":[\"a,b\"]}",
     "/records/0: expected the text of a JSON object, found \"a,b\""},
    {CONTRACT_RETRIEVE_DATA, "{\"records\":[\"[1]\"]}",
     "/records/0: expected the text of a JSON object"},
    {CONTRACT_WRITE_DATA, "{\"writeRecordResults\":[{\"recordId\":\"1\"}]}",
     "/writeRecordResults/0/isSuccess: expected a boolean, found nothing"},
    {CONTRACT_VALIDATE_SETTINGS, "{\"errorsByInputField\":[]}",
     "/errorsByInputField: expected an object"},
    {CONTRACT_VALIDATE_CREDENTIALS, "{\"isSuccess\":true,\"more\":[1]}", ""},
    {CONTRACT_VALIDATE_CREDENTIALS, "[]", "the whole answer: expected an object"},
};

static void faults_are_named_by_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct str faults = faults_of(rows[i].function, rows[i].answer);
        bool as_expected = rows[i].faults[0] == '\0' ? faults.len == 0
                                                     : str_starts(faults, str_from(rows[i].faults));
        if (!as_expected)
            fail_msg("row %zu: %.*s", i, STR_ARG(faults));
    }
}

static const struct {
    const char *cache;
    int64_t seconds;
} caches[] = {
    {"{\"timeToLive\":10,\"timeToLiveUnit\":\"MINUTES\"}", 600},
    {"{\"timeToLive\":7200}", 7200},
    {"{\"timeToLive\":5,\"timeToLiveUnit\":\"DAYS\"}", 432000},
    {"{\"timeToLive\":1500,\"timeToLiveUnit\":\"MILLISECONDS\"}", 1},
    {"{\"timeToLive\":9223372036854775807,\"timeToLiveUnit\":\"DAYS\"}", 366 * 86400},
    {"{\"timeToLiveUnit\":\"DAYS\"}", -1},
    {"{\"timeToLive\":-1}", -1},
};

static void times_in_the_cache_are_read_in_their_unit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(caches) / sizeof(*caches); i++) {
        faults_of(
            CONTRACT_LIST_ENTITIES,
            arena_cstr(&arena, arena_printf(&arena, "{\"cacheControl\":%s}", caches[i].cache)));
        assert_int_equal(page.cache_s, caches[i].seconds);
    }
}

static void what_is_sent_next_is_found(void **state)
{
    (void)state;
    faults_of(CONTRACT_LIST_ENTITIES,
              "{\"entities\":[{\"entityIdentifier\":\"a\",\"hasNestedEntities\":true},"
              "{\"entityIdentifier\":\"b\",\"hasNestedEntities\":true}],\"nextToken\":\"n\"}");
    assert_int_equal(page.count, 2);
    assert_text(page.first, "a");
    assert_text(page.next_token, "n");
    faults_of(CONTRACT_QUERY_DATA, "{\"records\":[\"{}\"],\"nextToken\":\"\"}");
    assert_int_equal(page.count, 1);
    assert_null(page.next_token.data); /* an empty one is none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_for_records_have_the_members_of_the_contract),
        cmocka_unit_test(a_request_longer_than_a_payload_is_none),
        cmocka_unit_test(times_are_lambda_s),
        cmocka_unit_test(faults_are_named_by_their_place),
        cmocka_unit_test(times_in_the_cache_are_read_in_their_unit),
        cmocka_unit_test(what_is_sent_next_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
