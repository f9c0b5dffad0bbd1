/* What a connector says of itself: good answers in the form of the API, and each fault of a bad one
 * with its JSON pointer. */
#include "arena_fixture.h"

#include "connector/custom/contract_configuration.h"
#include "connector/custom/contract_shape.h"
#include "wire/errors.h"

#include <stdio.h>
#include <string.h>

static const char *encoded(const struct value *value)
{
    struct buf out = buf_in(&arena, 1024 * 1024);
    value_encode(&out, value);
    return arena_cstr(&arena, buf_str(&out));
}

static struct contract_configuration read_good(const char *answer)
{
    struct contract_configuration configuration;
    struct error error = {0};
    if (!contract_configuration_read(json(answer), &arena, &configuration, &error))
        fail_msg("%s", error.message);
    return configuration;
}

#define ALL_OPERATORS                                                                              \
    "[\"PROJECTION\",\"LESS_THAN\",\"GREATER_THAN\",\"CONTAINS\",\"BETWEEN\","                     \
    "\"LESS_THAN_OR_EQUAL_TO\",\"GREATER_THAN_OR_EQUAL_TO\",\"EQUAL_TO\",\"NOT_EQUAL_TO\","        \
    "\"ADDITION\",\"MULTIPLICATION\",\"DIVISION\",\"SUBTRACTION\",\"MASK_ALL\","                   \
    "\"MASK_FIRST_N\",\"MASK_LAST_N\",\"VALIDATE_NON_NULL\",\"VALIDATE_NON_ZERO\","                \
    "\"VALIDATE_NON_NEGATIVE\",\"VALIDATE_NUMERIC\",\"NO_OP\"]"

/* The least that the real service accepts, by public minimal connectors. */
#define LEAST                                                                                      \
    "\"isSuccess\":true,\"connectorOwner\":\"CUSTOM\",\"connectorName\":\"Orders\","               \
    "\"connectorVersion\":\"1.0\",\"connectorModes\":[\"SOURCE\"],"                                \
    "\"supportedApiVersions\":[\"v1\"]"

static void absent_lists_have_the_defaults_of_the_sdks(void **state)
{
    (void)state;
    struct contract_configuration configuration = read_good("{" LEAST "}");
    assert_string_equal(
        encoded(configuration.api),
        "{\"connectorOwner\":\"CUSTOM\",\"connectorName\":\"Orders\",\"connectorVersion\":\"1.0\","
        "\"connectorModes\":[\"SOURCE\"],\"supportedApiVersions\":[\"v1\"],"
        "\"supportedOperators\":" ALL_OPERATORS ",\"supportedSchedulingFrequencies\":"
        "[\"BYMINUTE\",\"HOURLY\",\"DAILY\",\"WEEKLY\",\"MONTHLY\",\"ONCE\"],"
        "\"supportedTriggerTypes\":[\"OnDemand\",\"Scheduled\"],\"supportedWriteOperations\":"
        "[\"INSERT\",\"UPSERT\",\"UPDATE\",\"DELETE\"],"
        "\"supportedDataTransferTypes\":[\"RECORD\"]}");
}

