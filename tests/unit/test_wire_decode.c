/* Decoding requests: names, types, absence, constraints, and what a message may tell. */
#include "cmocka_all.h"

#include "wire/api_ids.h"
#include "wire/errors.h"
#include "wire/restjson.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct shape *const UPDATE = &api_shapes[API_SHAPE_UpdateConnectorProfileRequest];
static const struct shape *const DESCRIBE = &api_shapes[API_SHAPE_DescribeConnectorProfilesRequest];

struct result {
    struct arena arena;
    struct value *value;
    struct error error;
    char json[4096]; /* of the value */
};

static struct result decoded(const struct shape *shape, struct str body)
{
    struct result result = {0};
    if (restjson_decode(shape, body, &result.arena, &result.value, &result.error)) {
        struct buf out = buf_on_heap(sizeof(result.json) - 1);
        value_encode(&out, result.value);
        memcpy(result.json, out.data, out.len + 1);
        buf_done(&out);
    } else {
        assert_int_not_equal(result.error.code, ERR_NONE);
    }
    return result;
}

static void accepts(const struct shape *shape, const char *body, const char *json)
{
    struct result result = decoded(shape, str_from(body));
    assert_string_equal(result.error.message, "");
    assert_string_equal(result.json, json);
    arena_done(&result.arena);
}

static void refuses_bytes(const struct shape *shape, struct str body, int code, const char *message)
{
    struct result result = decoded(shape, body);
    assert_string_equal(result.error.message, message);
    assert_int_equal(result.error.code, code);
    arena_done(&result.arena);
}

static void refuses(const struct shape *shape, const char *body, int code, const char *message)
{
    refuses_bytes(shape, str_from(body), code, message);
}

/* The configuration of a valid update around one connector's two structures. */
static char *update_body(const char *properties, const char *credentials)
{
    char *body;
    assert_true(asprintf(&body,
                         "{\"connectorProfileName\":\"p\",\"connectionMode\":\"Public\","
                         "\"connectorProfileConfig\":{\"connectorProfileProperties\":%s,"
                         "\"connectorProfileCredentials\":%s}}",
                         properties, credentials) > 0);
    return body;
}

/* As printed on the API reference's page for UpdateConnectorProfile. */
static const char PAGE_EXAMPLE[] = "{\n"
                                   "  \"connectorProfileName\": \"Connector_Profile_Name_value\",\n"
                                   "  \"kmsArn\": null,\n"
                                   "  \"connectorType\": \"Salesforce\",\n"
                                   "  \"connectionMode\": \"Public\",\n"
                                   "  \"connectorProfileConfig\":\n"
                                   "  {\n"
                                   "    \"connectorProfileProperties\":\n"
                                   "    {\n"
                                   "      \"salesforce\":\n"
                                   "      {\n"
                                   "        \"instanceUrl\": \"Instance_url_value\",\n"
                                   "        \"isSandboxEnvironment\": false\n"
                                   "      }\n"
                                   "    },\n"
                                   "    \"connectorProfileCredentials\":\n"
                                   "    {\n"
                                   "      \"salesforce\":\n"
                                   "      {\n"
                                   "        \"accessToken\": \"<AccessToken>\",\n"
                                   "        \"refreshToken\": \"<RefreshToken>\",\n"
                                   "        \"oauthRequest\":\n"
                                   "        {\n"
                                   "          \"authCode\": null,\n"
                                   "          \"redirectUri\": null\n"
                                   "        }\n"
                                   "      }\n"
                                   "    }\n"
                                   "  }\n"
                                   "}\n";

static void the_example_of_the_api_page_decodes_as_printed(void **state)
{
    (void)state;
    accepts(
        UPDATE, PAGE_EXAMPLE,
        "{\"connectorProfileName\":\"Connector_Profile_Name_value\",\"connectionMode\":\"Public\","
        "\"connectorProfileConfig\":{\"connectorProfileProperties\":{\"Salesforce\":{"
        "\"instanceUrl\":\"Instance_url_value\",\"isSandboxEnvironment\":false}},"
        "\"connectorProfileCredentials\":{\"Salesforce\":{\"accessToken\":\"<AccessToken>\","
        "\"refreshToken\":\"<RefreshToken>\",\"oAuthRequest\":{}}}}}");
}

