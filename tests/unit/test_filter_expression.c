/* Filters in the language of filterExpression: what is said, and what is left to the flow. */
#include "cmocka_all.h"

#include "connector/custom/filter_expression.h"
#include "wire/json_value.h"

#include <stdlib.h>
#include <string.h>

static struct arena arena;

#define FIELD(name, type, more)                                                                    \
    "{\"fieldName\":\"" name "\",\"dataType\":\"" type                                             \
    "\",\"readProperties\":{\"isQueryable\":true}" more "}"
static const char fields[] =
    "{\"fields\":[" FIELD("s", "String", "") "," FIELD("i", "Integer", "") "," FIELD(
        "d", "Double", "") "," FIELD("b", "Boolean", "") "," FIELD("day", "Date", "") ","       //
    FIELD("t", "DateTime", "") "," FIELD("f", "Float", "") "," FIELD("m", "Map", "") ","        //
    FIELD("a.b-c_1", "String", "") "," FIELD("1a", "String", "") "," FIELD("x y", "String", "") //
    "," FIELD("Limit", "String", "") "," FIELD("null", "String", "") ","                        //
    FIELD("equal", "Integer", ",\"filterOperators\":[\"EQUAL_TO\"]") "," FIELD(
        "range", "Integer", ",\"filterOperators\":[\"BETWEEN\"]") ","
                                                                  "{\"fieldName\":\"hidden\","
                                                                  "\"dataType\":\"String\"}]}";

static const struct value *definition(void)
{
    struct value *value;
    assert_true(json_parse(str_from(fields), &arena, &value));
    return value;
}

static struct str expression_of(const struct read_filter *filters, size_t count)
{
    const struct read_query query = {.filters = filters, .filter_count = count};
    return custom_filter_expression(&arena, definition(), &query);
}

struct said {
    const char *field, *operation, *type;
    const char *values[4];
    const char *expression; /* NULL: it is not said */
};

static struct read_filter filter_of(const struct said *said)
{
    struct str *values = arena_array(&arena, struct str, 4);
    size_t count = 0;
    while (count < 4 && said->values[count]) {
        values[count] = str_from(said->values[count]);
        count++;
    }
    return (struct read_filter){.field = str_from(said->field),
                                .operation = str_from(said->operation),
                                .type = str_from(said->type),
                                .values = values,
                                .value_count = count};
}

static void check(const struct said *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct read_filter filter = filter_of(&rows[i]);
        struct str text = expression_of(&filter, 1);
        const char *found = text.data ? arena_cstr(&arena, text) : "nothing";
        const char *expected = rows[i].expression ? rows[i].expression : "nothing";
        if (strcmp(found, expected) != 0)
            fail_msg("row %zu (%s %s): %s, not %s", i, rows[i].field, rows[i].operation, found,
                     expected);
    }
    arena_done(&arena);
}

#define CHECK(rows) check((rows), sizeof(rows) / sizeof(*(rows)))

static void texts(void **state)
{
    (void)state;
    static const struct said rows[] = {
        {"s", "EQUAL_TO", "string", {"a b"}, "s = 'a b'"},
        {"s", "EQUAL_TO", "String", {"a \"b\" \u00e9"}, "s = 'a \"b\" \u00e9'"},
        {"s", "EQUAL_TO", "string", {"a", "b", "null"}, "(s = 'a' or s = 'b' or s = 'null')"},
        {"s", "EQUAL_TO", "string", {"a' or s = '"}, NULL},
        {"s", "EQUAL_TO", "string", {"a\\"}, NULL},
        {"s", "EQUAL_TO", "string", {"a\nb"}, NULL},
        {"s", "EQUAL_TO", "string", {"a\x7f"}, NULL},
        {"s", "EQUAL_TO", "string", {"a\xff"}, NULL},
        {"s", "EQUAL_TO", "string", {""}, NULL},
        {"s", "EQUAL_TO", "string", {"a", "b\\"}, NULL},
        {"s", "EQUAL_TO", NULL, {"5"}, NULL},
        {"s", "EQUAL_TO", "integer", {"5"}, NULL},
        {"s", "CONTAINS", "string", {"a-b_c \u00e9"}, "s contains 'a-b_c \u00e9'"},
        {"s", "CONTAINS", "string", {"a", "b"}, "(s contains 'a' or s contains 'b')"},
        {"s", "CONTAINS", "string", {"50%"}, NULL},
        {"s", "CONTAINS", "string", {"[a]"}, NULL},
        {"s", "NOT_EQUAL_TO", "string", {"a"}, NULL},
        {"s", "GREATER_THAN", "string", {"a"}, NULL},
        {"m", "CONTAINS", "string", {"a"}, NULL},
    };
    CHECK(rows);
}

static void numbers_and_flags(void **state)
{
    (void)state;
    static const struct said rows[] = {
        {"i", "GREATER_THAN", "integer", {"-5"}, "i > -5"},
        {"i", "LESS_THAN_OR_EQUAL_TO", "long", {"1234567890123456789"}, "i <= 1234567890123456789"},
        {"i", "EQUAL_TO", "double", {"1", "2"}, "(i = 1 or i = 2)"},
        {"i", "EQUAL_TO", "integer", {"1.5"}, NULL},
        {"i", "EQUAL_TO", "integer", {"1 or 1 = 1"}, NULL},
        {"i", "EQUAL_TO", "integer", {"-"}, NULL},
        {"i", "EQUAL_TO", "integer", {""}, NULL},
        {"i", "EQUAL_TO", "string", {"1"}, NULL},
        {"i", "EQUAL_TO", NULL, {"1"}, NULL},
        {"i", "NOT_EQUAL_TO", "integer", {"1"}, NULL},
        {"i", "BETWEEN", "integer", {"1", "5"}, NULL},
        {"d", "LESS_THAN", "double", {"0.25"}, "d < 0.25"},
        {"d", "LESS_THAN", "double", {"0.30000000000000001"}, NULL},
        {"d", "LESS_THAN", "double", {".25"}, NULL},
        {"d", "LESS_THAN", "double", {"1."}, NULL},
        {"d", "LESS_THAN", "double", {"1e5"}, NULL},
        {"f", "LESS_THAN", "float", {"0.3"}, NULL},
        {"b", "EQUAL_TO", "boolean", {"TRUE"}, "b = true"},
        {"b", "EQUAL_TO", "boolean", {"yes"}, NULL},
    };
    CHECK(rows);
}

