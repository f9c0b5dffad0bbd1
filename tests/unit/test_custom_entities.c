/* Entities of a registered connector: each call to its function byte for byte, pages, cache times,
 * renewed tokens, and answers that do not keep to the contract. */
#include "custom_fixture.h"
#include "function_script.h"

#include "connector/custom/contract.h"

#include <stdio.h>
#include <string.h>

#define CONTEXT(version, type)                                                                     \
    "\"connectorContext\":{\"connectorRuntimeSettings\":{" URL_SETTING                             \
    "},\"credentials\":{\"secretArn\":\"" SCRIPT_SECRET_ARN                                        \
    ":copy\",\"authenticationType\":\"" type "\"},\"apiVersion\":\"" version                       \
    "\",\"connectorProfileLabel\":\"p\"}"
#define LIST_REQUEST(version, type, path, token)                                                   \
    "{\"type\":\"ListEntitiesRequest\"," CONTEXT(version, type) path ",\"maxResult\":1000" token "}"
#define FIRST LIST_REQUEST("v2", "BasicAuth", "", "")
#define NEXT(token) LIST_REQUEST("v2", "BasicAuth", "", ",\"nextToken\":\"" token "\"")
#define DESCRIBE_REQUEST                                                                           \
    "{\"type\":\"DescribeEntityRequest\",\"entityIdentifier\":\"Book\"," CONTEXT("v2",             \
                                                                                 "BasicAuth") "}"
#define BASIC_SECRET "{\"username\":\"u\",\"password\":\"p4ss\"}"
#define ENTITY(name, nested) "{\"entityIdentifier\":\"" name "\",\"hasNestedEntities\":" nested "}"
#define ENTITIES(rows, more) "{\"isSuccess\":true,\"entities\":[" rows "]" more "}"
#define TOKEN(token) ",\"nextToken\":\"" token "\""
#define KEPT(time, unit)                                                                           \
    ",\"cacheControl\":{\"timeToLive\":" time ",\"timeToLiveUnit\":\"" unit "\"}"
#define ERROR(members) "{\"isSuccess\":false,\"errorDetails\":{" members "}}"
#define REFUSED ERROR("\"errorCode\":\"InvalidCredentials\",\"errorMessage\":\"expired\"")

static struct entity_list list;
static size_t placed_new; /* secrets that were not committed */

static bool list_with(const char *credentials, const char *properties, const char *within,
                      const struct function_step *calls, size_t count)
{
    struct function_script function = function_script_new(calls, count);
    script.functions = &function.runner;
    bool listed = script_list(&script, connector_of(usual), properties_of(properties),
                              credentials_of(credentials), within, &list);
    assert_int_equal(function.next, function.count);
    placed_new = function.placed_new;
    return listed;
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define LISTED(calls) list_with(BASIC, SETTINGS(URL_SETTING), NULL, calls, COUNT(calls))

static void pages_are_followed_to_the_last(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {FIRST, BASIC_SECRET,
         .answer = ENTITIES(ENTITY("b", "false") "," ENTITY("a", "true"), TOKEN("1"))},
        {NEXT("1"), BASIC_SECRET, .answer = ENTITIES("", TOKEN("2"))},
        {NEXT("2"), BASIC_SECRET,
         .answer = ENTITIES("{\"entityIdentifier\":\"c\",\"label\":\"See\",\"isWritable\":null,"
                            "\"hasNestedEntities\":false}",
                            ",\"nextToken\":null")},
    };
    assert_true(LISTED(calls));
    assert_int_equal(list.count, 3);
    assert_int_equal(list.kept_s, 0);
    assert_str(list.rows[0].name, "a");
    assert_true(list.rows[0].nested);
    assert_str(list.rows[0].label, "a");
    assert_str(list.rows[2].label, "See");
    assert_str(list.rows[2].group, "Objects");
}

static void nested_entities_are_asked_for_by_path(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {LIST_REQUEST("v1", "BasicAuth", ",\"entitiesPath\":\"a/b\"", ""), BASIC_SECRET,
         .answer = ENTITIES(ENTITY("a/b/c", "false"), "")},
    };
    script.api_version = "v1";
    assert_true(list_with(BASIC, SETTINGS(URL_SETTING), "a/b", calls, COUNT(calls)));
    assert_str(list.rows[0].name, "a/b/c");
}