static void members_come_in_the_models_order_and_maps_sorted(void **state)
{
    (void)state;
    accepts(DESCRIBE,
            "{\"nextToken\":\"t\",\"maxResults\":5,\"connectorProfileNames\":[\"b\",\"a\"]}",
            "{\"connectorProfileNames\":[\"b\",\"a\"],\"maxResults\":5,\"nextToken\":\"t\"}");
    accepts(&api_shapes[API_SHAPE_CustomConnectorProfileProperties],
            "{\"profileProperties\":{\"b\":\"1\",\"a\":\"2\",\"ab\":\"3\"}}",
            "{\"profileProperties\":{\"a\":\"2\",\"ab\":\"3\",\"b\":\"1\"}}");
}

static void absence_has_many_spellings(void **state)
{
    (void)state;
    accepts(DESCRIBE, "{}", "{}");
    accepts(DESCRIBE, " {} \r\n\t", "{}");
    accepts(DESCRIBE, "{\"nextToken\":null,\"connectorType\":null,\"maxResults\":null}", "{}");
    accepts(DESCRIBE, "{\"nextToken\":\"\",\"connectorType\":\"\"}", "{}");
    accepts(DESCRIBE, "{\"unknown\":{\"deep\":[1,null,{}]},\"another\":\"\"}", "{}");
    accepts(DESCRIBE, "", "{}");
    refuses(&api_shapes[API_SHAPE_StopFlowRequest], "", ERR_VALIDATION,
            "The request object must be non-null");
    /* In a required member an empty string is a value. */
    refuses(&api_shapes[API_SHAPE_StopFlowRequest], "{\"flowName\":\"\"}", ERR_VALIDATION,
            "1 validation error detected: Value '' at 'flowName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9][\\w!@#.-]+");
    refuses(&api_shapes[API_SHAPE_StopFlowRequest], "{\"flowName\":null}", ERR_VALIDATION,
            "1 validation error detected: Value null at 'flowName' failed to satisfy constraint: "
            "Member must not be null");
}

static void names_match_without_case_but_once(void **state)
{
    (void)state;
    accepts(DESCRIBE, "{\"MAXRESULTS\":7}", "{\"maxResults\":7}");
    refuses(DESCRIBE, "{\"maxResults\":7,\"maxresults\":7}", ERR_SERIALIZATION,
            "The body has the member maxResults twice in one object, in two spellings.");
    refuses(DESCRIBE, "{\"maxresults\":null,\"MaxResults\":7}", ERR_SERIALIZATION,
            "The body has the member maxResults twice in one object, in two spellings.");
    refuses(DESCRIBE, "{\"maxResults\":7,\"maxResults\":7}", ERR_SERIALIZATION,
            "The body has a name twice in one object (line 1, column 18).");
    refuses(DESCRIBE, "{\"unknown\":{\"a\":1,\"a\":1}}", ERR_SERIALIZATION,
            "The body has a name twice in one object (line 1, column 20).");
}

static void every_type_is_checked_by_its_path(void **state)
{
    (void)state;
    refuses(DESCRIBE, "[]", ERR_SERIALIZATION, "The body must be an object, but is a list.");
    refuses(DESCRIBE, "null", ERR_SERIALIZATION, "The body must be an object, but is null.");
    refuses(DESCRIBE, "{\"nextToken\":1}", ERR_SERIALIZATION,
            "Value at 'nextToken' must be a string, but is a number.");
    refuses(DESCRIBE, "{\"connectorProfileNames\":[\"a\",{}]}", ERR_SERIALIZATION,
            "Value at 'connectorProfileNames.2.member' must be a string, but is an object.");
    refuses(DESCRIBE, "{\"connectorProfileNames\":{}}", ERR_SERIALIZATION,
            "Value at 'connectorProfileNames' must be a list, but is an object.");
    refuses(&api_shapes[API_SHAPE_CustomConnectorProfileProperties],
            "{\"profileProperties\":{\"a\":true}}", ERR_SERIALIZATION,
            "Value at 'profileProperties.value' must be a string, but is a boolean.");
    char *body = update_body("{\"SAPOData\":{\"portNumber\":\"443\"}}", "null");
    refuses(UPDATE, body, ERR_SERIALIZATION,
            "Value at 'connectorProfileConfig.connectorProfileProperties.sAPOData.portNumber' must "
            "be a 32-bit integer, but is a string.");
    free(body);
    body = update_body("{\"Salesforce\":{\"isSandboxEnvironment\":\"true\"}}", "null");
    refuses(UPDATE, body, ERR_SERIALIZATION,
            "Value at 'connectorProfileConfig.connectorProfileProperties.salesforce."
            "isSandboxEnvironment' must be a boolean, but is a string.");
    free(body);
}