/* As Amazon's SDK for Python writes it, with explicit nulls, and with a member that no SDK has. */
static void the_answer_of_an_sdk_becomes_the_apis(void **state)
{
    (void)state;
    struct contract_configuration configuration = read_good(
        "{\"connectorOwner\":\"SampleConnector\",\"connectorName\":\"Sample\","
        "\"connectorVersion\":\"1.0\",\"connectorModes\":[\"SOURCE\",\"DESTINATION\"],"
        "\"authenticationConfig\":{\"isBasicAuthSupported\":null,\"isOAuth2Supported\":true,"
        "\"isCustomAuthSupported\":true,\"isApiKeyAuthSupported\":false,"
        "\"oAuth2Defaults\":{\"tokenURL\":[\"https://{{SUBDOMAIN}}.vendor.example/v2/token\"],"
        "\"authURL\":[\"https://login.vendor.example/authorize\"],"
        "\"oAuth2GrantTypesSupported\":[\"AUTHORIZATION_CODE\"],\"oAuthScopes\":[\"api\"],"
        "\"oAuth2CustomProperties\":[{\"key\":\"SUBDOMAIN\",\"type\":\"TOKEN_URL\","
        "\"required\":true,\"label\":\"Subdomain\",\"description\":\"\",\"sensitiveField\":null,"
        "\"connectorSuppliedValues\":null}],\"addBasicAuthHeader\":true,"
        "\"oAuth2ContentType\":\"APPLICATION_JSON\",\"oAuth2MethodType\":\"HTTP_GET\"},"
        "\"customAuthConfig\":[{\"authenticationType\":\"signed\",\"authParameters\":[]}]},"
        "\"supportedApiVersions\":[\"v51.0\"],\"isSuccess\":true,\"connectorRuntimeSetting\":"
        "[{\"key\":\"api_version\",\"dataType\":\"String\",\"required\":true,"
        "\"label\":\"API version\",\"description\":\"Version to use. (e.g. v54.0)\","
        "\"scope\":\"CONNECTOR_PROFILE\",\"connectorSuppliedValueOptions\":[\"v1\",\"v2\"]}],"
        "\"logoURL\":null,\"errorDetails\":null,\"operatorsSupported\":[\"PROJECTION\"],"
        "\"triggerFrequenciesSupported\":[\"HOURLY\"],\"supportedWriteOperations\":[\"INSERT\"],"
        "\"supportedTriggerTypes\":[\"SCHEDULED\",\"ONDEMAND\"],\"newMember\":{\"a\":[1]}}");
    assert_string_equal(
        encoded(configuration.api),
        "{\"connectorOwner\":\"SampleConnector\",\"connectorName\":\"Sample\","
        "\"connectorVersion\":\"1.0\",\"connectorModes\":[\"SOURCE\",\"DESTINATION\"],"
        "\"authenticationConfig\":{\"isApiKeyAuthSupported\":false,\"isOAuth2Supported\":true,"
        "\"isCustomAuthSupported\":true,\"oAuth2Defaults\":{\"oauthScopes\":[\"api\"],"
        "\"tokenUrls\":[\"https://{{SUBDOMAIN}}.vendor.example/v2/token\"],"
        "\"authCodeUrls\":[\"https://login.vendor.example/authorize\"],"
        "\"oauth2GrantTypesSupported\":[\"AUTHORIZATION_CODE\"],\"oauth2CustomProperties\":"
        "[{\"key\":\"SUBDOMAIN\",\"isRequired\":true,\"label\":\"Subdomain\","
        "\"type\":\"TOKEN_URL\"}]},\"customAuthConfigs\":[{\"customAuthenticationType\":\"signed\","
        "\"authParameters\":[]}],\"isBasicAuthSupported\":false},"
        "\"connectorRuntimeSettings\":[{\"key\":\"api_version\",\"dataType\":\"String\","
        "\"isRequired\":true,\"label\":\"API version\","
        "\"description\":\"Version to use. (e.g. v54.0)\",\"scope\":\"CONNECTOR_PROFILE\","
        "\"connectorSuppliedValueOptions\":[\"v1\",\"v2\"]}],"
        "\"supportedApiVersions\":[\"v51.0\"],\"supportedOperators\":[\"PROJECTION\"],"
        "\"supportedSchedulingFrequencies\":[\"HOURLY\"],"
        "\"supportedTriggerTypes\":[\"OnDemand\",\"Scheduled\"],"
        "\"supportedWriteOperations\":[\"INSERT\"],"
        "\"supportedDataTransferTypes\":[\"RECORD\"]}");
    struct str summary = contract_configuration_summary(&configuration, &arena);
    assert_string_equal(arena_cstr(&arena, summary),
                        "{\"connectorName\":\"Sample\",\"connectorOwner\":\"SampleConnector\","
                        "\"connectorVersion\":\"1.0\","
                        "\"connectorModes\":[\"SOURCE\",\"DESTINATION\"],"
                        "\"supportedDataTransferTypes\":[\"RECORD\"]}");
}

/* The Java SDK spells this member in another way. */
static void both_spellings_of_custom_properties_are_read(void **state)
{
    (void)state;
    static const char *const spellings[] = {"oauth2CustomProperties", "oAuth2CustomProperties"};
    for (size_t i = 0; i < 2; i++) {
        struct str answer = arena_printf(
            &arena,
            "{" LEAST ",\"authenticationConfig\":{\"oAuth2Defaults\":{\"tokenURL\":[\"https://a\"],"
            "\"oAuth2GrantTypesSupported\":[\"CLIENT_CREDENTIALS\"],"
            "\"%s\":[{\"key\":\"k\",\"type\":\"AUTH_URL\"}]}}}",
            spellings[i]);
        struct contract_configuration configuration = read_good(arena_cstr(&arena, answer));
        const struct value *defaults =
            value_get(value_get(configuration.api, "authenticationConfig"), "oAuth2Defaults");
        const struct value *properties = value_get(defaults, "oauth2CustomProperties");
        assert_int_equal(properties->count, 1);
        assert_true(str_eq(value_text(properties->items[0], "key"), STR("k")));
    }
}

