/* Routes, values, errors and the tables themselves. */
#include "cmocka_all.h"

#include "wire/api_ids.h"
#include "wire/errors.h"
#include "wire/restjson.h"
#include "wire/routes.h"

#include <math.h>
#include <string.h>

static void every_operation_is_routed(void **state)
{
    (void)state;
    assert_int_equal(api_operation_count, 25);
    assert_int_equal(api_shape_count, 415);
    for (size_t i = 0; i < api_operation_count; i++) {
        struct str uri = api_operations[i].uri;
        if (str_contains(uri, STR("{")))
            uri = STR("/tags/arn%3Aaws%3Aappflow%3Aus-east-1%3A111122223333%3Aflow%2Ff1");
        assert_ptr_equal(route_find(api_operations[i].method, uri), &api_operations[i]);
    }
    assert_true(
        str_eq(api_operations[API_OP_UpdateConnectorProfile].name, STR("UpdateConnectorProfile")));
}

static void only_exact_paths_are_routed(void **state)
{
    (void)state;
    static const struct {
        struct str method, target;
        bool is_routed;
    } cases[] = {
        {STR("POST"), STR("/update-connector-profile"), true},
        {STR("POST"), STR("/update-connector-profile?x=1&%zz"), true},
        {STR("GET"), STR("/update-connector-profile"), false},
        {STR("post"), STR("/update-connector-profile"), false},
        {STR("POST"), STR("/update-connector-profile/"), false},
        {STR("POST"), STR("/Update-connector-profile"), false},
        {STR("POST"), STR("//update-connector-profile"), false},
        {STR("POST"), STR("/update%2Dconnector-profile"), false},
        {STR("POST"), STR("/"), false},
        {STR("POST"), STR(""), false},
        {STR("POST"), STR("*"), false},
        {STR("GET"), STR("/tags/"), false},
        {STR("GET"), STR("/tags"), false},
        {STR("GET"), STR("/tags/?a=b"), false},
        {STR("PUT"), STR("/tags/arn"), false},
        {STR("GET"), STR("/tags/arn:aws:appflow:r:1:flow/f"), true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct api_operation *found = route_find(cases[i].method, cases[i].target);
        assert_int_equal(found != NULL, cases[i].is_routed);
    }
}

/* Decodes a request's input and gives it as JSON, or the error's message. */
static const char *input_of(struct arena *arena, const char *method, const char *target,
                            const char *body)
{
    const struct api_operation *operation = route_find(str_from(method), str_from(target));
    struct error error = {0};
    struct value *input;
    assert_non_null(operation);
    if (!route_decode_input(operation, str_from(target), str_from(body), arena, &input, &error))
        return arena_cstr(arena, str_from(error.message));
    struct buf out = buf_in(arena, 10000);
    value_encode(&out, input);
    return out.data;
}

static void tags_take_their_arn_in_both_forms(void **state)
{
    (void)state;
    struct arena arena = {0};
    const char *list = "{\"resourceArn\":\"arn:aws:appflow:us-east-1:111122223333:flow/f1\"}";
    assert_string_equal(input_of(&arena, "GET",
                                 "/tags/arn%3Aaws%3Aappflow%3Aus-east-1%3A111122223333%3Aflow%2Ff1",
                                 ""),
                        list);
    assert_string_equal(
        input_of(&arena, "GET", "/tags/arn:aws:appflow:us-east-1:111122223333:flow/f1?x=y", "junk"),
        list);
    assert_string_equal(input_of(&arena, "GET", "/tags/arn%3", ""),
                        "The request target has a bad percent-encoding.");
    assert_string_equal(input_of(&arena, "GET", "/tags/%FF", ""),
                        "The request target does not encode UTF-8 text.");
    assert_string_equal(input_of(&arena, "GET", "/tags/a%00b", ""),
                        "The request target does not encode UTF-8 text.");
    assert_string_equal(
        input_of(&arena, "GET", "/tags/some", ""),
        "1 validation error detected: Value 'some' at 'resourceArn' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: arn:aws:.*:.*:[0-9]+:.*");
    arena_done(&arena);
}

static void untag_takes_its_keys_from_the_query(void **state)
{
    (void)state;
    struct arena arena = {0};
    const char *path = "/tags/arn:aws:appflow:r:1:flow/f";
#define UNTAG(query) input_of(&arena, "DELETE", arena_printf(&arena, "%s%s", path, query).data, "")
#define KEYS(keys) "{\"resourceArn\":\"arn:aws:appflow:r:1:flow/f\",\"tagKeys\":[" keys "]}"
    assert_string_equal(UNTAG("?tagKeys=a&tagKeys=b"), KEYS("\"a\",\"b\""));
    assert_string_equal(UNTAG("?x=1&tagKeys=a%3Ab&tagkeys=no&&y&tag%4Beys=c+d"),
                        KEYS("\"a:b\",\"c+d\""));
    assert_string_equal(UNTAG(""),
                        "1 validation error detected: Value null at 'tagKeys' failed to satisfy "
                        "constraint: Member must not be null");
    assert_string_equal(UNTAG("?tagKeys="),
                        "1 validation error detected: Value '[]' at 'tagKeys' failed to satisfy "
                        "constraint: Member must satisfy constraint: [Member must have length less "
                        "than or equal to 128, Member must have length greater than or equal to 1, "
                        "Member must satisfy regular expression pattern: "
                        "^(?!aws:)[a-zA-Z+-=._:/]+$]");
    assert_string_equal(UNTAG("?tagKeys=%"), "The request target has a bad percent-encoding.");
#undef UNTAG
#undef KEYS
    arena_done(&arena);
}

static void tagging_joins_path_and_body(void **state)
{
    (void)state;
    struct arena arena = {0};
    const char *target = "/tags/arn:aws:appflow:r:1:flow/f";
    assert_string_equal(
        input_of(&arena, "POST", target, "{\"tags\":{\"b\":\"2\",\"a\":\"\"}}"),
        "{\"resourceArn\":\"arn:aws:appflow:r:1:flow/f\",\"tags\":{\"a\":\"\",\"b\":\"2\"}}");
    /* What belongs to the path is unknown in the body. */
    assert_string_equal(
        input_of(&arena, "POST", target, "{\"resourceArn\":5,\"ResourceARN\":\"x\",\"tags\":{}}"),
        "{\"resourceArn\":\"arn:aws:appflow:r:1:flow/f\",\"tags\":{}}");
    assert_string_equal(input_of(&arena, "POST", target, ""),
                        "The request object must be non-null");
    assert_string_equal(
        input_of(&arena, "POST", "/tags/x", "{\"tags\":null}"),
        "2 validation errors detected: Value 'x' at 'resourceArn' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: "
        "arn:aws:.*:.*:[0-9]+:.*; Value null at 'tags' failed to satisfy "
        "constraint: Member must not be null");
    arena_done(&arena);
}

static void values_are_read_and_built(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct value *list = value_list(&arena);
    for (int i = 0; i < 9; i++)
        value_append(&arena, list, value_string(&arena, STR("x\"\n")));
    struct value *structure = value_structure(&arena);
    value_put_text(&arena, structure, "text", STR("é"));
    value_put_text(&arena, structure, "absent", STR_NULL);
    value_put_text(&arena, structure, "empty", STR(""));
    value_put_time(&arena, structure, "time", 1798761600007);
    value_put_time(&arena, structure, "before", -1);
    value_put_raw(&arena, structure, "raw", STR("{\"a\":[]}"));
    value_put(&arena, structure, "list", list);
    struct buf out = buf_in(&arena, 10000);
    value_encode(&out, structure);
    assert_string_equal(out.data,
                        "{\"text\":\"é\",\"empty\":\"\",\"time\":1798761600.007,\"before\":-0.001,"
                        "\"raw\":{\"a\":[]},\"list\":[\"x\\\"\\n\",\"x\\\"\\n\",\"x\\\"\\n\","
                        "\"x\\\"\\n\",\"x\\\"\\n\",\"x\\\"\\n\",\"x\\\"\\n\",\"x\\\"\\n\","
                        "\"x\\\"\\n\"]}");
    assert_true(str_eq(value_text(structure, "text"), STR("é")));
    assert_null(value_text(structure, "absent").data);
    assert_null(value_text(structure, "list").data);
    assert_int_equal(value_integer(structure, "time", 0), 1798761600007);
    assert_int_equal(value_integer(NULL, "time", 3), 3);
    assert_true(value_flag(structure, "text", true));
    assert_null(value_get(value_get(value_get(structure, "no"), "way"), "out"));
    assert_null(value_get(list, "x"));
    arena_done(&arena);
}

static const char *parsed(struct arena *arena, const char *text)
{
    struct value *value;
    if (!json_parse(str_from(text), arena, &value))
        return "no";
    struct buf out = buf_in(arena, 10000);
    value_encode(&out, value);
    return out.data;
}

static void json_of_no_shape_keeps_its_order(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_string_equal(parsed(&arena, "{\"z\":1,\"a\":[true,null,\"\"],\"n\":null,\"d\":0.1}"),
                        "{\"z\":1,\"a\":[true,null,\"\"],\"d\":0.1}");
    assert_string_equal(parsed(&arena, " \"x\" "), "\"x\"");
    assert_string_equal(parsed(&arena, "null"), "null");
    assert_string_equal(parsed(&arena, "-9223372036854775808"), "-9223372036854775808");
    assert_string_equal(parsed(&arena, "[1e400]"), "no");
    assert_string_equal(parsed(&arena, "[3.141592653589793,1e300,-0.0,100.0]"),
                        "[3.141592653589793,1e+300,0,100]");
    assert_string_equal(parsed(&arena, ""), "no");
    assert_string_equal(parsed(&arena, "{\"a\":1,\"a\":1}"), "no");
    arena_done(&arena);
}

static void each_error_has_its_name_and_status(void **state)
{
    (void)state;
    assert_int_equal(error_kind(ERR_QUOTA)->status, 402);
    assert_string_equal(error_kind(ERR_QUOTA)->exception, "ServiceQuotaExceededException");
    for (int code = ERR_NONE; code < ERR_COUNT; code++) {
        const struct error_kind *kind = error_kind(code);
        assert_non_null(kind->exception);
        assert_true(kind->status >= 400 && kind->status <= 503);
        assert_true(strlen(kind->text) > 10);
        for (int other = ERR_NONE + 1; other < code; other++)
            assert_string_not_equal(kind->exception, error_kind(other)->exception);
    }
    for (int code = ERR_UNRECOGNIZED_CLIENT; code <= ERR_INCOMPLETE_SIGNATURE; code++)
        assert_int_equal(error_kind(code)->status, 403);
    for (int code = ERR_COUNT; code < ERR_SIGNALS_END; code++) {
        const struct error signal = {.code = code, .message = "Only for ourselves."};
        assert_ptr_equal(error_kind(signal.code), error_kind(ERR_INTERNAL));
        assert_true(str_eq(error_message(&signal), str_from(error_kind(ERR_INTERNAL)->text)));
    }
}

/* What of the model's errors an operation has, with the status the model gives each. */
static void the_tables_hold_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_operation_count; i++) {
        const struct api_operation *operation = &api_operations[i];
        assert_true(operation->input < api_shape_count);
        assert_true(operation->error_count >= 2);
        for (size_t e = 0; e < operation->error_count; e++)
            assert_int_not_equal(operation->errors[e], ERR_NONE);
    }
    for (size_t i = 0; i < api_shape_count; i++) {
        const struct shape *shape = &api_shapes[i];
        assert_ptr_equal(shape_by_name(shape->name), shape);
        assert_int_equal(shape->pattern.data != NULL, shape->regex != UINT16_MAX);
        for (size_t m = 0; m < shape->member_count; m++)
            assert_ptr_equal(shape_find_member(shape, shape->members[m].name), &shape->members[m]);
    }
    assert_null(shape_by_name(STR("Nothing")));
    const struct shape *credentials = shape_by_name(STR("ConnectorProfileCredentials"));
    assert_true(str_eq(shape_find_member(credentials, STR("sapodata"))->name, STR("SAPOData")));
    assert_null(shape_find_member(credentials, STR("SAPODat")));
}