static void numbers_are_judged_by_their_value(void **state)
{
    (void)state;
    static const char *const not_integers[] = {
        "1.5", "1e-1", "\"1\"", "2147483648", "-2147483649", "9223372036854775807", "1e300", "[]",
    };
    accepts(DESCRIBE, "{\"maxResults\":1.0}", "{\"maxResults\":1}");
    accepts(DESCRIBE, "{\"maxResults\":1e2}", "{\"maxResults\":100}");
    for (size_t i = 0; i < sizeof(not_integers) / sizeof(*not_integers); i++) {
        char body[64];
        snprintf(body, sizeof(body), "{\"maxResults\":%s}", not_integers[i]);
        struct result result = decoded(DESCRIBE, str_from(body));
        assert_int_equal(result.error.code, ERR_SERIALIZATION);
        assert_non_null(strstr(result.error.message, "'maxResults' must be a 32-bit integer"));
        arena_done(&result.arena);
    }
    refuses(DESCRIBE, "{\"maxResults\":1e999}", ERR_SERIALIZATION,
            "The body holds a number that is out of range (line 1, column 15).");
    refuses(DESCRIBE, "{\"x\":99999999999999999999}", ERR_SERIALIZATION,
            "The body holds a number that is out of range (line 1, column 6).");
    refuses(DESCRIBE, "{\"maxResults\":101}", ERR_VALIDATION,
            "1 validation error detected: Value '101' at 'maxResults' failed to satisfy "
            "constraint: Member must have value less than or equal to 100");
}

static void times_are_seconds_with_or_without_a_fraction(void **state)
{
    (void)state;
    const struct shape *shape = &api_shapes[API_SHAPE_ScheduledTriggerProperties];
    accepts(shape, "{\"scheduleExpression\":\"r\",\"scheduleStartTime\":1798761600}",
            "{\"scheduleExpression\":\"r\",\"scheduleStartTime\":1798761600.000}");
    accepts(shape, "{\"scheduleExpression\":\"r\",\"scheduleStartTime\":1798761600.467}",
            "{\"scheduleExpression\":\"r\",\"scheduleStartTime\":1798761600.467}");
    accepts(shape, "{\"scheduleExpression\":\"r\",\"scheduleStartTime\":-1.5}",
            "{\"scheduleExpression\":\"r\",\"scheduleStartTime\":-1.500}");
    refuses(shape, "{\"scheduleExpression\":\"r\",\"scheduleStartTime\":1e18}", ERR_SERIALIZATION,
            "Value at 'scheduleStartTime' must be a time in seconds since 1970, but is a number.");
    refuses(shape, "{\"scheduleExpression\":\"r\",\"scheduleStartTime\":\"2026-01-01T00:00:00Z\"}",
            ERR_SERIALIZATION,
            "Value at 'scheduleStartTime' must be a time in seconds since 1970, but is a string.");
}