static void what_is_stored_is_read_again(void **state)
{
    (void)state;
    struct contract_configuration before = read_good(
        "{" LEAST ",\"authenticationConfig\":{\"isOAuth2Supported\":true,\"oAuth2Defaults\":"
        "{\"tokenURL\":[\"https://a\"],\"oAuth2GrantTypesSupported\":[\"CLIENT_CREDENTIALS\"],"
        "\"oAuth2MethodType\":\"HTTP_GET\"}}}");
    struct contract_configuration after;
    struct error error = {0};
    struct str stored = contract_configuration_store(&before, &arena);
    assert_true(contract_configuration_load(stored, &arena, &after, &error));
    assert_string_equal(encoded(after.api), encoded(before.api));
    assert_string_equal(encoded(after.declared), encoded(before.declared));
    assert_false(contract_configuration_load(STR("{}"), &arena, &after, &error));
    assert_int_equal(error.code, ERR_CONNECTOR_SERVER);
    assert_false(contract_configuration_load(STR("{"), &arena, &after, &error));
    assert_int_equal(error.code, ERR_INTERNAL);
}

/* --- faults --- */

/* A member of the least answer and what stands for it. */
struct bad {
    const char *answer;
    const char *faults;
};

#define AUTH(members) "{" LEAST ",\"authenticationConfig\":{" members "}}"
#define OAUTH(members)                                                                             \
    AUTH("\"oAuth2Defaults\":{\"tokenURL\":[\"https://a\"],"                                       \
         "\"oAuth2GrantTypesSupported\":[\"CLIENT_CREDENTIALS\"]," members "}")
#define SETTINGS(items) "{" LEAST ",\"connectorRuntimeSetting\":[" items "]}"