/* 1704067200000 is 2024-01-01T00:00:00Z. */
static void times_are_rounded_so_that_more_is_let_through(void **state)
{
    (void)state;
    static const struct said rows[] = {
        {"t", "GREATER_THAN", "datetime", {"1704067200001"}, "t > 2024-01-01T00:00:00.001Z"},
        {"t", "EQUAL_TO", "datetime", {"1704067200000"}, "t = 2024-01-01T00:00:00.000Z"},
        {"t",
         "BETWEEN",
         "datetime",
         {"1704067200500", "2024-01-02T00:00:00.0001Z"},
         "t > 2024-01-01T00:00:00.500Z and t < 2024-01-02T00:00:00.001Z"},
        {"t",
         "LESS_THAN",
         "datetime",
         {"2024-01-01T01:00:00+01:00"},
         "t < 2024-01-01T00:00:00.001Z"},
        {"t", "LESS_THAN", "datetime", {"yesterday"}, NULL},
        {"t", "LESS_THAN", "datetime", {"253402300800000"}, NULL},
        {"t", "LESS_THAN", "string", {"1704067200000"}, NULL},
        {"t", "LESS_THAN", NULL, {"1704067200000"}, NULL},
        {"day", "EQUAL_TO", "date", {"1704067200000"}, "day = 2024-01-01"},
        {"day", "EQUAL_TO", "date", {"1704067201000"}, NULL},
        {"day", "GREATER_THAN", "datetime", {"1704067201000"}, "day > 2024-01-01"},
        {"day", "LESS_THAN", "date", {"1704067201000"}, "day < 2024-01-02"},
    };
    CHECK(rows);
}

static void fields_and_operators_are_those_that_are_declared(void **state)
{
    (void)state;
    static const struct said rows[] = {
        {"a.b-c_1", "EQUAL_TO", "string", {"a"}, "a.b-c_1 = 'a'"},
        {"1a", "EQUAL_TO", "string", {"a"}, NULL},
        {"x y", "EQUAL_TO", "string", {"a"}, NULL},
        {"Limit", "EQUAL_TO", "string", {"a"}, NULL},
        {"null", "EQUAL_TO", "string", {"a"}, NULL},
        {"hidden", "EQUAL_TO", "string", {"a"}, NULL},
        {"unknown", "EQUAL_TO", "string", {"a"}, NULL},
        {"equal", "EQUAL_TO", "integer", {"1"}, "equal = 1"},
        {"equal", "GREATER_THAN", "integer", {"1"}, NULL},
        {"i", "MODULO", "integer", {"1"}, NULL},
        {"t", "BETWEEN", "datetime", {"1704067200000"}, NULL},
        {"range", "BETWEEN", "integer", {"1", "5"}, NULL},
        {"i", "EQUAL_TO", "integer", {NULL}, NULL},
    };
    CHECK(rows);
}

static void those_that_can_be_said_are_joined(void **state)
{
    (void)state;
    static const struct said rows[] = {
        {"s", "EQUAL_TO", "string", {"a", "b"}, NULL},
        {"s", "NOT_EQUAL_TO", "string", {"c"}, NULL},
        {"t", "BETWEEN", "datetime", {"0", "1000"}, NULL},
        {"i", "GREATER_THAN", "integer", {"1"}, NULL},
    };
    struct read_filter filters[4];
    for (size_t i = 0; i < 4; i++)
        filters[i] = filter_of(&rows[i]);
    struct str text = expression_of(filters, 4);
    assert_string_equal(arena_cstr(&arena, text),
                        "(s = 'a' or s = 'b') and t > 1970-01-01T00:00:00.000Z and "
                        "t < 1970-01-01T00:00:01.000Z and i > 1");
    assert_null(expression_of(filters, 0).data);
    arena_done(&arena);
}

/* What is past the limit is left to the flow, what fits is said. */
static void an_expression_has_a_limit(void **state)
{
    (void)state;
    enum { LONG = 30 * 1024 };
    char *text = calloc(1, LONG);
    assert_non_null(text);
    memset(text, 'a', LONG);
    const struct str more = {text, 4 * 1024}, longest = {text, LONG};
    const struct read_filter filters[] = {
        {STR("s"), STR("EQUAL_TO"), STR("string"), &longest, 1, STR_NULL},
        {STR("s"), STR("EQUAL_TO"), STR("string"), &more, 1, STR_NULL},
        {STR("i"), STR("EQUAL_TO"), STR("integer"), &(struct str){"1", 1}, 1, STR_NULL},
    };
    assert_int_equal(expression_of(filters, 3).len, LONG + strlen("s = '' and i = 1"));
    free(text);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(numbers_and_flags),
        cmocka_unit_test(times_are_rounded_so_that_more_is_let_through),
        cmocka_unit_test(fields_and_operators_are_those_that_are_declared),
        cmocka_unit_test(those_that_can_be_said_are_joined),
        cmocka_unit_test(an_expression_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