static void text_that_is_not_strict_json_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct str body;
        const char *message;
    } cases[] = {
        {STR("{"), "The body ends in the middle of its JSON (line 1, column 1)."},
        {STR("{} {}"), "The body goes on after its JSON (line 1, column 4)."},
        {STR("{'a':1}"), "The body is not valid JSON (line 1, column 2)."},
        {STR("{\"a\":1,}"), "The body is not valid JSON (line 1, column 8)."},
        {STR("{\"a\":01}"), "The body is not valid JSON (line 1, column 6)."},
        {STR("{\"a\":NaN}"), "The body is not valid JSON (line 1, column 8)."},
        {STR("{\"a\":\"\n\"}"), "The body is not valid JSON (line 1, column 6)."},
        {STR("\xEF\xBB\xBF{}"), "The body is not valid JSON (line 1, column 1)."},
        {STR("{\"a\":\"\xFF\"}"), "The body is not valid UTF-8 (line 1, column 6)."},
        {STR("{\"a\":\"\xC0\x80\"}"), "The body is not valid UTF-8 (line 1, column 6)."},
        {STR("{\"a\":\"\xED\xA0\x80\"}"), "The body is not valid UTF-8 (line 1, column 6)."},
        {STR("{\"a\":\"\\ud800\"}"), "The body is not valid JSON (line 1, column 12)."},
        {STR("{\"a\":\"\\udc00\"}"), "The body is not valid JSON (line 1, column 12)."},
        {STR("{\"a\":\"\\ud800\\u0041\"}"), "The body is not valid JSON (line 1, column 18)."},
        {STR("{\"a\":\"\\u0000\"}"), "The body holds a null character (line 1, column 13)."},
        {STR("{\"\\u0000\":1}"), "The body holds a null character (line 1, column 9)."},
        {STR("{\"a\0b\":1}"), "The body is not valid JSON (line 1, column 3)."},
        {STR(" "), "The body ends in the middle of its JSON (line 1, column 1)."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct result result = decoded(DESCRIBE, cases[i].body);
        assert_int_equal(result.error.code, ERR_SERIALIZATION);
        /* Where exactly, is the library's own view. */
        size_t upto = (size_t)(strchr(cases[i].message, '(') - cases[i].message);
        assert_memory_equal(result.error.message, cases[i].message, upto);
        arena_done(&result.arena);
    }
    accepts(DESCRIBE, "{\"nextToken\":\"\\ud83d\\ude00\\u00e9\"}", "{\"nextToken\":\"😀é\"}");
}

static struct str nested(char *body, size_t depth, const char *open, const char *close)
{
    size_t len = 0;
    len += (size_t)sprintf(body + len, "{\"x\":");
    for (size_t i = 1; i < depth; i++)
        len += (size_t)sprintf(body + len, "%s", open);
    len += (size_t)sprintf(body + len, "\"{[\\\"{[\"");
    for (size_t i = 1; i < depth; i++)
        len += (size_t)sprintf(body + len, "%s", close);
    len += (size_t)sprintf(body + len, "}");
    return (struct str){body, len};
}

static void depth_ends_at_its_limit(void **state)
{
    (void)state;
    char body[1024];
    const char *message = "The body is nested more than 32 levels deep.";
    accepts(DESCRIBE, nested(body, JSON_DEPTH_MAX, "[", "]").data, "{}");
    accepts(DESCRIBE, nested(body, JSON_DEPTH_MAX, "{\"y\":", "}").data, "{}");
    refuses_bytes(DESCRIBE, nested(body, JSON_DEPTH_MAX + 1, "[", "]"), ERR_SERIALIZATION, message);
    refuses_bytes(DESCRIBE, nested(body, JSON_DEPTH_MAX + 1, "{\"y\":", "}"), ERR_SERIALIZATION,
                  message);
    char *bomb = malloc(200000);
    memset(bomb, '[', 200000);
    refuses_bytes(DESCRIBE, (struct str){bomb, 200000}, ERR_SERIALIZATION, message);
    free(bomb);
    /* Siblings are not depth. */
    accepts(DESCRIBE,
            "{\"x\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
            "[],[],[],[],[],[],[],[],[],[],[]]}",
            "{}");
}

static void all_violations_are_told_together(void **state)
{
    (void)state;
    refuses(UPDATE, "{}", ERR_VALIDATION,
            "3 validation errors detected: Value null at 'connectorProfileName' failed to satisfy "
            "constraint: Member must not be null; Value null at 'connectionMode' failed to satisfy "
            "constraint: Member must not be null; Value null at 'connectorProfileConfig' failed to "
            "satisfy constraint: Member must not be null");
    refuses(UPDATE,
            "{\"connectorProfileName\":\"a b\",\"connectionMode\":\"Secret\","
            "\"connectorProfileConfig\":{},\"clientToken\":\"\\u00e9\"}",
            ERR_VALIDATION,
            "4 validation errors detected: Value 'a b' at 'connectorProfileName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\w/!@#+=.-]+; "
            "Value 'Secret' at 'connectionMode' failed to satisfy constraint: Member must satisfy "
            "enum value set: [Public, Private]; Value null at "
            "'connectorProfileConfig.connectorProfileProperties' failed to satisfy constraint: "
            "Member must not be null; Value 'é' at 'clientToken' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [ -~]+");
    refuses(
        DESCRIBE, "{\"connectorProfileNames\":[\"ok\",\"not ok\",null]}", ERR_VALIDATION,
        "1 validation error detected: Value '[ok, not ok, null]' at 'connectorProfileNames' "
        "failed to satisfy constraint: Member must satisfy constraint: [Member must have length "
        "less than or equal to 256, Member must satisfy regular expression pattern: "
        "[\\w/!@#+=.-]+, Member must not be null]");
    refuses(&api_shapes[API_SHAPE_CustomConnectorProfileProperties],
            "{\"profileProperties\":{\"a b\":\"c d\"}}", ERR_VALIDATION,
            "2 validation errors detected: Value '{a b=c d}' at 'profileProperties' failed to "
            "satisfy constraint: Map keys must satisfy constraint: [Member must have length less "
            "than or equal to 128, Member must have length greater than or equal to 1, Member must "
            "satisfy regular expression pattern: [\\w]+]; Value '{a b=c d}' at 'profileProperties' "
            "failed to satisfy constraint: Map value must satisfy constraint: [Member must have "
            "length less than or equal to 2048, Member must satisfy regular expression pattern: "
            "\\S+]");
}

