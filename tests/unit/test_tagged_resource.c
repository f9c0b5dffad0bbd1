/* What can be tagged: ARNs that are read or refused, and what policies know of tags. */
#include "store_fixture.h"

#include "api/authorize_tags.h"
#include "api/tagged_resource.h"
#include "store/connectors.h"
#include "wire/api_ids.h"
#include "wire/json_value.h"
#include "wire/shape.h"
#include "wire/value.h"

static struct api_request request_in(struct arena *arena)
{
    return (struct api_request){
        .arena = arena,
        .caller = {.account = STR("123456789012"), .region = STR("eu-central-1")},
    };
}

static void an_arn_is_read(void **state)
{
    struct fixture *f = *state;
    struct api_request request = request_in(&f->arena);
    struct tagged tagged;
    check(f, tagged_resource_read(
                 &request, STR("arn:aws:appflow:eu-central-1:123456789012:connector/a!b@c#d.e-f"),
                 &tagged, &f->error));
    assert_true(str_eq(tagged.account, STR("123456789012")));
    assert_true(str_eq(tagged.region, STR("eu-central-1")));
    assert_true(str_eq(tagged.kind, STR("connector")));
    assert_true(str_eq(tagged.name, STR("a!b@c#d.e-f")));
}

static const struct {
    const char *arn;
    int code;
    const char *message; /* a part of it */
} refused[] = {
    {"arn:aws:appflow:eu-central-1:123456789012:connector/", ERR_VALIDATION, "is not the ARN"},
    {"arn:aws:appflow:eu-central-1:123456789012:connector", ERR_VALIDATION, "is not the ARN"},
    {"arn:aws:appflow:eu-central-1:123456789012:", ERR_VALIDATION, "is not the ARN"},
    {"arn:aws:s3:eu-central-1:123456789012:connector/a", ERR_VALIDATION, "is not the ARN"},
    {"arn:aws:appflow:eu-central-1:123456789012", ERR_VALIDATION, "is not the ARN"},
    {"", ERR_VALIDATION, "is not the ARN"},
    {"arn:aws:appflow:eu-central-1:123456789012:connectorprofile/a", ERR_VALIDATION,
     "A connectorprofile cannot be tagged."},
    {"arn:aws:appflow:eu-central-1:123456789012:Connector/a", ERR_VALIDATION,
     "A Connector cannot be tagged."},
    {"arn:aws:appflow:eu-central-1:111122223333:connector/a", ERR_NOT_FOUND,
     "111122223333:connector/a does not exist."},
    {"arn:aws:appflow:us-east-1:123456789012:flow/a", ERR_NOT_FOUND, "flow/a does not exist."},
    {"arn:aws:appflow::123456789012:flow/a", ERR_NOT_FOUND, "flow/a does not exist."},
};

static void other_arns_are_refused(void **state)
{
    struct fixture *f = *state;
    struct api_request request = request_in(&f->arena);
    struct tagged tagged;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct error error = {0};
        assert_false(tagged_resource_read(&request, str_from(refused[i].arn), &tagged, &error));
        if (error.code != refused[i].code || !strstr(error.message, refused[i].message))
            fail_msg("%s: %s", refused[i].arn, error.message);
    }
}

static void what_does_not_exist_is_not_found(void **state)
{
    struct fixture *f = *state;
    static const char *const kinds[] = {"connector", "flow"};
    for (size_t i = 0; i < 2; i++) {
        struct tagged tagged = {STR("123456789012"), STR("eu-central-1"), str_from(kinds[i]),
                                STR("a")};
        struct error error = {0};
        assert_false(tagged_resource_check(f->reader, &f->arena, &tagged, &error));
        assert_int_equal(error.code, ERR_NOT_FOUND);
    }
}

/* --- the resource ends --- */

static const struct tagged memory = {STR("123456789012"), STR("eu-central-1"), STR("connector"),
                                     STR("memory")};
static const struct connector_key memory_key = {STR("123456789012"), STR("eu-central-1"),
                                                STR("memory")};

static bool apply_register(struct db *db, void *argument, struct error *error)
{
    const struct connector_row row = {
        .key = memory_key,
        .version = 100,
        .function_arn = STR("arn:aws:lambda:eu-central-1:123456789012:function:memory"),
        .summary = STR("{}"),
        .configuration = STR("{}"),
        .mac = STR("mac"),
    };
    (void)argument;
    return connector_row_insert(db, &row, error);
}

static bool apply_unregister(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    return connector_row_delete(db, memory_key, false, error);
}

static bool apply_tag(struct db *db, void *argument, struct error *error)
{
    static const struct tag tag = {STR("team"), STR("sales")};
    (void)argument;
    return tagged_resource_hold(db, &memory, error) && tags_put(db, &memory, &tag, 1, error);
}

static size_t tag_count(struct fixture *f)
{
    struct tag *tags;
    size_t count;
    check(f, tags_list(f->reader, &f->arena, &memory, &tags, &count, &f->error));
    return count;
}