static const struct bad bad_answers[] = {
    {"[]", "the whole answer: expected an object, found a list of 0"},
    {"{}", "/connectorOwner: expected a string, found nothing; "
           "/connectorName: expected a string, found nothing; "
           "/connectorVersion: expected a string, found nothing; "
           "/connectorModes: expected a list, found nothing; "
           "/supportedApiVersions: expected a list, found nothing"},
    {"{\"connectorOwner\":\"\",\"connectorName\":7,\"connectorVersion\":\"1 0\","
     "\"connectorModes\":[],\"supportedApiVersions\":[\"\",null,{}]}",
     "/connectorOwner: expected a string that is not empty, found \"\"; "
     "/connectorName: expected a string, found a number; "
     "/connectorVersion: expected a string that matches \\S+, found \"1 0\"; "
     "/connectorModes: expected a list of at least one item, found a list of 0; "
     "/supportedApiVersions/0: expected a string that is not empty, found \"\"; "
     "/supportedApiVersions/1: expected a string, found null; "
     "/supportedApiVersions/2: expected a string, found an object"},
    {"{" LEAST ",\"operatorsSupported\":[\"PROJECTION\",\"LIKE\"]}",
     "/operatorsSupported/1: expected one of PROJECTION, LESS_THAN, GREATER_THAN, CONTAINS, "
     "BETWEEN, LESS_THAN_OR_EQUAL_TO, GREATER_THAN_OR_EQUAL_TO, EQUAL_TO, NOT_EQUAL_TO, ADDITION, "
     "MULTIPLICATION, DIVISION, SUBTRACTION, MASK_ALL, MASK_FIRST_N, MASK_LAST_N, "
     "VALIDATE_NON_NULL, VALIDATE_NON_ZERO, VALIDATE_NON_NEGATIVE, VALIDATE_NUMERIC, NO_OP, found "
     "\"LIKE\""},
    {"{" LEAST
     ",\"supportedTriggerTypes\":\"ONDEMAND\",\"triggerFrequenciesSupported\":[\"YEARLY\"]"
     "}",
     "/triggerFrequenciesSupported/0: expected one of BYMINUTE, HOURLY, DAILY, WEEKLY, MONTHLY, "
     "ONCE, found \"YEARLY\"; /supportedTriggerTypes: expected a list, found \"ONDEMAND\""},
    {"{" LEAST ",\"supportedTriggerTypes\":[\"Scheduled\"]}",
     "/supportedTriggerTypes/0: expected one of ONDEMAND, SCHEDULED, found \"Scheduled\""},
    {"{" LEAST ",\"logoURL\":\"javascript:alert(1)\"}",
     "/logoURL: expected a string that matches "
     "^(https?|ftp|file)://[-a-zA-Z0-9+&@#/%?=~_|!:,.;]*[-a-zA-Z0-9+&@#/%=~_|], found "
     "\"javascript:alert(1)\""},
    {"{" LEAST ",\"authenticationConfig\":\"none\"}",
     "/authenticationConfig: expected an object, found \"none\""},
    {AUTH("\"isBasicAuthSupported\":\"yes\""),
     "/authenticationConfig/isBasicAuthSupported: expected a boolean, found \"yes\""},
    {AUTH("\"isOAuth2Supported\":true"),
     "/authenticationConfig/oAuth2Defaults: expected an object, since isOAuth2Supported is true, "
     "found nothing"},
    {AUTH("\"isCustomAuthSupported\":true,\"customAuthConfig\":[]"),
     "/authenticationConfig/customAuthConfig: expected a list of at least one item, since "
     "isCustomAuthSupported is true, found a list of 0"},
    {AUTH("\"oAuth2Defaults\":{\"tokenURL\":[],\"oAuth2GrantTypesSupported\":[\"PASSWORD\"]}"),
     "/authenticationConfig/oAuth2Defaults/tokenURL: expected a list of at least one item, found a "
     "list of 0; /authenticationConfig/oAuth2Defaults/oAuth2GrantTypesSupported/0: expected one of "
     "CLIENT_CREDENTIALS, AUTHORIZATION_CODE, JWT_BEARER, found \"PASSWORD\""},
    {AUTH("\"oAuth2Defaults\":{\"tokenURL\":[\"https://{A}.example\"],"
          "\"oAuth2GrantTypesSupported\":[\"JWT_BEARER\"]}"),
     "/authenticationConfig/oAuth2Defaults/tokenURL/0: expected a string that matches "
     "^(https?)://[-a-zA-Z0-9+&@#/%?=~_|!:,.;]*[-a-zA-Z0-9+&@#/%=~_|], found "
     "\"https://{A}.example\""},
    {OAUTH("\"oAuth2ContentType\":\"XML\",\"oAuth2MethodType\":1,\"addBasicAuthHeader\":[]"),
     "/authenticationConfig/oAuth2Defaults/oAuth2ContentType: expected one of URL_ENCODED, "
     "APPLICATION_JSON, found \"XML\"; /authenticationConfig/oAuth2Defaults/oAuth2MethodType: "
     "expected one of HTTP_POST, HTTP_GET, found a number; "
     "/authenticationConfig/oAuth2Defaults/addBasicAuthHeader: expected a boolean, found a list of "
     "0"},
    {OAUTH("\"oauth2CustomProperties\":[{\"key\":\"a b\"},7]"),
     "/authenticationConfig/oAuth2Defaults/oauth2CustomProperties/0/key: expected a string that "
     "matches \\S+, found \"a b\"; "
     "/authenticationConfig/oAuth2Defaults/oauth2CustomProperties/0/type: expected a string, found "
     "nothing; /authenticationConfig/oAuth2Defaults/oauth2CustomProperties/1: expected an object, "
     "found a number"},
    {AUTH("\"customAuthConfig\":[{\"authParameters\":[{\"required\":1}]}]"),
     "/authenticationConfig/customAuthConfig/0/authenticationType: expected a string, found "
     "nothing; /authenticationConfig/customAuthConfig/0/authParameters/0/key: expected a string, "
     "found nothing; /authenticationConfig/customAuthConfig/0/authParameters/0/required: expected "
     "a boolean, found a number"},
    {SETTINGS("{\"key\":\"a\",\"dataType\":\"String\",\"scope\":\"PROFILE\"}"),
     "/connectorRuntimeSetting/0/scope: expected one of CONNECTOR_PROFILE, SOURCE, DESTINATION, "
     "SOURCE_AND_DESTINATION, found \"PROFILE\""},
    {SETTINGS("{\"key\":\"a\",\"dataType\":\"String\",\"scope\":\"SOURCE\"},"
              "{\"key\":\"a\",\"dataType\":\"Long\",\"scope\":\"SOURCE\"}"),
     "/connectorRuntimeSetting/1/key: expected a key that no setting before it has, found \"a\""},
    {"{\"connectorOwner\":\"o\",\"connectorName\":\"n\",\"connectorVersion\":\"1\","
     "\"connectorModes\":[\"DESTINATION\"],\"supportedApiVersions\":[\"v1\"],"
     "\"supportedWriteOperations\":[]}",
     "/supportedWriteOperations: expected a list of at least one item, since connectorModes has "
     "DESTINATION, found a list of 0"},
};