static void an_element_that_is_a_structure_has_a_place(void **state)
{
    (void)state;
    struct result result =
        decoded(&api_shapes[API_SHAPE_UpdateFlowRequest],
                STR("{\"flowName\":\"flow\",\"triggerConfig\":{\"triggerType\":\"OnDemand\"},"
                    "\"sourceFlowConfig\":{\"connectorType\":\"S3\","
                    "\"sourceConnectorProperties\":{}},\"destinationFlowConfigList\":[],"
                    "\"tasks\":[{\"taskType\":\"Map\",\"sourceFields\":[]},null,{\"taskType\":"
                    "\"Nap\",\"sourceFields\":[]}]}"));
    assert_int_equal(result.error.code, ERR_VALIDATION);
    static const char start[] =
        "2 validation errors detected: Value null at 'tasks.2.member' failed to satisfy "
        "constraint: "
        "Member must not be null; Value 'Nap' at 'tasks.3.member.taskType' failed to satisfy "
        "constraint: Member must satisfy enum value set: [Arithmetic, Filter, Map, ";
    assert_memory_equal(result.error.message, start, sizeof(start) - 1);
    arena_done(&result.arena);
}

static void long_messages_stay_whole_and_within_bounds(void **state)
{
    (void)state;
    char body[4000], name[2000];
    size_t len = 0;
    for (int i = 0; i < 600; i++)
        len += (size_t)snprintf(name + len, sizeof(name) - len, "é");
    snprintf(body, sizeof(body), "{\"connectorProfileName\":\"%s\",\"connectionMode\":\"Public\"}",
             name);
    struct result result = decoded(UPDATE, str_from(body));
    char expected[1024];
    snprintf(expected, sizeof(expected),
             "2 validation errors detected: Value '%.200s…' at 'connectorProfileName' failed to "
             "satisfy constraint: Member must have length less than or equal to 256; Value null",
             name);
    assert_int_equal(strncmp(result.error.message, expected, strlen(expected)), 0);
    arena_done(&result.arena);

    /* Twelve violations: ten sentences at most, and never half of one. */
    struct buf many = buf_on_heap(100000);
    buf_add_cstr(&many, "{\"flowName\":\"flow\",\"tasks\":[");
    for (int i = 0; i < 12; i++)
        buf_printf(&many, "%s{\"taskType\":\"Nap\",\"sourceFields\":[]}", i > 0 ? "," : "");
    buf_add_cstr(&many, "]}");
    result = decoded(&api_shapes[API_SHAPE_UpdateFlowRequest], buf_str(&many));
    assert_int_equal(strncmp(result.error.message, "15 validation errors detected: ", 31), 0);
    assert_true(strlen(result.error.message) <= ERROR_MESSAGE_MAX);
    char last = result.error.message[strlen(result.error.message) - 1];
    assert_true(last == ']' || last == 'l'); /* an enum's end, or that of "null" */
    arena_done(&result.arena);
    buf_done(&many);
}

static void what_was_stored_is_read_without_constraints(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct value *value;
    struct error error = {0};
    assert_true(restjson_decode_stored(&api_shapes[API_SHAPE_RedshiftConnectorProfileProperties],
                                       STR("{\"databaseName\":\"\",\"bucketName\":\"x\"}"), &arena,
                                       &value, &error));
    struct buf out = buf_in(&arena, 1000);
    value_encode(&out, value);
    assert_string_equal(out.data, "{\"bucketName\":\"x\",\"databaseName\":\"\"}");
    assert_false(restjson_decode_stored(&api_shapes[API_SHAPE_RedshiftConnectorProfileProperties],
                                        STR("{\"bucketName\":1}"), &arena, &value, &error));
    assert_int_equal(error.code, ERR_SERIALIZATION);
    arena_done(&arena);
}