static void the_shortest_cache_time_counts_from_ten_minutes(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {FIRST, BASIC_SECRET, .answer = ENTITIES("", TOKEN("1") KEPT("2", "HOURS"))},
        {NEXT("1"), BASIC_SECRET, .answer = ENTITIES("", TOKEN("2") KEPT("20", "MINUTES"))},
        {NEXT("2"), BASIC_SECRET, .answer = ENTITIES("", "")},
    };
    static const struct function_step short_call[] = {
        {FIRST, BASIC_SECRET, .answer = ENTITIES("", KEPT("1", "SECONDS"))},
    };
    assert_true(LISTED(calls));
    assert_int_equal(list.kept_s, 20 * 60);
    assert_true(LISTED(short_call));
    assert_int_equal(list.kept_s, 600);
}

static void a_token_that_comes_again_ends_in_an_error(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {FIRST, BASIC_SECRET, .answer = ENTITIES("", TOKEN("1"))},
        {NEXT("1"), BASIC_SECRET, .answer = ENTITIES("", TOKEN("2"))},
        {NEXT("2"), BASIC_SECRET, .answer = ENTITIES("", TOKEN("1"))},
    };
    assert_false(LISTED(calls));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "/nextToken: a page has the token of a page before it, so that the pages never "
                   "end");
}

/* --- a function that makes new pages for ever --- */

struct endless {
    struct function_runner runner; /* first */
    int calls;
};

static void invoke_endless(struct function_runner *runner, const struct function_call *call,
                           struct arena *arena, struct function_answer *ret_answer)
{
    struct endless *endless = (struct endless *)runner;
    (void)call;
    *ret_answer = (struct function_answer){
        .payload = arena_printf(arena, ENTITIES("", TOKEN("%d")), endless->calls++)};
}

static void endless_pages_end_in_an_error(void **state)
{
    (void)state;
    static const struct function_runner_ops ops = {.knows = function_script_knows,
                                                   .invoke = invoke_endless};
    struct endless endless = {.runner = {.ops = &ops}};
    script.functions = &endless.runner;
    assert_false(script_list(&script, connector_of(usual), properties_of(SETTINGS(URL_SETTING)),
                             credentials_of(BASIC), NULL, &list));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "there are more pages than this server takes of one list");
    assert_int_equal(endless.calls, ENTITY_PAGES_MAX);
}

/* --- refusals and faults --- */

static void faults_are_named_by_their_place(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {FIRST, BASIC_SECRET,
         .answer = ENTITIES("{\"entityIdentifier\":7}", ",\"cacheControl\":[]")},
    };
    assert_false(LISTED(calls));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the answer of ListEntities does not keep to the contract of connectors: "
                   "/entities/0/entityIdentifier: expected a string of at most 512 bytes, found a "
                   "number; "
                   "/entities/0/hasNestedEntities: expected a boolean, found nothing; "
                   "/cacheControl: expected an object, found a list of 0");
    assert_str(script.verdict.hint, "`headgate connector test` shows what the function answers.");
}

static void an_entity_that_does_not_exist_is_absent(void **state)
{
    (void)state;
    static const struct function_step nested[] = {
        {LIST_REQUEST("v2", "BasicAuth", ",\"entitiesPath\":\"x\"", ""), BASIC_SECRET,
         .answer = ERROR("\"errorCode\":\"ResourceNotFoundError\",\"errorMessage\":\"no x\"")},
    };
    static const struct function_step outermost[] = {
        {FIRST, BASIC_SECRET,
         .answer = ERROR("\"errorCode\":\"ResourceNotFoundError\",\"errorMessage\":\"none\"")},
    };
    assert_false(list_with(BASIC, SETTINGS(URL_SETTING), "x", nested, COUNT(nested)));
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 0, "ResourceNotFoundError: no x");
    assert_false(LISTED(outermost));
    assert_verdict(&script, VERDICT_MISCONFIGURED, STEP_API, 0, "ResourceNotFoundError: none");
}

static void a_refusal_and_a_time_limit_are_verdicts(void **state)
{
    (void)state;
    static const struct function_step refused[] = {
        {FIRST, BASIC_SECRET,
         .answer = ERROR("\"errorCode\":\"AccessDenied\",\"errorMessage\":\"p4ss may not\"")},
    };
    static const struct function_step late[] = {
        {FIRST, BASIC_SECRET, .answer = "It did not answer in time.",
         .outcome = FUNCTION_TIMED_OUT},
    };
    assert_false(LISTED(refused));
    assert_verdict(&script, VERDICT_FORBIDDEN, STEP_API, 0, "AccessDenied: [removed] may not");
    assert_false(LISTED(late));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0, "It did not answer in time.");
}

/* --- OAuth 2 --- */

#define OAUTH_LIST(token) LIST_REQUEST("v2", "OAuth2", "", token)