/* One that is registered again under the label is another one. */
static void tags_end_with_their_connector(void **state)
{
    struct fixture *f = *state;
    assert_false(store_apply(f->store, apply_tag, NULL, false, &f->error));
    assert_int_equal(f->error.code, ERR_NOT_FOUND);
    assert_string_equal(f->error.message,
                        "Resource arn:aws:appflow:eu-central-1:123456789012:connector/memory does "
                        "not exist.");
    for (int i = 0; i < 2; i++) {
        check(f, store_apply(f->store, apply_register, NULL, false, &f->error));
        check(f, tagged_resource_check(f->reader, &f->arena, &memory, &f->error));
        assert_int_equal(tag_count(f), 0);
        check(f, store_apply(f->store, apply_tag, NULL, false, &f->error));
        assert_int_equal(tag_count(f), 1);
        check(f, store_apply(f->store, apply_unregister, NULL, false, &f->error));
        assert_int_equal(tag_count(f), 0);
        assert_false(store_apply(f->store, apply_tag, NULL, false, &f->error));
    }
}

/* --- policies --- */

static bool apply_put(struct db *db, void *argument, struct error *error)
{
    static const struct tag tags[] = {{STR("ENV"), STR("test")}, {STR("env"), STR("prod")}};
    (void)argument;
    return tags_put(db, &memory, tags, 2, error);
}

/* As the model's decoder makes these members; other JSON with their names is ignored. */
static void as_decoded(struct value *input)
{
    struct value *tags = (struct value *)value_get(input, "tags");
    struct value *keys = (struct value *)value_get(input, "tagKeys");
    if (tags)
        tags->kind = VALUE_MAP;
    if (keys)
        keys->shape = &api_shapes[API_SHAPE_TagKeyList];
}

static enum policy_answer answer_of(struct fixture *f, const char *text, const char *input)
{
    struct api_request request = request_in(&f->arena);
    const struct policy *policy;
    struct policy_question question = {.action = STR("appflow:X"), .resource = STR("*")};
    struct policy_fact *facts;
    request.reader = f->reader;
    check(f, policy_read(str_from(text), &f->arena, &policy, &f->error));
    check(f, json_parse(str_from(input), &f->arena, &request.input));
    as_decoded(request.input);
    check(f, tag_facts(&request, policy, &facts, &question.fact_count));
    question.facts = facts;
    return policy_ask(policy, &question);
}

#define POLICY(effect, condition)                                                                  \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","           \
    "\"Resource\":\"*\"},{\"Effect\":\"" effect "\",\"Action\":\"*\",\"Resource\":\"*\","          \
    "\"Condition\":{" condition "}}]}"
#define DENY(condition) POLICY("Deny", condition)
#define MEMORY "\"connectorLabel\":\"memory\""
#define MEMORY_ARN "\"resourceArn\":\"arn:aws:appflow:eu-central-1:123456789012:connector/memory\""

static const struct {
    const char *policy, *input;
    enum policy_answer answer;
} asked[] = {
    {DENY("\"StringEquals\":{\"aws:RequestTag/team\":\"sales\"}"),
     "{\"tags\":{\"Team\":\"sales\"}}", POLICY_DENIES},
    {DENY("\"StringEquals\":{\"aws:RequestTag/team\":\"sales\"}"), "{\"tags\":{\"team\":\"it\"}}",
     POLICY_ALLOWS},
    {DENY("\"Null\":{\"aws:RequestTag/team\":\"true\"}"), "{\"tags\":{\"env\":\"x\"}}",
     POLICY_DENIES},
    {DENY("\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"owner\"]}"),
     "{\"tags\":{\"env\":\"x\",\"owner\":\"y\"}}", POLICY_DENIES},
    {DENY("\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"owner\"]}"),
     "{\"tagKeys\":[\"env\",\"owner\"]}", POLICY_DENIES},
    {DENY("\"ForAnyValue:StringEquals\":{\"aws:TagKeys\":[\"owner\"]}"), "{\"tagKeys\":[\"env\"]}",
     POLICY_ALLOWS},
    /* Of two tags that differ in case only, neither hides the other. */
    {DENY("\"StringEquals\":{\"aws:ResourceTag/Env\":\"prod\"}"), "{" MEMORY "}", POLICY_DENIES},
    {DENY("\"StringEquals\":{\"aws:ResourceTag/Env\":\"test\"}"), "{" MEMORY_ARN "}",
     POLICY_DENIES},
    {DENY("\"StringEquals\":{\"aws:ResourceTag/Env\":\"prod\"}"), "{\"connectorLabel\":\"other\"}",
     POLICY_ALLOWS},
    {DENY("\"StringEquals\":{\"aws:ResourceTag/Env\":\"prod\"}"), "{\"flowName\":\"memory\"}",
     POLICY_ALLOWS},
    {DENY("\"StringEquals\":{\"aws:ResourceTag/Env\":\"prod\"}"), "{}", POLICY_ALLOWS},
};

static void policies_know_of_tags(void **state)
{
    struct fixture *f = *state;
    check(f, store_apply(f->store, apply_put, NULL, false, &f->error));
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        if (answer_of(f, asked[i].policy, asked[i].input) != asked[i].answer)
            fail_msg("%s about %s", asked[i].policy, asked[i].input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(an_arn_is_read),
        test_with_store(other_arns_are_refused),
        test_with_store(what_does_not_exist_is_not_found),
        test_with_store(tags_end_with_their_connector),
        test_with_store(policies_know_of_tags),
    };
    return cmocka_run_group_tests_name("tagged-resource", tests, NULL, NULL);
}