static void equal_requests_have_equal_bytes(void **state)
{
    (void)state;
    struct result a = decoded(UPDATE, STR("{\"connectorProfileName\":\"p\",\"connectionMode\":"
                                          "\"Public\",\"connectorProfileConfig\":{"
                                          "\"connectorProfileProperties\":{\"customconnector\":{"
                                          "\"profileProperties\":{\"b\":\"2\",\"a\":\"\\u0031\"},"
                                          "\"oAuth2Properties\":null}}}}"));
    struct result b =
        decoded(UPDATE, STR("{ \"connectorProfileConfig\" : {\"connectorProfileProperties\":{"
                            "\"CustomConnector\":{\"profileProperties\":{\"a\":\"1\",\"b\":\"2\"}"
                            "}}},\"x\":[], \"connectionMode\":\"Public\",\"clientToken\":\"\","
                            "\"connectorProfileName\":\"p\"}"));
    assert_string_not_equal(a.json, "");
    assert_string_equal(a.json, b.json);
    arena_done(&a.arena);
    arena_done(&b.arena);
}

/* A body of the largest size whose members the model does not have, a few thousand values of each
 * kind: what is left when it was decoded is what the same request leaves without them. */
static void unknown_members_take_no_memory(void **state)
{
    (void)state;
    static const char *const items[] = {"{}", "[]", "1", "\"x\"", "{\"k\":{}}"};
    struct result plain = decoded(DESCRIBE, STR("{\"maxResults\":7}"));
    for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
        struct buf body = buf_on_heap(256 * 1024);
        buf_add_cstr(&body, "{\"maxResults\":7,\"zzz\":[0");
        for (size_t k = 0; k < 6000; k++)
            buf_printf(&body, ",%s", items[i]);
        buf_add_cstr(&body, "],\"text\":\"");
        while (body.len < 200 * 1024)
            buf_add_cstr(&body, "0123456789abcdef");
        buf_add_cstr(&body, "\"}");
        struct result result = decoded(DESCRIBE, buf_str(&body));
        assert_string_equal(result.json, plain.json);
        assert_true(result.arena.used <= plain.arena.used);
        arena_done(&result.arena);
        buf_done(&body);
    }
    arena_done(&plain.arena);
}

static void *decode_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++) {
        accepts(DESCRIBE, "{\"connectorProfileNames\":[\"a\",\"b\"],\"maxResults\":5}",
                "{\"connectorProfileNames\":[\"a\",\"b\"],\"maxResults\":5}");
        refuses(
            &api_shapes[API_SHAPE_StopFlowRequest], "{\"flowName\":\"-\"}", ERR_VALIDATION,
            "1 validation error detected: Value '-' at 'flowName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9][\\w!@#.-]+");
    }
    return NULL;
}

/* The JSON library and the patterns are shared by all threads; the thread sanitizer watches. */
static void threads_decode_side_by_side(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decode_often, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_api_page_decodes_as_printed),
        cmocka_unit_test(members_come_in_the_models_order_and_maps_sorted),
        cmocka_unit_test(absence_has_many_spellings),
        cmocka_unit_test(names_match_without_case_but_once),
        cmocka_unit_test(every_type_is_checked_by_its_path),
        cmocka_unit_test(numbers_are_judged_by_their_value),
        cmocka_unit_test(times_are_seconds_with_or_without_a_fraction),
        cmocka_unit_test(text_that_is_not_strict_json_is_refused),
        cmocka_unit_test(depth_ends_at_its_limit),
        cmocka_unit_test(all_violations_are_told_together),
        cmocka_unit_test(an_element_that_is_a_structure_has_a_place),
        cmocka_unit_test(long_messages_stay_whole_and_within_bounds),
        cmocka_unit_test(what_was_stored_is_read_without_constraints),
        cmocka_unit_test(equal_requests_have_equal_bytes),
        cmocka_unit_test(unknown_members_take_no_memory),
        cmocka_unit_test(threads_decode_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