/* The pages are listed anew with the new token. */
static void a_refused_token_is_renewed_and_the_list_begins_anew(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {OAUTH_LIST(""), "{\"accessToken\":\"st4le\",\"refreshToken\":\"r3fr3sh\"}",
         .answer = ENTITIES(ENTITY("a", "false"), TOKEN("1"))},
        {OAUTH_LIST(TOKEN("1")), "{\"accessToken\":\"st4le\",\"refreshToken\":\"r3fr3sh\"}",
         .answer = REFUSED},
        {OAUTH_LIST(""), "{\"accessToken\":\"fr3sh\",\"refreshToken\":\"r0tated\"}",
         .answer = ENTITIES(ENTITY("b", "false"), "")},
    };
    static const struct scripted steps[] = {
        {NULL, 200,
         .body = "{\"access_token\":\"fr3sh\",\"token_type\":\"Bearer\","
                 "\"refresh_token\":\"r0tated\"}"},
    };
    script.steps = steps;
    script.count = COUNT(steps);
    assert_true(list_with(OAUTH2(APP ",\"accessToken\":\"st4le\",\"refreshToken\":\"r3fr3sh\""),
                          AT(TOKEN_URL, "AUTHORIZATION_CODE", AUDIENCE), NULL, calls,
                          COUNT(calls)));
    assert_int_equal(list.count, 1);
    assert_str(list.rows[0].name, "b");
    assert_str(script.tokens.access_token, "fr3sh");
    assert_str(script.tokens.refresh_token, "r0tated");
    assert_int_equal(placed_new,
                     1); /* the stored ones' copy stays as it is until these are stored */
}

static void a_token_that_stays_refused_is_renewed_as_long_as_a_grant_is_left(void **state)
{
    (void)state;
    static const struct function_step calls[] = {
        {OAUTH_LIST(""), "{\"accessToken\":\"st4le\"}", .answer = REFUSED},
        {OAUTH_LIST(""), "{\"accessToken\":\"fr3sh\"}", .answer = REFUSED},
    };
    static const struct scripted steps[] = {
        {NULL, 200, .body = "{\"access_token\":\"fr3sh\",\"token_type\":\"Bearer\"}"},
    };
    script.steps = steps;
    script.count = COUNT(steps);
    assert_false(list_with(OAUTH2(APP ",\"accessToken\":\"st4le\""),
                           AT(TOKEN_URL, "CLIENT_CREDENTIALS", AUDIENCE), NULL, calls,
                           COUNT(calls)));
    assert_verdict(&script, VERDICT_REJECTED, STEP_API, 0, "InvalidCredentials: expired");
}

/* --- fields --- */

static struct str fields;

static bool describe(const char *answer)
{
    const struct function_step calls[] = {{DESCRIBE_REQUEST, BASIC_SECRET, .answer = answer}};
    struct function_script function = function_script_new(calls, 1);
    script.functions = &function.runner;
    bool described =
        script_describe(&script, connector_of(usual), properties_of(SETTINGS(URL_SETTING)),
                        credentials_of(BASIC), "Book", &fields);
    assert_int_equal(function.next, 1);
    return described;
}

#define DEFINITION(rows)                                                                           \
    "{\"isSuccess\":true,\"entityDefinition\":{\"entity\":" ENTITY(                                \
        "Book", "false") ",\"fields\":[" rows "]}" KEPT("3", "DAYS") "}"

