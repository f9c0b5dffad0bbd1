/* An answer that is not what the API's model says is found: each kind of mistake there can be. */
#include "cmocka_all.h"

#include "wire/api_ids.h"
#include "wire/output_check.h"

#include <string.h>

/* The message of what is wrong; NULL: nothing is. */
static const char *checked(struct arena *arena, enum api_operation_id id, const char *json)
{
    struct error *error = arena_new(arena, struct error);
    if (output_check(&api_operations[id], str_from(json), arena, error))
        return NULL;
    assert_int_equal(error->code, ERR_INTERNAL);
    return error->message;
}

static void good_answers_pass(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_null(checked(&arena, API_OP_UpdateConnectorProfile, "{\"connectorProfileArn\":\"a\"}"));
    assert_null(checked(&arena, API_OP_UpdateConnectorProfile, "{}"));
    assert_null(checked(&arena, API_OP_DeleteConnectorProfile, "{}"));
    assert_null(checked(&arena, API_OP_DescribeConnectorProfiles,
                        "{\"connectorProfileDetails\":[{\"connectorType\":\"Slack\",\"createdAt\":"
                        "1.5,\"lastUpdatedAt\":2,\"connectorProfileProperties\":{\"Slack\":"
                        "{\"instanceUrl\":\"u\"}}}],\"nextToken\":\"t\"}"));
    assert_null(checked(&arena, API_OP_ListTagsForResource, "{\"tags\":{\"any\":\"thing\"}}"));
    arena_done(&arena);
}

static void each_mistake_is_named(void **state)
{
    (void)state;
    static const struct {
        enum api_operation_id operation;
        const char *json, *words;
    } cases[] = {
        {API_OP_UpdateConnectorProfile, "{\"connectorProfileARN\":\"a\"}",
         "UpdateConnectorProfile does not match the API's model: connectorProfileARN is no member"},
        {API_OP_UpdateConnectorProfile, "{\"connectorProfileArn\":5}", "must be a string"},
        {API_OP_UpdateConnectorProfile, "[]", "must be an object"},
        {API_OP_UpdateConnectorProfile, "{", "no JSON"},
        {API_OP_UpdateConnectorProfile, "", "no JSON"},
        {API_OP_DeleteConnectorProfile, "{\"connectorProfileArn\":\"a\"}", "is no member"},
        {API_OP_DescribeConnectorProfiles, "{\"connectorProfileDetails\":{}}", "must be a list"},
        {API_OP_DescribeConnectorProfiles, "{\"connectorProfileDetails\":[{\"created\":1}]}",
         "connectorProfileDetails.1.member.created is no member"},
        {API_OP_DescribeConnectorProfiles, "{\"connectorProfileDetails\":[{\"createdAt\":\"1\"}]}",
         "must be a number"},
        {API_OP_DescribeConnectorProfiles,
         "{\"connectorProfileDetails\":[{\"connectorType\":\"slack\"}]}",
         "is no value of its enumeration"},
        {API_OP_DescribeConnectorProfiles,
         "{\"connectorProfileDetails\":[{\"connectorProfileProperties\":{\"Slack\":{}}}]}",
         "instanceUrl is missing"},
        {API_OP_DescribeConnectorEntity, "{}", "connectorEntityFields is missing"},
        {API_OP_DescribeConnectorEntity,
         "{\"connectorEntityFields\":[{\"identifier\":\"a\",\"isPrimaryKey\":1}]}",
         "must be a boolean"},
        {API_OP_ListTagsForResource, "{\"tags\":[]}", "must be an object"},
        {API_OP_ListTagsForResource, "{\"tags\":{\"a\":1}}", "must be a string"},
        {API_OP_DescribeFlow, "{\"schemaVersion\":1.5}", "must be an integer"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *message = checked(&arena, cases[i].operation, cases[i].json);
        if (!message || !strstr(message, cases[i].words))
            fail_msg("%s: %s", cases[i].json, message ? message : "passed");
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_answers_pass),
        cmocka_unit_test(each_mistake_is_named),
    };
    return cmocka_run_group_tests_name("output-check", tests, NULL, NULL);
}