static void assert_faults(const char *answer, const char *faults)
{
    struct contract_configuration configuration;
    struct error error = {0};
    struct str expected = arena_printf(
        &arena,
        "Error while communicating to connector: the answer of DescribeConnectorConfiguration does "
        "not keep to the contract of connectors: %s.",
        faults);
    assert_false(contract_configuration_read(json(answer), &arena, &configuration, &error));
    assert_int_equal(error.code, ERR_CONNECTOR_SERVER);
    assert_string_equal(error.message, arena_cstr(&arena, expected));
}

static void each_fault_is_named_with_its_pointer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_answers) / sizeof(*bad_answers); i++)
        assert_faults(bad_answers[i].answer, bad_answers[i].faults);
}

/* --- bounds --- */

static struct buf list_of(const char *item, size_t count)
{
    struct buf list = buf_in(&arena, 1024 * 1024);
    buf_add_char(&list, '[');
    for (size_t i = 0; i < count; i++)
        buf_printf(&list, "%s%s", i ? "," : "", item);
    buf_add_char(&list, ']');
    return list;
}

static void lengths_and_counts_are_bounded(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    name[257] = '\0';
    struct str answer = arena_printf(&arena, "{" LEAST ",\"logoURL\":\"https://%s\"}", name);
    assert_faults(arena_cstr(&arena, answer),
                  "/logoURL: expected a string of at most 256 characters, found a string of 265 "
                  "bytes");
    struct buf list = list_of("\"HOURLY\"", CONTRACT_LIST_MAX + 1);
    answer = arena_printf(&arena, "{" LEAST ",\"triggerFrequenciesSupported\":%s}", list.data);
    assert_faults(
        arena_cstr(&arena, answer),
        "/triggerFrequenciesSupported: expected a list of at most 100 items, found a list "
        "of 101");
    list = list_of("\"HOURLY\"", CONTRACT_LIST_MAX);
    answer = arena_printf(&arena, "{" LEAST ",\"triggerFrequenciesSupported\":%s}", list.data);
    read_good(arena_cstr(&arena, answer));
}

/* Characters, not bytes, count: a label of 128 characters of 3 bytes each is fine. */
static void lengths_are_counted_in_characters(void **state)
{
    (void)state;
    struct buf label = buf_in(&arena, 1024);
    for (int i = 0; i < 128; i++)
        buf_add_cstr(&label, "\xe2\x82\xac");
    struct str answer =
        arena_printf(&arena,
                     SETTINGS("{\"key\":\"a\",\"dataType\":\"String\",\"scope\":\"SOURCE\","
                              "\"label\":\"%s\"}"),
                     label.data);
    read_good(arena_cstr(&arena, answer));
}

static void the_whole_is_bounded(void **state)
{
    (void)state;
    struct buf text = buf_in(&arena, 1024 * 1024), items = buf_in(&arena, 1024 * 1024);
    for (int i = 0; i < 1024; i++)
        buf_add_char(&text, 'd');
    for (int i = 0; i < 100; i++) {
        struct buf values = list_of("\"0123456789012345678901234567890123456789\"", 50);
        buf_printf(&items,
                   "%s{\"key\":\"k%d\",\"dataType\":\"String\",\"scope\":\"SOURCE\","
                   "\"description\":\"%s\",\"connectorSuppliedValueOptions\":%s}",
                   i ? "," : "", i, text.data, values.data);
    }
    struct str answer = arena_printf(&arena, SETTINGS("%s"), items.data);
    assert_faults(arena_cstr(&arena, answer),
                  "the whole answer: expected an object of at most 262144 bytes, found an "
                  "object");
}

#define test(name) cmocka_unit_test_teardown(name, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(absent_lists_have_the_defaults_of_the_sdks),
        test(the_answer_of_an_sdk_becomes_the_apis),
        test(both_spellings_of_custom_properties_are_read),
        test(what_is_stored_is_read_again),
        test(each_fault_is_named_with_its_pointer),
        test(lengths_and_counts_are_bounded),
        test(lengths_are_counted_in_characters),
        test(the_whole_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