static void a_field_is_as_the_connector_gives_it(void **state)
{
    (void)state;
    static const char answer[] = DEFINITION(
        "{\"fieldName\":\"id\",\"dataType\":\"Long\",\"dataTypeLabel\":\"number\",\"label\":\"Id\","
        "\"description\":\"The number\",\"isPrimaryKey\":true,\"defaultValue\":\"1\","
        "\"isDeprecated\":true,\"constraints\":{\"allowedLengthRange\":{\"minRange\":1,"
        "\"maxRange\":2.5},\"allowedValueRange\":{\"minRange\":0,\"maxRange\":9},"
        "\"allowedValues\":[\"1\",\"2\"],\"allowedValuesRegexPattern\":\"[0-9]\","
        "\"allowedDateFormat\":\"y\"},\"readProperties\":{\"isRetrievable\":true,\"isQueryable\":"
        "true},\"writeProperties\":{\"isCreatable\":true,\"isNullable\":null,"
        "\"supportedWriteOperations\":[\"UPDATE\"]},\"filterOperators\":[\"EQUAL_TO\"],"
        "\"customProperties\":{\"unit\":\"cm\",\"depth\":3}}");
    assert_true(describe(answer));
    assert_str(fields,
               "{\"identifier\":\"id\",\"label\":\"Id\",\"isPrimaryKey\":true,\"defaultValue\":"
               "\"1\",\"isDeprecated\":true,\"supportedFieldTypeDetails\":{\"v1\":{\"fieldType\":"
               "\"Long\",\"filterOperators\":[\"EQUAL_TO\"],\"supportedValues\":[\"1\",\"2\"],"
               "\"valueRegexPattern\":\"[0-9]\",\"supportedDateFormat\":\"y\",\"fieldValueRange\":"
               "{\"maximum\":9,\"minimum\":0},\"fieldLengthRange\":{\"maximum\":2.5,\"minimum\":1}"
               "}},\"description\":\"The number\",\"sourceProperties\":{\"isRetrievable\":true,"
               "\"isQueryable\":true,\"isTimestampFieldForIncrementalQueries\":false},"
               "\"destinationProperties\":{\"isCreatable\":true,\"isNullable\":false,"
               "\"isUpsertable\":false,\"isUpdatable\":false,\"isDefaultedOnCreate\":false,"
               "\"supportedWriteOperations\":[\"UPDATE\"]},\"customProperties\":{\"unit\":\"cm\"}"
               "}");
    assert_int_equal(script.kept_s, 3 * 24 * 60 * 60);
}

static void what_a_field_does_not_say_is_left_out_or_follows_from_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *type, *operators;
    } rows[] = {
        {"Short", "\"NOT_EQUAL_TO\",\"EQUAL_TO\",\"LESS_THAN\",\"LESS_THAN_OR_EQUAL_TO\","
                  "\"GREATER_THAN\",\"GREATER_THAN_OR_EQUAL_TO\""},
        {"DateTime", "\"EQUAL_TO\",\"LESS_THAN\",\"LESS_THAN_OR_EQUAL_TO\",\"GREATER_THAN\","
                     "\"GREATER_THAN_OR_EQUAL_TO\",\"BETWEEN\""},
        {"String", "\"CONTAINS\",\"EQUAL_TO\",\"NOT_EQUAL_TO\""},
        {"Boolean", "\"EQUAL_TO\",\"NOT_EQUAL_TO\""},
        {"Map", "\"CONTAINS\""},
        {"Struct", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char answer[1024], expected[1024];
        snprintf(answer, sizeof(answer), DEFINITION("{\"fieldName\":\"f\",\"dataType\":\"%s\"}"),
                 rows[i].type);
        snprintf(expected, sizeof(expected),
                 "{\"identifier\":\"f\",\"label\":\"f\",\"isPrimaryKey\":false,\"isDeprecated\":"
                 "false,\"supportedFieldTypeDetails\":{\"v1\":{\"fieldType\":\"%s\","
                 "\"filterOperators\":[%s],\"supportedValues\":[]}},\"description\":\"f\"}",
                 rows[i].type, rows[i].operators);
        assert_true(describe(answer));
        assert_str(fields, expected);
    }
}

/* A list of countries; a label of 50 characters that are three bytes each; texts that the API's
 * CustomProperties have no place for. */
static void long_members_of_a_field_are_as_the_api_has_them(void **state)
{
    (void)state;
    struct buf answer = buf_in(&script.arena, 64 * 1024);
    buf_add_cstr(&answer, "{\"isSuccess\":true,\"entityDefinition\":{\"entity\":" ENTITY(
                              "Book", "false") ",\"fields\":[{\"fieldName\":\"f\",\"dataType\":"
                                               "\"String\",\"label\":\"");
    for (int i = 0; i < 50; i++)
        buf_add_cstr(&answer, "\u8a9e");
    buf_add_cstr(&answer, "\",\"constraints\":{\"allowedValues\":[\"v0\"");
    for (int i = 1; i < 249; i++)
        buf_printf(&answer, ",\"v%d\"", i);
    buf_add_cstr(&answer, "]},\"customProperties\":{\"kept\":\"k\",\"long\":\"");
    for (int i = 0; i < 2049; i++)
        buf_add_cstr(&answer, "x");
    buf_add_cstr(&answer, "\"}}]}}");
    assert_false(answer.overflow);
    assert_true(describe(arena_cstr(&script.arena, buf_str(&answer))));
    assert_true(str_contains(fields, STR("\u8a9e\u8a9e\",\"isPrimaryKey\"")));
    assert_true(str_contains(fields, STR(",\"v248\"]")));
    assert_true(str_contains(fields, STR("\"customProperties\":{\"kept\":\"k\"}")));
}