/* The model's patterns are Java's, and matched against the whole value. */
static void patterns_mean_what_they_mean_in_java(void **state)
{
    (void)state;
    static const struct {
        struct str value;
        enum api_shape_id shape;
        bool matches;
    } cases[] = {
        {STR(""), API_SHAPE_Label, true},
        {STR("é\t\v\f"), API_SHAPE_Label, true},
        {STR("a\n"), API_SHAPE_Label, false},
        {STR("\n"), API_SHAPE_Label, false},
        {STR("a\r"), API_SHAPE_Label, false},
        {STR("a\xC2\x85"), API_SHAPE_Label, false},
        {STR("a\u2028"), API_SHAPE_Label, false},
        {STR("a\u2029b"), API_SHAPE_Label, false},
        {STR(""), API_SHAPE_Property, false},
        {STR("a\xC2\xA0\u2003"), API_SHAPE_InstanceUrl, true}, /* \S: ASCII blanks only */
        {STR("a b"), API_SHAPE_InstanceUrl, false},
        {STR("a\v"), API_SHAPE_InstanceUrl, false},
        {STR("a\n"), API_SHAPE_InstanceUrl, false},
        {STR("a/b!@#+=.-_9"), API_SHAPE_ConnectorProfileName, true},
        {STR("é"), API_SHAPE_ConnectorProfileName, false}, /* \w: ASCII letters only */
        {STR("a\n"), API_SHAPE_ConnectorProfileName, false},
        {STR("123"), API_SHAPE_ClientNumber, true},
        {STR("123\n"), API_SHAPE_ClientNumber, false},
        {STR("\u0661\u0662\u0663"), API_SHAPE_ClientNumber, false},
        {STR(""), API_SHAPE_LogonLanguage, true},
        {STR("EN\n"), API_SHAPE_LogonLanguage, false},
        {STR(""), API_SHAPE_PrivateLinkServiceName, true},
        {STR("com.amazonaws.vpce.x"), API_SHAPE_PrivateLinkServiceName, true},
        {STR("x com.amazonaws.vpce.x"), API_SHAPE_PrivateLinkServiceName, false},
        {STR("aws:x"), API_SHAPE_TagKey, false},
        {STR("awsx"), API_SHAPE_TagKey, true},
        {STR("\t 😀\uFFFD"), API_SHAPE_GlueDataCatalogDatabaseName, true},
        {STR("\uFFFE"), API_SHAPE_GlueDataCatalogDatabaseName, false},
        {STR("\n"), API_SHAPE_GlueDataCatalogDatabaseName, false},
        {STR("~ x"), API_SHAPE_ClientToken, true},
        {STR("\x7f"), API_SHAPE_ClientToken, false},
        {STR("https://a"), API_SHAPE_TokenUrl, true},
        {STR("https://"), API_SHAPE_TokenUrl, false},
        {STR("xhttps://a"), API_SHAPE_TokenUrl, false},
        {STR("ftp://a"), API_SHAPE_TokenUrl, false},
        {STR("\xFF"), API_SHAPE_InstanceUrl, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bool matches = shape_pattern_matches(&api_shapes[cases[i].shape], cases[i].value);
        if (matches != cases[i].matches)
            print_error("case %zu\n", i);
        assert_int_equal(matches, cases[i].matches);
    }
}

/* Patterns are compiled at first use, which ends the process for one that cannot be. */
static void every_pattern_compiles(void **state)
{
    (void)state;
    size_t patterns = 0;
    for (size_t i = 0; i < api_shape_count; i++) {
        const struct shape *shape = &api_shapes[i];
        if (shape->regex == UINT16_MAX)
            continue;
        shape_pattern_matches(shape, STR("a"));
        patterns++;
    }
    assert_true(patterns > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_compiles),
        cmocka_unit_test(every_operation_is_routed),
        cmocka_unit_test(only_exact_paths_are_routed),
        cmocka_unit_test(tags_take_their_arn_in_both_forms),
        cmocka_unit_test(untag_takes_its_keys_from_the_query),
        cmocka_unit_test(tagging_joins_path_and_body),
        cmocka_unit_test(values_are_read_and_built),
        cmocka_unit_test(json_of_no_shape_keeps_its_order),
        cmocka_unit_test(each_error_has_its_name_and_status),
        cmocka_unit_test(the_tables_hold_together),
        cmocka_unit_test(patterns_mean_what_they_mean_in_java),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