static void faults_of_a_field_are_named_by_their_place(void **state)
{
    (void)state;
    assert_false(describe(DEFINITION("{\"fieldName\":\"f\",\"dataType\":\"text\"}")));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the answer of DescribeEntity does not keep to the contract of connectors: "
                   "/entityDefinition/fields/0/dataType: expected one of String, Integer, Float, "
                   "Double, Long, Short, BigInteger, BigDecimal, ByteArray, Boolean, Date, "
                   "DateTime, Struct, Map, List, found \"text\"");
    assert_false(describe("{\"isSuccess\":true}"));
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "the answer of DescribeEntity does not keep to the contract of connectors: "
                   "/entityDefinition: expected an object, found nothing");
    assert_false(describe(ERROR("\"errorCode\":\"ResourceNotFoundError\"")));
    assert_verdict(&script, VERDICT_ABSENT, STEP_API, 0, "ResourceNotFoundError");
}

/* Salesforce allows 800 fields of the user's own; each has all members of the SDK for Python. */
static void an_entity_may_have_thousands_of_fields(void **state)
{
    (void)state;
    static const char field[] =
        "{\"fieldName\":\"f%d\",\"dataType\":\"String\",\"dataTypeLabel\":\"string\",\"label\":"
        "\"l\",\"description\":null,\"isPrimaryKey\":false,\"defaultValue\":null,\"isDeprecated\":"
        "null,\"constraints\":null,\"readProperties\":{\"isRetrievable\":true,\"isNullable\":null,"
        "\"isQueryable\":true,\"isTimestampFieldForIncrementalQueries\":null},\"writeProperties\":"
        "{\"isCreatable\":true,\"isUpdatable\":true,\"isNullable\":true,\"isUpsertable\":null,"
        "\"isDefaultedOnCreate\":true,\"supportedWriteOperations\":[]},\"filterOperators\":["
        "\"CONTAINS\",\"EQUAL_TO\",\"NOT_EQUAL_TO\"],\"customProperties\":null}";
    for (int count = ENTITY_FIELDS_MAX; count <= ENTITY_FIELDS_MAX + 1; count++) {
        struct buf answer = buf_in(&script.arena, FUNCTION_PAYLOAD_MAX);
        buf_add_cstr(&answer, "{\"isSuccess\":true,\"entityDefinition\":{\"entity\":" ENTITY(
                                  "Book", "false") ",\"fields\":[");
        for (int i = 0; i < count; i++) {
            buf_add_cstr(&answer, i > 0 ? "," : "");
            buf_printf(&answer, field, i);
        }
        buf_add_cstr(&answer, "]}}");
        assert_false(answer.overflow);
        assert_int_equal(describe(answer.data), count == ENTITY_FIELDS_MAX);
    }
    assert_verdict(&script, VERDICT_UNREACHABLE, STEP_API, 0,
                   "there are more fields than this server takes of one list");
}

/* --- the API version --- */

static void only_declared_versions_may_be_asked_for(void **state)
{
    (void)state;
    const struct connector *connector = connector_of(usual);
    struct target target = {.connector = connector, .arena = &script.arena};
    struct error error = {0};
    assert_true(connector->ops->check_query(&target, &(struct entity_query){0}, &error));
    assert_true(connector->ops->check_query(
        &target, &(struct entity_query){.api_version = STR("v1")}, &error));
    assert_false(connector->ops->check_query(
        &target, &(struct entity_query){.api_version = STR("v")}, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
    assert_string_equal(error.message,
                        "Validation exception: connector Own does not declare apiVersion v. "
                        "supportedApiVersions of DescribeConnector has those that it does.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_followed_to_the_last),
        TEST(nested_entities_are_asked_for_by_path),
        TEST(the_shortest_cache_time_counts_from_ten_minutes),
        TEST(a_token_that_comes_again_ends_in_an_error),
        TEST(endless_pages_end_in_an_error),
        TEST(faults_are_named_by_their_place),
        TEST(an_entity_that_does_not_exist_is_absent),
        TEST(a_refusal_and_a_time_limit_are_verdicts),
        TEST(a_refused_token_is_renewed_and_the_list_begins_anew),
        TEST(a_token_that_stays_refused_is_renewed_as_long_as_a_grant_is_left),
        TEST(a_field_is_as_the_connector_gives_it),
        TEST(what_a_field_does_not_say_is_left_out_or_follows_from_its_type),
        TEST(long_members_of_a_field_are_as_the_api_has_them),
        TEST(faults_of_a_field_are_named_by_their_place),
        TEST(an_entity_may_have_thousands_of_fields),
        TEST(only_declared_versions_may_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
